package github

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf16"

	gh "github.com/google/go-github/v89/github"
)

// maxComment is how many characters GitHub takes in a comment.
const maxComment = 65536

// Marker is the first line of the one comment about an environment of a project.
// It cannot be seen on the page.
func Marker(project, environment string) string {
	return fmt.Sprintf("<!-- cfboot:%s:%s -->", markable(project), markable(environment))
}

// markable leaves nothing in a name that could end the marker.
func markable(s string) string {
	return strings.Map(func(r rune) rune {
		if plain(string(r)) || r == '.' {
			return r
		}
		return '_'
	}, s)
}

// Comment puts body under the marker into the one comment of ours on a pull
// request: the one that is there is changed, and one that says the same already is
// left alone. Where there is none, it is made, unless only is set. What is too long
// is cut, with the address of the run that has the rest. A comment is ours when it
// begins with the marker and we wrote it: anybody can write a marker.
func (c *Client) Comment(ctx context.Context, number int, marker, body, run string, only bool) error {
	text := fit(marker+"\n"+body, run, maxComment)
	there, err := c.ours(ctx, number, marker)
	if err != nil {
		return fmt.Errorf("comments of pull request %d: %w", number, err)
	}
	if there != nil {
		if alike(there.GetBody(), text) {
			return nil
		}
		_, _, err = c.api.Issues.EditComment(ctx, c.owner, c.name, there.GetID(), &gh.IssueComment{Body: &text})
		if status(err) != http.StatusNotFound { // somebody deleted it just now
			return placed(number, err)
		}
	}
	if only {
		return nil
	}
	_, _, err = c.api.Issues.CreateComment(ctx, c.owner, c.name, number, &gh.IssueComment{Body: &text})
	return placed(number, err)
}

func placed(number int, err error) error {
	if err != nil {
		return fmt.Errorf("comment on pull request %d: %w", number, err)
	}
	return nil
}

// alike compares comments as GitHub keeps them, which may be with other line ends.
func alike(a, b string) bool {
	plain := func(s string) string { return strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n")) }
	return plain(a) == plain(b)
}

// ours finds the comment, however many there are before it.
func (c *Client) ours(ctx context.Context, number int, marker string) (*gh.IssueComment, error) {
	page := gh.ListOptions{PerPage: 100}
	for {
		comments, resp, err := c.api.Issues.ListComments(ctx, c.owner, c.name, number, &gh.IssueListCommentsOptions{ListOptions: page})
		if err != nil {
			return nil, err
		}
		for _, one := range comments {
			if !begins(one.GetBody(), marker) {
				continue
			}
			me, err := c.whoami(ctx)
			if err != nil {
				return nil, err
			}
			if me.wrote(one) {
				return one, nil
			}
		}
		if resp.NextPage <= page.Page {
			return nil, nil
		}
		page.Page = resp.NextPage
	}
}

func begins(body, marker string) bool {
	first, _, _ := strings.Cut(body, "\n")
	return strings.TrimSpace(first) == marker
}

// author is who the token is.
type author struct {
	login string
	id    int64
}

// actions is who a workflow's own token is.
var actions = author{login: "github-actions[bot]"}

// whoami asks once who the token is. REST tells no app's token, which a workflow's
// is, its name; GraphQL does. Where it tells nothing, the workflow's own name is
// right for all but tokens of other apps, whose comment is then made anew.
func (c *Client) whoami(ctx context.Context) (author, error) {
	if c.me != nil {
		return *c.me, nil
	}
	var answer struct {
		Data struct {
			Viewer struct {
				Login      string `json:"login"`
				DatabaseID int64  `json:"databaseId"`
			} `json:"viewer"`
		} `json:"data"`
	}
	req, err := c.api.NewRequest(ctx, http.MethodPost, c.graphql, map[string]string{"query": "query { viewer { login databaseId } }"})
	if err != nil {
		return author{}, err
	}
	_, err = c.api.Do(req, &answer)
	if ctx.Err() != nil {
		return author{}, ctx.Err()
	}
	me := author{login: answer.Data.Viewer.Login, id: answer.Data.Viewer.DatabaseID}
	if err != nil || me.login == "" {
		me = actions
	}
	c.me = &me
	return me, nil
}

// wrote compares numbers where they are known: names can change hands.
func (a author) wrote(c *gh.IssueComment) bool {
	if a.id != 0 {
		return c.GetUser().GetID() == a.id
	}
	return c.GetUser().GetLogin() == a.login
}

// fit cuts a Markdown text at the end of a line, so that it has at most so many
// characters together with a last line that says so, and closes what was open.
func fit(text, run string, most int) string {
	if length(text) <= most {
		return text
	}
	note := "\n\n… the rest did not fit in here."
	if run != "" {
		note += " All of it: " + run
	}
	const closers = "\n```\n\n</details>\n\n</details>\n" // the longest that may be needed
	room := most - length(note) - len(closers)
	var b strings.Builder
	used, fence, details := 0, false, 0
	for line := range strings.SplitAfterSeq(text, "\n") {
		if used += length(line); used > room {
			break
		}
		b.WriteString(line)
		if strings.HasPrefix(line, "```") {
			fence = !fence
		}
		if !fence {
			details += strings.Count(line, "<details") - strings.Count(line, "</details>")
		}
	}
	if fence {
		b.WriteString("\n```\n")
	}
	b.WriteString(strings.Repeat("\n</details>\n", max(0, min(details, 2))))
	return b.String() + note
}

// length counts characters as GitHub's languages do, which is never too few.
func length(s string) int { return len(utf16.Encode([]rune(s))) }

package github

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/cfboot/cfboot/e2e/fakegithub"
)

const (
	full = "o/r"
	bot  = "github-actions[bot]"
)

// world is a GitHub with one repository, in which pull request 7 is open, and a
// client of it.
func world(t *testing.T, who fakegithub.Token) (*fakegithub.Server, *Client) {
	t.Helper()
	hub := fakegithub.New()
	hub.AddRepo(full, 42)
	hub.SetPull(full, fakegithub.Pull{Number: 7, State: "open", SHA: "abc"})
	if who.Login == "" {
		who.Login, who.ID = bot, 41898282
	}
	hub.AddToken(secret, who)
	http := httptest.NewServer(hub)
	t.Cleanup(http.Close)
	s := &server{Server: http}
	return hub, s.client(t, nil)
}

var marker = Marker("shop", "pr-7")

func (c *Client) put(t *testing.T, body string) {
	t.Helper()
	if err := c.Comment(t.Context(), 7, marker, body, "https://github.example/run", false); err != nil {
		t.Fatal(err)
	}
}

// There is one comment, however often something is said, and it is written only
// when it says something else.
func TestComment(t *testing.T) {
	hub, c := world(t, fakegithub.Token{})
	c.put(t, "first")
	c.put(t, "second")
	hub.Requests()
	c.put(t, "second")
	for _, r := range hub.Requests() {
		if !strings.HasPrefix(r, "GET ") && r != "POST /graphql" {
			t.Errorf("the same text took %s", r)
		}
	}
	got := hub.Comments(full, 7)
	if len(got) != 1 || got[0].Body != marker+"\nsecond" || got[0].Edits != 1 {
		t.Errorf("comments: %+v", got)
	}
	// Another environment, and another project in the same repository, has its own.
	for _, m := range []string{Marker("shop", "staging"), Marker("api", "pr-7")} {
		if err := c.Comment(t.Context(), 7, m, "mine", "", false); err != nil {
			t.Fatal(err)
		}
	}
	if got := hub.Comments(full, 7); len(got) != 3 {
		t.Errorf("%d comments, want 3", len(got))
	}
}

// The comment is found behind any number of others (I-10).
func TestCommentBehindManyOthers(t *testing.T) {
	hub, c := world(t, fakegithub.Token{})
	for i := range 250 {
		hub.Say(full, 7, "somebody", 5, fmt.Sprint("comment ", i))
	}
	c.put(t, "first")
	for i := range 150 {
		hub.Say(full, 7, "somebody", 5, fmt.Sprint("more ", i))
	}
	c.put(t, "second")
	if got := hub.Comments(full, 7); len(got) != 401 || got[250].Body != marker+"\nsecond" {
		t.Errorf("%d comments, ours is %+v", len(got), got[250])
	}
}

// A comment that somebody else wrote is not ours, whatever it begins with, and one
// of ours is not this one without the marker at its beginning (I-10).
func TestForgedMarker(t *testing.T) {
	for _, c := range []struct {
		name string
		who  fakegithub.Token
	}{
		{"a workflow's token", fakegithub.Token{Login: bot, ID: 41898282}},
		{"a token that is not told who it is", fakegithub.Token{Login: bot, ID: 41898282, Nobody: true}},
		{"another app's token", fakegithub.Token{Login: "our-app[bot]", ID: 99}},
	} {
		t.Run(c.name, func(t *testing.T) {
			hub, client := world(t, c.who)
			forged := marker + "\nfree money"
			hub.Say(full, 7, "mallory", 666, forged)
			hub.Say(full, 7, "github-actions", 667, forged)
			hub.Say(full, 7, c.who.Login, c.who.ID, "> "+marker+"\nquoted")
			hub.Say(full, 7, c.who.Login, c.who.ID, "text before "+marker)
			client.put(t, "first")
			client.put(t, "second")
			got := hub.Comments(full, 7)
			if len(got) != 5 || got[4].Body != marker+"\nsecond" {
				t.Fatalf("comments: %+v", got)
			}
			for _, o := range got[:4] {
				if o.Edits != 0 {
					t.Errorf("somebody's comment was changed: %+v", o)
				}
			}
		})
	}
}

// A name that changed hands is another author where numbers are known.
func TestNameThatChangedHands(t *testing.T) {
	hub, c := world(t, fakegithub.Token{Login: "deployer", ID: 8})
	hub.Say(full, 7, "deployer", 9, marker+"\nold")
	c.put(t, "new")
	if got := hub.Comments(full, 7); len(got) != 2 || got[0].Edits != 0 {
		t.Errorf("comments: %+v", got)
	}
}

// What is too long is cut, says so, and is whole Markdown (I-10).
func TestLongComment(t *testing.T) {
	hub, c := world(t, fakegithub.Token{})
	row := "| `d1/db` | 🚀 → " + strings.Repeat("x", 80) + " |\n"
	c.put(t, "<details><summary>plan</summary>\n\n"+strings.Repeat(row, 2000)+"</details>\n\nend")
	got := hub.Comments(full, 7)
	if len(got) != 1 {
		t.Fatalf("%d comments", len(got))
	}
	body := got[0].Body
	if n := length(body); n > maxComment || n < maxComment-500 {
		t.Errorf("the comment has %d characters", n)
	}
	for _, want := range []string{marker, "… the rest did not fit in here. All of it: https://github.example/run", "</details>"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q in it", want)
		}
	}
	for _, line := range strings.Split(body, "\n") {
		if strings.HasPrefix(line, "|") && line+"\n" != row {
			t.Errorf("a line was cut: %q", line)
		}
	}
	if fit("```\n"+strings.Repeat("line\n", 1000)+"```\n", "", 500) == "" {
		t.Error("nothing is left")
	}
	if cut := fit("```\n"+strings.Repeat("line\n", 1000), "", 500); strings.Count(cut, "```") != 2 {
		t.Errorf("the block stays open: %q", cut)
	}
}

// Where only the existing one may be changed, none is made.
func TestCommentOnlyWhereThereIsOne(t *testing.T) {
	hub, c := world(t, fakegithub.Token{})
	if err := c.Comment(t.Context(), 7, marker, "gone", "", true); err != nil {
		t.Fatal(err)
	}
	if got := hub.Comments(full, 7); len(got) != 0 {
		t.Errorf("comments: %+v", got)
	}
	c.put(t, "there")
	if err := c.Comment(t.Context(), 7, marker, "gone", "", true); err != nil {
		t.Fatal(err)
	}
	if got := hub.Comments(full, 7); len(got) != 1 || got[0].Body != marker+"\ngone" {
		t.Errorf("comments: %+v", got)
	}
}

// A comment that GitHub may or may not have taken is not sent twice; the next run
// finds it.
func TestCommentIsNotRepeated(t *testing.T) {
	hub, c := world(t, fakegithub.Token{})
	hub.Fail(fakegithub.Fault{Method: http.MethodPost, Path: "/repos/o/r/issues/7/comments", Status: 502, Count: 1})
	hub.Requests()
	if err := c.Comment(t.Context(), 7, marker, "body", "", false); err == nil {
		t.Error("no error")
	}
	posts := slices.DeleteFunc(hub.Requests(), func(r string) bool { return !strings.HasPrefix(r, "POST /repos") })
	if len(posts) != 1 {
		t.Errorf("sent: %q", posts)
	}
}

func TestCommentWithoutPermission(t *testing.T) {
	_, c := world(t, fakegithub.Token{Login: bot, ID: 41898282, Lacks: []string{"comments"}})
	err := c.Comment(t.Context(), 7, marker, "body", "", false)
	if status(err) != http.StatusForbidden || strings.Contains(err.Error(), secret) {
		t.Errorf("error: %v", err)
	}
}

func TestMarker(t *testing.T) {
	if got := Marker("a--><script>", "b\nc"); got != "<!-- cfboot:a--__script_:b_c -->" {
		t.Errorf("got %q", got)
	}
}

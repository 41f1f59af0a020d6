package fakegithub

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"unicode/utf8"
)

// answer is one request that is answered.
type answer struct {
	*Server
	w   http.ResponseWriter
	r   *http.Request
	who Token
}

func (a *answer) viewer() {
	if a.who.Nobody {
		reply(a.w, http.StatusOK, map[string]any{"errors": []any{map[string]any{"type": "FORBIDDEN", "message": "Resource not accessible by integration"}}})
		return
	}
	reply(a.w, http.StatusOK, map[string]any{"data": map[string]any{"viewer": map[string]any{"login": a.who.Login, "databaseId": a.who.ID}}})
}

func (a *answer) rest(p []string) {
	r, rest := a.repository(p)
	if r == nil {
		return
	}
	switch {
	case a.is("GET", rest):
		reply(a.w, http.StatusOK, map[string]any{"id": r.id, "full_name": r.full})
	case a.is("GET", rest, "pulls") && a.may("pulls"):
		paged(a.w, a.r, r.listPulls(), r.pull)
	case a.is("GET", rest, "pulls", "#") && a.may("pulls"):
		if pull := r.pulls[number(rest[1])]; pull != nil {
			reply(a.w, http.StatusOK, r.pull(pull))
		} else {
			refuse(a.w, http.StatusNotFound, "Not Found")
		}
	case a.is("GET", rest, "issues", "#", "comments") && a.may("pulls"):
		paged(a.w, a.r, r.on(number(rest[1])), one)
	case a.is("POST", rest, "issues", "#", "comments") && a.may("comments"):
		a.say(r, number(rest[1]))
	case a.is("PATCH", rest, "issues", "comments", "#") && a.may("comments"):
		a.edit(r, int64(number(rest[2])))
	case len(rest) > 0 && rest[0] == "deployments" && a.may("deployments"):
		a.deployments(r, rest)
	default:
		a.nothing()
	}
}

// repository finds /repos/O/R and /repositories/ID, and answers where there is
// none: a name that was given up redirects.
func (a *answer) repository(p []string) (*repo, []string) {
	switch {
	case len(p) >= 3 && p[0] == "repos":
		if r := a.repos[p[1]+"/"+p[2]]; r != nil && r.id > 0 {
			return r, p[3:]
		} else if r != nil {
			rest := a.r.URL.Path[len("/repos/"+p[1]+"/"+p[2]):]
			code := http.StatusMovedPermanently
			if a.r.Method != http.MethodGet {
				code = http.StatusTemporaryRedirect // which keeps method and body
			}
			http.Redirect(a.w, a.r, fmt.Sprintf("/repositories/%d%s?%s", -r.id, rest, a.r.URL.RawQuery), code)
			return nil, nil
		}
	case len(p) >= 2 && p[0] == "repositories":
		for _, r := range a.repos {
			if r.id == int64(number(p[1])) {
				return r, p[2:]
			}
		}
	}
	refuse(a.w, http.StatusNotFound, "Not Found")
	return nil, nil
}

// is reports whether the request is of a method and a path, in which # is a number.
func (a *answer) is(method string, rest []string, want ...string) bool {
	if a.r.Method != method || len(rest) != len(want) {
		return false
	}
	for i, w := range want {
		if rest[i] != w && (w != "#" || number(rest[i]) < 0) {
			return false
		}
	}
	return true
}

// may reports what the token may; where it may not, nothing() says so.
func (a *answer) may(what string) bool { return !slices.Contains(a.who.Lacks, what) }

func (a *answer) nothing() {
	if len(a.who.Lacks) > 0 {
		refuse(a.w, http.StatusForbidden, "Resource not accessible by integration")
		return
	}
	refuse(a.w, http.StatusNotFound, "Not Found")
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return -1
	}
	return n
}

func (r *repo) listPulls() (out []*Pull) {
	for _, p := range r.pulls {
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b *Pull) int { return b.Number - a.Number })
	return out
}

func (r *repo) pull(p *Pull) any {
	head := p.HeadRepo
	if head == 0 {
		head = r.id
	}
	return map[string]any{"number": p.Number, "state": p.State,
		"head": map[string]any{"sha": p.SHA, "repo": map[string]any{"id": head}},
		"base": map[string]any{"repo": map[string]any{"id": r.id, "full_name": r.full}}}
}

func (r *repo) on(number int) (out []*Comment) {
	for _, c := range r.comments {
		if c.Number == number {
			out = append(out, c)
		}
	}
	return out
}

func one(c *Comment) any {
	return map[string]any{"id": c.ID, "body": c.Body, "user": map[string]any{"login": c.Author, "id": c.userID}}
}

// body reads a comment's text and refuses what GitHub does.
func (a *answer) body() (string, bool) {
	var in struct{ Body string }
	if err := json.NewDecoder(a.r.Body).Decode(&in); err != nil {
		refuse(a.w, http.StatusBadRequest, "Problems parsing JSON")
		return "", false
	}
	if n := utf8.RuneCountInString(in.Body); n > 65536 || n == 0 {
		refuse(a.w, http.StatusUnprocessableEntity, "Validation Failed: Body is too long (maximum is 65536 characters)")
		return "", false
	}
	return in.Body, true
}

func (a *answer) say(r *repo, number int) {
	if r.pulls[number] == nil {
		refuse(a.w, http.StatusNotFound, "Not Found")
		return
	}
	if body, ok := a.body(); ok {
		a.last++
		c := &Comment{ID: a.last, Number: number, Author: a.who.Login, userID: a.who.ID, Body: body}
		r.comments = append(r.comments, c)
		reply(a.w, http.StatusCreated, one(c))
	}
}

// edit changes anybody's comment: whoever may write comments may do that.
func (a *answer) edit(r *repo, id int64) {
	for _, c := range r.comments {
		if c.ID != id {
			continue
		}
		if body, ok := a.body(); ok {
			c.Body = body
			c.Edits++
			reply(a.w, http.StatusOK, one(c))
		}
		return
	}
	refuse(a.w, http.StatusNotFound, "Not Found")
}

func (a *answer) deployments(r *repo, rest []string) {
	switch {
	case a.is("GET", rest, "deployments"):
		var list []*Deployment
		for _, d := range slices.Backward(r.deployments) {
			if want := a.r.URL.Query().Get("environment"); want == "" || want == d.Environment {
				list = append(list, d)
			}
		}
		paged(a.w, a.r, list, deployed)
	case a.is("POST", rest, "deployments"):
		a.deploy(r)
	case a.is("GET", rest, "deployments", "#", "statuses"), a.is("POST", rest, "deployments", "#", "statuses"):
		for _, d := range r.deployments {
			if d.ID == int64(number(rest[1])) {
				a.statuses(d)
				return
			}
		}
		refuse(a.w, http.StatusNotFound, "Not Found")
	default:
		refuse(a.w, http.StatusNotFound, "Not Found")
	}
}

func deployed(d *Deployment) any {
	return map[string]any{"id": d.ID, "ref": d.Ref, "environment": d.Environment, "payload": d.Payload, "creator": map[string]any{"login": d.Creator}}
}

func (a *answer) deploy(r *repo) {
	var in struct {
		Ref         string
		Environment string
		Payload     json.RawMessage
		Transient   bool      `json:"transient_environment"`
		Production  *bool     `json:"production_environment"`
		Contexts    *[]string `json:"required_contexts"`
		Merge       *bool     `json:"auto_merge"`
	}
	if err := json.NewDecoder(a.r.Body).Decode(&in); err != nil || in.Ref == "" {
		refuse(a.w, http.StatusUnprocessableEntity, "Validation Failed")
		return
	}
	if in.Contexts == nil || in.Merge == nil || *in.Merge {
		// Checks that still run, and the base branch that is ahead, are in the way.
		refuse(a.w, http.StatusConflict, "Conflict: Commit status checks failed for "+in.Ref)
		return
	}
	a.last++
	d := &Deployment{ID: a.last, Ref: in.Ref, Environment: in.Environment, Payload: in.Payload, Transient: in.Transient,
		Production: in.Production != nil && *in.Production, Creator: a.who.Login}
	r.deployments = append(r.deployments, d)
	reply(a.w, http.StatusCreated, deployed(d))
}

var states = []string{"error", "failure", "inactive", "in_progress", "queued", "pending", "success"}

func (a *answer) statuses(d *Deployment) {
	if a.r.Method == http.MethodGet {
		newest := slices.Clone(d.States)
		slices.Reverse(newest)
		paged(a.w, a.r, newest, func(s string) any { return map[string]any{"state": s} })
		return
	}
	var in struct {
		State string
		URL   string `json:"environment_url"`
	}
	if err := json.NewDecoder(a.r.Body).Decode(&in); err != nil || !slices.Contains(states, in.State) {
		refuse(a.w, http.StatusUnprocessableEntity, "Validation Failed")
		return
	}
	d.States = append(d.States, in.State)
	if in.URL != "" {
		d.URL = in.URL
	}
	reply(a.w, http.StatusCreated, map[string]any{"state": in.State})
}

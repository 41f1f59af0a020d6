package github

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/cfboot/cfboot/provision"
)

// An Event is what a workflow's run was started by.
type Event struct {
	Name   string // "pull_request", "schedule", "" outside of a workflow
	Action string // "opened", "closed"
	Number int    // the pull request's; 0 where it is about none
	Head   string // the commit at its head
	State  PullState
	Fork   bool // its commits are another repository's
}

// ReadEvent reads GITHUB_EVENT_NAME and the file at GITHUB_EVENT_PATH.
func ReadEvent(getenv func(string) string) (Event, error) {
	e := Event{Name: getenv("GITHUB_EVENT_NAME"), State: Unknown}
	path := getenv("GITHUB_EVENT_PATH")
	if path == "" {
		return e, nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return e, unreadable(err)
	}
	type repository struct {
		ID int64 `json:"id"`
	}
	var body struct {
		Action string `json:"action"`
		Pull   *struct {
			Number int    `json:"number"`
			State  string `json:"state"`
			Head   struct {
				SHA  string      `json:"sha"`
				Repo *repository `json:"repo"` // null: that repository was deleted
			} `json:"head"`
			Base struct {
				Repo *repository `json:"repo"`
			} `json:"base"`
		} `json:"pull_request"`
	}
	if err := json.Unmarshal(b, &body); err != nil {
		return e, unreadable(err)
	}
	e.Action = body.Action
	p := body.Pull
	if p == nil {
		return e, nil
	}
	if p.Number <= 0 {
		return e, unreadable(fmt.Errorf("the pull request has no number"))
	}
	e.Number, e.Head = p.Number, p.Head.SHA
	switch p.State {
	case "open":
		e.State = Open
	case "closed":
		e.State = Closed
	}
	e.Fork = p.Head.Repo == nil || p.Base.Repo == nil || p.Head.Repo.ID != p.Base.Repo.ID
	return e, nil
}

func unreadable(err error) error {
	return &provision.Problem{At: "GITHUB_EVENT_PATH", Text: "the event cannot be read", Err: err,
		Hints: []string{"in a workflow the runner writes it; elsewhere leave the variable out"}}
}

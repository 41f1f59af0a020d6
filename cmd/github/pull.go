package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	gh "github.com/google/go-github/v89/github"
)

// PullState is what is known of a pull request.
type PullState string

// The states of a pull request. A merged one is Closed.
const (
	Open    PullState = "open"
	Closed  PullState = "closed"
	Unknown PullState = "unknown"
)

// PullRequest asks for the state of a pull request and the commit at its head. It
// is Closed when GitHub says so, or when there is none of that number in a
// repository whose pull requests can be read. Everything else is Unknown, with the
// reason.
func (c *Client) PullRequest(ctx context.Context, number int) (state PullState, headSHA string, err error) {
	pull, _, err := c.api.PullRequests.Get(ctx, c.owner, c.name, number)
	switch {
	case status(err) == http.StatusNotFound:
		if err := c.readable(ctx); err != nil {
			return Unknown, "", fmt.Errorf("pull request %d of %s: %w", number, c.Repository(), err)
		}
		return Closed, "", nil
	case err != nil:
		return Unknown, "", fmt.Errorf("pull request %d of %s: %w", number, c.Repository(), err)
	case pull.GetNumber() != number:
		return Unknown, "", fmt.Errorf("pull request %d of %s: GitHub answered with number %d", number, c.Repository(), pull.GetNumber())
	}
	if err := c.same(pull.GetBase().GetRepo().GetID()); err != nil {
		return Unknown, "", fmt.Errorf("pull request %d: %w", number, err)
	}
	switch pull.GetState() {
	case "open":
		return Open, pull.GetHead().GetSHA(), nil
	case "closed":
		return Closed, pull.GetHead().GetSHA(), nil
	}
	return Unknown, "", fmt.Errorf("pull request %d of %s: GitHub answered with the state %q", number, c.Repository(), pull.GetState())
}

// readable returns nil when what is not found does not exist. GitHub answers 404,
// too, for what a token may not see; so the repository and the list of its pull
// requests have to be there for the same token.
func (c *Client) readable(ctx context.Context) error {
	repo, _, err := c.api.Repositories.Get(ctx, c.owner, c.name)
	if err != nil {
		return err
	}
	if err := c.same(repo.GetID()); err != nil {
		return err
	}
	_, _, err = c.api.PullRequests.List(ctx, c.owner, c.name, &gh.PullRequestListOptions{State: "all", ListOptions: gh.ListOptions{PerPage: 1}})
	return err
}

// same refuses an answer about another repository: a name that was given up can be
// taken by somebody else.
func (c *Client) same(id int64) error {
	if c.id != 0 && id != c.id {
		return fmt.Errorf("%s is the repository %d, not %d: it was renamed, and another has its name now", c.Repository(), id, c.id)
	}
	return nil
}

// status is the HTTP status that GitHub refused with, or 0.
func status(err error) int {
	var refused *gh.ErrorResponse
	if errors.As(err, &refused) && refused.Response != nil {
		return refused.Response.StatusCode
	}
	var limit *gh.RateLimitError
	if errors.As(err, &limit) && limit.Response != nil {
		return limit.Response.StatusCode
	}
	return 0
}

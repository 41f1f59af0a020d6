package github

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	gh "github.com/google/go-github/v89/github"
)

// A Deployment is one that we began, of one commit to one environment.
type Deployment struct {
	Environment string
	mark        string
	run         string
	id          int64
}

// payload is how a deployment of ours is known.
type payload struct {
	Mark string `json:"cfboot"`
}

// Begin makes a deployment, in progress. The environment is one that goes away
// again: GitHub does not retire those by itself.
func (c *Client) Begin(ctx context.Context, mark, environment, sha, description, run string) (*Deployment, error) {
	made, _, err := c.api.Repositories.CreateDeployment(ctx, c.owner, c.name, gh.DeploymentRequest{
		Ref: sha, AutoMerge: gh.Ptr(false), RequiredContexts: []string{}, Payload: payload{mark},
		Environment: &environment, Description: &description, TransientEnvironment: gh.Ptr(true), ProductionEnvironment: gh.Ptr(false),
	})
	if err != nil {
		return nil, fmt.Errorf("deployment to %s: %w", environment, err)
	}
	d := &Deployment{Environment: environment, mark: mark, run: run, id: made.GetID()}
	return d, c.status(ctx, d, "in_progress", "")
}

// Succeed says that a deployment answers at url, and retires those before it.
func (c *Client) Succeed(ctx context.Context, d *Deployment, url string) error {
	if err := c.status(ctx, d, "success", url); err != nil {
		return err
	}
	return c.retire(ctx, d.mark, d.Environment, d.id)
}

// Fail says that a deployment came to nothing. What was there before stays active.
func (c *Client) Fail(ctx context.Context, d *Deployment) error {
	return c.status(ctx, d, "failure", "")
}

// Retire makes every deployment of ours to an environment inactive.
func (c *Client) Retire(ctx context.Context, mark, environment string) error {
	return c.retire(ctx, mark, environment, 0)
}

// retire looks at the newest first and makes inactive the oldest first: then all
// behind the first inactive one are, even when a run was cut off between two.
func (c *Client) retire(ctx context.Context, mark, environment string, but int64) error {
	var active []*Deployment
	page := gh.ListOptions{PerPage: 100}
	for done := false; !done; {
		list, resp, err := c.api.Repositories.ListDeployments(ctx, c.owner, c.name, &gh.DeploymentsListOptions{Environment: environment, ListOptions: page})
		if err != nil {
			return fmt.Errorf("deployments to %s: %w", environment, err)
		}
		for _, one := range list {
			if one.GetID() == but || one.GetEnvironment() != environment || !marked(one.Payload, mark) {
				continue
			}
			d := &Deployment{Environment: environment, mark: mark, id: one.GetID()}
			if done, err = c.inactive(ctx, d); err != nil {
				return err
			}
			if done {
				break
			}
			active = append(active, d)
		}
		done = done || resp.NextPage <= page.Page
		page.Page = resp.NextPage
	}
	for _, d := range slices.Backward(active) {
		if err := c.status(ctx, d, "inactive", ""); err != nil {
			return err
		}
	}
	return nil
}

// marked reads a payload, which GitHub gives back as an object or as its text.
func marked(raw json.RawMessage, mark string) bool {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		raw = json.RawMessage(text)
	}
	var p payload
	return json.Unmarshal(raw, &p) == nil && p.Mark == mark
}

func (c *Client) inactive(ctx context.Context, d *Deployment) (bool, error) {
	statuses, _, err := c.api.Repositories.ListDeploymentStatuses(ctx, c.owner, c.name, d.id, &gh.ListOptions{PerPage: 1})
	if err != nil {
		return false, fmt.Errorf("deployment to %s: %w", d.Environment, err)
	}
	return len(statuses) > 0 && statuses[0].GetState() == "inactive", nil
}

func (c *Client) status(ctx context.Context, d *Deployment, state, url string) error {
	s := gh.DeploymentStatusRequest{State: state, AutoInactive: gh.Ptr(false)}
	if url != "" {
		s.EnvironmentURL = &url
	}
	if d.run != "" {
		s.LogURL = &d.run
	}
	if _, _, err := c.api.Repositories.CreateDeploymentStatus(ctx, c.owner, c.name, d.id, s); err != nil {
		return fmt.Errorf("deployment to %s: %w", d.Environment, err)
	}
	return nil
}

package kinds

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/cfboot/cfboot/provision"
)

// Workflows are made by wrangler deploy and belong to the Worker that they name.
// They are no kind of their own: nothing has to be made before a deploy. But they
// outlive their Worker, so they go before it, while it can be told whose they are.

// workflowsPage is how many are asked for at once.
const workflowsPage = 100

// workflow is one as lists have it.
type workflow struct {
	Name   string `json:"name"`
	Script string `json:"script_name"`
}

// workflows lists those of the account.
func (c *Client) workflows(ctx context.Context) ([]workflow, error) {
	return remember(c, "workflows", func() (all []workflow, err error) {
		seen := map[string]bool{}
		for page := 1; ; page++ {
			e, err := get[[]workflow](ctx, c, "accounts/"+c.Account+"/workflows", url.Values{"page": {fmt.Sprint(page)}, "per_page": {fmt.Sprint(workflowsPage)}})
			if err != nil {
				return nil, err
			}
			fresh := 0
			for _, w := range e.Result {
				if !seen[w.Name] {
					seen[w.Name], all = true, append(all, w)
					fresh++
				}
			}
			if fresh == 0 || len(seen) >= e.Info.TotalCount {
				return all, nil
			}
		}
	})
}

// takesAlong adds to a Worker what of the account's Workflows would outlive it. That
// the token may not see them is told, and keeps nobody from the rest.
func takesAlong(o *provision.Observed, all []workflow, err error) error {
	switch {
	case statusIs(err, 401, 403) || codeIs(err, 10000, 9109, 9106):
		o.Unseen = fmt.Sprintf("whether it has Workflows, which would be left, cannot be seen: %v", plain(err))
		return nil
	case err != nil:
		return err
	}
	for _, w := range all {
		if w.Script == o.Name && w.Name != "" {
			o.With = append(o.With, provision.Key{Kind: "workflow", Name: w.Name})
		}
	}
	return nil
}

// deleteWorkflow deletes one; its instances are ended. One that is gone already is
// no error.
func (c *Client) deleteWorkflow(ctx context.Context, name string) error {
	err := c.send(ctx, http.MethodDelete, "accounts/"+c.Account+"/workflows/"+url.PathEscape(name), nil, "", nil)
	return unlessGone(err, 10200)
}

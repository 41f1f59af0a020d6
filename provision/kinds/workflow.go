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
// outlive their Worker.

// workflowsPage is how many are asked for at once.
const workflowsPage = 100

// Workflows lists the names of those that run in one of the Workers.
func (c *Client) Workflows(ctx context.Context, workers map[string]bool) (names []string, err error) {
	seen := map[string]bool{}
	for page := 1; ; page++ {
		e, err := get[[]struct {
			Name   string `json:"name"`
			Script string `json:"script_name"`
		}](ctx, c, "accounts/"+c.Account+"/workflows", url.Values{"page": {fmt.Sprint(page)}, "per_page": {fmt.Sprint(workflowsPage)}})
		if err != nil {
			return nil, explain(provision.Key{Kind: "workflow", Name: "*"}, registry["worker"], err)
		}
		fresh := 0
		for _, w := range e.Result {
			if seen[w.Name] {
				continue
			}
			seen[w.Name] = true
			fresh++
			if workers[w.Script] {
				names = append(names, w.Name)
			}
		}
		if fresh == 0 || len(seen) >= e.Info.TotalCount {
			return names, nil
		}
	}
}

// DeleteWorkflow deletes one; its instances are ended. One that is gone already is
// no error.
func (c *Client) DeleteWorkflow(ctx context.Context, name string) error {
	err := c.send(ctx, http.MethodDelete, "accounts/"+c.Account+"/workflows/"+url.PathEscape(name), nil, "", nil)
	return explain(provision.Key{Kind: "workflow", Name: name}, registry["worker"], unlessGone(err, 10200))
}

package kinds

import (
	"context"
	"fmt"
	"net/url"

	"github.com/cfboot/cfboot/provision"
)

// Which plan an account is on cannot be asked: its subscriptions take a billing
// permission and name the plans of zones only (reference: rate_plan.id). So no
// limit that depends on it is taken for granted, and a plan refuses nothing for
// it; what Cloudflare refuses is told with how many there are.

// full words a refusal for the limit of a product, with how many of its things
// the account has. The list is asked only then.
func (c *Client) full(ctx context.Context, things, list, advice string, err error) error {
	p := &provision.Problem{Err: plain(err), Class: provision.Refused, Hints: []string{advice}}
	if n, ok := c.count(ctx, list); ok {
		p.Text = fmt.Sprintf("the account has %d %s and may have no more", n, things)
	}
	return p
}

// Full reports whether Cloudflare has refused to make another D1 database for the
// account's limit.
func Full(err error) bool { return codeIs(err, 7406) }

// count asks how many entries a list of the account has.
func (c *Client) count(ctx context.Context, list string) (int, bool) {
	e, err := get[[]struct{}](ctx, c, "accounts/"+c.Account+"/"+list, url.Values{"per_page": {"10"}})
	n := max(e.Info.TotalCount, len(e.Result))
	return n, err == nil && n > 0
}

package kinds

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/cfboot/cfboot/provision"
	"github.com/cloudflare/cloudflare-go/v4/accounts"
)

// An Account is one that a token reaches.
type Account struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// CheckAccount asks whether the token reaches the account.
func (c *Client) CheckAccount(ctx context.Context) error {
	var e envelope[Account]
	_, err := accounts.NewAccountService(c.options...).Get(ctx, inAccount[accounts.AccountGetParams](c), into(&e))
	if statusIs(err, 400, 401, 403, 404) {
		return &provision.Problem{Text: fmt.Sprintf("the token does not reach the account %s", c.Account), Err: plain(err), Class: provision.Refused,
			Hints: []string{"check CLOUDFLARE_ACCOUNT_ID and the account the token was made in", `or the token lacks the permission "Account Settings Read"`}}
	}
	return plain(err)
}

// FindAccount names the account that the token reaches, where it is just one.
func (c *Client) FindAccount(ctx context.Context) error {
	var all []Account
	seen := map[string]bool{}
	for page := 1; ; page++ {
		e, err := get[[]Account](ctx, c, "accounts", url.Values{"page": {fmt.Sprint(page)}, "per_page": {"50"}})
		if err != nil {
			if statusIs(err, 400, 401, 403) {
				return c.diagnosed(ctx, &provision.Problem{Text: "the token's accounts may not be listed", Err: plain(err), Class: provision.Refused,
					Hints: []string{"name the account: --account ID, or CLOUDFLARE_ACCOUNT_ID"}})
			}
			return plain(err)
		}
		before := len(all)
		for _, a := range e.Result {
			if !seen[a.ID] {
				seen[a.ID] = true
				all = append(all, a)
			}
		}
		// The service has been seen to repeat its last page for ever.
		if len(all) == before || len(all) >= e.Info.TotalCount {
			break
		}
	}
	switch len(all) {
	case 1:
		c.Account = all[0].ID
		return nil
	case 0:
		return &provision.Problem{Text: "the token shows no account", Class: provision.Refused,
			Hints: []string{"set CLOUDFLARE_ACCOUNT_ID (the dashboard shows it under Account home > ... > Copy account ID)"}}
	}
	var list []string
	for _, a := range all {
		list = append(list, fmt.Sprintf("  %s  %s", a.ID, a.Name))
	}
	return &provision.Problem{Text: "the token reaches several accounts and none was named:\n" + strings.Join(list, "\n"), Class: provision.Refused,
		Hints: []string{"name one: --account ID, or CLOUDFLARE_ACCOUNT_ID"}}
}

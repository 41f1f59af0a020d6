package kinds

import (
	"context"
	"fmt"
	"net/url"
	"slices"

	"github.com/cfboot/cfboot/provision"
)

// Look is Observe with what came of each resource: of one whose error is not nil
// nothing is known.
func (c *Client) Look(ctx context.Context, want []provision.Wanted) ([]provision.Observed, []error) {
	return c.look(ctx, want, false)
}

// Unwritable lists what a plan would write and the token can be seen not to be
// allowed: a zone says with its name whether the caller may change its records.
// No other product says so before it is written to.
func (c *Client) Unwritable(p provision.Plan) []string {
	var keys []provision.Key
	for _, s := range p.Steps {
		rights, asked := c.past.rights.Load(s.Zone)
		if s.Key.Kind != "dns" || s.Action == provision.Keep || s.Action == provision.Release || !asked {
			continue
		}
		if may := rights.([]string); len(may) > 0 && !slices.Contains(may, "#dns_records:edit") {
			keys = append(keys, s.Key)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("the token may only read here, so an apply would be refused: it lacks %q (%s)", registry["dns"].Permission, named(keys))}
}

// Tagging asks whether resources can be tagged, which is how those are marked
// that have no room for a comment. The error says why not.
func (c *Client) Tagging(ctx context.Context) error {
	_, err := get[any](ctx, c, c.tagsPath()+"/resources", nil)
	return plain(err)
}

// Buckets asks whether R2 is there to be used.
func (c *Client) Buckets(ctx context.Context) error {
	_, err := get[any](ctx, c, "accounts/"+c.Account+"/r2/buckets", url.Values{"per_page": {"1"}})
	return explain(provision.Key{Kind: "r2"}, registry["r2"], err)
}

// Databases counts the account's D1 databases.
func (c *Client) Databases(ctx context.Context) (int, bool) { return c.count(ctx, "d1/database") }

// FreeDatabases is how many D1 databases an account may have on the Free plan
// (developers.cloudflare.com/d1/platform/limits).
const FreeDatabases = 10

// Zone names the zone that a host lies in; trouble is why it cannot be used for
// all that a project makes there.
func (c *Client) Zone(ctx context.Context, host string) (name, trouble string, err error) {
	if _, trouble, err = c.place(ctx, "", host, ownRecords); err != nil {
		return "", "", explain(provision.Key{Kind: "dns"}, registry["dns"], err)
	}
	z, err := c.zone(ctx, host)
	return orDefault(z.Name, host), trouble, err
}

// Host is the host name that a resource stands for, empty for one of a kind that
// lives in no zone.
func Host(r provision.Resource) string {
	switch r.Key.Kind {
	case "dns", "domain":
		return r.Name
	case "route":
		return routeHost(r.Name)
	}
	return ""
}

// Permissions lists the permission groups that an apply of these resources
// takes, each with the resources that need it.
func Permissions(resources []provision.Resource) map[string][]provision.Key {
	out := map[string][]provision.Key{}
	for _, r := range resources {
		if p := registry[r.Key.Kind].Permission; p != "" {
			out[p] = append(out[p], r.Key)
		}
		if Host(r) != "" {
			out[zoneRead] = append(out[zoneRead], r.Key)
		}
	}
	return out
}

// Subdomain is the account's own part of addresses on workers.dev; empty where it
// has none yet.
func (c *Client) Subdomain(ctx context.Context) (string, error) {
	e, err := get[struct {
		Subdomain string `json:"subdomain"`
	}](ctx, c, "accounts/"+c.Account+"/workers/subdomain", nil)
	if statusIs(err, 404) {
		return "", nil
	}
	return e.Result.Subdomain, plain(err)
}

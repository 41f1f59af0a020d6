package kinds

import (
	"context"
	"fmt"
	"strings"

	"github.com/cfboot/cfboot/provision"
	"github.com/cloudflare/cloudflare-go/v4/option"
	"github.com/cloudflare/cloudflare-go/v4/zones"
)

// Zones are looked up, never made: a zone is what a domain's owner has brought
// to Cloudflare.

type zoneAnswer struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Status  string `json:"status"`
	Type    string `json:"type"`
	Account struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	} `json:"account"`
	Permissions []string `json:"permissions"` // what the caller may do in it: "#dns_records:edit"
}

// zone finds the zone that a host name lies in: the one with the longest name
// that the host's name ends in. All candidates are asked for at once.
func (c *Client) zone(ctx context.Context, host string) (zoneAnswer, error) {
	host = strings.TrimPrefix(host, "*.")
	labels := strings.Split(host, ".")
	found := make([]zoneAnswer, max(0, len(labels)-1))
	var g group
	for i := range found {
		name := strings.Join(labels[i:], ".")
		g.Go(func() (err error) {
			found[i], err = remember(c, "zone "+name, func() (zoneAnswer, error) {
				var e envelope[[]zoneAnswer]
				_, err := zones.NewZoneService(c.options...).List(ctx, zones.ZoneListParams{}, option.WithQuery("name", name), into(&e))
				return best(e.Result, name, c.Account), err
			})
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return zoneAnswer{}, err
	}
	for _, z := range found {
		if z.ID != "" {
			return z, nil
		}
	}
	return zoneAnswer{}, nil
}

// best picks the zone of a name: a token may reach several, in several accounts.
func best(zones []zoneAnswer, name, account string) (found zoneAnswer) {
	rank := func(z zoneAnswer) int {
		switch {
		case z.Name != name:
			return 0
		case z.Account.ID != account:
			return 1
		case z.Status != "active":
			return 2
		}
		return 3
	}
	for _, z := range zones {
		if rank(z) > rank(found) {
			found = z
		}
	}
	return found
}

// What a resource needs of its zone beyond being there and active.
const (
	anyZone    = false
	ownRecords = true // Cloudflare is where the zone's DNS records are kept
)

// place gives the id of the zone that a host name lies in, or why nothing can
// be made there.
func (c *Client) place(ctx context.Context, known, host string, records bool) (id, blocked string, err error) {
	if known != "" {
		return known, "", nil
	}
	z, err := c.zone(ctx, host)
	switch {
	case err != nil:
		return "", "", err
	case z.ID == "":
		return "", fmt.Sprintf("no zone for %q can be seen with this token: add the domain to Cloudflare, or give the token the permission \"Zone Read\" for it", host), nil
	case z.Account.ID != "" && z.Account.ID != c.Account:
		return "", fmt.Sprintf("the zone %q is in another account (%s %s)", z.Name, z.Account.ID, z.Account.Name), nil
	case z.Status != "active":
		return "", fmt.Sprintf("the zone %q is %s, not active: finish its set-up at the registrar first", z.Name, orDefault(z.Status, "of unknown status")), nil
	case records && (z.Type == "partial" || z.Type == "secondary"):
		return "", fmt.Sprintf("the zone %q has a %s set-up: its DNS records are kept elsewhere", z.Name, z.Type), nil
	}
	c.past.rights.Store(z.ID, z.Permissions)
	return z.ID, "", nil
}

// hostname resolves what the manifest says of a host: "@" is the domain itself,
// "*.@" lies in it. A name with a dot at its end is whole. Any other lies in the
// domain, unless it ends in it already; where dotted is set, only one without a
// dot does, and one with a dot is whole.
func hostname(in provision.Spec, name, path string, dotted bool) (string, error) {
	host, err := completed(in, name, path, dotted)
	bare, wild := strings.CutPrefix(host, "*")
	if wild {
		bare = strings.TrimPrefix(bare, ".") // without it, a route's host and what ends in it
	}
	if err == nil && !validHost(bare) {
		err = &provision.SettingError{Path: path, Text: fmt.Sprintf("%q is no host name", host), Hints: []string{asciiHint}}
	}
	return host, err
}

const asciiHint = "letters, digits, - and _ in labels of at most 63, * only as the first; other letters in their ASCII form (xn--…)"

// validHost checks a name in lower case.
func validHost(host string) bool {
	if len(host) > 253 {
		return false
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return true
}

// completed writes a host out, in a preview in terms of the preview's host.
func completed(in provision.Spec, name, path string, dotted bool) (string, error) {
	if in.Preview != nil {
		return previewed(in, name, path, dotted)
	}
	whole := strings.HasSuffix(name, ".")
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	whole = whole || dotted && strings.Contains(name, ".") && !strings.HasSuffix(name, ".@")
	switch {
	case whole || in.Domain != "" && (name == in.Domain || strings.HasSuffix(name, "."+in.Domain)):
		return name, nil
	case in.Domain == "":
		return "", &provision.SettingError{Path: path, Text: fmt.Sprintf("%q needs a domain, and the manifest has none", name),
			Hints: []string{`add "domain": "example.com" at the top, or write the whole host name with a dot at its end`}}
	case name == "@":
		return in.Domain, nil
	case strings.HasSuffix(name, ".@"):
		return strings.TrimSuffix(name, "@") + in.Domain, nil
	}
	return name + "." + in.Domain, nil
}

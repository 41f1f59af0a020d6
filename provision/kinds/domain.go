package kinds

import (
	"context"
	"fmt"
	"strings"

	"github.com/cfboot/cfboot/provision"
	"github.com/cloudflare/cloudflare-go/v4/option"
	"github.com/cloudflare/cloudflare-go/v4/workers"
)

type domainSettings struct {
	Hostname string `json:"hostname,omitempty"`
	Worker   string `json:"worker,omitempty"` // logical name in the manifest, real name after
}

var _ = register(kind[domainSettings]{
	name:       "domain",
	permission: "Workers Scripts Write",
	page:       "{account}/workers-and-pages",
	schema: `{
	"description": "A custom domain: a host that a Worker answers for, with DNS record and certificate made by Cloudflare.",
	"required": ["hostname", "worker"],
	"properties": {
		"hostname": {"type": "string", "minLength": 1, "description": "The host: @ for the domain itself, app for one in it, or the whole name.", "examples": ["@", "app"]},
		"worker": {"type": "string", "minLength": 1, "description": "Logical name of the Worker.", "examples": ["app"]}
	}
}`,
	place:   []string{"hostname"},
	zoned:   true,
	replace: []string{provision.NameSetting},
	upserts: true,
	settles: []int{10007, 100116},
	calls:   func(provision.Action, []provision.Change) int { return 1 },
	resolve: func(in provision.Spec, s *domainSettings, r *resolution) error {
		if strings.Contains(s.Hostname, "*") {
			return &provision.SettingError{Path: "/hostname", Text: "a custom domain cannot be a wildcard", Hints: []string{`use a "route" with a "dns" record`}}
		}
		host, err := hostname(in, s.Hostname, "/hostname", true)
		if err != nil {
			return err
		}
		r.name, s.Hostname = host, ""
		return referWorker(in, &s.Worker, r)
	},
	read: func(ctx context.Context, c *Client, w wanted[domainSettings]) (o provision.Observed, err error) {
		// Filtered by host name, so the zone need not be known first.
		// What a new one needs is asked for at the same time.
		var e envelope[[]domainAnswer]
		var g group
		g.Go(func() error {
			_, err := workers.NewDomainService(c.options...).List(ctx, inAccount[workers.DomainListParams](c), option.WithQuery("hostname", w.Name), into(&e))
			return err
		})
		if w.Zone == "" {
			g.Go(func() (err error) { o, err = c.domainPlace(ctx, w.Name); return err })
		}
		if err := g.Wait(); err != nil {
			return provision.Observed{}, err
		}
		for _, d := range e.Result {
			if d.Hostname == w.Name {
				return provision.Observed{Exists: true, ID: d.ID, Name: d.Hostname, Zone: d.ZoneID, Owner: d.Service,
					Settings: provision.Settings{"worker": d.Service}}, nil
			}
		}
		o.Zone = orDefault(o.Zone, w.Zone)
		return o, nil
	},
	create: func(ctx context.Context, c *Client, s step[domainSettings]) (made[domainSettings], error) {
		id, err := c.putDomain(ctx, s)
		return madeAs[domainSettings](id, s.Zone, err)
	},
	update: func(ctx context.Context, c *Client, s step[domainSettings]) error {
		_, err := c.putDomain(ctx, s)
		return err
	},
	delete: func(ctx context.Context, c *Client, s step[domainSettings]) error {
		var raw []byte // it may answer with nothing at all
		err := workers.NewDomainService(c.options...).Delete(ctx, s.ID, inAccount[workers.DomainDeleteParams](c), option.WithResponseBodyInto(&raw))
		return unlessGone(err, 100114)
	},
	bind: func(e provision.Entry, s domainSettings) []provision.Binding {
		return []provision.Binding{{Section: []string{"routes"}, Match: field("pattern", e.Name), Set: fields("pattern", e.Name, "custom_domain", true), Shared: true}}
	},
})

type domainAnswer struct {
	ID       string `json:"id"`
	Hostname string `json:"hostname"`
	Service  string `json:"service"`
	ZoneID   string `json:"zone_id"`
}

// domainPlace gives the zone that a host lies in, or why it cannot be a custom
// domain there. A token that may not read DNS records learns it from the create.
func (c *Client) domainPlace(ctx context.Context, host string) (o provision.Observed, err error) {
	if o.Zone, o.Blocked, err = c.place(ctx, "", host, ownRecords); err != nil || o.Blocked != "" {
		return o, err
	}
	records, err := c.records(ctx, o.Zone, host)
	if err != nil && !statusIs(err, 400, 401, 403) {
		return o, err
	}
	for _, r := range records {
		if addresses(r.Type) {
			o.Blocked = fmt.Sprintf("%q has a %s record already (%q), and a custom domain brings its own: delete that record first", host, r.Type, r.Content)
		}
	}
	return o, nil
}

// putDomain attaches a host to a Worker. The API's call is an upsert; that the
// host was free is what the plan has seen.
func (c *Client) putDomain(ctx context.Context, s step[domainSettings]) (string, error) {
	var e envelope[domainAnswer]
	_, err := workers.NewDomainService(c.options...).Update(ctx, inAccount[workers.DomainUpdateParams](c), body(struct {
		Hostname    string `json:"hostname"`
		Service     string `json:"service"`
		ZoneID      string `json:"zone_id"`
		Environment string `json:"environment"`
	}{s.Name, s.S.Worker, s.Zone, "production"}), into(&e))
	if codeIs(err, 100116) {
		return "", fmt.Errorf("the host is attached to another Worker: %w", plain(err))
	}
	return e.Result.ID, err
}

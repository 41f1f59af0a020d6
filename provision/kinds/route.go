package kinds

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/cfboot/cfboot/provision"
	"github.com/cloudflare/cloudflare-go/v4/workers"
)

type routeSettings struct {
	Pattern string `json:"pattern,omitempty"`
	Worker  string `json:"worker,omitempty"` // logical name in the manifest, real name after
}

var _ = register(kind[routeSettings]{
	name:       "route",
	permission: "Workers Routes Write",
	page:       "?to=/:account/:zone/workers",
	schema: `{
	"description": "A route: the addresses whose requests a Worker answers. The host needs a proxied DNS record.",
	"required": ["pattern"],
	"properties": {
		"pattern": {"type": "string", "minLength": 1, "description": "Host and path; @ is the domain, * matches anything.", "examples": ["@/*", "*.@/*", "example.com/api/*"]},
		"worker": {"type": "string", "description": "Logical name of the Worker. Left out: no Worker answers here.", "examples": ["app"]}
	}
}`,
	place:    []string{"pattern"},
	zoned:    true,
	replace:  []string{provision.NameSetting},
	defaults: map[string]any{"worker": ""},
	settles:  []int{10007, 10019},
	calls:    func(provision.Action, []provision.Change) int { return 1 },
	resolve: func(in provision.Spec, s *routeSettings, r *resolution) error {
		host, rest, _ := strings.Cut(s.Pattern, "/")
		if strings.Contains(host, "://") || strings.HasSuffix(host, ":") {
			return &provision.SettingError{Path: "/pattern", Text: fmt.Sprintf("%q: a pattern has no scheme", s.Pattern), Hints: []string{"write host/path, for example " + orDefault(in.Domain, "example.com") + "/*"}}
		}
		host, err := hostname(in, host, "/pattern", true)
		if err != nil {
			return err
		}
		r.name, s.Pattern = host+"/"+rest, ""
		if !routePattern().MatchString(r.name) {
			return &provision.SettingError{Path: "/pattern", Text: fmt.Sprintf("%q is no route pattern", r.name), Hints: []string{"* may stand only at the beginning of the host and at the end of the path; there is no port and no query"}}
		}
		return referWorker(in, &s.Worker, r)
	},
	read: func(ctx context.Context, c *Client, w wanted[routeSettings]) (o provision.Observed, err error) {
		zone, blocked, err := c.place(ctx, w.Zone, routeHost(w.Name), anyZone)
		if err != nil || blocked != "" {
			return provision.Observed{Blocked: blocked}, err
		}
		o.Zone = zone
		// The list has no pages. Whatever the state says, a route is found by its
		// pattern: a deploy makes it anew, under another id.
		routes, err := remember(c, "routes "+zone, func() ([]routeAnswer, error) {
			var e envelope[[]routeAnswer]
			_, err := workers.NewRouteService(c.options...).List(ctx, inZone[workers.RouteListParams](zone), into(&e))
			return e.Result, err
		})
		if err != nil {
			return o, err
		}
		i := slices.IndexFunc(routes, func(r routeAnswer) bool { return r.Pattern == w.Name })
		if i < 0 {
			return o, nil
		}
		o.Exists, o.ID, o.Name, o.Owner = true, routes[i].ID, routes[i].Pattern, routes[i].Script
		o.Settings = provision.Settings{"worker": routes[i].Script}
		return o, nil
	},
	create: func(ctx context.Context, c *Client, s step[routeSettings]) (made[routeSettings], error) {
		var e envelope[routeAnswer]
		_, err := workers.NewRouteService(c.options...).New(ctx, inZone[workers.RouteNewParams](s.Zone), body(routeAnswer{Pattern: s.Name, Script: s.S.Worker}), into(&e))
		if codeIs(err, 10020) {
			return made[routeSettings]{}, exists(err)
		}
		return madeAs[routeSettings](e.Result.ID, s.Zone, err)
	},
	update: func(ctx context.Context, c *Client, s step[routeSettings]) error {
		var e envelope[any]
		_, err := workers.NewRouteService(c.options...).Update(ctx, s.ID, inZone[workers.RouteUpdateParams](s.Zone), body(routeAnswer{Pattern: s.Name, Script: s.S.Worker}), into(&e))
		return err
	},
	delete: func(ctx context.Context, c *Client, s step[routeSettings]) error {
		var e envelope[any]
		_, err := workers.NewRouteService(c.options...).Delete(ctx, s.ID, inZone[workers.RouteDeleteParams](s.Zone), into(&e))
		return unlessGone(err, 10009, 10007)
	},
	bind: func(e provision.Entry, s routeSettings) []provision.Binding {
		if s.Worker == "" {
			return nil
		}
		return []provision.Binding{{Section: []string{"routes"}, Match: field("pattern", e.Name), Set: fields("pattern", e.Name, "zone_id", e.Zone), Shared: true}}
	},
})

var routePattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(\*\.?)?[a-z0-9_-]+(\.[a-z0-9_-]+)+/[^*?#\s]*\*?$`) })

type routeAnswer struct {
	ID      string `json:"id,omitempty"`
	Pattern string `json:"pattern"`
	Script  string `json:"script,omitempty"`
}

func routeHost(pattern string) string {
	host, _, _ := strings.Cut(pattern, "/")
	return strings.TrimPrefix(strings.TrimPrefix(host, "*"), ".")
}

// referWorker turns the logical name of a Worker into its real one and notes
// the reference.
func referWorker(in provision.Spec, name *string, r *resolution) error {
	if *name == "" {
		return nil
	}
	r.refer(in.Key, provision.Key{Kind: "worker", Name: *name}, "/worker")
	*name = workerNaming.realName(in, *name)
	return nil
}

package kinds

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/cfboot/cfboot/provision"
	"github.com/cloudflare/cloudflare-go/v4/kv"
	"golang.org/x/sync/errgroup"
)

type kvSettings struct {
	Binding      string `json:"binding,omitempty"`
	Jurisdiction string `json:"jurisdiction,omitempty"`
}

var _ = register(kind[kvSettings]{
	name:       "kv",
	permission: "Workers KV Storage Write",
	page:       "{account}/workers/kv/namespaces/{id}",
	schema: `{
	"description": "A Workers KV namespace.",
	"properties": {
		"binding": {"type": "string", "description": "The name under which the Worker sees it.", "examples": ["CACHE"]},
		"jurisdiction": {"enum": ["eu", "fedramp", "us"], "description": "Where the data must stay. Changing it replaces the namespace."}
	}
}`,
	naming:   naming{regexp.MustCompile(`^[^\x00-\x1f]+$`), "at most 512 characters", 512},
	local:    []string{"binding"},
	replace:  []string{"jurisdiction"},
	defaults: map[string]any{"jurisdiction": "default"},
	store:    true,
	calls:    func(provision.Action, []provision.Change) int { return 1 },
	resolve:  func(in provision.Spec, s *kvSettings, r *resolution) error { return nil },
	read: func(ctx context.Context, c *Client, w wanted[kvSettings]) (o provision.Observed, err error) {
		var ns kvNamespace
		if w.ID != "" {
			ns, err = remember(c, "kv "+w.ID, func() (kvNamespace, error) {
				var e envelope[kvNamespace]
				_, err := kv.NewNamespaceService(c.options...).Get(ctx, w.ID, inAccount[kv.NamespaceGetParams](c), into(&e))
				return e.Result, err
			})
			if unlessGone(err, kvGone...) == nil {
				err = nil
			}
		} else {
			ns, err = c.kvByTitle(ctx, w.Name)
		}
		if err != nil || ns.ID == "" {
			return o, err
		}
		o = provision.Observed{Exists: true, ID: ns.ID, Name: ns.Title, Settings: provision.Settings{"jurisdiction": orDefault(ns.Jurisdiction, "default")}}
		if w.WithData {
			keys, err := get[[]struct{}](ctx, c, "accounts/"+c.Account+"/storage/kv/namespaces/"+ns.ID+"/keys", url.Values{"limit": {"10"}})
			if err != nil {
				return o, err
			}
			o.Data = some(len(keys.Result), keys.Info.Cursor != "", "key")
		}
		return o, nil
	},
	create: func(ctx context.Context, c *Client, s step[kvSettings]) (made[kvSettings], error) {
		var e envelope[kvNamespace]
		_, err := kv.NewNamespaceService(c.options...).New(ctx, inAccount[kv.NamespaceNewParams](c), body(kvNamespace{Title: s.Name, Jurisdiction: s.S.Jurisdiction}), into(&e))
		if codeIs(err, 10014) {
			return made[kvSettings]{}, exists(err)
		}
		return madeAs[kvSettings](e.Result.ID, "", err)
	},
	update: func(ctx context.Context, c *Client, s step[kvSettings]) error {
		var e envelope[any]
		_, err := kv.NewNamespaceService(c.options...).Update(ctx, s.ID, inAccount[kv.NamespaceUpdateParams](c), body(kvNamespace{Title: s.Name}), into(&e))
		return err
	},
	delete: func(ctx context.Context, c *Client, s step[kvSettings]) error {
		var e envelope[any]
		_, err := kv.NewNamespaceService(c.options...).Delete(ctx, s.ID, inAccount[kv.NamespaceDeleteParams](c), into(&e))
		return unlessGone(err, kvGone...)
	},
	bind: func(e provision.Entry, s kvSettings) []provision.Binding {
		if s.Binding == "" {
			return nil
		}
		return []provision.Binding{{Section: []string{"kv_namespaces"}, Match: field("binding", s.Binding), Set: fields("id", e.ID)}}
	},
})

// kvGone are the codes for a namespace that is not there.
var kvGone = []int{10013, 10009}

type kvNamespace struct {
	ID           string `json:"id,omitempty"`
	Title        string `json:"title"`
	Jurisdiction string `json:"jurisdiction,omitempty"`
}

// kvPageSize is what wrangler asks for, too. A smaller page that the service
// might insist on is read from its answer.
const kvPageSize = 1000

// kvByTitle finds a namespace by its title. The API cannot be asked for one, but
// it lists them in the order of their titles: so the page is found by halving,
// and only where the order turns out to be another one are all pages read.
func (c *Client) kvByTitle(ctx context.Context, title string) (kvNamespace, error) {
	page := func(n int) (envelope[[]kvNamespace], error) {
		return remember(c, fmt.Sprintf("kv page %d", n), func() (envelope[[]kvNamespace], error) {
			return get[[]kvNamespace](ctx, c, "accounts/"+c.Account+"/storage/kv/namespaces", url.Values{
				"page": {fmt.Sprint(n)}, "per_page": {fmt.Sprint(kvPageSize)}, "order": {"title"}, "direction": {"asc"},
			})
		})
	}
	in := func(e envelope[[]kvNamespace]) (kvNamespace, bool) {
		i := slices.IndexFunc(e.Result, func(n kvNamespace) bool { return n.Title == title })
		if i < 0 {
			return kvNamespace{}, false
		}
		return e.Result[i], true
	}
	first, err := page(1)
	if err != nil {
		return kvNamespace{}, err
	}
	if ns, ok := in(first); ok {
		return ns, nil
	}
	per := first.Info.PerPage
	if per <= 0 {
		per = max(len(first.Result), 1)
	}
	pages := (first.Info.TotalCount + per - 1) / per
	low, high := 2, pages
	for low <= high {
		mid := (low + high) / 2
		e, err := page(mid)
		if err != nil {
			return kvNamespace{}, err
		}
		if ns, ok := in(e); ok {
			return ns, nil
		}
		if len(e.Result) == 0 || !slices.IsSortedFunc(e.Result, byTitle) || !slices.IsSortedFunc(first.Result, byTitle) {
			return c.kvScan(pages, page, in)
		}
		switch {
		case title < e.Result[0].Title:
			high = mid - 1
		case title > e.Result[len(e.Result)-1].Title:
			low = mid + 1
		default:
			return kvNamespace{}, nil // between two titles of this page
		}
	}
	return kvNamespace{}, nil
}

func byTitle(a, b kvNamespace) int { return strings.Compare(a.Title, b.Title) }

// kvScan reads every page.
func (c *Client) kvScan(pages int, page func(int) (envelope[[]kvNamespace], error), in func(envelope[[]kvNamespace]) (kvNamespace, bool)) (kvNamespace, error) {
	found := make([]kvNamespace, pages+1)
	var g errgroup.Group
	for n := 2; n <= pages; n++ {
		g.Go(func() error {
			e, err := page(n)
			if ns, ok := in(e); ok {
				found[n] = ns
			}
			return err
		})
	}
	err := g.Wait()
	for _, ns := range found {
		if ns.ID != "" {
			return ns, nil
		}
	}
	return kvNamespace{}, err
}

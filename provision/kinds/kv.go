package kinds

import (
	"context"
	"fmt"
	"net/url"

	"github.com/cfboot/cfboot/provision"
	"github.com/cloudflare/cloudflare-go/v4/kv"
)

type kvSettings struct {
	Binding      string `json:"binding,omitempty"`
	Jurisdiction string `json:"jurisdiction,omitempty"`
}

var kvNaming = naming{form(`^[^\x00-\x1f]+$`), "at most 512 bytes, no control characters", 512}

var _ = register(kind[kvSettings]{
	name:       "kv",
	permission: "Workers KV Storage Write",
	page:       "{account}/workers/kv/namespaces/{id}",
	tags:       tagging{kind: "kv_namespace"},
	schema: `{
	"description": "A Workers KV namespace.",
	"properties": {
		"binding": {"type": "string", "description": "The name under which the Worker sees it.", "examples": ["CACHE"]},
		"jurisdiction": {"enum": ["eu", "fedramp", "us"], "description": "Where the data must stay. Changing it replaces the namespace."}
	}
}`,
	naming:   kvNaming,
	local:    []string{"binding"},
	replace:  []string{"jurisdiction"},
	defaults: map[string]any{"jurisdiction": "default"},
	store:    true,
	calls:    func(provision.Action, []provision.Change) int { return 1 },
	resolve:  func(in provision.Spec, s *kvSettings, r *resolution) error { return nil },
	read: func(ctx context.Context, c *Client, w wanted[kvSettings]) (o provision.Observed, err error) {
		ns := kvNamespace{ID: w.ID}
		if w.ID == "" {
			if ns, err = c.kvByTitle(ctx, w.Name); err != nil || ns.ID == "" {
				return o, err
			}
		}
		id, data := ns.ID, ""
		var g group
		if w.ID != "" {
			g.Go(func() (err error) { ns, err = c.kvByID(ctx, w.ID); return err })
		}
		if w.WithData {
			g.Go(func() error {
				keys, more, err := c.countKeys(ctx, id)
				data = some(keys, more, "key")
				return unlessGone(err, kvGone...)
			})
		}
		if err := g.Wait(); err != nil || ns.ID == "" {
			return o, err
		}
		return provision.Observed{Exists: true, ID: ns.ID, Name: ns.Title, Data: data,
			Settings: reported("jurisdiction", ns.Jurisdiction)}, nil
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

// countKeys counts a namespace's keys, as far as countPages go.
func (c *Client) countKeys(ctx context.Context, id string) (n int, more bool, err error) {
	q := url.Values{"limit": {fmt.Sprint(countPage)}}
	for range countPages {
		page, err := get[[]struct{}](ctx, c, "accounts/"+c.Account+"/storage/kv/namespaces/"+id+"/keys", q)
		if err != nil {
			return 0, false, err
		}
		n += len(page.Result)
		if page.Info.Cursor == "" {
			return n, false, nil
		}
		q.Set("cursor", page.Info.Cursor)
	}
	return n, true, nil
}

// kvByID reads a namespace; one without an id is not there.
func (c *Client) kvByID(ctx context.Context, id string) (kvNamespace, error) {
	return remember(c, "kv "+id, func() (kvNamespace, error) {
		var e envelope[kvNamespace]
		_, err := kv.NewNamespaceService(c.options...).Get(ctx, id, inAccount[kv.NamespaceGetParams](c), into(&e))
		return e.Result, unlessGone(whole(err, e.Result.ID), kvGone...)
	})
}

// Package kinds knows each Cloudflare resource, one to a file.
//
// A kind is a struct of functions over settings of its own type, kind[S],
// registered from its own file and erased to a Kind at the edge, so that the
// rest of the program sees provision's nouns only. What a kind cannot do is a
// field left out. A kind declares its settings and their JSON Schema, what
// forces a replacement, what it refers to, how it is read, made, changed and
// deleted, what it holds and how that is saved, and what it writes into
// wrangler.jsonc. What a store holds is counted only for a plan that would
// destroy it, page by page and no further than countPages.
//
// To add a kind, copy kv.go. Nothing else changes: the manifest, the plan, the
// schema, the contract suite and the documentation find it in the registry.
//
// This package is the only one that imports cloudflare-go, and of it only the
// service packages: the root client compiles six times as many.
package kinds

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"

	"github.com/cfboot/cfboot/provision"
)

// kind is one type of resource with settings S, a struct whose JSON form is
// both what the manifest says and what the plan compares.
type kind[S any] struct {
	name       string
	of         string         // the kind whose resource objects stand for it beside themselves, under their name; only with no schema
	schema     string         // JSON Schema of the settings: {"description", "properties", "required"}
	example    Example        // what the contract suite plays it with
	permission string         // the token permission group that its writes need
	page       string         // its page in the dashboard: {account}, {id}, {name}, {jurisdiction} are filled in
	naming     naming         // of its real names
	local      []string       // settings that only the project's files keep
	place      []string       // settings that say which one it is, as its name does
	replace    []string       // settings that cannot be changed in place
	hints      []string       // settings that Cloudflare takes as advice
	defaults   map[string]any // what a setting goes back to when it is left out again
	tags       tagging        // none: its resources take no tags
	store      bool
	zoned      bool  // it lives in a zone, and a preview on workers.dev has none
	upserts    bool  // its create call overwrites what is there
	settles    []int // codes with which it is refused while what it stands on is fresh
	clears     []int // codes with which its delete is refused while what stood on it is still seen
	namesakes  bool  // names are not unique: it is found by its mark, and others of its name are nobody's business
	calls      func(a provision.Action, changes []provision.Change) int

	// resolve canonicalises what the manifest says and names the resource. Most
	// kinds need only their name; others give further resources.
	resolve func(in provision.Spec, s *S, r *resolution) error
	read    func(ctx context.Context, c *Client, w wanted[S]) (provision.Observed, error)
	create  func(ctx context.Context, c *Client, s step[S]) (made[S], error)
	update  func(ctx context.Context, c *Client, s step[S]) error
	delete  func(ctx context.Context, c *Client, s step[S]) error
	save    func(ctx context.Context, c *Client, s step[S], w io.Writer) error // nil: what it holds cannot be saved
	bind    func(e provision.Entry, s S) []provision.Binding
	chore   func(s S) Chore // what is left for a person to do once one is made; nil: nothing
}

// An Example is a resource object through its life, as the manifest has it. The
// contract suite plays it, and editors offer it.
type Example struct {
	Made     string // at first
	Changed  string // with a setting changed in place; empty: none can be
	Setting  string // that setting
	Replaced string // with a setting changed that cannot be changed in place; empty: all can
}

// wanted is provision.Wanted with typed settings.
type wanted[S any] struct {
	provision.Wanted
	S        S
	WithData bool // also say what a store holds
}

// step is provision.Step with typed settings.
type step[S any] struct {
	provision.Step
	S    S
	Refs map[provision.Key]provision.Entry
}

// changes reports whether an update concerns the setting.
func (s step[S]) changes(setting string) bool {
	return slices.ContainsFunc(s.Step.Changes, func(c provision.Change) bool { return c.Setting == setting })
}

// ref gives the entry of the only resource of that kind that is referred to.
func (s step[S]) ref(kind string) (provision.Entry, bool) {
	for _, k := range append(slices.Clone(s.Step.Refs), s.Step.PriorRefs...) {
		if e, ok := s.Refs[k]; ok && k.Kind == kind {
			return e, true
		}
	}
	return provision.Entry{}, false
}

// made is what a create call has brought about.
type made[S any] struct {
	ID, Zone string
	Lacks    []string // settings that the call could not carry and that are still to be applied
}

// resolution collects what one resource object stands for.
type resolution struct {
	name     string // real name; empty: by the naming rule
	identity string // as in provision.Resource
	refs     []provision.Ref
	extra    []provision.Resource
}

func (r *resolution) refer(from, to provision.Key, path string) {
	r.refs = append(r.refs, provision.Ref{From: from, To: to, Path: path})
}

// Kind is a kind with its settings erased.
type Kind struct {
	Name       string
	Permission string
	Traits     provision.Traits
	Derived    bool // it has no schema: another kind's resource stands for it
	of         string
	Namesakes  bool // names are not unique, so that one of its name is no conflict
	Example    Example
	page       string
	tags       tagging
	schema     string
	settings   reflect.Type
	resolve    func(provision.Spec) ([]provision.Resource, []provision.Ref, error)
	read       func(context.Context, *Client, provision.Wanted, bool) (provision.Observed, error)
	create     func(context.Context, *Client, provision.Step, map[provision.Key]provision.Entry) (provision.Entry, error)
	update     func(context.Context, *Client, provision.Step, map[provision.Key]provision.Entry) error
	delete     func(context.Context, *Client, provision.Step) error
	save       func(context.Context, *Client, provision.Step, io.Writer) error
	bind       func(provision.Entry) []provision.Binding
	chore      func(provision.Entry) Chore
}

var registry = map[string]Kind{}

// register adds a kind to the registry, from the file that defines it.
func register[S any](k kind[S]) struct{} {
	registry[k.name] = k.erase()
	return struct{}{}
}

// All lists every kind by name.
func All() []Kind {
	out := make([]Kind, 0, len(registry))
	for _, n := range slices.Sorted(maps.Keys(registry)) {
		out = append(out, registry[n])
	}
	return out
}

// Traits is what Diff has to know of every kind.
func Traits() map[string]provision.Traits {
	out := map[string]provision.Traits{}
	for n, k := range registry {
		out[n] = k.Traits
	}
	return out
}

// Bindings lists what an entry says in wrangler.jsonc. What the entry of an
// unknown kind says is nothing.
func Bindings(e provision.Entry) []provision.Binding {
	k, ok := registry[e.Key.Kind]
	if !ok || k.bind == nil {
		return nil
	}
	return k.bind(e)
}

func (k kind[S]) erase() Kind {
	saving := 0
	if k.save != nil {
		saving = 1 // when what is to be saved is ready at the first look
	}
	marks, remarks := k.tags.calls()
	return Kind{
		Name: k.name, Permission: k.permission, page: k.page, tags: k.tags, schema: k.schema, settings: reflect.TypeFor[S](), Example: k.example,
		Derived: k.resolve == nil, of: k.of, Namesakes: k.namesakes, chore: k.leaves(),
		Traits: provision.Traits{Replace: k.replace, Hints: k.hints, Defaults: provision.Settings(canonical(k.defaults)), Store: k.store,
			Save: saving, Ignorable: k.ignorable(), Calls: k.calls, Note: k.noted(), Marks: marks, Remarks: remarks},
		resolve: func(in provision.Spec) ([]provision.Resource, []provision.Ref, error) {
			return k.resources(in)
		},
		read: func(ctx context.Context, c *Client, w provision.Wanted, withData bool) (provision.Observed, error) {
			s, err := k.typed(w.Settings, w.Local)
			if err != nil {
				return provision.Observed{}, err
			}
			o, err := k.read(ctx, c, wanted[S]{Wanted: w, S: s, WithData: withData})
			o.Key = w.Key
			return o, err
		},
		create: func(ctx context.Context, c *Client, s provision.Step, refs map[provision.Key]provision.Entry) (provision.Entry, error) {
			typed, err := k.step(s, refs)
			if err != nil {
				return provision.Entry{}, err
			}
			if err := k.vacant(ctx, c, typed); err != nil {
				return provision.Entry{}, err
			}
			var m made[S]
			ctx, unsure := watch(ctx)
			err = settle(ctx, c, k.settles, concat(s.Refs, s.Key), func() (err error) { m, err = k.create(ctx, c, typed); return err })
			c.memo.forget()
			if err != nil {
				return provision.Entry{}, lostIf(unsure.Load(), err)
			}
			c.past.born.Store(s.Key, true)
			applied := maps.Clone(s.Settings)
			for _, lack := range m.Lacks {
				delete(applied, lack)
			}
			return provision.Entry{ID: m.ID, Zone: m.Zone, Settings: applied}, nil
		},
		update: func(ctx context.Context, c *Client, s provision.Step, refs map[provision.Key]provision.Entry) error {
			typed, err := k.step(s, refs)
			if err != nil {
				return err
			}
			if k.update == nil {
				return fmt.Errorf("a %s cannot be changed in place", k.name)
			}
			err = settle(ctx, c, k.settles, concat(s.Refs, s.Key), func() error { return k.update(ctx, c, typed) })
			c.memo.forget()
			return err
		},
		delete: func(ctx context.Context, c *Client, s provision.Step) error {
			typed, err := k.step(s, nil)
			if err != nil {
				return err
			}
			err = settle(ctx, c, k.clears, nil, func() error { return k.delete(ctx, c, typed) })
			c.memo.forget()
			if err == nil {
				c.past.died.Store(s.Key, true)
				c.past.absent.Store(place{k.name, s.Name}, c.transport.now())
			}
			return err
		},
		save: func(ctx context.Context, c *Client, s provision.Step, w io.Writer) error {
			typed, err := k.step(s, nil)
			switch {
			case err != nil:
				return err
			case k.save == nil:
				return fmt.Errorf("what a %s holds cannot be saved", k.name)
			}
			return k.save(ctx, c, typed, w)
		},
		bind: func(e provision.Entry) []provision.Binding {
			if k.bind == nil {
				return nil
			}
			s, err := k.typed(e.Settings, e.Local)
			if err != nil {
				return nil
			}
			return k.bind(e, s)
		},
	}
}

func (k kind[S]) typed(settings, local provision.Settings) (s S, err error) {
	all := maps.Clone(settings)
	if all == nil {
		all = provision.Settings{}
	}
	maps.Copy(all, local)
	b, err := json.Marshal(all)
	if err == nil {
		err = json.Unmarshal(b, &s)
	}
	if err != nil {
		err = fmt.Errorf("its recorded settings are not those of a %s: %w", k.name, err)
	}
	return s, err
}

func (k kind[S]) step(s provision.Step, refs map[provision.Key]provision.Entry) (step[S], error) {
	typed, err := k.typed(s.Settings, s.Local)
	return step[S]{Step: s, S: typed, Refs: refs}, err
}

// resources resolves one object of the manifest.
func (k kind[S]) resources(in provision.Spec) ([]provision.Resource, []provision.Ref, error) {
	if k.zoned && in.Preview != nil && in.Preview.WorkersDev {
		return nil, nil, nil
	}
	var s S
	if err := json.Unmarshal(in.JSON, &s); err != nil {
		return nil, nil, err
	}
	var r resolution
	if err := k.resolve(in, &s, &r); err != nil {
		return nil, nil, err
	}
	if r.name == "" {
		r.name = k.naming.realName(in, in.Key.Name)
		if in.Name != "" {
			if err := k.naming.check(in.Name); err != nil {
				return nil, nil, &provision.SettingError{Path: "/name", Text: err.Error()}
			}
		}
	}
	var common struct {
		Protect *bool    `json:"protect"`
		Ignore  []string `json:"ignore"`
	}
	if err := json.Unmarshal(in.JSON, &common); err != nil {
		return nil, nil, err
	}
	res := provision.Resource{Key: in.Key, Name: r.name, Identity: r.identity, Protect: common.Protect, Ignore: common.Ignore}
	res.Settings, res.Local = split(s, k.local)
	for _, ref := range r.refs {
		if ref.From == in.Key && !slices.Contains(res.Refs, ref.To) {
			res.Refs = append(res.Refs, ref.To)
		}
	}
	return append([]provision.Resource{res}, r.extra...), r.refs, nil
}

// split turns typed settings into those that Cloudflare keeps and those that
// only the project's files keep.
func split(s any, local []string) (remote, files provision.Settings) {
	remote, files = provision.Settings(canonical(s)), provision.Settings{}
	for _, name := range local {
		if v, ok := remote[name]; ok {
			files[name] = v
			delete(remote, name)
		}
	}
	return remote, files
}

// ignorable lists the settings that the manifest may have left alone: those that
// Cloudflare keeps and that do not say which resource it is.
func (k kind[S]) ignorable() []string {
	var schema struct{ Properties map[string]any }
	_ = json.Unmarshal([]byte(k.schema), &schema) // a constant, or none; a test reads each
	var out []string
	for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
		if name != provision.NameSetting && !slices.Contains(k.local, name) && !slices.Contains(k.place, name) {
			out = append(out, name)
		}
	}
	return out
}

// canonical is v in JSON's own types.
func canonical(v any) map[string]any {
	b, err := json.Marshal(v)
	if err != nil {
		panic("kinds: settings are not JSON: " + err.Error()) // a kind's own struct; a test marshals each
	}
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		panic("kinds: settings are no JSON object: " + err.Error())
	}
	return m
}

// Observe implements provision.Reader. What cannot be read is told of every kind
// at once, so that a token need not be mended one permission after another.
func (c *Client) Observe(ctx context.Context, want []provision.Wanted, withData bool) (map[provision.Key]provision.Observed, error) {
	out, errs := c.look(ctx, want, withData)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := summed(want, errs); err != nil {
		return nil, c.diagnosed(ctx, err)
	}
	seen := make(map[provision.Key]provision.Observed, len(want))
	for i, w := range want {
		seen[w.Key] = out[i]
		if !out[i].Exists {
			c.past.absent.Store(place{w.Key.Kind, w.Name}, c.transport.now())
		}
	}
	return seen, nil
}

// look reads all that is wanted, and says of each what came of it.
func (c *Client) look(ctx context.Context, want []provision.Wanted, withData bool) ([]provision.Observed, []error) {
	out, errs := make([]provision.Observed, len(want)), make([]error, len(want))
	var g group
	g.SetLimit(4 * parallel) // the transport bounds what is really sent
	for i, w := range want {
		g.Go(func() error {
			k, err := lookup(w.Key)
			if err == nil {
				err = explain(w.Key, k, guarded(func() (err error) {
					if out[i], err = k.read(ctx, c, w, withData); err == nil && w.ID == "" {
						err = c.tagged(ctx, k, &out[i]) // what has no entry may be ours all the same
					}
					return err
				})())
			}
			if blocked, is := blockedBy(w, err); is {
				out[i], err = blocked, nil
			}
			errs[i] = err
			return nil
		})
	}
	_ = g.Wait() // the errors are in errs
	return out, errs
}

// Create implements provision.Driver.
func (c *Client) Create(ctx context.Context, s provision.Step, refs map[provision.Key]provision.Entry) (provision.Entry, error) {
	k, err := lookup(s.Key)
	if err != nil {
		return provision.Entry{}, err
	}
	e, err := k.create(ctx, c, s, refs)
	return e, explain(s.Key, k, err)
}

// Update implements provision.Driver.
func (c *Client) Update(ctx context.Context, s provision.Step, refs map[provision.Key]provision.Entry) error {
	k, err := lookup(s.Key)
	if err != nil {
		return err
	}
	return explain(s.Key, k, k.update(ctx, c, s, refs))
}

// Delete implements provision.Driver.
func (c *Client) Delete(ctx context.Context, s provision.Step) error {
	k, err := lookup(s.Key)
	if err != nil {
		return err
	}
	return explain(s.Key, k, k.delete(ctx, c, s))
}

// Save implements provision.Driver.
func (c *Client) Save(ctx context.Context, s provision.Step, w io.Writer) error {
	k, err := lookup(s.Key)
	if err != nil {
		return err
	}
	return explain(s.Key, k, k.save(ctx, c, s, w))
}

// Find implements provision.Driver. It asks anew whatever was read before.
func (c *Client) Find(ctx context.Context, s provision.Step, refs map[provision.Key]provision.Entry) (provision.Observed, error) {
	k, err := lookup(s.Key)
	if err != nil {
		return provision.Observed{}, err
	}
	o, err := k.read(ctx, c.unremembered(), provision.Wanted{Key: s.Key, Name: s.Name, Zone: s.Zone, Settings: s.Settings, Local: s.Local, Refs: refs}, false)
	if err == nil {
		err = c.tagged(ctx, k, &o)
	}
	return o, explain(s.Key, k, err)
}

func lookup(key provision.Key) (Kind, error) {
	k, ok := registry[key.Kind]
	if !ok {
		return Kind{}, fmt.Errorf("%s: this cfboot knows no kind %q; a newer one may have made it", key, key.Kind)
	}
	return k, nil
}

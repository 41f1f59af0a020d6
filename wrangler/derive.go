package wrangler

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tailscale/hujson"
)

// A Preview says what a configuration of its own is to be derived for.
type Preview struct {
	Environment string            // "pr-7"
	Worker      string            // its real name
	Account     string            // account_id; empty: what the configuration says
	Edits       []Edit            // what the preview's resources are, as for Apply
	Names       map[string]string // production's real names and the preview's, by kind: "queue/shop-jobs"; empty: left out
	Services    map[string]string // by binding, the Worker that it leads to; empty: left out
	Keep        []string          // bindings that are production's on purpose, and sections without any
	Drop        []string          // bindings of what the preview leaves out
	Crons       bool              // whether it runs by the clock
	Vars        map[string]string // variables that are other than production's
	Hosts       []string          // custom domains that wrangler itself attaches, beside the routes of Edits
	WorkersDev  bool              // whether it answers on workers.dev
}

// ConfigFile is the name of a preview's configuration, which lies beside
// wrangler.jsonc, so that every path in it holds.
func ConfigFile(environment string) string { return "wrangler." + environment + ".jsonc" }

// Derive makes of a project's wrangler.jsonc the whole configuration of one
// preview: what its top level says, with the preview's resources in the place of
// production's, and without other environments. It keeps the comments.
//
// Nothing that stands for something beyond the Worker's own code is let through
// unless it is known to be the preview's, or is shared on purpose: each such place
// is an *Error, all of them joined.
func Derive(src []byte, p Preview) ([]byte, error) {
	out, err := derive(src, p)
	if err != nil {
		return nil, err
	}
	foreign, err := References(src)
	if err != nil {
		return nil, err
	}
	return out, CheckOwn(out, foreign, p)
}

func derive(src []byte, p Preview) ([]byte, error) {
	inFile := func(e *Error) error { e.File = "wrangler.jsonc"; return e }
	d, e := readable(src)
	if e != nil {
		return nil, inFile(e)
	}
	r := &deriver{d: d, p: p, containers: map[string]string{}}
	if err := r.judge(); err != nil {
		return nil, err
	}
	out, e := r.changed()
	if e != nil {
		return nil, inFile(e)
	}
	edits := r.edits()
	if out, e = apply(out, "", edits); e != nil {
		return nil, inFile(e)
	}
	return slices.Concat([]byte("// Made by cfboot of wrangler.jsonc, for the preview "+p.Environment+" alone: what is changed here is lost.\n"), out), nil
}

// readable parses what holds an object without a key that stands twice.
func readable(src []byte) (*document, *Error) {
	if len(src) > MaxSize {
		return nil, errTooLarge()
	}
	d, err := parse(bytes.TrimPrefix(src, bom))
	switch {
	case err != nil:
		return nil, err
	case d.empty:
		return d.withRoot()
	}
	if _, ok := d.root.Value.(*hujson.Object); !ok {
		return nil, d.wrongType(&d.root, nil, "an object")
	}
	return d, d.unique(&d.root)
}

// deriver goes through a configuration and collects what becomes of it.
type deriver struct {
	d          *document
	p          Preview
	worker     string // production's
	hasCrons   bool
	containers map[string]string // new names by old ones
	kept       []string          // queues of production's that the preview sends to on purpose

	texts   []splice // literals that change
	gone    [][]int  // what is taken out, by the way to it
	sets    []Edit   // fields that are new
	refused []error
}

// judge decides on every part of the configuration. Its error is all that is
// refused.
func (r *deriver) judge() error {
	root := r.d.root.Value.(*hujson.Object)
	r.worker = textOf(root, "name")
	r.names(root)
	r.members(root, "", nil)
	return errors.Join(r.refused...)
}

// names notes what parts refer to that come before what they refer to.
func (r *deriver) names(root *hujson.Object) {
	for _, o := range objectsIn(memberOf(root, "containers")) {
		if name := textOf(o, "name"); name != "" {
			r.containers[name] = r.ofPreview(name, r.worker, r.p.Worker, 0)
		}
	}
	if queues := memberOf(root, "queues"); queues != nil {
		if q, ok := queues.Value.(*hujson.Object); ok {
			for _, o := range objectsIn(memberOf(q, "producers")) {
				if slices.Contains(r.p.Keep, textOf(o, "binding")) {
					r.kept = append(r.kept, textOf(o, "queue"))
				}
			}
		}
	}
}

// members decides on the members of an object that stands at a path.
func (r *deriver) members(o *hujson.Object, path string, way []int) {
	for i := range o.Members {
		name, v := nameOf(&o.Members[i]), &o.Members[i].Value
		at, here := append(slices.Clone(way), i), strings.TrimPrefix(path+"."+name, ".")
		s := sectionAt(here)
		if s == nil && path != "" {
			s = sectionAt(path + ".*")
		}
		inner, isObject := v.Value.(*hujson.Object)
		switch {
		case s != nil:
			r.section(s, here, v, at)
		case leadsTo(here) && isObject:
			r.members(inner, here, at)
		case v.Value.Kind() == '{' || v.Value.Kind() == '[':
			r.refuse(o.Members[i].Name.StartOffset, here+" is not known to this cfboot, and may name what is production's",
				"leave it out, or look for a newer cfboot")
		}
	}
}

// section decides on what has a row.
func (r *deriver) section(s *section, path string, v *hujson.Value, at []int) {
	switch s.policy {
	case within:
		if path == "migrations" {
			r.migrations(v)
		}
		return
	case settled:
		r.settable(path, v, at)
		return
	case dropped:
		r.drop(s, path, v, at)
		return
	}
	switch c := v.Value.(type) {
	case *hujson.Array:
		for i := range c.Elements {
			o, ok := c.Elements[i].Value.(*hujson.Object)
			if !ok {
				r.refuse(c.Elements[i].StartOffset, fmt.Sprintf("an element of %s is %s, not an object", path, kindName(&c.Elements[i])), "see the configuration reference of wrangler for its form")
				continue
			}
			r.element(element{s, path, o, c.Elements[i].StartOffset, append(slices.Clone(at), i)})
		}
	case *hujson.Object:
		r.element(element{s, path, c, v.StartOffset, at})
	default:
		r.refuse(v.StartOffset, fmt.Sprintf("%s is %s, neither an object nor a list", path, kindName(v)), "see the configuration reference of wrangler for its form")
	}
}

// settable decides on what Derive sets, as far as something stands there.
func (r *deriver) settable(path string, v *hujson.Value, at []int) {
	switch path {
	case "triggers.crons":
		r.hasCrons = true
	case "vars":
		o, ok := v.Value.(*hujson.Object)
		for i := 0; ok && i < len(o.Members); i++ {
			if name := nameOf(&o.Members[i]); slices.Contains(r.p.Drop, name) && !r.setsVar(name) {
				r.gone = append(r.gone, append(slices.Clone(at), i))
			}
		}
	}
}

func (r *deriver) setsVar(name string) bool {
	_, ok := r.p.Vars[name]
	return ok || slices.ContainsFunc(r.p.Edits, func(e Edit) bool { return slices.Equal(e.Section, []string{"vars", name}) })
}

// drop takes a section out, unless it is kept on purpose and may be.
func (r *deriver) drop(s *section, path string, v *hujson.Value, at []int) {
	top, _, _ := strings.Cut(path, ".")
	switch {
	case path == "pages_build_output_dir":
		r.refuse(v.StartOffset, "this is a Pages project, and a preview is a Worker", "move the project to Workers with static assets")
	case slices.Contains(keepable, top) && slices.Contains(r.p.Keep, top):
	default:
		r.gone = append(r.gone, at)
	}
}

// migrations refuses one that would take a class, and what its objects hold, from
// another Worker.
func (r *deriver) migrations(v *hujson.Value) {
	for _, m := range objectsIn(v) {
		for _, o := range objectsIn(memberOf(m, "transferred_classes")) {
			r.transfer(o, "from_script")
		}
	}
}

// transfer decides on the Worker that a class comes from or goes to. Its objects
// move, so it is never shared.
func (r *deriver) transfer(o *hujson.Object, field string) {
	v := memberOf(o, field)
	if v == nil {
		return
	}
	if name := r.p.Names["worker/"+literalText(v)]; name != "" {
		r.rewrite(v, name)
		return
	}
	r.refuse(v.StartOffset, fmt.Sprintf("%s names the Worker %q, whose objects would be moved", field, literalText(v)), "take the transfer out once production has made it")
}

// refuse notes what cannot be in a preview.
func (r *deriver) refuse(off int, msg string, hints ...string) {
	e := r.d.errorAt(off, "%s", msg)
	e.File, e.Hints = "wrangler.jsonc", hints
	r.refused = append(r.refused, e)
}

// rewrite puts another text in the place of a literal.
func (r *deriver) rewrite(v *hujson.Value, text string) {
	if literalText(v) != text {
		r.texts = append(r.texts, splice{v.StartOffset, v.EndOffset, stringValue(text).text})
	}
}

// changed makes the changes: first the texts, which leave the way to every part
// as it is, then from the end what is taken out.
func (r *deriver) changed() ([]byte, *Error) {
	d, err := parse(spliced(r.d.src, r.texts))
	if err != nil {
		return nil, err
	}
	slices.SortFunc(r.gone, func(a, b []int) int { return slices.Compare(b, a) })
	for _, way := range r.gone {
		if d, err = d.without(way); err != nil {
			return nil, err
		}
	}
	return d.src, nil
}

// without takes out the member or element that a way of indexes leads to.
func (d *document) without(way []int) (*document, *Error) {
	v, flat := &d.root, false
	for _, i := range way[:len(way)-1] {
		flat = d.oneLine(v)
		switch c := v.Value.(type) {
		case *hujson.Object:
			v = &c.Members[i].Value
		case *hujson.Array:
			v = &c.Elements[i]
		}
	}
	last := way[len(way)-1]
	return parse(spliced(d.src, d.remove(boxOf(v, flat), func(i int) bool { return i == last })))
}

// edits is all that is set in the end.
func (r *deriver) edits() []Edit {
	value := func(v any, path ...string) Edit { return Edit{Section: path, Set: []Field{{Value: v}}} }
	out := []Edit{value(r.p.Worker, "name"), value(r.p.WorkersDev, "workers_dev")}
	if r.p.Account != "" {
		out = append(out, value(r.p.Account, "account_id"))
	}
	if r.hasCrons && !r.p.Crons {
		out = append(out, value([]string{}, "triggers", "crons"))
	}
	for _, name := range slices.Sorted(maps.Keys(r.p.Vars)) {
		out = append(out, value(r.p.Vars[name], "vars", name))
	}
	routed := map[any]bool{}
	for _, e := range r.p.Edits {
		if len(e.Section) == 2 && e.Section[0] == "vars" {
			if _, overruled := r.p.Vars[e.Section[1]]; overruled {
				continue
			}
		}
		if slices.Equal(e.Section, []string{"routes"}) {
			routed[e.Match.Value] = true
		}
		out = append(out, e)
	}
	for _, host := range r.p.Hosts {
		if !routed[host] && !routed[host+"/*"] {
			out = append(out, Edit{Section: []string{"routes"}, Match: Field{"pattern", host}, Set: []Field{{"pattern", host}, {"custom_domain", true}}})
		}
	}
	return append(out, r.sets...)
}

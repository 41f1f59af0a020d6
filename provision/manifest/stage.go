package manifest

import (
	"errors"
	"slices"

	"github.com/cfboot/cfboot/provision"
)

// stage is one environment on its way from objects to resources.
type stage struct {
	manifest        *Manifest
	report          *report
	environment     string
	over            *overlay // what the environment says of its own; nil: nothing
	preview         *preview // set where the environment is a preview
	domain, account string
	entries         []*entry
	left            map[string]int // logical names that the environment leaves out, and where

	placed []*placed
	byKey  map[provision.Key]*placed
	refs   []need
}

// entry is one resource object with the environment merged in.
type entry struct {
	key   provision.Key
	at    int // of its logical name
	value *value
	sound bool // it fits its kind's schema and may be resolved
}

// placed is a resource and the object that it comes from.
type placed struct {
	provision.Resource
	from *entry
}

// need is a reference and the object that states it.
type need struct {
	provision.Ref
	at   int
	from *entry
}

// prepare merges an environment into production and holds every object against
// its kind's schema. Without a checker the objects are known to fit. An error
// means that the catalog is broken.
func (m *Manifest) prepare(environment string, r *report, ch *checker) (*stage, error) {
	st := m.stage(environment, r)
	st.over = m.overlay(environment)
	return st, st.merge(ch)
}

func (m *Manifest) stage(environment string, r *report) *stage {
	return &stage{manifest: m, report: r, environment: environment, domain: m.Domain, account: m.Account,
		left: map[string]int{}, byKey: map[provision.Key]*placed{}}
}

// merge makes the entries of production and of what the environment says.
func (st *stage) merge(ch *checker) error {
	m := st.manifest
	for _, res := range m.resources {
		st.entries = append(st.entries, newEntry(res))
	}
	if env := st.over; env != nil {
		st.domain, st.account = env.domain, env.account
		st.unshared()
		for _, res := range env.resources {
			st.override(res)
		}
		st.entries = slices.DeleteFunc(st.entries, func(e *entry) bool { return e.value == nil })
	}
	for _, e := range st.entries {
		if ch == nil {
			e.sound = true
			continue
		}
		if err := ch.check(st.environment, e, m.resources); err != nil {
			return err
		}
	}
	return nil
}

func newEntry(m member) *entry {
	return &entry{key: provision.Key{Kind: m.value.str("kind"), Name: m.name}, at: m.at, value: m.value}
}

// place is where a setting stands, or as much of it as is written; the logical
// name where nothing of it is.
func (e *entry) place(path []string) int {
	if len(path) == 0 || e.value.child(path[0]) == nil {
		return e.at
	}
	return e.value.place(path)
}

// override merges one member of an environment's resources into the entries.
func (st *stage) override(res member) {
	unused := func(m member, have []string) {
		hint := "remove it"
		if c, ok := closest(m.name, have); ok {
			hint = didYouMean(c)
		}
		st.report.add(m.at, "null takes "+quote(m.name)+" away, which is not there", hint)
	}
	i := slices.IndexFunc(st.entries, func(e *entry) bool { return e.key.Name == res.name })
	switch {
	case res.value.form == 'n' && i < 0:
		unused(res, st.manifest.logicalNames())
	case i >= 0 && st.entries[i].value == nil:
		// It is shared, and that it is not changed as well was told.
	case res.value.form == 'n':
		st.left[res.name] = res.at
		st.entries[i].value = nil
	case i >= 0 && st.entries[i].value.form != '{':
		// Production was told; there is nothing to merge into.
	case i >= 0:
		base := st.entries[i]
		if k, ok := res.value.get("kind"); ok && base.key.Kind != "" && k.value.text != base.key.Kind {
			st.report.add(k.value.at, "an environment cannot make another kind of "+quote(res.name)+", which is "+base.key.Kind,
				"leave "+quote(res.name)+" out here with null, and add a resource with another name")
			base.value = &value{at: base.value.at, form: 'n'}
			return
		}
		base.at, base.value = res.at, merge(base.value, res.value, unused)
		base.key.Kind = base.value.str("kind")
	default:
		res.value = merge(nil, res.value, unused)
		st.entries = append(st.entries, newEntry(res))
	}
}

func (m *Manifest) logicalNames() []string {
	var out []string
	for _, res := range m.resources {
		out = append(out, res.name)
	}
	return out
}

// resolve asks the catalog for the resources and references of every sound
// entry.
func (st *stage) resolve(c Catalog) {
	if st.over != nil && st.over.misnamed {
		return // every real name would be at fault with it
	}
	names := st.names()
	for _, e := range st.entries {
		if !e.sound {
			continue
		}
		resources, refs, err := c.Resolve(st.spec(e, names))
		if err != nil {
			st.refused(c, e, err)
			e.sound = false
			continue
		}
		for _, r := range resources {
			st.place(r, e)
		}
		for _, ref := range refs {
			st.refs = append(st.refs, need{ref, e.place(steps(ref.Path)), e})
		}
	}
	st.joinRefs()
}

// names are the "name" settings, by logical name.
func (st *stage) names() map[string]string {
	names := map[string]string{}
	for _, e := range st.entries {
		if n := e.value.str("name"); n != "" {
			names[e.key.Name] = n
		}
	}
	return names
}

func (st *stage) spec(e *entry, names map[string]string) Spec {
	return Spec{Project: st.manifest.Name, Environment: st.environment, Domain: st.domain, Preview: st.preview.of(st, e),
		Key: e.key, Name: names[e.key.Name], Names: names, JSON: e.value.json()}
}

func (st *stage) place(r provision.Resource, e *entry) {
	if other, taken := st.byKey[r.Key]; taken {
		st.tell(e, "key "+r.Key.String(), fault{e.at, "it stands for " + label(r.Key) + ", and so does " + label(other.from.key) +
			" (" + st.report.source.place(other.from.at) + ")", []string{"give one of the two another logical name"}})
		return
	}
	r.Refs = slices.Clone(r.Refs)
	p := &placed{Resource: r, from: e}
	st.placed = append(st.placed, p)
	st.byKey[r.Key] = p
}

// joinRefs makes sure that what refers is also ordered: every reference is among
// the refs of the resource that it starts from.
func (st *stage) joinRefs() {
	for _, n := range st.refs {
		p := st.byKey[n.From]
		if p != nil && n.To != p.Key && !slices.Contains(p.Refs, n.To) {
			p.Refs = append(p.Refs, n.To)
		}
	}
}

// refused reports what a kind says against an object.
func (st *stage) refused(c Catalog, e *entry, err error) {
	for _, one := range flatten(err) {
		f := fault{at: e.at, text: one.Error()}
		var setting *SettingError
		if errors.As(one, &setting) {
			f.text, f.hints = setting.Text, setting.Hints
			if setting.Path != "" {
				path := steps(setting.Path)
				f.text = dotted(path) + ": " + setting.Text
				f.at = e.place(path)
			}
		}
		if len(f.hints) == 0 {
			f.hints = []string{st.describe(c, e, setting)}
		}
		st.tell(e, f.text, f)
	}
}

// describe is the hint for a fault whose finder gave none: what the schema says.
func (st *stage) describe(c Catalog, e *entry, setting *SettingError) string {
	if doc, err := document(c, e.key.Kind); err == nil {
		f := &form{document: doc}
		if setting != nil {
			if text := f.describe(steps(setting.Path)); text != "" {
				return text
			}
		}
		if text := f.describe(nil); text != "" {
			return text
		}
	}
	return "change it, or leave it out"
}

// tell reports a fault of one entry.
func (st *stage) tell(e *entry, id string, f fault) {
	st.report.addIn(st.environment, e.key, id, f)
}

// flatten lists the errors that errors.Join put together.
func flatten(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var out []error
		for _, e := range joined.Unwrap() {
			out = append(out, flatten(e)...)
		}
		return out
	}
	return []error{err}
}

// ordered lists each object's own resource, then the others.
func (st *stage) ordered() []provision.Resource {
	var own, derived []provision.Resource
	for _, p := range st.placed {
		if p.Key == p.from.key {
			own = append(own, p.Resource)
		} else {
			derived = append(derived, p.Resource)
		}
	}
	return append(own, derived...)
}

package wrangler

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// topLevelOnly are the keys wrangler reads at top level and nowhere else; under
// env it ignores them with a warning at most (its config-schema.json, 4.164).
var topLevelOnly = []string{
	"$schema", "addresses", "alias", "data_blobs", "dependencies_instrumentation", "dev", "env",
	"keep_vars", "pages_build_output_dir", "send_metrics", "site", "text_blobs", "wasm_modules",
}

// wish is an Edit made ready: checked, its values turned into JSON and its path
// started at the root.
type wish struct {
	path    []string // from the root of the file
	section []string // its end, as the edit had it
	match   *member  // nil: the path itself is meant
	set     []member // in the order of the edit, without repeating match
	whole   *value   // value of the path itself, in place of set
	remove  bool
}

// wishesOf checks the edits. What it refuses is a mistake of the caller, so
// that its errors have no place.
func wishesOf(env string, edits []Edit) ([]wish, *Error) {
	var out []wish
	for i, e := range edits {
		w, err := wishOf(env, e)
		if err != nil {
			return nil, &Error{Msg: fmt.Sprintf("edit %d (%s): %v", i+1, Edit.name(e), err), cause: err}
		}
		out = append(out, w)
	}
	return out, nil
}

func wishOf(env string, e Edit) (wish, error) {
	w := wish{section: slices.Clone(e.Section), remove: e.Remove}
	if env != "" {
		if len(e.Section) > 0 && slices.Contains(topLevelOnly, e.Section[0]) {
			return w, fmt.Errorf("wrangler reads %q at top level only, not under env.%s", e.Section[0], env)
		}
		w.path = []string{"env", env}
	}
	w.path = append(w.path, e.Section...)
	for _, key := range w.path {
		if !utf8.ValidString(key) {
			return w, fmt.Errorf("a key is not valid UTF-8")
		}
	}
	if e.Match.Name != "" {
		return w, w.ofElement(e)
	}
	return w, w.ofKey(e)
}

// ofElement fills in an edit of a list element.
func (w *wish) ofElement(e Edit) error {
	if len(e.Section) == 0 {
		return fmt.Errorf("has a match but no section to look in")
	}
	v, err := valueOf(e.Match.Value, 0)
	if err != nil {
		return fmt.Errorf("match %q %w", e.Match.Name, err)
	}
	if v.kind == '{' || v.kind == '[' {
		return fmt.Errorf("match %q is not a string, number or boolean", e.Match.Name)
	}
	w.match = &member{e.Match.Name, v}
	if e.Remove {
		return nil
	}
	w.set, err = membersOf(e.Set)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(w.set, func(m member) bool { return m.name == e.Match.Name })
	switch {
	case i < 0:
		w.set = slices.Insert(w.set, 0, *w.match)
	case !equalWanted(w.set[i].value, v):
		return fmt.Errorf("sets %q to another value than it matches by, so that a second run would not find it", e.Match.Name)
	}
	return nil
}

// ofKey fills in an edit of an object or of a key's value.
func (w *wish) ofKey(e Edit) (err error) {
	switch {
	case e.Remove && len(e.Section) == 0:
		return fmt.Errorf("removes, but names neither section nor match")
	case e.Remove && len(e.Set) > 0:
		return fmt.Errorf("removes a whole key, so it cannot list fields; name the key to remove in Section")
	case e.Remove:
		return nil
	case len(e.Set) == 0:
		return fmt.Errorf("sets nothing")
	case len(e.Set) == 1 && e.Set[0].Name == "" && len(e.Section) > 0:
		v, err := valueOf(e.Set[0].Value, 0)
		if err != nil {
			return fmt.Errorf("the value %w", err)
		}
		w.whole = &v
		return nil
	}
	w.set, err = membersOf(e.Set)
	return err
}

func membersOf(fields []Field) ([]member, error) {
	var out []member
	for _, f := range fields {
		switch {
		case f.Name == "":
			return nil, fmt.Errorf("has a field without a name")
		case !utf8.ValidString(f.Name):
			return nil, fmt.Errorf("has a field whose name is not valid UTF-8")
		case slices.ContainsFunc(out, func(m member) bool { return m.name == f.Name }):
			return nil, fmt.Errorf("sets %q twice", f.Name)
		}
		v, err := valueOf(f.Value, 0)
		if err != nil {
			return nil, fmt.Errorf("field %q %w", f.Name, err)
		}
		out = append(out, member{f.Name, v})
	}
	return out, nil
}

// equalWanted compares two literals that are both wanted.
func equalWanted(a, b value) bool {
	if a.kind != b.kind {
		return false
	}
	return a.text == b.text || a.kind == '0' && equalNumbers(a.text, b.text)
}

// routes reports whether the wish is about routes, where "a.example/*" stands
// for {"pattern": "a.example/*"}.
func (w wish) routes() bool {
	return w.match != nil && w.match.name == "pattern" && w.match.value.kind == '"' && slices.Equal(w.section, []string{"routes"})
}

// element is what is added where nothing matches.
func (w wish) element() value {
	if w.routes() && len(w.set) == 1 {
		return w.match.value // wrangler refuses an object with nothing but a pattern
	}
	return value{kind: '{', members: w.set}
}

// missing is the value of the key at depth of the path, if it is absent.
func (w wish) missing(depth int) value {
	var v value
	switch {
	case w.match != nil:
		v = value{kind: '[', items: []value{w.element()}}
	case w.whole != nil:
		v = *w.whole
	default:
		v = value{kind: '{', members: w.set}
	}
	for i := len(w.path) - 1; i > depth; i-- {
		v = value{kind: '{', members: []member{{w.path[i], v}}}
	}
	return v
}

// String names what the wish is about: env.staging.d1_databases[binding="DB"].
func (w wish) String() string {
	s := strings.Join(w.path, ".")
	if w.match != nil {
		s += fmt.Sprintf("[%s=%s]", w.match.name, w.match.value.text)
	}
	if s == "" {
		return "the top level"
	}
	return s
}

// name is the same for an edit that may be wrong, and so leaves values out.
func (e Edit) name() string {
	s := strings.Join(e.Section, ".")
	if e.Match.Name != "" {
		s += "[" + e.Match.Name + "]"
	}
	if s == "" {
		return "top level"
	}
	return s
}

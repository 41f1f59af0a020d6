package wrangler

import (
	"bytes"
	"slices"
	"strings"

	"github.com/tailscale/hujson"
)

// plan compares the document with a wish and returns what to splice. No splices
// means that the wish holds. Where one list needs both removals and additions
// only the removals are returned: the rest follows in the next round, on a tree
// in which commas and neighbours are settled again.
func (d *document) plan(w wish) ([]splice, *Error) {
	v, flat := &d.root, false
	for depth, key := range w.path {
		o, ok := v.Value.(*hujson.Object)
		if !ok {
			return nil, d.wrongType(v, w.path[:depth], "an object")
		}
		i, err := d.find(o, key)
		if err != nil {
			return nil, err
		}
		if err := d.exclusive(o, w, depth); err != nil {
			return nil, err
		}
		b := boxOf(v, flat)
		switch {
		case i < 0 && w.remove:
			return nil, nil
		case i < 0:
			return d.insert(b, len(b.items)-1, []member{{key, w.missing(depth)}}), nil
		case w.remove && w.match == nil && depth == len(w.path)-1:
			return d.remove(b, func(n int) bool { return n == i }), nil
		}
		v, flat = &o.Members[i].Value, d.oneLine(v)
	}
	switch {
	case w.match != nil:
		return d.planElement(w, v, flat)
	case w.whole != nil:
		return d.patch(v, flat, *w.whole, false)
	case v.Value.Kind() != '{':
		return nil, d.wrongType(v, w.path, "an object")
	}
	return d.patch(v, flat, value{kind: '{', members: w.set}, false)
}

// planElement compares one element of the list v.
func (d *document) planElement(w wish, v *hujson.Value, flat bool) ([]splice, *Error) {
	list, ok := v.Value.(*hujson.Array)
	if !ok {
		return nil, d.wrongType(v, w.path, "a list")
	}
	at, err := d.match(w, list)
	if err != nil {
		return nil, err
	}
	b := boxOf(v, flat)
	switch {
	case at < 0 && w.remove:
		return nil, nil
	case at < 0:
		return d.insert(b, len(b.items)-1, []member{{value: w.element()}}), nil
	case w.remove:
		return d.remove(b, func(n int) bool { return n == at }), nil
	}
	e := &list.Elements[at]
	if e.Value.Kind() != '"' {
		return d.patch(e, d.oneLine(v), value{kind: '{', members: w.set}, false)
	}
	if len(w.set) == 1 {
		return nil, nil // a string says no more than its pattern
	}
	return []splice{{e.StartOffset, e.EndOffset, d.itemText(b, at, w.element())}}, nil
}

// match finds the one element a wish is about, or -1.
func (d *document) match(w wish, list *hujson.Array) (int, *Error) {
	at := -1
	for i := range list.Elements {
		e := &list.Elements[i]
		if !matches(w, e) {
			continue
		}
		if at >= 0 {
			line, _ := d.at(list.Elements[at].StartOffset)
			err := d.errorAt(e.StartOffset, "two elements of %s have %s %s, the first on line %d",
				strings.Join(w.path, "."), w.match.name, w.match.value.text, line)
			err.Hints = []string{"remove or rename one of them"}
			return -1, err
		}
		at = i
		if err := d.unique(e); err != nil {
			return -1, err
		}
	}
	return at, nil
}

// matches also holds if only one of two members of that name has the value, so
// that the duplicate comes to light.
func matches(w wish, e *hujson.Value) bool {
	switch v := e.Value.(type) {
	case *hujson.Object:
		return slices.ContainsFunc(v.Members, func(m hujson.ObjectMember) bool {
			return nameOf(&m) == w.match.name && equal(&m.Value, w.match.value)
		})
	case hujson.Literal:
		return w.routes() && equalLiteral(v, w.match.value)
	}
	return false
}

// patch compares a value with what is wanted. Not exact, an object may hold
// more than is wanted; within a list everything is exact.
func (d *document) patch(v *hujson.Value, flat bool, want value, exact bool) ([]splice, *Error) {
	switch have := v.Value.(type) {
	case *hujson.Object:
		if want.kind == '{' {
			return d.patchObject(v, have, flat, want, exact)
		}
	case *hujson.Array:
		if want.kind == '[' {
			return d.patchList(v, have, flat, want)
		}
	case hujson.Literal:
		if equalLiteral(have, want) {
			return nil, nil
		}
	}
	text := d.style().text(want, lineIndent(d.src, v.StartOffset), !flat)
	return []splice{{v.StartOffset, v.EndOffset, text}}, nil
}

func (d *document) patchObject(v *hujson.Value, have *hujson.Object, flat bool, want value, exact bool) ([]splice, *Error) {
	if _, err := d.find(have, ""); err != nil {
		return nil, err
	}
	b := boxOf(v, flat)
	index := make(map[string]int, len(have.Members))
	for i := range have.Members {
		index[nameOf(&have.Members[i])] = i
	}
	if exact {
		wanted := make(map[string]bool, len(want.members))
		for _, m := range want.members {
			wanted[m.name] = true
		}
		gone := d.remove(b, func(i int) bool { return !wanted[nameOf(&have.Members[i])] })
		if len(gone) > 0 {
			return gone, nil
		}
	}
	var out []splice
	var missing []member
	for _, m := range want.members {
		i, ok := index[m.name]
		if !ok {
			missing = append(missing, m)
			continue
		}
		inner, err := d.patch(&have.Members[i].Value, d.oneLine(v), m.value, exact)
		if err != nil {
			return nil, err
		}
		out = append(out, inner...)
	}
	return append(out, d.insert(b, len(b.items)-1, missing)...), nil
}

// patchList makes a list hold exactly what is wanted, and leaves the elements
// it already holds in place.
func (d *document) patchList(v *hujson.Value, have *hujson.Array, flat bool, want value) ([]splice, *Error) {
	b := boxOf(v, flat)
	turn := align(have.Elements, want.items)
	if len(turn.gone) > 0 {
		return d.remove(b, func(i int) bool { return turn.gone[i] }), nil
	}
	var out []splice
	for _, p := range turn.changed {
		inner, err := d.patch(&have.Elements[p.have], d.oneLine(v), want.items[p.want], true)
		if err != nil {
			return nil, err
		}
		out = append(out, inner...)
	}
	for _, run := range turn.added {
		var entries []member
		for _, item := range want.items[run.from:run.to] {
			entries = append(entries, member{value: item})
		}
		out = append(out, d.insert(b, run.after, entries)...)
	}
	return out, nil
}

// exclusive refuses to set routes where the singular route stands, or the other
// way round: wrangler accepts one of the two.
func (d *document) exclusive(o *hujson.Object, w wish, depth int) *Error {
	if w.remove || len(w.section) == 0 || depth != len(w.path)-len(w.section) {
		return nil
	}
	other, ok := map[string]string{"routes": "route", "route": "routes"}[w.section[0]]
	if !ok {
		return nil
	}
	i, err := d.find(o, other)
	if err != nil || i < 0 {
		return err
	}
	e := d.errorAt(o.Members[i].Name.StartOffset, "has %q, and wrangler accepts no %q beside it", other, w.section[0])
	e.Hints = []string{`keep "routes", a list, and move the pattern of "route" into it`}
	return e
}

func (d *document) wrongType(v *hujson.Value, path []string, want string) *Error {
	name := "the file"
	if len(path) > 0 {
		name = strings.Join(path, ".")
	}
	e := d.errorAt(v.StartOffset, "%s is %s, not %s", name, kindName(v), want)
	e.Hints = []string{"see the configuration reference of wrangler for the form of " + name}
	return e
}

// oneLine reports whether a value is written without a line break.
func (d *document) oneLine(v *hujson.Value) bool {
	return v.Value.Kind() != '{' && v.Value.Kind() != '[' ||
		bytes.IndexByte(d.src[v.StartOffset:v.EndOffset], '\n') < 0
}

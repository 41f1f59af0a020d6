package wrangler

import (
	"fmt"
	"strings"
)

// dice make choices from bytes, so that the fuzzer, by changing a byte, changes
// one decision. When they run out every choice is the first.
type dice []byte

func (d *dice) roll(n int) int {
	if len(*d) == 0 {
		return 0
	}
	b := int((*d)[0])
	*d = (*d)[1:]
	return b % n
}

func pick[T any](d *dice, list ...T) T { return list[d.roll(len(list))] }

// matchValues are what elements are found by; the last ones need care.
var matchValues = []string{"A", "B", "JOBS", "a.example/*", "\"\\/\n", "é\U0001F600"}

// lists are the sections of elements that random documents have, and the field
// that tells their elements apart.
var lists = []struct {
	section []string
	match   string
}{
	{[]string{"d1_databases"}, "binding"},
	{[]string{"queues", "producers"}, "binding"},
	{[]string{"queues", "consumers"}, "queue"},
	{[]string{"routes"}, "pattern"},
}

// writer writes a random document: what it says is sensible, how is not.
type writer struct {
	*dice
	b         strings.Builder
	eol, unit string
	lines     bool // may break lines
	trailing  bool // may write trailing commas
	comments  int  // so far
}

// randomDocument is valid JSONC that Apply accepts.
func randomDocument(d *dice) string {
	w := &writer{dice: d, eol: pick(d, "\n", "\r\n"), unit: pick(d, "  ", "\t", "    ", ""),
		lines: d.roll(4) != 3, trailing: d.roll(2) == 1}
	w.b.WriteString(pick(d, "", "\ufeff"))
	w.gap(0)
	if d.roll(16) != 15 {
		w.environment(0)
	}
	w.gap(0)
	return w.b.String()
}

// gap writes space and comments.
func (w *writer) gap(depth int) {
	for range w.roll(3) {
		switch choice := w.roll(8); {
		case choice < 3 && w.lines:
			w.b.WriteString(w.eol + strings.Repeat(w.unit, depth))
		case choice == 3:
			w.b.WriteString("/*" + w.comment() + "*/")
		case choice == 4 && w.lines:
			w.b.WriteString("//" + w.comment() + w.eol + strings.Repeat(w.unit, depth))
		case choice == 5 && w.lines:
			w.b.WriteString("/*" + w.comment() + w.eol + " */")
		default:
			w.b.WriteString(pick(w.dice, " ", "\t", "  "))
		}
	}
}

// comment has a text no other comment has and no string.
func (w *writer) comment() string {
	w.comments++
	return fmt.Sprintf("%s#%d#", pick(w.dice, "", " \"", " {[", " ,", "*"), w.comments)
}

// items writes what stands between two brackets.
func (w *writer) items(open, close string, depth int, items []func()) {
	w.b.WriteString(open)
	for i, item := range items {
		w.gap(depth + 1)
		item()
		w.gap(depth + 1)
		if i < len(items)-1 || w.trailing && w.roll(2) == 1 {
			w.b.WriteString(",")
		}
	}
	w.gap(depth)
	w.b.WriteString(close)
}

func (w *writer) member(name string, depth int, value func()) func() {
	return func() {
		w.str(name)
		w.gap(depth)
		w.b.WriteString(":")
		w.gap(depth)
		value()
	}
}

// environment writes the top level, or at depth 2 what stands under env.
func (w *writer) environment(depth int) {
	var members []func()
	add := func(name string, value func(depth int)) {
		if w.roll(3) > 0 {
			members = append(members, w.member(name, depth+1, func() { value(depth + 1) }))
		}
	}
	add("name", func(int) { w.str("shop") })
	add("vars", func(depth int) {
		w.items("{", "}", depth, []func(){w.member("A", depth+1, func() { w.scalar() }), w.member("B", depth+1, func() { w.value(depth + 1) })})
	})
	add("d1_databases", func(depth int) { w.list("binding", depth, false) })
	add("crons", func(depth int) {
		var items []func()
		for range w.roll(4) {
			items = append(items, func() { w.value(depth + 1) })
		}
		w.items("[", "]", depth, items)
	})
	add("queues", func(depth int) {
		var inner []func()
		if w.roll(2) > 0 {
			inner = append(inner, w.member("producers", depth+1, func() { w.list("binding", depth+1, false) }))
		}
		if w.roll(2) > 0 {
			inner = append(inner, w.member("consumers", depth+1, func() { w.list("queue", depth+1, false) }))
		}
		w.items("{", "}", depth, inner)
	})
	add("routes", func(depth int) { w.list("pattern", depth, true) })
	if depth == 0 {
		add("env", func(depth int) {
			w.items("{", "}", depth, []func(){w.member("staging", depth+1, func() { w.environment(depth + 1) })})
		})
	}
	w.items("{", "}", depth, members)
}

// list writes elements that differ in the field match.
func (w *writer) list(match string, depth int, stringsToo bool) {
	var items []func()
	for _, v := range matchValues {
		switch w.roll(4) {
		case 0, 1:
		case 2:
			if stringsToo {
				items = append(items, func() { w.str(v) })
				continue
			}
			fallthrough
		default:
			items = append(items, func() {
				fields := []func(){w.member(match, depth+2, func() { w.str(v) })}
				for _, name := range []string{"id", "more"} {
					if w.roll(2) > 0 {
						fields = append(fields, w.member(name, depth+2, func() { w.value(depth + 2) }))
					}
				}
				w.items("{", "}", depth+1, fields)
			})
		}
	}
	w.items("[", "]", depth, items)
}

func (w *writer) value(depth int) {
	switch w.roll(6) {
	case 0:
		w.items("[", "]", depth, []func(){w.scalar, w.scalar, func() { w.items("{", "}", depth+1, []func(){w.member("x", depth+2, w.scalar)}) }})
	case 1:
		w.items("{", "}", depth, []func(){w.member("x", depth+1, w.scalar), w.member("y", depth+1, w.scalar)})
	default:
		w.scalar()
	}
}

func (w *writer) scalar() {
	switch w.roll(3) {
	case 0:
		w.str(pick(w.dice, "", "1", "A", "a\"b"))
	case 1:
		w.b.WriteString(pick(w.dice, "0", "-0.0", "1", "1.0", "1E0", "10e-1", "0.5", "5e-1", "1e400"))
	default:
		w.b.WriteString(pick(w.dice, "true", "false", "null"))
	}
}

// str writes a string, perhaps with escapes nobody needs.
func (w *writer) str(s string) {
	w.b.WriteByte('"')
	for _, r := range s {
		switch {
		case r < 0x10000 && (r < ' ' || r == '"' || r == '\\' || w.roll(12) == 11):
			fmt.Fprintf(&w.b, `\u%04x`, r)
		default:
			w.b.WriteRune(r)
		}
	}
	w.b.WriteByte('"')
}

// randomEdits returns edits that do not contradict each other.
func randomEdits(d *dice) (env string, edits []Edit) {
	env = pick(d, "", "staging", "pr-1")
	taken := make(map[string]bool)
	for range 1 + d.roll(4) {
		e := randomEdit(d)
		key := fmt.Sprint(e.Section, e.Match)
		if !taken[key] {
			edits = append(edits, e)
		}
		taken[key] = true
	}
	return env, edits
}

func randomEdit(d *dice) Edit {
	switch d.roll(8) {
	case 0:
		return set(randomValue(d, 0), "crons")
	case 1:
		return Edit{Section: []string{"vars"}, Set: []Field{{"A", randomValue(d, 0)}, {"C", "c"}}}
	case 2:
		return set(pick(d, "shop", "shop-2"), "name")
	}
	l := lists[d.roll(len(lists))]
	e := Edit{Section: l.section, Match: Field{l.match, matchValues[d.roll(len(matchValues))]}, Remove: d.roll(3) == 2}
	if e.Remove {
		return e
	}
	for _, name := range []string{"id", l.match, "new"} {
		switch {
		case d.roll(2) == 0:
		case name == l.match:
			e.Set = append(e.Set, e.Match)
		default:
			e.Set = append(e.Set, Field{name, randomValue(d, 0)})
		}
	}
	return e
}

func randomValue(d *dice, depth int) any {
	n := 7
	if depth > 2 {
		n = 5
	}
	switch d.roll(n) {
	case 0:
		return pick(d, "", "1", "A", "a\"b")
	case 1:
		return pick(d, 0, 1, 5)
	case 2:
		return pick(d, 0.5, 1.0, 1e-300)
	case 3, 4:
		return d.roll(2) == 0
	case 5:
		list := []any{}
		for range d.roll(4) {
			list = append(list, randomValue(d, depth+1))
		}
		return list
	}
	object := map[string]any{}
	for range d.roll(3) {
		object[pick(d, "x", "y", "z")] = randomValue(d, depth+1)
	}
	return object
}

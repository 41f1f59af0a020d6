package wrangler

import (
	"strings"

	"github.com/tailscale/hujson"
)

// insert adds entries after an item of a box, or before all of them if after is
// -1. Entries of a list have no name. A comma that was missing is put directly
// behind the item, before the comments that describe it; what is new comes
// after them, and before comments on lines of their own, which stay with what
// follows.
func (d *document) insert(b box, after int, entries []member) []splice {
	switch {
	case len(entries) == 0:
		return nil
	case len(b.items) == 0:
		return d.fill(b, entries)
	case after < 0:
		return d.insertFirst(b, entries)
	}
	prev := b.items[after]
	start := prev.end
	if prev.comma >= 0 {
		start = prev.comma + 1
	}
	from, to := b.gap(after)
	ownLine := breaksLine(d.src, from, to)
	_, to = b.gap(after + 1)
	end, closed := sameLine(d.src, start, to)

	if ownLine || closed {
		indent := lineIndent(d.src, prev.start)
		if !ownLine {
			indent = lineIndent(d.src, b.open) + d.style().indent
		}
		text := d.lines(b, after, entries, indent)
		if prev.comma >= 0 {
			return []splice{{end, end, text + ","}}
		}
		return []splice{{prev.end, prev.end, ","}, {end, end, text}}
	}
	comma := d.commaOf(b, after)
	text := strings.Join(d.texts(b, after, entries, lineIndent(d.src, prev.end), false), comma)
	if prev.comma >= 0 {
		return []splice{{end, end, comma[1:] + text + ","}}
	}
	return []splice{{end, end, comma + text}}
}

// insertFirst adds entries before the first item.
func (d *document) insertFirst(b box, entries []member) []splice {
	from, to := b.gap(0)
	if breaksLine(d.src, from, to) {
		end, _ := sameLine(d.src, from, to)
		return []splice{{end, end, d.lines(b, 0, entries, lineIndent(d.src, to)) + ","}}
	}
	comma := d.commaOf(b, 0)
	at := skipBlanks(d.src, from, to)
	text := strings.Join(d.texts(b, 0, entries, lineIndent(d.src, at), false), comma) + comma
	return []splice{{at, at, text}}
}

// fill adds entries to a box that has none, after the comments it may hold.
// Nothing in it shows a layout, so it is laid out as a block, unless what it
// stands in is written on one line.
func (d *document) fill(b box, entries []member) []splice {
	s := d.style()
	from, to := b.open+1, b.close
	last := comment{start: from, end: from}
	found := false
	for c := range comments(d.src, from, to) {
		last, found = c, true
	}
	if b.flat && !last.line && !breaksLine(d.src, from, to) {
		text := strings.Join(d.texts(b, -1, entries, lineIndent(d.src, b.open), false), s.comma)
		switch {
		case found:
			return []splice{{last.end, last.end, " " + text}}
		case b.object:
			text = s.pad + text + s.pad
		}
		return []splice{{from, to, text}}
	}
	outer := lineIndent(d.src, b.open)
	indent := outer + s.indent
	if found && firstOnLine(d.src, last.start) {
		indent = lineIndent(d.src, last.start)
	}
	text := d.lines(b, -1, entries, indent)
	if s.trailing {
		text += ","
	}
	switch {
	case !found:
		return []splice{{from, to, text + s.newline + outer}}
	case !breaksLine(d.src, last.end, to):
		text += s.newline + outer
	}
	return []splice{{last.end, last.end, text}}
}

// lines writes entries one to a line, each after a line break.
func (d *document) lines(b box, near int, entries []member, indent string) string {
	start := d.style().newline + indent
	return start + strings.Join(d.texts(b, near, entries, indent, true), ","+start)
}

// texts writes entries as they stand in the box.
func (d *document) texts(b box, near int, entries []member, indent string, ownLine bool) []string {
	var out []string
	for _, e := range entries {
		s, block := d.layout(b, near, e.value, ownLine)
		if b.object {
			out = append(out, s.memberText(e, indent, block))
		} else {
			out = append(out, s.text(e.value, indent, block))
		}
	}
	return out
}

// itemText writes a value that takes the place of element i of a list.
func (d *document) itemText(b box, i int, v value) string {
	from, to := b.gap(i)
	s, block := d.layout(b, i, v, breaksLine(d.src, from, to))
	return s.text(v, lineIndent(d.src, b.items[i].start), block)
}

// layout decides whether a value is written as a block: an object in a list as
// the object nearest to it is, anything else if it has a line of its own.
func (d *document) layout(b box, near int, v value, ownLine bool) (*style, bool) {
	if b.object || v.kind != '{' {
		return d.style(), ownLine
	}
	for distance := range len(b.items) {
		for _, i := range []int{near - distance, near + distance} {
			if i < 0 || i >= len(b.items) {
				continue
			}
			o, ok := b.items[i].value.Value.(*hujson.Object)
			if !ok || len(o.Members) == 0 {
				continue
			}
			if !d.oneLine(b.items[i].value) {
				return d.style(), true
			}
			s := *d.style()
			s.pad = d.padOf(boxOf(b.items[i].value, true), s.pad)
			return &s, false
		}
	}
	return d.style(), ownLine
}

// commaOf returns the comma and space between items on one line, near item i.
func (d *document) commaOf(b box, i int) string {
	for _, n := range []int{i, i + 1} {
		if n < 1 || n >= len(b.items) {
			continue
		}
		from, to := b.gap(n)
		if space, ok := blank(string(d.src[from:to])); ok {
			return "," + space
		}
	}
	return d.style().comma
}

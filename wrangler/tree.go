package wrangler

import (
	"bytes"

	"github.com/tailscale/hujson"
)

// box is an object or list seen from outside: where its brackets, its items and
// their commas are.
type box struct {
	open, close int // offsets of the brackets
	items       []item
	object      bool
	flat        bool // it stands inside something written on one line
}

// item is a member of an object or an element of a list.
type item struct {
	start, end int // of the whole item, name included
	comma      int // offset of the comma after it, or -1
	value      *hujson.Value
}

// boxOf returns the box of an object or list; what holds no items has none.
func boxOf(v *hujson.Value, flat bool) box {
	b := box{open: v.StartOffset, close: v.EndOffset - 1, flat: flat}
	add := func(start int, v *hujson.Value, last bool) {
		comma := -1
		// hujson marks a comma after the last item by a space that is not nil.
		if !last || v.AfterExtra != nil {
			comma = v.EndOffset + len(v.AfterExtra)
		}
		b.items = append(b.items, item{start, v.EndOffset, comma, v})
	}
	switch c := v.Value.(type) {
	case *hujson.Object:
		b.object = true
		for i := range c.Members {
			m := &c.Members[i]
			add(m.Name.StartOffset, &m.Value, i == len(c.Members)-1)
		}
	case *hujson.Array:
		for i := range c.Elements {
			e := &c.Elements[i]
			add(e.StartOffset, e, i == len(c.Elements)-1)
		}
	}
	return b
}

// gap returns the bounds of the space and comments before item i; i may be the
// number of items, for what stands before the closing bracket.
func (b box) gap(i int) (from, to int) {
	from, to = b.open+1, b.close
	if i > 0 {
		if prev := b.items[i-1]; prev.comma >= 0 {
			from = prev.comma + 1
		} else {
			from = prev.end
		}
	}
	if i < len(b.items) {
		to = b.items[i].start
	}
	return from, to
}

func nameOf(m *hujson.ObjectMember) string { return unquoted(m.Name.Value.(hujson.Literal)) }

// unquoted returns the text of a string literal, which is rarely escaped.
func unquoted(lit hujson.Literal) string {
	if bytes.IndexByte(lit, '\\') < 0 {
		return string(lit[1 : len(lit)-1])
	}
	return lit.String()
}

// find returns the index of a key, or -1. A key that stands twice anywhere in
// the object is an error: wrangler takes the last one without a word.
func (d *document) find(o *hujson.Object, key string) (int, *Error) {
	seen := make(map[string]int, len(o.Members))
	for i := range o.Members {
		name := nameOf(&o.Members[i])
		if first, twice := seen[name]; twice {
			line, _ := d.at(o.Members[first].Name.StartOffset)
			e := d.errorAt(o.Members[i].Name.StartOffset, "key %q stands twice, first on line %d", name, line)
			e.Hints = []string{"remove one of them; wrangler reads only the last"}
			return -1, e
		}
		seen[name] = i
	}
	if i, ok := seen[key]; ok {
		return i, nil
	}
	return -1, nil
}

// unique checks every object of a value for keys that stand twice.
func (d *document) unique(v *hujson.Value) *Error {
	for inner := range v.All() {
		if o, ok := inner.Value.(*hujson.Object); ok {
			if _, err := d.find(o, ""); err != nil {
				return err
			}
		}
	}
	return nil
}

// kindName says what a value is, in words.
func kindName(v *hujson.Value) string {
	switch v.Value.Kind() {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		return "a string"
	case '0':
		return "a number"
	case 'n':
		return "null"
	}
	return "a boolean"
}

package manifest

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/tailscale/hujson"
)

// value is one JSON value that knows where it was written.
type value struct {
	at       int         // offset of its first byte
	form     hujson.Kind // '{', '[', '"', '0', 't', 'f', 'n'
	raw      []byte      // a literal as written
	text     string      // a string's content
	members  []member
	elements []*value
}

// member is one key of an object with its value.
type member struct {
	name  string
	at    int // offset of the key
	value *value
}

// build turns hujson's tree into ours and reports keys that are set twice and
// numbers that no one could mean.
func build(v hujson.Value, r *report) *value {
	out := &value{at: v.StartOffset, form: v.Value.Kind()}
	switch x := v.Value.(type) {
	case *hujson.Object:
		first := map[string]int{}
		for _, m := range x.Members {
			name, at := m.Name.Value.(hujson.Literal).String(), m.Name.StartOffset
			val := build(m.Value, r)
			if before, twice := first[name]; twice {
				r.add(at, quote(name)+" is set twice; the first is at "+r.source.place(before), "keep one of the two")
				continue
			}
			first[name] = at
			out.members = append(out.members, member{name, at, val})
		}
	case *hujson.Array:
		for _, e := range x.Elements {
			out.elements = append(out.elements, build(e, r))
		}
	case hujson.Literal:
		out.raw, out.text = x, x.String()
		if out.form == '0' {
			// Also keeps exponents away from what computes with exact numbers.
			if _, err := strconv.ParseFloat(out.text, 64); err != nil || len(x) > 40 {
				r.add(out.at, "the number "+abbreviate(out.text)+" is out of range", "write a number of at most 40 characters, below 1e308")
				out.raw, out.text = []byte("0"), "0"
			}
		}
	}
	return out
}

// get finds a member of an object.
func (v *value) get(name string) (member, bool) {
	if v != nil {
		for _, m := range v.members {
			if m.name == name {
				return m, true
			}
		}
	}
	return member{}, false
}

// str is the content of a string member, or empty.
func (v *value) str(name string) string {
	if m, ok := v.get(name); ok && m.value.form == '"' {
		return m.value.text
	}
	return ""
}

func (v *value) names() []string {
	var out []string
	for _, m := range v.members {
		out = append(out, m.name)
	}
	return out
}

// place finds the offset of what a path leads to, or of the last part of it
// that is written in the file.
func (v *value) place(path []string) int {
	for _, step := range path {
		next := v.child(step)
		if next == nil {
			break
		}
		v = next
	}
	return v.at
}

// keyAt finds the offset of the key at the end of a path.
func (v *value) keyAt(path []string) int {
	last := len(path) - 1
	for _, step := range path[:last] {
		next := v.child(step)
		if next == nil {
			return v.at
		}
		v = next
	}
	if m, ok := v.get(path[last]); ok {
		return m.at
	}
	return v.at
}

// child is the member or element that one step of a path leads to, or nil.
func (v *value) child(step string) *value {
	if m, ok := v.get(step); ok {
		return m.value
	}
	if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(v.elements) {
		return v.elements[i]
	}
	return nil
}

// plain gives the value in JSON's own Go types, as provision.Settings holds them.
func (v *value) plain() any {
	switch v.form {
	case '{':
		out := make(map[string]any, len(v.members))
		for _, m := range v.members {
			out[m.name] = m.value.plain()
		}
		return out
	case '[':
		out := make([]any, len(v.elements))
		for i, e := range v.elements {
			out[i] = e.plain()
		}
		return out
	case '"':
		return v.text
	case '0':
		f, _ := strconv.ParseFloat(v.text, 64) // build has seen that it is one
		return f
	case 'n':
		return nil
	}
	return v.form == 't'
}

// json writes the value as standard JSON, members in their order, literals as
// they were written.
func (v *value) json() []byte {
	var b bytes.Buffer
	v.write(&b)
	return b.Bytes()
}

func (v *value) write(b *bytes.Buffer) {
	switch v.form {
	case '{':
		b.WriteByte('{')
		for i, m := range v.members {
			if i > 0 {
				b.WriteByte(',')
			}
			b.Write(jsonString(m.name))
			b.WriteByte(':')
			m.value.write(b)
		}
		b.WriteByte('}')
	case '[':
		b.WriteByte('[')
		for i, e := range v.elements {
			if i > 0 {
				b.WriteByte(',')
			}
			e.write(b)
		}
		b.WriteByte(']')
	default:
		b.Write(v.raw)
	}
}

// merge applies a patch to base as RFC 7396 says; base may be nil. Members keep
// base's order, new ones follow. unused is called for each null that takes away
// what is not there: it would do nothing, so it is a slip.
func merge(base, patch *value, unused func(m member, have []string)) *value {
	if patch.form != '{' {
		return patch
	}
	if base == nil || base.form != '{' {
		base = &value{}
	}
	index := make(map[string]int, len(base.members))
	merged := make([]member, 0, len(base.members)+len(patch.members))
	for i, m := range base.members {
		index[m.name] = i
		merged = append(merged, m)
	}
	for _, m := range patch.members {
		i, exists := index[m.name]
		switch {
		case m.value.form == 'n' && !exists:
			unused(m, base.names())
		case m.value.form == 'n':
			merged[i].value = nil
		case exists:
			merged[i] = member{m.name, m.at, merge(base.members[i].value, m.value, unused)}
		default:
			merged = append(merged, member{m.name, m.at, merge(nil, m.value, unused)})
		}
	}
	out := &value{at: patch.at, form: '{'}
	for _, m := range merged {
		if m.value != nil {
			out.members = append(out.members, m)
		}
	}
	return out
}

// steps splits a JSON pointer (RFC 6901).
func steps(pointer string) []string {
	if pointer == "" {
		return nil
	}
	parts := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i, p := range parts {
		parts[i] = strings.ReplaceAll(strings.ReplaceAll(p, "~1", "/"), "~0", "~")
	}
	return parts
}

// jsonString writes a string as JSON, with < > & as they are.
func jsonString(s string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic("manifest: a string is not JSON: " + err.Error()) // every string is
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

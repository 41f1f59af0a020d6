package manifest

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/tailscale/hujson"
)

// pinnable are the keys that SetTop sets: those that hold a string.
var pinnable = []string{"$schema", "name", "pattern", "account", "domain", "state"}

// SetTop sets one of the manifest's own strings, such as "account", and touches
// no other byte. A key that is absent is put after "name", on a line of its own
// where "name" has one. src itself is left as it is. The error is or
// joins *provision.Problems, where the text cannot be read or the key holds no string;
// whether the value is valid shows when the result is parsed.
func SetTop(src []byte, key string, value string) ([]byte, error) {
	if !slices.Contains(pinnable, key) {
		return nil, problem(File, "there is no text to set under "+quote(key), suggestion(key, pinnable))
	}
	s := newSource(File, src)
	r := &report{source: s}
	root := parse(s, r)
	if err := r.err(); err != nil {
		return nil, err
	}
	mark := src[:len(src)-len(s.text)]
	literal := jsonString(value)
	if m, ok := root.get(key); ok {
		if m.value.form != '"' {
			r.add(m.value.at, fmt.Sprintf("%s holds %s, no string", quote(key), formName(m.value.form)), "write "+quote(key)+`: "…" there`)
			return nil, r.err()
		}
		if m.value.text == value {
			return bytes.Clone(src), nil
		}
		at := m.value.at
		return slices.Concat(mark, s.text[:at], literal, s.text[at+len(m.value.raw):]), nil
	}
	return slices.Concat(mark, insertTop(s.text, slices.Concat(jsonString(key), []byte(": "), literal))), nil
}

// insertTop puts a member after "name", or where there is none, first.
func insertTop(text, member []byte) []byte {
	v, err := hujson.Parse(slices.Concat(text, []byte("\n")))
	if err != nil {
		panic("manifest: text that was parsed is not parsed again: " + err.Error())
	}
	members := v.Value.(*hujson.Object).Members
	i := slices.IndexFunc(members, func(m hujson.ObjectMember) bool { return m.Name.Value.(hujson.Literal).String() == "name" })
	if i < 0 {
		at := v.StartOffset + len("{")
		if len(members) == 0 {
			return splice(text, at, member)
		}
		return splice(text, at, lead(members[0].Name.BeforeExtra, ""), member, []byte(","))
	}
	return insertAfter(text, members[i], member)
}

// insertAfter puts a member behind another one, on a line of its own where that
// one has one. What stands behind the other on its line stays with it.
func insertAfter(text []byte, before hujson.ObjectMember, member []byte) []byte {
	ahead := lead(before.Name.BeforeExtra, " ")
	skip := func(at int) int { return at }
	if bytes.HasSuffix(bytes.TrimRight(ahead, " \t"), []byte("\n")) {
		skip = func(at int) int { return lineRest(text, at) } // what comes next begins a line
	}
	end := before.Value.EndOffset
	comma := end + len(before.Value.AfterExtra)
	if text[comma] == ',' {
		return splice(text, skip(comma+1), ahead, member, []byte(","))
	}
	// It is last and has no comma: it gets one, and what follows has none.
	rest := skip(end)
	return slices.Concat(text[:end], []byte(","), text[end:rest], ahead, member, text[rest:])
}

func splice(text []byte, at int, parts ...[]byte) []byte {
	return slices.Concat(text[:at], slices.Concat(parts...), text[at:])
}

// lead is the line break and indentation in front of a key, or inline where it
// does not begin a line.
func lead(before hujson.Extra, inline string) []byte {
	i := bytes.LastIndexByte(before, '\n')
	if i < 0 {
		return []byte(inline)
	}
	newline := "\n"
	if i > 0 && before[i-1] == '\r' {
		newline = "\r\n"
	}
	line := before[i+1:]
	indent := line[:len(line)-len(bytes.TrimLeft(line, " \t"))]
	return slices.Concat([]byte(newline), indent)
}

// lineRest skips the comments that stand behind a value on its line, because
// they speak of it.
func lineRest(text []byte, at int) int {
	end := at
	for i := at; i < len(text); {
		rest := text[i:]
		switch {
		case rest[0] == ' ' || rest[0] == '\t':
			i++
		case bytes.HasPrefix(rest, []byte("//")):
			n := bytes.IndexByte(rest, '\n')
			if n < 0 {
				return end
			}
			return i + len(bytes.TrimRight(rest[:n], "\r"))
		case bytes.HasPrefix(rest, []byte("/*")):
			n := bytes.Index(rest[2:], []byte("*/"))
			if n < 0 || bytes.IndexByte(rest[:n+2], '\n') >= 0 {
				return end
			}
			i += n + 4
			end = i
		default:
			return end
		}
	}
	return end
}

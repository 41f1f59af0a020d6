package manifest

import (
	"bytes"
	"slices"

	"github.com/tailscale/hujson"
)

// AddResource puts a resource at the end of "resources", on a line of its own
// where the others have one, and touches no other byte. object is the resource
// as JSON. src itself is left as it is. The error is or joins
// *provision.Problems: where the text cannot be read, has no "resources", or has
// one of that name; whether the resource is valid shows when the result is
// parsed.
func AddResource(src []byte, name string, object []byte) ([]byte, error) {
	s := newSource(File, src)
	r := &report{source: s}
	root := parse(s, r)
	if err := r.err(); err != nil {
		return nil, err
	}
	resources, ok := root.get("resources")
	switch {
	case !ok:
		r.add(root.at, `there is no "resources" to add to`, `add "resources": {}`)
	case resources.value.form != '{':
		r.add(resources.value.at, `"resources" holds `+formName(resources.value.form)+", no object", `write "resources": {}`)
	default:
		if there, ok := resources.value.get(name); ok {
			r.add(there.at, "there is a resource "+quote(name)+" already", "choose another name")
		}
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	mark := src[:len(src)-len(s.text)]
	return slices.Concat(mark, insertResource(s.text, slices.Concat(jsonString(name), []byte(": "), object))), nil
}

func insertResource(text, member []byte) []byte {
	v, err := hujson.Parse(slices.Concat(text, []byte("\n")))
	if err != nil {
		panic("manifest: text that was parsed is not parsed again: " + err.Error())
	}
	top := v.Value.(*hujson.Object).Members
	i := slices.IndexFunc(top, func(m hujson.ObjectMember) bool { return m.Name.Value.(hujson.Literal).String() == "resources" })
	in := top[i].Value.Value.(*hujson.Object)
	if n := len(in.Members); n > 0 {
		return insertAfter(text, in.Members[n-1], member)
	}
	at := top[i].Value.StartOffset + len("{")
	line := lead(top[i].Name.BeforeExtra, "")
	if len(line) == 0 {
		return splice(text, at, member)
	}
	parts := [][]byte{line, []byte("  "), member}
	if !bytes.ContainsRune(in.AfterExtra, '\n') {
		parts = append(parts, line)
	}
	return splice(text, at, parts...)
}

package wrangler

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tailscale/hujson"
)

// A Reference is one thing beyond a Worker's own code that a configuration names.
type Reference struct {
	Environment string // the block it stands in; empty: the top level
	Section     string // "d1_databases", "queues.consumers"
	Binding     string // what the Worker's code calls it; empty where it has no such name
	Field       string // "database_id"
	Kind        string // of what is named: a kind of cfboot's, or wrangler's word
	Value       string // its id or name; "*" where all that the account has is meant
	Line, Col   int    // of the value
}

// References lists everything that a configuration names beyond the Worker's own
// code: the top level, then each env. Every error is an *Error, with File set to
// "wrangler.jsonc".
func References(src []byte) ([]Reference, error) {
	d, err := readable(src)
	if err != nil {
		err.File = "wrangler.jsonc"
		return nil, err
	}
	root := d.root.Value.(*hujson.Object)
	c := collector{d: d}
	c.members(root, "")
	worker := textOf(root, "name")
	if envs := memberOf(root, "env"); envs != nil {
		list, _ := envs.Value.(*hujson.Object)
		for i := 0; list != nil && i < len(list.Members); i++ {
			o, ok := list.Members[i].Value.Value.(*hujson.Object)
			if !ok {
				continue
			}
			c.environment = nameOf(&list.Members[i])
			if worker != "" && textOf(o, "name") == "" {
				c.add("name", "", "", "worker", worker+"-"+c.environment, list.Members[i].Name.StartOffset)
			}
			c.members(o, "")
		}
	}
	return c.found, nil
}

// Claims lists what the values name that the state of an environment writes.
func Claims(edits []Edit) []Reference {
	var out []Reference
	for _, e := range edits {
		path := strings.Join(e.Section, ".")
		if len(e.Section) == 2 && e.Section[0] == "vars" && len(e.Set) == 1 {
			if text, ok := e.Set[0].Value.(string); ok && text != "" {
				out = append(out, Reference{Section: "vars", Binding: e.Section[1], Kind: variable, Value: text})
			}
			continue
		}
		s := sectionAt(path)
		if s == nil {
			continue
		}
		ref := Reference{Section: path, Kind: s.kind}
		if e.Match.Name == s.label {
			ref.Binding, _ = e.Match.Value.(string)
		}
		for _, f := range append([]Field{e.Match}, e.Set...) {
			if text, ok := f.Value.(string); ok && text != "" && slices.Contains(s.target, f.Name) {
				ref.Field, ref.Value = f.Name, text
				if !slices.Contains(out, ref) {
					out = append(out, ref)
				}
			}
		}
	}
	return out
}

// variable is the kind of what a variable says, such as a widget's sitekey.
const variable = "variable"

// collector gathers references.
type collector struct {
	d           *document
	environment string
	found       []Reference
}

func (c *collector) add(section, binding, field, kind, value string, off int) {
	ref := Reference{Environment: c.environment, Section: section, Binding: binding, Field: field, Kind: kind, Value: value}
	ref.Line, ref.Col = c.d.at(off)
	c.found = append(c.found, ref)
}

func (c *collector) members(o *hujson.Object, path string) {
	for i := range o.Members {
		name, v := nameOf(&o.Members[i]), &o.Members[i].Value
		here := strings.TrimPrefix(path+"."+name, ".")
		s := sectionAt(here)
		if s == nil && path != "" {
			s = sectionAt(path + ".*")
		}
		inner, isObject := v.Value.(*hujson.Object)
		switch {
		case here == "migrations":
			for _, m := range objectsIn(v) {
				for _, o := range objectsIn(memberOf(m, "transferred_classes")) {
					c.field(element{section: s, path: here, o: o}, "from_script", "worker")
				}
			}
		case s != nil && s.kind != "":
			c.section(s, here, v)
		case s == nil && leadsTo(here) && isObject:
			c.members(inner, here)
		}
	}
}

func (c *collector) section(s *section, path string, v *hujson.Value) {
	switch list := v.Value.(type) {
	case *hujson.Array:
		for i := range list.Elements {
			if o, ok := list.Elements[i].Value.(*hujson.Object); ok {
				c.element(element{section: s, path: path, o: o, off: list.Elements[i].StartOffset})
			} else if text := literalText(&list.Elements[i]); text != "" {
				c.add(path, "", "", s.kind, text, list.Elements[i].StartOffset)
			}
		}
	case *hujson.Object:
		c.element(element{section: s, path: path, o: list, off: v.StartOffset})
	default:
		if text := literalText(v); text != "" {
			c.add(path, "", "", s.kind, text, v.StartOffset)
		}
	}
}

func (c *collector) element(e element) {
	switch e.path {
	case "workflows":
		c.field(e, "script_name", "worker")
	case "queues.consumers":
		c.field(e, "dead_letter_queue", e.kind)
	case "dispatch_namespaces":
		if v := memberOf(e.o, "outbound"); v != nil {
			if o, ok := v.Value.(*hujson.Object); ok {
				c.field(element{section: e.section, path: e.path, o: o}, "service", "worker")
			}
		}
	}
	if strings.HasPrefix(e.path, "exports.") {
		c.field(e, "transfer_from", "worker")
		c.field(e, "transferred_to", "worker")
	}
	for _, name := range e.target {
		c.field(e, name, e.kind)
	}
	switch {
	case len(e.target) == 0:
		c.add(e.path, e.binding(), "", e.kind, "*", e.off)
	case e.kind == "dataset" && e.named() == nil && e.binding() != "":
		c.add(e.path, e.binding(), "", e.kind, e.binding(), e.off)
	}
}

func (c *collector) field(e element, name, kind string) {
	if v := memberOf(e.o, name); v != nil && literalText(v) != "" {
		c.add(e.path, e.binding(), name, kind, literalText(v), v.StartOffset)
	}
}

// CheckOwn holds what a derived configuration names against what other
// environments have: no id and no name may be theirs, unless it is shared on
// purpose. It looks at the result alone, whoever made it. Each find is an *Error,
// all of them joined.
func CheckOwn(derived []byte, foreign []Reference, p Preview) error {
	have, err := References(derived)
	if err != nil {
		return err
	}
	vars, _ := Read(derived) // it has just been read
	for _, b := range vars.Environments[0].Bindings {
		for _, f := range b.Fields {
			if text, ok := f.Value.(string); ok && slices.Equal(b.Section, []string{"vars"}) {
				have = append(have, Reference{Section: "vars", Binding: f.Name, Kind: variable, Value: text, Line: b.Line, Col: b.Col})
			}
		}
	}
	theirs := map[[2]string]Reference{}
	for _, f := range foreign {
		if f.Environment == p.Environment {
			continue // a block of this very preview's, left from elsewhere
		}
		theirs[[2]string{f.Kind, f.Value}] = f
	}
	var found []error
	for _, ref := range have {
		f, taken := theirs[[2]string{ref.Kind, ref.Value}]
		if !taken || ref.shared(p) {
			continue
		}
		whose := "production"
		if f.Environment != "" {
			whose = "the environment " + f.Environment
		}
		found = append(found, &Error{File: ConfigFile(p.Environment), Line: ref.Line, Col: ref.Col,
			Msg:   fmt.Sprintf("%s names the %s %q, which is that of %s", ref.says(), ref.Kind, ref.Value, whose),
			Hints: []string{"nothing is deployed; say what is to be there in \"previews\" of cfboot.jsonc"}})
	}
	return errors.Join(found...)
}

// shared reports whether a reference is production's on purpose.
func (r Reference) shared(p Preview) bool {
	if r.Binding != "" {
		_, led := p.Services[r.Binding]
		return slices.Contains(p.Keep, r.Binding) || led && r.Kind == "worker"
	}
	top, _, _ := strings.Cut(r.Section, ".")
	return slices.Contains(keepable, top) && slices.Contains(p.Keep, top)
}

func (r Reference) says() string {
	out := r.Section
	if r.Binding != "" {
		out += " " + r.Binding
	}
	if r.Field != "" {
		out += " (" + r.Field + ")"
	}
	return out
}

package wrangler

import (
	"bytes"
	"slices"
	"strconv"

	"github.com/tailscale/hujson"
)

// Config is what a configuration file says, as far as cfboot looks.
type Config struct {
	Name         string        // of the Worker, at top level; "" if it has none
	Environments []Environment // the top level first, then env.* in the order of the file
}

// Environment is the top level or one env.<name>.
//
// It holds what is written there. Beyond that wrangler lets an env inherit from
// the top level the keys that say how a Worker is built and reached (routes,
// assets, triggers, migrations, observability, …), as a whole and only where
// the env lacks the key, and inherits none that bind it to a resource (vars,
// d1_databases, kv_namespaces, queues, …): those have to be repeated.
type Environment struct {
	Name      string // "" is the top level
	Worker    string // what wrangler deploys it as: its own name, or <top level name>-<env>
	Account   string // its own account_id; "" if it has none
	Line, Col int    // of its opening brace
	Bindings  []Binding
}

// Binding is an element of a list, or an object with members of its own, that
// an Edit can name: a D1 database, a queue's consumer, the vars. A route given
// as a string has the single field "pattern", also where it stands alone, as "route".
type Binding struct {
	Section   []string // "queues", "consumers"
	Fields    []Field  // in the order of the file; values as encoding/json gives them, but whole numbers as int, and nil for null
	Line, Col int      // of its first byte
}

// Environment returns the environment of that name, or nil. "" is the top level.
func (c *Config) Environment(name string) *Environment {
	for i := range c.Environments {
		if c.Environments[i].Name == name {
			return &c.Environments[i]
		}
	}
	return nil
}

// Field returns the value of a field, or nil.
func (b *Binding) Field(name string) any {
	for _, f := range b.Fields {
		if f.Name == name {
			return f.Value
		}
	}
	return nil
}

// Read tells what src says, in every environment. A key that stands twice,
// wherever it is, is an error, because what wrangler makes of it is not what it
// looks like. Sections that are neither a list nor an object are left out.
//
// Every error is an *Error, with File set to "wrangler.jsonc".
func Read(src []byte) (*Config, error) {
	c, err := read(src)
	if err != nil {
		err.File = "wrangler.jsonc"
		return nil, err
	}
	return c, nil
}

func read(src []byte) (*Config, *Error) {
	if len(src) > MaxSize {
		return nil, errTooLarge()
	}
	d, err := parse(bytes.TrimPrefix(src, bom))
	if err != nil {
		return nil, err
	}
	if d.empty {
		return &Config{Environments: []Environment{{Line: 1, Col: 1}}}, nil
	}
	if err := d.unique(&d.root); err != nil {
		return nil, err
	}
	root, ok := d.root.Value.(*hujson.Object)
	if !ok {
		return nil, d.wrongType(&d.root, nil, "an object")
	}
	top := d.environment("", &d.root, root)
	c := &Config{Name: top.Worker, Environments: []Environment{top}}
	envs := memberOf(root, "env")
	if envs == nil {
		return c, nil
	}
	list, ok := envs.Value.(*hujson.Object)
	if !ok {
		return nil, d.wrongType(envs, []string{"env"}, "an object")
	}
	for i := range list.Members {
		name, v := nameOf(&list.Members[i]), &list.Members[i].Value
		o, ok := v.Value.(*hujson.Object)
		if !ok {
			return nil, d.wrongType(v, []string{"env", name}, "an object")
		}
		e := d.environment(name, v, o)
		if e.Worker == "" && c.Name != "" {
			e.Worker = c.Name + "-" + name
		}
		c.Environments = append(c.Environments, e)
	}
	return c, nil
}

// environment collects what one object at top level or under env says.
func (d *document) environment(name string, v *hujson.Value, o *hujson.Object) Environment {
	e := Environment{Name: name}
	e.Line, e.Col = d.at(v.StartOffset)
	if worker := memberOf(o, "name"); worker != nil && worker.Value.Kind() == '"' {
		e.Worker = unquoted(worker.Value.(hujson.Literal))
	}
	if account := memberOf(o, "account_id"); account != nil && account.Value.Kind() == '"' {
		e.Account = unquoted(account.Value.(hujson.Literal))
	}
	for i := range o.Members {
		key := nameOf(&o.Members[i])
		if fields, ok := fieldsOf([]string{key}, &o.Members[i].Value); ok && key == "route" {
			e.Bindings = append(e.Bindings, d.binding([]string{key}, fields, &o.Members[i].Value))
			continue
		}
		if key != "env" || name != "" {
			e.Bindings = d.bindings(e.Bindings, []string{key}, &o.Members[i].Value)
		}
	}
	return e
}

// bindings appends what a section holds. An object gives one binding for its
// members that are no lists of objects, and those of the lists: "queues" is but
// the sum of its producers and consumers.
func (d *document) bindings(out []Binding, section []string, v *hujson.Value) []Binding {
	switch c := v.Value.(type) {
	case *hujson.Array:
		for i := range c.Elements {
			if fields, ok := fieldsOf(section, &c.Elements[i]); ok {
				out = append(out, d.binding(section, fields, &c.Elements[i]))
			}
		}
	case *hujson.Object:
		var own []Field
		var inner []Binding
		for i := range c.Members {
			name, v := nameOf(&c.Members[i]), &c.Members[i].Value
			if v.Value.Kind() == '[' {
				if found := d.bindings(nil, append(slices.Clone(section), name), v); len(found) > 0 {
					inner = append(inner, found...)
					continue
				}
			}
			own = append(own, Field{name, decoded(v)})
		}
		if len(own) > 0 {
			out = append(out, d.binding(section, own, v))
		}
		out = append(out, inner...)
	}
	return out
}

func (d *document) binding(section []string, fields []Field, v *hujson.Value) Binding {
	b := Binding{Section: section, Fields: fields}
	b.Line, b.Col = d.at(v.StartOffset)
	return b
}

// fieldsOf returns the fields of an element, and false if it is not an object
// nor stands for one.
func fieldsOf(section []string, v *hujson.Value) ([]Field, bool) {
	switch e := v.Value.(type) {
	case *hujson.Object:
		var out []Field
		for i := range e.Members {
			out = append(out, Field{nameOf(&e.Members[i]), decoded(&e.Members[i].Value)})
		}
		return out, true
	case hujson.Literal:
		if e.Kind() == '"' && (slices.Equal(section, []string{"routes"}) || slices.Equal(section, []string{"route"})) {
			return []Field{{"pattern", unquoted(e)}}, true
		}
	}
	return nil, false
}

func memberOf(o *hujson.Object, name string) *hujson.Value {
	for i := range o.Members {
		if nameOf(&o.Members[i]) == name {
			return &o.Members[i].Value
		}
	}
	return nil
}

// decoded turns a value into Go's, with whole numbers as int where they fit.
func decoded(v *hujson.Value) any {
	switch c := v.Value.(type) {
	case *hujson.Object:
		out := make(map[string]any, len(c.Members))
		for i := range c.Members {
			out[nameOf(&c.Members[i])] = decoded(&c.Members[i].Value)
		}
		return out
	case *hujson.Array:
		out := make([]any, 0, len(c.Elements))
		for i := range c.Elements {
			out = append(out, decoded(&c.Elements[i]))
		}
		return out
	case hujson.Literal:
		switch c.Kind() {
		case '"':
			return unquoted(c)
		case '0':
			return number(string(c))
		case 't', 'f':
			return c.Bool()
		}
	}
	return nil
}

// number gives 3 and 3.0 as the int 3.
func number(lit string) any {
	f, _ := strconv.ParseFloat(lit, 64)
	if n := int(f); f > -1<<53 && f < 1<<53 && float64(n) == f {
		return n
	}
	if n, err := strconv.Atoi(lit); err == nil {
		return n
	}
	return f
}

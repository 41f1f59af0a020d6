package templates

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// optionFile says what an option adds to a project's own files. Everything else
// in an option's folder is a file of the project.
const optionFile = "option.json.tmpl"

// extrasFile is where every pattern mounts what is added to it: below
// /api/v1/extras. A pattern without it takes no options.
const extrasFile = "src/extras/index.ts"

// An Option is a resource or a binding that is added to a project when it is
// made, with a small example that uses it and a test.
type Option struct {
	Name        string            `json:"-"`
	Summary     string            `json:"-"` // one line
	NeedsDomain bool              `json:"needs_domain"`
	ByHand      bool              `json:"by_hand"`  // something has to be set in cfboot.jsonc before anything is made
	Resource    string            `json:"resource"` // logical name in cfboot.jsonc; empty: nothing is made
	Settings    json.RawMessage   `json:"settings"` // its object there, as it is to be written
	Bindings    []OptionBinding   `json:"bindings"`
	DevVars     map[string]string `json:"dev_vars"` // values for .dev.vars.example; test keys only
	Notes       []string          `json:"notes"`    // what is left for a person to do
	Files       []File            `json:"-"`
}

// OptionBinding is an element of a list in wrangler.jsonc, found by its first
// field, or where Section names an object, fields of it.
type OptionBinding struct {
	Section []string    `json:"section"`
	List    bool        `json:"list"`
	Fields  [][2]string `json:"fields"` // name and value
}

// options are those that there are, in the order in which they are shown.
var options = []Option{
	{Name: "analytics", Summary: "An Analytics Engine dataset, to count what happens"},
	{Name: "email", Summary: "A binding that sends mail to one address of yours"},
	{Name: "flagship", Summary: "Feature flags; the app at Flagship is made in the dashboard"},
	{Name: "hyperdrive", Summary: "A Hyperdrive to a Postgres database of yours"},
	{Name: "turnstile", Summary: "A Turnstile widget, to tell people from bots"},
	{Name: "vectorize", Summary: "A Vectorize index, to find what is alike"},
}

// Options lists every option, for a look at what they are.
func Options() []Option { return slices.Clone(options) }

// LookupOption reads an option as it is for a project with these values.
func LookupOption(name string, v Values) (Option, error) {
	i := slices.IndexFunc(options, func(o Option) bool { return o.Name == name })
	if i < 0 {
		return Option{}, fmt.Errorf("there is no option %q", name)
	}
	o := options[i]
	from, err := embedded("with/" + name)
	if err != nil {
		return o, err
	}
	text, err := execute(optionFile, from[optionFile], v)
	if err != nil {
		return o, err
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&o); err != nil {
		return o, fmt.Errorf("with/%s/%s: %w", name, optionFile, err)
	}
	delete(from, optionFile)
	o.Files, err = render(from, v)
	return o, err
}

// Extras is the file that mounts the options' examples, in place of a pattern's
// empty one.
func Extras(names []string) File {
	var imports, routes strings.Builder
	for _, n := range names {
		fmt.Fprintf(&imports, "import { %s } from './%s';\n", n, n)
		fmt.Fprintf(&routes, "extras.route('/%s', %s);\n", n, n)
	}
	text := "import { Hono } from 'hono';\n" + imports.String() + `
/** Routes of what was added to the project with ` + "`cfboot new --with`" + `; they answer below /api/v1/extras. */
export const extras = new Hono<{ Bindings: Env }>();
` + routes.String()
	return File{Path: extrasFile, Data: []byte(text), Mode: 0o644}
}

// TakesOptions reports whether options can be added to what the pattern makes.
func (p Pattern) TakesOptions() bool { return p.has(extrasFile) }

// TakesBackup reports whether the pattern copies its database every day, so that
// one may choose how.
func (p Pattern) TakesBackup() bool { return p.has("src/backup.ts") }

func (p Pattern) has(name string) bool {
	return p.files[name] != nil || p.files[name+".tmpl"] != nil
}

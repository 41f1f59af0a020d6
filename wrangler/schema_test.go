package wrangler

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The keys of the pinned wrangler's configuration, as its schema has them.
const (
	knownKeys    = "testdata/schema.txt"
	pinnedSchema = "../e2e/node_modules/wrangler/config-schema.json"
)

// Every key that wrangler reads has a row, and every field of what names something
// beyond the Worker is known for what it is.
func TestSectionsCoverTheSchema(t *testing.T) {
	for _, key := range strings.Fields(content(t, knownKeys)) {
		key = strings.ReplaceAll(key, "[]", "")
		if _, ok := rowOf(key); !ok && !leadsTo(key) {
			t.Errorf("%s has no row in sections", key)
		}
	}
}

// rowOf finds the row of a key, and whether it says what the key is.
func rowOf(key string) (*section, bool) {
	steps := strings.Split(key, ".")
	for n := len(steps); n > 0; n-- {
		s := sectionAt(strings.Join(steps[:n], "."))
		switch {
		case s == nil:
			continue
		case n == len(steps), !slices.Contains([]policy{own, renamed, elsewhere, outside}, s.policy), s.path == "unsafe.metadata":
			return s, true
		}
		return s, slices.Contains(slices.Concat([]string{s.label}, s.target, s.also, s.scrub, strings.Fields(s.rest)), steps[n])
	}
	return nil, false
}

// A row is of a key that wrangler knows.
func TestSectionsExist(t *testing.T) {
	keys := strings.Fields(strings.ReplaceAll(content(t, knownKeys), "[]", ""))
	paths := slices.Clone(plainKeys)
	for _, s := range sections {
		paths = append(paths, s.path)
		for _, field := range slices.Concat(s.target, s.also, s.scrub, strings.Fields(s.rest)) {
			paths = append(paths, s.path+"."+field)
		}
	}
	for _, path := range paths {
		if !slices.ContainsFunc(keys, func(k string) bool { return k == path || strings.HasPrefix(k, path+".") }) {
			t.Errorf("%s is not in wrangler's schema", path)
		}
	}
}

// The keys are those of the wrangler that is installed. What is new there wants a
// decision in sections, then -update.
func TestSchemaIsThePinnedOne(t *testing.T) {
	if os.Getenv("CFBOOT_WITH_WRANGLER") == "" && !*rewriteGoldens {
		t.Skip("it takes an installed wrangler; make wrangler runs this")
	}
	src, err := os.ReadFile(pinnedSchema)
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Definitions map[string]any `json:"definitions"`
	}
	if err := json.Unmarshal(src, &schema); err != nil {
		t.Fatal(err)
	}
	w := walker{definitions: schema.Definitions}
	w.walk("", map[string]any{"$ref": "#/definitions/RawConfig"}, nil)
	slices.Sort(w.keys)
	got := strings.Join(slices.Compact(w.keys), "\n") + "\n"
	if *rewriteGoldens {
		if err := os.WriteFile(knownKeys, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if d := cmp.Diff(content(t, knownKeys), got); d != "" {
		t.Errorf("wrangler knows other keys: decide on each in sections, then run with -update: %s", d)
	}
}

// walker lists the keys of a JSON Schema.
type walker struct {
	definitions map[string]any
	keys        []string
}

func (w *walker) walk(path string, v any, within []string) {
	schema, _ := v.(map[string]any)
	if ref, ok := schema["$ref"].(string); ok {
		name := strings.TrimPrefix(ref, "#/definitions/")
		if slices.Contains(within, name) {
			return
		}
		w.walk(path, w.definitions[name], append(slices.Clone(within), name))
		return
	}
	for _, forms := range []string{"anyOf", "oneOf", "allOf"} {
		list, _ := schema[forms].([]any)
		for _, form := range list {
			w.walk(path, form, within)
		}
	}
	if items, ok := schema["items"]; ok {
		w.walk(path+"[]", items, within)
	}
	properties, _ := schema["properties"].(map[string]any)
	for name, p := range properties {
		key := strings.TrimPrefix(path+"."+name, ".")
		w.keys = append(w.keys, key)
		// Another environment holds what the top level does, and both are left out.
		if key != "env" && key != "previews" {
			w.walk(key, p, within)
		}
	}
	if more, ok := schema["additionalProperties"].(map[string]any); ok && path != "env" && path != "previews" {
		w.walk(path+".*", more, within)
	}
}

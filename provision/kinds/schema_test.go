package kinds

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/cfboot/cfboot/provision"
	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

func TestSchemasSayWhatTheStructsRead(t *testing.T) {
	for _, k := range All() {
		typ := k.settings
		tags := tagsOf(typ)
		for _, setting := range slices.Concat(k.Traits.Replace, k.Traits.Hints, slices.Collect(maps.Keys(k.Traits.Defaults))) {
			if _, known := tags[setting]; !known && setting != provision.NameSetting {
				t.Errorf("%s: the traits speak of a setting %q", k.Name, setting)
			}
		}
		if k.Derived {
			continue
		}
		var schema map[string]any
		if err := json.Unmarshal(Catalog{}.Schema(k.Name), &schema); err != nil {
			t.Fatal(err)
		}
		compareProperties(t, k.Name, schema, typ)
		ignored(t, k, typ)
		if text, _ := schema["description"].(string); !strings.HasSuffix(text, ".") {
			t.Errorf("%s: the description is %q", k.Name, text)
		}
		compiles(t, k.Name, schema)
	}
}

// ignored checks that what may be left alone is what Cloudflare keeps of a
// resource: neither the files' own settings nor what says which one it is.
func ignored(t *testing.T, k Kind, typ reflect.Type) {
	t.Helper()
	object, ok := smallest[k.Name]
	if !ok {
		object = k.Example.Made
	}
	all, _, err := k.resolve(provision.Spec{Project: "shop", Environment: provision.Production, Domain: "shop.example", Key: provision.Key{Kind: k.Name, Name: "x"}, JSON: []byte(object)})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range k.Traits.Ignorable {
		if _, known := tagsOf(typ)[name]; !known || name == provision.NameSetting || all[0].Local[name] != nil {
			t.Errorf("%s: %q may be ignored, and Cloudflare keeps no such setting", k.Name, name)
		}
	}
	for name := range all[0].Settings {
		if _, said := tagsOf(typ)[name]; said && !slices.Contains(k.Traits.Ignorable, name) {
			t.Errorf("%s: %q may not be ignored, and Cloudflare keeps it", k.Name, name)
		}
	}
	var given map[string]any
	if err := json.Unmarshal([]byte(object), &given); err != nil {
		t.Fatal(err)
	}
	for name := range given {
		if _, kept := all[0].Settings[name]; !kept && slices.Contains(k.Traits.Ignorable, name) {
			t.Errorf("%s: %q may be ignored, and says which one it is", k.Name, name)
		}
	}
}

// tagsOf lists the fields of a struct by their JSON names, embedded ones too, but
// not those that no manifest says (schema:"-").
func tagsOf(typ reflect.Type) map[string]reflect.Type {
	out := map[string]reflect.Type{}
	for f := range typ.Fields() {
		if f.Anonymous {
			maps.Copy(out, tagsOf(f.Type))
			continue
		}
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); f.Tag.Get("schema") != "-" {
			out[name] = f.Type
		}
	}
	return out
}

// compareProperties holds a schema against the struct that reads it, down to
// the last nested object, and checks that each property is described by its own.
func compareProperties(t *testing.T, at string, schema map[string]any, typ reflect.Type) {
	t.Helper()
	properties, _ := schema["properties"].(map[string]any)
	tags := tagsOf(typ)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(tags)), slices.Sorted(maps.Keys(properties))); diff != "" && len(tags)+len(properties) > 0 {
		t.Errorf("%s (-struct +schema):\n%s", at, diff)
	}
	required, _ := schema["required"].([]any)
	for _, name := range required {
		if _, known := properties[name.(string)]; !known {
			t.Errorf("%s: requires %q, which it does not know", at, name)
		}
	}
	for name, typ := range tags {
		sub, _ := properties[name].(map[string]any)
		for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
			if typ.Kind() == reflect.Slice {
				sub, _ = sub["items"].(map[string]any)
			}
			typ = typ.Elem()
		}
		if sub == nil {
			t.Errorf("%s.%s: no schema", at, name)
			continue
		}
		if typ.Kind() == reflect.Struct {
			if sub["additionalProperties"] != false {
				t.Errorf("%s.%s takes unknown keys", at, name)
			}
			compareProperties(t, at+"."+name, sub, typ)
		}
	}
}

func compiles(t *testing.T, kind string, schema map[string]any) {
	t.Helper()
	b, err := json.Marshal(schema)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource(kind, doc); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile(kind)
	if err != nil {
		t.Fatalf("%s: %v", kind, err)
	}
	object, ok := smallest[kind]
	if !ok {
		object = registry[kind].Example.Made
	}
	valid, err := jsonschema.UnmarshalJSON(strings.NewReader(object))
	if err != nil {
		t.Fatalf("%s has neither an example nor a line in smallest: %v", kind, err)
	}
	if err := compiled.Validate(valid); err != nil {
		t.Errorf("%s: %v", kind, err)
	}
	examples(t, c, kind, schema)
}

// examples holds every example of a schema, and every default, against the part
// of the schema that it stands in.
func examples(t *testing.T, c *jsonschema.Compiler, at string, schema map[string]any) {
	t.Helper()
	list, _ := schema["examples"].([]any)
	if d, has := schema["default"]; has {
		list = append(list, d)
	}
	part, err := c.Compile(at)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if err := part.Validate(e); err != nil {
			t.Errorf("%s: the example %v is invalid: %v", at, e, err)
		}
	}
	sub := func(path string, v any) {
		if m, ok := v.(map[string]any); ok {
			if !strings.Contains(at, "#") {
				path = "#" + path
			}
			examples(t, c, at+path, m)
		}
	}
	properties, _ := schema["properties"].(map[string]any)
	for name, v := range properties {
		sub("/properties/"+name, v)
	}
	sub("/items", schema["items"])
}

// What a resource object stands for beside its own key is found by that key alone,
// so that it can take a new name with it.
func TestDerived(t *testing.T) {
	key := provision.Key{Kind: "queue", Name: "jobs"}
	all, _, err := Catalog{}.Resolve(provision.Spec{Project: "shop", Environment: provision.Production, Key: key, JSON: []byte(`{"kind": "queue", "consumer": {"worker": "app"}}`)})
	if err != nil {
		t.Fatal(err)
	}
	var beside []provision.Key
	for _, r := range all[1:] {
		beside = append(beside, r.Key)
	}
	if diff := cmp.Diff(beside, Derived(key)); diff != "" || len(beside) != 1 {
		t.Errorf("(-resolved +derived):\n%s", diff)
	}
	for _, k := range All() {
		if of, known := registry[k.of]; k.Derived != (k.of != "") || k.Derived && (!known || of.Derived) {
			t.Errorf("%s is derived (%v) of %q", k.Name, k.Derived, k.of)
		}
	}
}

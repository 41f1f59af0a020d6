package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// form is the schema of one kind's resource objects, or of a secret: as a document, to look up
// what is allowed where, and compiled.
type form struct {
	document map[string]any
	compiled *jsonschema.Schema
}

// newForm compiles a kind's schema. It fails only when the catalog is broken.
func newForm(c Catalog, kind string) (*form, error) {
	doc, err := document(c, kind)
	if err != nil {
		return nil, err
	}
	return compile(doc, "kind "+kind)
}

// compile makes a form of a schema's document. what names it in errors.
func compile(doc map[string]any, what string) (*form, error) {
	const location = "urn:cfboot:kind"
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.AssertFormat()
	if err := compiler.AddResource(location, doc); err != nil {
		return nil, fmt.Errorf("the schema of %s: %w", what, err)
	}
	compiled, err := compiler.Compile(location)
	if err != nil {
		return nil, fmt.Errorf("the schema of %s: %w", what, err)
	}
	return &form{doc, compiled}, nil
}

// document is the schema of a resource object of a kind: the catalog's, closed,
// with what every kind has: "kind", "name", "protect" and "ignore".
func document(c Catalog, kind string) (map[string]any, error) {
	raw, err := jsonschema.UnmarshalJSON(bytes.NewReader(c.Schema(kind)))
	if err != nil {
		return nil, fmt.Errorf("the schema of kind %s: %w", kind, err)
	}
	doc, ok := raw.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("the schema of kind %s is no object", kind)
	}
	if standsAlone(doc) {
		doc["type"] = "object"
		props, _ := doc["properties"].(map[string]any)
		if props == nil {
			props = map[string]any{}
			doc["properties"] = props
		}
		props["kind"] = map[string]any{"const": kind, "description": "The type of resource: " + kind + "."}
		if _, ok := props["name"]; !ok {
			props["name"] = map[string]any{"type": "string", "minLength": json.Number("1"),
				"description": "The real name at Cloudflare. Left out, it is made of the project, the environment and the logical name."}
		}
		if settings := c.Ignorable(kind); len(settings) > 0 {
			props[ignoreKey] = map[string]any{"type": "array", "uniqueItems": true, "items": map[string]any{"enum": anys(settings)},
				"description": "Settings that are sent when the resource is made, and never compared or changed afterwards."}
		}
		props["protect"] = map[string]any{"type": "boolean",
			"description": "Whether every plan that would delete or replace it is refused, destroy too. It is recorded when applied, and holds after the resource has left the manifest, until it is false here or cfboot state unprotect."}
		required, _ := doc["required"].([]any)
		doc["required"] = append([]any{"kind"}, slices.DeleteFunc(required, func(r any) bool { return r == "kind" })...)
		closeObjects(doc)
		return doc, nil
	}
	return nil, fmt.Errorf("the schema of kind %s refers to another place; it must stand by itself", kind)
}

// ignoreKey is the key under which a resource object lists what is left alone.
const ignoreKey = "ignore"

// standsAlone reports whether a schema has no references, which would break
// when it is put into another.
func standsAlone(schema any) bool {
	switch x := schema.(type) {
	case map[string]any:
		for k, v := range x {
			if k == "$ref" || k == "$id" || k == "$dynamicRef" {
				if _, isText := v.(string); isText {
					return false
				}
			}
			if !standsAlone(v) {
				return false
			}
		}
	case []any:
		return !slices.ContainsFunc(x, func(v any) bool { return !standsAlone(v) })
	}
	return true
}

// closeObjects makes every key unknown that an object's schema does not name,
// where that schema is silent. Schemas that only add a condition to another are
// left as they are: they do not name all keys.
func closeObjects(schema any) {
	doc, ok := schema.(map[string]any)
	if !ok {
		return
	}
	props, named := doc["properties"].(map[string]any)
	_, open := doc["additionalProperties"]
	_, open2 := doc["unevaluatedProperties"]
	if named && !open && !open2 {
		doc["additionalProperties"] = false
	}
	for _, p := range props {
		closeObjects(p)
	}
	for _, k := range []string{"items", "additionalProperties"} {
		closeObjects(doc[k])
	}
	if pattern, ok := doc["patternProperties"].(map[string]any); ok {
		for _, p := range pattern {
			closeObjects(p)
		}
	}
	for _, k := range []string{"oneOf", "anyOf", "prefixItems"} {
		if named && k != "prefixItems" {
			continue
		}
		branches, _ := doc[k].([]any)
		for _, b := range branches {
			closeObjects(b)
		}
	}
}

// at looks up the part of the document that a compiled schema's location names.
func (f *form) at(location string) map[string]any {
	_, fragment, _ := strings.Cut(location, "#")
	if unescaped, err := url.PathUnescape(fragment); err == nil {
		fragment = unescaped
	}
	return asObject(walk(f.document, steps(fragment)))
}

// describe finds what the schema says about the setting at a path of a resource
// object; it may be empty.
func (f *form) describe(path []string) string {
	doc := f.document
	for _, p := range path {
		if next, ok := asObject(doc["properties"])[p]; ok {
			doc = asObject(next)
		} else {
			doc = asObject(doc["items"])
		}
	}
	text, _ := doc["description"].(string)
	return text
}

func walk(v any, path []string) any {
	for _, p := range path {
		switch x := v.(type) {
		case map[string]any:
			v = x[p]
		case []any:
			var i int
			if _, err := fmt.Sscanf(p, "%d", &i); err != nil || i < 0 || i >= len(x) {
				return nil
			}
			v = x[i]
		default:
			return nil
		}
	}
	return v
}

func asObject(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

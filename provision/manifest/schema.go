package manifest

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
)

// schemaID names the schema. It is no address: the schema comes with the program
// and is written beside the manifest.
const schemaID = "urn:cfboot:manifest"

// Schema is the JSON Schema (2020-12) of the whole cfboot.jsonc, for editors: the
// same bytes for the same catalog. It says what a schema can say; Parse checks
// more. It panics where the catalog's own schemas cannot be used.
//
// A resource is one object whose "kind" decides, by if and then, which keys
// belong to it. An override in an environment is part of such an object: nothing
// is required and null takes away, down to every depth that merging reaches.
func Schema(c Catalog) []byte {
	defs := map[string]any{}
	var branches, parts []any
	parts = append(parts, map[string]any{"type": "null"})
	var about []any
	for _, kind := range c.Kinds() {
		doc, err := document(c, kind)
		if err != nil {
			panic("manifest: " + err.Error())
		}
		defs["resource."+kind] = doc
		defs["override."+kind] = partly(doc)
		branches = append(branches, map[string]any{
			"if":   map[string]any{"properties": map[string]any{"kind": map[string]any{"const": kind}}, "required": []any{"kind"}},
			"then": ref("resource." + kind),
		})
		parts = append(parts, ref("override."+kind))
		text, _ := doc["description"].(string)
		about = append(about, text)
	}
	kinds := map[string]any{"description": "The type of resource.", "enum": anys(c.Kinds()), "enumDescriptions": about}
	resource := map[string]any{"type": "object", "required": []any{"kind"}, "properties": map[string]any{"kind": kinds}}
	if len(branches) > 0 {
		resource["allOf"] = branches
	}
	defs["resource"] = resource
	defs["override"] = map[string]any{"description": "What is different here: settings to change, null to leave the resource out, or a whole new resource.",
		"type": []any{"object", "null"}, "properties": map[string]any{"kind": kinds}, "anyOf": parts}
	defs["environment"] = environmentSchema()
	defs["secret"] = secretSchema()
	root := topSchema()
	root["$schema"], root["$id"], root["$defs"] = "https://json-schema.org/draft/2020-12/schema", schemaID, defs
	return indented(root)
}

func topSchema() map[string]any {
	return map[string]any{
		"title": "cfboot.jsonc", "description": "What a project wants on Cloudflare. Comments and trailing commas are allowed.",
		"type": "object", "required": []any{"name"}, "additionalProperties": false,
		"properties": map[string]any{
			"$schema": map[string]any{"type": "string", "description": "Where editors find this schema."},
			"name":    named(projectPattern, maxName, "The project. It begins the real name of everything that is made."),
			"pattern": named(logicalPattern, maxName, "The pattern that the project was made from."),
			"account": accountSchema("The account that everything lives in. Left out, it is the one that the token belongs to."),
			"domain":  domainSchema("The host name of production. An environment's is its name in front of it, unless it has its own."),
			"state": map[string]any{"type": "string", "pattern": statePattern, "maxLength": maxAddress, "examples": []any{"r2://my-state/my-team"},
				"description": "Where the record of what is owned is kept: in an R2 bucket, or \"local\", in files of this folder. Change it with cfboot state migrate."},
			"resources": map[string]any{"type": "object", "description": "What the project wants, by logical name.",
				"propertyNames": named(logicalPattern, maxName, ""), "additionalProperties": ref("resource")},
			"secrets": secretsSchema(),
			"environments": map[string]any{"type": "object",
				"description":          "Further environments, by name. Each is production with what it says merged in. Production itself is what stands outside.",
				"propertyNames":        with(named(environmentPattern, maxEnvironment, ""), "not", map[string]any{"enum": anys(reserved)}),
				"additionalProperties": ref("environment")},
			"previews": previewsSchema(ref("override")),
		},
	}
}

func environmentSchema() map[string]any {
	return map[string]any{"type": "object", "additionalProperties": false, "properties": map[string]any{
		"account": accountSchema("The account of this environment, where it is another than production's."),
		"domain":  domainSchema("The host name of this environment. Left out, it is the environment's name, a dot and production's."),
		"resources": map[string]any{"type": "object", "description": "What is different here, by logical name.",
			"propertyNames": named(logicalPattern, maxName, ""), "additionalProperties": ref("override")},
	}}
}

func accountSchema(about string) map[string]any {
	return map[string]any{"type": "string", "pattern": accountPattern, "description": about}
}

func domainSchema(about string) map[string]any {
	return map[string]any{"type": "string", "pattern": domainPattern, "maxLength": maxDomain, "description": about, "examples": []any{"example.com"}}
}

func named(pattern string, limit int, about string) map[string]any {
	out := map[string]any{"type": "string", "pattern": pattern, "maxLength": limit}
	if about != "" {
		out["description"] = about
	}
	return out
}

func with(schema map[string]any, key string, value any) map[string]any {
	schema[key] = value
	return schema
}

func ref(def string) map[string]any { return map[string]any{"$ref": "#/$defs/" + def} }

func anys(words []string) []any {
	out := make([]any, len(words))
	for i, w := range words {
		out[i] = w
	}
	return out
}

// conditions are keywords that a part of an object need not fulfil.
var conditions = []string{"required", "minProperties", "dependentRequired", "dependentSchemas", "not", "if", "then", "else"}

// partly gives the schema of what may be merged into an object: any part of it,
// and null wherever a member stands. Lists are taken as a whole, so what is in
// them stays as it is.
func partly(schema map[string]any) map[string]any {
	out := maps.Clone(schema)
	for _, k := range conditions {
		delete(out, k)
	}
	props, _ := out["properties"].(map[string]any)
	if props != nil {
		looser := make(map[string]any, len(props))
		for name, p := range props {
			looser[name] = orNull(p)
		}
		if kind, ok := props["kind"]; ok {
			looser["kind"] = kind // what a resource is does not go away
		}
		out["properties"] = looser
	}
	if more, ok := out["additionalProperties"].(map[string]any); ok {
		out["additionalProperties"] = orNull(more)
	}
	if pattern, ok := out["patternProperties"].(map[string]any); ok {
		looser := make(map[string]any, len(pattern))
		for name, p := range pattern {
			looser[name] = orNull(p)
		}
		out["patternProperties"] = looser
	}
	// A part may fit several forms at once.
	var forms []any
	for _, k := range []string{"oneOf", "anyOf"} {
		branches, _ := out[k].([]any)
		for _, b := range branches {
			forms = append(forms, partlyAny(b))
		}
		delete(out, k)
	}
	if len(forms) > 0 {
		out["anyOf"] = forms
	}
	if all, ok := out["allOf"].([]any); ok {
		looser := slices.Clone(all)
		for i := range looser {
			looser[i] = partlyAny(looser[i])
		}
		out["allOf"] = looser
	}
	return out
}

func partlyAny(schema any) any {
	if m, ok := schema.(map[string]any); ok {
		return partly(m)
	}
	return schema
}

// orNull allows null beside what the schema allows, and keeps its words where
// editors look for them.
func orNull(schema any) any {
	m, ok := schema.(map[string]any)
	if !ok {
		return schema
	}
	inner := partly(m)
	out := map[string]any{}
	for _, k := range []string{"description", "default", "examples"} {
		if v, ok := inner[k]; ok {
			out[k] = v
			delete(inner, k)
		}
	}
	out["anyOf"] = []any{inner, map[string]any{"type": "null"}}
	return out
}

// indented writes JSON with sorted keys, < > & as they are, and a final newline.
func indented(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		panic("manifest: the schema is not JSON: " + err.Error()) // it was made of JSON
	}
	return b.Bytes()
}

package manifest

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/cfboot/cfboot/provision"
	"github.com/google/go-cmp/cmp"
)

// oddCatalog has one kind, whose schema and whose way to resolve are as given.
type oddCatalog struct {
	schema  string
	resolve func(Spec) ([]provision.Resource, []Ref, error)
}

func (c oddCatalog) Kinds() []string           { return []string{"odd"} }
func (c oddCatalog) Schema(string) []byte      { return []byte(c.schema) }
func (c oddCatalog) Ignorable(string) []string { return nil }
func (c oddCatalog) Resolve(in Spec) ([]provision.Resource, []Ref, error) {
	if c.resolve == nil {
		return []provision.Resource{{Key: in.Key}}, nil, nil // no real name, none to clash
	}
	return c.resolve(in)
}

// What JSON Schema can say beyond what most kinds need is worded as well. Each
// setting is faulty alone.
func TestWording(t *testing.T) {
	tests := []struct{ name, setting, value, want string }{
		{"const", `{"const": 5, "description": "Five."}`, `"5"`, `a must be 5, not "5" | write 5`},
		{"one value", `{"enum": ["x"]}`, `[]`, `a must be "x", not a list | write "x"`},
		{"mixed enum", `{"enum": [1, true, null, "x"]}`, `2`, `a must be one of 1, true, null, "x", not 2 | write 1`},
		{"several types", `{"type": ["string", "boolean"]}`, `1`, `a must be true or false or a string, not 1 | write true or false, without quotes`},
		{"null", `{"type": "null"}`, `1`, `a must be null, not 1 | write null`},
		{"at most", `{"maximum": 2.5}`, `2.75`, `a must be at most 2.5, not 2.75 | change it, or leave it out`},
		{"open range", `{"exclusiveMinimum": 0, "exclusiveMaximum": 1}`, `1`, `a must be more than 0 and less than 1, not 1 | change it, or leave it out`},
		{"step", `{"multipleOf": 0.5}`, `0.75`, `a must be a multiple of 0.5, not 0.75 | change it, or leave it out`},
		{"large number", `{"maximum": 1}`, `1e20`, `a must be at most 1, not 1e+20 | change it, or leave it out`},
		{"short", `{"minLength": 3}`, `"ab"`, `a must have at least 3 characters, not 2 | change it, or leave it out`},
		{"few elements", `{"minItems": 2, "description": "Two or more."}`, `[1]`, `a must have at least 2 elements, not 1 | Two or more.`},
		{"few keys", `{"minProperties": 1}`, `{}`, `a must not be empty | change it, or leave it out`},
		{"too few keys", `{"minProperties": 2}`, `{"b": 1}`, `a must have at least 2 keys, not 1 | change it, or leave it out`},
		{"too many keys", `{"maxProperties": 1}`, `{"b": 1, "c": 2}`, `a must have at most 1 key, not 2 | change it, or leave it out`},
		{"never", `false`, `1`, `a is not allowed here | remove it`},
		{"not", `{"not": {"type": "string"}}`, `"x"`, `a does not fit what is allowed here | change it, or leave it out`},
		{"contains", `{"contains": {"type": "string"}}`, `[1]`, `a does not fit what is allowed here (contains) | change it, or leave it out`},
		{"two forms at once", `{"oneOf": [{"type": "number"}, {"type": "integer"}]}`, `1`, `a fits more than one of the forms it may have | change it, or leave it out`},
		{"all of", `{"allOf": [{"minLength": 2}, {"pattern": "^b"}]}`, `"bbb"`, ``},
		{"none of all", `{"allOf": [{"minLength": 2}, {"minLength": 3}]}`, `"b"`, `a must have at least 2 characters, not 1 | change it, or leave it out
a must have at least 3 characters, not 1 | change it, or leave it out`},
		{"condition", `{"type": "object", "properties": {"b": {}, "c": {}}, "if": {"required": ["b"]}, "then": {"required": ["c"]}}`, `{"b": 1}`, `a: "c" is missing | add "c": "…"`},
		{"pattern or words", `{"anyOf": [{"enum": ["auto", "off"]}, {"pattern": "^[0-9]+s$"}, {"format": "ipv4", "minLength": 99}]}`, `"1m"`,
			`a must be one of "auto", "off" or of the form ^[0-9]+s$ or a valid ipv4, not "1m" | write one of "auto", "off" or of the form ^[0-9]+s$ or a valid ipv4`},
		{"forms that only demand", `{"type": "object", "properties": {"b": {"type": "integer"}, "c": {"default": 3}}, "anyOf": [{"required": ["b"]}, {"required": ["c"]}]}`, `{}`, `a: "b" is missing | add "b": "…"`},
		{"samples", `{"type": "object", "properties": {"b": {"type": "integer"}, "c": {"default": "x"}, "d": {"type": "boolean"}, "e": {"type": "object"}, "f": {"enum": ["y"]}}, "required": ["b", "c", "d", "e", "f"]}`, `{}`,
			`a: "b" is missing | add "b": 1
a: "c" is missing | add "c": "x"
a: "d" is missing | add "d": true
a: "e" is missing | add "e": {…}
a: "f" is missing | add "f": "y"`},
		{"pattern properties are closed", `{"patternProperties": {"^x": {"type": "object", "properties": {"b": {}}}}}`, `{"x1": {"c": 1}}`, `a.x1: unknown key "c" | allowed here: b`},
		{"open objects stay open", `{"type": "object", "properties": {"b": {}}, "additionalProperties": true}`, `{"c": {"d": [1, "x", null, {}]}}`, ``},
		{"a key with dots and quotes", `{"additionalProperties": {"type": "string"}}`, `{"b.c\"\u001b": 1}`, `a.b.c\"\x1b must be a string, not 1 | write it in double quotes: "…"`},
		{"deep list", `{"items": {"items": {"type": "string"}}}`, `[["x"], ["y", 1]]`, `a[1][1] must be a string, not 1 | write it in double quotes: "…"`},
		{"no suggestion for what is endless", `{"type": "object", "properties": {"b": {}}}`, `{"` + strings.Repeat("b", 100) + `": 1}`,
			`a: unknown key "` + strings.Repeat("b", 59) + `…" | allowed here: b`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := oddCatalog{schema: `{"properties": {"a": ` + tt.setting + `}}`}
			_, err := Parse("f", []byte(`{"name": "n", "resources": {"r": {"kind": "odd", "a": `+tt.value+`}}}`), c)
			var got []string
			for _, l := range lines(t, err) {
				_, l, _ = strings.Cut(l, ": odd/r: ")
				got = append(got, l)
			}
			slices.Sort(got)
			if d := cmp.Diff(tt.want, strings.Join(got, "\n")); d != "" {
				t.Error(d)
			}
			Schema(c) // whatever a kind says can be put into the whole
		})
	}
}

// What an override may be follows from what a resource may be.
func TestOverrideSchema(t *testing.T) {
	c := oddCatalog{schema: `{"properties": {
		"obj": {"type": "object", "properties": {"b": {"enum": ["x"]}, "c": {"type": "object", "properties": {"d": {}}, "required": ["d"]}}, "required": ["b"], "minProperties": 2},
		"map": {"type": "object", "additionalProperties": {"type": "string"}},
		"pat": {"type": "object", "patternProperties": {"^x": {"type": "string"}}, "additionalProperties": false},
		"one": {"oneOf": [{"type": "object", "properties": {"t": {"const": 1}, "u": {}}, "required": ["t"]}, {"type": "object", "properties": {"t": {"const": 2}, "u": {}}, "required": ["t"]}]},
		"all": {"allOf": [{"type": "object"}, {"required": ["z"]}, true]},
		"list": {"items": {"type": "string"}},
		"never": false
	}, "required": ["obj"]}`}
	s := compiledSchema(t, c)
	tests := map[string]bool{
		`null`: true, `{}`: true, `{"kind": "odd"}`: true, `{"kind": "even"}`: false, `{"kind": null}`: false, `{"name": null}`: true, `1`: false,
		`{"obj": {}}`: true, `{"obj": null}`: true, `{"obj": {"b": null}}`: true, `{"obj": {"b": "y"}}`: false, `{"obj": {"c": {}}}`: true, `{"obj": {"c": {"e": 1}}}`: false,
		`{"map": {"k": null}}`: true, `{"map": {"k": 1}}`: false, `{"pat": {"x": null}}`: true, `{"pat": {"y": null}}`: false,
		`{"one": {"u": 1}}`: true, `{"one": {"t": 3}}`: false, `{"all": {}}`: true, `{"all": 1}`: false,
		`{"list": null}`: true, `{"list": [null]}`: false, `{"never": 1}`: false,
	}
	for override, want := range tests {
		v, ok := decoded(`{"name": "n", "environments": {"qa": {"resources": {"r": ` + override + `}}}}`)
		if !ok {
			t.Fatal(override)
		}
		if err := s.Validate(v); (err == nil) != want {
			t.Errorf("%s: allowed should be %v, but: %v", override, want, err)
		}
	}
}

// What a kind resolves to is held against the rest, however it comes about.
func TestResolved(t *testing.T) {
	k := func(name string) provision.Key { return provision.Key{Kind: "odd", Name: name} }
	inner := provision.Key{Kind: "inner", Name: "x"}
	tests := []struct {
		name    string
		resolve func(Spec) ([]provision.Resource, []Ref, error)
		want    []string
	}{
		{"two stand for one", func(in Spec) ([]provision.Resource, []Ref, error) {
			return []provision.Resource{{Key: in.Key}, {Key: inner}}, nil, nil
		}, []string{`f:1:50: odd/s: it stands for inner/x, and so does odd/r (f:1:29) | give one of the two another logical name`}},
		{"a need that is not among them", func(in Spec) ([]provision.Resource, []Ref, error) {
			if in.Key == k("s") {
				return nil, nil, nil
			}
			return []provision.Resource{{Key: in.Key, Refs: []provision.Key{inner}}}, nil, nil
		}, []string{`f:1:29: odd/r: refers to inner/x, which is not among the resources | add a resource of kind inner with the name "x"`}},
		{"a reference that no setting states", func(in Spec) ([]provision.Resource, []Ref, error) {
			return []provision.Resource{{Key: in.Key}}, []Ref{{From: in.Key, To: k("rr")}}, nil
		}, []string{
			`f:1:29: odd/r: refers to odd/rr, which is not among the resources | there are: s | add a resource of kind odd with the name "rr"`,
			`f:1:50: odd/s: refers to odd/rr, which is not among the resources; did you mean "r"?`,
		}},
		{"a path that is not written", func(in Spec) ([]provision.Resource, []Ref, error) {
			return nil, nil, &SettingError{Path: "/a/b", Text: "no"}
		}, []string{`f:1:29: odd/r: a.b: no | change it, or leave it out`, `f:1:50: odd/s: a.b: no | change it, or leave it out`}},
		{"a path that is written in part", func(in Spec) ([]provision.Resource, []Ref, error) {
			return nil, nil, errors.Join(&SettingError{Path: "/kind/b~1c", Text: "no"})
		}, []string{`f:1:42: odd/r: kind.b/c: no | change it, or leave it out`, `f:1:63: odd/s: kind.b/c: no | change it, or leave it out`}},
		{"a circle that no setting states", func(in Spec) ([]provision.Resource, []Ref, error) {
			other := map[provision.Key]provision.Key{k("r"): k("s"), k("s"): k("r")}
			return []provision.Resource{{Key: in.Key, Refs: []provision.Key{other[in.Key]}}}, nil, nil
		}, []string{`f:1:29: odd/r: these refer to each other in a circle, so that none can be made first: odd/r → odd/s → odd/r | take one of these references out`}},
		{"a binding that no setting states", func(in Spec) ([]provision.Resource, []Ref, error) {
			return []provision.Resource{{Key: in.Key, Local: provision.Settings{"binding": "A"}}}, nil, nil
		}, []string{`f:1:50: odd/s: the binding "A" is that of odd/r, too (f:1:29) | give one of the two another "binding"`}},
		{"own and derived clash once", func(in Spec) ([]provision.Resource, []Ref, error) {
			return []provision.Resource{{Key: in.Key, Name: "n"}, {Key: provision.Key{Kind: "inner", Name: in.Key.Name}, Name: "n"}}, nil, nil
		}, []string{`f:1:50: odd/s would have the same real name, "n", as odd/r (f:1:29) | give one of the two a "name" of its own, or another logical name`}},
	}
	for _, tt := range tests {
		_, err := Parse("f", []byte(`{"name": "n", "resources": {"r": {"kind":"odd"}, "s": {"kind":"odd"}}}`), oddCatalog{schema: `{}`, resolve: tt.resolve})
		if d := cmp.Diff(tt.want, lines(t, err)); d != "" {
			t.Errorf("%s: %s", tt.name, d)
		}
	}
}

package manifest

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/tailscale/hujson"
)

var update = flag.Bool("update", false, "rewrite the goldens")

// good manifests are accepted by Parse and by the schema.
var good = map[string]string{
	"shop":           shop,
	"least":          `{"name": "a"}`,
	"nothing wanted": `{"name": "a", "resources": {}, "environments": {}}`,
	"all of a record": in(`    "www": {"kind": "record", "host": "www.example.com", "content": "x", "ttl": "auto", "data": {"type": "mx", "priority": 1}},
    "api": {"kind": "record", "host": "api.example.com", "content": "x", "ttl": 60, "data": {"type": "srv", "port": 2}}`),
	"same names in other accounts": strings.Replace(around(`"staging": {"account": "1123456789abcdef0123456789abcdef"}`),
		`"domain"`, `"account": "0123456789abcdef0123456789abcdef", "domain"`, 1),
	"records of one host": in(`    "a": {"kind": "record", "host": "a.example.com", "content": "1"}, "b": {"kind": "record", "host": "a.example.com", "content": "2"}`),
	"consumers of one worker": in(`    "app": {"kind": "worker"}, "a": {"kind": "queue", "consumer": {"worker": "app"}},
    "b": {"kind": "queue", "consumer": {"worker": "app"}}`),
	"same name in other kinds": in(`    "a": {"kind": "d1", "name": "same"}, "b": {"kind": "queue", "name": "same"}`),
	"overrides at every depth": strings.Replace(around(`"qa": {"resources": {`+apart+`,
      "app": {"vars": {"A": "x"}, "routes": ["/"]},
      "jobs": {"kind": "queue", "paused": null, "consumer": {"max_retries": 1, "batch": {"size": 2}}},
      "mail": {"kind": "record", "host": "mail.example.com", "content": "x", "data": {"type": "srv", "port": 4}}}}`),
		`"jobs": {`, `"jobs": {"paused": true, `, 1),
	"something ignored":         strings.Replace(around(`"qa": {"resources": {`+apart+`, "jobs": {"ignore": ["paused"]}}}`), `"jobs": {`, `"jobs": {"paused": true, "ignore": [], `, 1),
	"null takes an object away": strings.Replace(around(`"qa": {"resources": {`+apart+`, "jobs": {"consumer": null}}}`), `"jobs": {`, `"jobs": {"paused": true, `, 1),
	"secrets": `{"name": "a", "resources": {"app": {"kind": "worker"}}, "secrets": {"A": {},
    "B": {"description": "b", "required": true, "generate": "hmac", "url": "https://b.example", "worker": "app"}}}`,
	"previews": withPreviews("example.com", `{"ttl": "3d", "seed": "s.sql", "crons": false, "domain": "{env}.p.example.com", "vars": {"A": "{url}"},
    "services": {"A": "b", "B": null}, "shared": ["d1/log", "FLAGS"], "resources": {"db": {"replicas": 1}}}`),
	"any dollar binding": in(`    "a": {"kind": "d1", "binding": "$_a1"}`),
}

func TestGood(t *testing.T) {
	for name, src := range good {
		m, err := Parse("cfboot.jsonc", []byte(src), plainCatalog{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, environment := range append(m.Environments, Production) {
			if _, err := m.Desired(environment, plainCatalog{}); err != nil {
				t.Errorf("%s, %s: %v", name, environment, err)
			}
		}
	}
}

func TestSchemaGolden(t *testing.T) {
	const golden = "testdata/schema.json"
	got := Schema(plainCatalog{})
	if !bytes.Equal(got, Schema(plainCatalog{})) {
		t.Error("two calls give different bytes")
	}
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if d := cmp.Diff(string(mustRead(t, golden)), string(got)); d != "" {
		t.Errorf("run with -update and read the difference: %s", d)
	}
}

func compiledSchema(t *testing.T, c Catalog) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema(c)))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(schemaID, doc); err != nil {
		t.Fatal(err)
	}
	s, err := compiler.Compile(schemaID)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// decoded is a manifest as an editor sees it: ok is false where it is no JSON.
func decoded(src string) (v any, ok bool) {
	std, err := hujson.Standardize([]byte(src))
	if err != nil {
		return nil, false
	}
	v, err = jsonschema.UnmarshalJSON(bytes.NewReader(std))
	return v, err == nil
}

func TestSchemaAcceptsGood(t *testing.T) {
	s := compiledSchema(t, plainCatalog{})
	for name, src := range good {
		v, ok := decoded(src)
		if !ok {
			t.Fatalf("%s is no JSON", name)
		}
		if err := s.Validate(v); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What Parse refuses, the schema refuses, too, where a schema can say it; and
// where it cannot, it must not be in the way.
func TestSchemaRejectsBad(t *testing.T) {
	s := compiledSchema(t, plainCatalog{})
	tried := 0
	for _, group := range [][]bad{badTops, badResources, badMeetings, badEnvironments, badPreviews} {
		for _, tt := range group {
			v, ok := decoded(tt.src)
			if !ok {
				t.Fatalf("%s is no JSON", tt.name)
			}
			tried++
			if err := s.Validate(v); (err == nil) != tt.beyond {
				t.Errorf("%s: beyond the schema: %v, but it says %v", tt.name, tt.beyond, err)
			}
		}
	}
	if tried < 40 {
		t.Errorf("only %d manifests were tried", tried)
	}
}

func TestSchemaOfBrokenCatalogPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a schema was made of nothing")
		}
	}()
	Schema(brokenCatalog{schema: "{"})
}

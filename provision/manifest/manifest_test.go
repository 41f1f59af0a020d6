package manifest

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/cfboot/cfboot/provision"
	"github.com/google/go-cmp/cmp"
)

const shop = `// What the shop wants.
{
  "$schema": "./cfboot.schema.json",
  "name": "shop", /* the project */
  "pattern": "saas",
  "account": "0123456789ABCDEF0123456789abcdef",
  "domain": "Shop.example.com",
  "resources": {
    "db": {"kind": "d1", "binding": "DB", "replicas": 2},
    "jobs": {
      "kind": "queue",
      "consumer": {"worker": "app", "dead_letter": "dead", "max_retries": 3},
    },
    "dead": {"kind": "queue"},
    "app": {"kind": "worker"},
    "www": {"kind": "record", "content": "192.0.2.1"},
    "extra": {"kind": "d1", "name": "old-db"},
  },
  "environments": {
    "staging": {
      "account": "ffffffffffffffffffffffffffffffff",
      "resources": {
        "db": {"replicas": null},
        "jobs": {"consumer": {"max_retries": 5}},
        "extra": null,
        "cache": {"kind": "d1", "binding": "CACHE"},
      },
    },
    "qa": {"domain": "qa-shop.example.org"},
  },
}
`

func TestParse(t *testing.T) {
	m, err := Parse("cfboot.jsonc", []byte(shop), plainCatalog{})
	if err != nil {
		t.Fatal(err)
	}
	got := *m
	got.source, got.resources, got.environments, got.declareAt, got.stateAt, got.previews = nil, nil, nil, 0, 0, previews{}
	want := Manifest{File: "cfboot.jsonc", Name: "shop", Pattern: "saas", Account: "0123456789abcdef0123456789abcdef",
		Domain: "shop.example.com", Environments: []string{"staging", "qa"},
		Hash: "1cd82be04e93537ab883698976f631d8e723259082efe28572bd47d00f85fc9a"}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(Manifest{}, previews{})); d != "" {
		t.Error(d)
	}
}

func key(s string) provision.Key {
	k, err := provision.ParseKey(s)
	if err != nil {
		panic(err)
	}
	return k
}

// as gives a resource an identity.
func as(identity string, r provision.Resource) provision.Resource {
	r.Identity = identity
	return r
}

func resource(k, name string, settings, local provision.Settings, refs ...string) provision.Resource {
	r := provision.Resource{Key: key(k), Name: name, Settings: settings, Local: local}
	for _, s := range refs {
		r.Refs = append(r.Refs, key(s))
	}
	return r
}

func TestDesired(t *testing.T) {
	none := provision.Settings{}
	tests := map[string]Desired{
		"": {Project: "shop", Environment: "production", Account: "0123456789abcdef0123456789abcdef", Domain: "shop.example.com",
			Resources: []provision.Resource{
				resource("d1/db", "shop-db", provision.Settings{"replicas": 2.0}, provision.Settings{"binding": "DB"}),
				resource("queue/jobs", "shop-jobs", none, none),
				resource("queue/dead", "shop-dead", none, none),
				resource("worker/app", "shop-app", none, none),
				as("shop.example.com 192.0.2.1", resource("record/www", "shop.example.com", none, none)),
				resource("d1/extra", "old-db", none, none),
				as("shop-jobs", resource("consumer/jobs", "app", provision.Settings{"max_retries": 3.0}, nil, "queue/jobs", "worker/app", "queue/dead")),
			}},
		"staging": {Project: "shop", Environment: "staging", Account: "ffffffffffffffffffffffffffffffff", Domain: "staging.shop.example.com",
			Resources: []provision.Resource{
				resource("d1/db", "shop-staging-db", none, provision.Settings{"binding": "DB"}),
				resource("queue/jobs", "shop-staging-jobs", none, none),
				resource("queue/dead", "shop-staging-dead", none, none),
				resource("worker/app", "shop-staging-app", none, none),
				as("staging.shop.example.com 192.0.2.1", resource("record/www", "staging.shop.example.com", none, none)),
				resource("d1/cache", "shop-staging-cache", none, provision.Settings{"binding": "CACHE"}),
				as("shop-staging-jobs", resource("consumer/jobs", "app", provision.Settings{"max_retries": 5.0}, nil, "queue/jobs", "worker/app", "queue/dead")),
			}},
		"qa": {Project: "shop", Environment: "qa", Account: "0123456789abcdef0123456789abcdef", Domain: "qa-shop.example.org",
			Resources: []provision.Resource{
				resource("d1/db", "shop-qa-db", provision.Settings{"replicas": 2.0}, provision.Settings{"binding": "DB"}),
				resource("queue/jobs", "shop-qa-jobs", none, none),
				resource("queue/dead", "shop-qa-dead", none, none),
				resource("worker/app", "shop-qa-app", none, none),
				as("qa-shop.example.org 192.0.2.1", resource("record/www", "qa-shop.example.org", none, none)),
				resource("d1/extra", "old-db-qa", none, none),
				as("shop-qa-jobs", resource("consumer/jobs", "app", provision.Settings{"max_retries": 3.0}, nil, "queue/jobs", "worker/app", "queue/dead")),
			}},
	}
	m, err := Parse("cfboot.jsonc", []byte(shop), plainCatalog{})
	if err != nil {
		t.Fatal(err)
	}
	for environment, want := range tests {
		got, err := m.Desired(environment, plainCatalog{})
		if err != nil {
			t.Fatalf("%q: %v", environment, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%q: %s", environment, d)
		}
	}
	named, err := m.Desired(Production, plainCatalog{})
	if d := cmp.Diff(tests[""], named); d != "" || err != nil {
		t.Errorf("production by name: %v %s", err, d)
	}
}

func TestUndeclaredEnvironment(t *testing.T) {
	m, err := Parse("cfboot.jsonc", []byte(shop), plainCatalog{})
	if err != nil {
		t.Fatal(err)
	}
	bare, err := Parse("cfboot.jsonc", []byte(`{"name": "bare"}`), plainCatalog{})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		m                 *Manifest
		environment, want string
	}{
		{m, "stagin", `cfboot.jsonc:19:3: there is no environment "stagin"; did you mean "staging"? | declared are "staging", "qa" | declare it: "environments": {"stagin": {}}`},
		{m, "pr-7", `cfboot.jsonc:19:3: there is no environment "pr-7" | declared are "staging", "qa" | declare it: "environments": {"pr-7": {}}`},
		{m, "Production", `cfboot.jsonc:19:3: there is no environment "Production"; did you mean "production"? | declared are "staging", "qa" | declare it: "environments": {"Production": {}}`},
		{bare, "pr-7", `cfboot.jsonc: there is no environment "pr-7" | declare it: "environments": {"pr-7": {}}`},
	}
	for _, tt := range tests {
		_, err := tt.m.Desired(tt.environment, plainCatalog{})
		if d := cmp.Diff(tt.want, strings.Join(lines(t, err), "\n")); d != "" {
			t.Error(d)
		}
	}
}

// lines writes each problem of a joined error with its hints behind it.
func lines(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	var out []string
	for _, e := range flatten(err) {
		var p *provision.Problem
		if !errors.As(e, &p) {
			t.Fatalf("%T is no problem: %v", e, e)
		}
		if p.Class != provision.Failed || (len(p.Hints) == 0 && !strings.Contains(p.Text, "did you mean ")) || p.At == "" || p.Text == "" {
			t.Errorf("the problem is not whole: %+v", p)
		}
		out = append(out, strings.Join(append([]string{p.Error()}, p.Hints...), " | "))
	}
	return out
}

// The same content in other clothes is the same manifest.
func TestForms(t *testing.T) {
	plain, err := Parse("cfboot.jsonc", []byte(shop), plainCatalog{})
	if err != nil {
		t.Fatal(err)
	}
	want, err := plain.Desired("staging", plainCatalog{})
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]string{
		"CRLF":              strings.ReplaceAll(shop, "\n", "\r\n"),
		"byte order mark":   "\ufeff" + shop,
		"no final newline":  strings.TrimSuffix(shop, "\n"),
		"comment at end":    shop + "// the end",
		"tabs":              strings.ReplaceAll(shop, "  ", "\t"),
		"escaped key names": strings.ReplaceAll(shop, `"name"`, `"n\u0061me"`),
	}
	for name, src := range tests {
		m, err := Parse("cfboot.jsonc", []byte(src), plainCatalog{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, err := m.Desired("staging", plainCatalog{})
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Errorf("%s: %v %s", name, err, d)
		}
		if m.Hash == plain.Hash {
			t.Errorf("%s: other bytes have the same hash", name)
		}
	}
}

// What is ignored in production is so in an environment, unless that says
// otherwise.
func TestIgnoreInEnvironments(t *testing.T) {
	m, err := Parse("cfboot.jsonc", []byte(`{"name": "shop", "resources": {"db": {"kind": "d1", "ignore": ["replicas"]}}, "environments": {
		"same": {}, "other": {"resources": {"db": {"ignore": ["share", "location_hint"]}}}, "nil": {"resources": {"db": {"ignore": null}}}}}`), plainCatalog{})
	if err != nil {
		t.Fatal(err)
	}
	for environment, want := range map[string][]string{"": {"replicas"}, "same": {"replicas"}, "other": {"share", "location_hint"}, "nil": nil} {
		d, err := m.Desired(environment, plainCatalog{})
		if err != nil {
			t.Fatal(err)
		}
		if got := d.Resources[0].Ignore; !cmp.Equal(want, got) {
			t.Errorf("%q: %v, want %v", environment, got, want)
		}
	}
}

// brokenCatalog has one kind whose schema is as given.
type brokenCatalog struct {
	plainCatalog
	schema string
}

func (c brokenCatalog) Kinds() []string      { return []string{"d1"} }
func (c brokenCatalog) Schema(string) []byte { return []byte(c.schema) }

func TestBrokenCatalog(t *testing.T) {
	tests := map[string]string{
		`{`:  "the schema of kind d1: ",
		`[]`: "the schema of kind d1 is no object",
		`{"properties": {"a": {"$ref": "#/$defs/a"}}}`: "the schema of kind d1 refers to another place; it must stand by itself",
		`{"properties": {"a": {"type": "strin"}}}`:     "the schema of kind d1: ",
	}
	for schema, want := range tests {
		_, err := Parse("cfboot.jsonc", []byte(`{"name": "a", "resources": {"db": {"kind": "d1"}}}`), brokenCatalog{schema: schema})
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: got %v, want %s…", schema, err, want)
		}
		var p *provision.Problem
		if errors.As(err, &p) {
			t.Errorf("%s: the manifest is blamed: %v", schema, err)
		}
	}
}

func mustRead(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

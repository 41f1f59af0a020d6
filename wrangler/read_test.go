package wrangler

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRead(t *testing.T) {
	src := "\ufeff" + `// é
{
  "name": "shop",
  "compatibility_flags": ["nodejs_compat"],
  "vars": { "A": "1", "N": 2.0, "O": { "x": [1.5, null, true] } },
  "d1_databases": [
    { "b\u0069nding": "DB", "database_id": "1" }, /* é */ { "binding": "LOG", "big": 123456789012345678 },
  ],
  "queues": {
    "producers": [{ "binding": "JOBS", "queue": "jobs" }],
    "consumers": [{ "queue": "jobs", "max_retries": 3 }],
  },
  "routes": ["a.example/*", { "pattern": "b.example", "custom_domain": true }, 7],
  "triggers": { "crons": ["0 3 * * *"] },
  "env": {
    "staging": { "ai": { "binding": "AI" } },
    "live": { "name": "live-shop", "env": {}, "d1_databases": [] },
  },
}
// end`
	list := func(s ...string) []string { return s }
	want := &Config{Name: "shop", Environments: []Environment{
		{Worker: "shop", Line: 2, Col: 1, Bindings: []Binding{
			{list("vars"), []Field{{"A", "1"}, {"N", 2}, {"O", map[string]any{"x": []any{1.5, nil, true}}}}, 5, 11},
			{list("d1_databases"), []Field{{"binding", "DB"}, {"database_id", "1"}}, 7, 5},
			{list("d1_databases"), []Field{{"binding", "LOG"}, {"big", 123456789012345678}}, 7, 59},
			{list("queues", "producers"), []Field{{"binding", "JOBS"}, {"queue", "jobs"}}, 10, 19},
			{list("queues", "consumers"), []Field{{"queue", "jobs"}, {"max_retries", 3}}, 11, 19},
			{list("routes"), []Field{{"pattern", "a.example/*"}}, 13, 14},
			{list("routes"), []Field{{"pattern", "b.example"}, {"custom_domain", true}}, 13, 29},
			{list("triggers"), []Field{{"crons", []any{"0 3 * * *"}}}, 14, 15},
		}},
		{Name: "staging", Worker: "shop-staging", Line: 16, Col: 16, Bindings: []Binding{
			{list("ai"), []Field{{"binding", "AI"}}, 16, 24},
		}},
		{Name: "live", Worker: "live-shop", Line: 17, Col: 13},
	}}
	got, err := Read([]byte(src))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got.Environment("staging").Bindings[0].Field("binding") != "AI" || got.Environment("pr-1") != nil || got.Environment("").Bindings[0].Field("Z") != nil {
		t.Error("looking up environments and fields")
	}
}

func TestReadAccountAndRoute(t *testing.T) {
	for src, pattern := range map[string]string{
		`{"name": "shop", "account_id": "ab", "route": "a.example/*"}`:                              "a.example/*",
		`{"name": "shop", "account_id": "ab", "route": {"pattern": "b.example/*", "zone_id": "1"}}`: "b.example/*",
	} {
		got, err := Read([]byte(src))
		if err != nil {
			t.Fatal(err)
		}
		env := got.Environment("")
		if env.Account != "ab" || len(env.Bindings) != 1 || env.Bindings[0].Section[0] != "route" || env.Bindings[0].Field("pattern") != pattern {
			t.Errorf("%s: got %+v", src, env)
		}
	}
}

func TestReadEmpty(t *testing.T) {
	want := &Config{Environments: []Environment{{Line: 1, Col: 1}}}
	for _, src := range []string{"", "// c", "{}", "\ufeff{\"name\": 3}"} {
		got, err := Read([]byte(src))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: %s", src, diff)
		}
	}
}

func TestReadErrors(t *testing.T) {
	for _, c := range []struct{ src, text string }{
		{"{\n\"x\": [{\"y\": {\"a\": 1, \"a\": 2}}]}", `wrangler.jsonc:2:22: key "a" stands twice, first on line 2`},
		{`{"env": []}`, "wrangler.jsonc:1:9: env is a list, not an object"},
		{`{"env": {"a": 1}}`, "wrangler.jsonc:1:15: env.a is a number, not an object"},
		{`[]`, "wrangler.jsonc:1:1: the file is a list, not an object"},
		{`{`, "wrangler.jsonc:1:2: not valid JSONC"},
		{strings.Repeat("[", 1<<20), "nests deeper"},
		{strings.Repeat(" ", MaxSize+1), "wrangler.jsonc: larger than"},
	} {
		got, err := Read([]byte(c.src))
		var e *Error
		if got != nil || !errors.As(err, &e) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%.40q: got %v, want %q", c.src, err, c.text)
		}
	}
}

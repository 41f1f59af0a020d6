package wrangler

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// d1 and kv are the edits most tests make.
func d1(id string) Edit {
	return Edit{Section: []string{"d1_databases"}, Match: Field{"binding", "DB"},
		Set: []Field{{"binding", "DB"}, {"database_name", "shop"}, {"database_id", id}}}
}

func kv(binding, id string) Edit {
	return Edit{Section: []string{"kv_namespaces"}, Match: Field{"binding", binding}, Set: []Field{{"id", id}}}
}

func unset(name string, section ...string) Edit {
	return Edit{Section: section, Match: Field{"binding", name}, Remove: true}
}

func set(v any, section ...string) Edit {
	return Edit{Section: section, Set: []Field{{"", v}}}
}

func route(pattern string, fields ...Field) Edit {
	return Edit{Section: []string{"routes"}, Match: Field{"pattern", pattern}, Set: fields}
}

// applyCase is a text before and after; the tables in this package share it.
type applyCase struct {
	name   string
	env    string
	edits  []Edit
	before string
	after  string // "=" for unchanged
}

func runApply(t *testing.T, cases []applyCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			want := c.after
			if want == "=" {
				want = c.before
			}
			got, err := Apply([]byte(c.before), c.env, c.edits)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, string(got)); diff != "" {
				t.Fatalf("-want +got:\n%s", diff)
			}
			again, err := Apply(got, c.env, c.edits)
			if err != nil {
				t.Fatal("second run:", err)
			}
			if diff := cmp.Diff(string(got), string(again)); diff != "" {
				t.Fatalf("second run changes:\n%s", diff)
			}
		})
	}
}

func TestApplyLeaves(t *testing.T) {
	runApply(t, []applyCase{
		{
			name:  "only the differing leaf changes, comments around it stay",
			edits: []Edit{d1("new")},
			before: `// my shop
{
  "d1_databases": [
    {
      "binding": "DB", // the only one
      "database_name": "shop",
      /* generated */ "database_id": /* by cfboot */ "old" /* ! */,
      "migrations_dir": "migrations",
    },
  ],
}
`,
			after: `// my shop
{
  "d1_databases": [
    {
      "binding": "DB", // the only one
      "database_name": "shop",
      /* generated */ "database_id": /* by cfboot */ "new" /* ! */,
      "migrations_dir": "migrations",
    },
  ],
}
`,
		},
		{
			name:   "a value that means the same is not rewritten",
			edits:  []Edit{d1("A/b"), set(1, "limits", "cpu_ms"), set(100, "n"), set(0, "z"), set(0.5, "h"), set(12.5, "x")},
			before: `{"d1_databases":[{"b\u0069nding":"\u0044B","database_name":"sh\u006fp","database_id":"\u0041\/b"}],"limits":{"cpu_ms":1.0},"n":1E+2,"z":-0.0e5,"h":5e-1,"x":0.125E2}`,
			after:  "=",
		},
		{
			name:   "numbers that a float would take for each other differ",
			edits:  []Edit{set(int64(9007199254740993), "n")},
			before: `{"n":9007199254740992}`,
			after:  `{"n":9007199254740993}`,
		},
		{
			name:   "an exponent beyond every machine number",
			edits:  []Edit{set(1, "n")},
			before: `{"n": 1e99999999999999999999}`,
			after:  `{"n": 1}`,
		},
		{
			name:   "another type of value is replaced",
			edits:  []Edit{set("3", "a"), set(true, "b"), set(map[string]any{"x": 1}, "c"), set([]string{"x"}, "d"), set("x", "e")},
			before: `{ "a": 3, "b": "true", "c": null, "d": "x", "e": { "x": [1] } }`,
			after:  `{ "a": "3", "b": true, "c": { "x": 1 }, "d": ["x"], "e": "x" }`,
		},
		{
			name:  "fields of an object, the rest of it stays",
			edits: []Edit{{Section: []string{"vars"}, Set: []Field{{"ORIGIN", "https://b.example"}, {"NEW", "line\n\"quoted\" \\ é\u2028"}}}},
			before: `{
	"vars": {
		"MINE": "1", // keep
		"ORIGIN": "https://a.example"
		// end
	}
}`,
			after: `{
	"vars": {
		"MINE": "1", // keep
		"ORIGIN": "https://b.example",
		"NEW": "line\n\"quoted\" \\ é` + "\u2028" + `"
		// end
	}
}`,
		},
		{
			name:   "fields of the top level itself",
			edits:  []Edit{{Set: []Field{{"workers_dev", false}, {"name", "shop"}}}},
			before: `{ "name": "old", }`,
			after:  `{ "name": "shop", "workers_dev": false, }`,
		},
		{
			name:   "a map merges to any depth",
			edits:  []Edit{{Section: []string{"ratelimits"}, Match: Field{"name", "L"}, Set: []Field{{"simple", map[string]any{"limit": 5, "period": 60}}}}},
			before: `{ "ratelimits": [{ "name": "L", "simple": { "mine": 1, "limit": 3 } }] }`,
			after:  `{ "ratelimits": [{ "name": "L", "simple": { "mine": 1, "limit": 5, "period": 60 } }] }`,
		},
		{
			name:   "brackets and comments inside strings are text",
			edits:  []Edit{set("x", "name")},
			before: `{"a": "` + strings.Repeat("[", maxDepth+1) + `\"//", "b": "/*"}`,
			after:  `{"a": "` + strings.Repeat("[", maxDepth+1) + `\"//", "b": "/*", "name": "x"}`,
		},
		{
			name:   "a key that is the empty string is an ordinary key",
			edits:  []Edit{set("x", "name")},
			before: `{"": 1}`,
			after:  `{"": 1, "name": "x"}`,
		},
	})
}

func TestApplyRoutes(t *testing.T) {
	zone := Field{"zone_name", "a.example"}
	runApply(t, []applyCase{
		{"a string says as much as its pattern", "", []Edit{route("a.example/*")}, `{"routes": ["a.example/*"]}`, "="},
		{"also when the edit repeats it", "", []Edit{route("a.example/*", Field{"pattern", "a.example/*"})}, `{"routes": ["a.example\/*"]}`, "="},
		{
			"a string that must say more becomes an object", "", []Edit{route("a.example/*", zone)},
			`{ "routes": [/* 1 */ "b.example", "a.example/*" /* 2 */] }`,
			`{ "routes": [/* 1 */ "b.example", { "pattern": "a.example/*", "zone_name": "a.example" } /* 2 */] }`,
		},
		{
			"in the form of the objects beside it", "", []Edit{route("a.example/*", zone)},
			"{\n  \"routes\": [\n    {\"pattern\": \"b\", \"zone_name\": \"b\"}, // b\n    \"a.example/*\", // a\n  ],\n}\n",
			"{\n  \"routes\": [\n    {\"pattern\": \"b\", \"zone_name\": \"b\"}, // b\n    {\"pattern\": \"a.example/*\", \"zone_name\": \"a.example\"}, // a\n  ],\n}\n",
		},
		{"a bare pattern is added as a string", "", []Edit{route("a.example/*")}, `{ "routes": ["b"] }`, `{ "routes": ["b", "a.example/*"] }`},
		{"an object that has the pattern", "", []Edit{route("a.example/*")}, `{"routes": [{"pattern": "a.example/*", "custom_domain": true}]}`, "="},
		{"a string is taken out", "", []Edit{{Section: []string{"routes"}, Match: Field{"pattern", "a"}, Remove: true}}, `{"routes": ["a", "b"]}`, `{"routes": ["b"]}`},
		{"strings match in routes only", "", []Edit{{Section: []string{"x"}, Match: Field{"pattern", "a"}}}, `{"x": ["a"]}`, `{"x": ["a", {"pattern": "a"}]}`},
		{"under env too", "staging", []Edit{route("a")}, `{"env": {"staging": {"routes": ["a"]}}}`, "="},
	})
}

func TestApplyLists(t *testing.T) {
	crons := func(c ...string) []Edit { return []Edit{set(c, "triggers", "crons")} }
	runApply(t, []applyCase{
		{"equal", "", crons("a", "b"), `{"triggers": {"crons": [ "a","\u0062", ]}}`, "="},
		{"append", "", crons("a", "b"), `{"triggers": {"crons": ["a"]}}`, `{"triggers": {"crons": ["a", "b"]}}`},
		{"first", "", crons("a", "b"), `{"triggers": {"crons": ["b"]}}`, `{"triggers": {"crons": ["a", "b"]}}`},
		{"first, behind space", "", crons("a", "b"), `{"triggers": {"crons": [ "b" ]}}`, `{"triggers": {"crons": [ "a", "b" ]}}`},
		{"between", "", crons("a", "b", "c"), `{"triggers": {"crons": ["a", "c",]}}`, `{"triggers": {"crons": ["a", "b", "c",]}}`},
		{"fewer", "", crons("b"), `{"triggers": {"crons": ["a", "b", "c"]}}`, `{"triggers": {"crons": ["b"]}}`},
		{"none", "", crons(), `{"triggers": {"crons": ["a", "b"]}}`, `{"triggers": {"crons": []}}`},
		{"all others", "", crons("x", "y", "z"), `{"triggers": {"crons": ["a", "b"]}}`, `{"triggers": {"crons": ["x", "y", "z"]}}`},
		{
			"what stays keeps its comment", "", crons("b", "c", "d"),
			`{
  "triggers": {
    "crons": [
      // hourly
      "a",
      // nightly
      "b", // b
      "x", // was x
      "d" // d
    ]
  }
}`,
			`{
  "triggers": {
    "crons": [
      // hourly
      // nightly
      "b", // b
      "c", // was x
      "d" // d
    ]
  }
}`,
		},
		{
			"before the first of several lines", "", crons("a", "b"),
			"{\n  \"triggers\": {\n    \"crons\": [ // all\n      // b\n      \"b\"\n    ]\n  }\n}",
			"{\n  \"triggers\": {\n    \"crons\": [ // all\n      \"a\",\n      // b\n      \"b\"\n    ]\n  }\n}",
		},
		{
			"objects in lists are exact", "", []Edit{set([]any{map[string]any{"type": "Text", "globs": []string{"*.md"}}}, "rules")},
			`{"rules": [{"fallthrough": true, "type": "Data", "globs": ["*.md", "*.txt"]}]}`,
			`{"rules": [{"type": "Text", "globs": ["*.md"]}]}`,
		},
		{
			"lists in lists, with objects to add", "", []Edit{set([]any{[]any{1, 2}, []any{map[string]any{"a": 1}}}, "x")},
			`{"x": [[1, 3, 4], [{}]]}`,
			`{"x": [[1, 2], [{"a": 1}]]}`,
		},
	})
}

func TestApplyContradictions(t *testing.T) {
	for name, edits := range map[string][]Edit{
		"two values":     {kv("A", "1"), kv("A", "2")},
		"set and remove": {kv("A", "1"), unset("A", "kv_namespaces")},
		"remove and set": {unset("A", "kv_namespaces"), kv("A", "1")},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Apply([]byte(`{"name": "x"}`), "", edits)
			if err == nil || !strings.Contains(err.Error(), "contradict") {
				t.Fatalf("got %v", err)
			}
		})
	}
}

func TestApplyErrors(t *testing.T) {
	deep := strings.Repeat("[", maxDepth+1)
	db := []Edit{d1("x")}
	for _, c := range []struct {
		name, env, src string
		edits          []Edit
		line, col      int
		text           string
	}{
		{"duplicate at top level", "", "{\n  \"d1_databases\": [],\n  \"d1_databases\": []\n}", db, 3, 3, `"d1_databases" stands twice, first on line 2`},
		{"duplicate beside the path", "", "{\n\"vars\": {},\n\"d1_databases\": [], \"v\\u0061rs\": {}}", db, 3, 21, `"vars" stands twice, first on line 2`},
		{"duplicate env", "a", "{\"env\": {\"a\": {},\n \"a\": {}}}", db, 2, 2, `"a" stands twice, first on line 1`},
		{"duplicate in the element", "", "{\"d1_databases\": [{\"binding\": \"DB\", \"x\": {\"y\": 1,\n\"y\": 2}}]}", db, 2, 1, `"y" stands twice, first on line 1`},
		{"duplicate match field", "", `{"d1_databases": [{"binding": "DB", "binding": "X"}]}`, db, 1, 37, `"binding" stands twice`},
		{"duplicate in an object whose fields are set", "", `{"vars": {"A": 1, "A": 1}}`, []Edit{{Section: []string{"vars"}, Set: []Field{{"B", "1"}}}}, 1, 19, `"A" stands twice`},
		{"duplicate in a list that is set", "", `{"x": [{"a": 1, "a": 1}]}`, []Edit{set([]any{map[string]any{"a": 1}}, "x")}, 1, 17, `"a" stands twice`},
		{"two elements", "", "{\"d1_databases\": [{\"binding\": \"DB\"},\n  {\"binding\": \"\\u0044B\"}]}", db, 2, 3, `two elements of d1_databases have binding "DB", the first on line 1`},
		{"a route as string and object", "", `{"routes": ["a", {"pattern": "a"}]}`, []Edit{route("a")}, 1, 18, "two elements of routes"},
		{"section is an object", "", `{"d1_databases": {}}`, db, 1, 18, "d1_databases is an object, not a list"},
		{"section is null", "", `{"d1_databases": null}`, db, 1, 18, "d1_databases is null, not a list"},
		{"section on the way is a list", "", `{"queues": []}`, []Edit{{Section: []string{"queues", "producers"}, Match: Field{"binding", "Q"}}}, 1, 12, "queues is a list, not an object"},
		{"vars is a string", "", `{"vars": ""}`, []Edit{{Section: []string{"vars"}, Set: []Field{{"A", "1"}}}}, 1, 10, "vars is a string, not an object"},
		{"env is a number", "a", `{"env": 1}`, db, 1, 9, "env is a number, not an object"},
		{"the file is a list", "", "// é\n []", db, 2, 2, "the file is a list, not an object"},
		{"removing from the wrong type", "", `{"x": true}`, []Edit{unset("A", "x")}, 1, 7, "x is a boolean, not a list"},
		{"route beside routes", "", `{"route": "a"}`, []Edit{route("b")}, 1, 2, `has "route"`},
		{"routes beside route", "", `{"routes": ["a"]}`, []Edit{set("b", "route")}, 1, 2, `has "routes"`},
		{"syntax, column in characters", "", "{\n \"é\": ?}", db, 2, 7, "not valid JSONC"},
		{"a broken literal is not repeated", "", "{\"vars\": {\"TOKEN\": s3cr3t}}", db, 1, 20, "neither a string"},
		{"a broken string is not repeated", "", "{\"TOKEN\": \"s3cr3t\\q\"}", db, 1, 11, "neither a string"},
		{"cut off", "", "{\"a\": ", db, 1, 7, "ends too early"},
		{"cut off in a comment", "", "{\"a\": 1} /* ", db, 1, 10, "ends too early"},
		{"text after the value", "", "{}\n{}", db, 2, 1, "after top-level value"},
		{"not UTF-8", "", "{\n\"a\": \"\xff\"}", db, 2, 7, "UTF-8"},
		{"UTF-16", "", "\xff\xfe{\x00}\x00", db, 1, 1, "UTF-8"},
		{"too deep", "", deep, db, 1, maxDepth + 1, "deeper"},
		{"too deep behind a string like a comment", "", "[\"/*\"," + deep, db, 1, maxDepth + 6, "deeper"},
		{"carriage return in a comment", "", "{ // a\r\"x\": 1\n}", db, 1, 7, "carriage return"},
		{"two byte order marks", "", "\ufeff\ufeff{}", db, 1, 1, "not valid JSONC"},
		{"too large", "", strings.Repeat(" ", MaxSize+1), nil, 0, 0, "larger"},
		{"grows too large", "", "{/*" + strings.Repeat(" ", MaxSize-6) + "*/}", db, 0, 0, "larger"},

		{"match by an object", "", "{}", []Edit{{Section: []string{"x"}, Match: Field{"a", []any{}}}}, 0, 0, "not a string, number or boolean"},
		{"match by nothing", "", "{}", []Edit{{Section: []string{"x"}, Match: Field{"a", nil}}}, 0, 0, "has no value"},
		{"match without section", "", "{}", []Edit{{Match: Field{"a", "b"}}}, 0, 0, "no section"},
		{"renames what it matches", "", "{}", []Edit{{Section: []string{"x"}, Match: Field{"a", "b"}, Set: []Field{{"a", "c"}}}}, 0, 0, "another value than it matches"},
		{"no value", "", "{}", []Edit{kv("A", ""), {Section: []string{"x"}, Set: []Field{{"id", nil}}}}, 0, 0, `edit 2 (x): field "id" has no value`},
		{"no name", "", "{}", []Edit{{Section: []string{"x"}, Set: []Field{{"a", 1}, {"", 1}}}}, 0, 0, "without a name"},
		{"one name twice", "", "{}", []Edit{{Section: []string{"x"}, Set: []Field{{"a", 1}, {"a", 1}}}}, 0, 0, `"a" twice`},
		{"nothing to set", "", "{}", []Edit{{Section: []string{"x"}}}, 0, 0, "sets nothing"},
		{"removing everything", "", "{}", []Edit{{Remove: true}}, 0, 0, "neither section nor match"},
		{"removing a key by fields", "", "{}", []Edit{{Section: []string{"vars"}, Set: []Field{{"A", 1}}, Remove: true}}, 0, 0, "cannot list fields"},
		{"no type of JSON", "", "{}", []Edit{set([]any{struct{}{}}, "x")}, 0, 0, "element 0 has a value of type struct {}"},
		{"not a number", "", "{}", []Edit{set(nan(), "x")}, 0, 0, "NaN"},
		{"string of broken bytes", "", "{}", []Edit{set("\xff", "x")}, 0, 0, "UTF-8"},
		{"key of broken bytes", "", "{}", []Edit{set(map[string]any{"\xff": 1}, "x")}, 0, 0, "UTF-8"},
		{"a map in itself", "", "{}", []Edit{set(cycle(), "x")}, 0, 0, "deeper"},
		{"top level key under env", "staging", "{}", []Edit{set(true, "keep_vars")}, 0, 0, "top level only"},
	} {
		t.Run(c.name, func(t *testing.T) {
			src := []byte(c.src)
			got, err := Apply(src, c.env, c.edits)
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("got %q, error %v", got, err)
			}
			if got != nil || string(src) != c.src {
				t.Error("returns or changes bytes beside an error")
			}
			if e.Line != c.line || e.Col != c.col || !strings.Contains(e.Msg, c.text) {
				t.Errorf("got %d:%d %q, want %d:%d %q", e.Line, e.Col, e.Msg, c.line, c.col, c.text)
			}
			if strings.Contains(err.Error(), "s3cr3t") || strings.Contains(e.Msg, "\n") || !strings.HasPrefix(err.Error(), "wrangler.jsonc") {
				t.Errorf("text %q", err)
			}
		})
	}
}

func nan() float64 { zero := 0.0; return zero / zero }

func cycle() map[string]any {
	m := map[string]any{}
	m["self"] = m
	return m
}

package wrangler

import (
	"strings"
	"testing"
)

func TestApplyAdds(t *testing.T) {
	runApply(t, []applyCase{
		{
			"to {}", "", []Edit{d1("1")}, "{}",
			`{
  "d1_databases": [
    {
      "binding": "DB",
      "database_name": "shop",
      "database_id": "1"
    }
  ]
}`,
		},
		{"to {} under env", "staging", []Edit{set("x", "name")}, "{}\n", "{\n  \"env\": {\n    \"staging\": {\n      \"name\": \"x\"\n    }\n  }\n}\n"},
		{"to nothing", "", []Edit{set("x", "name")}, "", "{\n  \"name\": \"x\"\n}\n"},
		{"to a file of comments", "", []Edit{set("x", "name")}, "// mine\r\n/* and\r\nmine */", "// mine\r\n/* and\r\nmine */\r\n{\r\n  \"name\": \"x\"\r\n}\r\n"},
		{"nothing to nothing", "", []Edit{unset("A", "x")}, "// mine", "="},
		{"to an object of comments", "", []Edit{set("x", "name")}, "{\n    // mine\n}\n", "{\n    // mine\n    \"name\": \"x\"\n}\n"},
		{"to an object of a comment on its line", "", []Edit{set("x", "name")}, "{ // mine\n}", "{ // mine\n  \"name\": \"x\"\n}"},
		{"to an object of a comment and nothing more", "", []Edit{set("x", "name")}, "{ /* mine */ }", "{ /* mine */\n  \"name\": \"x\"\n }"},
		{"with a byte order mark and no final newline", "", []Edit{set("x", "name")}, "\ufeff{\n\t\"a\": 1\n}", "\ufeff{\n\t\"a\": 1,\n\t\"name\": \"x\"\n}"},
		{"after a comment without a newline", "", []Edit{set("x", "name")}, "{\"a\":1} // end", "{\"a\":1,\"name\":\"x\"} // end"},
		{
			"CRLF, tabs and trailing commas", "", []Edit{kv("B", "2"), {Section: []string{"queues", "producers"}, Match: Field{"queue", "jobs"}, Set: []Field{{"binding", "JOBS"}}}},
			"{\r\n\t\"kv_namespaces\": [\r\n\t\t{ \"binding\": \"A\", \"id\": \"1\" }, // a\r\n\t],\r\n}\r\n",
			"{\r\n\t\"kv_namespaces\": [\r\n\t\t{ \"binding\": \"A\", \"id\": \"1\" }, // a\r\n\t\t{ \"binding\": \"B\", \"id\": \"2\" },\r\n\t],\r\n" +
				"\t\"queues\": {\r\n\t\t\"producers\": [\r\n\t\t\t{\r\n\t\t\t\t\"queue\": \"jobs\",\r\n\t\t\t\t\"binding\": \"JOBS\",\r\n\t\t\t},\r\n\t\t],\r\n\t},\r\n}\r\n",
		},
		{
			"comments stay with what they describe", "", []Edit{kv("B", "2")},
			`{
   "kv_namespaces": [
      // a is old
      {"binding": "A", "id": "1"} /* one */ // two
      // {"binding": "OLD"}
   ] // end
}`,
			`{
   "kv_namespaces": [
      // a is old
      {"binding": "A", "id": "1"}, /* one */ // two
      {"binding": "B", "id": "2"}
      // {"binding": "OLD"}
   ] // end
}`,
		},
		{
			"as the object beside it, over lines", "", []Edit{kv("B", "2")},
			"{\n  \"kv_namespaces\": [{\n    \"binding\": \"A\"\n  }],\n  \"name\": \"x\"\n}",
			"{\n  \"kv_namespaces\": [{\n    \"binding\": \"A\"\n  }, {\n    \"binding\": \"B\",\n    \"id\": \"2\"\n  }],\n  \"name\": \"x\"\n}",
		},
		{"on one line", "", []Edit{kv("B", "2")}, "{\n  \"kv_namespaces\": [ { \"binding\": \"A\" } ]\n}", "{\n  \"kv_namespaces\": [ { \"binding\": \"A\" }, { \"binding\": \"B\", \"id\": \"2\" } ]\n}"},
		{"on one line with a trailing comma", "", []Edit{kv("B", "2")}, `{"kv_namespaces": [{"binding": "A"}, ], }`, `{"kv_namespaces": [{"binding": "A"}, {"binding": "B", "id": "2"}, ], }`},
		{"on one line, after a comment", "", []Edit{kv("B", "2")}, `{"kv_namespaces": [{"binding": "A"} /* a */ ]}`, `{"kv_namespaces": [{"binding": "A"} /* a */, {"binding": "B", "id": "2"} ]}`},
		{"behind a // comment in a list on one line", "", []Edit{kv("B", "2")}, "{\n  \"kv_namespaces\": [{\"binding\": \"A\"} // a\n  ]\n}", "{\n  \"kv_namespaces\": [{\"binding\": \"A\"}, // a\n    {\"binding\": \"B\", \"id\": \"2\"}\n  ]\n}"},
		{"without any space", "", []Edit{kv("B", "2"), set(1, "n", "m")}, `{"kv_namespaces":[{"binding":"A"}]}`, `{"kv_namespaces":[{"binding":"A"},{"binding":"B","id":"2"}],"n":{"m":1}}`},
		{"to an empty list over lines", "", []Edit{kv("B", "2")}, "{\n  \"kv_namespaces\": [\n  ]\n}", "{\n  \"kv_namespaces\": [\n    {\n      \"binding\": \"B\",\n      \"id\": \"2\"\n    }\n  ]\n}"},
		{"to an empty list of comments", "", []Edit{kv("B", "2")}, "{\n  \"kv_namespaces\": [\n      // none\n\n  ],\n}", "{\n  \"kv_namespaces\": [\n      // none\n      {\n        \"binding\": \"B\",\n        \"id\": \"2\",\n      },\n\n  ],\n}"},
		{"to an empty list on one line with others", "", []Edit{kv("B", "2"), kv("C", "3")}, `{ "kv_namespaces": [] }`, `{ "kv_namespaces": [{ "binding": "B", "id": "2" }, { "binding": "C", "id": "3" }] }`},
		{"to an empty list with a comment on one line with others", "", []Edit{kv("B", "2")}, `{ "kv_namespaces": [ /* none */ ] }`, `{ "kv_namespaces": [ /* none */ { "binding": "B", "id": "2" } ] }`},
		{"to an empty object on one line with others", "", []Edit{{Section: []string{"vars"}, Set: []Field{{"A", "1"}, {"B", "2"}}}}, `{ "vars": {} }`, `{ "vars": { "A": "1", "B": "2" } }`},
		{"commas first", "", []Edit{set("x", "name")}, "{ \"a\": 1\n, \"b\": 2\n}", "{ \"a\": 1\n, \"b\": 2, \"name\": \"x\"\n}"},
		{"space before the colon, aligned values", "", []Edit{set("x", "name")}, "{\n  \"a\" :    1\n}", "{\n  \"a\" :    1,\n  \"name\" : \"x\"\n}"},
		{"a missing field", "", []Edit{d1("1")}, "{\n  \"d1_databases\": [\n    { \"binding\": \"DB\" } // db\n  ]\n}", "{\n  \"d1_databases\": [\n    { \"binding\": \"DB\", \"database_name\": \"shop\", \"database_id\": \"1\" } // db\n  ]\n}"},
		{"after a block comment over lines", "", []Edit{set("x", "name")}, "{\n  \"a\": 1 /* one\n  two */ // three\n\n  // end\n}", "{\n  \"a\": 1, /* one\n  two */ // three\n  \"name\": \"x\"\n\n  // end\n}"},
		{
			"deep env", "pr-7", []Edit{kv("A", "1")},
			"{\n  \"env\": {\n    \"staging\": { \"kv_namespaces\": [] } // s\n  }\n}\n",
			"{\n  \"env\": {\n    \"staging\": { \"kv_namespaces\": [] }, // s\n    \"pr-7\": {\n      \"kv_namespaces\": [\n        {\n          \"binding\": \"A\",\n          \"id\": \"1\"\n        }\n      ]\n    }\n  }\n}\n",
		},
		{"the environment only", "staging", []Edit{kv("A", "2")}, `{"kv_namespaces":[{"binding":"A","id":"1"}],"env":{"staging":{"kv_namespaces":[{"id":"1","binding":"A"}]}}}`, `{"kv_namespaces":[{"binding":"A","id":"1"}],"env":{"staging":{"kv_namespaces":[{"id":"2","binding":"A"}]}}}`},
		{"values of every type, plain lists on one line", "", []Edit{{Section: []string{"x"}, Set: []Field{{"s", "é"}, {"b", true}, {"i", -1}, {"f", 1e21}, {"l", []any{1, "a"}}, {"o", map[string]any{"b": []any{}, "a": map[string]any{}}}, {"m", map[string]string{"k": "v"}}, {"ll", []any{[]any{1}, []any{}}}}}},
			"{\n}",
			"{\n  \"x\": {\n    \"s\": \"é\",\n    \"b\": true,\n    \"i\": -1,\n    \"f\": 1e+21,\n    \"l\": [1, \"a\"],\n    \"o\": {\n      \"a\": {},\n      \"b\": []\n    },\n    \"m\": {\n      \"k\": \"v\"\n    },\n    \"ll\": [\n      [1],\n      []\n    ]\n  }\n}",
		},
	})
}

func TestApplyRemoves(t *testing.T) {
	list := func(s string) string { return "{\n  \"kv_namespaces\": " + s + "\n}\n" }
	a, b := unset("A", "kv_namespaces"), unset("B", "kv_namespaces")
	for _, c := range []struct {
		name          string
		edits         []Edit
		before, after string
	}{
		{"first of one line", []Edit{a}, `[{"binding": "A"}, {"binding": "B"}]`, `[{"binding": "B"}]`},
		{"last of one line", []Edit{b}, `[ {"binding": "A"}, {"binding": "B"} ]`, `[ {"binding": "A"} ]`},
		{"last of one line, trailing comma", []Edit{b}, `[{"binding": "A"}, {"binding": "B"},]`, `[{"binding": "A"},]`},
		{"middle", []Edit{b}, `[{"binding": "A"}, {"binding": "B"}, 1]`, `[{"binding": "A"}, 1]`},
		{"only one", []Edit{a}, "[\n    {\"binding\": \"A\"}\n  ]", `[]`},
		{"both", []Edit{a, b}, "[\n    {\"binding\": \"A\"}, {\"binding\": \"B\"},\n  ]", `[]`},
		{"not there", []Edit{unset("C", "kv_namespaces")}, "[\n    {\"binding\": \"A\"}]", "[\n    {\"binding\": \"A\"}]"},
		{"first line", []Edit{a}, "[\n    {\"binding\": \"A\"},\n    {\"binding\": \"B\"}\n  ]", "[\n    {\"binding\": \"B\"}\n  ]"},
		{"last line", []Edit{b}, "[\n    {\"binding\": \"A\"},\n    {\"binding\": \"B\"}\n  ]", "[\n    {\"binding\": \"A\"}\n  ]"},
		{"last line, trailing comma", []Edit{b}, "[\n    {\"binding\": \"A\"},\n    {\n      \"binding\": \"B\"\n    },\n  ]", "[\n    {\"binding\": \"A\"},\n  ]"},
		{"commas first", []Edit{b}, "[\n    {\"binding\": \"A\"}\n  , {\"binding\": \"B\"}\n  ]", "[\n    {\"binding\": \"A\"}\n  ]"},
		{"comments outside stay, those inside go", []Edit{b},
			"[\n    {\"binding\": \"A\"}, // a\n    // b\n    {\"binding\": /* in */ \"B\"} /* mid */, // c\n    {\"binding\": \"C\"} // d\n  ]",
			"[\n    {\"binding\": \"A\"}, // a\n    // b\n    /* mid */ // c\n    {\"binding\": \"C\"} // d\n  ]"},
		{"the comma before loses its reason, its comment does not", []Edit{b},
			"[\n    {\"binding\": \"A\"}, // a\n    {\"binding\": \"B\"} // b\n  ]",
			"[\n    {\"binding\": \"A\"} // a\n    // b\n  ]"},
		{"only one, with a comment", []Edit{a}, "[\n    // a\n    {\"binding\": \"A\"},\n  ]", "[\n    // a\n  ]"},
	} {
		for name, eol := range map[string]string{"": "\n", ", CRLF": "\r\n"} {
			runApply(t, []applyCase{{
				c.name + name, "", c.edits,
				strings.ReplaceAll(list(c.before), "\n", eol),
				strings.ReplaceAll(list(c.after), "\n", eol),
			}})
		}
	}
	runApply(t, []applyCase{
		{"a key", "", []Edit{{Section: []string{"b"}, Remove: true}}, "{\n  \"a\": 1,\n  // b\n  \"b\": {},\n  \"c\": 3\n}", "{\n  \"a\": 1,\n  // b\n  \"c\": 3\n}"},
		{"a key that is not there", "", []Edit{{Section: []string{"x", "y"}, Remove: true}}, `{"a": 1}`, "="},
		{"an environment", "", []Edit{{Section: []string{"env", "pr-7"}, Remove: true}}, `{"env": {"staging": {}, "pr-7": {"name": "x"}}}`, `{"env": {"staging": {}}}`},
		{"from an environment that is not there", "pr-7", []Edit{unset("A", "kv_namespaces")}, `{"name": "x"}`, "="},
		{"fields of the edit do not matter", "", []Edit{{Section: []string{"x"}, Match: Field{"binding", "A"}, Set: []Field{{"id", 1}}, Remove: true}}, `{"x": [{"binding": "A", "id": 2}]}`, `{"x": []}`},
	})
}

// An element that is taken out and put back leaves the file as it was, where it
// stood last.
func TestRemoveAndAddAgain(t *testing.T) {
	for _, src := range []string{
		"{\n  \"kv_namespaces\": [\n    { \"binding\": \"A\", \"id\": \"1\" }, // a\n    { \"binding\": \"B\", \"id\": \"2\" }\n  ]\n}",
		"{\r\n\t\"kv_namespaces\": [\r\n\t\t{\r\n\t\t\t\"binding\": \"A\"\r\n\t\t},\r\n\t\t{\r\n\t\t\t\"binding\": \"B\",\r\n\t\t\t\"id\": \"2\",\r\n\t\t},\r\n\t],\r\n}",
		`{"kv_namespaces":[{"binding":"A"},{"binding":"B","id":"2"}]}`,
	} {
		out, err := Apply([]byte(src), "", []Edit{unset("B", "kv_namespaces")})
		if err != nil {
			t.Fatal(err)
		}
		if out, err = Apply(out, "", []Edit{kv("B", "2")}); err != nil || string(out) != src {
			t.Errorf("error %v, got\n%s\nwant\n%s", err, out, src)
		}
	}
}

package manifest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSetTop(t *testing.T) {
	tests := []struct{ name, key, value, src, want string }{
		{"new, after name", "account", "ab", "{\n  \"name\": \"a\",\n  \"resources\": {},\n}\n", "{\n  \"name\": \"a\",\n  \"account\": \"ab\",\n  \"resources\": {},\n}\n"},
		{"comment of name stays with it", "account", "ab", "{\n\t// who\n\t\"name\": \"a\", // us /* all */\n\n\t// what\n\t\"resources\": {}\n}", "{\n\t// who\n\t\"name\": \"a\", // us /* all */\n\t\"account\": \"ab\",\n\n\t// what\n\t\"resources\": {}\n}"},
		{"block comment of name", "account", "ab", "{\n  \"name\": \"a\" /* x */, /* us */\n  \"domain\": \"b.c\"}", "{\n  \"name\": \"a\" /* x */, /* us */\n  \"account\": \"ab\",\n  \"domain\": \"b.c\"}"},
		{"comment over lines", "account", "ab", "{\n  \"name\": \"a\", /* us\n and them */ \"domain\": \"b.c\"}", "{\n  \"name\": \"a\",\n  \"account\": \"ab\", /* us\n and them */ \"domain\": \"b.c\"}"},
		{"name is last", "account", "ab", "{\n  \"name\": \"a\" // us\n}\n", "{\n  \"name\": \"a\", // us\n  \"account\": \"ab\"\n}\n"},
		{"name is last, with a comma", "account", "ab", "{\n  \"name\": \"a\", // us\n}\n", "{\n  \"name\": \"a\", // us\n  \"account\": \"ab\",\n}\n"},
		{"one line", "account", "ab", `{"name": "a", "domain": "b.c"}`, `{"name": "a", "account": "ab", "domain": "b.c"}`},
		{"one line, last", "account", "ab", `{"name":"a"}`, `{"name":"a", "account": "ab"}`},
		{"one line, then a comment", "account", "ab", "{ \"name\": \"a\", // us\n \"domain\": \"b.c\"}", "{ \"name\": \"a\", \"account\": \"ab\", // us\n \"domain\": \"b.c\"}"},
		{"no name", "account", "ab", "{\n  // c\n  \"domain\": \"b.c\"\n}", "{\n  \"account\": \"ab\",\n  // c\n  \"domain\": \"b.c\"\n}"},
		{"no name, one line", "account", "ab", `{"domain": "b.c"}`, `{"account": "ab","domain": "b.c"}`},
		{"nothing at all", "name", "a", `{}`, `{"name": "a"}`},
		{"nothing but a comment", "name", "a", "{ // c\n}", "{\"name\": \"a\" // c\n}"},
		{"CRLF and a byte order mark", "account", "ab", "\ufeff{\r\n  \"name\": \"a\", // us\r\n  \"domain\": \"b.c\"\r\n}", "\ufeff{\r\n  \"name\": \"a\", // us\r\n  \"account\": \"ab\",\r\n  \"domain\": \"b.c\"\r\n}"},
		{"replaced", "account", "cd", "{\"account\" /* x */ : /* y */ \"ab\" /* z */, \"name\": \"a\"}", "{\"account\" /* x */ : /* y */ \"cd\" /* z */, \"name\": \"a\"}"},
		{"the same already", "account", "ab", "{\"account\": \"\\u0061b\",}", "{\"account\": \"\\u0061b\",}"},
		{"escaped", "$schema", "a\"<\n", `{"name": "a"}`, `{"name": "a", "$schema": "a\"<\n"}`},
		{"only at the top", "account", "ab", `{"name": "a", "environments": {"qa": {"account": "x"}}}`, `{"name": "a", "account": "ab", "environments": {"qa": {"account": "x"}}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			src := []byte(tt.src)
			got, err := SetTop(src, tt.key, tt.value)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, string(got)); d != "" {
				t.Error(d)
			}
			if string(src) != tt.src {
				t.Error("the source was changed")
			}
			again, err := SetTop(got, tt.key, tt.value)
			if d := cmp.Diff(string(got), string(again)); d != "" || err != nil {
				t.Errorf("the second time: %v %s", err, d)
			}
		})
	}
}

func TestSetTopRefuses(t *testing.T) {
	tests := []struct{ name, key, src, want string }{
		{"no such key", "acount", `{"name": "a"}`, `cfboot.jsonc: there is no text to set under "acount"; did you mean "account"?`},
		{"no text", "resources", `{"name": "a"}`, `cfboot.jsonc: there is no text to set under "resources" | allowed here: $schema, name, pattern, account, domain, state`},
		{"other type", "account", "{\n  \"account\": null}", `cfboot.jsonc:2:14: "account" holds null, no string | write "account": "…" there`},
		{"duplicate", "account", `{"account": "a", "account": "b"}`, `cfboot.jsonc:1:18: "account" is set twice; the first is at cfboot.jsonc:1:2 | keep one of the two`},
		{"no JSON", "account", `{"name" "a"}`, `cfboot.jsonc:1:9: expected : after the key, found '"' | write "name": …`},
		{"no object", "account", `[]`, `cfboot.jsonc:1:1: the file must hold an object, not a list | write { "name": "my-project", "resources": {} }`},
	}
	for _, tt := range tests {
		got, err := SetTop([]byte(tt.src), tt.key, "ab")
		if d := cmp.Diff(tt.want, strings.Join(lines(t, err), "\n")); d != "" || got != nil {
			t.Errorf("%s: %q %s", tt.name, got, d)
		}
	}
}

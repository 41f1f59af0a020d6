package manifest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAddResource(t *testing.T) {
	tests := []struct{ name, src, want string }{
		{"the first", "{\n  \"name\": \"a\",\n  \"resources\": {}\n}\n", "{\n  \"name\": \"a\",\n  \"resources\": {\n    \"db\": {}\n  }\n}\n"},
		{"the first, room is there", "{\n  \"resources\": {\n  }\n}\n", "{\n  \"resources\": {\n    \"db\": {}\n  }\n}\n"},
		{"the first, on one line", `{"resources": {}}`, `{"resources": {"db": {}}}`},
		{"the last of some", "{\n  \"resources\": {\n    \"a\": {}, // first\n    \"b\": {} // second\n  }\n}\n", "{\n  \"resources\": {\n    \"a\": {}, // first\n    \"b\": {}, // second\n    \"db\": {}\n  }\n}\n"},
		{"a comma behind the last", "{\n\t\"resources\": {\n\t\t\"a\": {},\n\t},\n}\n", "{\n\t\"resources\": {\n\t\t\"a\": {},\n\t\t\"db\": {},\n\t},\n}\n"},
		{"one line", `{"resources": {"a": {}}}`, `{"resources": {"a": {}, "db": {}}}`},
		{"CRLF and a byte order mark", "\ufeff{\r\n  \"resources\": {\r\n    \"a\": {}\r\n  }\r\n}", "\ufeff{\r\n  \"resources\": {\r\n    \"a\": {},\r\n    \"db\": {}\r\n  }\r\n}"},
		{"only at the top", "{\n  \"environments\": {\"qa\": {\"resources\": {}}},\n  \"resources\": {\"a\": {}}\n}", "{\n  \"environments\": {\"qa\": {\"resources\": {}}},\n  \"resources\": {\"a\": {}, \"db\": {}}\n}"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			src := []byte(tt.src)
			got, err := AddResource(src, "db", []byte("{}"))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, string(got)); d != "" {
				t.Error(d)
			}
			if string(src) != tt.src {
				t.Error("the source was changed")
			}
			again, err := AddResource(got, "db", []byte("{}"))
			if err == nil || again != nil || !strings.Contains(err.Error(), `there is a resource "db" already`) {
				t.Errorf("the second time: %q %v", again, err)
			}
		})
	}
}

func TestAddResourceRefuses(t *testing.T) {
	tests := []struct{ name, src, want string }{
		{"no resources", `{"name": "a"}`, `cfboot.jsonc:1:1: there is no "resources" to add to | add "resources": {}`},
		{"other type", "{\n  \"resources\": []}", `cfboot.jsonc:2:16: "resources" holds a list, no object | write "resources": {}`},
		{"no JSON", `{"name" "a"}`, `cfboot.jsonc:1:9: expected : after the key, found '"' | write "name": …`},
	}
	for _, tt := range tests {
		got, err := AddResource([]byte(tt.src), "db", []byte("{}"))
		if d := cmp.Diff(tt.want, strings.Join(lines(t, err), "\n")); d != "" || got != nil {
			t.Errorf("%s: %q %s", tt.name, got, d)
		}
	}
}

package wrangler

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// FuzzApplyBytes gives Apply and Read whatever bytes there are.
func FuzzApplyBytes(f *testing.F) {
	for _, s := range []string{
		"", "{}", "// c", "\ufeff{\"env\": {\"staging\": {}}}", "{\"a\": 1, \"a\": 2}", "[[[[", "{\"routes\": [\"a\", {\"pattern\": \"b\"},] // x\n,}",
		"{\r\n\t\"d1_databases\": [{\"b\\u0069nding\": \"DB\" /* x */, \"database_id\": 1e5}, ], // y\r\n}", "{\"kv_namespaces\": [{\"binding\": \"A\"}]}",
	} {
		for i := range byte(4) {
			f.Add([]byte(s), i)
		}
	}
	f.Fuzz(func(t *testing.T, src []byte, choice byte) {
		env := []string{"", "staging"}[choice%2]
		edits := [][]Edit{
			{d1("1"), kv("A", "2"), route("a", Field{"zone_name", "b"}), set([]string{"x", "y"}, "triggers", "crons"), {Set: []Field{{"name", "n"}}}},
			{unset("A", "kv_namespaces"), {Section: []string{"routes"}, Match: Field{"pattern", "a"}, Remove: true}, {Section: []string{"vars"}, Remove: true}},
		}[choice/2%2]
		orig := bytes.Clone(src)
		out, err := Apply(src, env, edits)
		if !bytes.Equal(src, orig) {
			t.Fatal("Apply writes to what it is given")
		}
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || out != nil || e.Line > 1+bytes.Count(src, []byte("\n")) || e.Line > 0 && e.Col < 1 {
				t.Fatalf("%#v", err)
			}
			return
		}
		hujsonOf(t, out)
		if again, err := Apply(out, env, edits); err != nil || !bytes.Equal(again, out) {
			t.Fatalf("a second run changes, error %v\n%s\nto\n%s", err, out, again)
		}
		c, err := Read(out)
		if err != nil {
			if !strings.Contains(err.Error(), "twice") && !strings.Contains(err.Error(), "env") {
				t.Fatal(err)
			}
			return
		}
		if choice/2%2 == 0 && c.Environment(env).Worker != "n" {
			t.Fatalf("Read does not see the name in\n%s", out)
		}
	})
}

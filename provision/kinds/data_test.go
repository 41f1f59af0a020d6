package kinds_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/emulator"
)

// What a store holds is counted before it is destroyed or replaced, and asks for
// consent; an empty one asks for none.
func TestDataAsksForConsent(t *testing.T) {
	const base = "accounts/" + account
	for _, tt := range []struct {
		name     string
		resource string // after "x":
		replaced string // the same, so that it is replaced
		fill     func(t *testing.T, w *world, id string)
		data     string
	}{
		{"one KV key", `{"kind": "kv"}`, `{"kind": "kv", "jurisdiction": "eu"}`, func(t *testing.T, w *world, id string) {
			w.send(t, "PUT", base+"/storage/kv/namespaces/"+id+"/values/a", "text/plain", []byte("b"))
		}, "1 key"},
		{"many KV keys", `{"kind": "kv"}`, `{"kind": "kv", "jurisdiction": "eu"}`, func(t *testing.T, w *world, id string) {
			w.call(t, "PUT", base+"/storage/kv/namespaces/"+id+"/bulk", `[`+strings.TrimSuffix(many(`{"key":"k#","value":"v"},`, 25), ",")+`]`)
		}, "25 keys"},
		{"more KV keys than are counted", `{"kind": "kv"}`, `{"kind": "kv", "jurisdiction": "eu"}`, func(t *testing.T, w *world, id string) {
			for _, half := range []string{"a", "b"} {
				var pairs []string
				for i := range 5001 {
					pairs = append(pairs, fmt.Sprintf(`{"key":"%s%d","value":"v"}`, half, i))
				}
				w.call(t, "PUT", base+"/storage/kv/namespaces/"+id+"/bulk", "["+strings.Join(pairs, ",")+"]")
			}
		}, "more than 10,000 keys"},
		{"R2 objects", `{"kind": "r2"}`, `{"kind": "r2", "jurisdiction": "eu"}`, func(t *testing.T, w *world, id string) {
			for _, key := range []string{"a", "b/c"} {
				w.send(t, "PUT", base+"/r2/buckets/"+id+"/objects/"+key, "text/plain", []byte("b"))
			}
		}, "2 objects (2 B)"},
		{"many R2 objects", `{"kind": "r2"}`, `{"kind": "r2", "name": "elsewhere"}`, func(t *testing.T, w *world, id string) {
			for i := range 1204 {
				w.send(t, "PUT", fmt.Sprintf("%s/r2/buckets/%s/objects/k%d", base, id, i), "text/plain", []byte(strings.Repeat("b", 10)))
			}
		}, "1,204 objects (12 kB)"},
		{"objects of a bucket in the EU", `{"kind": "r2", "jurisdiction": "eu"}`, `{"kind": "r2"}`, func(t *testing.T, w *world, id string) {
			w.put(t, base+"/r2/buckets/"+id+"/objects/a", "eu")
		}, "1 object (1 B)"},
		{"queue backlog", `{"kind": "queue"}`, "", func(t *testing.T, w *world, id string) {
			for range 3 {
				w.call(t, "POST", base+"/queues/"+id+"/messages", `{"body":"x","content_type":"text"}`)
			}
		}, "3 messages"},
		{"D1 tables", `{"kind": "d1"}`, `{"kind": "d1", "name": "elsewhere"}`, func(t *testing.T, w *world, id string) {
			w.call(t, "POST", base+"/d1/database/"+id+"/query", `{"sql":"CREATE TABLE a (x); CREATE TABLE b (y)"}`)
		}, "2 tables without rows (12 kB)"},
		{"D1 rows", `{"kind": "d1"}`, `{"kind": "d1", "jurisdiction": "eu"}`, func(t *testing.T, w *world, id string) {
			w.call(t, "POST", base+"/d1/database/"+id+"/query", `{"sql":"CREATE TABLE \"a \"\"b\" (x); CREATE TABLE b (y INTEGER PRIMARY KEY AUTOINCREMENT); CREATE TABLE \"_cf_KV\" (z); INSERT INTO \"_cf_KV\" VALUES (1); INSERT INTO b SELECT NULL FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 1239) SELECT i FROM n); INSERT INTO \"a \"\"b\" VALUES ('v')"}`)
		}, "2 tables with 1,240 rows (33 kB)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			kind := strings.Split(tt.resource, `"`)[3]
			key := kind + "/x"
			was := `"x": ` + tt.resource
			w := newWorld(t)
			w.reach(t, was, key, provision.Create)
			id := idOf(t, w, key)

			doom := func(resources string, destroy bool) provision.Step {
				t.Helper()
				before := len(w.server.Requests())
				p := w.plan(t, resources, destroy)
				for _, r := range w.server.Requests()[before:] {
					if r.Method != "GET" && !strings.HasSuffix(r.Path, "/query") {
						t.Errorf("a plan sent %s %s", r.Method, r.Path)
					}
				}
				return stepOf(t, p, key)
			}
			plans := map[string]func() provision.Step{
				"destroyed":       func() provision.Step { return doom(was, true) },
				"no longer named": func() provision.Step { return doom("", false) },
				"replaced":        func() provision.Step { return doom(`"x": `+tt.replaced, false) },
			}
			if tt.replaced == "" {
				delete(plans, "replaced")
			}
			for name, plan := range plans {
				if s := plan(); s.Consent != "" || s.Data != "" || s.Action != provision.Delete && s.Action != provision.Replace {
					t.Errorf("%s, empty: %+v", name, s)
				}
			}
			tt.fill(t, w, id)
			if p := w.plan(t, was, false); !p.Empty() {
				t.Errorf("data is a change: %s", show(p))
			}
			for name, plan := range plans {
				if s := plan(); s.Consent != provision.DeleteDataOf("shop-x") || s.Data != tt.data || s.Backup != (kind == "d1") {
					t.Errorf("%s, with %s: %+v", name, tt.data, s)
				}
			}
			w.allow = false
			if err := w.apply(t, w.plan(t, "", true)); err == nil || w.server.Count()[kind] != 1 {
				t.Errorf("without consent: %v", err)
			}
		})
	}
}

// A store that goes while it is counted is no error.
func TestAStoreThatGoesWhileItIsCounted(t *testing.T) {
	for kind, path := range map[string]string{"kv": "/keys$", "queue": "/metrics$", "r2": "/objects$"} {
		code := map[string]int{"kv": 10013, "queue": 11000, "r2": 10006}[kind]
		w := newWorld(t)
		w.reach(t, `"x": {"kind": "`+kind+`"}`, kind+"/x", provision.Create)
		w.server.Fail(emulator.Failure{Path: path, Status: 404, Code: code})
		if s := stepOf(t, w.plan(t, "", true), kind+"/x"); s.Consent != "" {
			t.Errorf("%+v", s)
		}
	}
}

// Where the rows take too long to count, the tables are known all the same.
func TestRowsThatCannotBeCounted(t *testing.T) {
	w := newWorld(t)
	w.reach(t, `"x": {"kind": "d1"}`, "d1/x", provision.Create)
	w.call(t, "POST", "accounts/"+account+"/d1/database/"+idOf(t, w, "d1/x")+"/query", `{"sql":"CREATE TABLE a (x)"}`)
	w.server.Fail(emulator.Failure{Path: "/query$", Skip: 1, Status: 400, Code: 7500, Message: "D1 DB exceeded its CPU time limit and was reset"})
	if s := stepOf(t, w.plan(t, "", true), "d1/x"); s.Data != "1 table (12 kB)" || s.Consent == "" {
		t.Errorf("%+v", s)
	}
}

// A database that answers no question is taken for what its own record says.
func TestADatabaseThatDoesNotAnswer(t *testing.T) {
	w := newWorld(t)
	w.reach(t, `"x": {"kind": "d1"}`, "d1/x", provision.Create)
	for _, want := range []string{"", "1 table (12 kB)"} {
		w.server.Fail(emulator.Failure{Path: "/query$", Status: 404, Code: 7404})
		if s := stepOf(t, w.plan(t, "", true), "d1/x"); s.Data != want {
			t.Errorf("%+v", s)
		}
		w.query(t, idOf(t, w, "d1/x"), "CREATE TABLE IF NOT EXISTS a (x)")
	}
}

// The emulator keeps no vectors, so it only says how many there are.
func TestVectorsAreCounted(t *testing.T) {
	w := newWorld(t)
	w.reach(t, `"x": {"kind": "vectorize", "dimensions": 3, "metric": "cosine"}`, "vectorize/x", provision.Create)
	w.server.Fail(emulator.Failure{Path: "/info$", Status: 200, ContentType: "application/json",
		Body: `{"success":true,"errors":[],"result":{"dimensions":3,"vectorCount":1200000}}`})
	if s := stepOf(t, w.plan(t, "", true), "vectorize/x"); s.Data != "1,200,000 vectors" || s.Consent != provision.DeleteDataOf("shop-x") {
		t.Errorf("%+v", s)
	}
}

// many repeats a text with the numbers from 0 in place of #.
func many(text string, n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.ReplaceAll(text, "#", strings.Repeat("0", 3-len(digits(i)))+digits(i)))
	}
	return b.String()
}

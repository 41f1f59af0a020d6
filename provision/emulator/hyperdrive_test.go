package emulator

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"testing"
)

func TestHyperdrive(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c := &cloud{t, s, http.Header{"Authorization": {"Bearer x"}}}
	const base = "A/hyperdrive/configs"
	origin := `{"scheme":"postgres","database":"app","user":"u","password":"hunter2-secret","host":"db.example.com","port":5432}`
	made := c.must("POST", base, `{"name":"h","origin":`+origin+`}`)
	id := base + "/" + made.text("id")
	answers := []got{made}
	for _, st := range []step{
		{name: "get", method: "GET", path: id, want: map[string]any{"name": "h", "origin.host": "db.example.com", "origin.port": 5432, "caching.disabled": false, "origin.password": nil}},
		{name: "list", method: "GET", path: base + "?page=1", want: map[string]any{"0.name": "h", "1": nil}},
		{name: "past the end", method: "GET", path: base + "?page=2", want: map[string]any{"0": nil}},
		{name: "the name is taken", method: "POST", path: base, body: `{"name":"h","origin":` + origin + `}`, status: 400, code: 2017},
		{name: "no password", method: "POST", path: base, body: `{"name":"i","origin":{"scheme":"mysql","database":"a","user":"u","host":"db.example.com","port":1}}`, status: 400, code: 2007},
		{name: "no origin", method: "POST", path: base, body: `{"name":"i"}`, status: 400, code: 2007},
		{name: "no JSON", method: "POST", path: base, body: `x`, status: 400, code: 2007},
		{name: "bad scheme", method: "POST", path: base, body: `{"name":"i","origin":{"scheme":"http","database":"a","user":"u","password":"p","host":"db.example.com","port":1}}`, status: 400, code: 2007},
		{name: "private address", method: "POST", path: base, body: `{"name":"i","origin":{"scheme":"mysql","database":"a","user":"u","password":"p","host":"10.0.0.1","port":1}}`, status: 400, code: 2009},
		{name: "this machine", method: "POST", path: base, body: `{"name":"i","origin":{"scheme":"mysql","database":"a","user":"u","password":"p","host":"LocalHost","port":1}}`, status: 400, code: 2009},
		{name: "no database there", method: "POST", path: base, body: `{"name":"i","origin":{"scheme":"mysql","database":"a","user":"u","password":"p","host":"db.invalid","port":1}}`, status: 400, code: 2011},
		{name: "patch the caching", method: "PATCH", path: id, body: `{"caching":{"max_age":30}}`, want: map[string]any{"caching.max_age": 30, "origin.user": "u"}},
		{name: "patch a part of the origin", method: "PATCH", path: id, body: `{"origin":{"password":"hunter2-secret","user":"v"}}`, want: map[string]any{"caching.max_age": 30, "origin.user": "v", "origin.host": "db.example.com"}},
		{name: "go behind Access", method: "PATCH", path: id, body: `{"origin":{"host":"in.example.com","access_client_id":"a","access_client_secret":"hunter2-secret"}}`, want: map[string]any{"origin.access_client_id": "a", "origin.port": nil}},
		{name: "Access without its secret", method: "PATCH", path: id, body: `{"origin":{"host":"in.example.com","access_client_id":"a"}}`, status: 400, code: 2007},
		{name: "put needs all of it", method: "PUT", path: id, body: `{"name":"h"}`, status: 400, code: 2007},
		{name: "put", method: "PUT", path: id, body: `{"name":"renamed","origin":` + origin + `}`, want: map[string]any{"name": "renamed", "origin.access_client_id": nil, "caching.max_age": nil, "origin.port": 5432}},
		{name: "unknown", method: "GET", path: base + "/00000000000000000000000000000000", status: 404, code: 2006},
		{name: "no id", method: "GET", path: base + "/renamed", status: 404, code: 7003},
	} {
		g := c.do(st.method, st.path, st.body)
		answers = append(answers, g)
		c.run([]step{st})
	}
	config := made.text("id")
	if g := c.upload("w", map[string]any{"bindings": []any{map[string]any{"type": "hyperdrive", "name": "DB", "id": config}}}); g.Status != 200 {
		t.Errorf("binding it: %s", g.Raw)
	}
	c.must("DELETE", id, nil)
	if g := c.upload("w", map[string]any{"bindings": []any{map[string]any{"type": "hyperdrive", "name": "DB", "id": config}}}); g.code() != 10157 {
		t.Errorf("binding a deleted one: %d %s, want 10157", g.Status, g.Raw)
	}
	c.run([]step{{name: "deleted", method: "DELETE", path: id, status: 404, code: 2006}})
	for _, g := range answers {
		if bytes.Contains([]byte(g.Raw), []byte("hunter2")) {
			t.Errorf("an answer has a password: %s", g.Raw)
		}
	}
	file, err := os.ReadFile(filepath.Join(dir, "cloudflare.db"))
	if err != nil || bytes.Contains(file, []byte("hunter2")) {
		t.Errorf("the file keeps a password, or %v", err)
	}
}

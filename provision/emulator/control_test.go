package emulator

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// control sends a request to the emulator's own endpoints.
func (c *cloud) control(method, path, body string, header ...string) got {
	c.t.Helper()
	r := httptest.NewRequest(method, controlPrefix+path, strings.NewReader(body))
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	c.ServeHTTP(w, r)
	return parse(w.Result())
}

func TestControl(t *testing.T) {
	c := open(t, Options{})
	c.control("POST", "faults", `{"path":"/queues$","status":503}`)
	if g := c.do("GET", "A/queues", nil); g.Status != 503 {
		t.Errorf("the posted fault did not strike: %d", g.Status)
	}
	c.must("POST", "A/queues", `{"queue_name":"q"}`)
	for _, test := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "state", "", 200, `{"count":{"consumer":0,"d1":0,"dns":0,"domain":0,"kv":0,"queue":1,"r2":0,"route":0,"worker":0},"resources":[{"kind":"queue"`},
		{"GET", "state", "", 200, `"name":"Emulated","subdomain":"acct-01234567","products":[{"kind":"queue","items":[{"id":`},
		{"GET", "rounds", "", 200, `{"rounds":2}`},
		{"GET", "requests", "", 200, `"method":"GET"`},
		{"GET", "requests?last=1", "", 200, `[{"n":2,"method":"POST"`},
		{"GET", "requests?last=0", "", 200, `[]`},
		{"GET", "requests?last=x", "", 400, `no number`},
		{"POST", "faults", `{"path":"("}`, 400, "no regular expression"},
		{"POST", "faults", `{"chance":2}`, 400, "between 0 and 1"},
		{"POST", "faults", `{"status":99}`, 400, "cannot have the status 99"},
		{"POST", "faults", `7`, 400, "no fault"},
		{"POST", "faults", `"sometimes"`, 400, "no kind of fault"},
		{"PUT", "faults", `["drop POST /d1 after count=2", {"status":500,"count":-1}]`, 200, `[{"method":"POST","path":"/d1","count":2,"after":true,"drop":true},{"count":-1,"status":500}]`},
		{"PUT", "faults", `["500", "lag for=1s"]`, 200, `[{"count":1,"status":500},{"count":-1,"lag":"1s"}]`},
		{"POST", "faults", `"latency delay=1ms"`, 200, `"delay":"1ms"`},
		{"GET", "faults", "", 200, `[{"count":1,"status":500},{"count":-1,"lag":"1s"},{"count":-1,"delay":"1ms"}]`},
		{"DELETE", "faults", "", 200, `[]`},
		{"PATCH", "settings", `{"latency":"20ms","jitter":"1ms","lag":"3s","rate_limit":7}`, 200, `{"latency":"20ms","jitter":"1ms","lag":"3s","rate_limit":7,`},
		{"PATCH", "settings", `{"lag":"-3s"}`, 400, "negative"},
		{"PATCH", "settings", `{"rate_limit":-1}`, 400, "no limit"},
		{"PATCH", "settings", `{"lagg":"3s"}`, 400, "lagg"},
		{"PATCH", "settings", `{"jitter":"0s"}`, 200, `{"latency":"20ms","jitter":"0s","lag":"3s","rate_limit":7,`},
		{"POST", "latency", `{"ms":30}`, 200, `{"ok":true}`},
		{"POST", "latency", `x`, 400, "the body"},
		{"GET", "settings", "", 200, `{"latency":"30ms","jitter":"0s","lag":"3s","rate_limit":7,`},
		{"GET", "snapshots", "", 200, `[]`},
		{"PUT", "snapshots/one", "", 400, "kept in a folder"},
		{"GET", "bundle/" + acct + "/nope", "", 404, "no such Worker"},
		{"GET", "nope", "", 404, "GET    state"},
	} {
		if g := c.control(test.method, test.path, test.body); g.Status != test.status || !strings.Contains(g.Raw, test.want) {
			t.Errorf("%s %s %s: got %d %s, want %d %s", test.method, test.path, test.body, g.Status, g.Raw, test.status, test.want)
		}
	}
	start := time.Now()
	c.do("GET", "A/queues", nil)
	if took := time.Since(start); took < 30*time.Millisecond {
		t.Errorf("latency was not set: %v", took)
	}
	r := httptest.NewRequest("GET", "/elsewhere", nil)
	w := httptest.NewRecorder()
	c.ServeHTTP(w, r)
	if w.Code != 404 {
		t.Errorf("a path that is not the API: %d", w.Code)
	}
}

func TestControlResets(t *testing.T) {
	for name, dir := range map[string]string{"memory": "", "folder": t.TempDir()} {
		t.Run(name, func(t *testing.T) {
			s, err := Open(dir, Options{Zones: []Zone{{Name: "example.com"}}})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			c := &cloud{t, s, http.Header{"Authorization": {"Bearer x"}}}
			fill := func() {
				c.must("POST", "A/d1/database", `{"name":"db"}`)
				c.must("POST", "A/d1/database/db/query", `{"sql":"create table t(a)"}`)
				c.must("POST", "A/r2/buckets", `{"name":"buck"}`)
				c.must("PUT", "A/r2/buckets/buck/objects/o", "x")
				c.script("w")
			}
			fill()
			c.Fail(Failure{Path: "/queues", Count: -1})
			c.control("POST", "reset", "")
			if g := c.do("GET", "A/queues", nil); g.Status != 200 || len(s.Requests()) != 1 || s.Count()["worker"] != 1 {
				t.Errorf("reset: %d, %d requests, %v", g.Status, len(s.Requests()), s.Count())
			}
			if g := c.control("POST", "reset?all=true", ""); g.Status != 200 {
				t.Fatal(g.Raw)
			}
			for kind, n := range s.Count() {
				if n != 0 {
					t.Errorf("%d of kind %s are left", n, kind)
				}
			}
			if g := c.must("GET", "zones?name=example.com", nil); g.text("0.name") != "example.com" {
				t.Errorf("the zone has gone: %s", g.Raw)
			}
			fill() // nothing of it is taken
			if g := c.must("POST", "A/d1/database/db/query", `{"sql":"select count(*) as n from t"}`); g.field("0.results.0.n") != 0. {
				t.Error(g.Raw)
			}
		})
	}
}

func TestControlIsOfOneOrigin(t *testing.T) {
	c := open(t, Options{})
	if g := c.control("POST", "reset", "", "Sec-Fetch-Site", "cross-site"); g.Status != 403 {
		t.Errorf("another page may reset the emulator: %d", g.Status)
	}
	if g := c.control("POST", "reset", "", "Origin", "https://evil.example"); g.Status != 403 {
		t.Errorf("another origin may reset the emulator: %d", g.Status)
	}
}

func TestAdvance(t *testing.T) {
	c := open(t, Options{Lag: time.Hour})
	c.must("POST", "A/queues", `{"queue_name":"q"}`)
	seen := func() int { return len(c.must("GET", "A/queues", nil).list("queue_name")) }
	if n := seen(); n != 0 {
		t.Errorf("%d fresh queues are seen", n)
	}
	c.control("PATCH", "settings", `{"advance":"61m"}`)
	if n := seen(); n != 1 {
		t.Errorf("an hour later %d queues are seen, want 1", n)
	}
	c.must("POST", "A/queues", `{"queue_name":"r"}`)
	c.control("PATCH", "settings", `{"lag":"0s"}`)
	if n := seen(); n != 2 {
		t.Errorf("without lag %d queues are seen, want 2", n)
	}
}

func TestSnapshots(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := &cloud{t, s, http.Header{"Authorization": {"Bearer x"}}}
	c.must("POST", "A/d1/database", `{"name":"db"}`)
	c.must("POST", "A/d1/database/db/query", `{"sql":"create table t(a); insert into t values (1)"}`)
	c.must("POST", "A/r2/buckets", `{"name":"buck"}`)
	c.must("PUT", "A/r2/buckets/buck/objects/o", "first")
	asSaved := func(when string) {
		t.Helper()
		if n := c.Count(); n["d1"] != 1 || n["r2"] != 1 || n["queue"] != 0 {
			t.Errorf("%s: %v", when, n)
		}
		c.run([]step{
			{method: "POST", path: "A/d1/database/db/query", body: `{"sql":"select a from t"}`, want: map[string]any{"0.results.0.a": 1, "0.results.1": nil}},
			{method: "GET", path: "A/r2/buckets/buck/objects/o", raw: "first"},
			{method: "GET", path: "A/d1/database?name=db", want: map[string]any{"0.name": "db"}},
		})
	}
	change := func() {
		c.must("POST", "A/d1/database/db/query", `{"sql":"insert into t values (2)"}`)
		c.must("POST", "A/d1/database", `{"name":"more"}`)
		c.must("POST", "A/d1/database/more/query", `{"sql":"create table t(a)"}`)
		c.must("PUT", "A/r2/buckets/buck/objects/o", "second")
		c.must("POST", "A/queues", `{"queue_name":"q"}`)
	}
	want := func(method, path string, status int, text string) {
		t.Helper()
		if g := c.control(method, path, ""); g.Status != status || !strings.Contains(g.Raw, text) {
			t.Errorf("%s %s: %d %s, want %d %s", method, path, g.Status, g.Raw, status, text)
		}
	}
	want("PUT", "snapshots/early", 200, "true")
	want("PUT", "snapshots/early", 200, "true")
	change()
	want("PUT", "snapshots/late", 200, "true")
	want("GET", "snapshots", 200, `["early","late"]`)
	want("POST", "snapshots/early", 200, "true")
	asSaved("restored")
	change()
	want("POST", "snapshots/nope", 400, "no snapshot")
	want("PUT", "snapshots/..", 400, "no name")
	want("PUT", "snapshots/a%2Fb", 400, "no name")
	want("DELETE", "snapshots/late", 200, "true")
	want("GET", "snapshots", 200, `["early"]`)

	// One that dies after the records are back and before the databases are is
	// finished by the next.
	if err := os.Rename(filepath.Join(dir, "d1"), filepath.Join(dir, "moved")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "d1"), nil, 0o400); err != nil { // no folder: nothing can be put there
		t.Fatal(err)
	}
	s.sqlite.dir = filepath.Join(dir, "d1", "sub")
	want("POST", "snapshots/early", 400, "restoring the files")
	s.sqlite.dir = filepath.Join(dir, "d1")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if c.Server, err = Open(dir, Options{}); err != nil {
		t.Fatal(err)
	}
	defer c.Server.Close()
	asSaved("finished by the next")
	if name := c.store.restoring(); name != "" {
		t.Errorf("%q is still to be restored", name)
	}
}

func TestPage(t *testing.T) {
	c := open(t, Options{RateLimit: 1200})
	record := `{"type":"TXT","name":"x","content":"y","comment":"<img src=x onerror=alert(1)>"}`
	c.must("POST", "Z/dns_records", record)
	c.do("GET", "A/queues?name=<script>alert(1)</script>&token=verysecret", nil)
	c.do("GET", "A/d1/database/nope", nil, runHeader, "<b>")
	c.Fail(Failure{Drop: true, Path: "/never", Count: 3})
	c.must("PUT", "A/tags", `{"resource_type":"account","resource_id":"`+acct+`","tags":{"a":"b"}}`)
	g := c.control("GET", "", "")
	for _, text := range []string{"Emulated", acct, "example.com", "&lt;img src=x", "404 (7404)", "drop", "1200 calls", "/accounts/012345…/queues?name="} {
		if !strings.Contains(g.Raw, text) {
			t.Errorf("the page does not show %q:\n%s", text, g.Raw)
		}
	}
	for _, text := range []string{"<img", "<script", "verysecret", "Bearer"} {
		if strings.Contains(g.Raw, text) {
			t.Errorf("the page has %q", text)
		}
	}
	policy := g.Header.Get("Content-Security-Policy")
	if !strings.HasPrefix(policy, "default-src 'none'; style-src 'sha256-") || g.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("headers: %v", g.Header)
	}
	if empty := open(t, Options{}).control("GET", "", ""); !strings.Contains(empty.Raw, "There is nothing in this account.") || !strings.Contains(empty.Raw, "There were none.") {
		t.Errorf("the page of an empty emulator:\n%s", empty.Raw)
	}
}

// TestLogIsBounded shows that the log forgets the oldest requests, and cuts long
// addresses.
func TestLogIsBounded(t *testing.T) {
	c := open(t, Options{})
	req := &Request{Method: "GET", Path: "/x"}
	for n := range maxRequests + 1 {
		req.N = n
		c.requests.end(req, nil)
	}
	got := c.Requests()
	if len(got) > maxRequests || got[len(got)-1].N != maxRequests || got[0].N == 0 {
		t.Errorf("%d requests are kept, from %d to %d", len(got), got[0].N, got[len(got)-1].N)
	}
	c.do("GET", "A/"+strings.Repeat("p", 9999)+"?q="+strings.Repeat("q", 9999), nil)
	got = c.Requests()
	if last := got[len(got)-1]; len(last.Path) > maxLogged || len(last.Query) > maxLogged {
		t.Errorf("a path of %d and a query of %d bytes are kept", len(last.Path), len(last.Query))
	}
}

func TestLoggedQuery(t *testing.T) {
	for query, want := range map[string]string{
		"page=1&name=x":                        "page=1&name=x",
		"a=1&access_token=abc&b=2":             "a=1&access_token=hidden&b=2",
		"X-Amz-Signature=abc&X-Amz-Expires=60": "X-Amz-Signature=hidden&X-Amz-Expires=60",
		"name=\u009b31m\xff":                   "name=?31m?",
	} {
		if got := logged(query); got != want {
			t.Errorf("logged(%q) is %q, want %q", query, got, want)
		}
	}
}

func TestBundle(t *testing.T) {
	c := open(t, Options{})
	hash := strings.Repeat("a", 32)
	jwt := c.must("POST", "A/workers/scripts/w/assets-upload-session", `{"manifest":{"/a/index.html":{"hash":"`+hash+`","size":5}}}`).text("jwt")
	form, kind := formOf(t, hash, "aGVsbG8=")
	done := c.must("POST", "A/workers/assets/upload?base64=true", form, "Content-Type", kind, "Authorization", "Bearer "+jwt).text("jwt")
	if g := c.upload("w", map[string]any{"assets": map[string]any{"jwt": done, "config": map[string]any{"not_found_handling": "404-page"}},
		"bindings":   []any{map[string]any{"type": "secret_text", "name": "KEY", "text": "hunter2"}, map[string]any{"type": "plain_text", "name": "V", "text": "x"}},
		"migrations": map[string]any{"new_tag": "v1", "new_sqlite_classes": []string{"Counter"}}}); g.Status != 200 {
		t.Fatal(g.Raw)
	}
	c.must("PUT", "A/workers/scripts/w/schedules", `[{"cron":"0 3 * * *"}]`)
	g := c.control("GET", "bundle/"+acct+"/w", "")
	z, err := zip.NewReader(strings.NewReader(g.Raw), int64(len(g.Raw)))
	if err != nil {
		t.Fatalf("%v: %s", err, g.Raw)
	}
	files := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files[f.Name] = string(data)
	}
	for _, text := range []string{`"main_module": "index.js"`, `"use_sqlite": true`, `"404-page"`, `"/a/index.html"`, `"0 3 * * *"`, `"secret_text"`} {
		if !strings.Contains(files["metadata.json"], text) {
			t.Errorf("the metadata has no %s:\n%s", text, files["metadata.json"])
		}
	}
	if strings.Contains(files["metadata.json"], "hunter2") {
		t.Error("the bundle has a secret's value")
	}
	delete(files, "metadata.json")
	if diff := cmp.Diff(map[string]string{"modules/index.js": worker, "assets/a/index.html": "hello"}, files); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if name := entryName("modules", "../../x"); name != "modules/x" {
		t.Errorf("a module gets out of its folder: %s", name)
	}
}

// formOf is a form with one field.
func formOf(t *testing.T, name, value string) (body, kind string) {
	t.Helper()
	var b bytes.Buffer
	fmt.Fprintf(&b, "--b\r\nContent-Disposition: form-data; name=%q\r\nContent-Type: text/html\r\n\r\n%s\r\n--b--\r\n", name, value)
	return b.String(), "multipart/form-data; boundary=b"
}

// TestSnapshotsWhileBusy saves and restores while others write: nobody waits for
// ever, and what is restored is whole.
func TestSnapshotsWhileBusy(t *testing.T) {
	s, err := Open(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c := &cloud{t, s, http.Header{"Authorization": {"Bearer x"}}}
	c.must("POST", "A/d1/database", `{"name":"db"}`)
	c.must("POST", "A/d1/database/db/query", `{"sql":"create table t(a)"}`)
	c.must("POST", "A/r2/buckets", `{"name":"buck"}`)
	var wg sync.WaitGroup
	for g := range 3 {
		wg.Go(func() {
			for range 30 {
				for _, g := range []got{
					c.do("POST", "A/d1/database/db/query", `{"sql":"insert into t values (1)"}`),
					c.do("PUT", fmt.Sprintf("A/r2/buckets/buck/objects/%d", g), strings.Repeat("x", 9999)),
					c.do("GET", "A/d1/database/db", nil),
				} {
					if g.Status != 200 {
						t.Errorf("%d %s", g.Status, g.Raw)
					}
				}
			}
		})
	}
	for range 5 {
		if err := errors.Join(s.SaveSnapshot("busy"), s.RestoreSnapshot("busy")); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
	if err := s.RestoreSnapshot("busy"); err != nil {
		t.Error(err)
	}
	for _, o := range c.must("GET", "A/r2/buckets/buck/objects", nil).list("key") {
		if g := c.do("GET", fmt.Sprint("A/r2/buckets/buck/objects/", o), nil); g.Raw != strings.Repeat("x", 9999) {
			t.Errorf("object %v: %d, %d bytes", o, g.Status, len(g.Raw))
		}
	}
	c.must("POST", "A/d1/database/db/query", `{"sql":"insert into t values (1)"}`)
}

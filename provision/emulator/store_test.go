package emulator

import (
	"bufio"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// childDir makes the test binary serve an emulator until it is killed.
const childDir = "EMULATOR_TEST_CHILD_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		serveChild(dir)
	}
	os.Exit(m.Run())
}

func serveChild(dir string) {
	s, err := Open(dir, Options{Zones: []Zone{{Name: "example.com"}}})
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	server := httptest.NewServer(s)
	fmt.Println(server.URL)
	select {} // until killed
}

// startChild starts an emulator in another process, and says where its API is.
func startChild(t *testing.T, dir string) (child *exec.Cmd, base string) {
	t.Helper()
	child = exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childDir+"="+dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	url, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return child, strings.TrimSpace(url) + apiPrefix + "/"
}

// remote sends a request to an emulator in another process.
func remote(t *testing.T, method, url, body, kind string) got {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer x")
	r.Header.Set("Content-Type", kind)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	g := parse(answer)
	if g.Status != 200 {
		t.Fatalf("%s %s: %d %s", method, url, g.Status, g.Raw)
	}
	return g
}

// TestSurvivesKill makes something of everything in another process, kills it
// without warning, and finds all of it again.
func TestSurvivesKill(t *testing.T) {
	dir := t.TempDir()
	child, base := startChild(t, dir)
	a := base + "accounts/" + acct + "/"
	if _, err := Open(dir, Options{}); !errors.Is(err, ErrLocked) {
		t.Errorf("opening it a second time: %v, want ErrLocked", err)
	}
	post := func(path, body string) got { return remote(t, "POST", a+path, body, "application/json") }
	db := post("d1/database", `{"name":"db"}`).text("uuid")
	post("d1/database/"+db+"/query", `{"sql":"create table t(a); insert into t values (7)"}`)
	ns := post("storage/kv/namespaces", `{"title":"ns"}`).text("id")
	remote(t, "PUT", a+"storage/kv/namespaces/"+ns+"/values/k", "value", "text/plain")
	post("r2/buckets", `{"name":"buck"}`)
	remote(t, "PUT", a+"r2/buckets/buck/objects/o", "object", "text/plain")
	q := post("queues", `{"queue_name":"q"}`).text("queue_id")
	post("queues/"+q+"/messages", `{"body":"m"}`)
	body, kind := form(t, map[string]any{"main_module": "index.js", "bindings": []any{map[string]string{"type": "plain_text", "name": "V", "text": "x"}},
		"migrations": map[string]any{"new_tag": "v1", "new_sqlite_classes": []string{"Counter"}}}, worker)
	remote(t, "PUT", a+"workers/scripts/w", body, kind)
	post("queues/"+q+"/consumers", `{"type":"worker","script_name":"w"}`)
	zone := remote(t, "GET", base+"zones?name=example.com", "", "").text("0.id")
	remote(t, "POST", base+"zones/"+zone+"/dns_records", `{"type":"MX","name":"@","content":"mx.test","priority":5,"comment":"c"}`, "")
	remote(t, "POST", base+"zones/"+zone+"/workers/routes", `{"pattern":"example.com/*","script":"w"}`, "")
	remote(t, "PUT", a+"workers/domains", `{"hostname":"app.example.com","service":"w"}`, "")
	gone := post("d1/database", `{"name":"gone"}`).text("uuid")
	remote(t, "DELETE", a+"d1/database/"+gone, "", "")
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := child.Wait(); err == nil {
		t.Error("the child ended by itself")
	}

	s, err := Open(dir, Options{Zones: []Zone{{Name: "example.com"}}})
	if err != nil {
		t.Fatal(err)
	}
	c := &cloud{t, s, http.Header{"Authorization": {"Bearer x"}}}
	want := map[string]int{"d1": 1, "kv": 1, "r2": 1, "queue": 1, "consumer": 1, "dns": 1, "route": 1, "domain": 1, "worker": 1}
	if diff := cmp.Diff(want, s.Count()); diff != "" {
		t.Errorf("found again (-want +got):\n%s", diff)
	}
	c.run([]step{
		{method: "GET", path: "A/d1/database/db", want: map[string]any{"uuid": db, "num_tables": 1}},
		{method: "POST", path: "A/d1/database/db/query", body: `{"sql":"select a from t"}`, want: map[string]any{"0.results.0.a": 7}},
		{method: "GET", path: "A/storage/kv/namespaces/" + ns + "/values/k", raw: "value"},
		{method: "GET", path: "A/r2/buckets/buck/objects/o", raw: "object"},
		{method: "GET", path: "A/queues/" + q, want: map[string]any{"consumers.0.script": "w"}},
		{method: "GET", path: "A/queues/" + q + "/metrics", want: map[string]any{"backlog_count": 1}},
		{method: "GET", path: "A/workers/scripts/w/settings", want: map[string]any{"migration_tag": "v1", "bindings.0.text": "x"}},
		{method: "GET", path: "A/workers/durable_objects/namespaces", want: map[string]any{"0.class": "Counter"}},
		{method: "GET", path: "Z/dns_records?type=MX", want: map[string]any{"0.priority": 5, "0.comment": "c"}},
		{method: "GET", path: "Z/workers/routes", want: map[string]any{"0.script": "w"}},
		{method: "GET", path: "A/workers/domains", want: map[string]any{"0.hostname": "app.example.com"}},
		{name: "deleting everything", method: "DELETE", path: "A/r2/buckets/buck/objects/o"},
		{method: "DELETE", path: "A/r2/buckets/buck"},
		{method: "DELETE", path: "A/storage/kv/namespaces/" + ns},
		{method: "DELETE", path: "A/d1/database/" + db},
	})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(filepath.Join(dir, "d1"))
	if err != nil || len(files) != 0 {
		t.Errorf("databases' files left: %v %v", files, err)
	}
	if s, err = Open(dir, Options{}); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if n := s.Count(); n["d1"]+n["kv"]+n["r2"] != 0 {
		t.Errorf("deleted things came back: %v", n)
	}
}

// TestKilledWhileWriting kills the process in the middle of many writes. What it
// had answered is there afterwards; what it had not is there whole or not at all.
func TestKilledWhileWriting(t *testing.T) {
	dir := t.TempDir()
	child, base := startChild(t, dir)
	a := base + "accounts/" + acct + "/"
	send := func(method, path, body string) bool {
		r, err := http.NewRequest(method, a+path, strings.NewReader(body))
		if err != nil {
			return false
		}
		r.Header.Set("Authorization", "Bearer x")
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		return parse(answer).Status == 200
	}
	send("POST", "d1/database", `{"name":"db"}`)
	send("POST", "d1/database/db/query", `{"sql":"create table t(a)"}`)
	send("POST", "r2/buckets", `{"name":"buck"}`)
	var wg sync.WaitGroup
	queues, objects, rows := 0, 0, 0
	write := func(answered *int, one func(n int) bool) {
		wg.Go(func() {
			for one(*answered) {
				*answered++
			}
		})
	}
	write(&queues, func(n int) bool { return send("POST", "queues", fmt.Sprintf(`{"queue_name":"q-%d"}`, n)) })
	write(&objects, func(n int) bool {
		return send("PUT", fmt.Sprintf("r2/buckets/buck/objects/%d", n), strings.Repeat(fmt.Sprint(n%10), 9999))
	})
	write(&rows, func(n int) bool {
		return send("POST", "d1/database/db/query", fmt.Sprintf(`{"sql":"insert into t values (%d); insert into t values (%d)"}`, 2*n, 2*n+1))
	})
	time.Sleep(300 * time.Millisecond)
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	_ = child.Wait() // it was killed, and says so
	if queues == 0 || objects == 0 || rows == 0 {
		t.Fatalf("too little was written: %d queues, %d objects, %d rows", queues, objects, rows)
	}
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c := &cloud{t, s, http.Header{"Authorization": {"Bearer x"}}}
	if n := s.Count()["queue"]; n != queues && n != queues+1 {
		t.Errorf("%d queues were answered, %d are there", queues, n)
	}
	for n := range objects + 1 {
		g := c.do("GET", fmt.Sprintf("A/r2/buckets/buck/objects/%d", n), nil)
		if lost := g.Status != 200 && n < objects; lost || g.Status == 200 && g.Raw != strings.Repeat(fmt.Sprint(n%10), 9999) {
			t.Errorf("object %d of %d: %d, %d bytes", n, objects, g.Status, len(g.Raw))
		}
	}
	g := c.must("POST", "A/d1/database/db/query", `{"sql":"select count(*) as n from t"}`)
	if n, _ := g.field("0.results.0.n").(float64); int(n) != 2*rows && int(n) != 2*rows+2 {
		t.Errorf("%d pairs of rows were answered, %v rows are there", rows, n)
	}
}

// TestRollback shows that a refused request leaves nothing behind, in memory
// or in the file.
func TestRollback(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := &cloud{t, s, http.Header{"Authorization": {"Bearer x"}}}
	ns := "A/storage/kv/namespaces/" + c.must("POST", "A/storage/kv/namespaces", `{"title":"ns"}`).text("id")
	c.must("PUT", ns+"/values/k", "old")
	if g := c.do("PUT", ns+"/bulk", `[{"key":"k","value":"new"},{"key":"bad","value":"","expiration_ttl":1}]`); g.Status != 400 {
		t.Fatal(g.Raw)
	}
	check := func(when string) {
		if g := c.do("GET", ns+"/values/k", nil); g.Raw != "old" {
			t.Errorf("%s: the value is %q, want the old one", when, g.Raw)
		}
		if diff := cmp.Diff([]any{"k"}, c.do("GET", ns+"/keys", nil).list("name")); diff != "" {
			t.Errorf("%s: keys (-want +got):\n%s", when, diff)
		}
	}
	check("at once")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if c.Server, err = Open(dir, Options{}); err != nil {
		t.Fatal(err)
	}
	defer c.Server.Close()
	check("opened again")
}

func TestBadOptions(t *testing.T) {
	if _, err := Open("", Options{Zones: []Zone{{Name: "x.test", Account: "nope"}}}); err == nil || !strings.Contains(err.Error(), "x.test") {
		t.Errorf("a zone of no account: %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(file, Options{}); err == nil {
		t.Error("a directory that is a file was opened")
	}
	c := open(t, Options{Accounts: []Account{{ID: acct, Name: "One"}, {ID: "fedcba9876543210fedcba9876543210", Name: "Two"}}})
	if err := c.AddZone("example.com", ""); err != nil {
		t.Error(err)
	}
	if err := c.AddZone("Example.com", acct); err != nil {
		t.Errorf("adding it again: %v", err)
	}
	if err := c.AddZone("example.com", "fedcba9876543210fedcba9876543210"); err == nil {
		t.Error("one zone is in two accounts")
	}
}

// TestConcurrency makes, lists and deletes in many goroutines at once; the race
// detector watches.
func TestConcurrency(t *testing.T) {
	s, err := Open(t.TempDir(), Options{Zones: []Zone{{Name: "example.com"}}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c := &cloud{t, s, http.Header{"Authorization": {"Bearer x"}}}
	zone := "zones/" + c.zoneID("example.com") + "/dns_records"
	c.must("POST", "A/d1/database", `{"name":"shared"}`)
	c.must("POST", "A/d1/database/shared/query", `{"sql":"create table t(a)"}`)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 25 {
				name := fmt.Sprintf("n-%d-%d", g, i)
				for _, r := range []struct{ method, path, body string }{
					{"POST", "A/d1/database", `{"name":"` + name + `"}`},
					{"POST", "A/queues", `{"queue_name":"` + name + `"}`},
					{"POST", "A/queues", `{"queue_name":"same-` + fmt.Sprint(i) + `"}`},
					{"POST", "A/r2/buckets", `{"name":"` + name + `"}`},
					{"POST", zone, `{"type":"A","name":"` + name + `","content":"192.0.2.1"}`},
					{"POST", "A/d1/database/shared/query", `{"sql":"insert into t values (1)"}`},
					{"GET", zone + "?search=n-", ""}, {"GET", "A/d1/database", ""}, {"GET", "A/queues", ""},
					{"DELETE", "A/d1/database/" + name, ""}, {"DELETE", "A/r2/buckets/" + name, ""},
				} {
					if g := c.do(r.method, r.path, r.body); g.Status != 200 && g.code() != 11009 {
						t.Errorf("%s %s %s: %s", r.method, r.path, r.body, g.Raw)
					}
				}
				s.Requests()
				s.Count()
			}
		})
	}
	wg.Wait()
	want := map[string]int{"d1": 1, "kv": 0, "r2": 0, "queue": 225, "consumer": 0, "dns": 200, "route": 0, "domain": 0, "worker": 0}
	if diff := cmp.Diff(want, s.Count()); diff != "" {
		t.Errorf("what there is (-want +got):\n%s", diff)
	}
	c.run([]step{{method: "POST", path: "A/d1/database/shared/query", body: `{"sql":"select count(*) as n from t"}`, want: map[string]any{"0.results.0.n": 200}}})
}

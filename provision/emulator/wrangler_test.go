package emulator

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	recording "github.com/cfboot/cfboot/e2e/record"
	"github.com/google/go-cmp/cmp"
)

// wrangler runs the real wrangler against an emulator.
type wrangler struct {
	*cloud
	bin, dir string
	env      []string
}

// newWrangler skips the test unless CFBOOT_WRANGLER names an executable whose
// folder also has the node it needs.
func newWrangler(t *testing.T) *wrangler {
	t.Helper()
	bin := os.Getenv("CFBOOT_WRANGLER")
	if bin == "" {
		t.Skip("CFBOOT_WRANGLER names no wrangler executable")
	}
	c := open(t, Options{Log: testLog{t}, Zones: []Zone{{Name: "example.com"}}})
	server := httptest.NewServer(recording.Around("wrangler", c))
	t.Cleanup(server.Close)
	dir, home := t.TempDir(), t.TempDir()
	return &wrangler{cloud: c, bin: bin, dir: dir, env: []string{
		"PATH=" + filepath.Dir(bin) + string(os.PathListSeparator) + os.Getenv("PATH"),
		"HOME=" + home, "XDG_CONFIG_HOME=" + home, "CI=1", "NO_COLOR=1",
		"WRANGLER_SEND_METRICS=false", "CLOUDFLARE_CF_FETCH_ENABLED=false", "WRANGLER_HIDE_BANNER=true",
		"WRANGLER_WRITE_LOGS=false", "WRANGLER_REGISTRY_PATH=" + home, "WRANGLER_CACHE_DIR=" + home,
		"CLOUDFLARE_API_BASE_URL=" + server.URL + apiPrefix, "CLOUDFLARE_API_TOKEN=fake", "CLOUDFLARE_ACCOUNT_ID=" + acct,
	}}
}

// testLog sends the emulator's log to the test's.
type testLog struct{ t *testing.T }

func (l testLog) Write(p []byte) (int, error) {
	l.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}

func (w *wrangler) file(name, content string) {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

// run runs a command, which must succeed and print all of want.
func (w *wrangler) run(input string, args []string, want ...string) string {
	w.t.Helper()
	out, err := w.try(input, args)
	if err != nil {
		w.t.Fatalf("wrangler %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	for _, text := range want {
		if !strings.Contains(out, text) {
			w.t.Errorf("wrangler %s printed no %q:\n%s", strings.Join(args, " "), text, out)
		}
	}
	return out
}

func (w *wrangler) try(input string, args []string) (string, error) {
	ctx, cancel := context.WithTimeout(w.t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, w.bin, args...)
	cmd.Dir, cmd.Env, cmd.Stdin = w.dir, w.env, strings.NewReader(input)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

func words(line string) []string { return strings.Fields(line) }

// TestWranglerStores shows that the real wrangler manages D1, KV, R2 and
// queues of the emulator.
func TestWranglerStores(t *testing.T) {
	w := newWrangler(t)
	w.run("", words("whoami"), userEmail, "Emulated")
	w.run("", words("d1 create mydb"), "Successfully created DB 'mydb'")
	if out, err := w.try("", words("d1 create mydb")); err == nil || !strings.Contains(out, "already exists") {
		t.Errorf("creating it again: %v\n%s", err, out)
	}
	w.run("", words("d1 list --json"), `"name": "mydb"`)
	w.run("", []string{"d1", "execute", "mydb", "--remote", "--json", "--command", "create table t(a); insert into t values (41); select a+1 as b from t"}, `"b": 42`)
	w.run("", words("d1 info mydb --json"), `"num_tables": 1`)
	var at struct{ Bookmark string }
	if err := json.Unmarshal([]byte(w.run("", words("d1 time-travel info mydb --json"))), &at); err != nil || at.Bookmark == "" {
		t.Errorf("d1 time-travel info: %v %+v", err, at)
	}
	w.file("rows.sql", "insert into t values (1); insert into t values (2);")
	w.run("", words("d1 execute mydb --remote -y --file rows.sql"))
	w.run("", words("d1 export mydb --remote --output dump.sql"))
	if dump, err := os.ReadFile(filepath.Join(w.dir, "dump.sql")); err != nil || !strings.Contains(string(dump), "VALUES(41);") {
		t.Errorf("export: %v\n%s", err, dump)
	}
	w.run("", words("d1 time-travel restore mydb --json --bookmark "+at.Bookmark), "previous_bookmark")
	w.run("", words("d1 execute mydb --remote --json --command select/**/count(*)as/**/n/**/from/**/t"), `"n": 1`)
	w.run("", words("kv namespace create NS"))
	var list []struct{ ID, Title string }
	if err := json.Unmarshal([]byte(w.run("", words("kv namespace list"))), &list); err != nil || len(list) != 1 || list[0].Title != "NS" {
		t.Fatalf("kv namespace list: %v %v", err, list)
	}
	id := list[0].ID
	w.run("", []string{"kv", "key", "put", "--remote", "--namespace-id", id, "a/b c", "value 1", "--metadata", `{"m":1}`})
	if out := w.run("", []string{"kv", "key", "get", "--remote", "--namespace-id", id, "a/b c"}); !strings.Contains(out, "value 1") {
		t.Errorf("kv key get: %q", out)
	}
	w.run("", words("kv key list --remote --namespace-id "+id), `"name": "a/b c"`, `"m": 1`)
	w.run("", words("r2 bucket create buck"), "Created bucket 'buck'")
	w.run("", words("r2 bucket list"), "buck")
	w.file("val.txt", "object text")
	w.run("", words("r2 object put buck/a/b.txt --file val.txt --remote"), "Upload complete")
	w.run("", words("r2 object get buck/a/b.txt --remote --pipe"), "object text")
	if out, err := w.try("", words("r2 bucket delete buck")); err == nil || !strings.Contains(out, "not empty") {
		t.Errorf("deleting a full bucket: %v\n%s", err, out)
	}
	w.run("", words("queues create q1"), "Created queue 'q1'")
	w.run("", words("queues list"), "q1")
	w.script("myworker")
	w.run("", words("queues consumer add q1 myworker --batch-size 5"), "Added consumer")
	w.run("", words("queues consumer remove q1 myworker"), "Removed consumer")
	w.run("", words("queues delete q1"), "Deleted queue")
	w.run("", words("d1 delete mydb -y"), "Deleted 'mydb'")
	want := map[string]int{"d1": 0, "kv": 1, "r2": 1, "queue": 0, "consumer": 0, "dns": 0, "route": 0, "domain": 0, "worker": 1}
	if diff := cmp.Diff(want, w.Count()); diff != "" {
		t.Errorf("what is left (-want +got):\n%s", diff)
	}
}

// TestWranglerIndexes shows that the real wrangler manages Vectorize and
// Hyperdrive of the emulator.
func TestWranglerIndexes(t *testing.T) {
	w := newWrangler(t)
	w.run("", words("vectorize create v1 --dimensions 3 --metric cosine"), `"index_name": "v1"`)
	w.run("", words("vectorize create-metadata-index v1 --property-name a --type string"), "Successfully enqueued")
	w.run("", words("vectorize list-metadata-index v1"), "string")
	w.file("v.ndjson", `{"id":"one","values":[1,2,3],"metadata":{"a":"x"}}`)
	w.run("", words("vectorize insert v1 --file v.ndjson"), "Successfully enqueued 1 vectors")
	w.run("", words("vectorize upsert v1 --file v.ndjson"), "Successfully enqueued 1 vectors")
	w.run("", words("vectorize query v1 --vector 1 2 3"), `"id": "one"`)
	w.run("", words("vectorize get-vectors v1 --ids one"), `"values"`)
	w.run("", words("vectorize list-vectors v1"), "Showing 1 of 1")
	w.run("", words("vectorize delete-vectors v1 --ids one"), "Successfully enqueued 1 vectors")
	w.run("", words("vectorize info v1"), "vectorCount")
	w.run("", words("vectorize delete-metadata-index v1 --property-name a"), "Successfully enqueued")
	w.run("", words("vectorize delete v1 --force"), "Deleted index v1")
	w.run("", words("hyperdrive create h1 --connection-string postgres://u:hunter2@db.example.com:5432/app"), "HYPERDRIVE")
	w.run("", words("hyperdrive list"), "db.example.com")
	id := w.must("GET", "A/hyperdrive/configs", nil).text("0.id")
	w.run("", words("hyperdrive update "+id+" --origin-user v --origin-password hunter3"), `"user": "v"`)
	w.run("", words("hyperdrive update "+id+" --caching-disabled true"), `"disabled": true`)
	if out := w.run("", words("hyperdrive get "+id), `"h1"`); strings.Contains(out, "hunter") {
		t.Errorf("it shows a password: %s", out)
	}
	w.run("", words("hyperdrive delete "+id), "Deleted")
	if n := w.Count(); n["hyperdrive"]+n["vectorize"] != 0 {
		t.Errorf("left over: %v", n)
	}
}

// project is a configuration with everything a deployment asks for.
func (w *wrangler) project() {
	db := w.must("POST", "A/d1/database", `{"name":"full-db"}`).text("uuid")
	kv := w.must("POST", "A/storage/kv/namespaces", `{"title":"full-kv"}`).text("id")
	w.must("POST", "A/r2/buckets", `{"name":"full-bucket"}`)
	w.must("POST", "A/queues", `{"queue_name":"full-queue"}`)
	w.file("src/index.js", `import { DurableObject, WorkflowEntrypoint } from "cloudflare:workers";
export class Counter extends DurableObject {}
export class Flow extends WorkflowEntrypoint { async run() {} }
export default { async fetch() { return new Response("hi") }, async queue(batch) {}, async scheduled() {} };
`)
	w.file("public/hello.html", "<h1>hello</h1>")
	w.file("public/a/b.txt", "text")
	w.file("migrations/0001_first.sql", "create table first(a); insert into first values ('x;y');")
	w.file("migrations/0002_second.sql", "create table second(a);")
	w.file("wrangler.jsonc", `{
	"name": "full", "main": "src/index.js", "compatibility_date": "2026-10-01", "compatibility_flags": ["nodejs_compat"],
	"vars": { "GREETING": "hello", "OBJ": { "a": 1 } },
	"d1_databases": [{ "binding": "DB", "database_name": "full-db", "database_id": "`+db+`" }],
	"kv_namespaces": [{ "binding": "KV", "id": "`+kv+`" }],
	"r2_buckets": [{ "binding": "BUCKET", "bucket_name": "full-bucket" }],
	"queues": { "producers": [{ "binding": "QUEUE", "queue": "full-queue" }],
		"consumers": [{ "queue": "full-queue", "max_batch_size": 5, "max_retries": 2, "dead_letter_queue": "full-dlq" }] },
	"durable_objects": { "bindings": [{ "name": "COUNTER", "class_name": "Counter" }] },
	"migrations": [{ "tag": "v1", "new_sqlite_classes": ["Counter"] }],
	"workflows": [{ "binding": "FLOW", "name": "full-flow", "class_name": "Flow" }],
	"assets": { "directory": "public", "binding": "ASSETS" },
	"routes": [{ "pattern": "example.com/api/*", "zone_name": "example.com" }, { "pattern": "app.example.com", "custom_domain": true }],
	"triggers": { "crons": ["*/5 * * * *"] },
	"workers_dev": true, "observability": { "enabled": true }
}`)
}

// TestWranglerDeploys shows a whole project deployed twice, migrated, and
// deleted.
func TestWranglerDeploys(t *testing.T) {
	w := newWrangler(t)
	w.project()
	w.run("", words("d1 migrations apply DB --remote"), "0001_first.sql", "0002_second.sql")
	w.run("", words("d1 migrations apply DB --remote"), "No migrations to apply")
	w.run("", words("deploy"), "Uploaded full", "full.acct-01234567.workers.dev", "example.com/api/*", "app.example.com (custom domain)", "schedule: */5 * * * *", "Consumer for full-queue", "workflow: full-flow")
	w.state(1)
	w.run("s3cret", words("secret put API_KEY"), "Success")
	w.run("", words("secret list"), "API_KEY")
	w.run(`{"B":"1","API_KEY":"2"}`, words("secret bulk"))
	w.ResetRequests()
	w.run("", words("deploy --message second"), "Uploaded full")
	w.state(1)
	usedVersions := false
	for _, r := range w.Requests() {
		if r.Status >= 400 && r.Code != 10007 {
			t.Errorf("the second deploy was refused: %s %s: %d (%d)", r.Method, r.Path, r.Status, r.Code)
		}
		usedVersions = usedVersions || r.Method == "POST" && strings.HasSuffix(r.Path, "/workers/scripts/full/versions")
	}
	if !usedVersions {
		t.Error("the second deploy did not go through versions")
	}
	w.run("", words("secret list"), "API_KEY", `"B"`)
	w.run("", words("versions upload --preview-alias pr-1"), "Worker Version ID")
	w.run("", words("versions list"), "Version ID")
	w.run("", words("versions secret put LATER"), "Success") // the value is the empty input
	w.run("", words("deployments list"), "second")
	w.run("", words("deployments status"))
	w.run("", words("triggers deploy"))
	w.run("", words("rollback -y --message undo"))
	newest := w.must("GET", "A/workers/scripts/full/versions", nil).text("items.0.id")
	w.run("", words("versions deploy "+newest+"@100 -y"), "100%")
	if out, err := w.try("", words("delete")); err == nil || !strings.Contains(out, "10064") {
		t.Errorf("deleting a queue's consumer: %v\n%s", err, out)
	}
	w.run("", words("queues consumer remove full-queue full"))
	w.run("", words("delete"), "Successfully deleted")
	want := map[string]int{"d1": 1, "kv": 1, "r2": 1, "queue": 1, "consumer": 0, "dns": 0, "route": 0, "domain": 0, "worker": 0}
	if diff := cmp.Diff(want, w.Count()); diff != "" {
		t.Errorf("what is left (-want +got):\n%s", diff)
	}
}

// state checks what a deployment made.
func (w *wrangler) state(consumers int) {
	w.t.Helper()
	want := map[string]int{"d1": 1, "kv": 1, "r2": 1, "queue": 1, "consumer": consumers, "dns": 0, "route": 1, "domain": 1, "worker": 1}
	if diff := cmp.Diff(want, w.Count()); diff != "" {
		w.t.Errorf("what there is (-want +got):\n%s", diff)
	}
	w.cloud.run([]step{
		{method: "GET", path: "A/queues?name=full-queue", want: map[string]any{"0.producers.0.script_name": "full", "0.consumers.0.settings.batch_size": 5, "0.consumers.0.dead_letter_queue": "full-dlq"}},
		{method: "GET", path: "A/workers/scripts/full/schedules", want: map[string]any{"schedules.0.cron": "*/5 * * * *"}},
		{method: "GET", path: "A/workers/scripts/full/settings", want: map[string]any{"migration_tag": "v1", "observability.enabled": true}},
		{method: "GET", path: "A/workers/durable_objects/namespaces", want: map[string]any{"0.class": "Counter"}},
		{method: "GET", path: "A/workflows/full-flow", want: map[string]any{"script_name": "full", "class_name": "Flow"}},
		{method: "GET", path: "Z/workers/routes", want: map[string]any{"0.pattern": "example.com/api/*", "0.script": "full"}},
		{method: "GET", path: "A/workers/domains", want: map[string]any{"0.hostname": "app.example.com", "0.service": "full"}},
		{method: "GET", path: "A/workers/scripts/full/subdomain", want: map[string]any{"enabled": true}},
		{method: "GET", path: "A/workers/scripts", want: map[string]any{"0.has_assets": true}},
	})
}

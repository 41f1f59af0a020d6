package wrangler

import (
	"errors"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var rewriteGoldens = flag.Bool("update", false, "rewrite the goldens")

// edits as the state of a preview gives them.
func has(section, match, value string, set ...string) Edit {
	e := Edit{Section: strings.Split(section, "."), Match: Field{match, value}}
	for i := 0; i+1 < len(set); i += 2 {
		e.Set = append(e.Set, Field{set[i], set[i+1]})
	}
	return e
}

// seventh is a preview of the configuration in testdata/derive.
func seventh() Preview {
	return Preview{Environment: "pr-7", Worker: "shop-pr-7", Account: "0123456789abcdef0123456789abcdef",
		Edits: []Edit{
			has("d1_databases", "binding", "DB", "database_name", "shop-pr-7-db", "database_id", "d-7"),
			has("kv_namespaces", "binding", "CACHE", "id", "k-7"),
			has("r2_buckets", "binding", "STORAGE", "bucket_name", "shop-pr-7-storage"),
			has("queues.producers", "binding", "JOBS", "queue", "shop-pr-7-jobs"),
			{Section: []string{"queues", "consumers"}, Match: Field{"queue", "shop-pr-7-jobs"}, Set: []Field{{"max_batch_size", 5}, {"dead_letter_queue", "shop-pr-7-jobs-dlq"}}},
			{Section: []string{"vars", "TURNSTILE_SITE_KEY"}, Set: []Field{{Value: "s-7"}}},
			has("routes", "pattern", "pr-7.shop.example/*", "zone_id", "z-1"),
		},
		Names: map[string]string{"worker/shop": "shop-pr-7", "worker/shop-api": "shop-pr-7-api", "queue/shop-jobs": "shop-pr-7-jobs",
			"queue/shop-jobs-dlq": "shop-pr-7-jobs-dlq", "queue/shop-old": "", "d1/shop-db": "shop-pr-7-db", "r2/shop-storage": "shop-pr-7-storage"},
		Services: map[string]string{"AUTH": "auth-staging", "BILLING": ""},
		Keep:     []string{"PG", "FLAGS", "SHARED_KV"}, Drop: []string{"OLD", "OLD_KEY"},
		Vars: map[string]string{"APP_ORIGIN": "https://pr-7.shop.example"}, WorkersDev: true}
}

// Every section that a configuration can have, and what becomes of it.
func TestDeriveGolden(t *testing.T) {
	src := []byte(content(t, "testdata/derive/wrangler.jsonc"))
	got, err := Derive(src, seventh())
	if err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/derive/wrangler.pr-7.jsonc"
	if *rewriteGoldens {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if d := cmp.Diff(content(t, golden), string(got)); d != "" {
		t.Errorf("run with -update and read the difference: %s", d)
	}
	again, err := Derive(src, seventh())
	if err != nil || string(again) != string(got) {
		t.Errorf("a second time it is another: %v", err)
	}
}

// refusals lists what an error joins, each with its place.
func refusals(t *testing.T, err error) []string {
	t.Helper()
	var out []string
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			out = append(out, refusals(t, e)...)
		}
		return out
	}
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("%T: %v", err, err)
	}
	if len(e.Hints) == 0 && !strings.Contains(e.Msg, "not valid") && !strings.Contains(e.Msg, "comment") && !strings.Contains(e.Msg, "nests") {
		t.Errorf("no hint: %v", e)
	}
	return []string{e.Error()}
}

func TestDeriveRefuses(t *testing.T) {
	for _, tt := range []struct{ name, src, want string }{
		{"a database nobody knows", `"d1_databases": [{"binding": "LOG", "database_id": "x", "database_name": "shop-log"}]`,
			`the binding "LOG" of d1_databases would be production's in a preview, for no resource of cfboot.jsonc stands for it`},
		{"a database without an id", `"d1_databases": [{"binding": "LOG"}]`, `the binding "LOG" of d1_databases would be production's`},
		{"a known name with an id that nobody knows", `"d1_databases": [{"binding": "DB2", "database_id": "x", "database_name": "shop-db"}]`, `the binding "DB2" of d1_databases would be`},
		{"a namespace", `"kv_namespaces": [{"binding": "X", "id": "y"}]`, `the binding "X" of kv_namespaces would be`},
		{"a bucket", `"r2_buckets": [{"binding": "X", "bucket_name": "y"}]`, `the binding "X" of r2_buckets would be`},
		{"a queue", `"queues": {"producers": [{"binding": "X", "queue": "y"}]}`, `the binding "X" of queues.producers would be`},
		{"a consumer", `"queues": {"consumers": [{"queue": "y"}]}`, `"y" of queues.consumers would be`},
		{"dead letters", `"queues": {"consumers": [{"queue": "shop-jobs-dlq", "dead_letter_queue": "y"}]}`, `dead_letter_queue of "shop-jobs-dlq" of queues.consumers is "y"`},
		{"an index", `"vectorize": [{"binding": "X", "index_name": "y"}]`, `the binding "X" of vectorize would be`},
		{"a database elsewhere", `"hyperdrive": [{"binding": "X", "id": "y"}]`, `the binding "X" of hyperdrive would be`},
		{"a service", `"services": [{"binding": "X", "service": "y"}]`, `the binding "X" of services leads to the Worker "y", which is production's`},
		{"an object of another Worker", `"durable_objects": {"bindings": [{"name": "X", "class_name": "C", "script_name": "y"}]}`, `the binding "X" of durable_objects.bindings leads to the Worker "y"`},
		{"a workflow of another Worker", `"workflows": [{"binding": "X", "name": "n", "class_name": "C", "script_name": "y"}]`, `the binding "X" of workflows is run by the Worker "y"`},
		{"a class that is moved", `"migrations": [{"tag": "v1", "transferred_classes": [{"from": "A", "from_script": "y", "to": "B"}]}]`, `from_script names the Worker "y", whose objects would be moved`},
		{"a class that is moved by exports", `"exports": {"A": {"type": "durable-object", "state": "transferred", "transferred_to": "y"}}`, `transferred_to names the Worker "y"`},
		{"a class that is waited for", `"exports": {"A": {"type": "durable-object", "state": "expecting-transfer", "storage": "sqlite", "transfer_from": "y"}}`, `transfer_from names the Worker "y"`},
		{"flags", `"flagship": [{"binding": "X", "app_id": "y"}]`, `the binding "X" of flagship would be production's in a preview, and cfboot makes none of its own`},
		{"pictures", `"images": {"binding": "X"}`, `the binding "X" of images reaches what production has in this account`},
		{"a network", `"vpc_networks": [{"binding": "X", "tunnel_id": "y"}]`, `the binding "X" of vpc_networks would be`},
		{"a secret", `"secrets_store_secrets": [{"binding": "X", "store_id": "y", "secret_name": "z"}]`, `the binding "X" of secrets_store_secrets would be`},
		{"something unsafe", `"unsafe": {"bindings": [{"name": "X", "type": "y", "to": "z"}], "metadata": {"a": 1}}`, `the binding "X" of unsafe.bindings reaches`},
		{"a section nobody knows", `"teleports": [{"to": "y"}]`, `teleports is not known to this cfboot`},
		{"a part nobody knows", `"queues": {"taps": ["y"]}`, `queues.taps is not known to this cfboot`},
		{"a field nobody knows", `"kv_namespaces": [{"binding": "CACHE", "mirror": "y"}]`, `the binding "CACHE" of kv_namespaces has "mirror", which is not known`},
		{"a list of texts", `"kv_namespaces": ["y"]`, `an element of kv_namespaces is a string, not an object`},
		{"a text", `"kv_namespaces": "y"`, `kv_namespaces is a string, neither an object nor a list`},
		{"a Pages project", `"pages_build_output_dir": "dist"`, `this is a Pages project`},
		{"a key that stands twice", `"vars": {"A": "1", "A": "2"}`, `key "A" stands twice`},
		{"two of one binding", `"kv_namespaces": [{"binding": "CACHE", "id": "a"}, {"binding": "CACHE", "id": "b"}]`, `two elements of kv_namespaces have binding "CACHE"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, err := Derive([]byte("{\n  \"name\": \"shop\",\n  "+tt.src+"\n}\n"), seventh())
			if err == nil || out != nil {
				t.Fatalf("it is let through: %s", out)
			}
			got := refusals(t, err)
			if !strings.HasPrefix(got[0], "wrangler.jsonc:") || !strings.Contains(got[0], tt.want) {
				t.Errorf("%s", strings.Join(got, "\n"))
			}
			if tt.name != "a key that stands twice" && tt.name != "two of one binding" && !strings.HasPrefix(got[0], "wrangler.jsonc:3:") {
				t.Errorf("it is said of another place: %s", got[0])
			}
		})
	}
}

// All that is refused is told at once.
func TestDeriveTellsAll(t *testing.T) {
	_, err := Derive([]byte(`{"kv_namespaces": [{"binding": "X", "id": "y"}, {"binding": "Z", "id": "y"}], "images": {"binding": "I"}}`), seventh())
	if got := refusals(t, err); len(got) != 3 {
		t.Errorf("%q", got)
	}
}

func TestDeriveSmall(t *testing.T) {
	for _, tt := range []struct{ name, src, want string }{
		{"nothing", `{}`, "{\n  \"name\": \"shop-pr-7\",\n  \"workers_dev\": false\n}"},
		{"no file to speak of", `// mine`, "// mine\n{\n  \"name\": \"shop-pr-7\",\n  \"workers_dev\": false\n}\n"},
		{"crons", `{"triggers": {"crons": ["* * * * *"]}}`, `{"triggers": {"crons": []}, "name": "shop-pr-7", "workers_dev": false}`},
		{"a service of its own", `{"name": "shop", "services": [{"binding": "SELF", "service": "shop"}]}`,
			`{"name": "shop-pr-7", "services": [{"binding": "SELF", "service": "shop-pr-7"}], "workers_dev": false}`},
		{"a workflow's long name", `{"name": "shop", "workflows": [{"binding": "W", "name": "another-workflow-with-a-name-that-is-as-long-as-names-may-ever-", "class_name": "W"}]}`,
			`{"name": "shop-pr-7", "workflows": [{"binding": "W", "name": "another-workflow-with-a-name-that-is-as-long-as-names-7882bbac04", "class_name": "W"}], "workers_dev": false}`},
		{"a queue that is shared", `{"name": "shop", "queues": {"producers": [{"binding": "KEPT", "queue": "shop-jobs"}], "consumers": [{"queue": "shop-jobs"}]}}`,
			`{"name": "shop-pr-7", "queues": {"producers": [{"binding": "KEPT", "queue": "shop-jobs"}], "consumers": []}, "workers_dev": false}`},
	} {
		got, err := Derive([]byte(tt.src), Preview{Environment: "pr-7", Worker: "shop-pr-7", Keep: []string{"KEPT"}})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		_, body, _ := strings.Cut(string(got), "\n")
		if d := cmp.Diff(tt.want, body); d != "" {
			t.Errorf("%s: %s", tt.name, d)
		}
	}
}

func TestCheckOwn(t *testing.T) {
	foreign := append(Claims([]Edit{
		has("d1_databases", "binding", "DB", "database_name", "shop-db", "database_id", "d-1"),
		{Section: []string{"vars", "TURNSTILE_SITE_KEY"}, Set: []Field{{Value: "s-1"}}},
		{Section: []string{"queues", "consumers"}, Match: Field{"queue", "shop-jobs"}, Set: []Field{{"max_batch_size", 1}}},
	}), Reference{Kind: "kv", Value: "k-1", Environment: "staging"}, Reference{Kind: "worker", Value: "shop"})
	for _, tt := range []struct{ src, want string }{
		{`{"name": "shop"}`, `wrangler.pr-7.jsonc:1:10: name names the worker "shop", which is that of production`},
		{`{"d1_databases": [{"binding": "X", "database_id": "d-1"}]}`, `wrangler.pr-7.jsonc:1:51: d1_databases X (database_id) names the d1 "d-1", which is that of production`},
		{`{"d1_databases": [{"binding": "X", "database_name": "shop-db"}]}`, `wrangler.pr-7.jsonc:1:53: d1_databases X (database_name) names the d1 "shop-db", which is that of production`},
		{`{"kv_namespaces": [{"binding": "X", "id": "k-1"}]}`, `wrangler.pr-7.jsonc:1:43: kv_namespaces X (id) names the kv "k-1", which is that of the environment staging`},
		{`{"vars": {"A": "s-1"}}`, `wrangler.pr-7.jsonc:1:10: vars A names the variable "s-1", which is that of production`},
		{`{"queues": {"consumers": [{"queue": "a", "dead_letter_queue": "shop-jobs"}]}}`, `wrangler.pr-7.jsonc:1:63: queues.consumers (dead_letter_queue) names the queue "shop-jobs", which is that of production`},
		{`{"tail_consumers": [{"service": "shop"}]}`, `wrangler.pr-7.jsonc:1:33: tail_consumers (service) names the worker "shop", which is that of production`},
		{`{"d1_databases": [{"binding": "KEPT", "database_id": "d-1"}], "services": [{"binding": "LED", "service": "shop"}]}`, ``},
	} {
		err := CheckOwn([]byte(tt.src), foreign, Preview{Environment: "pr-7", Keep: []string{"KEPT"}, Services: map[string]string{"LED": "shop"}})
		got := ""
		if err != nil {
			got = strings.Join(refusals(t, err), "\n")
		}
		if got != tt.want {
			t.Errorf("%s: %s", tt.src, got)
		}
	}
}

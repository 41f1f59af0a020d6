package emulator

import (
	"encoding/base64"
	"mime"
	"mime/multipart"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestScripts(t *testing.T) {
	c := open(t, Options{Now: newClock().now})
	g := c.upload("w", map[string]any{"tags": []string{"a"}, "bindings": []any{
		map[string]string{"type": "plain_text", "name": "V", "text": "x"},
		map[string]string{"type": "secret_text", "name": "S", "text": "hush-hush"}}})
	if g.Status != 200 || g.text("id") != "w" || !isHex(g.text("deployment_id"), 32) || !isHex(g.text("tag"), 32) {
		t.Fatalf("upload: %s", g.Raw)
	}
	if diff := cmp.Diff([]any{"fetch", "scheduled", "queue"}, g.field("handlers")); diff != "" {
		t.Errorf("handlers (-want +got):\n%s", diff)
	}
	c.run([]step{
		{name: "the value of a secret is never shown", method: "GET", path: "A/workers/scripts/w/settings",
			want: map[string]any{"bindings": []any{map[string]any{"type": "plain_text", "name": "V", "text": "x"}, map[string]any{"type": "secret_text", "name": "S"}},
				"compatibility_date": "2026-10-01", "compatibility_flags": []any{}, "tags": []any{"a"}}},
		{method: "GET", path: "A/workers/scripts", want: map[string]any{"0.id": "w", "0.has_modules": true, "1": nil}},
		{name: "by tag", method: "GET", path: "A/workers/scripts?tags=b:yes", want: map[string]any{"0": nil}},
		{name: "by absent tag", method: "GET", path: "A/workers/scripts?tags=b:no", want: map[string]any{"0.id": "w"}},
		{name: "missing", method: "GET", path: "A/workers/scripts/nope", status: 404, code: 10007},
		{name: "missing settings", method: "GET", path: "A/workers/scripts/nope/settings", status: 404, code: 10007},
		{name: "service", method: "GET", path: "A/workers/services/w", want: map[string]any{"id": "w", "default_environment.script.tag": g.text("tag")}},
		{name: "missing service", method: "GET", path: "A/workers/services/nope", status: 404, code: 10090},
		{name: "worker", method: "GET", path: "A/workers/workers/w", want: map[string]any{"name": "w", "subdomain.url": "https://w.acct-01234567.workers.dev", "subdomain.enabled": false}},
		{name: "worker by id", method: "GET", path: "A/workers/workers/" + g.text("tag"), want: map[string]any{"name": "w"}},
		{name: "bad name", method: "PUT", path: "A/workers/scripts/W", body: "x", header: []string{"Content-Type", "application/javascript"}, status: 400, code: 10016},
		{name: "service worker", method: "PUT", path: "A/workers/scripts/sw", body: "addEventListener('fetch', e => {})", header: []string{"Content-Type", "application/javascript"},
			want: map[string]any{"has_modules": false}},
		{name: "its code", method: "GET", path: "A/workers/scripts/sw", raw: "addEventListener('fetch', e => {})"},
		{name: "JSON is no upload", method: "PUT", path: "A/workers/scripts/w", body: "{}", header: []string{"Content-Type", "application/json"}, status: 400, code: 10001},
		{method: "DELETE", path: "A/workers/scripts/w"},
		{method: "DELETE", path: "A/workers/scripts/w", status: 404, code: 10007},
	})
	if len(c.versions.rows) != 1 || len(c.store.blobs) != 1 {
		t.Errorf("%d versions and %d blobs, want only those of sw", len(c.versions.rows), len(c.store.blobs))
	}
}

func TestScriptCode(t *testing.T) {
	c := open(t, Options{})
	c.script("w")
	g := c.must("GET", "A/workers/scripts/w", nil)
	_, params, err := mime.ParseMediaType(g.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := multipart.NewReader(strings.NewReader(g.Raw), params["boundary"]).ReadForm(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	file, err := f.File["index.js"][0].Open()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	buf := make([]byte, len(worker)+1)
	n, _ := file.Read(buf)
	if string(buf[:n]) != worker {
		t.Errorf("the code came back as %q", buf[:n])
	}
}

func TestContentAndWorkers(t *testing.T) {
	c := open(t, Options{})
	if g := c.upload("w", map[string]any{"bindings": []any{map[string]string{"type": "plain_text", "name": "V", "text": "x"}},
		"tail_consumers": []any{map[string]string{"service": "tailer"}}}); g.Status != 200 {
		t.Fatal(g.Raw)
	}
	c.script("other")
	body, kind := form(t, map[string]any{"main_module": "index.js"}, "export default { fetch() {} }")
	c.run([]step{
		{name: "new code", method: "PUT", path: "A/workers/scripts/w/content", body: body, header: []string{"Content-Type", kind}, want: map[string]any{"handlers": []any{"fetch"}}},
		{name: "old settings", method: "GET", path: "A/workers/scripts/w/settings", want: map[string]any{"bindings.0.name": "V", "compatibility_date": "2026-10-01"}},
		{name: "whose logs come here", method: "GET", path: "A/workers/tails/by-consumer/tailer", want: map[string]any{"0.producer.script": "w", "1": nil}},
		{name: "nobody's", method: "GET", path: "A/workers/tails/by-consumer/w", want: map[string]any{"0": nil}},
		{method: "GET", path: "A/workers/workers?per_page=1&page=2", want: map[string]any{"0.name": "w", "1": nil}},
		{method: "DELETE", path: "A/workers/workers/w"},
		{name: "gone", method: "DELETE", path: "A/workers/workers/w", status: 404, code: 10007},
	})
}

func TestBadUploads(t *testing.T) {
	c := open(t, Options{})
	bind := func(fields ...string) map[string]any {
		b := map[string]string{"name": "B"}
		for i := 0; i < len(fields); i += 2 {
			b[fields[i]] = fields[i+1]
		}
		return map[string]any{"bindings": []any{b}}
	}
	for name, test := range map[string]struct {
		extra map[string]any
		code  int
	}{
		"no such module":     {map[string]any{"main_module": "x.js"}, 10021},
		"no main":            {map[string]any{"main_module": ""}, 10021},
		"bad date":           {map[string]any{"compatibility_date": "soon"}, 10021},
		"nameless binding":   {map[string]any{"bindings": []any{map[string]string{"type": "ai"}}}, 10021},
		"two of one name":    {map[string]any{"bindings": []any{map[string]string{"type": "ai", "name": "A"}, map[string]string{"type": "ai", "name": "A"}}}, 10021},
		"d1 without id":      {bind("type", "d1"), 10021},
		"d1":                 {bind("type", "d1", "id", newUUID()), 10181},
		"kv":                 {bind("type", "kv_namespace", "namespace_id", newID()), 10041},
		"r2":                 {bind("type", "r2_bucket", "bucket_name", "nope"), 10085},
		"queue":              {bind("type", "queue", "queue_name", "nope"), 11000},
		"service":            {bind("type", "service", "service", "nope"), 10144},
		"class":              {bind("type", "durable_object_namespace", "class_name", "Counter"), 10061},
		"class of a script":  {bind("type", "durable_object_namespace", "class_name", "Counter", "script_name", "nope"), 10061},
		"inherit":            {bind("type", "inherit"), 10057},
		"too many tags":      {map[string]any{"tags": strings.Split("abcdefghijk", "")}, 10099},
		"comma in tag":       {map[string]any{"tags": []string{"a,b"}}, 10099},
		"wrong completion":   {map[string]any{"assets": map[string]any{"jwt": "x"}}, 10021},
		"old tag of nothing": {map[string]any{"migrations": map[string]any{"old_tag": "v1", "new_tag": "v2"}}, 10079},
	} {
		if g := c.upload("w", test.extra); g.code() != test.code {
			t.Errorf("%s: got %d %s, want code %d", name, g.Status, g.Raw, test.code)
		}
	}
	if diff := cmp.Diff(0, c.Count()["worker"]); diff != "" {
		t.Errorf("scripts that failed exist (-want +got):\n%s", diff)
	}
	if n := len(c.doNamespaces.rows); n != 0 {
		t.Errorf("%d classes of scripts that failed exist", n)
	}
}

func TestBindings(t *testing.T) {
	c := open(t, Options{})
	kv := c.must("POST", "A/storage/kv/namespaces", `{"title":"x"}`).text("id")
	bindings := []any{
		map[string]string{"type": "kv_namespace", "name": "KV", "namespace_id": kv},
		map[string]string{"type": "secret_text", "name": "S", "text": "x"},
		map[string]string{"type": "service", "name": "SELF", "service": "w"},
	}
	if g := c.upload("w", map[string]any{"bindings": bindings}); g.Status != 200 {
		t.Fatal(g.Raw)
	}
	inherit := []any{map[string]string{"type": "inherit", "name": "KV2", "old_name": "KV"}}
	if g := c.upload("w", map[string]any{"bindings": inherit, "keep_bindings": []string{"secret_text"}}); g.Status != 200 {
		t.Fatal(g.Raw)
	}
	c.run([]step{{name: "inherited and kept", method: "GET", path: "A/workers/scripts/w/settings",
		want: map[string]any{"bindings.0.name": "KV2", "bindings.0.namespace_id": kv, "bindings.1.name": "S", "bindings.2": nil}}})
}

func TestServiceBindingsGuard(t *testing.T) {
	c := open(t, Options{})
	c.script("target")
	if g := c.upload("user", map[string]any{"bindings": []any{map[string]string{"type": "service", "name": "T", "service": "target"}}}); g.Status != 200 {
		t.Fatal(g.Raw)
	}
	c.run([]step{
		{method: "GET", path: "A/workers/scripts/target/references", want: map[string]any{"services.incoming.0.service": "user", "services.outgoing": []any{}}},
		{name: "needed", method: "DELETE", path: "A/workers/scripts/target", status: 400, code: 10142},
		{name: "forced", method: "DELETE", path: "A/workers/services/target?force=true"},
		{name: "the binding is gone", method: "GET", path: "A/workers/scripts/user/settings", want: map[string]any{"bindings": []any{}}},
		{name: "missing", method: "DELETE", path: "A/workers/services/target", status: 404, code: 10090},
	})
}

func TestDurableObjects(t *testing.T) {
	c := open(t, Options{})
	first := map[string]any{"migrations": map[string]any{"new_tag": "v1", "steps": []any{map[string]any{"new_sqlite_classes": []string{"Counter"}}}},
		"bindings": []any{map[string]string{"type": "durable_object_namespace", "name": "C", "class_name": "Counter"}}}
	if g := c.upload("w", first); g.Status != 200 {
		t.Fatal(g.Raw)
	}
	const list = "A/workers/durable_objects/namespaces"
	c.run([]step{
		{method: "GET", path: list, want: map[string]any{"0.class": "Counter", "0.script": "w", "0.name": "w_Counter", "0.use_sqlite": true}, keep: map[string]string{"n": "0.id"}},
		{method: "GET", path: list + "/{n}/objects", want: map[string]any{"0": nil}},
		{method: "GET", path: list + "/x/objects", status: 404, code: 10066},
		{method: "GET", path: "A/workers/scripts/w/settings", want: map[string]any{"migration_tag": "v1"}},
	})
	remote := []any{map[string]string{"type": "durable_object_namespace", "name": "C", "class_name": "Counter", "script_name": "w"}}
	if g := c.upload("user", map[string]any{"bindings": remote}); g.Status != 200 {
		t.Fatal(g.Raw)
	}
	c.run([]step{
		{method: "GET", path: "A/workers/scripts/w/references", want: map[string]any{"durable_objects.0.service": "user", "services.incoming": []any{}}},
		{name: "another's objects are here", method: "DELETE", path: "A/workers/scripts/w", status: 400, code: 10142},
		{method: "DELETE", path: "A/workers/scripts/user"},
	})
	if g := c.upload("w", first); g.Status != 412 || g.code() != 10079 || !strings.Contains(g.Raw, "when expected tag is ''") {
		t.Errorf("the same migration again: %d %s", g.Status, g.Raw)
	}
	second := map[string]any{"migrations": map[string]any{"old_tag": "v1", "new_tag": "v2", "steps": []any{
		map[string]any{"renamed_classes": []any{map[string]string{"from": "Counter", "to": "Tally"}}},
		map[string]any{"deleted_classes": []string{"Nope"}}}}}
	if g := c.upload("w", second); g.code() != 10074 {
		t.Errorf("deleting an absent class: %s", g.Raw)
	}
	c.run([]step{{name: "nothing was renamed", method: "GET", path: list, want: map[string]any{"0.class": "Counter"}}})
	third := map[string]any{"migrations": map[string]any{"old_tag": "v1", "new_tag": "v2", "renamed_classes": []any{map[string]string{"from": "Counter", "to": "Tally"}}}}
	if g := c.upload("w", third); g.Status != 200 {
		t.Errorf("renaming: %s", g.Raw)
	}
	c.run([]step{
		{method: "GET", path: list, want: map[string]any{"0.class": "Tally", "0.name": "w_Tally"}},
		{method: "DELETE", path: "A/workers/scripts/w"},
		{method: "GET", path: list, want: map[string]any{"0": nil}},
	})
}

func TestVersions(t *testing.T) {
	c := open(t, Options{})
	c.script("w")
	first := c.must("GET", "A/workers/scripts/w/deployments", nil).text("deployments.0.versions.0.version_id")
	body, kind := form(t, map[string]any{"main_module": "index.js", "annotations": map[string]string{"workers/tag": "t"}}, worker)
	c.run([]step{
		{method: "POST", path: "A/workers/scripts/w/versions?bindings_inherit=strict", body: body, header: []string{"Content-Type", kind}, keep: map[string]string{"v": "id"},
			want: map[string]any{"number": 2, "annotations.workers/tag": "t", "resources.bindings": []any{}, "metadata.has_preview": false}},
		{name: "of nothing", method: "POST", path: "A/workers/scripts/nope/versions", body: body, header: []string{"Content-Type", kind}, status: 404, code: 10007},
		{name: "newest first", method: "GET", path: "A/workers/scripts/w/versions?deployable=true", want: map[string]any{"items.0.id": "{v}", "items.1.id": first, "items.2": nil}},
		{name: "the second page", method: "GET", path: "A/workers/scripts/w/versions?page=2&per_page=1", want: map[string]any{"items.0.id": first, "items.1": nil}},
		{name: "past the end", method: "GET", path: "A/workers/scripts/w/versions?page=3&per_page=1", want: map[string]any{"items": []any{}}},
		{method: "GET", path: "A/workers/scripts/w/versions/{v}", want: map[string]any{"id": "{v}"}},
		{name: "missing", method: "GET", path: "A/workers/scripts/w/versions/nope", status: 404, code: 100146},
		{name: "secrets need a deployed version", method: "PUT", path: "A/workers/scripts/w/secrets", body: `{"name":"K","text":"x","type":"secret_text"}`, status: 400, code: 10215},
		{name: "half", method: "POST", path: "A/workers/scripts/w/deployments", body: `{"strategy":"percentage","versions":[{"version_id":"{v}","percentage":50}]}`, status: 400, code: 10013},
		{name: "unknown", method: "POST", path: "A/workers/scripts/w/deployments", body: `{"strategy":"percentage","versions":[{"version_id":"x","percentage":100}]}`, status: 404, code: 100146},
		{method: "POST", path: "A/workers/scripts/w/deployments", body: `{"strategy":"percentage","versions":[{"version_id":"{v}","percentage":100}],"annotations":{"workers/message":"m"}}`,
			keep: map[string]string{"d": "id"}, want: map[string]any{"annotations.workers/message": "m", "source": "api"}},
		{method: "GET", path: "A/workers/scripts/w/deployments", want: map[string]any{"deployments.0.id": "{d}", "deployments.0.versions.0.version_id": "{v}", "deployments.1.versions.0.version_id": first}},
		{method: "GET", path: "A/workers/scripts/w/deployments/{d}", want: map[string]any{"id": "{d}"}},
		{name: "new secret, not deployed", method: "PATCH", path: "A/workers/workers/w/versions/latest", body: `{"env":{"K":{"type":"secret_text","text":"x"}}}`, want: map[string]any{"number": 3, "resources.bindings.0.name": "K"}},
	})
}

func TestSecrets(t *testing.T) {
	c := open(t, Options{})
	c.script("w")
	const p = "A/workers/scripts/w/secrets"
	c.run([]step{
		{name: "of nothing", method: "PUT", path: "A/workers/scripts/nope/secrets", body: `{"name":"K","text":"x","type":"secret_text"}`, status: 404, code: 10007},
		{method: "PUT", path: p, body: `{"name":"K","text":"hush","type":"secret_text"}`, want: map[string]any{"name": "K", "type": "secret_text", "text": nil}},
		{name: "again", method: "PUT", path: p, body: `{"name":"K","text":"hush2","type":"secret_text"}`},
		{method: "GET", path: p, want: map[string]any{"0": map[string]any{"name": "K", "type": "secret_text"}, "1": nil}},
		{method: "GET", path: p + "/K", want: map[string]any{"name": "K"}},
		{name: "no type", method: "PUT", path: p, body: `{"name":"K"}`, status: 400, code: 10013},
		{name: "bulk", method: "PATCH", path: p + "-bulk", body: `{"secrets":{"K":null,"B":{"name":"B","text":"y","type":"secret_text"},"A":{"type":"secret_text","text":"z"}}}`, header: []string{"Content-Type", "application/merge-patch+json"}},
		{method: "GET", path: p, want: map[string]any{"0.name": "A", "1.name": "B", "2": nil}},
		{method: "DELETE", path: p + "/A?url_encoded=true"},
		{name: "gone", method: "DELETE", path: p + "/A", status: 404, code: 10056},
		{name: "each is a deployed version", method: "GET", path: "A/workers/scripts/w/deployments", want: map[string]any{"deployments.4.source": "api", "deployments.5": nil}},
	})
	for k, v := range c.store.blobs {
		if strings.Contains(string(v), "hush") {
			t.Errorf("a secret's value is in blob %s", k)
		}
	}
}

func TestSettings(t *testing.T) {
	c := open(t, Options{})
	c.script("w")
	const p = "A/workers/scripts/w/settings"
	part := "--b\r\nContent-Disposition: form-data; name=\"settings\"\r\n\r\n{\"bindings\":[{\"type\":\"plain_text\",\"name\":\"V\",\"text\":\"1\"}],\"logpush\":true}\r\n--b--\r\n"
	c.run([]step{
		{name: "JSON", method: "PATCH", path: p, body: `{}`, header: []string{"Content-Type", "application/json"}, status: 400, code: 10001},
		{method: "PATCH", path: p, body: part, header: []string{"Content-Type", "multipart/form-data; boundary=b"},
			want: map[string]any{"bindings.0.name": "V", "logpush": true, "compatibility_date": "2026-10-01"}},
		{method: "PATCH", path: "A/workers/scripts/w/script-settings", body: `{"tags":["x"],"observability":{"enabled":true}}`, want: map[string]any{"tags.0": "x", "observability.enabled": true, "logpush": true}},
		{method: "GET", path: "A/workers/scripts/w/script-settings", want: map[string]any{"tags.0": "x"}},
		{name: "bad tag", method: "PATCH", path: "A/workers/scripts/w/script-settings", body: `{"tags":["a&b"]}`, status: 400, code: 10099},
		{method: "GET", path: p, want: map[string]any{"bindings.0.text": "1", "tags.0": "x", "observability.enabled": true}},
	})
}

func TestTriggers(t *testing.T) {
	c := open(t, Options{})
	c.script("w")
	c.script("v")
	zone := c.zoneID("example.com")
	c.must("POST", "Z/workers/routes", `{"pattern":"example.com/old","script":"w"}`)
	c.must("POST", "Z/workers/routes", `{"pattern":"example.com/v","script":"v"}`)
	const w = "A/workers/scripts/w"
	c.run([]step{
		{method: "PUT", path: w + "/schedules", body: `[{"cron":"*/5 * * * *"}]`, want: map[string]any{"schedules.0.cron": "*/5 * * * *"}},
		{name: "replaced", method: "PUT", path: w + "/schedules", body: `[]`, want: map[string]any{"schedules": []any{}}},
		{name: "bad cron", method: "PUT", path: w + "/schedules", body: `[{"cron":"often"}]`, status: 400, code: 10100},
		{method: "GET", path: w + "/schedules", want: map[string]any{"schedules": []any{}}},
		{method: "POST", path: w + "/subdomain", body: `{"enabled":true}`, want: map[string]any{"enabled": true, "previews_enabled": true}},
		{method: "POST", path: w + "/subdomain", body: `{"enabled":true,"previews_enabled":false}`, want: map[string]any{"enabled": true, "previews_enabled": false}},
		{method: "DELETE", path: w + "/subdomain", want: map[string]any{"enabled": false}},
		{method: "GET", path: w + "/subdomain", want: map[string]any{"enabled": false}},
		{name: "all routes", method: "PUT", path: w + "/routes", body: `[{"pattern":"example.com/a/*","zone_name":"example.com"},{"pattern":"*.example.com/*"}]`, want: map[string]any{"0.pattern": "example.com/a/*", "1.zone_id": zone}},
		{name: "another's", method: "PUT", path: w + "/routes", body: `[{"pattern":"example.com/v"}]`, status: 409, code: 10020},
		{name: "the old one is gone", method: "GET", path: "Z/workers/routes", want: map[string]any{"0.pattern": "*.example.com/*", "1.pattern": "example.com/a/*", "2.script": "v", "3": nil}},
		{name: "changeset", method: "POST", path: w + "/domains/changeset?replace_state=true", body: `[{"hostname":"a.example.com"}]`, want: map[string]any{"added.0.hostname": "a.example.com", "updated": []any{}}},
		{method: "PUT", path: w + "/domains/records", body: `{"override_scope":true,"origins":[{"hostname":"a.example.com"}]}`, want: map[string]any{"0.hostname": "a.example.com", "0.service": "w"}},
		{name: "another's domain", method: "PUT", path: "A/workers/scripts/v/domains/records", body: `{"origins":[{"hostname":"a.example.com"}]}`, status: 409, code: 100116},
		{name: "it would change", method: "POST", path: "A/workers/scripts/v/domains/changeset", body: `[{"hostname":"a.example.com"}]`, want: map[string]any{"updated.0.modified": true, "updated.0.service": "w", "added": []any{}}},
		{name: "taken by force", method: "PUT", path: "A/workers/scripts/v/domains/records", body: `{"override_existing_origin":true,"origins":[{"hostname":"a.example.com"}]}`},
		{method: "POST", path: "Z/dns_records", body: `{"type":"A","name":"b","content":"192.0.2.1"}`},
		{name: "conflict", method: "POST", path: w + "/domains/changeset", body: `[{"hostname":"b.example.com"}]`, want: map[string]any{"conflicting.0.hostname": "b.example.com"}},
		{name: "record in the way", method: "PUT", path: w + "/domains/records", body: `{"origins":[{"hostname":"b.example.com"}]}`, status: 409, code: 100117},
		{name: "record replaced", method: "PUT", path: w + "/domains/records", body: `{"override_scope":true,"override_existing_dns_record":true,"origins":[{"hostname":"b.example.com"}]}`},
		{name: "scope", method: "PUT", path: "A/workers/scripts/v/domains/records", body: `{"override_scope":true,"origins":[]}`},
		{method: "GET", path: "A/workers/domains", want: map[string]any{"0.hostname": "b.example.com", "1": nil}},
	})
}

func TestSubdomains(t *testing.T) {
	second := "fedcba9876543210fedcba9876543210"
	c := open(t, Options{Accounts: []Account{{ID: acct, Name: "One"}, {ID: second, Name: "Two"}}})
	c.run([]step{
		{method: "PUT", path: "A/workers/subdomain", body: `{"subdomain":"mine"}`, want: map[string]any{"subdomain": "mine"}},
		{name: "taken", method: "PUT", path: "accounts/" + second + "/workers/subdomain", body: `{"subdomain":"mine"}`, status: 409, code: 10036},
		{name: "available is a refusal too", method: "GET", path: "A/workers/subdomains/other", status: 404, code: 10032},
		{method: "GET", path: "A/workers/subdomains/mine", status: 409, code: 10031},
		{method: "DELETE", path: "A/workers/subdomain"},
		{method: "GET", path: "A/workers/subdomain", status: 404, code: 10007},
	})
	if g := c.upload("w", nil); g.code() != 10063 {
		t.Errorf("upload without a subdomain: %s", g.Raw)
	}
}

func TestAssets(t *testing.T) {
	c := open(t, Options{})
	h1, h2 := strings.Repeat("a", 32), strings.Repeat("b", 32)
	manifest := map[string]any{"manifest": map[string]any{"/x": map[string]any{"hash": h1, "size": 2}, "/y": map[string]any{"hash": h2, "size": 2}}}
	g := c.must("POST", "A/workers/scripts/w/assets-upload-session", manifest)
	if diff := cmp.Diff([]any{[]any{h1, h2}}, g.field("buckets")); diff != "" {
		t.Fatalf("buckets (-want +got):\n%s", diff)
	}
	put := func(hash, jwt string) got {
		body := "--b\r\nContent-Disposition: form-data; name=\"" + hash + "\"; filename=\"" + hash + "\"\r\n\r\n" + base64.StdEncoding.EncodeToString([]byte("hi")) + "\r\n--b--\r\n"
		return c.do("POST", "A/workers/assets/upload?base64=true", body, "Authorization", "Bearer "+jwt, "Content-Type", "multipart/form-data; boundary=b")
	}
	session := g.text("jwt")
	if g := put(h1, "wrong"); g.Status != 403 {
		t.Errorf("wrong token: %d", g.Status)
	}
	if g := put(strings.Repeat("c", 32), session); g.Status != 400 {
		t.Errorf("a file that is not in the manifest: %d", g.Status)
	}
	if g := put(h1, session); g.Status != 202 || g.text("jwt") != "" {
		t.Errorf("first file: %d %s", g.Status, g.Raw)
	}
	if g := c.upload("w", map[string]any{"assets": map[string]any{"jwt": session}}); g.code() != 10021 {
		t.Errorf("upload before all files have come: %s", g.Raw)
	}
	last := put(h2, session)
	if last.Status != 201 || last.text("jwt") == "" {
		t.Fatalf("last file: %d %s", last.Status, last.Raw)
	}
	if g := c.upload("w", map[string]any{"assets": map[string]any{"jwt": last.text("jwt")}}); g.field("has_assets") != true {
		t.Errorf("upload: %s", g.Raw)
	}
	again := c.must("POST", "A/workers/scripts/w/assets-upload-session", manifest)
	if diff := cmp.Diff([]any{}, again.field("buckets")); diff != "" {
		t.Errorf("known files are asked for again (-want +got):\n%s", diff)
	}
	if g := c.upload("w", map[string]any{"assets": map[string]any{"jwt": again.text("jwt")}}); g.field("has_assets") != true {
		t.Errorf("upload with nothing new: %s", g.Raw)
	}
}

func TestWorkflows(t *testing.T) {
	c := open(t, Options{})
	c.script("w")
	c.run([]step{
		{name: "missing", method: "GET", path: "A/workflows/f", status: 404, code: 10200},
		{name: "unknown script", method: "PUT", path: "A/workflows/f", body: `{"script_name":"nope","class_name":"F"}`, status: 500, code: 10001},
		{name: "no class", method: "PUT", path: "A/workflows/f", body: `{"script_name":"w"}`, status: 400, code: 10002},
		{method: "PUT", path: "A/workflows/f", body: `{"script_name":"w","class_name":"F"}`, keep: map[string]string{"f": "id"}, want: map[string]any{"name": "f", "is_deleted": 0}},
		{name: "upsert", method: "PUT", path: "A/workflows/f", body: `{"script_name":"w","class_name":"G"}`, want: map[string]any{"id": "{f}", "class_name": "G"}},
		{method: "GET", path: "A/workflows/f", want: map[string]any{"class_name": "G", "instances.running": 0}},
		{method: "GET", path: "A/workflows?search=f", want: map[string]any{"0.name": "f", "1": nil}},
		{method: "DELETE", path: "A/workflows/f", want: map[string]any{"status": "ok", "success": true}},
		{method: "DELETE", path: "A/workflows/f", status: 404, code: 10200},
	})
}

package kinds_test

import (
	"bytes"
	"errors"
	"fmt"
	"mime/multipart"
	"net/textproto"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/emulator"
	"github.com/cfboot/cfboot/provision/state"
)

// deploy uploads a Worker by hand, as wrangler deploy does, with further fields
// of the metadata.
func (w *world) deploy(t testing.TB, script, metadata string) {
	t.Helper()
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	part := func(name, file, kind, content string) {
		h := textproto.MIMEHeader{"Content-Disposition": {fmt.Sprintf(`form-data; name=%q%s`, name, file)}, "Content-Type": {kind}}
		p, err := form.CreatePart(h)
		if err == nil {
			_, err = p.Write([]byte(content))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if metadata != "" {
		metadata = ", " + metadata
	}
	part("metadata", "", "application/json", `{"main_module": "deployed.js", "compatibility_date": "2026-01-01"`+metadata+`}`)
	part("deployed.js", `; filename="deployed.js"`, "application/javascript+module",
		"export class Room {}\nexport default { async fetch() { return new Response('deployed') }, async queue() {} }")
	if err := form.Close(); err != nil {
		t.Fatal(err)
	}
	w.send(t, "PUT", "accounts/"+account+"/workers/scripts/"+script, form.FormDataContentType(), b.Bytes())
}

func (w *world) code(t testing.TB, script string) string {
	return string(w.call(t, "GET", "accounts/"+account+"/workers/scripts/"+script, ""))
}

func entries(t testing.TB, w *world) map[provision.Key]provision.Entry {
	t.Helper()
	st, _, err := state.Read(w.path)
	if err != nil {
		t.Fatal(err)
	}
	return st.Entries
}

const oneWorker = `"app": {"kind": "worker"}`

func TestADeployedWorkerIsNeverOverwritten(t *testing.T) {
	t.Run("there before the plan", func(t *testing.T) {
		w := newWorld(t)
		w.deploy(t, "shop", "")
		p := w.plan(t, oneWorker, false)
		if len(p.Conflicts) != 1 {
			t.Fatalf("no conflict: %s", show(p))
		}
		if err := w.apply(t, p); err == nil {
			t.Error("it was applied")
		}
		if !strings.Contains(w.code(t, "shop"), "deployed") {
			t.Error("the code is gone")
		}
	})
	t.Run("deployed after the plan was saved", func(t *testing.T) {
		w := newWorld(t)
		p := w.plan(t, oneWorker, false)
		w.deploy(t, "shop", "")
		var exists *provision.ExistsError
		if err := w.apply(t, p); !errors.As(err, &exists) {
			t.Errorf("%v", err)
		}
		if !strings.Contains(w.code(t, "shop"), "deployed") {
			t.Error("the code is gone")
		}
		if st, _, err := state.Read(w.path); err != nil || len(st.Entries)+len(st.Intents) != 0 {
			t.Errorf("the state claims it: %+v %v", st, err)
		}
	})
	t.Run("ours, deployed since", func(t *testing.T) {
		w := newWorld(t)
		w.reach(t, oneWorker, "worker/app", provision.Create)
		w.deploy(t, "shop", `"tags": ["cf:service=shop"]`)
		if p := w.plan(t, oneWorker, false); !p.Empty() {
			t.Errorf("there is something to do: %s", show(p))
		}
		destroy(t, w)
	})
}

func TestAHostThatWasTakenSinceThePlan(t *testing.T) {
	const resources = oneWorker + `, "site": {"kind": "domain", "hostname": "www", "worker": "app"}`
	w := newWorld(t)
	p := w.plan(t, resources, false)
	w.deploy(t, "blog", "")
	w.call(t, "PUT", "accounts/"+account+"/workers/domains", `{"hostname":"www.shop.example","service":"blog","zone_id":"`+w.zone+`"}`)
	err := w.apply(t, p)
	if err == nil || !strings.Contains(err.Error(), "belongs to blog") {
		t.Errorf("%v", err)
	}
	if b := w.call(t, "GET", "accounts/"+account+"/workers/domains?hostname=www.shop.example", ""); !strings.Contains(string(b), `"service":"blog"`) {
		t.Errorf("it was taken over: %s", b)
	}
}

// stores is a project whose Worker uses one of everything.
const stores = oneWorker + `,
	"mail": {"kind": "worker"},
	"db": {"kind": "d1", "binding": "DB"}, "cache": {"kind": "kv", "binding": "CACHE"}, "files": {"kind": "r2", "binding": "FILES"},
	"jobs": {"kind": "queue", "binding": "JOBS", "consumer": {"worker": "app", "dead_letter_queue": "dead"}}, "dead": {"kind": "queue"},
	"site": {"kind": "domain", "hostname": "@", "worker": "app"}, "api": {"kind": "route", "pattern": "api/*", "worker": "app"}`

func (w *world) deployBound(t testing.TB) {
	t.Helper()
	id := func(kind, name string) string { return entries(t, w)[provision.Key{Kind: kind, Name: name}].ID }
	w.deploy(t, "shop", fmt.Sprintf(`"bindings": [
		{"type":"d1","name":"DB","id":%q}, {"type":"kv_namespace","name":"CACHE","namespace_id":%q}, {"type":"r2_bucket","name":"FILES","bucket_name":"shop-files"},
		{"type":"queue","name":"JOBS","queue_name":"shop-jobs"}, {"type":"service","name":"MAIL","service":"shop-mail"}]`, id("d1", "db"), id("kv", "cache")))
}

func TestADeployedWorkerGoesBeforeItsStores(t *testing.T) {
	w := newWorld(t)
	w.reach(t, stores, "worker/app", provision.Create)
	w.deployBound(t)
	if p := w.plan(t, stores, false); !p.Empty() {
		t.Fatalf("after a deploy there is something to do: %s", show(p))
	}
	idJobs := idOf(t, w, "queue/jobs")
	w.server.ResetRequests()
	destroy(t, w)
	at := func(path string) int {
		re := regexp.MustCompile(path)
		i := slices.IndexFunc(w.server.Requests(), func(r emulator.Request) bool { return r.Method == "DELETE" && re.MatchString(r.Path) })
		if i < 0 {
			t.Fatalf("%s was not deleted", path)
		}
		return i
	}
	worker := at("/workers/scripts/shop$")
	for _, store := range []string{"/d1/database/", "/storage/kv/", "/r2/buckets/", "/queues/" + idJobs + "$", "/workers/scripts/shop-mail$"} {
		if at(store) < worker {
			t.Errorf("%s went before the Worker that uses it", store)
		}
	}
	if at("/consumers/") > worker {
		t.Error("the Worker went before its consumer")
	}
	for _, r := range w.server.Requests() {
		if r.Method == "DELETE" && r.Status >= 300 {
			t.Errorf("%s %s was refused with %d", r.Method, r.Path, r.Code)
		}
		if r.Method == "DELETE" && strings.Contains(r.Query, "force") {
			t.Errorf("%s was forced", r.Path)
		}
	}
}

// The script and the queue see for a while what is gone already.
func TestDeletesWaitForWhatLags(t *testing.T) {
	w := newWorld(t)
	w.reach(t, stores, "worker/app", provision.Create)
	w.deployBound(t)
	w.server.Fail(emulator.Failure{Method: "DELETE", Path: "scripts/shop$", Status: 400, Code: 10064, Count: 2})
	w.server.Fail(emulator.Failure{Method: "DELETE", Path: `queues/[0-9a-f]+$`, Status: 400, Code: 11005, Count: 2})
	destroy(t, w)
}

const room = `"bindings": [{"type":"durable_object_namespace","name":"ROOM","class_name":"Room"}], "migrations": {"new_tag": "v1", "new_sqlite_classes": ["Room"]}`

func TestDurableObjectsAreGuarded(t *testing.T) {
	for _, needsForce := range []bool{false, true} {
		t.Run(fmt.Sprintf("needs force %v", needsForce), func(t *testing.T) {
			w := newWorld(t)
			w.reach(t, oneWorker, "worker/app", provision.Create)
			w.deploy(t, "shop", room)
			p := w.plan(t, "", true)
			if s := stepOf(t, p, "worker/app"); s.Consent != provision.DeleteDataOf("shop") || s.Data != "the storage of the Durable Objects Room" {
				t.Fatalf("%+v", s)
			}
			w.server.ResetRequests()
			w.allow = false
			var refused *provision.Problem
			if err := w.apply(t, p); !errors.As(err, &refused) || refused.Class != provision.Refused || len(w.server.Requests()) != 0 {
				t.Fatalf("without consent: %v", err)
			}
			w.allow = true
			if needsForce {
				w.server.Fail(emulator.Failure{Method: "DELETE", Path: "scripts/shop$", Status: 400, Code: 10061})
			}
			if err := w.apply(t, p); err != nil {
				t.Fatal(err)
			}
			forced := slices.ContainsFunc(w.server.Requests(), func(r emulator.Request) bool { return strings.Contains(r.Query, "force=true") })
			if forced != needsForce {
				t.Errorf("forced: %v", forced)
			}
			if n := w.server.Count()["worker"]; n != 0 {
				t.Errorf("%d Workers are left", n)
			}
		})
	}
}

// Consent to lose one's own storage is none to break another's Worker.
func TestForceTakesNothingOutOfOthers(t *testing.T) {
	w := newWorld(t)
	w.reach(t, oneWorker, "worker/app", provision.Create)
	w.deploy(t, "shop", room)
	w.deploy(t, "foreign", `"bindings": [{"type":"service","name":"SHOP","service":"shop"}]`)
	err := w.apply(t, w.plan(t, "", true))
	var p *provision.Problem
	if !errors.As(err, &p) || !slices.ContainsFunc(p.Hints, func(h string) bool { return strings.Contains(h, "service binding") }) {
		t.Errorf("%v %+v", err, p)
	}
	for _, r := range w.server.Requests() {
		if strings.Contains(r.Query, "force") {
			t.Errorf("%s %s?%s", r.Method, r.Path, r.Query)
		}
	}
	// A name that changes replaces the Worker: the same guard.
	if s := stepOf(t, w.plan(t, `"app": {"kind": "worker", "name": "other"}`, false), "worker/app"); s.Action != provision.Replace || s.Consent == "" {
		t.Errorf("%+v", s)
	}
}

// A deploy makes routes and domains anew, under other ids.
func TestRoutesAndDomainsWithNewIDs(t *testing.T) {
	w := newWorld(t)
	w.reach(t, stores, "worker/app", provision.Create)
	route, domain := idOf(t, w, "route/api"), idOf(t, w, "domain/site")
	w.call(t, "DELETE", "zones/"+w.zone+"/workers/routes/"+route, "")
	w.call(t, "POST", "zones/"+w.zone+"/workers/routes", `{"pattern":"api.shop.example/*","script":"shop"}`)
	w.call(t, "DELETE", "accounts/"+account+"/workers/domains/"+domain, "")
	w.call(t, "PUT", "accounts/"+account+"/workers/domains", `{"hostname":"shop.example","service":"shop","zone_id":"`+w.zone+`"}`)
	queue, consumer, _ := strings.Cut(idOf(t, w, "consumer/jobs"), "/")
	w.call(t, "DELETE", "accounts/"+account+"/queues/"+queue+"/consumers/"+consumer, "")
	w.call(t, "POST", "accounts/"+account+"/queues/"+queue+"/consumers", `{"type":"worker","script_name":"shop","dead_letter_queue":"shop-dead"}`)
	p := w.plan(t, stores, false)
	for a, n := range p.Changes() {
		if a == provision.Create || a == provision.Replace || a == provision.Delete || len(p.Conflicts) > 0 {
			t.Fatalf("%d times %s: %s", n, a, show(p))
		}
	}
	if p.Calls() != 0 {
		t.Errorf("%d calls to do: %s", p.Calls(), show(p))
	}
	destroy(t, w)
}

func TestConflictsNameTheOwner(t *testing.T) {
	w := newWorld(t)
	w.deploy(t, "blog", "")
	w.call(t, "POST", "zones/"+w.zone+"/workers/routes", `{"pattern":"api.shop.example/*","script":"blog"}`)
	w.call(t, "PUT", "accounts/"+account+"/workers/domains", `{"hostname":"shop.example","service":"blog","zone_id":"`+w.zone+`"}`)
	w.call(t, "POST", "zones/"+w.zone+"/dns_records", `{"type":"A","name":"www","content":"192.0.2.9"}`)
	p := w.plan(t, oneWorker+`, "site": {"kind": "domain", "hostname": "@", "worker": "app"}, "api": {"kind": "route", "pattern": "api/*", "worker": "app"},
		"www": {"kind": "domain", "hostname": "www", "worker": "app"}`, false)
	said := map[string]string{}
	for _, c := range p.Conflicts {
		said[c.Key.String()] = c.Text
	}
	for key, want := range map[string]string{"domain/site": "belongs to blog", "route/api": "belongs to blog", "domain/www": `has a A record already ("192.0.2.9")`} {
		if !strings.Contains(said[key], want) {
			t.Errorf("%s: %q", key, said[key])
		}
	}
	// A queue of ours that another Worker has come to read.
	w.reach(t, `"jobs": {"kind": "queue"}`, "queue/jobs", provision.Create)
	w.call(t, "POST", "accounts/"+account+"/queues/"+idOf(t, w, "queue/jobs")+"/consumers", `{"type":"worker","script_name":"blog"}`)
	p = w.plan(t, oneWorker+`, "jobs": {"kind": "queue", "consumer": {"worker": "app"}}`, false)
	if len(p.Conflicts) != 1 || !strings.Contains(p.Conflicts[0].Text, "blog") {
		t.Errorf("conflicts: %+v", p.Conflicts)
	}
}

// What another Worker's consumer is was not made by a run of ours that was cut
// off, however young it is.
func TestAForeignConsumerIsNoneThatWasBegun(t *testing.T) {
	const resources = oneWorker + `, "jobs": {"kind": "queue", "consumer": {"worker": "app"}}`
	w := newWorld(t)
	w.reach(t, oneWorker+`, "jobs": {"kind": "queue"}`, "queue/jobs", provision.Create)
	store, err := state.Open(w.path, state.Options{Project: "shop", Environment: provision.Production, Account: account})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range desired(t, resources) {
		if r.Key.Kind != "consumer" {
			continue
		}
		if err := store.Begin(provision.Intent{Key: r.Key, Name: r.Name, Settings: r.Settings, Local: r.Local, Refs: r.Refs, Run: store.Run(), Time: time.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	w.deploy(t, "blog", "")
	w.call(t, "POST", "accounts/"+account+"/queues/"+idOf(t, w, "queue/jobs")+"/consumers", `{"type":"worker","script_name":"blog"}`)
	if p := w.plan(t, resources, false); len(p.Conflicts) != 1 || !strings.Contains(p.Conflicts[0].Text, "blog") {
		t.Errorf("no conflict: %s", show(p))
	}
}

package kinds_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/emulator"
	"github.com/cfboot/cfboot/provision/kinds"
	"github.com/cfboot/cfboot/provision/state"
	"github.com/google/go-cmp/cmp"
)

// The contract that every kind keeps, played against the emulator: made, found
// unchanged, changed, found unchanged, drift seen and mended or recorded, made
// again when gone, found again when the answer was lost, a stranger's thing left alone,
// replaced, destroyed without a trace. A kind joins it by the example that it
// carries; one that takes more, because it stands on others or is made by PUT,
// has a case of its own in cases. A kind with neither fails TestEveryKindTakesPart.

// A contractCase is one kind's part in the contract.
type contractCase struct {
	key      string                                  // the resource under test
	before   string                                  // resources of the manifest
	after    string                                  // the same, with one setting of it changed in place
	change   string                                  // that setting
	replace  string                                  // with a setting changed that cannot be changed in place; empty: none
	create   string                                  // path of the call that makes it, as a regular expression
	method   string                                  // of that call; empty: POST
	drift    func(t *testing.T, w *world, id string) // changes it behind our back; nil: nothing can be
	stranger func(t *testing.T, w *world)            // makes what stands in the way
	remove   func(t *testing.T, w *world, id string) // deletes it behind our back
	namesake bool                                    // what stranger makes is in nobody's way
}

var cases = map[string]contractCase{
	"d1": {
		key:     "d1/db",
		before:  `"db": {"kind": "d1", "binding": "DB", "location_hint": "weur"}`,
		after:   `"db": {"kind": "d1", "binding": "DB", "location_hint": "enam", "read_replication": "auto"}`,
		change:  "read_replication",
		replace: `"db": {"kind": "d1", "binding": "DB", "jurisdiction": "eu"}`,
		create:  `/d1/database$`,
		drift: func(t *testing.T, w *world, id string) {
			w.call(t, "PATCH", "accounts/"+account+"/d1/database/"+id, `{"read_replication":{"mode":"disabled"}}`)
		},
		stranger: func(t *testing.T, w *world) {
			w.call(t, "POST", "accounts/"+account+"/d1/database", `{"name":"shop-db"}`)
		},
		remove: func(t *testing.T, w *world, id string) {
			w.call(t, "DELETE", "accounts/"+account+"/d1/database/"+id, "")
		},
	},
	"kv": {
		key:     "kv/cache",
		before:  `"cache": {"kind": "kv", "binding": "CACHE"}`,
		after:   `"cache": {"kind": "kv", "binding": "CACHE", "name": "shop-cached"}`,
		change:  "name",
		replace: `"cache": {"kind": "kv", "binding": "CACHE", "jurisdiction": "eu"}`,
		create:  `/storage/kv/namespaces$`,
		drift: func(t *testing.T, w *world, id string) {
			w.call(t, "PUT", "accounts/"+account+"/storage/kv/namespaces/"+id, `{"title":"renamed by hand"}`)
		},
		stranger: func(t *testing.T, w *world) {
			w.call(t, "POST", "accounts/"+account+"/storage/kv/namespaces", `{"title":"shop-cache"}`)
		},
		remove: func(t *testing.T, w *world, id string) {
			w.call(t, "DELETE", "accounts/"+account+"/storage/kv/namespaces/"+id, "")
		},
	},
	"r2": {
		key:     "r2/files",
		before:  `"files": {"kind": "r2", "binding": "FILES", "cors": [{"allowed_origins": ["https://a.example"], "allowed_methods": ["GET"]}], "lifecycle": [{"id": "old", "prefix": "tmp/", "delete_after_days": 7}]}`,
		after:   `"files": {"kind": "r2", "binding": "FILES", "cors": [{"allowed_origins": ["https://b.example"], "allowed_methods": ["GET", "PUT"], "max_age_seconds": 60}], "lifecycle": [{"id": "old", "prefix": "tmp/", "delete_after_days": 7}]}`,
		change:  "cors",
		replace: `"files": {"kind": "r2", "binding": "FILES", "jurisdiction": "eu"}`,
		create:  `/r2/buckets$`,
		drift: func(t *testing.T, w *world, id string) {
			w.call(t, "PUT", "accounts/"+account+"/r2/buckets/"+id+"/lifecycle", `{"rules":[]}`)
			w.call(t, "DELETE", "accounts/"+account+"/r2/buckets/"+id+"/cors", "")
		},
		stranger: func(t *testing.T, w *world) {
			w.call(t, "POST", "accounts/"+account+"/r2/buckets", `{"name":"shop-files"}`)
		},
		remove: func(t *testing.T, w *world, id string) {
			w.call(t, "DELETE", "accounts/"+account+"/r2/buckets/"+id, "")
		},
	},
	"queue": {
		key:    "queue/jobs",
		before: `"jobs": {"kind": "queue", "binding": "JOBS"}`,
		after:  `"jobs": {"kind": "queue", "binding": "JOBS", "delivery_delay": 5}`,
		change: "delivery_delay",
		create: `/queues$`,
		drift: func(t *testing.T, w *world, id string) {
			w.call(t, "PATCH", "accounts/"+account+"/queues/"+id, `{"settings":{"delivery_delay":60}}`)
		},
		stranger: func(t *testing.T, w *world) {
			w.call(t, "POST", "accounts/"+account+"/queues", `{"queue_name":"shop-jobs"}`)
		},
		remove: func(t *testing.T, w *world, id string) { w.call(t, "DELETE", "accounts/"+account+"/queues/"+id, "") },
	},
	"consumer": {
		key:     "consumer/jobs",
		before:  `"app": {"kind": "worker"}, "failed": {"kind": "queue"}, "jobs": {"kind": "queue", "consumer": {"worker": "app", "batch_size": 5, "dead_letter_queue": "failed"}}`,
		after:   `"app": {"kind": "worker"}, "failed": {"kind": "queue"}, "jobs": {"kind": "queue", "consumer": {"worker": "app", "batch_size": 7, "dead_letter_queue": "failed"}}`,
		change:  "batch_size",
		replace: `"app": {"kind": "worker"}, "other": {"kind": "worker"}, "failed": {"kind": "queue"}, "jobs": {"kind": "queue", "consumer": {"worker": "other", "batch_size": 5, "dead_letter_queue": "failed"}}`,
		create:  `/consumers$`,
		drift: func(t *testing.T, w *world, id string) {
			queue, consumer, _ := strings.Cut(id, "/")
			w.call(t, "PUT", "accounts/"+account+"/queues/"+queue+"/consumers/"+consumer, `{"type":"worker","script_name":"shop","settings":{"batch_size":50}}`)
		},
		remove: func(t *testing.T, w *world, id string) {
			queue, consumer, _ := strings.Cut(id, "/")
			w.call(t, "DELETE", "accounts/"+account+"/queues/"+queue+"/consumers/"+consumer, "")
		},
	},
	"dns": {
		key:     "dns/www",
		before:  `"www": {"kind": "dns", "type": "CNAME", "name": "www", "content": "@", "proxied": true}`,
		after:   `"www": {"kind": "dns", "type": "CNAME", "name": "www", "content": "@", "proxied": false, "ttl": 300}`,
		change:  "proxied",
		replace: `"www": {"kind": "dns", "type": "AAAA", "name": "www", "content": "100::", "proxied": true}`,
		create:  `/dns_records$`,
		drift: func(t *testing.T, w *world, id string) {
			w.call(t, "PATCH", "zones/"+w.zone+"/dns_records/"+id, `{"content":"elsewhere.example"}`)
		},
		stranger: func(t *testing.T, w *world) {
			w.call(t, "POST", "zones/"+w.zone+"/dns_records", `{"type":"CNAME","name":"www","content":"shop.example","ttl":1,"proxied":true}`)
		},
		remove: func(t *testing.T, w *world, id string) { w.call(t, "DELETE", "zones/"+w.zone+"/dns_records/"+id, "") },
	},
	"route": {
		key:     "route/site",
		before:  `"app": {"kind": "worker"}, "other": {"kind": "worker"}, "site": {"kind": "route", "pattern": "@/*", "worker": "app"}`,
		after:   `"app": {"kind": "worker"}, "other": {"kind": "worker"}, "site": {"kind": "route", "pattern": "@/*", "worker": "other"}`,
		change:  "worker",
		replace: `"app": {"kind": "worker"}, "other": {"kind": "worker"}, "site": {"kind": "route", "pattern": "@/app/*", "worker": "app"}`,
		create:  `/workers/routes$`,
		drift: func(t *testing.T, w *world, id string) {
			w.call(t, "PUT", "zones/"+w.zone+"/workers/routes/"+id, `{"pattern":"shop.example/*"}`)
		},
		stranger: func(t *testing.T, w *world) {
			w.call(t, "POST", "zones/"+w.zone+"/workers/routes", `{"pattern":"shop.example/*"}`)
		},
		remove: func(t *testing.T, w *world, id string) {
			w.call(t, "DELETE", "zones/"+w.zone+"/workers/routes/"+id, "")
		},
	},
	"domain": {
		key:     "domain/site",
		before:  `"app": {"kind": "worker"}, "other": {"kind": "worker"}, "site": {"kind": "domain", "hostname": "app", "worker": "app"}`,
		after:   `"app": {"kind": "worker"}, "other": {"kind": "worker"}, "site": {"kind": "domain", "hostname": "app", "worker": "other"}`,
		change:  "worker",
		replace: `"app": {"kind": "worker"}, "other": {"kind": "worker"}, "site": {"kind": "domain", "hostname": "my", "worker": "app"}`,
		create:  `/workers/domains$`,
		method:  "PUT",
		drift: func(t *testing.T, w *world, id string) {
			w.call(t, "PUT", "accounts/"+account+"/workers/domains", `{"hostname":"app.shop.example","service":"shop","zone_id":"`+w.zone+`","environment":"production"}`)
		},
		remove: func(t *testing.T, w *world, id string) {
			w.call(t, "DELETE", "accounts/"+account+"/workers/domains/"+id, "")
		},
	},
	"worker": {
		key:    "worker/app",
		before: `"app": {"kind": "worker"}`,
		create: `/workers/scripts/shop$`,
		method: "PUT",
		remove: func(t *testing.T, w *world, id string) {
			w.call(t, "DELETE", "accounts/"+account+"/workers/scripts/"+id, "")
		},
	},
}

func TestEveryKindTakesPart(t *testing.T) {
	for _, k := range kinds.All() {
		if _, ok := contract()[k.Name]; !ok {
			t.Errorf("the kind %s takes no part in the contract: give it an example", k.Name)
		}
	}
}

// contract is the cases above and one for each example.
func contract() map[string]contractCase {
	all := maps.Clone(cases)
	for _, k := range kinds.All() {
		if _, ok := all[k.Name]; !ok && k.Example.Made != "" {
			all[k.Name] = played(k)
		}
	}
	return all
}

// played makes a case of an example. What happens behind our back is done by a
// second client, for a project of another name.
func played(k kinds.Kind) contractCase {
	object := func(settings string) string {
		if settings == "" {
			return ""
		}
		return fmt.Sprintf(`"it": {"kind": %q, %s`, k.Name, strings.TrimPrefix(strings.TrimSpace(settings), "{"))
	}
	c := contractCase{key: k.Name + "/it", before: object(k.Example.Made), after: object(k.Example.Changed), change: k.Example.Setting,
		replace: object(k.Example.Replaced), create: ".", namesake: k.Namesakes}
	other := func(t *testing.T, w *world) (*kinds.Client, provision.Step) {
		client, err := kinds.Connect(kinds.Connection{Secrets: passwords, Token: w.token, Account: account, BaseURL: w.http.URL + "/client/v4", Project: "other"})
		if err != nil {
			t.Fatal(err)
		}
		r := desired(t, c.before)[0]
		return client, provision.Step{Key: r.Key, Name: r.Name, Settings: r.Settings}
	}
	if c.after != "" {
		c.drift = func(t *testing.T, w *world, id string) {
			client, s := other(t, w)
			s.Action, s.ID = provision.Update, id
			s.Changes = []provision.Change{{Setting: c.change, New: s.Settings[c.change]}}
			if err := client.Update(t.Context(), s, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	c.stranger = func(t *testing.T, w *world) {
		client, s := other(t, w)
		if _, err := client.Create(t.Context(), s, nil); err != nil {
			t.Fatal(err)
		}
	}
	c.remove = func(t *testing.T, w *world, id string) {
		client, s := other(t, w)
		s.Action, s.ID = provision.Delete, id
		if err := client.Delete(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func TestContract(t *testing.T) {
	for name, c := range contract() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			t.Run("life", func(t *testing.T) { t.Parallel(); life(t, c) })
			t.Run("lost answer", func(t *testing.T) { t.Parallel(); lostAnswer(t, name, c) })
			t.Run("gone", func(t *testing.T) { t.Parallel(); gone(t, c) })
			t.Run("gone since the plan", func(t *testing.T) { t.Parallel(); goneSince(t, c) })
			t.Run("lost delete", func(t *testing.T) { t.Parallel(); lostDelete(t, c) })
			t.Run("more than is known", func(t *testing.T) { t.Parallel(); moreThanIsKnown(t, c) })
			t.Run("refreshed", func(t *testing.T) { t.Parallel(); refreshed(t, c) })
			t.Run("resumed", func(t *testing.T) { t.Parallel(); resumed(t, name, c) })
			switch {
			case c.namesake:
				t.Run("namesake", func(t *testing.T) { t.Parallel(); namesake(t, c) })
			case c.stranger != nil:
				t.Run("stranger", func(t *testing.T) { t.Parallel(); stranger(t, c) })
			}
			if c.replace != "" {
				t.Run("replace", func(t *testing.T) { t.Parallel(); replace(t, c) })
			}
		})
	}
}

func life(t *testing.T, c contractCase) {
	w := newWorld(t)
	w.reach(t, c.before, c.key, provision.Create)
	now := c.before
	if c.after != "" {
		s := w.reach(t, c.after, c.key, provision.Update)
		if !slices.ContainsFunc(s.Changes, func(ch provision.Change) bool { return ch.Setting == c.change && !ch.Drift }) {
			t.Errorf("the plan does not say that %s changes: %+v", c.change, s.Changes)
		}
		now = c.after
	}
	if c.drift != nil {
		c.drift(t, w, idOf(t, w, c.key))
		s := w.reach(t, now, c.key, provision.Update)
		if !slices.ContainsFunc(s.Changes, func(ch provision.Change) bool { return ch.Drift }) {
			t.Errorf("the plan does not say that this was changed elsewhere: %+v", s.Changes)
		}
	}
	if c.after != "" {
		// The setting left out again goes back to what it was.
		w.reach(t, c.before, c.key, provision.Update)
	}
	destroy(t, w)
}

func destroy(t *testing.T, w *world) {
	t.Helper()
	p := w.plan(t, "", true)
	if err := w.apply(t, p); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]int{}, w.left()); diff != "" {
		t.Errorf("left behind (-want +got):\n%s", diff)
	}
	if again := w.plan(t, "", true); !again.Empty() {
		t.Errorf("a second destroy finds something: %s", show(again))
	}
}

func lostAnswer(t *testing.T, name string, c contractCase) {
	w := newWorld(t)
	method := c.method
	if method == "" {
		method = "POST"
	}
	w.server.Fail(emulator.Failure{Method: method, Path: c.create, Count: 1, After: true, Drop: true})
	p := w.plan(t, c.before, false)
	if err := w.apply(t, p); err != nil {
		t.Fatal(err)
	}
	if n := w.server.Count()[name]; n != countIn(desired(t, c.before), name) {
		t.Errorf("%d of kind %s exist", n, name)
	}
	if again := w.plan(t, c.before, false); !again.Empty() {
		t.Fatalf("after apply there is still something to do: %s", show(again))
	}
	destroy(t, w)
}

func countIn(rs []provision.Resource, kind string) (n int) {
	for _, r := range rs {
		if r.Key.Kind == kind {
			n++
		}
	}
	return n
}

// resumed: the run that made it died before it could write the id down.
func resumed(t *testing.T, name string, c contractCase) {
	w := newWorld(t)
	if err := w.apply(t, w.plan(t, c.before, false)); err != nil {
		t.Fatal(err)
	}
	store, err := state.Open(w.path, state.Options{Project: "shop", Environment: provision.Production, Account: account})
	if err != nil {
		t.Fatal(err)
	}
	k, _ := provision.ParseKey(c.key)
	e := store.State().Entries[k]
	intent := provision.Intent{Key: e.Key, Name: e.Name, Zone: e.Zone, Settings: e.Settings, Local: e.Local, Refs: e.Refs, Run: store.Run(), Time: e.Created.Add(-time.Second)}
	if err := store.Begin(intent); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	before := w.server.Count()
	w.reach(t, c.before, c.key, provision.Adopt)
	if diff := cmp.Diff(before, w.server.Count()); diff != "" {
		t.Errorf("resuming made or removed something (-before +after):\n%s", diff)
	}
	destroy(t, w)
}

func gone(t *testing.T, c contractCase) {
	w := newWorld(t)
	w.reach(t, c.before, c.key, provision.Create)
	c.remove(t, w, idOf(t, w, c.key))
	w.reach(t, c.before, c.key, provision.Create)
	c.remove(t, w, idOf(t, w, c.key))
	destroy(t, w)
}

// goneSince: what somebody deletes after the plan was made counts as deleted.
func goneSince(t *testing.T, c contractCase) {
	w := newWorld(t)
	w.reach(t, c.before, c.key, provision.Create)
	p := w.plan(t, "", true)
	c.remove(t, w, idOf(t, w, c.key))
	if err := w.apply(t, p); err != nil {
		t.Fatal(err)
	}
	destroy(t, w)
}

// lostDelete: a delete whose answer is lost was carried out all the same.
func lostDelete(t *testing.T, c contractCase) {
	w := newWorld(t)
	w.reach(t, c.before, c.key, provision.Create)
	w.server.Fail(emulator.Failure{Method: "DELETE", After: true, Drop: true, Count: 1})
	destroy(t, w)
}

// moreThanIsKnown: fields and values that nobody has heard of yet are no change.
func moreThanIsKnown(t *testing.T, c contractCase) {
	w := newWorld(t)
	w.reach(t, c.before, c.key, provision.Create)
	w.http.Close()
	w.http = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rec := httptest.NewRecorder()
		w.server.ServeHTTP(rec, r)
		var answer any
		body := rec.Body.Bytes()
		if json.Unmarshal(body, &answer) == nil {
			body, _ = json.Marshal(enriched(answer))
		}
		rw.Header().Set("Content-Type", rec.Header().Get("Content-Type"))
		rw.WriteHeader(rec.Code)
		_, _ = rw.Write(body)
	}))
	if p := w.plan(t, c.before, false); !p.Empty() {
		t.Errorf("there is something to do: %s", show(p))
	}
	destroy(t, w)
}

// enriched puts into every object of an answer what a later version of the API
// may say in it.
func enriched(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = enriched(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = enriched(v[k])
		}
		v["generation"] = 7.0
		v["deprecated_since"] = "2027-01-01"
		v["flavour"] = map[string]any{"of": []any{"a", nil, true}}
	}
	return v
}

// refreshed: what somebody did to it is shown, and recorded as it is.
func refreshed(t *testing.T, c contractCase) {
	w := newWorld(t)
	now := c.before
	if c.after != "" {
		now = c.after
	}
	w.reach(t, now, c.key, provision.Create)
	if c.drift != nil {
		c.drift(t, w, idOf(t, w, c.key))
		leftAlone(t, w, now, c.key)
		s := w.accept(t, now, c.key)
		if s.Action != provision.Update || !slices.ContainsFunc(s.Changes, func(ch provision.Change) bool { return ch.Drift }) {
			t.Errorf("a change is shown as %+v", s)
		}
		s = stepOf(t, w.plan(t, now, false), c.key)
		if s.Action == provision.Keep || slices.ContainsFunc(s.Changes, func(ch provision.Change) bool { return ch.Drift || ch.Local }) {
			t.Errorf("accepted, it is no ordinary difference: %+v", s)
		}
		w.reach(t, now, c.key, s.Action)
	}
	c.remove(t, w, idOf(t, w, c.key))
	if s := w.accept(t, now, c.key); s.Action != provision.Delete || !s.Gone {
		t.Errorf("what is gone is shown as %+v", s)
	}
	if id := idOf(t, w, c.key); id != "" {
		t.Errorf("what is gone is recorded as %s", id)
	}
	if s := w.reach(t, now, c.key, provision.Create); s.Reason != stepOf(t, newWorld(t).plan(t, now, false), c.key).Reason {
		t.Errorf("forgotten, it is no ordinary create: %s", s.Reason)
	}
	destroy(t, w)
}

// leftAlone checks that nothing is to be done about what is ignored.
func leftAlone(t *testing.T, w *world, resources, key string) {
	t.Helper()
	rs := desired(t, resources)
	i := slices.IndexFunc(rs, func(r provision.Resource) bool { return r.Key.String() == key })
	for _, d := range w.refreshOf(t, rs).Drift {
		if len(d.Settings) != len(d.Ignorable) {
			return // the name, or what the manifest says in another resource's object
		}
		rs[i].Ignore = append(rs[i].Ignore, d.Ignorable...)
	}
	if p := w.refreshOf(t, rs); !p.Empty() {
		t.Errorf("ignored, it is drift: %s", show(p))
	}
	if p := w.planOf(t, w.client(t), rs, false); !p.Empty() || p.Drift != nil {
		t.Errorf("ignored, there is something to do: %s", show(p))
	}
}

// accept checks that nothing has drifted but one key, records that, and checks
// that nothing was sent and nothing is left to record.
func (w *world) accept(t *testing.T, resources, key string) provision.Step {
	t.Helper()
	p := w.refresh(t, resources)
	var drifted []string
	for _, s := range p.Steps {
		if s.Action != provision.Keep {
			drifted = append(drifted, s.Key.String())
		}
	}
	if diff := cmp.Diff([]string{key}, drifted); diff != "" || len(p.Drift) != 1 || len(p.Conflicts) > 0 {
		t.Fatalf("drifted (-want +got):\n%s%s", diff, show(p))
	}
	before := len(w.server.Requests())
	if err := w.apply(t, p); err != nil {
		t.Fatal(err)
	}
	for _, r := range w.server.Requests()[before:] {
		if r.Method != "GET" {
			t.Errorf("%s %s was sent", r.Method, r.Path)
		}
	}
	if again := w.refresh(t, resources); !again.Empty() || again.Drift != nil {
		t.Fatalf("accepted, there is still drift: %s", show(again))
	}
	return stepOf(t, p, key)
}

// refresh compares what is recorded with what is there, as a new process would.
func (w *world) refresh(t *testing.T, resources string) provision.Plan {
	t.Helper()
	return w.refreshOf(t, desired(t, resources))
}

func (w *world) refreshOf(t *testing.T, rs []provision.Resource) provision.Plan {
	t.Helper()
	st, _, err := state.Read(w.path)
	if err != nil {
		t.Fatal(err)
	}
	p, err := provision.NewRefresh(t.Context(), w.client(t), kindTraits, rs, st)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func stranger(t *testing.T, c contractCase) {
	w := newWorld(t)
	c.stranger(t, w)
	before := w.server.Count()
	p := w.plan(t, c.before, false)
	if len(p.Conflicts) != 1 || p.Conflicts[0].Key.String() != c.key {
		t.Fatalf("no conflict: %s", show(p))
	}
	if err := w.apply(t, p); err == nil {
		t.Fatal("a plan with a conflict was applied")
	}
	if diff := cmp.Diff(before, w.server.Count()); diff != "" {
		t.Errorf("something was touched (-before +after):\n%s", diff)
	}
}

// namesake: what others call the same is neither in the way nor touched.
func namesake(t *testing.T, c contractCase) {
	w := newWorld(t)
	c.stranger(t, w)
	before := w.server.Resources()
	w.reach(t, c.before, c.key, provision.Create)
	if c.after != "" {
		w.reach(t, c.after, c.key, provision.Update)
	}
	if err := w.apply(t, w.plan(t, "", true)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, w.server.Resources()); diff != "" || len(before) != 1 {
		t.Errorf("others' resources changed (-before +after):\n%s", diff)
	}
}

func replace(t *testing.T, c contractCase) {
	w := newWorld(t)
	w.reach(t, c.before, c.key, provision.Create)
	old := idOf(t, w, c.key)
	w.reach(t, c.replace, c.key, provision.Replace)
	if id := idOf(t, w, c.key); id == old && id != nameOf(t, w, c.key) {
		t.Errorf("it still has the id %s", id)
	}
	destroy(t, w)
}

func nameOf(t *testing.T, w *world, key string) string {
	t.Helper()
	st, _, err := state.Read(w.path)
	if err != nil {
		t.Fatal(err)
	}
	k, _ := provision.ParseKey(key)
	return st.Entries[k].Name
}

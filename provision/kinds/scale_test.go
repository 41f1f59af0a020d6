package kinds_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/emulator"
)

// crowd is how many of each kind others have in the account.
const crowd = 10_000

// seed fills the account with what is not ours.
func seed(t testing.TB, w *world, n int) {
	t.Helper()
	for i := range n {
		w.call(t, "POST", "accounts/"+account+"/storage/kv/namespaces", fmt.Sprintf(`{"title":"foreign-%05d"}`, i))
		w.call(t, "POST", "accounts/"+account+"/queues", fmt.Sprintf(`{"queue_name":"foreign-%05d"}`, i))
		w.call(t, "POST", "accounts/"+account+"/d1/database", fmt.Sprintf(`{"name":"foreign-%05d"}`, i))
	}
	type record struct {
		Type    string `json:"type"`
		Name    string `json:"name"`
		Content string `json:"content"`
	}
	for lo := 0; lo < n; lo += 3000 {
		var posts []record
		for i := lo; i < min(lo+3000, n); i++ {
			posts = append(posts, record{"A", fmt.Sprintf("foreign-%05d", i), "192.0.2.1"})
		}
		b, err := json.Marshal(map[string]any{"posts": posts})
		if err != nil {
			t.Fatal(err)
		}
		w.call(t, "POST", "zones/"+w.zone+"/dns_records/batch", string(b))
	}
	w.server.ResetRequests()
}

// ten of each kind of ours.
func ten() string {
	var out []string
	for i := range 10 {
		out = append(out, fmt.Sprintf(`"c%d": {"kind": "kv"}, "q%d": {"kind": "queue"}, "d%d": {"kind": "d1"}, "h%d": {"kind": "dns", "type": "A", "name": "h%d", "content": "192.0.2.1"}`, i, i, i, i, i))
	}
	return strings.Join(out, ", ")
}

// calls counts the requests of a plan by what they ask.
func calls(w *world) (n map[string]int) {
	n = map[string]int{}
	for _, r := range w.server.Requests() {
		switch {
		case strings.HasSuffix(r.Path, "/storage/kv/namespaces"):
			n["kv list"]++
		case strings.Contains(r.Path, "/storage/kv/"):
			n["kv"]++
		case strings.HasSuffix(r.Path, "/queues"):
			n["queue by name"]++
		case strings.Contains(r.Path, "/queues/"):
			n["queue"]++
		case strings.HasSuffix(r.Path, "/d1/database"):
			n["d1 list"]++
		case strings.Contains(r.Path, "/d1/"):
			n["d1"]++
		case strings.HasSuffix(r.Path, "/dns_records"):
			n["dns by name"]++
		case strings.Contains(r.Path, "/dns_records/"):
			n["dns"]++
		case strings.HasSuffix(r.Path, "/zones"):
			n["zone"]++
		default:
			n[r.Path]++
		}
	}
	return n
}

func TestALargeAccountCostsNoMore(t *testing.T) {
	n := crowd
	if testing.Short() {
		n = crowd / 10
	}
	w := newWorld(t)
	seed(t, w, n)
	resources := ten()

	p := w.plan(t, resources, false)
	if p.Changes()[provision.Create] != 40 || len(p.Conflicts) > 0 {
		t.Fatal(show(p))
	}
	got := calls(w)
	if got["kv list"] > 5 { // halved, and shared by all ten
		t.Errorf("%d pages of namespaces were read", got["kv list"])
	}
	delete(got, "kv list")
	want := map[string]int{"queue by name": 10, "d1": 10, "dns by name": 10, "zone": 11} // each host might be a zone, and what they lie in
	equal(t, "a first plan", want, got)

	if err := w.apply(t, p); err != nil {
		t.Fatal(err)
	}
	w.server.ResetRequests()
	w.latency(t, 100)
	if p := w.plan(t, resources, false); !p.Empty() {
		t.Fatal(show(p))
	}
	w.latency(t, 0)
	equal(t, "a plan with nothing to do", map[string]int{"kv": 10, "queue": 10, "d1": 10, "dns": 10}, calls(w))
	if r := emulator.Rounds(w.server.Requests()); r > 2 { // 40 calls, 30 at once
		t.Errorf("a plan with nothing to do takes %d rounds", r)
	}
	w.server.ResetRequests()
	if p := w.plan(t, "", true); p.Changes()[provision.Delete] != 40 || len(w.server.Requests()) != 70 {
		t.Errorf("a plan to destroy takes %d calls: %v", len(w.server.Requests()), calls(w)) // each store is counted once: a look at its metrics, keys or tables
	}
}

func equal(t *testing.T, what string, want, got map[string]int) {
	t.Helper()
	for k, n := range want {
		if got[k] != n {
			t.Errorf("%s: %d calls for %s, want %d", what, got[k], k, n)
		}
	}
	for k, n := range got {
		if _, expected := want[k]; !expected {
			t.Errorf("%s: %d calls for %s, want none", what, n, k)
		}
	}
}

// Everything that was just made is invisible for a while to what stands on it.
func TestFreshResourcesLag(t *testing.T) {
	const lag = 300 * time.Millisecond
	w := newWorldWith(t, emulator.Options{Lag: lag})
	resources := stores + `, "www": {"kind": "dns", "type": "CNAME", "name": "www", "content": "@"},
		"replica": {"kind": "d1", "read_replication": "auto"},
		"rules": {"kind": "r2", "cors": [{"allowed_origins": ["https://a.example"], "allowed_methods": ["GET"]}], "lifecycle": [{"id": "a", "delete_after_days": 1}]}`
	time.Sleep(lag) // the zone is fresh, too
	p := w.plan(t, resources, false)
	if len(p.Conflicts) > 0 {
		t.Fatal(show(p))
	}
	if err := w.apply(t, p); err != nil {
		t.Fatal(err)
	}
	time.Sleep(lag)
	if p := w.plan(t, resources, false); !p.Empty() {
		t.Errorf("there is still something to do: %s", show(p))
	}
	refused := map[int]bool{}
	for _, r := range w.server.Requests() {
		if r.Method != "GET" && r.Code != 0 {
			refused[r.Code] = true
		}
	}
	if len(refused) < 3 {
		t.Errorf("nothing lagged: %v", refused)
	}
	destroy(t, w)
}

// A create whose answer was lost is not made twice because it is not seen yet.
func TestALostAnswerThatLags(t *testing.T) {
	for kind, path := range map[string]string{"kv": "/namespaces$", "d1": "/d1/database$", "queue": "/queues$"} {
		w := newWorldWith(t, emulator.Options{Lag: 15 * time.Millisecond})
		time.Sleep(15 * time.Millisecond)
		w.server.Fail(emulator.Failure{Method: "POST", Path: path, After: true, Drop: true})
		resources := `"x": {"kind": "` + kind + `"}`
		err := w.apply(t, w.plan(t, resources, false))
		time.Sleep(15 * time.Millisecond)
		if err != nil {
			w.reach(t, resources, kind+"/x", provision.Adopt)
		}
		if n := w.server.Count()[kind]; n != 1 {
			t.Errorf("%s: %d exist", kind, n)
		}
		if p := w.plan(t, resources, false); !p.Empty() {
			t.Errorf("%s: %s", kind, show(p))
		}
	}
}

func BenchmarkPlan(b *testing.B) {
	w := newWorld(b)
	seed(b, w, crowd)
	resources := desired(b, ten())
	plan := func(st provision.State) provision.Plan {
		p, err := provision.NewPlan(context.Background(), w.client(b), kindTraits, resources, st, false)
		if err != nil {
			b.Fatal(err)
		}
		return p
	}
	nothing := provision.State{Project: "shop", Environment: provision.Production, Account: account}
	b.Run("from nothing", func(b *testing.B) {
		for b.Loop() {
			plan(nothing)
		}
	})
	if err := w.apply(b, plan(nothing)); err != nil {
		b.Fatal(err)
	}
	st := provision.State{Project: "shop", Environment: provision.Production, Account: account, Entries: entries(b, w)}
	b.Run("nothing to do", func(b *testing.B) {
		for b.Loop() {
			if p := plan(st); !p.Empty() {
				b.Fatal(show(p))
			}
		}
	})
}

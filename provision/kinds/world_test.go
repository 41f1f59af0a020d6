package kinds_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cfboot/cfboot/e2e/record"
	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/emulator"
	"github.com/cfboot/cfboot/provision/kinds"
	"github.com/cfboot/cfboot/provision/manifest"
	"github.com/cfboot/cfboot/provision/state"
)

const (
	account = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	domain  = "shop.example"
	other   = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

// world is an emulated Cloudflare with a project in it.
type world struct {
	server *emulator.Server
	http   *httptest.Server
	path   string
	zone   string
	allow  bool // whatever a plan wants consent for
	token  string
	saved  map[string]string // backups, by real name
}

func newWorld(t testing.TB) *world {
	t.Helper()
	return newWorldWith(t, emulator.Options{})
}

// newWorldWith is newWorld with an emulator that behaves in a certain way.
func newWorldWith(t testing.TB, o emulator.Options) *world {
	t.Helper()
	if o.Accounts == nil {
		o.Accounts = []emulator.Account{{ID: account, Name: "Shop"}, {ID: other, Name: "Theirs"}}
	}
	if o.Zones == nil {
		o.Zones = []emulator.Zone{{Name: domain, Account: account}}
	}
	s, err := emulator.Open("", o)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{server: s, http: httptest.NewServer(record.Around("kinds", s)), path: filepath.Join(t.TempDir(), "state.json"), allow: true, token: "token-0123456789012345678901234567890123456"}
	t.Cleanup(func() { w.http.Close(); _ = s.Close() })
	var zones struct {
		Result []struct{ ID string }
	}
	if err := json.Unmarshal(w.call(t, "GET", "zones?name="+domain, ""), &zones); err != nil {
		t.Fatalf("zones: %v %v", zones, err)
	}
	if len(zones.Result) == 1 {
		w.zone = zones.Result[0].ID
	}
	return w
}

// passwords are what settings may name.
func passwords(variable string) (string, bool) {
	return "hunter2-canary", variable == "HYPERDRIVE_PASSWORD"
}

// byHand is the token of whoever else works in the account.
const byHand = "by-hand-0123456789012345678901234567890"

// call does something by hand, as the dashboard would.
func (w *world) call(t testing.TB, method, path, body string) []byte {
	t.Helper()
	return w.send(t, method, path, "application/json", []byte(body))
}

// send is call with a body of any type. It reaches the emulator without a
// connection, which is quicker for thousands.
func (w *world) send(t testing.TB, method, path, contentType string, body []byte) []byte {
	t.Helper()
	req := httptest.NewRequest(method, "/client/v4/"+path, bytes.NewReader(body))
	req.Header.Set("Authorization", "Bearer "+byHand)
	req.Header.Set("Content-Type", contentType)
	resp := httptest.NewRecorder()
	w.server.ServeHTTP(resp, req)
	if resp.Code >= 300 {
		t.Fatalf("%s %s: %d %s", method, path, resp.Code, resp.Body)
	}
	return resp.Body.Bytes()
}

// latency makes the emulator wait before each answer.
func (w *world) latency(t testing.TB, ms int) {
	t.Helper()
	resp := httptest.NewRecorder()
	w.server.ServeHTTP(resp, httptest.NewRequest("POST", "/__emulator/latency", strings.NewReader(fmt.Sprintf(`{"ms": %d}`, ms))))
	if resp.Code != 200 {
		t.Fatal(resp.Body)
	}
}

// put stores an object in a bucket of a jurisdiction.
func (w *world) put(t testing.TB, path, jurisdiction string) {
	t.Helper()
	req := httptest.NewRequest("PUT", "/client/v4/"+path, bytes.NewReader([]byte("x")))
	req.Header.Set("Authorization", "Bearer "+byHand)
	req.Header.Set("Cf-R2-Jurisdiction", jurisdiction)
	resp := httptest.NewRecorder()
	w.server.ServeHTTP(resp, req)
	if resp.Code >= 300 {
		t.Fatalf("PUT %s: %d %s", path, resp.Code, resp.Body)
	}
}

var kindTraits = kinds.Traits()

func (w *world) client(t testing.TB) *kinds.Client {
	t.Helper()
	c, err := kinds.Connect(kinds.Connection{Secrets: passwords, Token: w.token, Account: account, BaseURL: w.http.URL + "/client/v4",
		UserAgent: "cfboot/test", Project: "shop", Environment: provision.Production})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func desired(t testing.TB, resources string) []provision.Resource {
	t.Helper()
	src := fmt.Sprintf(`{"name": "shop", "domain": %q, "resources": {%s}}`, domain, resources)
	m, err := manifest.Parse("cfboot.jsonc", []byte(src), kinds.Catalog{})
	if err != nil {
		t.Fatalf("%s: %v", src, err)
	}
	d, err := m.Desired("", kinds.Catalog{})
	if err != nil {
		t.Fatal(err)
	}
	return d.Resources
}

// plan observes and compares, as a new process would.
func (w *world) plan(t testing.TB, resources string, destroy bool) provision.Plan {
	t.Helper()
	return w.planWith(t, w.client(t), resources, destroy)
}

func (w *world) planWith(t testing.TB, c *kinds.Client, resources string, destroy bool) provision.Plan {
	t.Helper()
	return w.planOf(t, c, desired(t, resources), destroy)
}

func (w *world) planOf(t testing.TB, c *kinds.Client, rs []provision.Resource, destroy bool) provision.Plan {
	t.Helper()
	st, exists, err := state.Read(w.path)
	if err != nil {
		t.Fatal(err)
	}
	if !exists {
		st = provision.State{Project: "shop", Environment: provision.Production}
	}
	st.Account = account
	p, err := provision.NewPlan(context.Background(), c, kinds.Traits(), rs, st, destroy)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (w *world) apply(t testing.TB, p provision.Plan) error {
	t.Helper()
	return w.applyWith(t, w.client(t), p)
}

func (w *world) applyWith(t testing.TB, c *kinds.Client, p provision.Plan) error {
	t.Helper()
	store, err := state.Open(w.path, state.Options{Project: "shop", Environment: provision.Production, Account: account})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	var allow []string
	if w.allow {
		allow = p.Consents()
	}
	_, err = provision.Apply(context.Background(), p, store.State(), kinds.Traits(), c, store, provision.Options{Lineage: store.Lineage,
		Run: store.Run(), Parallel: 16, Allow: allow, Confirm: p.ToConfirm(), Vault: w, Now: time.Now, Settle: 10 * time.Millisecond,
	})
	return err
}

// reach plans, checks what the plan says of one key, applies, and checks that
// nothing is left to do.
func (w *world) reach(t testing.TB, resources, key string, want provision.Action) provision.Step {
	t.Helper()
	c := w.client(t) // one, as in cfboot apply
	p := w.planWith(t, c, resources, false)
	s := stepOf(t, p, key)
	if s.Action != want {
		t.Fatalf("%s: the plan says %s, want %s: %+v %+v", key, s.Action, want, s, p.Conflicts)
	}
	before := len(w.server.Requests())
	if err := w.applyWith(t, c, p); err != nil {
		t.Fatal(err)
	}
	if sent := len(w.server.Requests()) - before; sent != p.Calls() {
		t.Errorf("the plan promised %d calls, and %d were sent", p.Calls(), sent)
	}
	for _, again := range []provision.Plan{w.planWith(t, c, resources, false), w.plan(t, resources, false)} {
		if !again.Empty() {
			t.Fatalf("after apply there is still something to do: %s", show(again))
		}
	}
	return s
}

// Keep makes a world a Vault.
func (w *world) Keep(name string, write func(io.Writer) error) (string, error) {
	var b strings.Builder
	if err := write(&b); err != nil {
		return "", err
	}
	if w.saved == nil {
		w.saved = map[string]string{}
	}
	w.saved[name] = b.String()
	return name, nil
}

func stepOf(t testing.TB, p provision.Plan, key string) provision.Step {
	t.Helper()
	for _, s := range p.Steps {
		if s.Key.String() == key {
			return s
		}
	}
	t.Fatalf("the plan does not speak of %s: %s", key, show(p))
	return provision.Step{}
}

func show(p provision.Plan) string {
	b, _ := json.MarshalIndent(p, "", " ")
	return string(b)
}

func idOf(t testing.TB, w *world, key string) string {
	t.Helper()
	st, _, err := state.Read(w.path)
	if err != nil {
		t.Fatal(err)
	}
	k, _ := provision.ParseKey(key)
	return st.Entries[k].ID
}

// state is what is owned.
func (w *world) state(t testing.TB) provision.State {
	t.Helper()
	st, _, err := state.Read(w.path)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// calm ends what goes wrong.
func (w *world) calm(t testing.TB) {
	t.Helper()
	resp := httptest.NewRecorder()
	w.server.ServeHTTP(resp, httptest.NewRequest("POST", "/__emulator/reset", nil))
	if resp.Code >= 300 {
		t.Fatal(resp.Body)
	}
}

func (w *world) left() map[string]int {
	n := w.server.Count()
	for k, v := range n {
		if v == 0 {
			delete(n, k)
		}
	}
	return n
}

package kinds_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/emulator"
	"github.com/cfboot/cfboot/provision/kinds"
)

const narrow = "narrow-0123456789012345678901234567890123"

// withToken is a world in which cfboot comes with a token of its own.
func withToken(t *testing.T, token emulator.Token, o emulator.Options) *world {
	t.Helper()
	token.Value = narrow
	o.Tokens = []emulator.Token{{Value: byHand}, token}
	w := newWorldWith(t, o)
	w.token = narrow
	return w
}

func newPlan(t *testing.T, w *world, resources string) (provision.Plan, error) {
	t.Helper()
	return provision.NewPlan(context.Background(), w.client(t), kindTraits, desired(t, resources), provision.State{Project: "shop", Environment: provision.Production, Account: account}, false)
}

// A token that can do nothing is named as what it is, and not as one that lacks
// a permission of every product.
func TestABadTokenIsNamedAsWhatItIs(t *testing.T) {
	ended := time.Date(2020, 2, 3, 4, 5, 0, 0, time.UTC)
	for _, tt := range []struct {
		name  string
		token emulator.Token
		use   string // the token that is sent, where it is another
		says  string
	}{
		{"unknown", emulator.Token{}, "unknown-012345678901234567890123456789012", "the API token is not valid"},
		{"malformed", emulator.Token{}, "in \"quotation marks\" 0123456789012345678", "the API token is not valid"},
		{"expired", emulator.Token{Expires: ended}, "", "the API token is expired, since 2020-02-03 04:05 UTC"},
		{"disabled", emulator.Token{Status: "disabled"}, "", "the API token is disabled"},
		{"from another address", emulator.Token{From: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}, "", "the API token may not be used from this machine's address"},
		{"expired, of an account", emulator.Token{Account: account, Expires: ended}, "", "the API token is expired"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := withToken(t, tt.token, emulator.Options{})
			if tt.use != "" {
				w.token = tt.use
			}
			_, err := newPlan(t, w, oneOfEach)
			p := problem(t, err)
			if p.Class != provision.Refused || !strings.HasPrefix(err.Error(), tt.says) || strings.Contains(strings.Join(p.Hints, "\n"), "permission") {
				t.Errorf("%d %v\n%s", p.Class, err, strings.Join(p.Hints, "\n"))
			}
			if len(p.Hints) == 0 || len(w.left()) > 0 || strings.Contains(err.Error(), w.token) {
				t.Errorf("hints %q, left %v", p.Hints, w.left())
			}
		})
	}
}

// A wrong account ID is refused everywhere as a path that there is not.
func TestAnAccountThatIsNotThere(t *testing.T) {
	w := newWorld(t)
	c, err := kinds.Connect(kinds.Connection{Token: w.token, Account: strings.Repeat("c", 32), BaseURL: w.http.URL + "/client/v4", Project: "shop", Environment: provision.Production})
	if err != nil {
		t.Fatal(err)
	}
	_, err = provision.NewPlan(context.Background(), c, kindTraits, desired(t, `"db": {"kind": "d1"}`), provision.State{}, false)
	if p := problem(t, err); p.Class != provision.Refused || !strings.Contains(err.Error(), "does not reach the account "+strings.Repeat("c", 32)) {
		t.Errorf("%d %v", p.Class, err)
	}
}

// What stands in the way of a product is shown beside all the rest of the plan,
// and nothing is made.
func TestProductsThatAreNotEnabled(t *testing.T) {
	without := func(products ...string) emulator.Options {
		return emulator.Options{Accounts: []emulator.Account{{ID: account, Name: "Shop", Without: products}}}
	}
	w := newWorldWith(t, without(emulator.ProductR2, emulator.ProductQueues))
	const resources = oneWorker + `, "db": {"kind": "d1"}, "files": {"kind": "r2"}, "more": {"kind": "r2"}, "jobs": {"kind": "queue", "consumer": {"worker": "app"}}`
	p := w.plan(t, resources, false)
	said := map[string]string{}
	for _, c := range p.Conflicts {
		said[c.Key.String()] = c.Text
	}
	for key, want := range map[string]string{"r2/files": "R2 is not enabled", "r2/more": "R2 is not enabled", "queue/jobs": "Queues is not enabled", "consumer/jobs": "Queues is not enabled"} {
		if !strings.Contains(said[key], want) {
			t.Errorf("%s: %q", key, said[key])
		}
	}
	if problem(t, p.ConflictProblem()).Class != provision.Refused || len(said) != 4 || p.Changes()[provision.Create] != 2 {
		t.Errorf("%+v", p)
	}
	// Of a bucket that is known to be there, it says nothing: that cannot be seen.
	w = newWorld(t)
	w.reach(t, `"files": {"kind": "r2"}`, "r2/files", provision.Create)
	if err := w.server.SetAccount(emulator.Account{ID: account, Without: []string{emulator.ProductR2}}); err != nil {
		t.Fatal(err)
	}
	st := provision.State{Account: account, Entries: entries(t, w)}
	for _, destroy := range []bool{false, true} {
		_, err := provision.NewPlan(context.Background(), w.client(t), kindTraits, desired(t, `"files": {"kind": "r2"}`), st, destroy)
		if p := problem(t, err); p.Class != provision.Refused || !strings.Contains(strings.Join(p.Hints, "\n"), "enable it once in the dashboard") {
			t.Errorf("destroy %v: %v", destroy, err)
		}
	}
}

// A limit that is reached midway stops what needs more, and nothing else.
func TestTheLimitOfDatabases(t *testing.T) {
	w := newWorldWith(t, emulator.Options{Accounts: []emulator.Account{{ID: account, Name: "Shop", Plan: emulator.PlanFree}}})
	for i := range 9 {
		w.call(t, "POST", "accounts/"+account+"/d1/database", fmt.Sprintf(`{"name":"theirs-%d"}`, i))
	}
	const resources = oneWorker + `, "one": {"kind": "d1"}, "two": {"kind": "d1"}, "cache": {"kind": "kv"}, "files": {"kind": "r2"}, "jobs": {"kind": "queue"}`
	err := w.apply(t, w.plan(t, resources, false))
	p := problem(t, err)
	if p.Class != provision.Partial || !strings.Contains(err.Error(), "the account has 10 D1 databases and may have no more") || !strings.Contains(strings.Join(p.Hints, "\n"), "delete one that is no longer used") {
		t.Errorf("%d %v %q", p.Class, err, p.Hints)
	}
	if left := w.left(); left["d1"] != 10 || left["kv"] != 1 || left["r2"] != 1 || left["queue"] != 1 || left["worker"] != 1 || len(entries(t, w)) != 5 {
		t.Errorf("%v, %d recorded", left, len(entries(t, w)))
	}
	// With room for it, the next run makes just that.
	if err := w.server.SetAccount(emulator.Account{ID: account, Plan: emulator.PlanPaid}); err != nil {
		t.Fatal(err)
	}
	again := w.plan(t, resources, false)
	if again.Changes()[provision.Create] != 1 {
		t.Fatal(show(again))
	}
	if err := w.apply(t, again); err != nil || !w.plan(t, resources, false).Empty() {
		t.Errorf("%v", err)
	}
	// Nothing but what has no room: nothing was done, and it is said as a refusal.
	w = newWorldWith(t, emulator.Options{Accounts: []emulator.Account{{ID: account, Name: "Shop", Plan: emulator.PlanFree}}})
	for i := range 10 {
		w.call(t, "POST", "accounts/"+account+"/d1/database", fmt.Sprintf(`{"name":"theirs-%d"}`, i))
	}
	if p := problem(t, w.apply(t, w.plan(t, `"one": {"kind": "d1"}`, false))); p.Class != provision.Refused {
		t.Errorf("%d %v", p.Class, p)
	}
}

// A permission that is taken away midway stops its branch; what stands on
// nothing of it is finished, and recorded.
func TestAPermissionIsLostMidway(t *testing.T) {
	w := newWorld(t)
	const resources = oneWorker + `, "db": {"kind": "d1"}, "cache": {"kind": "kv"}, "files": {"kind": "r2"}, "jobs": {"kind": "queue", "consumer": {"worker": "app"}}`
	w.server.Fail(emulator.Failure{Method: "POST", Path: "/queues", Status: 403, Code: 10000, Count: -1, Message: "Authentication error"})
	err := w.apply(t, w.plan(t, resources, false))
	p := problem(t, err)
	if p.Class != provision.Partial || !strings.Contains(err.Error(), "queue/jobs: ") || !strings.Contains(strings.Join(p.Hints, "\n"), `"Queues Write"`) {
		t.Errorf("%d %v %q", p.Class, err, p.Hints)
	}
	got := entries(t, w)
	if left := w.left(); len(got) != 4 || left["queue"]+left["consumer"] != 0 {
		t.Errorf("%d recorded, %v", len(got), left)
	}
	w.reset(t)
	again := w.plan(t, resources, false)
	if again.Changes()[provision.Create] != 2 {
		t.Fatal(show(again))
	}
	if err := w.apply(t, again); err != nil || !w.plan(t, resources, false).Empty() {
		t.Errorf("%v", err)
	}
}

// reset lets the emulator forget the faults that it was given.
func (w *world) reset(t *testing.T) {
	t.Helper()
	resp := httptest.NewRecorder()
	w.server.ServeHTTP(resp, httptest.NewRequest("POST", "/__emulator/reset", nil))
	if resp.Code != http.StatusOK {
		t.Fatal(resp.Body)
	}
}

// A zone says whether its records may be changed, which no other product does:
// the plan works, and the run is told.
func TestATokenThatMayOnlyRead(t *testing.T) {
	const www = `"www": {"kind": "dns", "type": "A", "name": "www", "content": "192.0.2.1"}`
	for _, tt := range []struct {
		groups []string
		says   string
	}{
		{[]string{"Zone Read", "DNS Read"}, `it lacks "DNS Write" (dns/www)`},
		{[]string{"Zone Read", "DNS Write"}, ""},
		{nil, ""},
	} {
		w := withToken(t, emulator.Token{Groups: tt.groups}, emulator.Options{})
		c := w.client(t)
		said := strings.Join(c.Unwritable(w.planWith(t, c, www, false)), "\n")
		if (said == "") != (tt.says == "") || !strings.Contains(said, tt.says) {
			t.Errorf("%q: %q", tt.groups, said)
		}
	}
}

// A Global API Key goes out in headers of its own and is verified by who it is.
func TestAGlobalAPIKey(t *testing.T) {
	const key = "0123456789abcdef0123456789abcdef01234"
	var sent []http.Header
	w := newWorld(t)
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		sent = append(sent, r.Header.Clone())
		w.server.ServeHTTP(rw, r)
	}))
	t.Cleanup(s.Close)
	connect := func(key string) *kinds.Client {
		c, err := kinds.Connect(kinds.Connection{Key: key, Email: "a@b.example", Account: account, BaseURL: s.URL + "/client/v4", Project: "shop", Environment: provision.Production})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	if err := connect(key).Verify(context.Background()); err != nil {
		t.Error(err)
	}
	if err := connect(key).CheckAccount(context.Background()); err != nil {
		t.Error(err)
	}
	for _, h := range sent {
		if h.Get("X-Auth-Key") != key || h.Get("X-Auth-Email") != "a@b.example" || h.Get("Authorization") != "" {
			t.Errorf("sent %v", h)
		}
	}
	err := connect("too-short").Verify(context.Background())
	if p := problem(t, err); p.Class != provision.Refused || !strings.Contains(err.Error(), "the Global API Key is not valid") || len(sent) != 3 {
		t.Errorf("%v after %d", err, len(sent))
	}
}

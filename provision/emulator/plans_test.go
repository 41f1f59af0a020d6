package emulator

import (
	"fmt"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestAccountWithoutProducts(t *testing.T) {
	c := open(t, Options{Accounts: []Account{{ID: acct, Name: "One", Without: []string{ProductR2, ProductQueues}}}})
	c.run([]step{
		{name: "R2, read", method: "GET", path: "A/r2/buckets", status: 403, code: 10042},
		{name: "R2, one", method: "GET", path: "A/r2/buckets/x", status: 403, code: 10042},
		{name: "R2, write", method: "POST", path: "A/r2/buckets", body: `{"name":"xyz"}`, status: 403, code: 10042},
		{name: "queues", method: "GET", path: "A/queues", status: 403, code: 10023},
		{name: "others", method: "GET", path: "A/d1/database"},
	})
	if err := c.SetAccount(Account{ID: acct}); err != nil {
		t.Fatal(err)
	}
	c.must("GET", "A/r2/buckets", nil)
	for name, a := range map[string]Account{
		"no product": {ID: acct, Without: []string{"pages"}}, "no plan": {ID: acct, Plan: "gold"}, "nobody": {ID: strings.Repeat("9", 32)},
	} {
		if err := c.SetAccount(a); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := Open("", Options{Accounts: []Account{{ID: acct, Plan: "gold"}}}); err == nil {
		t.Error("opened with a plan that there is not")
	}
}

func TestPlans(t *testing.T) {
	c := open(t, Options{Accounts: []Account{{ID: acct, Name: "One", Plan: PlanFree}}})
	for i := range 10 {
		c.must("POST", "A/d1/database", fmt.Sprintf(`{"name":"db%d"}`, i))
	}
	g := c.do("POST", "A/d1/database", `{"name":"more"}`)
	if g.Status != 400 || g.code() != 7406 || g.Errors[0].Message != "System limit reached: databases per account (10)" {
		t.Errorf("an eleventh on the Free plan: %s", g.Raw)
	}
	c.script("app")
	crons := strings.Repeat(`{"cron":"* * * * *"},`, 5)
	if g := c.do("PUT", "A/workers/scripts/app/schedules", "["+crons+`{"cron":"0 * * * *"}]`); g.Status != 400 || !strings.Contains(g.Raw, "limit of 5 cron triggers") {
		t.Errorf("a sixth cron trigger on the Free plan: %s", g.Raw)
	}
	// The control endpoint gives it the Paid plan.
	w := httptest.NewRecorder()
	c.ServeHTTP(w, httptest.NewRequest("POST", controlPrefix+"account", strings.NewReader(`{"id":"`+acct+`","plan":"paid"}`)))
	if w.Code != 200 {
		t.Fatal(w.Body)
	}
	c.must("POST", "A/d1/database", `{"name":"more"}`)
	for _, body := range []string{`[]`, `{"id":"` + acct + `","plan":"gold"}`} {
		w := httptest.NewRecorder()
		c.ServeHTTP(w, httptest.NewRequest("POST", controlPrefix+"account", strings.NewReader(body)))
		if w.Code != 400 {
			t.Errorf("%s: %d", body, w.Code)
		}
	}
}

func TestBoundTokens(t *testing.T) {
	k := newClock()
	id := strings.Repeat("a", 32)
	c := open(t, Options{Now: k.now, Zones: []Zone{{Name: "example.com", ID: strings.Repeat("1", 32), Type: "partial"}}, Tokens: []Token{
		{Value: "short", ID: id, Expires: k.at.Add(time.Hour), Groups: []string{"D1 Read", "DNS Read", "Zone Read", "User API Tokens Read"}},
		{Value: "here", From: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}},
		{Value: "elsewhere", From: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}},
	}})
	as := func(token string) []string { return []string{"Authorization", "Bearer " + token} }
	c.header = nil
	c.run([]step{
		{name: "it will expire", method: "GET", path: "user/tokens/verify", header: as("short"), want: map[string]any{"status": "active", "expires_on": "2026-11-23T13:00:00Z"}},
		{name: "its policies", method: "GET", path: "user/tokens/" + id, header: as("short"), want: map[string]any{"policies.0.permission_groups.0.name": "D1 Read", "policies.0.permission_groups.4": nil}},
		{name: "another's", method: "GET", path: "user/tokens/" + strings.Repeat("b", 32), header: as("short"), status: 404, code: 1003},
		{name: "not an account's", method: "GET", path: "A/tokens/" + id, header: as("short"), status: 403, code: 10000},
		{name: "what it may in a zone", method: "GET", path: "zones?name=example.com", header: as("short"), want: map[string]any{"0.permissions.0": "#dns_records:read", "0.permissions.1": "#zone:read", "0.permissions.2": nil, "0.type": "partial"}},
		{name: "from its address", method: "GET", path: "A/d1/database", header: as("here")}, // httptest calls from 192.0.2.1
		{name: "from another address", method: "GET", path: "A/d1/database", header: as("elsewhere"), status: 403, code: 9109},
	})
	k.forward(time.Hour)
	c.run([]step{
		{name: "it has expired", method: "GET", path: "user/tokens/verify", header: as("short"), want: map[string]any{"status": "expired"}},
		{name: "and may nothing", method: "GET", path: "A/d1/database", header: as("short"), status: 401, code: 10000},
	})
	free := open(t, Options{})
	g := free.do("GET", "user/tokens/"+allRights.ID, nil)
	if names, _ := g.field("policies.0.permission_groups").([]any); g.Status != 200 || len(names) < 8 {
		t.Errorf("who may do everything: %s", g.Raw)
	}
	free.header = nil
	if g := free.do("GET", "user/tokens/verify", nil, "X-Auth-Email", "a@b.c", "X-Auth-Key", strings.Repeat("a", 37)); g.code() != 1001 {
		t.Errorf("a key is no token: %s", g.Raw)
	}
}

func TestMoreLimits(t *testing.T) {
	c := open(t, Options{Accounts: []Account{{ID: acct, Plan: PlanFree}}})
	for i := range 100 {
		c.must("POST", "A/vectorize/v2/indexes", fmt.Sprintf(`{"name":"index-%d","config":{"dimensions":3,"metric":"cosine"}}`, i))
	}
	c.script("w")
	c.run([]step{
		{name: "indexes", method: "POST", path: "A/vectorize/v2/indexes", body: `{"name":"more","config":{"dimensions":3,"metric":"cosine"}}`, status: 400, code: 10037},
		{name: "crons", method: "PUT", path: "A/workers/scripts/w/schedules", body: `[{"cron":"1 * * * *"},{"cron":"2 * * * *"},{"cron":"3 * * * *"},{"cron":"4 * * * *"},{"cron":"5 * * * *"},{"cron":"6 * * * *"}]`, status: 400, code: 10072},
		{name: "crons of workflows", method: "PUT", path: "A/workflows/f", body: `{"class_name":"F","script_name":"w","schedules":[{"cron":"1 * * * *"}]}`, status: 403, code: 10208},
		{name: "no crons", method: "PUT", path: "A/workflows/f", body: `{"class_name":"F","script_name":"w","schedules":[]}`},
	})
}

package emulator

import (
	"fmt"
	"strings"
	"testing"
)

func TestFreePlan(t *testing.T) {
	c := open(t, Options{Accounts: []Account{{ID: acct, Plan: "free"}, {ID: strings.Repeat("b", 32)}}})
	for i := range 10 {
		c.must("POST", "A/d1/database", fmt.Sprintf(`{"name":"db-%d"}`, i))
	}
	g := c.do("POST", "A/d1/database", `{"name":"more"}`)
	if g.Status != 400 || g.code() != 7406 || g.Errors[0].Message != "System limit reached: databases per account (10)" {
		t.Errorf("an eleventh database: %s", g.Raw)
	}
	for i := range 11 {
		c.must("POST", "accounts/"+strings.Repeat("b", 32)+"/d1/database", fmt.Sprintf(`{"name":"db-%d"}`, i))
	}
	c.must("DELETE", "A/d1/database/db-3", nil)
	c.must("POST", "A/d1/database", `{"name":"more"}`)
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

// TestNotEnabled: what an account has is what the newest opening says.
func TestNotEnabled(t *testing.T) {
	dir := t.TempDir()
	bare := Options{Accounts: []Account{{ID: acct, Plan: "free", NoR2: true, NoQueues: true}}}
	for _, test := range []struct {
		o         Options
		r2, queue int
	}{{Options{}, 0, 0}, {bare, 10042, 10023}, {Options{Accounts: []Account{{ID: acct}}}, 0, 0}} {
		s, err := Open(dir, test.o)
		if err != nil {
			t.Fatal(err)
		}
		c := &cloud{t, s, map[string][]string{"Authorization": {"Bearer x"}}}
		status := func(code int) int {
			if code != 0 {
				return 403
			}
			return 200
		}
		c.run([]step{
			{method: "GET", path: "A/r2/buckets", status: status(test.r2), code: test.r2},
			{method: "GET", path: "A/queues", status: status(test.queue), code: test.queue},
			{method: "GET", path: "A/d1/database"},
		})
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestZoneKinds(t *testing.T) {
	c := open(t, Options{Zones: []Zone{{Name: "pending.test", Status: "pending"}, {Name: "partial.test", Type: "partial"}}})
	c.run([]step{
		{method: "GET", path: "zones?name=pending.test", want: map[string]any{"0.status": "pending", "0.type": "full", "0.activated_on": nil}},
		{method: "GET", path: "zones?name=partial.test", want: map[string]any{"0.status": "active", "0.type": "partial"}},
	})
}

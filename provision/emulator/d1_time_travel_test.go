package emulator

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestTimeTravel(t *testing.T) {
	for _, where := range []string{"memory", "file"} {
		t.Run(where, func(t *testing.T) {
			dir := ""
			if where == "file" {
				dir = t.TempDir()
			}
			k := newClock()
			s, err := Open(dir, Options{Now: k.now, Accounts: []Account{{ID: acct, Plan: "free"}}})
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}()
			c := &cloud{t, s, http.Header{"Authorization": {"Bearer x"}}}
			const db = "A/d1/database/db"
			c.must("POST", "A/d1/database", `{"name":"db"}`)
			c.run([]step{{name: "no history", method: "GET", path: db + "/time_travel/bookmark", status: 500, code: 7500}})
			sql := func(text string) { c.must("POST", db+"/query", `{"sql":"`+text+`"}`) }
			bookmark := func() string { return c.must("GET", db+"/time_travel/bookmark", nil).text("bookmark") }
			rows := func(want float64) {
				t.Helper()
				if n := c.must("POST", db+"/query", `{"sql":"select count(*) as n from t"}`).field("0.results.0.n"); n != want {
					t.Errorf("there are %v rows, want %v", n, want)
				}
			}
			sql("create table t(a)")
			empty := bookmark()
			k.forward(time.Minute)
			sql("insert into t values (1)")
			one := bookmark()
			sql("select * from t")
			if bookmark() != one || one <= empty || len(one) != 59 {
				t.Errorf("bookmarks %s, %s, and after reading %s", empty, one, bookmark())
			}
			k.forward(time.Minute)
			sql("insert into t values (2); create table u(a)")
			two := bookmark()
			g := c.must("POST", db+"/time_travel/restore?bookmark="+one, nil)
			if g.text("previous_bookmark") != two || g.text("bookmark") != bookmark() || bookmark() <= two {
				t.Errorf("restored: %s, want from %s to %s", g.Raw, two, bookmark())
			}
			rows(1)
			c.run([]step{{name: "counted again", method: "GET", path: db, want: map[string]any{"num_tables": 1}}})
			c.must("POST", db+"/time_travel/restore?bookmark="+two, nil)
			rows(2)
			c.must("POST", db+"/time_travel/restore?timestamp=2026-11-23T12:00:30Z", nil)
			rows(0)
			c.run([]step{
				{name: "at a time", method: "GET", path: db + "/time_travel/bookmark?timestamp=2026-11-23T13:01:30%2B01:00", want: map[string]any{"bookmark": one}},
				{name: "before all", method: "GET", path: db + "/time_travel/bookmark?timestamp=2026-11-23T11:59:59Z", status: 400, code: 7400},
				{name: "too long ago", method: "GET", path: db + "/time_travel/bookmark?timestamp=2026-11-01T00:00:00Z", status: 400, code: 7400},
				{name: "no time", method: "GET", path: db + "/time_travel/bookmark?timestamp=noon", status: 400, code: 7400},
				{name: "no bookmark", method: "POST", path: db + "/time_travel/restore?bookmark=x", status: 400, code: 7400},
				{name: "nothing", method: "POST", path: db + "/time_travel/restore", status: 400, code: 7400},
				{name: "no database", method: "POST", path: "A/d1/database/nope/time_travel/restore?bookmark=x", status: 404, code: 7404},
			})
			for i := range keptStates {
				sql(fmt.Sprintf("insert into t values (%d)", i))
			}
			if g := c.do("POST", db+"/time_travel/restore?bookmark="+one, nil); g.code() != 7400 || !strings.Contains(g.Raw, "does not keep") {
				t.Errorf("a state that is not kept: %s", g.Raw)
			}
			c.must("DELETE", db, nil)
			if left := len(s.bookmarks.rows) + len(s.store.blobs); left != 0 {
				t.Errorf("%d records and blobs of its history are left", left)
			}
		})
	}
}

func TestStatementLimits(t *testing.T) {
	c := open(t, Options{})
	c.must("POST", "A/d1/database", `{"name":"db"}`)
	params := "1" + strings.Repeat(",1", 100)
	c.run([]step{
		{name: "long", method: "POST", path: "A/d1/database/db/query", body: `{"sql":"select '` + strings.Repeat("x", 100_000) + `'"}`, status: 400, code: 7500},
		{name: "many parameters", method: "POST", path: "A/d1/database/db/query", body: `{"sql":"select 1","params":[` + params + `]}`, status: 400, code: 7500},
	})
}

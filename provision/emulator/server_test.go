package emulator

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAuthentication(t *testing.T) {
	second := "fedcba9876543210fedcba9876543210"
	c := open(t, Options{
		Accounts: []Account{{ID: acct, Name: "One"}, {ID: second, Name: "Two"}},
		Zones:    []Zone{{Name: "example.com", ID: "11111111111111111111111111111111"}, {Name: "example.org", Account: second, ID: "22222222222222222222222222222222"}},
		Tokens: []Token{
			{Value: "all"}, {Value: "one", Accounts: []string{acct}}, {Value: "owned", Account: acct},
			{Value: "reader", Groups: []string{"D1 Read", "DNS Write"}}, {Value: "old", Status: "expired"},
		},
	})
	c.header = http.Header{}
	as := func(token string) []string { return []string{"Authorization", "Bearer " + token} }
	c.run([]step{
		{name: "nothing", method: "GET", path: "A/d1/database", status: 400, code: 9106},
		{name: "no bearer", method: "GET", path: "A/d1/database", header: []string{"Authorization", "Basic x"}, status: 400, code: 6003},
		{name: "blanks in it", method: "GET", path: "A/d1/database", header: as("a b"), status: 400, code: 6003},
		{name: "empty", method: "GET", path: "A/d1/database", header: as(""), status: 400, code: 6003},
		{name: "unknown", method: "GET", path: "A/d1/database", header: as("nope"), status: 401, code: 10000},
		{name: "unknown, route too", method: "GET", path: "nope", header: as("nope"), status: 401, code: 10000},
		{name: "bad key", method: "GET", path: "user", header: []string{"X-Auth-Email", "a@b.c", "X-Auth-Key", "x"}, status: 400, code: 6003},
		{name: "unknown key", method: "GET", path: "user", header: []string{"X-Auth-Email", "a@b.c", "X-Auth-Key", strings.Repeat("a", 37)}, status: 403, code: 9103},
		{name: "known", method: "GET", path: "A/d1/database", header: as("all")},
		{name: "verify", method: "GET", path: "user/tokens/verify", header: as("all"), want: map[string]any{"status": "active"}},
		{name: "verify an unknown one", method: "GET", path: "user/tokens/verify", header: as("nope"), status: 401, code: 1000},
		{name: "verify an account's as a user's", method: "GET", path: "user/tokens/verify", header: as("owned"), status: 401, code: 1000},
		{name: "verify an account's", method: "GET", path: "A/tokens/verify", header: as("owned"), want: map[string]any{"status": "active"}},
		{name: "verify an expired one", method: "GET", path: "user/tokens/verify", header: as("old"), want: map[string]any{"status": "expired"}},
		{name: "use an expired one", method: "GET", path: "A/d1/database", header: as("old"), status: 401, code: 10000},
		{name: "accounts", method: "GET", path: "accounts", header: as("one"), want: map[string]any{"0.id": acct, "1": nil}},
		{name: "all accounts", method: "GET", path: "accounts?per_page=5&page=1", header: as("all"), want: map[string]any{"1.id": second}},
		{name: "past the end", method: "GET", path: "accounts?page=2", header: as("all"), want: map[string]any{"0": nil}},
		{name: "account", method: "GET", path: "accounts/" + acct, header: as("one"), want: map[string]any{"name": "One"}},
		{name: "another's account", method: "GET", path: "accounts/" + second, header: as("one"), status: 403, code: 10000},
		{name: "no such account", method: "GET", path: "accounts/00000000000000000000000000000000/queues", header: as("all"), status: 404, code: 7003},
		{name: "malformed account", method: "GET", path: "accounts/x/queues", header: as("all"), status: 404, code: 7003},
		{name: "memberships", method: "GET", path: "memberships", header: as("one"), want: map[string]any{"0.account.id": acct, "1": nil}},
		{name: "an account's token has no user", method: "GET", path: "user", header: as("owned"), status: 403, code: 9109},
		{name: "zones", method: "GET", path: "zones?name=Example.org", header: as("all"), want: map[string]any{"0.name": "example.org", "0.account.name": "Two", "0.status": "active"}},
		{name: "no access is an empty list", method: "GET", path: "zones?name=example.org", header: as("one"), want: map[string]any{"0": nil}},
		{name: "zones of an account", method: "GET", path: "zones?account.id=" + second, header: as("all"), want: map[string]any{"0.name": "example.org", "1": nil}},
		{name: "zones by status", method: "GET", path: "zones?status=pending", header: as("all"), want: map[string]any{"0": nil}},
		{name: "zone", method: "GET", path: "zones/11111111111111111111111111111111", header: as("one"), want: map[string]any{"plan.legacy_id": "enterprise"}},
		{name: "another's zone", method: "GET", path: "zones/22222222222222222222222222222222", header: as("one"), status: 403, code: 9109},
		{name: "reads", method: "GET", path: "A/d1/database", header: as("reader")},
		{name: "may not write", method: "POST", path: "A/d1/database", body: `{"name":"x"}`, header: as("reader"), status: 403, code: 10000},
		{name: "lacks the product", method: "GET", path: "A/queues", header: as("reader"), status: 403, code: 10000},
		{name: "write is read too", method: "GET", path: "zones/11111111111111111111111111111111/dns_records", header: as("reader")},
		{name: "unknown route", method: "GET", path: "A/nope", header: as("all"), status: 404, code: 7003},
		{name: "unknown method", method: "DELETE", path: "A/d1/database", header: as("all"), status: 405, code: 7001},
	})
	g := c.do("GET", "user", nil, "Authorization", "x")
	if diff := cmp.Diff([]apiError{{6003, "Invalid request headers", []apiError{{Code: 6111, Message: "Invalid format for Authorization header"}}}}, g.Errors); diff != "" {
		t.Errorf("chain (-want +got):\n%s", diff)
	}
	g = c.do("GET", "A/nope", nil, as("all")...)
	if len(g.Errors) != 2 || g.Errors[1].Code != 7000 {
		t.Errorf("unknown route: %s", g.Raw)
	}
}

func TestEnvelope(t *testing.T) {
	c := open(t, Options{})
	g := c.must("GET", "A/r2/buckets", nil)
	want := `{"success":true,"errors":[],"messages":[],"result":{"buckets":[]},"result_info":{"per_page":20}}`
	if g.Raw != want || g.Header.Get("Content-Type") != "application/json" {
		t.Errorf("got %s %s, want %s", g.Header.Get("Content-Type"), g.Raw, want)
	}
	g = c.do("GET", "A/r2/buckets/x", nil)
	want = `{"success":false,"errors":[{"code":10006,"message":"The specified bucket does not exist."}],"messages":[],"result":null}`
	if g.Raw != want {
		t.Errorf("got %s, want %s", g.Raw, want)
	}
	if g.Header.Get("Ratelimit") == "" || g.Header.Get("Ratelimit-Policy") == "" {
		t.Errorf("no rate limit headers: %v", g.Header)
	}
}

func TestLag(t *testing.T) {
	k := newClock()
	c := open(t, Options{Now: k.now, Lag: 3 * time.Second})
	c.zoneID("example.com")
	db := c.must("POST", "A/d1/database", `{"name":"db"}`).text("uuid")
	kv := c.must("POST", "A/storage/kv/namespaces", `{"title":"ns"}`).text("id")
	c.must("POST", "A/r2/buckets", `{"name":"buck"}`)
	q := c.must("POST", "A/queues", `{"queue_name":"q"}`).text("queue_id")
	c.script("w")
	record := c.must("POST", "Z/dns_records", `{"type":"A","name":"a","content":"192.0.2.1"}`).text("id")
	steps := func(status func(missing int) int, code func(int) int, first any) []step {
		return []step{
			{method: "GET", path: "A/d1/database/" + db, status: status(404), code: code(7404)},
			{method: "GET", path: "A/d1/database/db", status: status(404), code: code(7404)},
			{method: "GET", path: "A/d1/database", want: map[string]any{"0.name": first}},
			{method: "GET", path: "A/storage/kv/namespaces/" + kv, status: status(404), code: code(10013)},
			{method: "GET", path: "A/r2/buckets/buck", status: status(404), code: code(10006)},
			{method: "GET", path: "A/r2/buckets/buck/lifecycle", status: status(404), code: code(10006)},
			{method: "GET", path: "A/queues/" + q + "/consumers", status: status(404), code: code(11000)},
			{method: "GET", path: "A/workers/scripts/w/settings", status: status(404), code: code(10007)},
			{method: "GET", path: "Z/dns_records/" + record, status: status(404), code: code(81044)},
		}
	}
	hidden := func(n int) int { return n }
	c.run(steps(hidden, hidden, nil))
	c.run([]step{
		{name: "the name is taken at once", method: "POST", path: "A/d1/database", body: `{"name":"db"}`, status: 400, code: 7502},
		{name: "routes do not see the script", method: "POST", path: "Z/workers/routes", body: `{"pattern":"example.com/*","script":"w"}`, status: 400, code: 10019},
		{name: "nor do consumers", method: "POST", path: "A/queues/" + q + "/consumers", body: `{"type":"http_pull"}`, status: 404, code: 11000},
	})
	if n := c.do("GET", "A/d1/database", nil).Info["total_count"]; n != 0. {
		t.Errorf("a list counts %v hidden databases", n)
	}
	k.forward(3 * time.Second)
	fine := func(int) int { return 0 }
	c.run(steps(fine, fine, "db"))
	c.must("PATCH", "A/d1/database/"+db, `{"read_replication":{"mode":"auto"}}`)
	c.run([]step{{name: "a change hides nothing", method: "GET", path: "A/d1/database/" + db, want: map[string]any{"read_replication.mode": "auto"}}})
}

func TestFaults(t *testing.T) {
	c := open(t, Options{})
	server := httptest.NewServer(c)
	defer server.Close()
	create := func(name string) (*http.Response, error) {
		r, err := http.NewRequest("POST", server.URL+apiPrefix+"/accounts/"+acct+"/d1/database", strings.NewReader(`{"name":"`+name+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer x")
		return (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	}
	for _, test := range []struct {
		name    string
		fail    Failure
		status  int // 0: the connection breaks
		code    int
		body    string
		header  string
		effects int // databases made
	}{
		{"plain", Failure{Status: 503, Code: 10001, Message: "later"}, 503, 10001, "", "", 0},
		{"default status", Failure{}, 500, 0, "", "", 0},
		{"retry after", Failure{Status: 429, Code: 971, RetryAfter: "Wed, 21 Oct 2026 07:28:00 GMT"}, 429, 971, "", "Wed, 21 Oct 2026 07:28:00 GMT", 0},
		{"html", Failure{Status: 502, Body: "<html>Bad gateway</html>"}, 502, 0, "<html>Bad gateway</html>", "", 0},
		{"empty body", Failure{Status: 403, ContentType: "text/plain"}, 403, 0, "", "", 0},
		{"200", Failure{Envelope200: true, Code: 971}, 200, 971, "", "", 0},
		{"after", Failure{Status: 502, After: true}, 502, 0, "", "", 1},
		{"drop", Failure{Drop: true}, 0, 0, "", "", 0},
		{"drop after", Failure{Drop: true, After: true}, 0, 0, "", "", 1},
		{"other path", Failure{Path: "^/zones"}, 200, 0, "", "", 1},
		{"other method", Failure{Method: "GET"}, 200, 0, "", "", 1},
		{"this path", Failure{Method: "POST", Path: `/d1/database$`, Status: 500}, 500, 0, "", "", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := c.Count()["d1"]
			c.faults.clear()
			c.Fail(test.fail)
			name := strings.ReplaceAll(test.name, " ", "-")
			r, err := create(name)
			if test.status == 0 {
				if err == nil {
					t.Fatalf("got %s, want a broken connection", r.Status)
				}
			} else {
				if err != nil {
					t.Fatal(err)
				}
				g := parse(r)
				if g.Status != test.status || g.code() != test.code || test.body != "" && g.Raw != test.body || g.Header.Get("Retry-After") != test.header {
					t.Errorf("got %d %q (Retry-After %q), want %+v", g.Status, g.Raw, g.Header.Get("Retry-After"), test)
				}
				if test.fail.Envelope200 && strings.Contains(g.Raw, `"success":true`) {
					t.Errorf("got a success: %s", g.Raw)
				}
			}
			if made := c.Count()["d1"] - before; made != test.effects {
				t.Errorf("%d databases were made, want %d", made, test.effects)
			}
		})
	}
}

func TestFaultQueue(t *testing.T) {
	c := open(t, Options{})
	c.Fail(Failure{Path: "/queues", Skip: 1, Count: 2, Status: 500})
	c.Fail(Failure{Path: "/r2", Count: -1, Status: 501})
	var statuses []int
	for range 5 {
		statuses = append(statuses, c.do("GET", "A/queues", nil).Status)
	}
	for range 3 {
		statuses = append(statuses, c.do("GET", "A/r2/buckets", nil).Status)
	}
	if diff := cmp.Diff([]int{200, 500, 500, 200, 200, 501, 501, 501}, statuses); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
	defer func() {
		if recover() == nil {
			t.Error("Fail took a path that is no regular expression")
		}
	}()
	c.Fail(Failure{Path: "("})
}

func TestHooksAndLog(t *testing.T) {
	var log bytes.Buffer
	c := open(t, Options{Log: &log})
	type seen struct {
		Phase string
		D1    int
		N     int
	}
	var phases []seen
	c.OnRequest(func(r Request, phase string) { phases = append(phases, seen{phase, c.Count()["d1"], r.N}) })
	c.must("POST", "A/d1/database?x=1", `{"name":"db"}`, "X-Test-Run", "run-7", "Authorization", "Bearer verysecrettoken")
	c.OnRequest(nil)
	c.do("GET", "A/d1/database/nope", nil)
	if diff := cmp.Diff([]seen{{"before", 0, 1}, {"after", 1, 1}}, phases); diff != "" {
		t.Errorf("phases (-want +got):\n%s", diff)
	}
	reqs := c.Requests()
	for i := range reqs {
		if reqs[i].End.Before(reqs[i].Start) {
			t.Errorf("request %d ended before it began", i)
		}
		reqs[i].Start, reqs[i].End = time.Time{}, time.Time{}
	}
	want := []Request{
		{N: 1, Method: "POST", Path: "/accounts/" + acct + "/d1/database", Query: "x=1", Status: 200, RunID: "run-7"},
		{N: 2, Method: "GET", Path: "/accounts/" + acct + "/d1/database/nope", Status: 404, Code: 7404},
	}
	if diff := cmp.Diff(want, reqs); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if strings.Contains(log.String(), "verysecrettoken") || strings.Count(log.String(), "\n") != 2 || !strings.Contains(log.String(), "404 (7404)") {
		t.Errorf("log:\n%s", log.String())
	}
	c.ResetRequests()
	if n := len(c.Requests()); n != 0 {
		t.Errorf("%d requests after the reset", n)
	}
}

func TestRounds(t *testing.T) {
	at := func(ms int) time.Time { return time.UnixMilli(int64(ms)) }
	for name, test := range map[string]struct {
		spans [][2]int
		want  int
	}{
		"none":               {nil, 0},
		"one":                {[][2]int{{0, 5}}, 1},
		"parallel":           {[][2]int{{0, 5}, {1, 6}, {2, 4}}, 1},
		"in sequence":        {[][2]int{{0, 5}, {5, 6}, {7, 9}}, 3},
		"fan in, fan out":    {[][2]int{{0, 5}, {0, 9}, {6, 8}, {10, 11}}, 3},
		"long beside chain":  {[][2]int{{0, 100}, {1, 2}, {3, 4}, {5, 6}, {7, 8}}, 4},
		"any order in input": {[][2]int{{7, 9}, {0, 5}, {5, 6}}, 3},
	} {
		var reqs []Request
		for i, s := range test.spans {
			reqs = append(reqs, Request{N: i + 1, Start: at(s[0]), End: at(s[1])})
		}
		if got := Rounds(reqs); got != test.want {
			t.Errorf("%s: got %d rounds, want %d", name, got, test.want)
		}
	}
}

func TestLatency(t *testing.T) {
	c := open(t, Options{Latency: 30 * time.Millisecond})
	start := time.Now()
	for range 2 {
		c.must("GET", "A/queues", nil)
	}
	if took := time.Since(start); took < 60*time.Millisecond {
		t.Errorf("two requests took %v, want at least twice the latency", took)
	}
	if got := Rounds(c.Requests()); got != 2 {
		t.Errorf("got %d rounds, want 2", got)
	}
}

func TestRateLimit(t *testing.T) {
	k := newClock()
	c := open(t, Options{Now: k.now, RateLimit: 3})
	var statuses []int
	for range 5 {
		statuses = append(statuses, c.do("GET", "A/queues", nil).Status)
	}
	last := c.do("POST", "A/queues", `{"queue_name":"q"}`)
	if diff := cmp.Diff([]int{200, 200, 200, 429, 429}, statuses); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
	if last.code() != 971 || last.Header.Get("Retry-After") != "300" || last.Header.Get("Ratelimit") != `"default";r=0;t=300` {
		t.Errorf("refused with %s %v", last.Raw, last.Header)
	}
	if n := c.Count()["queue"]; n != 0 {
		t.Errorf("a refused call made %d queues", n)
	}
	if g := c.do("GET", "A/queues", nil, "Authorization", "Bearer other"); g.Status != 200 || g.Header.Get("Ratelimit") != `"default";r=2;t=300` {
		t.Errorf("another credential: %d %v", g.Status, g.Header)
	}
	k.forward(rateWindow)
	if g := c.do("GET", "A/queues", nil); g.Status != 200 {
		t.Errorf("after five minutes: %s", g.Raw)
	}
}

func TestResources(t *testing.T) {
	c := open(t, Options{})
	c.script("w")
	q := c.must("POST", "A/queues", `{"queue_name":"q"}`).text("queue_id")
	k := c.must("POST", "A/queues/"+q+"/consumers", `{"type":"worker","script_name":"w"}`).text("consumer_id")
	c.must("PUT", "A/tags", `{"resource_type":"queue","resource_id":"`+q+`","tags":{"a":"b"}}`)
	record := c.must("POST", "Z/dns_records", `{"type":"A","name":"a","content":"192.0.2.1","comment":"mine"}`).text("id")
	c.must("PUT", "A/workers/domains", `{"hostname":"app.example.com","service":"w"}`)
	zone := c.zoneID("example.com")
	got := c.Resources()
	for i := range got {
		if got[i].Kind == "domain" {
			got[i].ID = ""
		}
	}
	want := []Resource{
		{Kind: "consumer", ID: k, Name: "q/w", Account: acct},
		{Kind: "dns", ID: record, Name: "A a.example.com", Zone: zone, Comment: "mine"},
		{Kind: "domain", Name: "app.example.com", Account: acct, Zone: zone},
		{Kind: "queue", ID: q, Name: "q", Account: acct, Tags: map[string]string{"a": "b"}},
		{Kind: "worker", ID: "w", Name: "w", Account: acct},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("resources (-want +got):\n%s", diff)
	}
}

func TestRepeatLastPage(t *testing.T) {
	c := open(t, Options{RepeatLastPage: true})
	for _, page := range []string{"1", "2", "99"} {
		g := c.must("GET", "accounts?page="+page, nil)
		if g.text("0.id") != acct || g.Info["page"] != 1. {
			t.Errorf("page %s: %s", page, g.Raw)
		}
	}
}

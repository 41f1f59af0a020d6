package kinds

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/emulator"
	"golang.org/x/sync/errgroup"
)

func TestPatience(t *testing.T) {
	const throttled = `{"success":false,"errors":[{"code":971,"message":"Please wait and consider throttling your request speed"}]}`
	start := time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC)
	tests := []struct {
		name        string
		status      int
		body        string
		header      []string
		least, most time.Duration // slept; most 0: it is not waited for
	}{
		{"seconds", 429, throttled, []string{"Retry-After", "2"}, 2 * time.Second, 2 * time.Second},
		{"seconds with space", 429, throttled, []string{"Retry-After", " 3 "}, 3 * time.Second, 3 * time.Second},
		{"the API's own block", 429, throttled, []string{"Retry-After", "300"}, 300 * time.Second, 300 * time.Second},
		{"date", 429, throttled, []string{"Retry-After", start.Add(90 * time.Second).Format(http.TimeFormat)}, 90 * time.Second, 90 * time.Second},
		{"date gone by", 429, throttled, []string{"Retry-After", start.Add(-time.Hour).Format(http.TimeFormat)}, 250 * time.Millisecond, 500 * time.Millisecond},
		{"negative", 429, throttled, []string{"Retry-After", "-5"}, 250 * time.Millisecond, 500 * time.Millisecond},
		{"garbage", 429, throttled, []string{"Retry-After", "soon"}, 250 * time.Millisecond, 500 * time.Millisecond},
		{"none", 429, throttled, nil, 250 * time.Millisecond, 500 * time.Millisecond},
		{"none, and a page", 429, "<html>slow down</html>", nil, 250 * time.Millisecond, 500 * time.Millisecond},
		{"in the body", 429, `{"success":false,"errors":[],"retry_after":7.5}`, nil, 7500 * time.Millisecond, 7500 * time.Millisecond},
		{"971 with 200", 200, throttled, []string{"Retry-After", "4"}, 4 * time.Second, 4 * time.Second},
		{"huge", 429, throttled, []string{"Retry-After", "86000"}, 0, 0},
		{"beyond numbers", 429, throttled, []string{"Retry-After", strings.Repeat("9", 400)}, 0, 0},
		{"huge in the body", 429, `{"success":false,"errors":[],"retry_after":1e300}`, nil, 0, 0},
		{"date far off", 429, throttled, []string{"Retry-After", "Fri, 01 Jan 2500 00:00:00 GMT"}, 0, 0},
	}
	for _, tt := range tests {
		for _, method := range []string{"GET", "POST"} {
			t.Run(tt.name+" "+method, func(t *testing.T) {
				var n atomic.Int64
				c, k, sent := talk(t, func(w http.ResponseWriter, _ *http.Request) {
					if n.Add(1) == 1 {
						say(w, tt.status, tt.body, tt.header...)
						return
					}
					say(w, 200, success)
				})
				err := c.ask(method)
				var lost *provision.LostError
				if errors.As(err, &lost) {
					t.Fatalf("what was refused for its rate is not lost: %v", err)
				}
				if tt.most == 0 {
					if !statusIs(err, 429) || sent.Load() != 1 || k.slept != 0 {
						t.Fatalf("sent %d times, slept %s: %v", sent.Load(), k.slept, err)
					}
					return
				}
				if err != nil || sent.Load() != 2 {
					t.Fatalf("sent %d times: %v", sent.Load(), err)
				}
				if k.slept < tt.least || k.slept > tt.most {
					t.Errorf("slept %s, want %s to %s", k.slept, tt.least, tt.most)
				}
			})
		}
	}
}

func TestRefusedForEverItGivesUp(t *testing.T) {
	c, k, sent := talk(t, func(w http.ResponseWriter, _ *http.Request) { say(w, 429, `{"success":false,"errors":[]}`) })
	err := explain(provision.Key{Kind: "kv", Name: "a"}, registry["kv"], c.ask("POST"))
	if !statusIs(err, 429) || sent.Load() > 10 || k.slept < 30*time.Second || k.slept > c.transport.limits.wait {
		t.Errorf("sent %d times in %s: %v", sent.Load(), k.slept, err)
	}
	var p *provision.Problem
	if !errors.As(err, &p) || !strings.Contains(p.Hints[0], "1,200 requests") {
		t.Errorf("no hint: %+v", p)
	}
}

func TestOneIsToldToWaitAndAllDo(t *testing.T) {
	for _, tt := range []struct {
		name   string
		status int
		header []string
	}{
		{"refused", 429, []string{"Retry-After", "40"}},
		{"the allowance is used up", 200, []string{"Ratelimit", `"burst";r=7;t=3, "default";r=0;t=40`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var n atomic.Int64
			c, k, sent := talk(t, func(w http.ResponseWriter, _ *http.Request) {
				if n.Add(1) == 1 {
					say(w, tt.status, success, tt.header...)
					return
				}
				say(w, 200, success, "Ratelimit", `"default";r=50;t=30`)
			})
			var told []time.Time
			c.transport.waits = func(until time.Time) { told = append(told, until) }
			began := k.now()
			for range 3 {
				if err := c.ask("GET"); err != nil {
					t.Fatal(err)
				}
			}
			if k.slept != 40*time.Second {
				t.Errorf("slept %s for %d requests", k.slept, sent.Load())
			}
			if len(told) != 1 || told[0].Sub(began) != 40*time.Second {
				t.Errorf("told %s", told)
			}
		})
	}
}

// A wait beyond five minutes ends the run, and everything else in it at once.
func TestTooLongToWait(t *testing.T) {
	c, k, sent := talk(t, func(w http.ResponseWriter, _ *http.Request) {
		say(w, 429, `{"success":false,"errors":[{"code":971,"message":"slow down"}]}`, "Retry-After", "301")
	})
	for i, method := range []string{"POST", "GET", "PUT"} {
		err := explain(provision.Key{Kind: "kv", Name: "a"}, registry["kv"], c.ask(method))
		var p *provision.Problem
		if !errors.As(err, &p) || p.Class != provision.Partial || len(p.Hints) != 1 || !strings.Contains(p.Hints[0], "again at 2026-11-23 04:05:01 UTC (in 5m1s)") {
			t.Errorf("%d: %v: %+v", i, err, p)
		}
	}
	if sent.Load() != 1 || k.slept != 0 {
		t.Errorf("sent %d, slept %s", sent.Load(), k.slept)
	}
}

func TestAllowance(t *testing.T) {
	for header, want := range map[string]struct {
		left  int
		reset time.Duration
		ok    bool
	}{
		`"default";r=50;t=30`:                     {50, 30 * time.Second, true},
		`"burst";r=3;t=9,"default";r=1;t=4`:       {1, 4 * time.Second, true},
		`"default"; r=0; t=300`:                   {0, 300 * time.Second, true},
		`"default";r=0;t=999999999999`:            {0, maxAdvice * time.Second, true},
		`"default";r=-1;t=3`:                      {},
		`"default";r=x;t=3`:                       {},
		`"default";r=5`:                           {},
		`"default";t=5;r=99999999999999999999999`: {},
		``:     {},
		`,;=,`: {},
	} {
		left, reset, ok := allowance(header)
		if left != want.left || reset != want.reset || ok != want.ok {
			t.Errorf("%s: %d %s %v", header, left, reset, ok)
		}
	}
}

// The emulator refuses as Cloudflare does, by the same clock.
func TestNothingIsRefusedTwice(t *testing.T) {
	c, k, _ := talk(t, nil)
	server, err := emulator.Open("", emulator.Options{Accounts: []emulator.Account{{ID: testAccount}}, RateLimit: 100, Now: k.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	h := httptest.NewServer(server)
	t.Cleanup(h.Close)
	c.base = h.URL + "/client/v4/"
	var g errgroup.Group
	g.SetLimit(parallel)
	for range 250 {
		g.Go(func() error {
			_, err := get[any](context.Background(), c, "accounts", nil)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
	refused := 0
	for _, r := range server.Requests() {
		if r.Status == http.StatusTooManyRequests {
			refused++
		}
	}
	// Those under way when the allowance runs out, at each of two times.
	if refused > 2*parallel {
		t.Errorf("%d requests were refused of %d", refused, len(server.Requests()))
	}
	if k.slept < 5*time.Minute {
		t.Errorf("slept %s", k.slept)
	}
}

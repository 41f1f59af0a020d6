package emulator

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestFaultKinds shows each kind of fault, as a person writes it, to a plain
// client on a real connection.
func TestFaultKinds(t *testing.T) {
	for _, test := range []struct {
		fault  string
		status int // of a create; 0: the connection breaks
		code   int
		body   string // in the answer
		header string // Retry-After
		effect int    // queues made
	}{
		{"rate-limit", 429, 971, "More than 1200 requests", "1", 0},
		{"rate-limit retry-after=45", 429, 971, "", "45", 0},
		{"500", 500, 0, "", "", 0},
		{"503 after", 503, 0, "", "", 1},
		{"504 POST /queues$ code=10002", 504, 10002, "", "", 0},
		{"500 GET", 200, 0, "", "", 1},
		{"500 POST ^/zones", 200, 0, "", "", 1},
		{"drop", 0, 0, "", "", 0},
		{"drop POST after", 0, 0, "", "", 1},
		{"html", 502, 0, "<!DOCTYPE html>", "", 0},
		{"html status=200 after", 200, 0, "<h1>", "", 1},
		{"empty", 403, 0, "", "", 0},
		{"success-false", 200, 971, `"success":false`, "", 0},
		{"success-false after code=7", 200, 7, `"success":false`, "", 1},
		{"auth", 403, 10000, "Authentication error", "", 0},
		{"500 skip=1", 200, 0, "", "", 1},
		{"500 chance=1", 500, 0, "", "", 0},
	} {
		t.Run(test.fault, func(t *testing.T) {
			c := open(t, Options{})
			server := httptest.NewServer(c)
			defer server.Close()
			f, err := ParseFailure(test.fault)
			if err != nil {
				t.Fatal(err)
			}
			c.Fail(f)
			r, err := http.NewRequest("POST", server.URL+apiPrefix+"/accounts/"+acct+"/queues", strings.NewReader(`{"queue_name":"q"}`))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer x")
			answer, err := server.Client().Do(r)
			if (err != nil) != (test.status == 0) {
				t.Fatalf("got %v %v, want status %d", answer, err, test.status)
			}
			if err == nil {
				g := parse(answer)
				if g.Status != test.status || g.code() != test.code || !strings.Contains(g.Raw, test.body) || g.Header.Get("Retry-After") != test.header {
					t.Errorf("got %d %d %q Retry-After %q, want %+v", g.Status, g.code(), g.Raw, g.Header.Get("Retry-After"), test)
				}
				if f.ContentType != "" && g.Raw != "" {
					t.Errorf("the empty answer is %q", g.Raw)
				}
			}
			if n := c.Count()["queue"]; n != test.effect {
				t.Errorf("%d queues were made, want %d", n, test.effect)
			}
			log := c.Requests()[0]
			if struck := test.status != 200 || strings.Contains(test.fault, "success") || strings.Contains(test.fault, "html"); struck != (log.Fault != "") {
				t.Errorf("the log says it was struck by %q", log.Fault)
			}
		})
	}
}

// TestFaultsThatPass shows those that spoil no answer.
func TestFaultsThatPass(t *testing.T) {
	c := open(t, Options{})
	strike := func(text string) {
		t.Helper()
		c.faults.clear()
		f, err := ParseFailure(text)
		if err != nil {
			t.Fatal(err)
		}
		c.Fail(f)
	}
	names := func(path, field string) []any { t.Helper(); return c.must("GET", path, nil).list(field) }
	for _, name := range []string{"one", "two", "three"} {
		c.must("POST", "A/queues", `{"queue_name":"`+name+`"}`)
		c.must("POST", "A/r2/buckets", `{"name":"`+name+`"}`)
	}
	strike("omit-newest GET /queues")
	if diff := cmp.Diff([]any{"one", "two"}, names("A/queues", "queue_name")); diff != "" {
		t.Errorf("without the newest (-want +got):\n%s", diff)
	}
	strike("omit-newest")
	if g := c.must("GET", "A/r2/buckets", nil); len(g.field("buckets").([]any)) != 2 {
		t.Errorf("buckets: %s", g.Raw)
	}
	strike("omit-newest count=1")
	names("A/queues", "queue_name")
	if n := len(names("A/queues", "queue_name")); n != 3 {
		t.Errorf("a fault that strikes once struck twice: %d queues", n)
	}
	strike("repeat-last-page")
	for _, page := range []string{"2", "3", "99"} {
		if diff := cmp.Diff([]any{"three"}, names("A/queues?per_page=2&page="+page, "queue_name")); diff != "" {
			t.Errorf("page %s (-want +got):\n%s", page, diff)
		}
	}
	strike("lag GET /queues for=1h")
	if n := len(names("A/queues", "queue_name")); n != 0 {
		t.Errorf("%d queues are seen in spite of the lag", n)
	}
	if g := c.must("GET", "A/r2/buckets", nil); len(g.field("buckets").([]any)) != 3 {
		t.Errorf("the lag of queues hides buckets: %s", g.Raw)
	}
	strike("latency POST delay=30ms jitter=1ms")
	start := time.Now()
	c.must("POST", "A/queues", `{"queue_name":"four"}`)
	if took := time.Since(start); took < 30*time.Millisecond {
		t.Errorf("it took %v, want 30 ms", took)
	}
	strike("latency delay=20ms")
	c.Fail(Failure{Status: 503})
	start = time.Now()
	if g := c.do("GET", "A/queues", nil); g.Status != 503 || time.Since(start) < 20*time.Millisecond {
		t.Errorf("latency and an error together: %d after %v", g.Status, time.Since(start))
	}
	if reqs := c.Requests(); reqs[len(reqs)-1].Fault != "latency, 503" {
		t.Errorf("the log has %q", reqs[len(reqs)-1].Fault)
	}
}

// TestFaultChance shows that the dice of a seed always fall the same way.
func TestFaultChance(t *testing.T) {
	roll := func(fault string) string {
		c := open(t, Options{})
		f, err := ParseFailure(fault)
		if err != nil {
			t.Fatal(err)
		}
		c.Fail(f)
		var b strings.Builder
		for range 200 {
			b.WriteString(map[int]string{200: ".", 500: "x"}[c.do("GET", "A/queues", nil).Status])
		}
		return b.String()
	}
	seven := roll("500 chance=0.25 seed=7")
	if n := strings.Count(seven, "x"); n < 30 || n > 75 {
		t.Errorf("a quarter of 200 is %d: %s", n, seven)
	}
	if again := roll("500 chance=0.25 seed=7"); again != seven {
		t.Errorf("the same seed rolled\n%s, then\n%s", seven, again)
	}
	if other := roll("500 chance=0.25 seed=8"); other == seven {
		t.Errorf("another seed rolled the same: %s", other)
	}
	if n := strings.Count(roll("500 chance=0.9 seed=1 count=3"), "x"); n != 3 {
		t.Errorf("it struck %d times, want 3", n)
	}
}

func TestParseFailure(t *testing.T) {
	for text, want := range map[string]string{
		"":                  "begins with its kind",
		"sometimes":         "no kind of fault",
		"200":               "no kind of fault",
		"600":               "no kind of fault",
		"500 FETCH":         `"FETCH" is no method, path or setting`,
		"500 /(":            "no regular expression",
		"500 count=x":       "invalid syntax",
		"500 chance=2":      "between 0 and 1",
		"500 often=2":       `there is no setting "often"`,
		"latency delay=-1s": "negative",
		"lag for=long":      "invalid duration",
		"html status=9":     "cannot have the status 9",
	} {
		if _, err := ParseFailure(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseFailure(%q): %v, want %q in it", text, err, want)
		}
	}
	for _, k := range faultKinds {
		f, err := ParseFailure(k.word)
		if err != nil || f.Word() != k.word && k.word != "auth" {
			t.Errorf("ParseFailure(%q) is %q, %v", k.word, f.Word(), err)
		}
	}
}

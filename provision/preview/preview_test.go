package preview

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cfboot/cfboot/provision"
	"github.com/google/go-cmp/cmp"
)

var now = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

func TestName(t *testing.T) {
	for _, tt := range []struct{ asked, want string }{
		{"pr-7", "pr-7"},
		{"pr-1234567890", "pr-1234567890"},
		{"login", "login"},
		{"fix-login-2", "fix-login-2"},
	} {
		if got := Name(tt.asked); got != tt.want {
			t.Errorf("%q became %q, want %q", tt.asked, got, tt.want)
		}
	}
	odd := []string{strings.Repeat("x", 200), strings.Repeat("x", 199), "feature/ÄÖ", "feature/äö", "--help", "../x", "a_b", "A-b", "a-b", "🙂", "🙃", "",
		"production", "Production", "pr-07", "pr-", "PR-7", "pr", "Pr", "pr-12345678901", "7", "0", "login", "Login", "login ", "feature/x", "feature-x", "a--b", "-", "---"}
	seen := map[string]string{}
	for _, o := range odd {
		n := Name(o)
		if !nameForm().MatchString(n) || len(n) > longestName {
			t.Errorf("%q became %q, which is no name of an environment", o, n)
		}
		if n == provision.Production {
			t.Errorf("%q became production", o)
		}
		if other, taken := seen[n]; taken {
			t.Errorf("%q and %q are both %q", o, other, n)
		}
		if _, is := PullRequest(n); is && n != o {
			t.Errorf("%q became %q, which is a pull request's", o, n)
		}
		seen[n] = o
	}
	hashed := Name("feature/x")
	if Name(hashed) == hashed {
		t.Errorf("the branch %q has the preview of feature/x", hashed)
	}
	if Existing(hashed) != hashed || Existing("feature/x") != hashed || Existing("pr-7") != "pr-7" {
		t.Error("a preview that is listed is not found by its name")
	}
}

func FuzzName(f *testing.F) {
	f.Add("feature/x", "feature-x")
	f.Add("pr-7", "PR-7")
	f.Fuzz(func(t *testing.T, a, b string) {
		n, m := Name(a), Name(b)
		if !nameForm().MatchString(n) || len(n) > longestName || n == provision.Production {
			t.Errorf("%q became %q", a, n)
		}
		if a != b && n == m {
			t.Errorf("%q and %q are both %q", a, b, n)
		}
	})
}

func TestParseTTL(t *testing.T) {
	for s, want := range map[string]time.Duration{"7d": 7 * 24 * time.Hour, "36h": 36 * time.Hour, "1h": time.Hour, "90d": LongestTTL, "1h30m": 90 * time.Minute,
		"": 0, "d": 0, "0d": 0, "59m": 0, "91d": 0, "-1d": 0, "1.5d": 0, "7": 0, "99999999999d": 0, "7dd": 0} {
		got, err := ParseTTL(s)
		if got != want || (err == nil) != (want > 0) {
			t.Errorf("%q: %v, %v", s, got, err)
		}
	}
}

// A push without a change costs no call while more than half of the time is left.
func TestRenew(t *testing.T) {
	const ttl = 7 * 24 * time.Hour
	for _, tt := range []struct {
		left    time.Duration
		changed bool
		renewed bool
	}{{ttl, false, false}, {ttl / 2, false, false}, {ttl/2 - time.Second, false, true}, {-time.Hour, false, true}, {ttl, true, true}, {2 * ttl, false, true}} {
		got, renewed := Renew(provision.Lease{Expires: now.Add(tt.left)}, ttl, now, tt.changed)
		if renewed != tt.renewed || renewed && !got.Expires.Equal(now.Add(ttl)) {
			t.Errorf("%v left, changed %v: %v, %v", tt.left, tt.changed, got.Expires, renewed)
		}
	}
}

func tagged(project, environment, key, id string, pull int, expires time.Time) provision.Tagged {
	k, _ := provision.ParseKey(key)
	return provision.Tagged{Name: project + "-" + environment + "-" + k.Name, Tags: provision.Tags{Lineage: "L", Project: project, Environment: environment, Key: k,
		Lease: &provision.Lease{RepositoryID: id, PullRequest: pull, Made: now.Add(-time.Hour), Expires: expires}}}
}

// The last to end of all leases counts: only one resource is told of a renewal.
func TestGroup(t *testing.T) {
	later := now.Add(48 * time.Hour)
	got := Group([]provision.Tagged{
		tagged("shop", "pr-10", "d1/db", "1", 10, now), tagged("shop", "pr-9", "d1/db", "1", 9, now),
		tagged("shop", "pr-9", "worker/app", "1", 9, later), tagged("shop", "pr-9", "kv/cache", "1", 9, now),
	})
	if len(got) != 2 || got[0].Environment != "pr-9" || !got[0].Lease.Expires.Equal(later) {
		t.Fatalf("%+v", got)
	}
	if d := cmp.Diff(map[string]int{"d1": 1, "kv": 1, "worker": 1}, got[0].Counts()); d != "" {
		t.Error(d)
	}
	st := provision.State{Project: "shop", Environment: "pr-9", Preview: &provision.PreviewRecord{Lease: provision.Lease{RepositoryID: "1", PullRequest: 9, Expires: later.Add(time.Hour)}, URLs: []string{"https://x"}},
		Entries: map[provision.Key]provision.Entry{{Kind: "d1", Name: "db"}: {Key: provision.Key{Kind: "d1", Name: "db"}}, {Kind: "route", Name: "site"}: {Key: provision.Key{Kind: "route", Name: "site"}}}}
	got = Add(got, st)
	if len(got) != 2 || len(got[0].Resources) != 4 || !got[0].Lease.Expires.Equal(later.Add(time.Hour)) || !got[0].Lease.Made.Equal(now.Add(-time.Hour)) || !got[0].Stated || !got[0].Tagged {
		t.Fatalf("%+v", got[0])
	}
}

// Whatever the sweep is given, production and what no preview's tags or state stand
// for is not chosen (I-9).
func TestNeverProduction(t *testing.T) {
	long := now.Add(-1000 * time.Hour)
	production := tagged("shop", provision.Production, "d1/db", "1", 7, long)
	untagged := tagged("shop", "pr-7", "d1/db", "1", 7, long)
	untagged.Tags.Lease = nil
	nameless := tagged("shop", "", "d1/db", "1", 7, long)
	all := Group([]provision.Tagged{production, untagged, nameless})
	for _, st := range []provision.State{
		{Project: "shop", Environment: provision.Production, Preview: &provision.PreviewRecord{Lease: provision.Lease{RepositoryID: "1", Expires: long}}},
		{Project: "shop", Environment: "staging"},
		{Project: "shop", Preview: &provision.PreviewRecord{Lease: provision.Lease{RepositoryID: "1", Expires: long}}},
	} {
		all = Add(all, st)
	}
	if len(all) != 0 {
		t.Fatalf("previews: %+v", all)
	}
	// Nor what was made without any proof.
	forged := []Preview{{Project: "shop", Environment: provision.Production, Lease: provision.Lease{RepositoryID: "1", PullRequest: 7, Expires: long}}}
	closed := func(int) Pull { return Closed }
	if got := Decide(forged, Scope{Project: "shop", RepositoryID: "1", Now: now, Pull: closed}); len(got) != 0 {
		t.Errorf("decided: %+v", got)
	}
	if _, ok := Condemn(forged[0]); ok {
		t.Error("condemned")
	}
}

func TestDecide(t *testing.T) {
	over, runs := now.Add(-time.Minute), now.Add(time.Hour)
	for _, tt := range []struct {
		name    string
		pull    Pull // "": nobody can be asked
		number  int
		expires time.Time
		gone    bool
	}{
		{"closed", Closed, 7, runs, true},
		{"closed and over", Closed, 7, over, true},
		{"open", Open, 7, runs, false},
		{"open and over: nobody has pushed for so long", Open, 7, over, true},
		{"unknown is kept", Unknown, 7, runs, false},
		{"unknown is kept although it is over", Unknown, 7, over, false},
		{"a word nobody knows is kept", Pull("merged?"), 7, over, false},
		{"nobody to ask", "", 7, runs, false},
		{"nobody to ask, and over", "", 7, over, true},
		{"no pull request", Closed, 0, runs, false},
		{"no pull request, and over", Closed, 0, over, true},
		{"no end is known", "", 0, time.Time{}, false},
		{"no end is known of an open one", Open, 7, time.Time{}, false},
	} {
		s := Scope{Project: "shop", RepositoryID: "1", Now: now}
		if tt.pull != "" {
			s.Pull = func(n int) Pull {
				if n != 7 {
					t.Errorf("%s: asked for %d", tt.name, n)
				}
				return tt.pull
			}
		}
		got := Decide(Group([]provision.Tagged{tagged("shop", "pr-7", "d1/db", "1", tt.number, tt.expires)}), s)
		if len(got) != 1 || (got[0].Doomed != nil) != tt.gone || got[0].Why == "" {
			t.Errorf("%s: %+v", tt.name, got)
		}
	}
}

// Two repositories in one account have the same numbers (I-7).
func TestDecideIsForOneRepository(t *testing.T) {
	over := now.Add(-time.Hour)
	all := Group([]provision.Tagged{tagged("shop", "pr-7", "d1/db", "1", 7, over), tagged("blog", "pr-7", "d1/db", "2", 7, over), tagged("shop", "pr-8", "d1/db", "2", 8, over), tagged("shop", "mine", "d1/db", "", 0, over)})
	for id, want := range map[string][]string{"1": {"pr-7"}, "2": {"pr-8"}, "": {"mine"}, "3": nil} {
		var got []string
		for _, d := range Decide(all, Scope{Project: "shop", RepositoryID: id, Now: now, Pull: func(int) Pull { return Closed }}) {
			got = append(got, d.Preview.Environment)
		}
		if !slices.Equal(got, want) {
			t.Errorf("of %q: %v, want %v", id, got, want)
		}
	}
}

func TestIdle(t *testing.T) {
	all := Group([]provision.Tagged{tagged("shop", "pr-1", "d1/db", "1", 1, time.Time{}), tagged("shop", "pr-2", "d1/db", "1", 2, now.Add(time.Hour)), tagged("shop", "pr-3", "d1/db", "1", 3, now)})
	var got []string
	for _, p := range Idle(all) {
		got = append(got, p.Environment)
	}
	if d := cmp.Diff([]string{"pr-3", "pr-2", "pr-1"}, got); d != "" {
		t.Error(d)
	}
}

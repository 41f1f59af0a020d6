package emulator

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	zoneCom = "11111111111111111111111111111111"
	zoneOrg = "22222222222222222222222222222222"
	second  = "fedcba9876543210fedcba9876543210"
)

func openTokens(t *testing.T, k *clock, tokens ...Token) *cloud {
	t.Helper()
	c := open(t, Options{Now: k.now, Accounts: []Account{{ID: acct, Name: "One"}, {ID: second, Name: "Two"}},
		Zones:  []Zone{{Name: "example.com", ID: zoneCom}, {Name: "example.org", ID: zoneOrg}},
		Tokens: append(tokens, Token{Value: "root"})})
	c.header = http.Header{"Authorization": {"Bearer root"}}
	return c
}

func as(value string) []string { return []string{"Authorization", "Bearer " + value} }

func TestTokens(t *testing.T) {
	k := newClock()
	c := openTokens(t, k)
	const d1Write, dnsRead = "09b2857d1c31407795e75e3fed8617a1", "82e64a83756745bbbb1c9c2701bf816b"
	policy := func(effect, group, resource string) string {
		return `{"effect":"` + effect + `","permission_groups":[{"id":"` + group + `"}],"resources":{` + resource + `}}`
	}
	account, zone := `"com.cloudflare.api.account.`+acct+`":"*"`, `"com.cloudflare.api.account.zone.`+zoneCom+`":"*"`
	body := func(more string, policies ...string) string {
		return `{"name":"ci","policies":[` + strings.Join(policies, ",") + `]` + more + `}`
	}
	c.run([]step{
		{name: "the catalogue", method: "GET", path: "user/tokens/permission_groups?name=DNS%20Read", want: map[string]any{"0.id": dnsRead, "0.scopes": []any{scopeZone}, "1": nil}},
		{name: "by scope", method: "GET", path: "A/tokens/permission_groups?scope=com.cloudflare.edge.r2.bucket", want: map[string]any{"0.name": "Workers R2 Storage Bucket Item Write", "2": nil}},
		{name: "no name", method: "POST", path: "user/tokens", body: `{"policies":[]}`, status: 400, code: 400},
		{name: "a name that is too long", method: "POST", path: "user/tokens", body: `{"name":"` + strings.Repeat("x", 121) + `","policies":[]}`, status: 400, code: 400},
		{name: "no policy", method: "POST", path: "user/tokens", body: body(""), status: 400, code: 1001},
		{name: "an unknown group", method: "POST", path: "user/tokens", body: body("", policy("allow", strings.Repeat("0", 32), account)), status: 400, code: 1001},
		{name: "a bad effect", method: "POST", path: "user/tokens", body: body("", policy("maybe", d1Write, account)), status: 400, code: 1001},
		{name: "a bad network", method: "POST", path: "user/tokens", body: body(`,"condition":{"request_ip":{"in":["x"]}}`, policy("allow", d1Write, account)), status: 400, code: 1001},
		{name: "not JSON", method: "POST", path: "user/tokens", body: `{`, status: 400, code: 1001},
		{name: "missing", method: "GET", path: "user/tokens/" + strings.Repeat("0", 32), status: 404, code: 1003},
	})
	made := c.must("POST", "user/tokens", body("", policy("allow", d1Write, account), policy("allow", dnsRead, zone)))
	value, id := made.text("value"), made.text("id")
	if !strings.HasPrefix(value, "cfut_") || len(value) != 53 || made.text("policies.0.permission_groups.0.name") != "D1 Write" {
		t.Errorf("made: %s", made.Raw)
	}
	c.run([]step{
		{name: "it is itself", method: "GET", path: "user/tokens/verify", header: as(value), want: map[string]any{"id": id, "status": "active"}},
		{name: "it is no account's", method: "GET", path: "A/tokens/verify", header: as(value), status: 401, code: 1000},
		{name: "the value is told once", method: "GET", path: "user/tokens/" + id, want: map[string]any{"name": "ci", "value": nil, "issued_on": "2026-11-23T12:00:00Z"}},
		{name: "listed", method: "GET", path: "user/tokens", want: map[string]any{"0.id": id, "1": nil}},
		{name: "not among the account's", method: "GET", path: "A/tokens/" + id, status: 404, code: 1003},
		{name: "its right", method: "POST", path: "A/d1/database", body: `{"name":"db"}`, header: as(value)},
		{name: "another account", method: "GET", path: "accounts/" + second + "/d1/database", header: as(value), status: 403, code: 10000},
		{name: "another product", method: "GET", path: "A/queues", header: as(value), status: 403, code: 10000},
		{name: "its zone", method: "GET", path: "zones/" + zoneCom + "/dns_records", header: as(value)},
		{name: "its zone, written", method: "POST", path: "zones/" + zoneCom + "/dns_records", body: `{"type":"A","name":"a","content":"192.0.2.1"}`, header: as(value), status: 403, code: 10000},
		{name: "another zone", method: "GET", path: "zones/" + zoneOrg + "/dns_records", header: as(value), status: 403, code: 9109},
		{name: "the zone itself", method: "GET", path: "zones/" + zoneCom, header: as(value), status: 403, code: 9109},
		{name: "tokens", method: "GET", path: "user/tokens", header: as(value), status: 403, code: 10000},
		{name: "deny wins", method: "PUT", path: "user/tokens/" + id, body: body("", policy("allow", d1Write, account), policy("deny", d1Write, account))},
		{name: "denied", method: "POST", path: "A/d1/database", body: `{"name":"db2"}`, header: as(value), status: 403, code: 10000},
		{name: "a time of its own", method: "PUT", path: "user/tokens/" + id, body: body(`,"not_before":"2026-11-23T13:00:00Z","expires_on":"2026-11-23T14:00:00Z"`, policy("allow", d1Write, account)),
			want: map[string]any{"not_before": "2026-11-23T13:00:00Z", "expires_on": "2026-11-23T14:00:00Z"}},
		{name: "not yet", method: "GET", path: "A/d1/database", header: as(value), status: 401, code: 10000},
	})
	k.forward(90 * time.Minute)
	c.run([]step{{name: "now", method: "GET", path: "A/d1/database", header: as(value)}})
	k.forward(time.Hour)
	c.run([]step{
		{name: "over", method: "GET", path: "A/d1/database", header: as(value), status: 401, code: 10000},
		{name: "over, it says", method: "GET", path: "user/tokens/verify", header: as(value), want: map[string]any{"status": "expired"}},
		{name: "not listed", method: "GET", path: "user/tokens", want: map[string]any{"0": nil}},
		{name: "listed if asked for", method: "GET", path: "user/tokens?include_expired=true", want: map[string]any{"0.status": "expired"}},
		{name: "elsewhere", method: "PUT", path: "user/tokens/" + id, body: body(`,"condition":{"request_ip":{"in":["198.51.100.0/24"]}}`, policy("allow", d1Write, account))},
		{name: "from here", method: "GET", path: "A/d1/database", header: as(value), status: 403, code: 9109},
		{name: "not from here", method: "PUT", path: "user/tokens/" + id, body: body(`,"condition":{"request_ip":{"not_in":["192.0.2.1"]}}`, policy("allow", d1Write, account))},
		{name: "from here", method: "GET", path: "A/d1/database", header: as(value), status: 403, code: 9109},
		{name: "here", method: "PUT", path: "user/tokens/" + id, body: body(`,"condition":{"request_ip":{"in":["192.0.2.0/24"]}}`, policy("allow", d1Write, account))},
		{name: "from here", method: "GET", path: "A/d1/database", header: as(value)},
		{name: "off", method: "PUT", path: "user/tokens/" + id, body: body(`,"status":"disabled"`, policy("allow", d1Write, account)), want: map[string]any{"status": "disabled"}},
		{name: "off, it says", method: "GET", path: "user/tokens/verify", header: as(value), want: map[string]any{"status": "disabled"}},
		{name: "off", method: "GET", path: "A/d1/database", header: as(value), status: 401, code: 10000},
		{name: "on", method: "PUT", path: "user/tokens/" + id, body: body("", policy("allow", d1Write, account))},
	})
	next, _ := c.must("PUT", "user/tokens/"+id+"/value", `{}`).Result.(string)
	c.run([]step{
		{name: "the old value", method: "GET", path: "A/d1/database", header: as(value), status: 401, code: 10000},
		{name: "the new value", method: "GET", path: "A/d1/database", header: as(next)},
		{name: "gone", method: "DELETE", path: "user/tokens/" + id, want: map[string]any{"id": id}},
		{name: "gone", method: "GET", path: "A/d1/database", header: as(next), status: 401, code: 10000},
		{name: "gone", method: "DELETE", path: "user/tokens/" + id, status: 404, code: 1003},
	})
	made = c.must("POST", "A/tokens", body("", policy("allow", d1Write, account), policy("allow", dnsRead, `"com.cloudflare.api.account.`+acct+`":{"com.cloudflare.api.account.zone.*":"*"}`)))
	c.run([]step{
		{name: "an account's token", method: "GET", path: "A/tokens/verify", header: as(made.text("value")), want: map[string]any{"status": "active"}},
		{name: "no user's", method: "GET", path: "user/tokens/verify", header: as(made.text("value")), status: 401, code: 1000},
		{name: "the user's tokens", method: "GET", path: "user/tokens", header: as(made.text("value")), status: 403, code: 10000},
		{name: "all zones of the account", method: "GET", path: "zones/" + zoneOrg + "/dns_records", header: as(made.text("value"))},
	})
	if !strings.HasPrefix(made.text("value"), "cfat_") {
		t.Errorf("an account's token: %s", made.text("value"))
	}
}

// TestTokensAreKept: what is kept of a token is not its value.
func TestTokensAreKept(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, Options{Tokens: []Token{{Value: "root"}}})
	if err != nil {
		t.Fatal(err)
	}
	value, id, err := s.AddToken(Token{Name: "ci", Groups: []string{"D1 Read"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.AddToken(Token{Value: value}); err == nil {
		t.Error("there are two tokens of one value")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(dir, Options{Tokens: []Token{{Value: "root"}}}); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c := &cloud{t, s, http.Header{"Authorization": {"Bearer " + value}}}
	c.run([]step{
		{method: "GET", path: "user/tokens/verify", want: map[string]any{"id": id}},
		{method: "GET", path: "A/d1/database"},
		{method: "POST", path: "A/d1/database", body: `{"name":"x"}`, status: 403, code: 10000},
	})
	if kept, has := s.tokens.get(id); !has || kept.Digest == value || kept.Digest != digest(value) {
		t.Errorf("kept: %+v", kept)
	}
}

// TestSpentTokens: where everybody may do everything, whoever had a token that
// was taken back may not, neither through the API nor through S3.
func TestSpentTokens(t *testing.T) {
	c := open(t, Options{})
	made := c.must("POST", "user/tokens", `{"name":"ci","policies":[{"effect":"allow","permission_groups":[{"id":"09b2857d1c31407795e75e3fed8617a1"}],"resources":{"com.cloudflare.api.account.`+acct+`":"*"}}]}`)
	value, id := made.text("value"), made.text("id")
	next, _ := c.must("PUT", "user/tokens/"+id+"/value", `{}`).Result.(string)
	c.run([]step{
		{name: "the old value", method: "GET", path: "A/d1/database", header: as(value), status: 401, code: 10000},
		{name: "the old value, it says", method: "GET", path: "user/tokens/verify", header: as(value), status: 401, code: 1000},
		{name: "the new value", method: "GET", path: "A/d1/database", header: as(next)},
		{name: "delete", method: "DELETE", path: "user/tokens/" + id},
		{name: "gone", method: "GET", path: "A/d1/database", header: as(next), status: 401, code: 10000},
	})
	if err := c.Reset(); err != nil {
		t.Fatal(err)
	}
	c.run([]step{
		{name: "after a reset", method: "GET", path: "A/d1/database", header: as(next), status: 401, code: 10000},
		{name: "anybody else", method: "GET", path: "A/d1/database", header: as("whoever")},
	})
	if c.open(id) || !c.open(strings.Repeat("0", 32)) {
		t.Error("S3 takes the keys of the deleted token, or refuses unknown ones")
	}
}

// TestReadingD1 shows that who may read D1 may ask, and change nothing.
func TestReadingD1(t *testing.T) {
	c := openTokens(t, newClock(), Token{Value: "reader", Groups: []string{"D1 Read"}})
	c.must("POST", "A/d1/database", `{"name":"db"}`)
	c.must("POST", "A/d1/database/db/query", `{"sql":"create table t(a); insert into t values (1)"}`)
	c.run([]step{
		{method: "POST", path: "A/d1/database/db/query", body: `{"sql":"select a from t"}`, header: as("reader"), want: map[string]any{"0.results.0.a": 1}},
		{method: "POST", path: "A/d1/database/db/raw", body: `{"sql":"insert into t values (2)"}`, header: as("reader"), status: 403, code: 7403},
		{method: "POST", path: "A/d1/database/db/query", body: `{"sql":"drop table t"}`, header: as("reader"), status: 403, code: 7403},
		{name: "the next may write", method: "POST", path: "A/d1/database/db/query", body: `{"sql":"insert into t values (3); select count(*) as n from t"}`, want: map[string]any{"1.results.0.n": 2}},
	})
}

func TestParseToken(t *testing.T) {
	got, err := ParseToken("name=ci,value=v,groups=D1 Write+DNS Read,accounts=a+b,zones=z,buckets=a/b,read-only,expires=2026-12-01T00:00:00Z,from=192.0.2.7/24")
	want := Token{Name: "ci", Value: "v", Groups: []string{"D1 Write", "DNS Read"}, Accounts: []string{"a", "b"}, Zones: []string{"z"}, Buckets: []string{"a/b"},
		ReadOnly: true, Expires: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), From: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" || err != nil {
		t.Errorf("parsed (-want +got):\n%s%v", diff, err)
	}
	for _, text := range []string{"", "name", "name=", "color=red", "expires=tomorrow", "from=x"} {
		if _, err := ParseToken(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

// TestLimitedTokens: the short form says what policies say.
func TestLimitedTokens(t *testing.T) {
	c := openTokens(t, newClock(),
		Token{Value: "reads", ReadOnly: true},
		Token{Value: "owned", Account: acct},
		Token{Value: "reads D1", Groups: []string{"D1 Write"}, ReadOnly: true},
		Token{Value: "zone", Zones: []string{zoneCom}},
		Token{Value: "later", NotBefore: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)})
	c.header["Authorization"] = nil
	delete(c.header, "Authorization")
	tok := func(name string) []string { return []string{"Authorization", "Bearer " + name} }
	c.Server.named[digest("reads-D1")] = c.Server.named[digest("reads D1")] // a blank cannot be sent
	c.run([]step{
		{method: "POST", path: "A/queues", body: `{"queue_name":"o"}`, header: tok("owned")},
		{method: "GET", path: "accounts/" + second + "/queues", header: tok("owned"), status: 403, code: 10000},
		{method: "GET", path: "user/tokens", header: tok("owned"), status: 403, code: 10000},
		{method: "GET", path: "A/queues", header: tok("reads")},
		{method: "POST", path: "A/queues", body: `{"queue_name":"q"}`, header: tok("reads"), status: 403, code: 10000},
		{method: "GET", path: "A/d1/database", header: tok("reads-D1")},
		{method: "POST", path: "A/d1/database", body: `{"name":"db"}`, header: tok("reads-D1"), status: 403, code: 10000},
		{method: "GET", path: "A/queues", header: tok("reads-D1"), status: 403, code: 10000},
		{method: "GET", path: "zones", header: tok("zone"), want: map[string]any{"0.id": zoneCom, "1": nil}},
		{method: "GET", path: "zones/" + zoneOrg, header: tok("zone"), status: 403, code: 9109},
		{method: "GET", path: "A/queues", header: tok("later"), status: 401, code: 10000},
	})
	for _, bad := range []Token{{Buckets: []string{"x"}}} {
		if _, _, err := c.AddToken(bad); err == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
}

func TestTokenQuota(t *testing.T) {
	c := open(t, Options{})
	body := `{"name":"x","policies":[{"effect":"allow","permission_groups":[{"id":"c8fed203ed3043cba015a93ad1616f1f"}],"resources":{"com.cloudflare.api.account.zone.*":"*"}}]}`
	for range maxUserTokens {
		c.must("POST", "user/tokens", body)
	}
	if g := c.do("POST", "user/tokens", body); g.Status != 400 {
		t.Errorf("one too many: %s", g.Raw)
	}
	c.must("POST", "A/tokens", body)
}

package emulator

import "testing"

func TestRoutes(t *testing.T) {
	c := open(t, Options{})
	c.script("w")
	c.script("v")
	const r = "Z/workers/routes"
	c.run([]step{
		{method: "POST", path: r, body: `{"pattern":"example.com/api/*","script":"w"}`, keep: map[string]string{"r": "id"}, want: map[string]any{"pattern": "example.com/api/*", "script": "w"}},
		{name: "duplicate", method: "POST", path: r, body: `{"pattern":"example.com/api/*","script":"v"}`, status: 409, code: 10020},
		{name: "other zone", method: "POST", path: r, body: `{"pattern":"example.org/*","script":"w"}`, status: 400, code: 10022},
		{name: "wildcard within", method: "POST", path: r, body: `{"pattern":"example.com/a*b","script":"w"}`, status: 400, code: 10022},
		{name: "wildcard in the host", method: "POST", path: r, body: `{"pattern":"a.*.example.com/","script":"w"}`, status: 400, code: 10022},
		{name: "unknown script", method: "POST", path: r, body: `{"pattern":"example.com/x","script":"nope"}`, status: 400, code: 10019},
		{name: "without script", method: "POST", path: r, body: `{"pattern":"*.example.com/*"}`, want: map[string]any{"script": nil}},
		{name: "list", method: "GET", path: r + "?page=2", want: map[string]any{"0.pattern": "*.example.com/*", "1.pattern": "example.com/api/*"}},
		{method: "GET", path: r + "/{r}", want: map[string]any{"script": "w"}},
		{method: "PUT", path: r + "/{r}", body: `{"pattern":"example.com/*","script":"v"}`, want: map[string]any{"pattern": "example.com/*", "script": "v", "id": "{r}"}},
		{name: "another's pattern", method: "PUT", path: r + "/{r}", body: `{"pattern":"*.example.com/*","script":"v"}`, status: 409, code: 10020},
		{name: "missing", method: "GET", path: r + "/00000000000000000000000000000000", status: 404, code: 10009},
		{method: "POST", path: r, body: `{"pattern":"example.com/del"}`, keep: map[string]string{"d": "id"}},
		{method: "DELETE", path: r + "/{d}", want: map[string]any{"id": "{d}"}},
		{name: "gone", method: "DELETE", path: r + "/{d}", status: 404, code: 10009},
		{name: "routes go with the script", method: "DELETE", path: "A/workers/scripts/v"},
		{method: "GET", path: r + "/{r}", status: 404, code: 10009},
	})
	if n := c.Count()["route"]; n != 1 {
		t.Errorf("got %d routes, want 1", n)
	}
}

func TestDomains(t *testing.T) {
	second := "fedcba9876543210fedcba9876543210"
	c := open(t, Options{Accounts: []Account{{ID: acct, Name: "One"}, {ID: second, Name: "Two"}}})
	c.script("w")
	c.script("v")
	zone := c.zoneID("example.com")
	c.must("POST", "Z/dns_records", `{"type":"A","name":"taken","content":"192.0.2.1"}`)
	const d = "A/workers/domains"
	c.run([]step{
		{method: "PUT", path: d, body: `{"hostname":"App.example.com","service":"w","zone_id":"` + zone + `","environment":"production"}`, keep: map[string]string{"d": "id"},
			want: map[string]any{"hostname": "app.example.com", "service": "w", "zone_name": "example.com", "environment": "production", "enabled": true}},
		{name: "upsert", method: "PUT", path: d, body: `{"hostname":"app.example.com","service":"v","zone_name":"example.com"}`, want: map[string]any{"id": "{d}", "service": "v"}},
		{name: "zone by name of host", method: "PUT", path: d, body: `{"hostname":"b.example.com","service":"w"}`, want: map[string]any{"zone_id": zone}},
		{name: "unknown script", method: "PUT", path: d, body: `{"hostname":"c.example.com","service":"nope"}`, status: 404, code: 10007},
		{name: "unknown zone", method: "PUT", path: d, body: `{"hostname":"c.example.org","service":"w"}`, status: 400, code: 100115},
		{name: "existing record", method: "PUT", path: d, body: `{"hostname":"taken.example.com","service":"w"}`, status: 409, code: 100117},
		{name: "filter", method: "GET", path: d + "?hostname=app.example.com", want: map[string]any{"0.service": "v", "1": nil}},
		{name: "filter by service", method: "GET", path: d + "?service=w", want: map[string]any{"0.hostname": "b.example.com", "1": nil}},
		{name: "its record", method: "GET", path: "Z/dns_records?name=app.example.com", keep: map[string]string{"r": "0.id"},
			want: map[string]any{"0.type": "AAAA", "0.content": "100::", "0.proxied": true, "0.meta.read_only": true, "1": nil}},
		{name: "is read-only", method: "DELETE", path: "Z/dns_records/{r}", status: 400, code: 1043},
		{method: "GET", path: d + "/{d}", want: map[string]any{"hostname": "app.example.com"}},
		{method: "DELETE", path: d + "/{d}"},
		{name: "gone", method: "DELETE", path: d + "/{d}", status: 404, code: 100114},
		{name: "with its record", method: "GET", path: "Z/dns_records?name=app.example.com", want: map[string]any{"0": nil}},
		{name: "domains go with the script", method: "DELETE", path: "A/workers/scripts/w"},
		{method: "GET", path: d, want: map[string]any{"0": nil}},
	})
	if diff := c.Count(); diff["dns"] != 1 || diff["domain"] != 0 {
		t.Errorf("left: %v, want one record of ours and no domain", diff)
	}
}

package emulator

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRecords(t *testing.T) {
	c := open(t, Options{Now: newClock().now, Zones: []Zone{{Name: "example.com"}, {Name: "free.example", Plan: "free"}}})
	free := "zones/" + c.zoneID("free.example") + "/dns_records"
	const r = "Z/dns_records"
	c.run([]step{
		{method: "POST", path: r, body: `{"type":"a","name":"WWW","content":"192.0.2.1","ttl":300,"proxied":true,"comment":"x"}`, keep: map[string]string{"a": "id"},
			want: map[string]any{"name": "www.example.com", "type": "A", "content": "192.0.2.1", "ttl": 1, "proxied": true, "proxiable": true, "comment": "x",
				"tags": []any{}, "settings": map[string]any{}, "meta": map[string]any{}, "created_on": "2026-11-23T12:00:00.000000Z", "comment_modified_on": "2026-11-23T12:00:00.000000Z", "zone_id": nil}},
		{name: "identical", method: "POST", path: r, body: `{"type":"A","name":"www.example.com","content":"192.0.2.1"}`, status: 400, code: 81058},
		{name: "a set", method: "POST", path: r, body: `{"type":"A","name":"www","content":"192.0.2.2"}`, want: map[string]any{"ttl": 1, "proxied": false, "comment": nil}},
		{name: "CNAME beside A", method: "POST", path: r, body: `{"type":"CNAME","name":"www","content":"x.test"}`, status: 400, code: 81053},
		{name: "apex", method: "POST", path: r, body: `{"type":"TXT","name":"@","content":"v=spf1 -all"}`, want: map[string]any{"name": "example.com"}},
		{name: "wildcard", method: "POST", path: r, body: `{"type":"CNAME","name":"*","content":"X.test."}`, want: map[string]any{"name": "*.example.com", "content": "X.test"}},
		{name: "A beside CNAME", method: "POST", path: r, body: `{"type":"AAAA","name":"*","content":"100::"}`, status: 400, code: 81054},
		{name: "TXT beside CNAME", method: "POST", path: r, body: `{"type":"TXT","name":"*","content":"t"}`},
		{name: "unicode", method: "POST", path: r, body: `{"type":"A","name":"ä","content":"192.0.2.3"}`, want: map[string]any{"name": "xn--4ca.example.com"}},
		{name: "IPv6 in its short form", method: "POST", path: r, body: `{"type":"AAAA","name":"six","content":"0100:0:0::0"}`, want: map[string]any{"content": "100::"}},
		{method: "GET", path: r + "/{a}", want: map[string]any{"id": "{a}"}},
		{name: "missing", method: "GET", path: r + "/00000000000000000000000000000000", status: 404, code: 81044},
		{name: "merge", method: "PATCH", path: r + "/{a}", body: `{"content":"192.0.2.9"}`, want: map[string]any{"content": "192.0.2.9", "comment": "x", "proxied": true}},
		{name: "into an identical one", method: "PATCH", path: r + "/{a}", body: `{"content":"192.0.2.2"}`, status: 400, code: 81058},
		{name: "overwrite", method: "PUT", path: r + "/{a}", body: `{"type":"A","name":"www","content":"192.0.2.9","ttl":120}`, want: map[string]any{"comment": nil, "proxied": false, "ttl": 120}},
		{method: "DELETE", path: r + "/{a}", want: map[string]any{"id": "{a}"}},
		{name: "gone", method: "DELETE", path: r + "/{a}", status: 404, code: 81044},
		{name: "tags on the free plan", method: "POST", path: free, body: `{"type":"A","name":"a","content":"192.0.2.1","tags":["a:b"]}`, status: 400, code: 1004},
		{name: "tags", method: "POST", path: r, body: `{"type":"A","name":"tagged","content":"192.0.2.1","tags":["a:b"]}`, want: map[string]any{"tags": []any{"a:b"}}},
		{name: "malformed zone", method: "GET", path: "zones/x/dns_records", status: 404, code: 7003},
		{name: "unknown zone", method: "GET", path: "zones/00000000000000000000000000000000/dns_records", status: 403, code: 9109},
	})
	for i := range 200 {
		c.must("POST", free, fmt.Sprintf(`{"type":"A","name":"n%d","content":"192.0.2.1"}`, i))
	}
	if g := c.do("POST", free, `{"type":"A","name":"more","content":"192.0.2.1"}`); g.code() != 81045 {
		t.Errorf("201st record of a free zone: %s", g.Raw)
	}
}

func TestInvalidRecords(t *testing.T) {
	c := open(t, Options{})
	for name, test := range map[string]struct {
		body   string
		reason int
	}{
		"IPv4":              {`{"type":"A","name":"a","content":"1.2.3"}`, 9005},
		"IPv6 as A":         {`{"type":"A","name":"a","content":"::1"}`, 9005},
		"IPv6":              {`{"type":"AAAA","name":"a","content":"1.2.3.4"}`, 9006},
		"CNAME":             {`{"type":"CNAME","name":"a","content":"a b"}`, 9007},
		"CNAME to itself":   {`{"type":"CNAME","name":"a","content":"a.example.com"}`, 9039},
		"empty TXT":         {`{"type":"TXT","name":"a","content":""}`, 9008},
		"MX without":        {`{"type":"MX","name":"a","content":"mx.test"}`, 9020},
		"low TTL":           {`{"type":"A","name":"a","content":"192.0.2.1","ttl":5}`, 9021},
		"high TTL":          {`{"type":"A","name":"a","content":"192.0.2.1","ttl":86401}`, 9021},
		"proxied TXT":       {`{"type":"TXT","name":"a","content":"x","proxied":true}`, 9004},
		"unknown type":      {`{"type":"SOA","name":"a","content":"x"}`, 9004},
		"no name":           {`{"type":"A","name":"","content":"192.0.2.1"}`, 9000},
		"two dots":          {`{"type":"A","name":"a..b","content":"192.0.2.1"}`, 9000},
		"inner wildcard":    {`{"type":"A","name":"a.*","content":"192.0.2.1"}`, 9000},
		"long label":        {`{"type":"A","name":"` + strings.Repeat("a", 64) + `","content":"192.0.2.1"}`, 9000},
		"SRV without data":  {`{"type":"SRV","name":"a","content":"x"}`, 9101},
		"SRV half the data": {`{"type":"SRV","name":"a","data":{"port":1}}`, 9101},
		"wrong JSON type":   {`{"type":"A","name":1}`, 9207},
	} {
		g := c.do("POST", "Z/dns_records", test.body)
		if g.Status != 400 || g.code() != 1004 || len(g.Errors[0].Chain) != 1 || g.Errors[0].Chain[0].Code != test.reason {
			t.Errorf("%s: got %d %s, want 1004 because of %d", name, g.Status, g.Raw, test.reason)
		}
	}
	if n := c.Count()["dns"]; n != 0 {
		t.Errorf("%d records were made", n)
	}
}

func TestDataRecords(t *testing.T) {
	c := open(t, Options{})
	for kind, test := range map[string]struct{ data, content string }{
		"CAA":    {`{"flags":0,"tag":"issue","value":"letsencrypt.org"}`, `0 issue "letsencrypt.org"`},
		"SRV":    {`{"priority":10,"weight":5,"port":443,"target":"host.test."}`, `5 443 host.test`},
		"URI":    {`{"weight":1,"target":"https://x.test/"}`, `1 "https://x.test/"`},
		"HTTPS":  {`{"priority":1,"target":".","value":"alpn=\"h3\""}`, `1 . alpn="h3"`},
		"SVCB":   {`{"priority":0,"target":"x.test"}`, `0 x.test`},
		"TLSA":   {`{"usage":3,"selector":1,"matching_type":1,"certificate":"ab"}`, `3 1 1 ab`},
		"SMIMEA": {`{"usage":3,"selector":0,"matching_type":0,"certificate":"ab"}`, `3 0 0 ab`},
		"SSHFP":  {`{"algorithm":2,"type":1,"fingerprint":"ab"}`, `2 1 ab`},
		"DS":     {`{"key_tag":1,"algorithm":13,"digest_type":2,"digest":"ab"}`, `1 13 2 ab`},
		"DNSKEY": {`{"flags":257,"protocol":3,"algorithm":13,"public_key":"ab"}`, `257 3 13 ab`},
		"CERT":   {`{"type":1,"key_tag":2,"algorithm":3,"certificate":"ab"}`, `1 2 3 ab`},
		"NAPTR":  {`{"order":1,"preference":2,"flags":"s","service":"x","regex":"y","replacement":"z"}`, `1 2 "s" "x" "y" z`},
		"LOC":    {`{"lat_degrees":52,"lat_direction":"N","long_degrees":13,"long_direction":"E","altitude":30}`, `52 0 0.000 N 13 0 0.000 E 30.00m 0.00m 0.00m 0.00m`},
	} {
		g := c.must("POST", "Z/dns_records", `{"type":"`+kind+`","name":"_x","data":`+test.data+`}`)
		if g.text("content") != test.content {
			t.Errorf("%s: got content %q, want %q", kind, g.text("content"), test.content)
		}
		if g.field("data") == nil {
			t.Errorf("%s: the answer has no data", kind)
		}
	}
	if g := c.do("POST", "Z/dns_records", `{"type":"SRV","name":"_x","data":{"priority":20,"weight":5,"port":443,"target":"host.test"}}`); g.Status != 200 {
		t.Errorf("the same target with another priority: %s", g.Raw)
	}
	if g := c.do("POST", "Z/dns_records", `{"type":"SRV","name":"_x","data":{"priority":20,"weight":5,"port":443,"target":"host.test"}}`); g.code() != 81058 {
		t.Errorf("identical SRV: %s", g.Raw)
	}
}

func TestRecordFilters(t *testing.T) {
	c := open(t, Options{})
	for _, body := range []string{
		`{"type":"A","name":"a","content":"192.0.2.1","comment":"first","proxied":true}`,
		`{"type":"A","name":"b","content":"192.0.2.2","comment":"second","tags":["env:prod"]}`,
		`{"type":"TXT","name":"a","content":"hello"}`,
		`{"type":"MX","name":"@","content":"mx.test","priority":5}`,
	} {
		c.must("POST", "Z/dns_records", body)
	}
	for query, want := range map[string][]any{
		"":                                      {"a.example.com", "b.example.com", "a.example.com", "example.com"},
		"name=A.example.com":                    {"a.example.com", "a.example.com"},
		"name.exact=a.example.com&type=TXT":     {"a.example.com"},
		"name=b":                                nil,
		"name.contains=b.":                      {"b.example.com"},
		"name.startswith=ex":                    {"example.com"},
		"type=MX":                               {"example.com"},
		"content.exact=192.0.2.2":               {"b.example.com"},
		"content=hello":                         {"a.example.com"},
		"content.startswith=192.0.2.&type=A":    {"a.example.com", "b.example.com"},
		"comment.exact=first":                   {"a.example.com"},
		"comment.contains=S":                    {"a.example.com", "b.example.com"},
		"comment.present=":                      {"a.example.com", "b.example.com"},
		"comment.absent=":                       {"a.example.com", "example.com"},
		"tag=env:prod":                          {"b.example.com"},
		"tag.present=env":                       {"b.example.com"},
		"proxied=true":                          {"a.example.com"},
		"search=HELLO":                          {"a.example.com"},
		"match=any&type=MX&content=hello":       {"a.example.com", "example.com"},
		"match=any&name=b.example.com&type=TXT": {"b.example.com", "a.example.com"},
		"order=type&per_page=1":                 {"a.example.com"},
		"order=type&direction=desc&per_page=1":  {"a.example.com"},
		"per_page=3&page=2":                     {"example.com"},
		"page=3":                                nil,
	} {
		g := c.must("GET", "Z/dns_records?"+query, nil)
		if diff := cmp.Diff(want, g.list("name")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
}

func TestRecordBatch(t *testing.T) {
	c := open(t, Options{})
	a := c.must("POST", "Z/dns_records", `{"type":"A","name":"a","content":"192.0.2.1","comment":"keep"}`).text("id")
	b := c.must("POST", "Z/dns_records", `{"type":"A","name":"b","content":"192.0.2.1"}`).text("id")
	bad := fmt.Sprintf(`{"deletes":[{"id":%q}],"patches":[{"id":%q,"content":"192.0.2.5"}],"posts":[{"type":"A","name":"n","content":"192.0.2.7"},{"type":"A","name":"n","content":"x"}]}`, b, a)
	good := strings.Replace(bad, `"x"`, `"192.0.2.8"`, 1)
	c.run([]step{
		{name: "one bad", method: "POST", path: "Z/dns_records/batch", body: bad, status: 400, code: 1004},
		{name: "nothing deleted", method: "GET", path: "Z/dns_records/" + b, want: map[string]any{"content": "192.0.2.1"}},
		{name: "nothing changed", method: "GET", path: "Z/dns_records/" + a, want: map[string]any{"content": "192.0.2.1"}},
		{name: "good", method: "POST", path: "Z/dns_records/batch", body: good,
			want: map[string]any{"deletes.0.id": b, "patches.0.content": "192.0.2.5", "patches.0.comment": "keep", "posts.1.content": "192.0.2.8", "puts": []any{}}},
		{name: "unknown id", method: "POST", path: "Z/dns_records/batch", body: `{"deletes":[{"id":"x"}]}`, status: 404, code: 81044},
		{name: "order: a delete frees the name", method: "POST", path: "Z/dns_records/batch",
			body: fmt.Sprintf(`{"posts":[{"type":"CNAME","name":"a","content":"x.test"}],"deletes":[{"id":%q}]}`, a)},
	})
	if n := c.Count()["dns"]; n != 3 {
		t.Errorf("got %d records, want 3", n)
	}
}

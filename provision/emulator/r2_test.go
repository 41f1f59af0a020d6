package emulator

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBuckets(t *testing.T) {
	c := open(t, Options{Now: newClock().now})
	const base = "A/r2/buckets"
	eu := []string{"Cf-R2-Jurisdiction", "eu"}
	c.run([]step{
		{method: "POST", path: base, body: `{"name":"one","locationHint":"enam"}`, header: []string{"Content-Type", "text/plain"},
			want: map[string]any{"name": "one", "location": "ENAM", "storage_class": "Standard", "jurisdiction": "default", "creation_date": "2026-11-23T12:00:00.000Z"}},
		{name: "duplicate", method: "POST", path: base, body: `{"name":"one"}`, status: 409, code: 10004},
		{name: "short name", method: "POST", path: base, body: `{"name":"ab"}`, status: 400, code: 10005},
		{name: "upper case", method: "POST", path: base, body: `{"name":"Abc"}`, status: 400, code: 10005},
		{name: "bad class", method: "POST", path: base, body: `{"name":"two","storageClass":"Cold"}`, status: 400, code: 10040},
		{name: "not JSON", method: "POST", path: base, body: `{`, status: 400, code: 10040},
		{name: "the same name elsewhere", method: "POST", path: base, body: `{"name":"one"}`, header: eu, want: map[string]any{"jurisdiction": "eu"}},
		{name: "unseen from elsewhere", method: "GET", path: base, want: map[string]any{"buckets.0.name": "one", "buckets.1": nil}},
		{name: "bad jurisdiction", method: "GET", path: base, header: []string{"Cf-R2-Jurisdiction", "xx"}, status: 400, code: 10040},
		{method: "GET", path: base + "/one", header: eu, want: map[string]any{"jurisdiction": "eu"}},
		{name: "missing", method: "GET", path: base + "/nope", status: 404, code: 10006},
		{method: "PATCH", path: base + "/one", header: []string{"Cf-R2-Storage-Class", "InfrequentAccess"}, want: map[string]any{"storage_class": "InfrequentAccess"}},
		{name: "no class", method: "PATCH", path: base + "/one", status: 400, code: 10040},
		{method: "DELETE", path: base + "/one", header: eu},
		{method: "GET", path: base + "/one", header: eu, status: 404, code: 10006},
		{name: "the other stays", method: "GET", path: base + "/one"},
	})
}

func TestBucketPages(t *testing.T) {
	c := open(t, Options{})
	var want []any
	for i := range 25 {
		name := fmt.Sprintf("bucket-%02d", i)
		want = append(want, name)
		c.must("POST", "A/r2/buckets", `{"name":"`+name+`"}`)
	}
	for _, how := range []string{"start_after", "cursor"} {
		var names []any
		after := ""
		for {
			g := c.must("GET", "A/r2/buckets?per_page=10&"+how+"="+after, nil)
			var page []any
			for _, b := range g.field("buckets").([]any) {
				page = append(page, b.(map[string]any)["name"])
			}
			names = append(names, page...)
			if len(page) < 10 {
				break
			}
			after = page[9].(string)
			if how == "cursor" {
				after, _ = g.Info["cursor"].(string)
			}
		}
		if diff := cmp.Diff(want, names); diff != "" {
			t.Errorf("by %s (-want +got):\n%s", how, diff)
		}
	}
	c.run([]step{
		{name: "contains", method: "GET", path: "A/r2/buckets?name_contains=-07", want: map[string]any{"buckets.0.name": "bucket-07", "buckets.1": nil}},
		{name: "descending", method: "GET", path: "A/r2/buckets?direction=desc&start_after=bucket-05", want: map[string]any{"buckets.0.name": "bucket-04"}},
	})
}

func TestBucketSettings(t *testing.T) {
	c := open(t, Options{})
	c.must("POST", "A/r2/buckets", `{"name":"one"}`)
	zone := c.zoneID("example.com")
	const b = "A/r2/buckets/one"
	c.run([]step{
		{name: "a new bucket aborts old multipart uploads", method: "GET", path: b + "/lifecycle",
			want: map[string]any{"rules.0.abortMultipartUploadsTransition.condition.maxAge": 604800, "rules.1": nil}},
		{method: "PUT", path: b + "/lifecycle", body: `{"rules":[{"id":"r","enabled":true,"conditions":{"prefix":"x"}}]}`},
		{method: "GET", path: b + "/lifecycle", want: map[string]any{"rules.0.id": "r", "rules.0.conditions.prefix": "x"}},
		{name: "two of one id", method: "PUT", path: b + "/lifecycle", body: `{"rules":[{"id":"r"},{"id":"r"}]}`, status: 400, code: 10040},
		{name: "no CORS", method: "GET", path: b + "/cors", status: 404, code: 10059},
		{method: "PUT", path: b + "/cors", body: `{"rules":[{"allowed":{"methods":["GET"],"origins":["*"]},"maxAgeSeconds":60}]}`},
		{method: "GET", path: b + "/cors", want: map[string]any{"rules.0.allowed.origins": []any{"*"}, "rules.0.maxAgeSeconds": 60}},
		{name: "bad method", method: "PUT", path: b + "/cors", body: `{"rules":[{"allowed":{"methods":["FETCH"],"origins":["*"]}}]}`, status: 400, code: 10040},
		{method: "DELETE", path: b + "/cors"},
		{method: "GET", path: b + "/cors", status: 404, code: 10059},
		{method: "GET", path: b + "/domains/managed", want: map[string]any{"enabled": false}},
		{method: "PUT", path: b + "/domains/managed", body: `{"enabled":true}`, want: map[string]any{"enabled": true}},
		{method: "PUT", path: b + "/lock", body: `{"rules":[{"id":"l","enabled":true,"condition":{"type":"Indefinite"}}]}`},
		{method: "GET", path: b + "/lock", want: map[string]any{"rules.0.id": "l"}},
		{method: "POST", path: b + "/domains/custom", body: `{"domain":"r2.example.com","zoneId":"` + zone + `","enabled":true}`, want: map[string]any{"domain": "r2.example.com", "minTLS": "1.0", "zoneId": zone, "status": nil}},
		{name: "taken", method: "POST", path: b + "/domains/custom", body: `{"domain":"r2.example.com","zoneId":"` + zone + `","enabled":true}`, status: 409, code: 10052},
		{name: "other zone", method: "POST", path: b + "/domains/custom", body: `{"domain":"r2.example.org","zoneId":"` + zone + `","enabled":true}`, status: 400, code: 10040},
		{method: "GET", path: b + "/domains/custom", want: map[string]any{"domains.0.status.ssl": "active", "domains.0.zoneName": "example.com"}},
		{method: "PUT", path: b + "/domains/custom/r2.example.com", body: `{"minTLS":"1.2"}`, want: map[string]any{"minTLS": "1.2", "enabled": true, "zoneId": nil}},
		{method: "DELETE", path: b + "/domains/custom/r2.example.com"},
		{method: "GET", path: b + "/domains/custom/r2.example.com", status: 404, code: 10053},
		{name: "of no bucket", method: "GET", path: "A/r2/buckets/two/cors", status: 404, code: 10006},
	})
}

func TestObjects(t *testing.T) {
	c := open(t, Options{})
	c.must("POST", "A/r2/buckets", `{"name":"one"}`)
	const o = "A/r2/buckets/one/objects"
	c.run([]step{
		{method: "PUT", path: o + "/a/b.txt", body: "hi", header: []string{"Content-Type", "text/plain"}, want: map[string]any{"key": "a/b.txt", "size": "2", "etag": "49f68a5c8493ec2c0bf489821c21fc3b"}},
		{method: "GET", path: o + "/a/b.txt", raw: "hi"},
		{name: "overwrite", method: "PUT", path: o + "/a/b.txt", body: "ho", header: []string{"Content-Type", "text/plain"}},
		{method: "GET", path: o + "/a/b.txt", raw: "ho"},
		{method: "PUT", path: o + "/c%20d", body: ""},
		{method: "PUT", path: o + "/z", body: "z"},
		{name: "list", method: "GET", path: o, want: map[string]any{"0.key": "a/b.txt", "0.http_metadata.contentType": "text/plain", "1.key": "c d", "1.size": 0, "2.key": "z", "3": nil}},
		{name: "list by prefix", method: "GET", path: o + "?prefix=a/", want: map[string]any{"0.key": "a/b.txt", "1": nil}},
		{name: "list by folder", method: "GET", path: o + "?delimiter=/", want: map[string]any{"0.key": "c d", "1.key": "z"}},
		{name: "list from", method: "GET", path: o + "?start_after=c%20d", want: map[string]any{"0.key": "z", "1": nil}},
		{name: "missing", method: "GET", path: o + "/nope", status: 404, code: 10007},
		{name: "bucket not empty", method: "DELETE", path: "A/r2/buckets/one", status: 409, code: 10008},
		{method: "DELETE", path: o + "/a/b.txt", want: map[string]any{"key": "a/b.txt"}},
		{name: "again", method: "DELETE", path: o + "/a/b.txt", status: 404, code: 10007},
		{name: "several", method: "DELETE", path: o, body: `["c d","nope"]`, want: map[string]any{"0.key": "c d", "1": nil}},
		{name: "by prefix", method: "DELETE", path: o + "?prefix=z"},
		{name: "now empty", method: "DELETE", path: "A/r2/buckets/one"},
	})
	if len(c.files.memory) != 0 {
		t.Errorf("%d objects' bytes are left", len(c.files.memory))
	}
}

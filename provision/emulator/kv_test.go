package emulator

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestNamespaces(t *testing.T) {
	c := open(t, Options{})
	const base = "A/storage/kv/namespaces"
	c.run([]step{
		{method: "POST", path: base, body: `{"title":"b"}`, keep: map[string]string{"b": "id"}, want: map[string]any{"title": "b", "supports_url_encoding": true}},
		{method: "POST", path: base, body: `{"title":"a"}`, keep: map[string]string{"a": "id"}},
		{name: "duplicate", method: "POST", path: base, body: `{"title":"a"}`, status: 400, code: 10014},
		{name: "no title", method: "POST", path: base, body: `{}`, status: 400, code: 10019},
		{name: "not JSON", method: "POST", path: base, body: `x`, status: 400, code: 10012},
		{name: "no title filter", method: "GET", path: base + "?title=a&order=title&direction=asc", want: map[string]any{"0.title": "a", "1.title": "b"}},
		{name: "descending", method: "GET", path: base + "?order=title&direction=desc", want: map[string]any{"0.title": "b", "1.title": "a"}},
		{method: "GET", path: base + "/{a}", want: map[string]any{"title": "a"}},
		{name: "missing", method: "GET", path: base + "/00000000000000000000000000000000", status: 404, code: 10013},
		{name: "rename", method: "PUT", path: base + "/{a}", body: `{"title":"c"}`, want: map[string]any{"title": "c", "id": "{a}"}},
		{name: "rename to itself", method: "PUT", path: base + "/{a}", body: `{"title":"c"}`},
		{name: "rename to another's", method: "PUT", path: base + "/{a}", body: `{"title":"b"}`, status: 400, code: 10014},
		{method: "DELETE", path: base + "/{a}"},
		{name: "gone", method: "DELETE", path: base + "/{a}", status: 404, code: 10013},
	})
	if n := c.Count()["kv"]; n != 1 {
		t.Errorf("got %d namespaces, want 1", n)
	}
}

func TestValues(t *testing.T) {
	k := newClock()
	c := open(t, Options{Now: k.now})
	ns := "A/storage/kv/namespaces/" + c.must("POST", "A/storage/kv/namespaces", `{"title":"x"}`).text("id")
	multipart := "--b\r\nContent-Disposition: form-data; name=\"value\"\r\n\r\nv2\r\n--b\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\r\n{\"m\":1}\r\n--b--\r\n"
	c.run([]step{
		{method: "PUT", path: ns + "/values/k1", body: "v1"},
		{method: "GET", path: ns + "/values/k1", raw: "v1"},
		{name: "encoded key, multipart", method: "PUT", path: ns + "/values/a%2Fb%20c?expiration_ttl=3600", body: multipart,
			header: []string{"Content-Type", "multipart/form-data; boundary=b"}},
		{method: "GET", path: ns + "/values/a%2Fb%20c", raw: "v2"},
		{method: "GET", path: ns + "/metadata/a%2Fb%20c", want: map[string]any{"m": 1}},
		{name: "list", method: "GET", path: ns + "/keys?prefix=", want: map[string]any{"0.name": "a/b c", "0.metadata.m": 1, "1.name": "k1", "1.expiration": nil}},
		{name: "list by prefix", method: "GET", path: ns + "/keys?prefix=k", want: map[string]any{"0.name": "k1", "1": nil}},
		{name: "limit too small", method: "GET", path: ns + "/keys?limit=9", status: 400, code: 10026},
		{name: "short ttl", method: "PUT", path: ns + "/values/k?expiration_ttl=59", body: "x", status: 400, code: 10034},
		{name: "missing", method: "GET", path: ns + "/values/nope", status: 404, code: 10009},
		{name: "long key", method: "PUT", path: ns + "/values/" + strings.Repeat("k", 513), body: "x", status: 414, code: 10030},
		{method: "PUT", path: ns + "/bulk", body: `[{"key":"x","value":"eQ==","base64":true},{"key":"z","value":"1","metadata":{"a":2}}]`, want: map[string]any{"successful_key_count": 2}},
		{method: "GET", path: ns + "/values/x", raw: "y"},
		{name: "bulk is all or nothing", method: "PUT", path: ns + "/bulk", body: `[{"key":"n","value":"1"},{"key":"o","value":"1","expiration_ttl":1}]`, status: 400, code: 10034},
		{name: "so the first is not there", method: "GET", path: ns + "/values/n", status: 404, code: 10009},
		{method: "POST", path: ns + "/bulk/get", body: `{"keys":["z","nope"],"type":"json","withMetadata":true}`, want: map[string]any{"values.z.value": 1, "values.z.metadata.a": 2, "values.nope": nil}},
		{name: "no keys", method: "POST", path: ns + "/bulk/get", body: `{"keys":[]}`, status: 400, code: 10029},
		{method: "POST", path: ns + "/bulk/delete", body: `["x","never"]`},
		{method: "GET", path: ns + "/values/x", status: 404, code: 10009},
		{method: "DELETE", path: ns + "/values/k1"},
		{name: "again", method: "DELETE", path: ns + "/values/k1"},
	})
	k.forward(2 * time.Hour)
	c.run([]step{{name: "expired", method: "GET", path: ns + "/values/a%2Fb%20c", status: 404, code: 10009}})
	c.must("DELETE", strings.TrimSuffix(ns, "/"), nil)
	if n := len(c.kvKeys.rows) + len(c.store.blobs); n != 0 {
		t.Errorf("%d keys and values are left after their namespace", n)
	}
}

func TestKeyCursor(t *testing.T) {
	c := open(t, Options{})
	ns := "A/storage/kv/namespaces/" + c.must("POST", "A/storage/kv/namespaces", `{"title":"x"}`).text("id")
	var want []any
	var pairs []map[string]string
	for i := range 25 {
		name := fmt.Sprintf("p%02d", i)
		want = append(want, name)
		pairs = append(pairs, map[string]string{"key": name, "value": "v"})
	}
	c.must("PUT", ns+"/bulk", pairs)
	c.must("PUT", ns+"/values/q", "v")
	var names []any
	cursor, calls := "", 0
	for {
		g := c.must("GET", ns+"/keys?prefix=p&limit=10&cursor="+cursor, nil)
		names = append(names, g.list("name")...)
		calls++
		if cursor, _ = g.Info["cursor"].(string); cursor == "" {
			break
		}
	}
	if diff := cmp.Diff(want, names); diff != "" || calls != 3 {
		t.Errorf("%d calls, names (-want +got):\n%s", calls, diff)
	}
}

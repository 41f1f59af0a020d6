package emulator

import (
	"strings"
	"testing"
)

func TestTags(t *testing.T) {
	c := open(t, Options{})
	db := c.must("POST", "A/d1/database", `{"name":"db"}`).text("uuid")
	c.must("POST", "A/r2/buckets", `{"name":"buck"}`)
	record := c.must("POST", "Z/dns_records", `{"type":"A","name":"a","content":"192.0.2.1"}`).text("id")
	target := `"resource_type":"d1_database","resource_id":"` + db + `"`
	query := "?resource_type=d1_database&resource_id=" + db
	c.run([]step{
		{name: "never tagged", method: "GET", path: "A/tags" + query, want: map[string]any{"tags": map[string]any{}, "name": "db"}},
		{method: "PUT", path: "A/tags", body: `{` + target + `,"tags":{"owner":"cfboot","env":"prod"}}`, want: map[string]any{"id": db, "type": "d1_database", "tags.env": "prod"}},
		{name: "replaces all", method: "PUT", path: "A/tags", body: `{` + target + `,"tags":{"env":"dev"}}`, want: map[string]any{"tags": map[string]any{"env": "dev"}}},
		{name: "changed by another", method: "PUT", path: "A/tags", body: `{` + target + `,"tags":{}}`, header: []string{"If-Match", `"x"`}, status: 412, code: 1016},
		{method: "PUT", path: "A/tags", body: `{"resource_type":"r2_bucket","resource_id":"buck","tags":{"env":"prod","x":"y"}}`},
		{name: "in a zone", method: "PUT", path: "Z/tags", body: `{"resource_type":"dns_record","resource_id":"` + record + `","tags":{"env":"prod"}}`, want: map[string]any{"name": "a.example.com"}},
		{name: "not of the account", method: "GET", path: "A/tags?resource_type=dns_record&resource_id=" + record, status: 400, code: 1006},
		{name: "no such resource", method: "GET", path: "A/tags?resource_type=queue&resource_id=" + newID(), status: 404, code: 1001},
		{name: "no such type", method: "GET", path: "A/tags?resource_type=hyperdrive&resource_id=x", status: 400, code: 1006},
		{name: "no type", method: "GET", path: "A/tags", status: 400, code: 1003},
		{name: "not JSON", method: "PUT", path: "A/tags", body: `{`, status: 400, code: 1002},
		{name: "bad key", method: "PUT", path: "A/tags", body: `{` + target + `,"tags":{"a b":"c"}}`, status: 400, code: 1009},
		{name: "long value", method: "PUT", path: "A/tags", body: `{` + target + `,"tags":{"a":"` + strings.Repeat("v", 1025) + `"}}`, status: 400, code: 1010},
		{name: "by key and value", method: "GET", path: "A/tags/resources?tag=env=prod", want: map[string]any{"0.type": "dns_record", "1.id": "buck", "2": nil}},
		{name: "by several", method: "GET", path: "A/tags/resources?tag=env&tag=x", want: map[string]any{"0.id": "buck", "1": nil}},
		{name: "by type", method: "GET", path: "A/tags/resources?type=d1_database", want: map[string]any{"0.id": db, "0.tags.env": "dev", "1": nil}},
		{name: "without", method: "GET", path: "A/tags/resources?tag=!x&type=r2_bucket", want: map[string]any{"0": nil}},
		{method: "GET", path: "A/tags/keys", want: map[string]any{"0": "env", "1": "x", "2": nil}},
		{method: "GET", path: "A/tags/values/env", want: map[string]any{"0": "dev", "1": "prod"}},
		{method: "GET", path: "A/tags/summary", want: map[string]any{"0.key": "env", "0.values.1": "prod"}},
		{method: "DELETE", path: "A/tags", body: `{"resource_type":"r2_bucket","resource_id":"buck"}`},
		{name: "tags go with the resource", method: "DELETE", path: "A/d1/database/" + db},
		{method: "GET", path: "A/tags/resources", want: map[string]any{"0.id": record, "1": nil}},
	})
}

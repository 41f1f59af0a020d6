package contract

import (
	"slices"
	"strings"
	"testing"

	"github.com/cfboot/cfboot/e2e/record"
)

// TestCheckerFinds: what is held against the documents, so that TestContract
// does not pass by seeing nothing.
func TestCheckerFinds(t *testing.T) {
	const (
		databases = "accounts/{account}/d1/database"
		answer    = `{"success":true,"errors":[],"messages":[],"result":{"uuid":"u","name":"db"}}`
	)
	c := checker{documents(t)}
	for name, one := range map[string]struct {
		change   func(*record.Exchange)
		endpoint string
		want     string // "": nothing is wrong
	}{
		"as documented":               {func(e *record.Exchange) {}, "POST " + databases, ""},
		"a field's type":              {func(e *record.Exchange) { e.Answer.Text = strings.Replace(answer, `"db"`, `1`, 1) }, "POST " + databases, "R26: answer of POST accounts/{account}/d1/database: 200/result/name: value must be a string"},
		"a missing field":             {func(e *record.Exchange) { e.Answer.Text = strings.Replace(answer, `"messages":[],`, ``, 1) }, "POST " + databases, `R26: answer of POST accounts/{account}/d1/database: 200/messages: property "messages" is missing`},
		"an answer made up by a test": {func(e *record.Exchange) { e.MadeUp, e.Answer.Text = true, `{}` }, "POST " + databases, ""},
		"an unknown field":            {func(e *record.Exchange) { e.Answer.Text = strings.Replace(answer, `"uuid"`, `"uid"`, 1) }, "POST " + databases, "R26: answer of POST accounts/{account}/d1/database: 200/result/uid: is not in the document"},
		"another status":              {func(e *record.Exchange) { e.Status = 201 }, "POST " + databases, "R26: answer of POST accounts/{account}/d1/database: 201: status is not supported"},
		"what is sent":                {func(e *record.Exchange) { e.Request.Text = `{"name":"db","primary_location_hint":"mars"}` }, "POST " + databases, "R26: request of POST accounts/{account}/d1/database: body/primary_location_hint: value is not one of the allowed values"},
		"an unknown option":           {func(e *record.Exchange) { e.Request.Text = `{"name":"db","location":"weur"}` }, "POST " + databases, "R26: request of POST accounts/{account}/d1/database: body/location: is not in the document"},
		"an unknown query":            {func(e *record.Exchange) { e.Query = "pages=1" }, "POST " + databases, "R26: request of POST accounts/{account}/d1/database: query pages: is not in the document"},
		"a wrong request made up by a test": {func(e *record.Exchange) {
			e.Client, e.Status, e.Query = record.ByHand, 400, "pages=1"
			e.Answer.Text = `{"success":false,"errors":[{"code":7400,"message":"m"}],"messages":[],"result":null}`
		}, "POST " + databases, ""},
		"the older document's limits": {func(e *record.Exchange) { e.Request.Text = `{"name":"Not A Name"}` }, "POST " + databases, "O24: request of POST accounts/{account}/d1/database: body/name: string doesn't match the regular expression"},
		"only in the older document":  {func(e *record.Exchange) { e.Method, e.Request.Text = "DELETE", `{"a":1}` }, "DELETE accounts/{account}/storage/kv/namespaces/{ns}/bulk", "O24: request of DELETE accounts/{account}/storage/kv/namespaces/{ns}/bulk: body: value must be an array"},
	} {
		t.Run(name, func(t *testing.T) {
			e := record.Exchange{Client: "cfboot", Method: "POST", Status: 200, Request: record.Body{Type: "application/json", Text: `{"name":"db"}`}, Answer: record.Body{Type: "application/json", Text: answer}}
			one.change(&e)
			found := c.check(e, one.endpoint, []string{strings.Repeat("a", 32), strings.Repeat("b", 32)}[:strings.Count(one.endpoint, "{")])
			if one.want == "" && len(found) > 0 || one.want != "" && !slices.ContainsFunc(found, func(f finding) bool { return strings.HasPrefix(f.String(), one.want) }) {
				t.Errorf("found %v, want %q", found, one.want)
			}
		})
	}
}

func TestFind(t *testing.T) {
	all := endpoints(t)
	for request, want := range map[string]string{
		"GET accounts/a/d1/database/x":                   "GET accounts/{account}/d1/database/{db}",
		"GET accounts/a/tokens/verify":                   "GET accounts/{account}/tokens/verify",
		"HEAD zones/z":                                   "GET zones/{zone}",
		"PUT accounts/a/r2/buckets/b/objects/c/d%2Fe":    "PUT accounts/{account}/r2/buckets/{bucket}/objects/{key...}",
		"GET accounts/a/storage/kv/namespaces/n/keys":    "GET accounts/{account}/storage/kv/namespaces/{ns}/keys",
		"GET accounts/a/r2/buckets/b/domains/custom":     "GET accounts/{account}/r2/buckets/{bucket}/domains/custom",
		"GET accounts/a/r2/buckets/b/domains/custom/d.e": "GET accounts/{account}/r2/buckets/{bucket}/domains/custom/{domain}",
		"GET accounts//d1/database":                      "",
		"GET accounts/a/nonsense":                        "",
	} {
		method, path, _ := strings.Cut(request, " ")
		ep, _, found := find(all, method, path)
		if got := ep.String(); found != (want != "") || found && got != want {
			t.Errorf("%s is answered by %q, want %q", request, got, want)
		}
	}
}

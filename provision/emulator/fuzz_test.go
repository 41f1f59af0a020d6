package emulator

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
)

// FuzzBodies throws bodies at everything that reads one. Whatever comes, the
// answer is an envelope, and never an error of the emulator itself.
func FuzzBodies(f *testing.F) {
	s, err := Open("", Options{Zones: []Zone{{Name: "example.com", ID: "11111111111111111111111111111111"}}})
	if err != nil {
		f.Fatal(err)
	}
	defer s.Close()
	const a = "accounts/" + acct + "/"
	targets := []struct{ method, path, kind string }{
		{"POST", a + "d1/database", "application/json"},
		{"POST", a + "d1/database/db/query", "application/json"},
		{"POST", a + "d1/database/db/import", "application/json"},
		{"POST", a + "storage/kv/namespaces", "application/json"},
		{"POST", a + "r2/buckets", "text/plain"},
		{"PUT", a + "r2/buckets/buck/cors", "application/json"},
		{"PUT", a + "r2/buckets/buck/lifecycle", "application/json"},
		{"POST", a + "queues", "application/json"},
		{"POST", "zones/11111111111111111111111111111111/dns_records", "application/json"},
		{"POST", "zones/11111111111111111111111111111111/dns_records/batch", "application/json"},
		{"POST", "zones/11111111111111111111111111111111/workers/routes", "application/json"},
		{"PUT", a + "workers/domains", "application/json"},
		{"PUT", a + "workers/scripts/w", "multipart/form-data; boundary=b"},
		{"PUT", a + "workers/scripts/w/secrets", "application/json"},
		{"PUT", a + "workers/scripts/w/schedules", "application/json"},
		{"PATCH", a + "workers/scripts/w/settings", "multipart/form-data; boundary=b"},
		{"PUT", a + "workers/scripts/w/domains/records", "application/json"},
		{"POST", a + "workers/scripts/w/assets-upload-session", "application/json"},
		{"PUT", a + "workflows/f", "application/json"},
		{"PUT", a + "tags", "application/json"},
		{"POST", a + "hyperdrive/configs", "application/json"},
		{"POST", a + "vectorize/v2/indexes/idx/insert", "application/x-ndjson"},
		{"POST", a + "vectorize/v2/indexes/idx/query", "application/json"},
		{"POST", a + "vectorize/v2/indexes/idx/metadata_index/create", "application/json"},
		{"POST", "user/tokens", "application/json"},
	}
	send := func(method, path, kind, body string) (int, string) {
		r := httptest.NewRequest(method, apiPrefix+"/"+path, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer x")
		r.Header.Set("Content-Type", kind)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		s.ResetRequests()
		return w.Code, w.Body.String()
	}
	send("POST", a+"d1/database", "", `{"name":"db"}`)
	send("POST", a+"r2/buckets", "", `{"name":"buck"}`)
	send("POST", a+"vectorize/v2/indexes", "", `{"name":"idx","config":{"dimensions":2,"metric":"cosine"}}`)
	for i := range targets {
		for _, body := range []string{
			`{}`, `[]`, `null`, `"x"`, `{"name":1}`, `{"name":"n","title":"t","queue_name":"q","pattern":"example.com/*"}`,
			`{"sql":"select 1;;'","params":[null]}`, `{"type":"SRV","name":"_a","data":{"priority":1,"weight":1,"port":1,"target":"x"}}`,
			`{"type":"A","name":"\u0000","content":"192.0.2.1"}`, `{"posts":[{}],"deletes":[1]}`, `{"rules":[{}]}`,
			"--b\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\r\n{\"main_module\":\"m\",\"bindings\":[{\"name\":\"a\",\"type\":\"d1\"}]}\r\n--b\r\nContent-Disposition: form-data; name=\"m\"\r\n\r\nx\r\n--b--\r\n",
			"--b\r\nContent-Disposition: form-data; name=\"settings\"\r\n\r\n{\"bindings\":null}\r\n--b--\r\n",
		} {
			f.Add(i, body)
		}
	}
	f.Fuzz(func(t *testing.T, target int, body string) {
		if target < 0 {
			target = -(target + 1)
		}
		to := targets[target%len(targets)]
		status, answer := send(to.method, to.path, to.kind, body)
		if !json.Valid([]byte(answer)) || !strings.Contains(answer, `"success":`) {
			t.Fatalf("%s %s with %q answered %d %q", to.method, to.path, body, status, answer)
		}
		if status >= 500 && !strings.Contains(to.path, "workflows") {
			t.Fatalf("%s %s with %q broke the emulator: %d %s", to.method, to.path, body, status, answer)
		}
	})
}

// FuzzSplitSQL shows that no text is lost: the statements, in order, are found
// in the text.
func FuzzSplitSQL(f *testing.F) {
	for _, text := range []string{"", "select 1; select ';'", "create trigger t begin end;", "-- x\n/*", "'", "[", "\xff;"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		rest := text
		for _, statement := range splitSQL(text) {
			_, after, found := strings.Cut(rest, statement)
			if statement == "" || !found {
				t.Fatalf("splitSQL(%q) gave %q, which is not there", text, statement)
			}
			rest = after
		}
	})
}

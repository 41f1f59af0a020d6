package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// The asker itself, with a server that answers amiss.
func TestAsker(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(answerAmiss()))
	defer server.Close()
	a := newAsker()
	defer a.close()
	a.at(server.URL)
	for _, c := range []struct{ request, wrong string }{
		{`{"path": "/item", "has": ["id", "seven"], "lacks": "nine", "values": {"data.0.id": "seven", "data.length": 1, "more": false}, "answered": {"x-is": "he", "x-not": ""}, "save": {"id": "data.0.id", "is": "header x-is", "cookie": "header set-cookie"}}`, ""},
		{`{"path": "/item", "status": 201}`, "status 200, want [201]"},
		{`{"path": "/item", "has": "nine"}`, `it lacks "nine"`},
		{`{"path": "/item", "status": [404, 200]}`, ""},
		{`{"path": "/item", "lacks": "seven"}`, `"seven" stands in it`},
		{`{"path": "/item", "values": {"data.0.id": 7}}`, "want 7"},
		{`{"path": "/item", "values": {"data.1.id": "seven"}}`, "a list of 1 has no 1"},
		{`{"path": "/item", "values": {"data": 1}}`, "no single value"},
		{`{"path": "/item", "answered": {"x-is": "she"}}`, `x-is is "here"`},
		{`{"path": "/item", "answered": {"x-is": ""}}`, "x-is"},
		{`{"path": "/item", "save": {"a": "data.0.no"}}`, "nothing to save"},
		{`{"path": "/item", "save": {"a": "header no"}}`, "no header no"},
		{`{"method": "PUT", "path": "/echo/{id}", "headers": {"X-Test": "{is}", "Cookie": "{cookie}"}, "body": {"a": "{id}"}, "has": "PUT /echo/seven here a=b application/json {\"a\":\"seven\"}"}`, ""},
		{`{"method": "POST", "path": "/echo", "body": "{origin}", "headers": {"content-type": "text/plain"}, "has": "text/plain http://127"}`, ""},
		{`{"method": "POST", "path": "/echo", "form": {"a": "{id} b"}, "has": "x-www-form-urlencoded a=seven+b"}`, ""},
		{`{"cron": "0 3 * * *", "has": "GET /cdn-cgi/handler/scheduled?cron=0+3+%2A+%2A+%2A"}`, ""},
		{`{"path": "/third", "eventually": true}`, ""},
		{`{"path": "/third", "times": 3, "status": 429}`, "status 200, want [429]"},
		{`{"path": "/gone", "status": 301, "answered": {"location": "/item"}}`, ""},
		{`{"websocket": "/socket", "send": "hello", "has": ["you said hello", "bye"]}`, ""},
		{`{"websocket": "/socket", "send": {"a": "{id}"}, "meanwhile": [{"path": "/item"}], "has": "you said {\"a\":\"seven\"}"}`, ""},
		{`{"websocket": "/socket", "send": "hello", "meanwhile": [{"path": "/item", "status": 404}]}`, "meanwhile: GET /item: status 200"},
		{`{"websocket": "/socket", "send": "hello", "has": "never said"}`, "it was heard:\nyou said hello\nbye"},
		{`{"websocket": "/item", "status": 200}`, ""},
		{`{"websocket": "/item"}`, "status 200, want [101]"},
	} {
		var r request
		if err := json.Unmarshal([]byte(c.request), &r); err != nil {
			t.Fatalf("%s: %v", c.request, err)
		}
		err := a.ask(t.Context(), r)
		if c.wrong == "" && err != nil || c.wrong != "" && (err == nil || !strings.Contains(err.Error(), c.wrong)) {
			t.Errorf("%s: %v, want %q", c.request, err, c.wrong)
		}
	}
	if id := newID(); len(id) != 26 || id == newID() {
		t.Errorf("%s is no id of its own", id)
	}
}

func answerAmiss() http.HandlerFunc {
	thirds := 0
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/echo"), strings.HasPrefix(r.URL.Path, "/cdn-cgi"):
			body, _ := io.ReadAll(r.Body)
			fmt.Fprintln(w, r.Method, r.URL.RequestURI(), r.Header.Get("X-Test"), r.Header.Get("Cookie"), r.Header.Get("Content-Type"), string(body))
		case r.URL.Path == "/third":
			if thirds++; thirds%3 != 0 {
				w.WriteHeader(http.StatusTooManyRequests)
			}
		case r.URL.Path == "/gone":
			http.Redirect(w, r, "/item", http.StatusMovedPermanently)
		case r.URL.Path == "/socket":
			conn, err := websocket.Accept(w, r, nil)
			if err != nil {
				return
			}
			_, said, _ := conn.Read(r.Context())
			_ = conn.Write(r.Context(), websocket.MessageText, append([]byte("you said "), said...))
			_ = conn.Write(r.Context(), websocket.MessageText, []byte("bye"))
			_ = conn.Close(websocket.StatusNormalClosure, "")
		default:
			w.Header().Set("X-Is", "here")
			w.Header().Set("Set-Cookie", "a=b; Path=/")
			fmt.Fprint(w, `{"data":[{"id":"seven"}],"more":false}`)
		}
	}
}

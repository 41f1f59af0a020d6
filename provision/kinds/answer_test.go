package kinds

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/cfboot/cfboot/provision"
	"github.com/google/go-cmp/cmp"
)

func TestWhatAnAnswerMeans(t *testing.T) {
	refused := func(errs string) string { return `{"success":false,"errors":` + errs + `,"result":null}` }
	tests := []struct {
		name   string
		method string
		status int
		body   string
		want   *APIError // nil: success. Status, Codes and Message are compared
		sent   int64     // times that it is sent
		lost   bool
	}{
		{"success", "GET", 200, success, nil, 1, false},
		{"a code among the messages is no error", "GET", 200, `{"success":true,"errors":[],"messages":[{"code":10000,"message":"This API Token is valid"}],"result":{}}`, nil, 1, false},
		{"errors null", "GET", 200, `{"success":true,"errors":null,"result":null}`, nil, 1, false},
		{"refused with 200", "POST", 200, refused(`[{"code":7,"message":"no"}]`), &APIError{Status: 200, Codes: []int{7}, Message: "no"}, 1, false},
		{"the reason is in the chain", "POST", 400, refused(`[{"code":1004,"message":"DNS Validation Error","error_chain":[{"code":9300,"message":"too many tags","error_chain":[{"code":5,"message":"deep"}]}]}]`),
			&APIError{Status: 400, Codes: []int{1004, 9300, 5}, Message: "DNS Validation Error: too many tags: deep"}, 1, false},
		{"code as text", "POST", 400, refused(`[{"code":"10014","message":"taken"}]`), &APIError{Status: 400, Codes: []int{10014}, Message: "taken"}, 1, false},
		{"code as nonsense", "POST", 400, refused(`[{"code":"E_TAKEN","message":"taken"}]`), &APIError{Status: 400, Codes: []int{0}, Message: "taken"}, 1, false},
		{"code missing", "POST", 400, refused(`[{"message":"taken"}]`), &APIError{Status: 400, Codes: []int{0}, Message: "taken"}, 1, false},
		{"code huge", "POST", 400, refused(`[{"code":1e300,"message":"taken"}]`), &APIError{Status: 400, Codes: []int{0}, Message: "taken"}, 1, false},
		{"errors as texts", "POST", 400, refused(`["one","two"]`), &APIError{Status: 400, Message: "one: two"}, 1, false},
		{"errors as an object", "POST", 400, refused(`{"code":3,"message":"one"}`), &APIError{Status: 400, Codes: []int{3}, Message: "one"}, 1, false},
		{"no reason", "POST", 409, refused(`[]`), &APIError{Status: 409, Message: "refused without a reason"}, 1, false},
		{"success with a status that says no", "POST", 400, success, &APIError{Status: 400, Message: "refused without a reason"}, 1, false},
		{"what steers a terminal is taken out", "POST", 400, refused(`[{"code":1,"message":"a\u001b[31mb\u202ec\nd"}]`), &APIError{Status: 400, Codes: []int{1}, Message: "a[31mbc d"}, 1, false},
		{"a page", "GET", 200, `<html>Welcome</html>`, &APIError{Status: 200, Message: "not the API's"}, 5, false},
		{"a page for a create", "POST", 200, `<html>Welcome</html>`, &APIError{Status: 200, Message: "not the API's"}, 1, true},
		{"a blocking page", "GET", 403, `<html>Blocked</html>`, &APIError{Status: 403, Message: "not the API's"}, 2, false},
		{"a page for what is not there", "GET", 404, `<html>Not Found</html>`, &APIError{Status: 404, Message: "not the API's"}, 1, false},
		{"nothing for a read", "GET", 200, ``, &APIError{Status: 200, Message: "not the API's"}, 5, false},
		{"nothing for a create", "POST", 200, ``, &APIError{Status: 200, Message: "not the API's"}, 1, true},
		{"nothing for a delete", "DELETE", 200, ``, nil, 1, false},
		{"cut short", "GET", 200, `{"success":true,"resu`, &APIError{Status: 200, Message: "not the API's"}, 5, false},
		{"cut short for a create", "POST", 200, `{"success":true,"resu`, &APIError{Status: 200, Message: "not the API's"}, 1, true},
		{"no envelope", "GET", 200, `{"id":"1"}`, &APIError{Status: 200, Message: "not the API's"}, 5, false},
		{"a list", "GET", 200, `[1,2]`, &APIError{Status: 200, Message: "not the API's"}, 5, false},
		{"null", "GET", 200, `null`, &APIError{Status: 200, Message: "not the API's"}, 5, false},
		{"success is no bool", "GET", 200, `{"success":"yes"}`, &APIError{Status: 200, Message: "not the API's"}, 5, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, _, sent := talk(t, func(w http.ResponseWriter, _ *http.Request) { say(w, tt.status, tt.body) })
			err := c.ask(tt.method)
			if sent.Load() != tt.sent {
				t.Errorf("sent %d times, want %d", sent.Load(), tt.sent)
			}
			var lost *provision.LostError
			if errors.As(err, &lost) != tt.lost {
				t.Errorf("lost is %v, want %v: %v", !tt.lost, tt.lost, err)
			}
			var api *APIError
			if !errors.As(err, &api) {
				if tt.want != nil || err != nil {
					t.Fatalf("got %v, want %+v", err, tt.want)
				}
				return
			}
			if tt.want == nil {
				t.Fatal(err)
			}
			if api.Status != tt.want.Status || !strings.Contains(api.Message, tt.want.Message) || !cmp.Equal(api.Codes, tt.want.Codes) {
				t.Errorf("got %+v, want %+v", api, tt.want)
			}
			if len(api.Codes) > 0 && api.Code != api.Codes[0] {
				t.Errorf("the code is %d of %v", api.Code, api.Codes)
			}
		})
	}
}

func TestTheTokenIsInNoError(t *testing.T) {
	for _, status := range []int{200, 302, 400, 403, 429, 500} {
		for _, body := range []string{
			`{"success":false,"errors":[{"code":1,"message":"bad header Bearer ` + testToken + `","error_chain":[{"message":"` + testToken + `"}]}]}`,
			`<html>` + testToken + `</html>`,
		} {
			c, _, _ := talk(t, func(w http.ResponseWriter, r *http.Request) {
				say(w, status, body, "Content-Type", `text/html; charset="utf-8"`)
			})
			for _, err := range []error{c.ask("GET"), c.ask("POST"), c.CheckAccount(context.Background()), c.Verify(context.Background()), c.FindAccount(context.Background())} {
				if err == nil || strings.Contains(err.Error(), testToken) {
					t.Errorf("%d: %v", status, err)
				}
			}
		}
	}
	c, _, _ := talk(t, func(w http.ResponseWriter, _ *http.Request) { say(w, 200, success) })
	c.transport.token = testToken + "\n"
	if err := c.ask("GET"); err == nil || strings.Contains(err.Error(), testToken) {
		t.Errorf("%v", err)
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add(200, success, "")
	f.Add(400, `{"success":false,"errors":[{"code":"1","message":2,"error_chain":[[{}]]}],"retry_after":-1}`, "3")
	f.Add(204, "", "Mon, 23 Nov 2026 04:00:00 GMT")
	f.Fuzz(func(t *testing.T, status int, body, after string) {
		if status < 100 || status > 599 {
			t.Skip()
		}
		for _, method := range []string{http.MethodGet, http.MethodDelete} {
			req := httptest.NewRequest(method, "http://x/y", nil)
			resp := &http.Response{StatusCode: status, Header: http.Header{"Retry-After": {after}}}
			err := refusal(req, resp, []byte(body), time.Now())
			if err == nil {
				if status < 200 || status > 299 || body == "" && method == http.MethodGet {
					t.Errorf("%s: %d %q is no success", method, status, body)
				}
				continue
			}
			var api *APIError
			if !errors.As(err, &api) || api.Message == "" || api.RetryAfter < 0 || api.RetryAfter > 24*time.Hour || strings.ContainsAny(err.Error(), "\x1b\n\r") {
				t.Errorf("%q: %+v", body, err)
			}
		}
	})
}

package kinds

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// encodings are the forms in which a server may say a secret back.
func encodings(secret string) map[string]string {
	quoted, _ := json.Marshal(secret)
	forms := map[string]string{
		"plain": secret, "JSON": strings.Trim(string(quoted), `"`), "query": url.QueryEscape(secret), "path": url.PathEscape(secret), "HTML": html.EscapeString(secret),
		"hex": hex.EncodeToString([]byte(secret)), "HEX": strings.ToUpper(hex.EncodeToString([]byte(secret))), "hex pairs": strings.TrimSpace(fmt.Sprintf("% x", secret)),
		"base64": base64.StdEncoding.EncodeToString([]byte(secret)), "base64 raw": base64.RawStdEncoding.EncodeToString([]byte(secret)),
		"base64 URL": base64.URLEncoding.EncodeToString([]byte(secret)), "query of base64": url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(secret))),
	}
	for name, form := range map[string]string{"\\u": `\u%04x`, "%": "%%%02X", "%25": "%%25%02x", "&#": "&#%d;", "&#x": "&#x%X;", "\\x": `\x%02x`} {
		var all strings.Builder
		for _, c := range secret {
			if strings.HasPrefix(name, "%") || name == "\\x" { // a byte at a time
				for _, one := range []byte(string(c)) {
					fmt.Fprintf(&all, form, one)
				}
				continue
			}
			fmt.Fprintf(&all, form, c)
		}
		forms["all as "+name] = all.String()
	}
	for _, before := range []string{"a", "ab", "abc", "user:", "Bearer "} {
		forms["base64 after "+before] = base64.StdEncoding.EncodeToString([]byte(before + secret + "tail"))
	}
	return forms
}

func TestMask(t *testing.T) {
	for _, secret := range []string{testToken, `p&ss<w>"or'd\/+ =?~`, "12345678", "ünïcödé-ßecret"} {
		m := NewMask("", "short", secret)
		for name, form := range encodings(secret) {
			got := m.Text("before " + form + " after")
			if !strings.Contains(got, hiddenText) || strings.Contains(got, form) || !strings.HasPrefix(got, "before ") || !strings.HasSuffix(got, " after") {
				t.Errorf("%q as %s: %q", secret, name, got)
			}
			// What is left beside the mark is at most what base64 shares.
			rest := strings.NewReplacer("before ", "", " after", "", hiddenText, "", "%3D", "").Replace(got)
			if most := 4; !strings.Contains(name, "base64") && rest != "" || len(rest) > most && !strings.Contains(name, " after ") {
				t.Errorf("%q as %s leaves %q", secret, name, rest)
			}
		}
	}
	if got := NewMask("short").Text("short and short"); got != "short and short" {
		t.Errorf("%q", got)
	}
	if got := (*Mask)(nil).Text("a"); got != "a" {
		t.Errorf("%q", got)
	}
}

func TestWithoutSecrets(t *testing.T) {
	for _, tt := range []struct{ path, contentType, body, want string }{
		{"/turnstile", "application/json", `{"result":{"secret":"s3","sitekey":"0x"}}`, `{"result":{"secret":"[hidden]","sitekey":"0x"}}`},
		{"/a", "", `{"password":"p","access_token":"t","Authorization":"Bearer x","tokens":["a","b"],"client_secret":"c"}`,
			`{"Authorization":"[hidden]","access_token":"[hidden]","client_secret":"[hidden]","password":"[hidden]","tokens":["[hidden]","[hidden]"]}`},
		{"/a", "", `{"bindings":[{"type":"secret_text","name":"KEY","text":"s"},{"type":"plain_text","name":"A","text":"seen"}]}`,
			`{"bindings":[{"name":"KEY","text":"[hidden]","type":"secret_text"},{"name":"A","text":"seen","type":"plain_text"}]}`},
		{"/accounts/x/secrets_store/stores/y/secrets", "", `[{"name":"A","value":"s"}]`, `[{"name":"A","value":"[hidden]"}]`},
		{"/rules", "", `{"value":"seen","n":12345678901234567890}`, `{"n":12345678901234567890,"value":"seen"}`},
		{"/a", "", `{"password":1234,"html":"<b>"}`, `{"html":"<b>","password":"[hidden]"}`},
		{"/a", "text/html", `<p>Authorization: Bearer abc</p>`, `<p>Authorization: [hidden]</p>`},
		{"/a", "application/json", `{"secret":"brok\"en of`, `{"secret":"[hidden]`},
		{"/a", "", "\xff\xfe\x00", "(3 bytes)"},
		{"/scripts", "multipart/form-data; boundary=B", "--B\r\nContent-Disposition: form-data; name=\"metadata\"\r\nContent-Type: application/json\r\n\r\n" +
			`{"bindings":[{"type":"secret_text","text":"s"}]}` + "\r\n--B\r\nContent-Disposition: form-data; name=\"w.js\"; filename=\"w.js\"\r\nContent-Type: application/javascript+module\r\n\r\nconst a = 1\r\n--B--\r\n",
			`metadata={"bindings":[{"text":"[hidden]","type":"secret_text"}]} w.js=(11 bytes)`},
	} {
		if got := withoutSecrets(tt.path, tt.contentType, []byte(tt.body)); got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.body, got, tt.want)
		}
	}
}

// Every attempt is told, with what was sent and answered, and never the token.
func TestTrace(t *testing.T) {
	var n int
	var mu sync.Mutex
	c, _, _ := talk(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if n++; n == 1 {
			say(w, 503, "<html>"+strings.Repeat("ä", 5000)+r.Header.Get("Authorization"))
			return
		}
		say(w, 200, `{"success":true,"errors":[],"messages":["`+testToken+`"],"result":{"id":"1","secret":"0x4AAA"}}`)
	})
	var calls []Call
	c.transport.tracer, c.transport.bodies = func(c Call) { calls = append(calls, c) }, true
	if err := c.ask("PUT"); err != nil {
		t.Fatal(err)
	}
	if len(calls) != 2 || calls[0].Status != 503 || calls[0].Attempt != 1 || calls[1].Status != 200 || calls[1].Attempt != 2 ||
		calls[0].Method != "PUT" || calls[0].Path != "/things" || calls[1].Request != `{"name":"x"}` {
		t.Fatalf("%+v", calls)
	}
	if first := calls[0].Response; len(first) > maxBody+40 || !strings.HasSuffix(first, "bytes more)") || !strings.HasPrefix(first, "<html>ä") {
		t.Errorf("%d bytes: %q", len(first), first[len(first)-40:])
	}
	if want := `{"errors":[],"messages":["[hidden]"],"result":{"id":"1","secret":"[hidden]"},"success":true}`; calls[1].Response != want {
		t.Errorf("got %s, want %s", calls[1].Response, want)
	}
	c.transport.bodies = false
	if err := c.ask("GET"); err != nil || calls[2].Request+calls[2].Response != "" {
		t.Errorf("%v: %+v", err, calls[2])
	}
}

// An error that is cut to length does not show the token's first half.
func TestLongErrorWithToken(t *testing.T) {
	for _, lead := range []int{0, 960, 980, 999} {
		body, _ := json.Marshal(map[string]any{"success": false, "errors": []any{map[string]any{"code": 1, "message": strings.Repeat("x", lead) + testToken}}})
		c, _, _ := talk(t, func(w http.ResponseWriter, _ *http.Request) { say(w, 400, string(body)) })
		if err := c.ask("GET"); err == nil || bytes.Contains([]byte(err.Error()), []byte(testToken[:8])) {
			t.Errorf("%v", err)
		}
	}
}

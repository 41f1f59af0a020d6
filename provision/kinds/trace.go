package kinds

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// A Call is one attempt at one request, as it can be shown: no secret is in it.
type Call struct {
	Method   string
	Path     string // with the query
	Status   int    // 0: there was no answer
	Took     time.Duration
	Attempt  int    // from 1
	Err      string // why there was no answer
	Request  string // body; only where Connection.Bodies asks for it
	Response string // likewise
}

// maxBody is how much of a body is shown, in bytes.
const maxBody = 4 << 10

// attempted is what once learns of an attempt.
type attempted struct {
	began  time.Time
	status int
	header http.Header
	body   []byte
}

// trace shows an attempt to who asked for it.
func (t *transport) trace(req *http.Request, a attempted, attempt int, err error) {
	if t.tracer == nil || a.began.IsZero() {
		return
	}
	c := Call{Method: req.Method, Path: t.mask.Text(req.URL.RequestURI()), Status: a.status, Took: t.now().Sub(a.began), Attempt: attempt}
	if a.status == 0 && err != nil {
		c.Err = t.mask.Text(err.Error())
	}
	if t.bodies {
		if req.GetBody != nil {
			if body, err := req.GetBody(); err == nil {
				b, _ := io.ReadAll(io.LimitReader(body, t.limits.answer)) // it is in memory
				_ = body.Close()
				c.Request = t.shown(req.URL.Path, req.Header, b)
			}
		}
		c.Response = t.shown(req.URL.Path, a.header, a.body)
	}
	t.tracer(c)
}

// shown is a body without secrets, and not longer than anybody reads.
func (t *transport) shown(path string, h http.Header, body []byte) string {
	if len(body) == 0 {
		return ""
	}
	text := t.mask.Text(withoutSecrets(path, h.Get("Content-Type"), body))
	if len(text) <= maxBody {
		return text
	}
	at := maxBody
	for !utf8.RuneStart(text[at]) {
		at--
	}
	return fmt.Sprintf("%s… (%d bytes more)", text[:at], len(text)-at)
}

// withoutSecrets is a body with the values taken out of the fields that hold
// secrets.
func withoutSecrets(path, contentType string, body []byte) string {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err == nil && !dec.More() {
		var out bytes.Buffer
		enc := json.NewEncoder(&out)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(hideIn(v, "", strings.Contains(path, "/secrets"))); err == nil {
			return strings.TrimSpace(out.String())
		}
	}
	kind, params, err := mime.ParseMediaType(contentType)
	switch {
	case err == nil && kind == "multipart/form-data":
		return parts(path, params["boundary"], body)
	case !utf8.Valid(body):
		return fmt.Sprintf("(%d bytes)", len(body))
	}
	return secretPair().ReplaceAllString(string(body), "${1}"+hiddenText)
}

// secretPair is a secret in what only resembles JSON, such as an answer that
// broke off, or in a header that was said back.
var secretPair = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)("[a-z_]*(?:secret|password|token|authorization|cookie|signed_url|text|value)[a-z_]*"\s*:\s*"|\b(?:authorization|cookie|set-cookie|x-auth-key)\s*[:=]\s*)(?:[^"\\\r\n<]|\\.)*`)
})

// parts shows the parts of a form, each with its name.
func parts(path, boundary string, body []byte) string {
	var out []string
	for r := multipart.NewReader(bytes.NewReader(body), boundary); ; {
		p, err := r.NextPart()
		if err != nil {
			break
		}
		b, _ := io.ReadAll(p) // what broke off is shown as far as it goes
		kind, _, _ := mime.ParseMediaType(p.Header.Get("Content-Type"))
		text := fmt.Sprintf("(%d bytes)", len(b))
		if kind == "application/json" || kind == "" && json.Valid(b) {
			text = withoutSecrets(path, "application/json", b)
		}
		out = append(out, p.FormName()+"="+text)
	}
	return strings.Join(out, " ")
}

// secretWords are what the name of a field has in it that holds a secret.
var secretWords = []string{"secret", "password", "passwd", "token", "authorization", "cookie", "api_key", "apikey", "private_key", "access_key",
	"auth_key", "connection_string", "key_base64", "key_jwk", "jwt", "credential", "signed_url"}

// hideIn hides every text in a field that holds a secret. What "value" and "text"
// hold is one where the object, or the path, is a secret's.
func hideIn(v any, field string, secret bool) any {
	switch v := v.(type) {
	case map[string]any:
		kind, _ := v["type"].(string)
		ofSecret := secret || strings.HasPrefix(kind, "secret")
		for name, inner := range v {
			lower := strings.ToLower(name)
			if ofSecret && (lower == "text" || lower == "value" || lower == "values") {
				lower = "secret"
			}
			v[name] = hideIn(inner, lower, ofSecret)
		}
	case []any:
		for i := range v {
			v[i] = hideIn(v[i], field, secret)
		}
	case string:
		if v != "" && slices.ContainsFunc(secretWords, func(w string) bool { return strings.Contains(field, w) }) {
			return hiddenText
		}
	case json.Number:
		if slices.Contains(secretWords[:3], field) {
			return hiddenText
		}
	}
	return v
}

package kinds

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// APIError is a request that Cloudflare refused.
type APIError struct {
	Method, Path string
	Status       int
	Code         int // of the first error; 0 where Cloudflare gave none
	Codes        []int
	Message      string
	RetryAfter   time.Duration
	parsed       bool // it was an API answer, not a proxy's page
}

func (e *APIError) Error() string {
	var b strings.Builder
	b.WriteString(e.Message)
	if e.Code != 0 {
		fmt.Fprintf(&b, " (code %d)", e.Code)
	}
	fmt.Fprintf(&b, " [%s %s: HTTP %d]", e.Method, e.Path, e.Status)
	return b.String()
}

// codeIs reports whether err is Cloudflare's refusal with one of the codes.
// Codes mean something only within one product: every caller asks about a call
// of its own.
func codeIs(err error, codes ...int) bool {
	var api *APIError
	return errors.As(err, &api) && slices.ContainsFunc(api.Codes, func(c int) bool { return c != 0 && slices.Contains(codes, c) })
}

// statusIs reports whether err is a refusal, the API's or a proxy's, with one of
// the statuses.
func statusIs(err error, statuses ...int) bool {
	var api *APIError
	return errors.As(err, &api) && slices.Contains(statuses, api.Status)
}

// refusal is nil for an answer that says success.
func refusal(req *http.Request, resp *http.Response, body []byte, now time.Time) error {
	ok := resp.StatusCode >= 200 && resp.StatusCode < 300
	if ok && len(body) == 0 && req.Method == http.MethodDelete {
		return nil // some deletes answer with nothing
	}
	e := &APIError{Method: req.Method, Path: req.URL.Path, Status: resp.StatusCode, RetryAfter: retryAfter(resp.Header.Get("Retry-After"), now)}
	var env map[string]json.RawMessage
	if err := json.Unmarshal(body, &env); err != nil {
		e.Message = stranger(resp, body)
		return e
	}
	var success *bool
	if err := json.Unmarshal(env["success"], &success); err == nil && success != nil {
		e.parsed = true
	}
	if e.parsed && *success && ok {
		return nil
	}
	var advice float64
	if err := json.Unmarshal(env["retry_after"], &advice); err == nil && e.RetryAfter == 0 {
		e.RetryAfter = clampAdvice(advice)
	}
	var errs any
	if err := json.Unmarshal(env["errors"], &errs); err == nil {
		e.parsed = true
		e.Message = printable(strings.Join(e.collect(errs), ": "))
	}
	switch {
	case !e.parsed:
		e.Message = stranger(resp, body)
	case e.Message == "":
		e.Message = "refused without a reason"
	}
	if len(e.Codes) > 0 {
		e.Code = e.Codes[0]
	}
	return e
}

// collect reads errors and the errors in their chains, in whatever form: codes
// are numbers, texts or missing, and the chain often has the real reason.
func (e *APIError) collect(v any) (texts []string) {
	switch v := v.(type) {
	case []any:
		for _, one := range v {
			texts = append(texts, e.collect(one)...)
		}
	case map[string]any:
		code := 0
		switch c := v["code"].(type) {
		case float64:
			if c == float64(int32(c)) {
				code = int(c)
			}
		case string:
			code, _ = strconv.Atoi(c) // no number, no code
		}
		e.Codes = append(e.Codes, code)
		texts = append(texts, e.collect(v["message"])...)
		texts = append(texts, e.collect(v["error_chain"])...)
	case string:
		if v != "" {
			texts = append(texts, v)
		}
	}
	return texts
}

// stranger words an answer that is not the API's.
func stranger(resp *http.Response, body []byte) string {
	if to, err := url.Parse(resp.Header.Get("Location")); err == nil && to.Host != "" && resp.StatusCode < 400 {
		return fmt.Sprintf("the answer is not the API's but sends on to %q, where the token is not sent: a login page may stand between, or the base URL is wrong", to.Host)
	}
	kind := resp.Header.Get("Content-Type")
	return fmt.Sprintf("the answer is not the API's (%s, %d bytes): a proxy or a login page may stand between", printable(orDefault(kind, "no content type")), len(body))
}

// printable takes out of a text that others wrote what would steer a terminal
// or show something else than it says, and what is beyond any message's length.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, s)
	if runes := []rune(s); len(runes) > 1000 {
		return string(runes[:1000]) + "…"
	}
	return s
}

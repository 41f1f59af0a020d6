package kinds

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cfboot/cfboot/provision"
)

// Bounds of one request, in bytes, attempts and time. Cloudflare answers or
// gives up within 30 s (developers.cloudflare.com/d1/platform/limits).
const (
	maxAnswer    = 64 << 20
	maxAttempts  = 5
	callTimeout  = 60 * time.Second
	maxWait      = 5 * time.Minute // the longest Retry-After that is waited for: the API's own block lasts as long
	firstBackoff = 250 * time.Millisecond
)

// A transport sends the SDK's requests and decides what an answer means. The
// SDK itself never retries: it repeats creates whose answer was lost, cannot be
// interrupted while it waits and takes success:false with HTTP 200 for success.
//
// A failed answer becomes an *APIError, a create whose fate is unknown a
// *provision.LostError. What is retried is only what may be: reads, and writes
// that say the same twice (PUT, PATCH, DELETE); anything at all when Cloudflare
// refused it for its rate (429) or it never left this machine.
type transport struct {
	base   http.RoundTripper
	token  string
	agent  string
	slots  chan struct{} // bounds the requests under way
	calls  atomic.Int64
	sleep  func(context.Context, time.Duration) error
	notify func(string) // tells of long waits; may be nil
}

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
	if !errors.As(err, &api) {
		return false
	}
	for _, c := range codes {
		for _, have := range append(api.Codes, api.Code) {
			if c == have && c != 0 {
				return true
			}
		}
	}
	return false
}

func statusIs(err error, statuses ...int) bool {
	var api *APIError
	if !errors.As(err, &api) {
		return false
	}
	for _, s := range statuses {
		if api.Status == s {
			return true
		}
	}
	return false
}

// RoundTrip implements http.RoundTripper. The answer it returns is whole, in
// memory, and says success.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	var waited time.Duration
	for attempt := 1; ; attempt++ {
		resp, err := t.once(ctx, req)
		if err == nil {
			return resp, nil
		}
		if ctx.Err() != nil {
			return nil, lostIfCreate(req, err)
		}
		again, wait := t.again(req, err, attempt)
		if !again || waited+wait > maxWait {
			return nil, verdict(req, err)
		}
		if wait >= 5*time.Second && t.notify != nil {
			t.notify(fmt.Sprintf("Cloudflare asks to wait %s before the next request", wait.Round(time.Second)))
		}
		waited += wait
		if err := t.sleep(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// again decides whether a failed attempt is repeated, and after what wait.
func (t *transport) again(req *http.Request, err error, attempt int) (bool, time.Duration) {
	if req.Body != nil && req.GetBody == nil {
		return false, 0
	}
	backoff := firstBackoff << (attempt - 1)
	backoff += time.Duration(rand.Int64N(int64(backoff)))
	var api *APIError
	if errors.As(err, &api) {
		switch {
		case api.Status == http.StatusTooManyRequests || api.Code == 971:
			return attempt < maxAttempts*2, max(api.RetryAfter, backoff)
		case api.Status >= 500 || !api.parsed:
			return attempt < maxAttempts && repeatable(req), max(api.RetryAfter, backoff)
		case api.Code == 10000 && req.Method == http.MethodGet:
			// Valid tokens are refused now and then under concurrency.
			return attempt < 2, backoff
		}
		return false, 0
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return attempt < 3, backoff // it never left
	}
	return attempt < maxAttempts && repeatable(req), backoff
}

func repeatable(req *http.Request) bool { return req.Method != http.MethodPost }

// verdict gives the last attempt's error its meaning for the caller.
func verdict(req *http.Request, err error) error {
	var api *APIError
	if errors.As(err, &api) && api.parsed && api.Status < 500 {
		return err
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return &provision.Problem{Text: "Cloudflare cannot be reached", Err: err, Hints: []string{"check the network, and CLOUDFLARE_API_BASE_URL if it is set"}}
	}
	return lostIfCreate(req, err)
}

func lostIfCreate(req *http.Request, err error) error {
	if repeatable(req) {
		return err
	}
	return &provision.LostError{Err: err}
}

func (t *transport) once(ctx context.Context, req *http.Request) (*http.Response, error) {
	select {
	case t.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-t.slots }()
	t.calls.Add(1)
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	out := req.Clone(ctx)
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return nil, err
		}
		out.Body = body
	}
	for _, h := range []string{"X-Auth-Key", "X-Auth-Email", "X-Auth-User-Service-Key"} {
		out.Header.Del(h)
	}
	out.Header.Set("Authorization", "Bearer "+t.token)
	out.Header.Set("User-Agent", t.agent)
	resp, err := t.base.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("the answer broke off: %w", err)
	}
	if len(body) > maxAnswer {
		return nil, fmt.Errorf("the answer is larger than %d MiB", maxAnswer>>20)
	}
	if err := refusal(out, resp, body); err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	// The SDK decodes by content type; the envelope is JSON whatever it is called.
	resp.Header.Set("Content-Type", "application/json")
	return resp, nil
}

// refusal is nil for an answer that says success.
func refusal(req *http.Request, resp *http.Response, body []byte) error {
	e := &APIError{Method: req.Method, Path: req.URL.Path, Status: resp.StatusCode}
	e.RetryAfter = retryAfter(resp.Header.Get("Retry-After"), time.Now())
	var env struct {
		Success *bool `json:"success"`
		Errors  []struct {
			Code    json.Number `json:"code"`
			Message string      `json:"message"`
			Chain   []struct {
				Code    json.Number `json:"code"`
				Message string      `json:"message"`
			} `json:"error_chain"`
		} `json:"errors"`
		RetryAfter float64 `json:"retry_after"`
	}
	if len(body) == 0 && resp.StatusCode < 300 {
		return nil // some deletes answer with nothing
	}
	if err := json.Unmarshal(body, &env); err != nil || env.Success == nil && resp.StatusCode < 400 {
		e.Message = fmt.Sprintf("the answer is not the API's (%s, %d bytes): a proxy or a login page may stand between", kindOf(resp), len(body))
		return e
	}
	if resp.StatusCode < 300 && env.Success != nil && *env.Success {
		return nil
	}
	e.parsed = true
	if e.RetryAfter == 0 && env.RetryAfter > 0 {
		e.RetryAfter = time.Duration(env.RetryAfter * float64(time.Second))
	}
	var texts []string
	for _, one := range env.Errors {
		code, _ := strconv.Atoi(one.Code.String())
		e.Codes = append(e.Codes, code)
		texts = append(texts, one.Message)
		for _, c := range one.Chain {
			code, _ := strconv.Atoi(c.Code.String())
			e.Codes = append(e.Codes, code)
			texts = append(texts, c.Message)
		}
	}
	if len(e.Codes) > 0 {
		e.Code = e.Codes[0]
	}
	if e.Message = strings.Join(texts, ": "); e.Message == "" {
		e.Message = "refused without a reason"
	}
	return e
}

func kindOf(resp *http.Response) string {
	if ct := resp.Header.Get("Content-Type"); ct != "" {
		return ct
	}
	return "no content type"
}

// retryAfter reads seconds or an HTTP date; anything else is no advice.
func retryAfter(h string, now time.Time) time.Duration {
	if h == "" {
		return 0
	}
	if s, err := strconv.Atoi(h); err == nil {
		return time.Duration(min(max(s, 0), 24*3600)) * time.Second
	}
	if at, err := http.ParseTime(h); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

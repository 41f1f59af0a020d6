package github

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

const (
	attempts  = 4
	firstWait = 500 * time.Millisecond
	// longestWait is how long GitHub may ask to wait. Whoever waits holds a runner,
	// and usually Cloudflare's state.
	longestWait = 30 * time.Second
)

// transport adds the token, to requests for the API's host only, and repeats what
// is safe to repeat.
type transport struct {
	host  string
	token string
	next  http.RoundTripper
	sleep func(context.Context, time.Duration) error
}

func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	for n := 1; ; n++ {
		resp, err := t.once(req)
		wait, again := again(req, resp, err, n)
		if !again {
			return resp, err
		}
		if resp != nil {
			_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<16))
			_ = resp.Body.Close()
		}
		if err := t.sleep(req.Context(), wait); err != nil {
			return nil, err
		}
	}
}

// once sends the request as a copy: the original must stay as it is.
func (t *transport) once(req *http.Request) (*http.Response, error) {
	sent := req.Clone(req.Context())
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return nil, err
		}
		sent.Body = body
	}
	sent.Header.Del("Authorization")
	if sent.URL.Host == t.host {
		sent.Header.Set("Authorization", "Bearer "+t.token)
	}
	return t.next.RoundTrip(sent)
}

// again decides whether attempt n is followed by another, and after what wait. A
// request that was refused for its number did nothing, whatever it is; one that
// failed may have been carried out, and is repeated only where that makes no
// difference.
func again(req *http.Request, resp *http.Response, err error, n int) (time.Duration, bool) {
	if n >= attempts || req.Body != nil && req.Body != http.NoBody && req.GetBody == nil {
		return 0, false
	}
	wait := firstWait << (n - 1)
	wait += rand.N(wait / 2)
	safe := req.Method == http.MethodGet || req.Method == http.MethodPatch
	if err != nil {
		ended := errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
		return wait, safe && !ended
	}
	switch {
	case limited(resp):
		asked, ok := asked(resp, time.Now())
		return max(asked, wait), !ok || asked <= longestWait
	case resp.StatusCode >= 500:
		return wait, safe
	}
	return 0, false
}

// limited reports a refusal for the number of requests. GitHub words its two limits
// as 429 or 403; a 403 without these headers is a missing permission.
func limited(resp *http.Response) bool {
	switch resp.StatusCode {
	case http.StatusTooManyRequests:
		return true
	case http.StatusForbidden:
		return resp.Header.Get("Retry-After") != "" || resp.Header.Get("X-RateLimit-Remaining") == "0"
	}
	return false
}

// asked is how long GitHub says to wait.
func asked(resp *http.Response, now time.Time) (time.Duration, bool) {
	if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && s >= 0 {
		return time.Duration(min(s, 86400)) * time.Second, true
	}
	if at, err := strconv.ParseInt(resp.Header.Get("X-RateLimit-Reset"), 10, 64); err == nil && resp.Header.Get("X-RateLimit-Remaining") == "0" {
		return time.Unix(at, 0).Sub(now), true
	}
	return 0, false
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

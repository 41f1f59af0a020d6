package cli

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/http/httpproxy"
)

// Bounds of one look whether an address answers, and the pauses between two.
const (
	lookTime  = 10 * time.Second
	firstLook = 250 * time.Millisecond
	lastLook  = 5 * time.Second
)

// awaited waits until an address answers, and says so either way. One that does
// not yet is no failure: names and certificates take their time.
func (r *rising) awaited(address string) bool {
	ctx, cancel := context.WithTimeout(r.ctx, r.patience)
	defer cancel()
	client := r.visitor()
	last, pause := "nobody has asked it", firstLook
	for {
		answers, why := look(ctx, client, address)
		if answers {
			return true
		}
		if why != "" {
			last = why
		}
		select {
		case <-ctx.Done():
			r.view().Notice("note: warming up: %s does not answer yet (%s); new names and certificates take a few minutes", address, last)
			return false
		case <-r.stopping.Done():
			r.view().Notice("note: stopped waiting for %s (%s)", address, last)
			return false
		case <-time.After(pause):
		}
		pause = min(2*pause, lastLook)
	}
}

// visitor is a client like any visitor's: no token, a proxy where the environment
// names one, and no redirect followed, for that is an answer, too.
func (r *rising) visitor() *http.Client {
	env := func(name string) string {
		if v, ok := r.getenv(name); ok {
			return v
		}
		v, _ := r.getenv(strings.ToLower(name))
		return v
	}
	proxy := (&httpproxy.Config{HTTPProxy: env("HTTP_PROXY"), HTTPSProxy: env("HTTPS_PROXY"), NoProxy: env("NO_PROXY")}).ProxyFunc()
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = func(req *http.Request) (*url.URL, error) { return proxy(req.URL) }
	transport.DisableKeepAlives = true // each look finds out for itself where the name leads
	return &http.Client{Transport: transport, Timeout: lookTime, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// look asks once. why is what came instead of an answer.
func look(ctx context.Context, client *http.Client, address string) (answers bool, why string) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return false, err.Error()
	}
	resp, err := client.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return false, "" // what was seen before says more
		}
		return false, plainAddress(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 4096)) // the start is enough to know it by
	if why := notYet(resp.StatusCode, string(body)); why != "" {
		return false, why
	}
	return true, ""
}

func plainAddress(err error) string {
	if u, ok := err.(*url.Error); ok {
		return u.Err.Error()
	}
	return err.Error()
}

// notYet says why an answer is not the Worker's: Cloudflare's own of a place that
// is not ready (520 to 530, with DNS, TLS and origin still to come), its pages for
// an address on workers.dev that leads nowhere yet, and cfboot's placeholder.
func notYet(status int, body string) string {
	switch {
	case status >= 520 && status <= 530:
		return fmt.Sprintf("HTTP %d from Cloudflare", status)
	case status == http.StatusServiceUnavailable && strings.Contains(body, "<title>Not deployed yet</title>"):
		return "the placeholder answers"
	// guess: what workers.dev says of a Worker that it does not know yet.
	case status == http.StatusNotFound && (strings.HasPrefix(strings.TrimSpace(body), "error code: 10") || strings.Contains(body, "There is nothing here yet")):
		return "workers.dev does not know it yet"
	}
	return ""
}

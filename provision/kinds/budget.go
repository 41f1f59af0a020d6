package kinds

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cfboot/cfboot/provision"
)

// A budget is the allowance of requests, of which Cloudflare gives one to all
// that a user or token sends. When it is used up nothing is sent for a while:
// what is sent all the same is refused, and counted.
type budget struct {
	mu    sync.Mutex
	until time.Time
}

// extend makes everything wait until then and reports by how much longer.
func (b *budget) extend(until, now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	before := b.until
	if before.Before(now) {
		before = now
	}
	if until.After(before) {
		b.until = until
	}
	return until.Sub(before)
}

func (b *budget) left(now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.until.Sub(now)
}

// awaitBudget returns when requests may be sent.
func (t *transport) awaitBudget(ctx context.Context) error {
	for {
		left := t.budget.left(t.now())
		switch {
		case left <= 0:
			return nil
		case left > t.limits.advice:
			return t.later(nil)
		}
		if err := t.pause(ctx, left); err != nil {
			return err
		}
	}
}

// hold makes the whole run wait. Waits worth the telling are told once.
func (t *transport) hold(wait time.Duration) {
	now := t.now()
	if longer := t.budget.extend(now.Add(wait), now); longer >= 2*time.Second && wait >= worthTelling && t.waits != nil {
		t.waits(now.Add(wait))
	}
}

// worthTelling is the shortest wait that people are told of.
const worthTelling = 5 * time.Second

// later ends a run that was refused for its rate and would have to wait too
// long: what is done is done, and the same command goes on.
func (t *transport) later(err error) error {
	when := "later"
	var api *APIError
	left := t.budget.left(t.now())
	if errors.As(err, &api) {
		left = max(left, api.RetryAfter)
	}
	if left > 0 {
		when = fmt.Sprintf("at %s (in %s)", t.now().Add(left).Format("2006-01-02 15:04:05 MST"), left.Round(time.Second))
	}
	p := &provision.Problem{Class: provision.Partial, Err: err, Hints: []string{
		"the account's limit of 1,200 requests in five minutes is used up; run the same command again " + when}}
	if err == nil {
		p.Text = "Cloudflare takes no requests for now"
	}
	return p
}

// heed waits before the allowance is overdrawn: others spend of it, too.
func (t *transport) heed(h http.Header) {
	left, reset, ok := allowance(h.Get("Ratelimit"))
	if ok && left == 0 && reset > 0 && reset <= t.limits.advice {
		t.hold(reset)
	}
}

// allowance reads a header like "default";r=50;t=30: what is left of the
// tightest of its policies, and when that is renewed.
func allowance(header string) (left int, reset time.Duration, ok bool) {
	for policy := range strings.SplitSeq(header, ",") {
		r, seconds := -1, -1
		for field := range strings.SplitSeq(policy, ";") {
			name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
			n, err := strconv.Atoi(value)
			switch {
			case err != nil || n < 0:
			case name == "r":
				r = n
			case name == "t":
				seconds = min(n, maxAdvice)
			}
		}
		if r >= 0 && seconds >= 0 && (!ok || r < left) {
			left, reset, ok = r, time.Duration(seconds)*time.Second, true
		}
	}
	return left, reset, ok
}

// maxAdvice is the longest wait, in seconds, that an answer is taken to mean.
const maxAdvice = 24 * 60 * 60

// retryAfter reads seconds or an HTTP date; anything else is no advice.
func retryAfter(h string, now time.Time) time.Duration {
	h = strings.TrimSpace(h)
	if at, err := http.ParseTime(h); err == nil {
		return clampAdvice(at.Sub(now).Seconds())
	}
	if strings.Trim(h, "0123456789") != "" {
		return 0
	}
	s, err := strconv.ParseFloat(h, 64)
	if h == "" || err != nil && s == 0 {
		return 0
	}
	return clampAdvice(s)
}

func clampAdvice(seconds float64) time.Duration {
	if !(seconds > 0) {
		return 0
	}
	return time.Duration(min(seconds, maxAdvice) * float64(time.Second))
}

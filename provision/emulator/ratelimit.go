package emulator

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// rateWindow is the time over which Cloudflare counts calls, and for which it
// refuses all calls of whoever made too many.
const rateWindow = 5 * time.Minute

// usualRate is Cloudflare's own limit of calls per window.
const usualRate = 1200

// rateLimiter counts calls per credential.
type rateLimiter struct {
	mu    sync.Mutex
	limit int // 0: never refuse, and report a full budget
	users map[string]*rateUse
}

type rateUse struct {
	began   time.Time
	calls   int
	blocked time.Time // until then
}

// quota is what the Ratelimit headers say.
type quota struct {
	limit, left int
	reset       time.Duration
	blocked     bool
}

func (l *rateLimiter) most() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.limit
}

// set changes the limit, and counts anew.
func (l *rateLimiter) set(limit int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.limit, l.users = limit, nil
}

// take counts a call.
func (l *rateLimiter) take(user string, now time.Time) quota {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.limit <= 0 {
		return quota{limit: usualRate, left: usualRate, reset: rateWindow}
	}
	if l.users == nil {
		l.users = map[string]*rateUse{}
	}
	u := l.users[user]
	if u == nil || now.Sub(u.began) >= rateWindow && !u.blocked.After(now) {
		u = &rateUse{began: now}
		l.users[user] = u
	}
	u.calls++
	if u.calls == l.limit+1 {
		u.blocked = now.Add(rateWindow)
	}
	q := quota{limit: l.limit, left: max(l.limit-u.calls, 0), reset: u.began.Add(rateWindow).Sub(now)}
	if u.calls > l.limit {
		q.blocked, q.reset = true, u.blocked.Sub(now)
	}
	return q
}

func (q quota) seconds() int { return int(math.Ceil(q.reset.Seconds())) }

func (q quota) headers(h http.Header) {
	h.Set("Ratelimit", fmt.Sprintf(`"default";r=%d;t=%d`, q.left, q.seconds()))
	h.Set("Ratelimit-Policy", fmt.Sprintf(`"default";q=%d;w=%d`, q.limit, int(rateWindow.Seconds())))
}

// answer is the answer to a call too many.
func (q quota) answer() answer {
	a := renderError(refuse(http.StatusTooManyRequests, 971,
		"More than %d requests per 300 seconds reached. Please wait and consider throttling your request speed", q.limit))
	a.header = http.Header{"Retry-After": {strconv.Itoa(q.seconds())}}
	return a
}

package emulator

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// runHeader marks requests as belonging to one run, for tests that share an
// emulator. (wrangler sets headers from CLOUDFLARE_API_HEADERS.)
const runHeader = "X-Test-Run"

// Request is one request that was served, without headers and bodies.
type Request struct {
	N      int    `json:"n"` // counts from 1
	Method string `json:"method"`
	Path   string `json:"path"` // escaped, after /client/v4
	Query  string `json:"query,omitempty"`
	// Status is the HTTP status, 0 when the connection was dropped; Code the
	// first error's code, 0 without one.
	Status int       `json:"status"`
	Code   int       `json:"code,omitempty"`
	Start  time.Time `json:"start"`
	End    time.Time `json:"end"` // just before the answer is sent
	RunID  string    `json:"run_id,omitempty"`
	Fault  string    `json:"fault,omitempty"` // what struck it, see ParseFailure
}

// What the log keeps at most: requests, and bytes of each path and query. Tests
// look at all requests of a run, so it is more than anybody reads.
const (
	maxRequests = 20000
	maxLogged   = 2048
)

// secretQuery finds the values in a query that give somebody rights.
var secretQuery = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)((?:^|&)[^=&]*(?:token|signature|secret|credential|password|jwt)[^=&]*=)[^&]*`)
})

// logged is a query as it may be shown: short, without secrets, and without
// anything that could steer a terminal.
func logged(query string) string {
	query = secretQuery().ReplaceAllString(query, "${1}hidden")
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, query[:min(len(query), maxLogged)])
}

type requestLog struct {
	mu    sync.Mutex
	n     int
	done  []Request
	onAny func(Request, string)
}

func (l *requestLog) begin(r *http.Request, path string) *Request {
	req := &Request{Method: r.Method, Path: path[:min(len(path), maxLogged)], Query: logged(r.URL.RawQuery), RunID: r.Header.Get(runHeader)}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.n++
	req.N, req.Start = l.n, time.Now()
	return req
}

func (l *requestLog) end(req *Request, w io.Writer) {
	req.End = time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.done) == maxRequests {
		l.done = slices.Delete(l.done, 0, maxRequests/4)
	}
	l.done = append(l.done, *req)
	if w == nil {
		return
	}
	_, err := fmt.Fprintln(w, req.line())
	_ = err // a log that cannot be written must not fail requests
}

// longID is an account's or zone's id in a path, of which a person needs only
// the beginning.
var longID = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(/(?:accounts|zones)/[0-9a-f]{6})[0-9a-f]{26}`) })

// where is the request's path and query, as a person reads it.
func (req *Request) where() string {
	at := longID().ReplaceAllString(req.Path, "$1…")
	if req.Query != "" {
		at += "?" + req.Query
	}
	return at
}

// outcome is the status and the code, or what happened instead.
func (req *Request) outcome() string {
	switch {
	case req.Status == 0:
		return "dropped"
	case req.Code != 0:
		return fmt.Sprintf("%d (%d)", req.Status, req.Code)
	}
	return fmt.Sprint(req.Status)
}

// took is how long the request was worked on, in milliseconds.
func (req *Request) took() string {
	return fmt.Sprintf("%.1f", float64(req.End.Sub(req.Start).Microseconds())/1000)
}

// line is the request as a person reads it.
func (req *Request) line() string {
	line := fmt.Sprintf("%s  %-6s %-12s %8s ms  %s", req.Start.Format("15:04:05.000"), req.Method, req.outcome(), req.took(), req.where())
	if req.Fault != "" {
		line += "  <- " + req.Fault
	}
	return line
}

func (l *requestLog) hook(req *Request, phase string) {
	l.mu.Lock()
	f := l.onAny
	l.mu.Unlock()
	if f != nil {
		f(*req, phase)
	}
}

// Requests returns the requests answered since the start or the last reset, in
// the order in which they ended.
func (s *Server) Requests() []Request {
	s.requests.mu.Lock()
	defer s.requests.mu.Unlock()
	return slices.Clone(s.requests.done)
}

// ResetRequests forgets the requests answered so far.
func (s *Server) ResetRequests() {
	s.requests.mu.Lock()
	defer s.requests.mu.Unlock()
	s.requests.done = nil
}

// OnRequest sets the one function that is called during each request, in the
// request's goroutine: in phase "before" nothing is done yet, in phase "after"
// the effect is in the store but no byte of the answer is sent. Nil removes it.
func (s *Server) OnRequest(f func(r Request, phase string)) {
	s.requests.mu.Lock()
	defer s.requests.mu.Unlock()
	s.requests.onAny = f
}

// Rounds returns the length of the longest chain of requests each of which
// began after the one before it had ended: the number of network round trips a
// client cannot have overlapped.
func Rounds(reqs []Request) int {
	starts, ends := slices.Clone(reqs), slices.Clone(reqs)
	slices.SortFunc(starts, func(a, b Request) int { return a.Start.Compare(b.Start) })
	slices.SortFunc(ends, func(a, b Request) int { return a.End.Compare(b.End) })
	chain := map[int]int{} // by N
	best, longest, next := 0, 0, 0
	for _, r := range starts {
		for next < len(ends) && !ends[next].End.After(r.Start) {
			best = max(best, chain[ends[next].N])
			next++
		}
		chain[r.N] = best + 1
		longest = max(longest, chain[r.N])
	}
	return longest
}

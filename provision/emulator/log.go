package emulator

import (
	"fmt"
	"io"
	"net/http"
	"slices"
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
}

type requestLog struct {
	mu    sync.Mutex
	n     int
	done  []Request
	onAny func(Request, string)
}

func (l *requestLog) begin(r *http.Request, path string) *Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.n++
	return &Request{N: l.n, Method: r.Method, Path: path, Query: r.URL.RawQuery,
		Start: time.Now(), RunID: r.Header.Get(runHeader)}
}

func (l *requestLog) end(req *Request, w io.Writer) {
	req.End = time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done = append(l.done, *req)
	if w == nil {
		return
	}
	line := fmt.Sprintf("%s %4d %-6s %s", req.Start.Format("15:04:05.000"), req.N, req.Method, req.Path)
	if req.Query != "" {
		line += "?" + req.Query
	}
	line += fmt.Sprintf(" %d", req.Status)
	if req.Code != 0 {
		line += fmt.Sprintf(" (%d)", req.Code)
	}
	_, err := fmt.Fprintf(w, "%s %.1fms\n", line, float64(req.End.Sub(req.Start).Microseconds())/1000)
	_ = err // a log that cannot be written must not fail requests
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

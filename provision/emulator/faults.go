package emulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"sync"
)

// Failure is a fault that spoils the next matching requests.
type Failure struct {
	Method string `json:"method,omitempty"` // "": any
	Path   string `json:"path,omitempty"`   // regular expression on the escaped path after /client/v4; "": any
	Skip   int    `json:"skip,omitempty"`   // so many matching requests pass first
	Count  int    `json:"count,omitempty"`  // how often it strikes; 0: once, negative: always

	Status      int    `json:"status,omitempty"` // 0: 500, or 200 with Envelope200
	Code        int    `json:"code,omitempty"`
	Message     string `json:"message,omitempty"`
	RetryAfter  string `json:"retry_after,omitempty"`  // the header's value, as it is
	Body        string `json:"body,omitempty"`         // instead of an envelope
	ContentType string `json:"content_type,omitempty"` // of Body; text/html if empty

	After       bool `json:"after,omitempty"`       // the effect happens, then this answer
	Drop        bool `json:"drop,omitempty"`        // the connection closes without an answer
	Envelope200 bool `json:"envelope200,omitempty"` // success:false with status 200
}

// FailureHeader marks the answers that a Failure made up.
const FailureHeader = "X-Emulated-Failure"

type armedFailure struct {
	Failure
	path *regexp.Regexp
}

type faultQueue struct {
	mu    sync.Mutex
	armed []*armedFailure
}

// Fail queues a fault. When several match a request, the oldest strikes. It
// panics if the path is not a regular expression.
func (s *Server) Fail(f Failure) {
	s.faults.add(f, regexp.MustCompile(f.Path))
}

func (q *faultQueue) add(f Failure, path *regexp.Regexp) {
	if f.Count == 0 {
		f.Count = 1
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.armed = append(q.armed, &armedFailure{f, path})
}

func (q *faultQueue) clear() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.armed = nil
}

// take returns the fault that strikes this request, if any, and counts it.
func (q *faultQueue) take(method, path string) *Failure {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, f := range q.armed {
		if f.Method != "" && f.Method != method || !f.path.MatchString(path) {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			continue
		}
		if f.Count > 0 {
			f.Count--
			if f.Count == 0 {
				q.armed = slices.Delete(q.armed, i, i+1)
			}
		}
		struck := f.Failure
		return &struck
	}
	return nil
}

// answer is what the client sees.
func (f *Failure) answer() answer {
	a := answer{status: f.Status, code: f.Code, header: http.Header{FailureHeader: {"1"}}}
	if a.status == 0 {
		a.status = http.StatusInternalServerError
		if f.Envelope200 {
			a.status = http.StatusOK
		}
	}
	if f.RetryAfter != "" {
		a.header.Set("Retry-After", f.RetryAfter)
	}
	if f.Body != "" || f.ContentType != "" {
		a.kind, a.body = f.ContentType, []byte(f.Body)
		if a.kind == "" {
			a.kind = "text/html; charset=UTF-8"
		}
		return a
	}
	message := f.Message
	if message == "" {
		message = fmt.Sprintf("emulated failure: %s", http.StatusText(a.status))
	}
	body, err := json.Marshal(envelope{Errors: []apiError{{Code: f.Code, Message: message}}, Messages: []any{}})
	if err != nil {
		body = nil
	}
	a.kind, a.body = "application/json", body
	return a
}

package emulator

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"time"
)

// Failure is a fault that strikes the next matching requests. What it spoils is
// the answer (Status and what follows it), or only what the request sees and when
// (Delay, Jitter, Lag, OmitNewest, RepeatLastPage): a fault that has only the
// latter lets the request be answered as usual.
type Failure struct {
	Method string `json:"method,omitempty"` // "": any
	Path   string `json:"path,omitempty"`   // regular expression on the escaped path after /client/v4; "": any
	Skip   int    `json:"skip,omitempty"`   // so many matching requests pass first
	// Count is how often it strikes. 0: once, or always where it has a chance or
	// spoils no answer; negative: always.
	Count int `json:"count,omitempty"`
	// Chance is how likely it strikes a matching request, between 0 and 1; 0: it
	// strikes each. Seed makes the dice; the same seed rolls the same.
	Chance float64 `json:"chance,omitempty"`
	Seed   uint64  `json:"seed,omitempty"`

	Status      int    `json:"status,omitempty"` // 0: 500, or 200 with Envelope200
	Code        int    `json:"code,omitempty"`
	Message     string `json:"message,omitempty"`
	RetryAfter  string `json:"retry_after,omitempty"`  // the header's value, as it is
	Body        string `json:"body,omitempty"`         // instead of an envelope
	ContentType string `json:"content_type,omitempty"` // of Body; text/html if empty

	After       bool `json:"after,omitempty"`       // the effect happens, then this answer
	Drop        bool `json:"drop,omitempty"`        // the connection closes without an answer
	Envelope200 bool `json:"envelope200,omitempty"` // success:false with status 200

	Delay          Span `json:"delay,omitempty"`            // waited before anything happens
	Jitter         Span `json:"jitter,omitempty"`           // at most so much more
	Lag            Span `json:"lag,omitempty"`              // what is younger is not seen
	OmitNewest     bool `json:"omit_newest,omitempty"`      // lists leave out what was made last
	RepeatLastPage bool `json:"repeat_last_page,omitempty"` // past the end, lists give their last page again
}

// Span is a length of time that reads and writes as "150ms".
type Span time.Duration

// MarshalText writes it as time.Duration does.
func (d Span) MarshalText() ([]byte, error) { return []byte(d.Text()), nil }

// UnmarshalText reads what time.ParseDuration reads, but nothing negative.
func (d *Span) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err == nil && v < 0 {
		err = fmt.Errorf("%s is negative", text)
	}
	*d = Span(v)
	return err
}

// Text is it as time.Duration writes it.
func (d Span) Text() string { return time.Duration(d).String() }

// passes says whether the request is answered as usual.
func (f *Failure) passes() bool {
	return (f.Delay > 0 || f.Jitter > 0 || f.Lag > 0 || f.OmitNewest || f.RepeatLastPage) &&
		f.Status == 0 && f.Code == 0 && f.RetryAfter == "" && f.Body == "" && f.ContentType == "" && !f.Drop && !f.Envelope200
}

// FailureHeader marks the answers that a Failure made up.
const FailureHeader = "X-Emulated-Failure"

type armedFailure struct {
	Failure
	path *regexp.Regexp
	dice *rand.Rand
}

type faultQueue struct {
	mu    sync.Mutex
	armed []*armedFailure
}

// effects are what faults do to a request beside its answer.
type effects struct {
	delay          time.Duration
	lag            time.Duration
	omitNewest     bool
	repeatLastPage bool
	names          []string // of the faults that struck, for the log
}

// Fail queues a fault. When several would spoil a request's answer, the oldest
// does. It panics if the path is not a regular expression.
func (s *Server) Fail(f Failure) {
	armed, err := arm(f)
	if err != nil {
		panic("emulator: " + err.Error())
	}
	s.faults.add(armed)
}

// arm checks a fault and makes it ready to strike.
func arm(f Failure) (*armedFailure, error) {
	path, err := regexp.Compile(f.Path)
	if err != nil {
		return nil, fmt.Errorf("path is no regular expression: %w", err)
	}
	if f.Chance < 0 || f.Chance > 1 {
		return nil, fmt.Errorf("the chance %v is not between 0 and 1", f.Chance)
	}
	if f.Status != 0 && (f.Status < 200 || f.Status > 599) {
		return nil, fmt.Errorf("an answer cannot have the status %d", f.Status)
	}
	if f.Count == 0 && (f.Chance > 0 || f.passes()) {
		f.Count = -1
	}
	if f.Count == 0 {
		f.Count = 1
	}
	return &armedFailure{f, path, rand.New(rand.NewPCG(f.Seed, 0))}, nil
}

func (q *faultQueue) add(f ...*armedFailure) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.armed = append(q.armed, f...)
}

func (q *faultQueue) clear() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.armed = nil
}

// list gives the faults that may still strike, with what is left of their counts.
func (q *faultQueue) list() []Failure {
	q.mu.Lock()
	defer q.mu.Unlock()
	out := []Failure{}
	for _, f := range q.armed {
		out = append(out, f.Failure)
	}
	return out
}

// take returns the fault that spoils this request's answer, if any, and what all
// those do that strike beside it. They are counted.
func (q *faultQueue) take(method, path string) (*Failure, effects) {
	q.mu.Lock()
	defer q.mu.Unlock()
	var spoils *Failure
	var fx effects
	q.armed = slices.DeleteFunc(q.armed, func(f *armedFailure) bool {
		if !f.matches(method, path) || spoils != nil && !f.passes() || !f.strikes() {
			return false
		}
		struck := f.Failure
		if !f.passes() {
			spoils = &struck
		}
		fx.add(&struck)
		if f.Count > 0 {
			f.Count--
		}
		return f.Count == 0
	})
	return spoils, fx
}

func (f *armedFailure) matches(method, path string) bool {
	return (f.Method == "" || f.Method == method) && f.path.MatchString(path)
}

// strikes says whether it is this request's turn.
func (f *armedFailure) strikes() bool {
	if f.Skip > 0 {
		f.Skip--
		return false
	}
	return f.Chance == 0 || f.dice.Float64() < f.Chance
}

func (fx *effects) add(f *Failure) {
	fx.delay += time.Duration(f.Delay) + jitter(time.Duration(f.Jitter))
	fx.lag = max(fx.lag, time.Duration(f.Lag))
	fx.omitNewest = fx.omitNewest || f.OmitNewest
	fx.repeatLastPage = fx.repeatLastPage || f.RepeatLastPage
	fx.names = append(fx.names, f.Word())
}

// jitter is some time from nothing to most.
func jitter(most time.Duration) time.Duration {
	if most <= 0 {
		return 0
	}
	return rand.N(most + 1)
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

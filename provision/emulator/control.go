package emulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// controlPrefix is where the emulator is looked at and steered. It asks for no
// token: serve it on loopback only.
const controlPrefix = "/__emulator/"

// A control answers one method of one path below controlPrefix.
type control func(s *Server, r *http.Request, rest string) (any, error)

// controls are the emulator's own endpoints; those that end in a slash take a
// name after it.
var controls = map[string]control{
	"GET state":         func(s *Server, _ *http.Request, _ string) (any, error) { return s.state(), nil },
	"GET requests":      controlRequests,
	"GET rounds":        controlRounds,
	"POST reset":        controlReset,
	"GET faults":        controlFaults,
	"POST faults":       controlAddFaults,
	"PUT faults":        controlSetFaults,
	"DELETE faults":     controlClearFaults,
	"GET settings":      func(s *Server, _ *http.Request, _ string) (any, error) { return s.settings(), nil },
	"PATCH settings":    controlSettings,
	"POST latency":      controlLatency,
	"POST token":        controlToken,
	"POST account":      controlAccount,
	"GET snapshots":     func(s *Server, _ *http.Request, _ string) (any, error) { return s.Snapshots() },
	"PUT snapshots/":    func(s *Server, _ *http.Request, name string) (any, error) { return done(s.SaveSnapshot(name)) },
	"POST snapshots/":   func(s *Server, _ *http.Request, name string) (any, error) { return done(s.RestoreSnapshot(name)) },
	"DELETE snapshots/": func(s *Server, _ *http.Request, name string) (any, error) { return done(s.DeleteSnapshot(name)) },
}

// sameOrigin keeps pages of other origins from steering the emulator through a
// person's browser.
var sameOrigin = http.NewCrossOriginProtection()

func (s *Server) serveControl(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path[len(controlPrefix):]
	if err := sameOrigin.Check(r); err != nil {
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	}
	if s.serveTransfer(w, r, path) {
		return
	}
	if r.Method == http.MethodGet && path == "" {
		s.servePage(w)
		return
	}
	if name, is := strings.CutPrefix(path, "bundle/"); is && r.Method == http.MethodGet {
		s.serveBundle(w, name)
		return
	}
	name, rest, hasRest := strings.Cut(path, "/")
	if hasRest {
		name += "/"
	}
	serve := controls[r.Method+" "+name]
	if serve == nil {
		http.Error(w, "the emulator has:\n"+controlHelp, http.StatusNotFound)
		return
	}
	answer, err := serve(s, r, rest)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	err = json.NewEncoder(w).Encode(answer)
	_ = err // the client has gone: nobody left to tell
}

// controlHelp is what whoever asks for something else is told, and what the
// package comment says.
const controlHelp = `GET    /                   a page that shows what there is
GET    state               what exists, by kind and by account
GET    requests?last=N     the log of requests, all that is kept without last
GET    rounds              how many requests waited for one another
POST   reset?all=true      forgets requests and faults; with all, what exists too
GET    faults              the faults that may still strike
POST   faults              adds some; PUT replaces them, DELETE clears them
GET    settings            latency, jitter, lag, rate limit, clock
PATCH  settings            changes them; "advance": "5m" moves the clock
POST   token               makes an API token: {"id", "value"} of it
POST   account             sets an account's plan and products
GET    snapshots           their names
PUT    snapshots/NAME      saves all that exists; POST restores it, DELETE drops it
GET    bundle/ACCOUNT/NAME a Worker as it was deployed, as a zip file
`

// done is the answer to what has no other.
func done(err error) (any, error) { return map[string]bool{"ok": true}, err }

// readControl reads a body of JSON.
func readControl(r *http.Request, into any) error {
	d := json.NewDecoder(io.LimitReader(r.Body, maxBody))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("the body: %w", err)
	}
	return nil
}

func controlRequests(s *Server, r *http.Request, _ string) (any, error) {
	all := append([]Request{}, s.Requests()...)
	if last := r.URL.Query().Get("last"); last != "" {
		n, err := strconv.Atoi(last)
		if err != nil || n < 0 {
			return nil, fmt.Errorf("last=%q is no number of requests", last)
		}
		all = all[max(len(all)-n, 0):]
	}
	return all, nil
}

func controlRounds(s *Server, _ *http.Request, _ string) (any, error) {
	return map[string]int{"rounds": Rounds(s.Requests())}, nil
}

func controlReset(s *Server, r *http.Request, _ string) (any, error) {
	s.ResetRequests()
	s.faults.clear()
	if r.URL.Query().Get("all") == "true" {
		return done(s.Reset())
	}
	return done(nil)
}

func controlFaults(s *Server, _ *http.Request, _ string) (any, error) { return s.faults.list(), nil }

// readFaults reads one fault or a list; each is a Failure or a text as
// ParseFailure reads it.
func readFaults(r *http.Request) ([]*armedFailure, error) {
	var body json.RawMessage
	if err := readControl(r, &body); err != nil {
		return nil, err
	}
	list := []json.RawMessage{body}
	if body[0] == '[' {
		if err := json.Unmarshal(body, &list); err != nil {
			return nil, err
		}
	}
	var out []*armedFailure
	for _, one := range list {
		f, err := readFault(one)
		if err != nil {
			return nil, err
		}
		armed, err := arm(f)
		if err != nil {
			return nil, err
		}
		out = append(out, armed)
	}
	return out, nil
}

func readFault(body json.RawMessage) (f Failure, err error) {
	var text string
	if json.Unmarshal(body, &text) == nil {
		return ParseFailure(text)
	}
	if err := json.Unmarshal(body, &f); err != nil {
		return f, fmt.Errorf("the body is no fault: %w", err)
	}
	return f, nil
}

func controlAddFaults(s *Server, r *http.Request, _ string) (any, error) {
	list, err := readFaults(r)
	if err != nil {
		return nil, err
	}
	s.faults.add(list...)
	return s.faults.list(), nil
}

func controlSetFaults(s *Server, r *http.Request, _ string) (any, error) {
	list, err := readFaults(r)
	if err != nil {
		return nil, err
	}
	s.faults.clear()
	s.faults.add(list...)
	return s.faults.list(), nil
}

func controlClearFaults(s *Server, _ *http.Request, _ string) (any, error) {
	s.faults.clear()
	return s.faults.list(), nil
}

// settings are those that can be changed while it serves.
type settings struct {
	Latency   Span      `json:"latency"`
	Jitter    Span      `json:"jitter"`
	Lag       Span      `json:"lag"`
	RateLimit int       `json:"rate_limit"` // 0: none
	Now       time.Time `json:"now"`
}

func (s *Server) settings() settings {
	return settings{Span(s.latency.get()), Span(s.jitter.get()), Span(s.lag.get()), s.rates.most(), s.o.Now().UTC()}
}

func controlSettings(s *Server, r *http.Request, _ string) (any, error) {
	var in struct {
		Latency   *Span `json:"latency"`
		Jitter    *Span `json:"jitter"`
		Lag       *Span `json:"lag"`
		RateLimit *int  `json:"rate_limit"`
		Advance   Span  `json:"advance"`
	}
	if err := readControl(r, &in); err != nil {
		return nil, err
	}
	if in.RateLimit != nil && *in.RateLimit < 0 {
		return nil, errors.New("rate_limit: 0 is no limit, and there is nothing below")
	}
	for _, change := range []struct {
		to    *duration
		value *Span
	}{{&s.latency, in.Latency}, {&s.jitter, in.Jitter}, {&s.lag, in.Lag}} {
		if change.value != nil {
			change.to.set(time.Duration(*change.value))
		}
	}
	if in.RateLimit != nil {
		s.rates.set(*in.RateLimit)
	}
	s.Advance(time.Duration(in.Advance))
	return s.settings(), nil
}

// controlLatency is PATCH settings for whoever has milliseconds.
func controlLatency(s *Server, r *http.Request, _ string) (any, error) {
	var in struct {
		Milliseconds float64 `json:"ms"`
	}
	if err := readControl(r, &in); err != nil {
		return nil, err
	}
	s.latency.set(time.Duration(in.Milliseconds * float64(time.Millisecond)))
	return done(nil)
}

// controlAccount sets an account's plan and products, see SetAccount.
func controlAccount(s *Server, r *http.Request, _ string) (any, error) {
	var a Account
	if err := readControl(r, &a); err != nil {
		return nil, err
	}
	return done(s.SetAccount(a))
}

package emulator

import (
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"time"
)

// controlPrefix is where the emulator is steered. It asks for no token: serve
// it on loopback only.
const controlPrefix = "/__emulator/"

// serveControl answers:
//
//	GET  state            {"count": by kind, "resources": [...]}, see Count and Resources
//	GET  requests         the log of requests
//	GET  rounds           {"rounds": n}, see Rounds
//	POST reset            forgets requests and faults
//	POST fail             queues the Failure of the body
//	POST token            makes the Token of the body: {"id", "value"}
//	POST latency          sets the latency: {"ms": n}
//	POST account          sets an account's plan and products: {"id", "plan", "without": []}, see SetAccount
func (s *Server) serveControl(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path[len(controlPrefix):]
	if s.serveTransfer(w, r, path) {
		return
	}
	switch r.Method + " " + path {
	case "GET state":
		writeJSON(w, map[string]any{"count": s.Count(), "resources": s.Resources()})
	case "GET requests":
		writeJSON(w, append([]Request{}, s.Requests()...))
	case "GET rounds":
		writeJSON(w, map[string]int{"rounds": Rounds(s.Requests())})
	case "POST reset":
		s.ResetRequests()
		s.faults.clear()
		writeJSON(w, map[string]bool{"ok": true})
	case "POST fail":
		s.controlFail(w, r)
	case "POST token":
		s.controlToken(w, r)
	case "POST account":
		s.controlAccount(w, r)
	case "POST latency":
		var in struct {
			Milliseconds float64 `json:"ms"`
		}
		if err := json.NewDecoder(io.LimitReader(r.Body, maxBody)).Decode(&in); err != nil {
			http.Error(w, "latency: want {\"ms\": number}: "+err.Error(), http.StatusBadRequest)
			return
		}
		s.latency.set(time.Duration(in.Milliseconds * float64(time.Millisecond)))
		writeJSON(w, map[string]bool{"ok": true})
	default:
		http.Error(w, "the emulator has: GET state, requests, rounds; POST reset, fail, latency, account, token", http.StatusNotFound)
	}
}

func (s *Server) controlFail(w http.ResponseWriter, r *http.Request) {
	var f Failure
	if err := json.NewDecoder(io.LimitReader(r.Body, maxBody)).Decode(&f); err != nil {
		http.Error(w, "fail: the body is no Failure: "+err.Error(), http.StatusBadRequest)
		return
	}
	path, err := regexp.Compile(f.Path)
	if err != nil {
		http.Error(w, "fail: path is no regular expression: "+err.Error(), http.StatusBadRequest)
		return
	}
	s.faults.add(f, path)
	writeJSON(w, map[string]bool{"ok": true})
}

func (s *Server) controlAccount(w http.ResponseWriter, r *http.Request) {
	var a Account
	if err := json.NewDecoder(io.LimitReader(r.Body, maxBody)).Decode(&a); err != nil {
		http.Error(w, "account: the body is no Account: "+err.Error(), http.StatusBadRequest)
		return
	}
	if err := s.SetAccount(a); err != nil {
		http.Error(w, "account: "+err.Error(), http.StatusBadRequest)
		return
	}
	writeJSON(w, map[string]bool{"ok": true})
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	err := json.NewEncoder(w).Encode(v)
	_ = err // the client has gone: nobody left to tell
}

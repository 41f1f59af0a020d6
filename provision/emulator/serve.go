package emulator

import (
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// maxBody is the largest request body that is read, in bytes.
const maxBody = 128 << 20

const apiPrefix = "/client/v4"

// A call is one request on its way through an endpoint.
type call struct {
	*http.Request
	x       *txn
	body    []byte
	query   url.Values
	params  map[string]string
	token   *apiToken
	account *account // of the path, if the path names one
	zone    *zone
	effects
}

// duration is a time.Duration that may change while requests are served.
type duration struct{ n atomic.Int64 }

func (d *duration) set(v time.Duration) { d.n.Store(int64(v)) }
func (d *duration) get() time.Duration  { return time.Duration(d.n.Load()) }

// SetLatency changes what is waited before each answer from now on.
func (s *Server) SetLatency(d time.Duration) { s.latency.set(d) }

// Advance moves the clock forward, beyond what Options.Now says: what was made
// is so much older.
func (s *Server) Advance(by time.Duration) { s.ahead.n.Add(int64(by)) }

// ServeHTTP serves the API under /client/v4, R2's S3 API where s3Target finds it,
// and the emulator's own controls under /__emulator.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, controlPrefix) {
		s.serveControl(w, r)
		return
	}
	path, isAPI := strings.CutPrefix(r.URL.EscapedPath(), apiPrefix)
	to, isS3 := s.s3Target(r)
	if isS3 {
		path = to.path()
	} else if !isAPI {
		http.NotFound(w, r)
		return
	}
	req := s.requests.begin(r, path)
	var body []byte
	var err error
	if !isS3 && !s.streams(r, path) {
		body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	}
	if err != nil {
		s.finish(w, r, req, answer{status: http.StatusRequestEntityTooLarge, kind: "text/plain", body: []byte("request body unreadable or too large\n")}, false)
		return
	}
	s.requests.hook(req, "before")
	fault, fx := s.faults.take(r.Method, path)
	req.Fault = strings.Join(fx.names, ", ")
	fx.lag = max(fx.lag, s.lag.get())
	if !wait(r, s.latency.get()+jitter(s.jitter.get())+fx.delay) {
		s.finish(w, r, req, answer{}, true)
		return
	}
	var budget quota // S3 has none
	if !isS3 {
		budget = s.rates.take(r.Header.Get("Authorization")+r.Header.Get("X-Auth-Key"), s.o.Now())
		budget.headers(w.Header())
	}
	if fault != nil && !fault.After {
		s.requests.hook(req, "after")
		s.finish(w, r, req, to.spoiled(fault), fault.Drop)
		return
	}
	var a answer
	switch {
	case isS3:
		a = s.performS3(r, to, fx)
	case budget.blocked:
		a = budget.answer()
	default:
		a = s.perform(r, path, body, fx)
	}
	s.requests.hook(req, "after")
	if fault != nil {
		if a.stream != nil {
			a.stream.Close()
		}
		s.finish(w, r, req, to.spoiled(fault), fault.Drop)
		return
	}
	s.finish(w, r, req, a, false)
}

// streams says whether the endpoint reads the body itself.
func (s *Server) streams(r *http.Request, path string) bool {
	found, _, refused := s.lookup(r, path)
	return refused == nil && found.stream
}

// wait sleeps for d, less if the client goes away: then it is false.
func wait(r *http.Request, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

// finish logs the request and sends the answer. The log comes first, so that
// whatever the answer causes begins after this request has ended.
func (s *Server) finish(w http.ResponseWriter, r *http.Request, req *Request, a answer, drop bool) {
	if a.stream != nil {
		defer a.stream.Close()
	}
	req.Status, req.Code = a.status, a.code
	if drop {
		req.Status, req.Code = 0, 0
	}
	s.requests.end(req, s.o.Log)
	if drop {
		panic(http.ErrAbortHandler) // net/http closes the connection without an answer
	}
	h := w.Header()
	if a.kind != "" {
		h.Set("Content-Type", a.kind)
	}
	h.Set("Date", s.o.Now().UTC().Format(http.TimeFormat))
	h.Set("Cf-Ray", strconv.FormatInt(int64(req.N), 16)+"-EMU")
	maps.Copy(h, a.header)
	if a.stream != nil {
		h.Set("Content-Length", strconv.FormatInt(a.stream.size, 10))
	}
	w.WriteHeader(a.status)
	if r.Method == http.MethodHead {
		return
	}
	_, err := w.Write(a.body)
	if a.stream != nil {
		_, err = io.Copy(w, a.stream)
	}
	_ = err // the client has gone: nobody left to tell
}

// perform authenticates, finds the endpoint and runs it as one transaction.
func (s *Server) perform(r *http.Request, path string, body []byte, fx effects) answer {
	found, params, refused := s.lookup(r, path)
	if refused != nil {
		// Whoever has no valid credentials learns nothing about routes.
		if _, err := s.authenticate(r); err != nil {
			return renderError(err)
		}
		return renderError(refused)
	}
	c := &call{Request: r, body: body, query: r.URL.Query(), params: params,
		x: &txn{store: s.store, now: s.o.Now()}, effects: fx}
	if found.free {
		if err := s.admitFree(c, found, path); err != nil {
			return renderError(err)
		}
		return render(found.serve(c))
	}
	if found.method == http.MethodGet || found.method == http.MethodHead {
		s.mu.RLock()
		defer s.mu.RUnlock()
		if err := s.admit(c, found, path); err != nil {
			return renderError(err)
		}
		return render(found.serve(c))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.admit(c, found, path); err != nil {
		return renderError(err)
	}
	out, err := found.serve(c)
	if err == nil {
		err = c.x.commit()
	}
	if err != nil {
		c.x.rollback()
		return renderError(err)
	}
	return render(out, nil)
}

// admitFree admits under a read lock that it gives back.
func (s *Server) admitFree(c *call, found *route, path string) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.admit(c, found, path)
}

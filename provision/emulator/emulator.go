// Package emulator answers as Cloudflare's REST control plane does: an
// http.Handler that serves /client/v4/... from tables in memory, written
// through to one file, with the envelopes, status codes, per-service error
// codes, name rules, uniqueness and dependencies of the real thing.
//
// It is written from what is known of the API, never from what a client of
// this module happens to send, so that a run which passes against it means
// something. Where no source tells how Cloudflare behaves, the most plausible
// answer is given and marked in the code with a comment that begins "guess:".
//
// One product lives in one file (d1.go, kv.go, r2.go, queues.go, dns.go,
// routes.go, domains.go, scripts.go, ...): the records it keeps, the endpoints
// it answers, the rules it enforces. What all share is around them: router.go
// finds the endpoint, auth.go decides who calls, serve.go runs a request from
// the first byte to the last, faults.go spoils it on demand, table.go and
// store.go keep the records, answer.go writes envelopes and pages.
//
// Each request is one transaction: its changes are all in memory and in the
// file before the answer is sent, or, when it is refused, nothing changed. A
// killed process therefore loses nothing that was answered.
//
// D1 databases are real SQLite databases, opened when first queried. R2 objects are
// files, written and read as their bytes come, never held whole.
//
// R2's S3 API is at three addresses: of requests whose Host is
// <account>.r2.cloudflarestorage.com, or <account>.eu.r2.… for a jurisdiction, or
// those with <bucket>. before them; under the path /__s3/<account>/<bucket>/<key>,
// or /__s3/<account>.eu/…, for clients whose endpoint may have a path; and at the
// root of the handler that Server.S3 makes for one account, which a second port can
// serve. All its requests are in the log, and struck by faults, as /__s3/<account>/….
// Its keys are an API token's: the id, and the lower-case hex SHA-256 of the value.
// When Options names no tokens, any access key of 32 characters is taken and no
// signature is checked, as any bearer token is taken then.
//
// # Looking at it and steering it
//
// Below /__emulator/ it has endpoints of its own, which ask for no token; bodies
// and answers are JSON:
//
//	GET    /                   a page that shows what there is
//	GET    state               what exists, by kind and by account
//	GET    requests?last=N     the log of requests, all that is kept without last
//	GET    rounds              how many requests waited for one another
//	POST   reset?all=true      forgets requests and faults; with all, what exists too
//	GET    faults              the faults that may still strike
//	POST   faults              adds some; PUT replaces them, DELETE clears them
//	GET    settings            latency, jitter, lag, rate limit, clock
//	PATCH  settings            changes them; "advance": "5m" moves the clock
//	POST   token               makes an API token: {"id", "value"} of it
//	POST   account             sets an account's plan and products, see SetAccount
//	GET    snapshots           their names
//	PUT    snapshots/NAME      saves all that exists; POST restores it, DELETE drops it
//	GET    bundle/ACCOUNT/NAME a Worker as it was deployed, as a zip file
//
// A fault is a Failure, or a text as ParseFailure reads it:
//
//	curl -X POST 127.0.0.1:8799/__emulator/faults -d '"drop POST /d1/database$ after count=2"'
//
// The log keeps neither headers nor bodies, and hides what looks like a secret in
// a query. It forgets the oldest requests.
package emulator

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// DefaultAccount is the account that is made when Options names none.
const DefaultAccount = "0123456789abcdef0123456789abcdef"

// Options say what the emulated Cloudflare looks like and how it behaves.
type Options struct {
	// Tokens are who may call. None: any well-formed bearer token is taken for
	// a user token with all rights.
	Tokens []Token
	// Accounts and Zones are made if they are absent.
	Accounts []Account
	Zones    []Zone
	// Latency is waited before each answer, and Jitter at most so much more.
	Latency, Jitter time.Duration
	// Lag is how long a fresh resource stays invisible to reads, lists and
	// whatever depends on it. Names are taken at once.
	Lag time.Duration
	// RateLimit is how many calls a credential may make in five minutes before
	// all its calls are refused for five minutes (429, code 971). 0: no limit,
	// and the Ratelimit headers report an untouched budget. Cloudflare has 1200.
	RateLimit int
	// R2KeyInterval is the least time between two writes to one R2 object: sooner
	// ones are refused (429, code 10058). 0: no limit. Cloudflare has a second.
	R2KeyInterval time.Duration
	// Log gets one line per request, never a token. Nil: none.
	Log io.Writer
	// RepeatLastPage makes the list of accounts give its last page again instead
	// of an empty one, as the real one was seen to do.
	RepeatLastPage bool
	// Now is the clock that dates resources and ends their lag. Nil: time.Now.
	Now func() time.Time
}

// Account is a Cloudflare account; ID is 32 lower-case hex digits.
type Account struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Plan is PlanFree or PlanPaid (the default).
	Plan string `json:"plan,omitempty"`
	// Without are products that are not enabled: ProductR2, ProductQueues.
	Without []string `json:"without,omitempty"`
}

// Zone is a domain on Cloudflare.
type Zone struct {
	ID      string `json:"id,omitempty"` // 32 hex digits; made up if empty
	Name    string `json:"name"`
	Account string `json:"account,omitempty"` // id; the first account if empty
	Status  string `json:"status,omitempty"`  // initializing, pending, active (the default), moved
	Type    string `json:"type,omitempty"`    // full (the default), partial, secondary
	// Plan is free, pro, business or enterprise (the default). Only a free zone
	// has a record quota and no record tags.
	Plan string `json:"plan,omitempty"`
}

// Server is an emulated Cloudflare. It is an http.Handler, safe for concurrent
// use.
type Server struct {
	o    Options
	dir  string
	root *node
	// endpoints are the routes below root, as they were registered.
	endpoints []Endpoint
	store     *store
	// mu guards the tables: read-locked by endpoints that only read, locked by
	// the others.
	mu sync.RWMutex
	tables
	lists     map[string]func() []Resource                                   // of the products that stand in one file
	bindable  map[string]func(*call, binding) error                          // theirs, too: by type, refuses a binding to what is not there
	taggables map[string]func(c *call, id string) (name string, exists bool) // likewise, by resource type
	named     map[string]*apiToken                                           // the options' tokens by digest
	sqlite    sqliteFiles
	files     objectFiles
	transfers transfers
	requests  requestLog
	faults    faultQueue
	rates     rateLimiter
	latency   duration
	jitter    duration
	lag       duration
	ahead     duration // of Options.Now
}

// Open opens (or makes) an emulated Cloudflare kept in dir; dir "" keeps it in
// memory only. It returns ErrLocked when another process has the directory.
func Open(dir string, o Options) (*Server, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Server{dir: dir, root: newNode(), store: &store{}}
	now := o.Now
	o.Now = func() time.Time { return now().Add(s.ahead.get()) }
	s.o = o
	s.latency.set(o.Latency)
	s.jitter.set(o.Jitter)
	s.lag.set(o.Lag)
	s.rates.limit = o.RateLimit
	s.tables = newTables(s.store)
	s.lists, s.bindable = map[string]func() []Resource{}, map[string]func(*call, binding) error{}
	s.taggables = map[string]func(*call, string) (string, bool){}
	for _, p := range products {
		kind, list := p(s)
		s.lists[kind] = list
	}
	file := ""
	if dir != "" {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("making the emulator's directory: %w", err)
		}
		file = filepath.Join(dir, storeFile)
	}
	if err := s.store.open(file); err != nil {
		return nil, err
	}
	s.sqlite.open(dir)
	if err := s.files.open(dir, s.keepsFile); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.registerAll()
	if err := errors.Join(s.finishRestoring(), s.seed()); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Close lets go of the files.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(s.sqlite.close(), s.store.close())
}

// change runs f as one transaction outside of any request.
func (s *Server) change(f func(*txn) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := &txn{store: s.store, now: s.o.Now()}
	err := f(x)
	if err == nil {
		err = x.commit()
	}
	if err != nil {
		x.rollback()
	}
	return err
}

// newID makes 32 random hex digits, the form of most of Cloudflare's ids.
func newID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails, see crypto/rand
	return hex.EncodeToString(b[:])
}

// newUUID makes a random UUID, the form of D1's and of versions' ids.
func newUUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return dashed(hex.EncodeToString(b[:]))
}

// dashed writes 32 hex digits as a UUID.
func dashed(h string) string {
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// micros writes a time as most of Cloudflare's services do.
func micros(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }

// millis writes a time with milliseconds, as D1 and R2 do.
func millis(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func isHex(s string, length int) bool {
	if len(s) != length {
		return false
	}
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// Package record writes down what clients say to the emulator in tests, and what
// it answers, for e2e/contract to hold against Cloudflare's OpenAPI documents.
//
// Suites that talk to an emulator anyway put Around round it. Only when
// CFBOOT_RECORD names a folder do they write there; make contract reads it.
package record

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// Folder names the environment variable with the folder for the recordings, and
// Suite the one with the suite's name, for processes that a suite starts.
const (
	Folder = "CFBOOT_RECORD"
	Suite  = "CFBOOT_RECORD_SUITE"
)

// prefix is what all paths of the API begin with.
const prefix = "/client/v4/"

// longest is how much of a body is kept, in bytes. Of what is longer only the
// start of the exchange is checked.
const longest = 1 << 20

// An Exchange is one request and its answer. No header that could hold a
// credential is among those kept.
type Exchange struct {
	Suite   string      `json:"suite"`
	Client  string      `json:"client"`
	Method  string      `json:"method"`
	Path    string      `json:"path"` // escaped, after /client/v4/
	Query   string      `json:"query,omitempty"`
	Header  http.Header `json:"header,omitempty"`
	Request Body        `json:"request"`
	Status  int         `json:"status"`
	Answer  Body        `json:"answer"`
	// MadeUp: a test told the emulator what to answer.
	MadeUp bool `json:"made_up,omitempty"`
}

// A Body is a request's or an answer's.
type Body struct {
	Type string `json:"type,omitempty"` // Content-Type
	Text string `json:"text,omitempty"`
	// Opaque: it is too long, or no text; Text is empty.
	Opaque bool `json:"opaque,omitempty"`
}

func body(contentType string, data []byte) Body {
	if len(data) > longest || !utf8.Valid(data) {
		return Body{Type: contentType, Opaque: true}
	}
	return Body{Type: contentType, Text: string(data)}
}

// clients says by the User-Agent who asks. Whatever else asks does so on behalf
// of a test: by hand.
var clients = []struct{ agent, name string }{
	{"cfboot", "cfboot"},
	{"wrangler/", "wrangler"},
	{"Cloudflare/JS", "ts-sdk"},
	{"Cloudflare/Go", "go-sdk"},
}

// ByHand is the client of requests that a test makes up.
const ByHand = "by hand"

func clientOf(agent string) string {
	for _, c := range clients {
		if strings.HasPrefix(agent, c.agent) {
			return c.name
		}
	}
	return ByHand
}

// kept are the headers that mean something to an endpoint.
var kept = []string{"Cf-R2-Jurisdiction", "Cf-R2-Storage-Class", "If-Match"}

// madeUp is the emulator's FailureHeader.
const madeUp = "X-Emulated-Failure"

// Around is next, with each exchange written down under the suite's name. Where
// nothing is to be recorded it is next itself.
func Around(suite string, next http.Handler) http.Handler {
	if os.Getenv(Folder) == "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, isAPI := strings.CutPrefix(r.URL.EscapedPath(), prefix)
		if !isAPI {
			next.ServeHTTP(w, r)
			return
		}
		data, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, "recording: "+err.Error(), http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(data))
		e := Exchange{Suite: suite, Client: clientOf(r.UserAgent()), Method: r.Method, Path: path, Query: r.URL.RawQuery,
			Header: http.Header{}, Request: body(r.Header.Get("Content-Type"), data)}
		for _, name := range kept {
			if v := r.Header.Values(name); v != nil {
				e.Header[name] = v
			}
		}
		tap := &tap{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(tap, r) // panics where the answer is to be lost: then nobody heard it
		e.MadeUp = tap.Header().Get(madeUp) != ""
		e.Status, e.Answer = tap.status, body(tap.Header().Get("Content-Type"), tap.body.Bytes())
		if err := write(e); err != nil {
			panic(fmt.Sprintf("recording: %v", err))
		}
	})
}

// tap hears what is answered.
type tap struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (t *tap) WriteHeader(status int) {
	t.status = status
	t.ResponseWriter.WriteHeader(status)
}

func (t *tap) Write(p []byte) (int, error) {
	if t.body.Len() <= longest {
		t.body.Write(p)
	}
	return t.ResponseWriter.Write(p)
}

func (t *tap) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// file is this process's own, so that processes need not wait for each other.
var file struct {
	sync.Mutex
	*os.File
}

func write(e Exchange) error {
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	file.Lock()
	defer file.Unlock()
	if file.File == nil {
		name := fmt.Sprintf("%s-%d.ndjson", e.Suite, os.Getpid())
		if file.File, err = os.OpenFile(filepath.Join(os.Getenv(Folder), name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
			return err
		}
	}
	_, err = file.Write(append(line, '\n'))
	return err
}

// Interposed puts a recorder before the emulator that the arguments of a cfboot
// command start, and returns the arguments to start it with: clients find the
// recorder at the address that the arguments named. Other arguments, and all
// where nothing is to be recorded, stay as they are.
func Interposed(args []string) ([]string, error) {
	at := slices.Index(args, "--addr") + 1
	if os.Getenv(Folder) == "" || len(args) == 0 || args[0] != "emulator" || at == 0 || at == len(args) {
		return args, nil
	}
	behind, err := free()
	if err != nil {
		return nil, err
	}
	front, err := net.Listen("tcp", args[at])
	if err != nil {
		return nil, err
	}
	args = slices.Clone(args)
	args[at] = behind
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: behind})
		r.Out.Host = r.In.Host // the emulator tells clients where to upload by what they call it
	}}
	suite := os.Getenv(Suite)
	go func() {
		err := http.Serve(front, Around(suite, proxy))
		panic(fmt.Sprintf("recording: %v", err))
	}()
	return args, nil
}

// free is an address at which nothing listens.
func free() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

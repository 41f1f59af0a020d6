// Package fakegithub answers as the part of GitHub's REST API does that cfboot
// asks: pull requests, comments, deployments, and who a token is. It is written
// from GitHub's documentation and shares nothing with cmd/github.
package fakegithub

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Server is one GitHub. Its fields may be set before it serves; afterwards its
// methods change it.
type Server struct {
	mu     sync.Mutex
	repos  map[string]*repo
	tokens map[string]Token
	faults []*Fault
	log    []string
	last   int64
	before func(method, path string)
}

// Token is who sends a request, and what that may not do.
type Token struct {
	Login  string
	ID     int64
	Lacks  []string // "pulls", "comments", "deployments"
	Nobody bool     // GraphQL does not tell it who it is
}

// Fault is an answer in place of the real one.
type Fault struct {
	Method, Path string // Path as path.Match has it
	Status       int
	Header       map[string]string
	Count        int // how often; 0: always
}

type repo struct {
	full        string
	id          int64
	pulls       map[int]*Pull
	comments    []*Comment
	deployments []*Deployment
}

// Pull is a pull request.
type Pull struct {
	Number   int
	State    string // "open", "closed"
	SHA      string
	HeadRepo int64 // 0: the repository itself
}

// Comment is one on a pull request.
type Comment struct {
	ID     int64
	Number int
	Author string
	userID int64
	Body   string
	Edits  int
}

// Deployment is one, with all its states, the newest last.
type Deployment struct {
	ID          int64
	Ref         string
	Environment string
	Payload     json.RawMessage
	Transient   bool
	Production  bool
	Creator     string
	States      []string
	URL         string // of the newest state that has one
}

// State is the newest state.
func (d Deployment) State() string {
	if len(d.States) == 0 {
		return ""
	}
	return d.States[len(d.States)-1]
}

// New makes a GitHub without repositories, on which everybody is unknown.
func New() *Server {
	return &Server{repos: map[string]*repo{}, tokens: map[string]Token{}, last: 1000}
}

// AddToken makes a token known.
func (s *Server) AddToken(token string, who Token) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens[token] = who
}

// AddRepo makes a repository.
func (s *Server) AddRepo(full string, id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.repos[full] = &repo{full: full, id: id, pulls: map[int]*Pull{}}
}

// Rename gives a repository another name. The old one redirects.
func (s *Server) Rename(from, to string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.repos[from]
	delete(s.repos, from)
	r.full = to
	s.repos[to] = r
	s.repos[from] = &repo{id: -r.id}
}

// SetPull makes a pull request, or makes it as given.
func (s *Server) SetPull(full string, p Pull) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.repos[full].pulls[p.Number] = &p
}

// Say writes a comment as somebody.
func (s *Server) Say(full string, number int, login string, id int64, body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	r := s.repos[full]
	r.comments = append(r.comments, &Comment{ID: s.last, Number: number, Author: login, userID: id, Body: body})
}

// Comments lists those on a pull request.
func (s *Server) Comments(full string, number int) (out []Comment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.repos[full].comments {
		if c.Number == number {
			out = append(out, *c)
		}
	}
	return out
}

// Deployments lists those of a repository, the oldest first.
func (s *Server) Deployments(full string) (out []Deployment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.repos[full].deployments {
		out = append(out, *d)
	}
	return out
}

// Fail has requests answered with a fault, until Mend.
func (s *Server) Fail(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// Mend takes all faults away.
func (s *Server) Mend() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// Requests lists what was asked since the last time, as "GET /repos/o/r".
func (s *Server) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.log
	s.log = nil
	return out
}

// Before has something called with every request before it is answered.
func (s *Server) Before(do func(method, path string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = do
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	before := s.before
	s.mu.Unlock()
	if before != nil {
		before(r.Method, r.URL.Path) // which may change what there is
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = append(s.log, r.Method+" "+r.URL.Path)
	if f := s.fault(r); f != nil {
		for k, v := range f.Header {
			w.Header().Set(k, v)
		}
		refuse(w, f.Status, "a fault was asked for")
		return
	}
	who, known := s.tokens[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
	if !known {
		refuse(w, http.StatusUnauthorized, "Bad credentials")
		return
	}
	a := &answer{Server: s, w: w, r: r, who: who}
	if r.URL.Path == "/graphql" {
		a.viewer()
		return
	}
	a.rest(strings.Split(strings.Trim(r.URL.Path, "/"), "/"))
}

func (s *Server) fault(r *http.Request) *Fault {
	for i, f := range s.faults {
		if ok, _ := path.Match(f.Path, r.URL.Path); !ok || f.Method != r.Method {
			continue
		}
		if f.Count > 0 {
			if f.Count--; f.Count == 0 {
				s.faults = slices.Delete(s.faults, i, i+1)
			}
		}
		return f
	}
	return nil
}

func refuse(w http.ResponseWriter, status int, message string) {
	reply(w, status, map[string]any{"message": message, "documentation_url": "https://docs.github.com/rest", "status": strconv.Itoa(status)})
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// paged answers with one page of all, as the query asks, with links to the others.
func paged[T any](w http.ResponseWriter, r *http.Request, all []T, one func(T) any) {
	q := r.URL.Query()
	size, err := strconv.Atoi(q.Get("per_page"))
	if err != nil || size < 1 {
		size = 30
	}
	size = min(size, 100)
	page, err := strconv.Atoi(q.Get("page"))
	if err != nil || page < 1 {
		page = 1
	}
	from, to := min((page-1)*size, len(all)), min(page*size, len(all))
	if to < len(all) {
		next := url.URL{Scheme: "http", Host: r.Host, Path: r.URL.Path}
		q.Set("page", strconv.Itoa(page+1))
		next.RawQuery = q.Encode()
		q.Set("page", strconv.Itoa((len(all)+size-1)/size))
		end := next
		end.RawQuery = q.Encode()
		w.Header().Set("Link", fmt.Sprintf(`<%s>; rel="next", <%s>; rel="last"`, &next, &end))
	}
	out := []any{}
	for _, x := range all[from:to] {
		out = append(out, one(x))
	}
	reply(w, http.StatusOK, out)
}

package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/cfboot/cfboot/provision"
)

const secret = "ghs_CanaryOfTheGitHubToken"

// server answers requests with the functions given by method and path, and keeps
// what it was asked.
type server struct {
	*httptest.Server
	answers map[string]func(n int, w http.ResponseWriter, r *http.Request)
	asked   []string
}

func serve(t *testing.T) *server {
	t.Helper()
	s := &server{answers: map[string]func(int, http.ResponseWriter, *http.Request){}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		line := r.Method + " " + r.URL.Path
		n := 1
		for _, a := range s.asked {
			if a == line {
				n++
			}
		}
		s.asked = append(s.asked, line)
		if got := r.Header.Get("Authorization"); got != "Bearer "+secret {
			t.Errorf("%s: authorization is %q", line, got)
		}
		answer, ok := s.answers[line]
		if !ok {
			http.Error(w, `{"message":"Not Found"}`, http.StatusNotFound)
			return
		}
		answer(n, w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) on(line, body string) {
	s.answers[line] = func(_ int, w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) }
}

func (s *server) fails(line string, code int, header ...string) {
	s.answers[line] = func(_ int, w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		http.Error(w, `{"message":"no"}`, code)
	}
}

func (s *server) variables(more ...string) func(string) string {
	m := map[string]string{"GITHUB_TOKEN": secret, "GITHUB_REPOSITORY": "o/r", "GITHUB_REPOSITORY_ID": "42", "GITHUB_API_URL": s.URL}
	for i := 0; i+1 < len(more); i += 2 {
		m[more[i]] = more[i+1]
	}
	return func(k string) string { return m[k] }
}

// client is one that does not wait, and counts how long it would have.
func (s *server) client(t *testing.T, waited *time.Duration) *Client {
	t.Helper()
	c, err := FromEnvironment(s.variables())
	if err != nil {
		t.Fatal(err)
	}
	base, err := apiURL(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	c, err = connect(base, secret, c.owner, c.name, c.id, func(ctx context.Context, d time.Duration) error {
		if waited != nil {
			*waited += d
		}
		return ctx.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const (
	pull7 = "GET /repos/o/r/pulls/7"
	repo  = "GET /repos/o/r"
	pulls = "GET /repos/o/r/pulls"
)

func pullBody(state, sha string, id int) string {
	return fmt.Sprintf(`{"number":7,"state":%q,"head":{"sha":%q},"base":{"repo":{"id":%d}}}`, state, sha, id)
}

// What is Closed is deleted, so nothing may be taken for it that GitHub did not
// say plainly (I-6).
func TestPullRequest(t *testing.T) {
	for _, c := range []struct {
		name  string
		setup func(*server)
		want  PullState
		sha   string
		words string
	}{
		{"open", func(s *server) { s.on(pull7, pullBody("open", "abc", 42)) }, Open, "abc", ""},
		{"closed or merged", func(s *server) { s.on(pull7, pullBody("closed", "abc", 42)) }, Closed, "abc", ""},
		{"never existed", func(s *server) { s.on(repo, `{"id":42}`); s.on(pulls, `[]`) }, Closed, "", ""},
		{"the repository cannot be read", func(s *server) {}, Unknown, "", "404"},
		{"pull requests cannot be read", func(s *server) { s.on(repo, `{"id":42}`); s.fails(pulls, 404) }, Unknown, "", "404"},
		{"another repository has the name", func(s *server) { s.on(repo, `{"id":43}`); s.on(pulls, `[]`) }, Unknown, "", "renamed"},
		{"another repository's pull request", func(s *server) { s.on(pull7, pullBody("closed", "abc", 43)) }, Unknown, "", "renamed"},
		{"no permission", func(s *server) { s.fails(pull7, 403) }, Unknown, "", "403"},
		{"bad token", func(s *server) { s.fails(pull7, 401) }, Unknown, "", "401"},
		{"too many requests", func(s *server) { s.fails(pull7, 429, "Retry-After", "3") }, Unknown, "", "429"},
		{"down", func(s *server) { s.fails(pull7, 502) }, Unknown, "", "502"},
		{"gone", func(s *server) { s.fails(pull7, 410) }, Unknown, "", "410"},
		{"nonsense", func(s *server) { s.on(pull7, `<html>`) }, Unknown, "", "invalid character"},
		{"an empty object", func(s *server) { s.on(pull7, `{}`) }, Unknown, "", "number 0"},
		{"a state nobody knows", func(s *server) { s.on(pull7, pullBody("draft", "abc", 42)) }, Unknown, "", "draft"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t)
			c.setup(s)
			state, sha, err := s.client(t, nil).PullRequest(t.Context(), 7)
			if state != c.want || sha != c.sha {
				t.Errorf("got %s %q, want %s %q", state, sha, c.want, c.sha)
			}
			if (err != nil) != (c.want == Unknown) {
				t.Errorf("state %s comes with the error %v", state, err)
			}
			if err != nil && (!strings.Contains(err.Error(), c.words) || strings.Contains(err.Error(), secret)) {
				t.Errorf("error %q, want something of %q in it", err, c.words)
			}
		})
	}
}

// An answer from nowhere at all leaves the state unknown, too.
func TestPullRequestUnreachable(t *testing.T) {
	s := serve(t)
	c := s.client(t, nil)
	s.Close()
	if state, _, err := c.PullRequest(t.Context(), 7); state != Unknown || err == nil {
		t.Errorf("got %s and %v", state, err)
	}
}

// A request is repeated where that is safe, as often and as late as GitHub wants.
func TestRepeats(t *testing.T) {
	for _, c := range []struct {
		name   string
		code   int
		header []string
		want   PullState
		calls  int
		least  time.Duration
		most   time.Duration
	}{
		{"a bad gateway", 502, nil, Open, 3, 1500 * time.Millisecond, 3 * time.Second},
		{"the second limit", 403, []string{"Retry-After", "7"}, Open, 3, 14 * time.Second, 15 * time.Second},
		{"too many", 429, []string{"Retry-After", "2"}, Open, 3, 4 * time.Second, 5 * time.Second},
		{"an hour is too long", 429, []string{"Retry-After", "3600"}, Unknown, 1, 0, 0},
		{"a permission stays missing", 403, nil, Unknown, 1, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t)
			s.answers[pull7] = func(n int, w http.ResponseWriter, _ *http.Request) {
				if n < 3 {
					for i := 0; i+1 < len(c.header); i += 2 {
						w.Header().Set(c.header[i], c.header[i+1])
					}
					http.Error(w, `{"message":"no"}`, c.code)
					return
				}
				fmt.Fprint(w, pullBody("open", "abc", 42))
			}
			var waited time.Duration
			state, _, _ := s.client(t, &waited).PullRequest(t.Context(), 7)
			if state != c.want || len(s.asked) != c.calls || waited < c.least || waited > c.most {
				t.Errorf("got %s after %d calls and %s, want %s after %d and %s to %s", state, len(s.asked), waited, c.want, c.calls, c.least, c.most)
			}
		})
	}
}

// A repository that was renamed redirects; the token goes along to the same host
// only.
func TestTokenStaysWithTheAPI(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Authorization"); got != "" {
			t.Errorf("the token went elsewhere: %q", got)
		}
		fmt.Fprint(w, pullBody("open", "abc", 42))
	}))
	defer elsewhere.Close()
	for _, to := range []string{"/repositories/42/pulls/7", elsewhere.URL + "/x"} {
		s := serve(t)
		s.answers[pull7] = func(_ int, w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, to, http.StatusMovedPermanently)
		}
		s.on("GET /repositories/42/pulls/7", pullBody("open", "abc", 42))
		if state, _, err := s.client(t, nil).PullRequest(t.Context(), 7); state != Open {
			t.Errorf("redirect to %s: %s, %v", to, state, err)
		}
	}
}

func TestFromEnvironment(t *testing.T) {
	for _, c := range []struct{ name, key, value, words string }{
		{"no token", "GITHUB_TOKEN", "", "GITHUB_TOKEN is not set"},
		{"no repository", "GITHUB_REPOSITORY", "", "GITHUB_REPOSITORY is not set"},
		{"half a repository", "GITHUB_REPOSITORY", "o", "no owner/name"},
		{"a path", "GITHUB_REPOSITORY", "o/../x", "no owner/name"},
		{"up", "GITHUB_REPOSITORY", "o/..", "no owner/name"},
		{"a number that is none", "GITHUB_REPOSITORY_ID", "x", "no repository's number"},
		{"in the clear", "GITHUB_API_URL", "http://api.github.com", "for all to read"},
		{"no address", "GITHUB_API_URL", "api.github.com", "no address"},
	} {
		s := &server{Server: &httptest.Server{URL: "https://api.github.com"}}
		_, err := FromEnvironment(s.variables(c.key, c.value))
		var p *provision.Problem
		if err == nil || !strings.Contains(err.Error(), c.words) || !errors.As(err, &p) || p.Class != provision.Refused || len(p.Hints) == 0 {
			t.Errorf("%s: %v", c.name, err)
		}
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("%s: the token is shown: %v", c.name, err)
		}
	}
	s := &server{Server: &httptest.Server{URL: ""}}
	if _, err := FromEnvironment(s.variables("GITHUB_REPOSITORY_ID", "")); err != nil {
		t.Errorf("what is not set has a default: %v", err)
	}
}

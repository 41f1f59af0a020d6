package kinds

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cfboot/cfboot/provision"
)

const (
	testToken   = "cfut_0123456789abcdefghijklmnopqrstuvwxyzABCD"
	testAccount = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	success     = `{"success":true,"errors":[],"messages":[],"result":{"id":"1"}}`
)

// clock is one that only sleeping moves.
type clock struct {
	mu    sync.Mutex
	t     time.Time
	slept time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
	c.slept += d
	return ctx.Err()
}

// talk is a client whose Cloudflare is h, with the requests counted.
func talk(t testing.TB, h http.HandlerFunc) (*Client, *clock, *atomic.Int64) {
	t.Helper()
	sent := new(atomic.Int64)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { sent.Add(1); h(w, r) }))
	t.Cleanup(s.Close)
	c, err := Connect(Connection{Token: testToken, Account: testAccount, BaseURL: s.URL, UserAgent: "cfboot/test", Project: "shop", Environment: provision.Production})
	if err != nil {
		t.Fatal(err)
	}
	k := &clock{t: time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC)}
	c.transport.now, c.transport.sleep = k.now, k.sleep
	return c, k, sent
}

func (c *Client) ask(method string) error {
	var e envelope[struct{ ID string }]
	var body []byte
	if method != http.MethodGet && method != http.MethodDelete {
		body = []byte(`{"name":"x"}`)
	}
	return c.send(context.Background(), method, "things", body, "application/json", &e)
}

// say answers with status, headers (name, value, …) and body.
func say(w http.ResponseWriter, status int, body string, header ...string) {
	w.Header().Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		w.Header().Set(header[i], header[i+1])
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

func TestServerErrors(t *testing.T) {
	const down = `{"success":false,"errors":[{"code":10002,"message":"internal"}]}`
	tests := []struct {
		name   string
		method string
		status int
		body   string
		times  int64 // that it fails
		sent   int64
		ok     bool
		lost   bool
	}{
		{"a read, for a while", "GET", 502, "<html>", 4, 5, true, false},
		{"a read, for ever", "GET", 503, down, 99, 5, false, false},
		{"a create", "POST", 500, down, 99, 1, false, true},
		{"a create at the gateway", "POST", 504, `{"retry_after":5}`, 99, 1, false, true},
		{"a put", "PUT", 500, down, 2, 3, true, false},
		{"a patch", "PATCH", 520, "", 2, 3, true, false},
		{"a delete", "DELETE", 504, "", 4, 5, true, false},
		{"a valid token is refused once", "GET", 403, `{"success":false,"errors":[{"code":10000}]}`, 1, 2, true, false},
		{"also for a create, which it keeps from being made", "POST", 403, `{"success":false,"errors":[{"code":10000}]}`, 1, 2, true, false},
		{"an invalid one always", "POST", 403, `{"success":false,"errors":[{"code":10000}]}`, 99, 2, false, false},
		{"a bare refusal", "GET", 403, "", 1, 2, true, false},
		{"what is not there", "GET", 404, `{"success":false,"errors":[{"code":81044}]}`, 99, 1, false, false},
		{"what exists", "POST", 409, `{"success":false,"errors":[{"code":11009}]}`, 99, 1, false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var n atomic.Int64
			c, _, sent := talk(t, func(w http.ResponseWriter, _ *http.Request) {
				if n.Add(1) <= tt.times {
					say(w, tt.status, tt.body)
					return
				}
				say(w, 200, success)
			})
			err := c.ask(tt.method)
			var lost *provision.LostError
			if sent.Load() != tt.sent || (err == nil) != tt.ok || errors.As(err, &lost) != tt.lost {
				t.Errorf("sent %d times, lost %v: %v", sent.Load(), errors.As(err, &lost), err)
			}
		})
	}
}

// What a gateway says of when to come again is obeyed, by whichever way it says it.
func TestGatewaysThatSayWhen(t *testing.T) {
	for name, answer := range map[string]struct {
		body   string
		header []string
	}{
		"in the body":   {`{"success":false,"errors":[{"code":504}],"retry_after":5}`, nil},
		"in the header": {`<html>`, []string{"Retry-After", "5"}},
	} {
		for _, method := range []string{"GET", "PUT", "DELETE"} {
			t.Run(name+" "+method, func(t *testing.T) {
				var n atomic.Int64
				c, k, sent := talk(t, func(w http.ResponseWriter, _ *http.Request) {
					if n.Add(1) == 1 {
						say(w, http.StatusGatewayTimeout, answer.body, answer.header...)
						return
					}
					say(w, 200, success)
				})
				if err := c.ask(method); err != nil || sent.Load() != 2 || k.slept != 5*time.Second {
					t.Errorf("sent %d times, slept %s: %v", sent.Load(), k.slept, err)
				}
			})
		}
	}
}

// cut closes the connection without an answer.
func cut(t *testing.T, w http.ResponseWriter) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // a reset, not an end
	}
	_ = conn.Close()
}

func TestConnectionsBreak(t *testing.T) {
	breaks := map[string]func(t *testing.T, w http.ResponseWriter, r *http.Request){
		"before the body is read": func(t *testing.T, w http.ResponseWriter, _ *http.Request) { cut(t, w) },
		"after it was carried out": func(t *testing.T, w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			cut(t, w)
		},
		"within the answer": func(t *testing.T, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"success":true`)
			w.(http.Flusher).Flush()
			cut(t, w)
		},
	}
	for name, breaks := range breaks {
		t.Run(name, func(t *testing.T) {
			c, _, sent := talk(t, func(w http.ResponseWriter, r *http.Request) { breaks(t, w, r) })
			var lost *provision.LostError
			if err := c.ask("POST"); !errors.As(err, &lost) || sent.Load() != 1 {
				t.Errorf("POST: sent %d times: %v", sent.Load(), err)
			}
			for _, method := range []string{"GET", "PUT", "DELETE"} {
				sent.Store(0)
				if err := c.ask(method); err == nil || errors.As(err, &lost) || sent.Load() < 5 {
					t.Errorf("%s: sent %d times: %v", method, sent.Load(), err)
				}
			}
		})
	}
}

func TestWhatNeverLeftIsNotLost(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	var served atomic.Int64
	untrusted := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { served.Add(1) }))
	t.Cleanup(untrusted.Close)
	untrusted.Config.ErrorLog = log.New(io.Discard, "", 0)
	for name, base := range map[string]string{"nobody listens": "http://" + closed.Addr().String(), "untrusted certificate": untrusted.URL} {
		for _, method := range []string{"GET", "POST"} {
			t.Run(name+" "+method, func(t *testing.T) {
				c, k, _ := talk(t, nil)
				c.base = base + "/"
				err := c.ask(method)
				var p *provision.Problem
				var lost *provision.LostError
				if !errors.As(err, &p) || len(p.Hints) == 0 || errors.As(err, &lost) {
					t.Errorf("%T %v", err, err)
				}
				if c.Calls() != 3 || k.slept == 0 {
					t.Errorf("tried %d times", c.Calls())
				}
			})
		}
	}
	if served.Load() != 0 {
		t.Error("a server with an untrusted certificate was spoken to")
	}
}

// A PUT that makes something is as lost as a POST when nobody knows its fate,
// and as little when it was refused.
func TestACreateByPut(t *testing.T) {
	worker := provision.Step{Action: provision.Create, Key: provision.Key{Kind: "worker", Name: "app"}, Name: "shop"}
	domain := provision.Step{Action: provision.Create, Key: provision.Key{Kind: "domain", Name: "site"}, Name: "shop.example", Zone: strings.Repeat("b", 32),
		Settings: provision.Settings{"worker": "shop"}}
	const down = `{"success":false,"errors":[{"code":10002,"message":"internal"}]}`
	for _, tt := range []struct {
		name    string
		answers []string // status and body of each PUT; the last for ever
		lost    bool
	}{
		{"no answer", []string{"502 " + down}, true},
		{"no answer, then refused for its rate", []string{"502 " + down, "429 " + `{"success":false,"errors":[{"code":971}],"retry_after":100000}`}, true},
		{"refused", []string{"400 " + `{"success":false,"errors":[{"code":10021,"message":"bad script"}]}`}, false},
		{"refused for its rate", []string{"429 " + `{"success":false,"errors":[{"code":971}],"retry_after":100000}`}, false},
		{"no id in the answer", []string{"200 " + `{"success":true,"errors":[],"result":null}`}, true},
	} {
		for _, s := range []provision.Step{worker, domain} {
			if s.Key.Kind == "worker" && strings.HasPrefix(tt.answers[0], "200") {
				continue // a Worker's id is its name
			}
			t.Run(tt.name+" "+s.Key.Kind, func(t *testing.T) {
				var n atomic.Int64
				c, _, _ := talk(t, func(w http.ResponseWriter, r *http.Request) {
					switch {
					case r.Method == http.MethodPut:
						a := tt.answers[min(int(n.Add(1)), len(tt.answers))-1]
						status := map[string]int{"200": 200, "400": 400, "429": 429, "502": 502}[a[:3]]
						say(w, status, a[4:])
					case strings.HasSuffix(r.URL.Path, "/settings"):
						say(w, 404, `{"success":false,"errors":[{"code":10007}]}`)
					default:
						say(w, 200, `{"success":true,"errors":[],"result":[]}`)
					}
				})
				_, err := c.Create(context.Background(), s, nil)
				var lost *provision.LostError
				if err == nil || errors.As(err, &lost) != tt.lost {
					t.Errorf("lost %v, want %v: %v", errors.As(err, &lost), tt.lost, err)
				}
			})
		}
	}
}

func TestARedirectGetsNoToken(t *testing.T) {
	var reached atomic.Int64
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { reached.Add(1) }))
	t.Cleanup(elsewhere.Close)
	for _, status := range []int{301, 302, 303, 307, 308} {
		c, _, sent := talk(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+r.URL.Path, status)
		})
		for name, err := range map[string]error{"own": c.ask("GET"), "own POST": c.ask("POST"), "the SDK's": c.CheckAccount(context.Background())} {
			if err == nil || !strings.Contains(err.Error(), strings.TrimPrefix(elsewhere.URL, "http://")) || strings.Contains(err.Error(), testToken) {
				t.Errorf("%d, %s: %v", status, name, err)
			}
		}
		if sent.Load() != 3 || reached.Load() != 0 {
			t.Errorf("%d: sent %d times, elsewhere %d times", status, sent.Load(), reached.Load())
		}
	}
}

func TestAnswersHaveAnEnd(t *testing.T) {
	if usualLimits.answer != 64<<20 {
		t.Errorf("the limit is %d bytes", usualLimits.answer)
	}
	c, _, sent := talk(t, func(w http.ResponseWriter, _ *http.Request) {
		say(w, 200, `{"success":true,"result":"`+strings.Repeat("x", 3<<20)+`"}`)
	})
	c.transport.limits.answer = 2 << 20
	if err := c.ask("GET"); !errors.Is(err, errTooLarge) || sent.Load() != 1 {
		t.Errorf("sent %d times: %v", sent.Load(), err)
	}
	var lost *provision.LostError
	if err := c.ask("POST"); !errors.As(err, &lost) {
		t.Errorf("%v", err)
	}
	c.transport.limits.answer = 4 << 20
	if err := c.send(context.Background(), "GET", "things", nil, "", new(envelope[string])); err != nil {
		t.Error(err)
	}
}

func TestSlowAnswers(t *testing.T) {
	c, _, sent := talk(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(200)
		for r.Context().Err() == nil {
			_, _ = io.WriteString(w, " ")
			w.(http.Flusher).Flush()
			time.Sleep(time.Millisecond)
		}
	})
	c.transport.limits.call, c.transport.limits.attempts = 50*time.Millisecond, 2
	begin := time.Now()
	if err := c.ask("GET"); !errors.Is(err, context.DeadlineExceeded) || sent.Load() != 2 {
		t.Errorf("sent %d times: %v", sent.Load(), err)
	}
	var lost *provision.LostError
	if err := c.ask("POST"); !errors.As(err, &lost) || sent.Load() != 3 {
		t.Errorf("sent %d times: %v", sent.Load(), err)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("took %s", took)
	}
}

func TestCancellation(t *testing.T) {
	create := provision.Step{Action: provision.Create, Key: provision.Key{Kind: "kv", Name: "cache"}, Name: "shop-cache"}
	for _, tt := range []struct {
		name   string
		answer http.HandlerFunc
		full   bool // no slot is free
		lost   bool
	}{
		{"while it waits as told", func(w http.ResponseWriter, _ *http.Request) {
			say(w, 429, `{"success":false,"errors":[]}`, "Retry-After", "300")
		}, false, false},
		{"while it backs off", func(w http.ResponseWriter, _ *http.Request) {
			say(w, 403, `{"success":false,"errors":[{"code":10000}]}`)
		}, false, false},
		{"while it is carried out", func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		}, false, true},
		{"while others are under way", nil, true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, _, _ := talk(t, tt.answer)
			c.transport.now, c.transport.sleep, c.transport.limits.backoff = time.Now, sleep, time.Minute
			if tt.full {
				c.transport.slots = make(chan struct{})
			}
			ctx, cancel := context.WithCancel(context.Background())
			time.AfterFunc(50*time.Millisecond, cancel)
			begin := time.Now()
			_, err := c.Create(ctx, create, nil)
			if took := time.Since(begin); took > 3*time.Second {
				t.Errorf("took %s", took)
			}
			var lost *provision.LostError
			if !errors.Is(err, context.Canceled) || errors.As(err, &lost) != tt.lost {
				t.Errorf("%T %v", err, err)
			}
		})
	}
}

func TestRequestsUnderWayAreBounded(t *testing.T) {
	var now, most atomic.Int64
	c, _, sent := talk(t, func(w http.ResponseWriter, _ *http.Request) {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		time.Sleep(5 * time.Millisecond)
		say(w, 200, success)
	})
	if got := cap(c.transport.slots); got != parallel {
		t.Errorf("%d slots", got)
	}
	c.transport.slots = make(chan struct{}, 4)
	var g sync.WaitGroup
	for range 60 {
		g.Go(func() {
			if err := c.ask("GET"); err != nil {
				t.Error(err)
			}
		})
	}
	g.Wait()
	if most.Load() > 4 || most.Load() < 2 || sent.Load() != 60 {
		t.Errorf("%d at once, %d in all", most.Load(), sent.Load())
	}
}

func TestOneCredentialIsSent(t *testing.T) {
	for _, name := range []string{"CLOUDFLARE_API_KEY", "CLOUDFLARE_EMAIL", "CLOUDFLARE_API_EMAIL", "CLOUDFLARE_API_USER_SERVICE_KEY", "CLOUDFLARE_API_TOKEN"} {
		t.Setenv(name, "from-the-environment-0123456789abcdef")
	}
	t.Setenv("CLOUDFLARE_BASE_URL", "http://127.0.0.1:1/")
	c, _, sent := talk(t, func(w http.ResponseWriter, r *http.Request) {
		for name, values := range r.Header {
			for _, v := range values {
				if strings.HasPrefix(name, "X-Auth") || strings.Contains(v, "from-the-environment") {
					t.Errorf("%s: %s", name, v)
				}
			}
		}
		if got := r.Header.Values("Authorization"); len(got) != 1 || got[0] != "Bearer "+testToken {
			t.Errorf("Authorization: %q", got)
		}
		if got := r.Header.Get("User-Agent"); got != "cfboot/test" {
			t.Errorf("User-Agent: %q", got)
		}
		say(w, 200, `{"success":true,"errors":[],"result":{"id":"1","status":"active"}}`)
	})
	err := errors.Join(c.CheckAccount(context.Background()), c.Verify(context.Background()),
		c.send(context.Background(), "GET", "things", nil, "", nil, "X-Auth-Key", "given", "X-Auth-Email", "given", "X-Auth-User-Service-Key", "given"))
	if err != nil || sent.Load() != 3 {
		t.Errorf("sent %d: %v", sent.Load(), err)
	}
}

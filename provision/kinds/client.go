package kinds

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cfboot/cfboot/provision"
	"github.com/cloudflare/cloudflare-go/v4/option"
)

// DefaultBaseURL is Cloudflare's API.
const DefaultBaseURL = "https://api.cloudflare.com/client/v4/"

// A Connection says how to reach Cloudflare and as whom.
type Connection struct {
	Token       string
	Key, Email  string // a Global API Key and whose it is, in the token's place
	Account     string // 32 hex digits
	BaseURL     string // empty: DefaultBaseURL
	UserAgent   string
	Project     string // for marks
	Environment string
	Transport   http.RoundTripper                    // empty: Go's own
	Clock       Clock                                // zero: the real one
	Waits       func(time.Time)                      // told until when nothing is sent, where that is long; may be nil
	Trace       func(Call)                           // told of every attempt, from many goroutines; may be nil
	Bodies      bool                                 // Trace is told the bodies, too
	Stopping    context.Context                      // done: long waits end, what was being waited for is not sent; nil: never
	Secrets     func(variable string) (string, bool) // what a setting may name and nobody may keep; nil: there are none
}

// A Clock is what waits are measured and spent with; a test's makes them short.
type Clock struct {
	Now   func() time.Time
	Sleep func(context.Context, time.Duration) error // returns the context's error where that ends first
}

// A Client is one run's conversation with Cloudflare. It is a provision.Reader
// and a provision.Driver. What it has read to plan is kept, so that no look-up
// is sent twice in a run.
type Client struct {
	Account     string
	project     string
	environment string
	base        string
	transport   *transport
	options     []option.RequestOption
	memo        *memo
	past        *past
	secrets     func(string) (string, bool)
}

// parallel bounds the requests under way. Cloudflare allows 200 a second from
// one address; at its usual 150 ms a call that is 30 at once.
const parallel = 30

// Connect makes a client. It sends nothing.
func Connect(c Connection) (*Client, error) {
	base := c.BaseURL
	if base == "" {
		base = DefaultBaseURL
	}
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return nil, &provision.Problem{Text: fmt.Sprintf("the API's base URL %q is not one", base), Class: provision.Refused,
			Hints: []string{"unset CLOUDFLARE_API_BASE_URL, or set it to something like " + strings.TrimSuffix(DefaultBaseURL, "/")}}
	}
	t := newTransport(c)
	if c.Clock.Now != nil {
		t.now = c.Clock.Now
	}
	if c.Clock.Sleep != nil {
		t.sleep = c.Clock.Sleep
	}
	httpClient := &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	base = strings.TrimSuffix(u.String(), "/") + "/"
	return &Client{
		Account: c.Account, project: c.Project, environment: c.Environment, base: base, transport: t,
		// Clipped, because the SDK appends to it on every call, from many goroutines.
		options: slices.Clip([]option.RequestOption{
			option.WithBaseURL(base), option.WithHTTPClient(httpClient), option.WithMaxRetries(0),
		}),
		memo: &memo{}, past: &past{}, secrets: c.Secrets,
	}, nil
}

// Calls is the number of requests sent so far.
func (c *Client) Calls() int { return int(c.transport.calls.Load()) }

// BaseURL is where the API is.
func (c *Client) BaseURL() string { return c.base }

// Now is the time by Cloudflare's clock, as far as it is known: this machine's
// may be wrong, and may be set while the run goes on.
func (c *Client) Now() time.Time {
	return c.transport.now().Add(time.Duration(c.transport.skew.Load()))
}

// unremembered is the client with nothing read yet, to look again.
func (c *Client) unremembered() *Client {
	again := *c
	again.memo = &memo{}
	return &again
}

// mark is what a resource carries to show that it is ours, where its kind has
// room for it.
func (c *Client) mark(k provision.Key) string {
	return fmt.Sprintf("cfboot:%s/%s/%s", c.project, c.environment, k.Name)
}

// envelope is what every answer of the API is wrapped in, decoded no further
// than a caller needs: the SDK's own types keep every field twice, which costs
// twenty times as much on long lists.
type envelope[T any] struct {
	Result T `json:"result"`
	Info   struct {
		Page       int    `json:"page"`
		PerPage    int    `json:"per_page"`
		Count      int    `json:"count"`
		TotalCount int    `json:"total_count"`
		TotalPages int    `json:"total_pages"`
		Cursor     string `json:"cursor"`
		Cursors    struct {
			After string `json:"after"`
		} `json:"cursors"`
	} `json:"result_info"`
}

// into makes an SDK call decode its answer into e.
func into[T any](e *envelope[T]) option.RequestOption { return option.WithResponseBodyInto(e) }

// inAccount and inZone make an SDK call's path parameters. They reach the fields
// by name, because the SDK's own way to set one (cloudflare.F) stands in its
// root package, which would bring all ninety services with it.
func inAccount[P any](c *Client) P { return path[P]("AccountID", c.Account) }
func inZone[P any](zone string) P  { return path[P]("ZoneID", zone) }

func path[P any](field, value string) (p P) {
	reflect.ValueOf(&p).Elem().FieldByName(field).FieldByName("Value").SetString(value)
	return p
}

// body makes an SDK call send v. The SDK's parameter types know less than the
// API does, and none of its newer fields.
func body(v any) option.RequestOption {
	b, err := json.Marshal(v)
	if err != nil {
		panic("kinds: a request is not JSON: " + err.Error()) // made of our own structs
	}
	return option.WithRequestBody("application/json", b)
}

// get asks for what the SDK has no call for. The path is relative to the base.
func get[T any](ctx context.Context, c *Client, path string, q url.Values, header ...string) (envelope[T], error) {
	var e envelope[T]
	if len(q) > 0 {
		path += "?" + q.Encode()
	}
	err := c.send(ctx, http.MethodGet, path, nil, "", &e, header...)
	return e, err
}

// send carries out a request that the SDK has no call for.
func (c *Client) send(ctx context.Context, method, path string, body []byte, contentType string, out any, header ...string) error {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil || len(raw) == 0 || out == nil {
		return err
	}
	return json.Unmarshal(raw, out)
}

// plain takes the SDK's and net/http's wrapping off an error, which would
// repeat the address.
func plain(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// past is what this run has done and seen, by which it knows what lag to expect.
type past struct {
	born       sync.Map    // Key → true: made by this run
	died       sync.Map    // Key → true: deleted by this run
	absent     sync.Map    // place → time.Time: seen not to be there
	rights     sync.Map    // zone id → []string: what the zone says that we may do there
	workers    sync.Map    // name → string: the Worker's own id
	secret     sync.Map    // sitekey → string: of a widget that was just made, to be put where it belongs
	untaggable atomic.Bool // this token may not tag

	secrets sync.Mutex // held while a Worker's secrets change: each change makes a version out of the newest one
}

// place is where a resource of a kind stands or would stand.
type place struct{ kind, name string }

// recent reports whether this run has made or deleted one of the keys, or with
// none given, deleted anything.
func (p *past) recent(keys ...provision.Key) bool {
	for _, k := range keys {
		_, born := p.born.Load(k)
		_, died := p.died.Load(k)
		if born || died {
			return true
		}
	}
	deleted := false
	if len(keys) == 0 {
		p.died.Range(func(_, _ any) bool { deleted = true; return false })
	}
	return deleted
}

// memo remembers what has been read, and lets those who ask for the same at
// once wait for one answer.
type memo struct{ answers sync.Map }

// forget drops what has been read, because something was written.
func (m *memo) forget() { m.answers.Clear() }

type answer struct {
	once sync.Once
	val  any
	err  error
}

func remember[T any](c *Client, key string, read func() (T, error)) (T, error) {
	got, _ := c.memo.answers.LoadOrStore(key, &answer{})
	a := got.(*answer)
	a.once.Do(func() {
		a.err = guarded(func() (err error) { a.val, err = read(); return err })()
	})
	v, _ := a.val.(T)
	return v, a.err
}

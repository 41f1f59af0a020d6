package kinds

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"github.com/cfboot/cfboot/provision"
)

// limits bound one request.
type limits struct {
	answer   int64         // bytes of an answer
	attempts int           // of what may be repeated; of what was refused for its rate, twice as many
	call     time.Duration // for one attempt. Cloudflare answers or gives up within 30 s (developers.cloudflare.com/d1/platform/limits)
	wait     time.Duration // in all, between attempts: the API's own block lasts five minutes
	advice   time.Duration // the longest wait that Cloudflare is obeyed in; for a longer one the run ends, to be resumed
	backoff  time.Duration // before the second attempt; doubled before each further one
}

var usualLimits = limits{answer: 64 << 20, attempts: 5, call: 60 * time.Second, wait: 6 * time.Minute, advice: 5 * time.Minute, backoff: 250 * time.Millisecond}

// A transport sends the SDK's requests and decides what an answer means. The
// SDK itself never retries: it repeats creates whose answer was lost, cannot be
// interrupted while it waits and takes success:false with HTTP 200 for success.
//
// A failed answer becomes an *APIError, a POST whose fate is unknown a
// *provision.LostError. What is retried is only what may be: reads, and writes
// that say the same twice (PUT, PATCH, DELETE), a POST that only reads; anything at all when Cloudflare
// refused it for its rate (429) or it never left this machine. Who is told to
// wait makes the whole run wait, since the allowance is one for all.
type transport struct {
	base   http.RoundTripper
	token  string // or the Global API Key
	email  string // whose key it is
	key    bool   // it is a key
	agent  string
	limits limits
	slots  chan struct{} // bounds the requests under way
	calls  atomic.Int64
	budget budget
	skew   atomic.Int64 // by how much Cloudflare's clock is ahead of this machine's, in ns
	now    func() time.Time
	sleep  func(context.Context, time.Duration) error
	waits  func(time.Time) // told until when nothing is sent; may be nil

	stopping context.Context // see Connection.Stopping
	mask     *Mask
	tracer   func(Call) // may be nil
	bodies   bool
}

func newTransport(c Connection) *transport {
	base := c.Transport
	if base == nil {
		own := http.DefaultTransport.(*http.Transport).Clone()
		own.MaxIdleConnsPerHost = parallel
		own.OnProxyConnectResponse = proxyAnswer
		base = own
	}
	stopping := c.Stopping
	if stopping == nil {
		stopping = context.Background()
	}
	return &transport{base: base, stopping: stopping, mask: NewMask(c.Token, c.Key), tracer: c.Trace, bodies: c.Bodies,
		token: orDefault(c.Token, c.Key), email: c.Email, key: c.Token == "" && c.Key != "", agent: orDefault(c.UserAgent, "cfboot"), limits: usualLimits,
		slots: make(chan struct{}, parallel), now: time.Now, sleep: sleep, waits: c.Waits}
}

// RoundTrip implements http.RoundTripper. The answer it returns is whole, in
// memory, and says success.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	var waited time.Duration
	for attempt := 1; ; attempt++ {
		if err := t.awaitBudget(ctx); err != nil {
			return nil, err
		}
		var a attempted
		resp, err := t.once(ctx, req, &a)
		t.trace(req, a, attempt, err)
		if err == nil {
			if req.Method != http.MethodGet && !readsOnly(ctx) {
				markUnsure(ctx) // the SDK drops even this answer for the error of a context that has just ended
			}
			return resp, nil
		}
		err = t.redacted(err)
		if req.Method != http.MethodGet && !readsOnly(ctx) && !certain(err) {
			markUnsure(ctx)
		}
		again, wait := t.again(req, err, attempt)
		if throttled(err) && wait > t.limits.advice {
			t.budget.extend(t.now().Add(wait), t.now()) // for all the others, too
			again = false
		}
		if ctx.Err() != nil || !again || waited+wait > t.limits.wait {
			return nil, t.verdict(req, err)
		}
		waited += wait
		if wait >= worthTelling && !throttled(err) && t.waits != nil {
			t.waits(t.now().Add(wait))
		}
		if throttled(err) {
			t.hold(wait)
			continue
		}
		if err := t.pause(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// brief is a wait that a run which shall stop still takes, to finish what it
// has under way.
const brief = time.Second

// pause waits, but no longer than a run that shall stop may take.
func (t *transport) pause(ctx context.Context, d time.Duration) error {
	if d <= brief {
		return t.sleep(ctx, d)
	}
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(t.stopping, cancel)()
	if t.stopping.Err() != nil {
		cancel()
	}
	err := t.sleep(waiting, d)
	if err != nil && ctx.Err() == nil {
		return &provision.Problem{Text: fmt.Sprintf("stopped while it waited %s to ask Cloudflare again", d.Round(time.Second)), Class: provision.Interrupted, Err: err}
	}
	return err
}

// again decides whether a failed attempt is repeated, and after what wait.
func (t *transport) again(req *http.Request, err error, attempt int) (bool, time.Duration) {
	if req.Body != nil && req.GetBody == nil {
		return false, 0
	}
	backoff := t.limits.backoff << (attempt - 1)
	backoff += time.Duration(rand.Int64N(int64(backoff)))
	repeatable := req.Method != http.MethodPost || readsOnly(req.Context())
	var api *APIError
	var never *unsentError
	switch {
	case errors.As(err, &never):
		return attempt < 3, backoff
	case errors.Is(err, errTooLarge):
		return false, 0
	case !errors.As(err, &api):
		return attempt < t.limits.attempts && repeatable, backoff
	case throttled(err):
		return attempt < 2*t.limits.attempts, max(api.RetryAfter, backoff)
	case neverTagged(api):
		return false, 0 // status 500, and an answer all the same
	case api.Status >= 500 || api.Status < 300 && !api.parsed:
		return attempt < t.limits.attempts && repeatable, max(api.RetryAfter, backoff)
	case api.Status == http.StatusForbidden && !api.parsed, api.parsed && api.Code == 10000:
		// Valid tokens are refused now and then under load.
		return attempt < 2 && (repeatable || api.parsed), backoff
	}
	return false, 0
}

// verdict gives the last attempt's error its meaning for the caller.
func (t *transport) verdict(req *http.Request, err error) error {
	var never *unsentError
	switch {
	case errors.As(err, &never) && req.Context().Err() != nil:
		return req.Context().Err()
	case errors.As(err, &never):
		return t.unreached(never.err)
	case throttled(err):
		return t.later(err)
	case req.Method == http.MethodPost && !readsOnly(req.Context()) && !certain(err):
		return &provision.LostError{Err: err}
	}
	return err
}

// unsentError is the failure of a request that never left this machine.
type unsentError struct{ err error }

func (e *unsentError) Error() string { return e.err.Error() }
func (e *unsentError) Unwrap() error { return e.err }

// errTooLarge is an answer that is not read to its end.
var errTooLarge = errors.New("the answer is too large")

// certain reports whether a failed request was surely not carried out.
func certain(err error) bool {
	var never *unsentError
	var api *APIError
	return errors.As(err, &never) || errors.As(err, &api) && (throttled(err) || api.parsed && api.Status < 500)
}

// throttled reports whether a request was refused for its rate.
func throttled(err error) bool {
	var api *APIError
	return errors.As(err, &api) && (api.Status == http.StatusTooManyRequests || api.Code == 971)
}

// watch makes a context that tells afterwards whether a write under it may have
// been carried out although it failed. It is asked because neither a PUT's error
// nor the SDK's own (which puts the context's in place of any other) says so.
func watch(ctx context.Context) (context.Context, *atomic.Bool) {
	unsure := new(atomic.Bool)
	return context.WithValue(ctx, unsureKey{}, unsure), unsure
}

type unsureKey struct{}

// reading marks a POST that only reads, so that it may be repeated like a GET.
func reading(ctx context.Context) context.Context { return context.WithValue(ctx, onlyKey{}, true) }

func readsOnly(ctx context.Context) bool { return ctx.Value(onlyKey{}) != nil }

type onlyKey struct{}

func markUnsure(ctx context.Context) {
	if unsure, ok := ctx.Value(unsureKey{}).(*atomic.Bool); ok {
		unsure.Store(true)
	}
}

// once sends the request one time.
func (t *transport) once(ctx context.Context, req *http.Request, a *attempted) (*http.Response, error) {
	select {
	case t.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, &unsentError{ctx.Err()}
	}
	defer func() { <-t.slots }()
	t.calls.Add(1)
	a.began = t.now()
	ctx, cancel := context.WithTimeout(ctx, t.limits.call)
	defer cancel()
	var asked, connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { asked.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	out, err := t.dressed(ctx, req)
	if err != nil {
		return nil, &unsentError{err}
	}
	resp, err := t.base.RoundTrip(out)
	if err != nil && asked.Load() && !connected.Load() {
		return nil, &unsentError{err}
	}
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusProxyAuthRequired {
		return nil, &unsentError{errProxy} // only a proxy says that: it never got to Cloudflare
	}
	t.heed(resp.Header)
	t.setClock(resp.Header.Get("Date"))
	a.status, a.header = resp.StatusCode, resp.Header
	body, err := io.ReadAll(io.LimitReader(resp.Body, t.limits.answer+1))
	if err != nil {
		return nil, fmt.Errorf("the answer broke off: %w", err)
	}
	if int64(len(body)) > t.limits.answer {
		return nil, fmt.Errorf("%w: more than %d MiB", errTooLarge, t.limits.answer>>20)
	}
	a.body = body
	t.mask.learn(body)
	if err := refusal(out, resp, body, t.now()); err != nil {
		// What it says is cut to length: the token must not be cut in two before.
		return nil, refusal(out, resp, []byte(t.mask.Text(string(body))), t.now())
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	// The SDK decodes by content type; the envelope is JSON whatever it is called.
	resp.Header.Set("Content-Type", "application/json")
	return resp, nil
}

// tolerance is how far two clocks may be apart that are taken for the same: a
// Date header has whole seconds, and is as old as the answer.
const tolerance = 10 * time.Second

// setClock notes how far this machine's clock is off. What was made when is said
// by Cloudflare's, and whether something was there before is judged by that.
func (t *transport) setClock(date string) {
	at, err := http.ParseTime(date)
	if err != nil {
		return
	}
	skew := at.Sub(t.now())
	if apart := skew - time.Duration(t.skew.Load()); apart.Abs() > tolerance {
		t.skew.Store(int64(skew))
	}
}

// dressed is the request with its body anew and with our credentials only.
func (t *transport) dressed(ctx context.Context, req *http.Request) (*http.Request, error) {
	out := req.Clone(ctx)
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return nil, err
		}
		out.Body = body
	}
	for _, h := range []string{"X-Auth-Key", "X-Auth-Email", "X-Auth-User-Service-Key"} {
		out.Header.Del(h)
	}
	if t.key {
		out.Header.Del("Authorization")
		out.Header.Set("X-Auth-Email", t.email)
		out.Header.Set("X-Auth-Key", t.token)
	} else {
		out.Header.Set("Authorization", "Bearer "+t.token)
	}
	out.Header.Set("User-Agent", t.agent)
	return out, nil
}

// redacted takes the token out of what an answer says.
func (t *transport) redacted(err error) error {
	var api *APIError
	if errors.As(err, &api) {
		api.Message = t.mask.Text(api.Message)
	}
	return err
}

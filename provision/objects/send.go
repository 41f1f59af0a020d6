package objects

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// limits bound one request.
type limits struct {
	attempts int           // refused for its rate (429), twice as many
	call     time.Duration // for one attempt
	all      time.Duration // for all of them
	grace    time.Duration // for all of them, from when the run shall stop
	backoff  time.Duration // before the second attempt; doubled before each further one
}

var usualLimits = limits{attempts: 5, call: 20 * time.Second, all: 45 * time.Second, grace: 3 * time.Second, backoff: 250 * time.Millisecond}

// request is one to the bucket (key is "") or to an object of it.
type request struct {
	method, key string
	query       url.Values
	header      http.Header
	body        []byte
}

// answer is a whole one.
type answer struct {
	status int
	header http.Header
	body   []byte
	at     time.Time // its Date
	unsure bool      // an attempt before this one may have had its effect
}

// do sends a request until it is answered for good. Everything may be repeated:
// writes have a condition, and a delete says the same twice.
func (b *Bucket) do(r request) (answer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), b.limits.all)
	defer cancel()
	defer context.AfterFunc(b.c.Stopping, func() {
		time.AfterFunc(b.limits.grace, cancel)
	})()
	unsure, skewed := false, 0
	for attempt := 1; ; attempt++ {
		a, err := b.once(ctx, r, attempt)
		a.unsure = unsure
		if err == nil {
			return a, nil
		}
		said := new(Error)
		known := errors.As(err, &said)
		switch {
		case !known || said.Status >= 500:
			var never *unsentError
			unsure = unsure || !errors.As(err, &never)
		case said.Status == http.StatusPreconditionFailed:
			return a, ErrChanged
		case said.Status == http.StatusNotFound && said.Code == "NoSuchKey":
			return a, ErrNone
		case said.Code == "RequestTimeTooSkewed" && skewed < 2:
			skewed++ // the answer has set the clock right
			continue
		}
		again, wait := b.again(said, known, a, attempt)
		if !again || ctx.Err() != nil || b.c.Clock.Sleep(ctx, wait) != nil {
			return a, b.explain(verb(r), err)
		}
	}
}

func verb(r request) string {
	switch {
	case r.method == http.MethodPut:
		return "write " + r.key
	case r.method == http.MethodDelete:
		return "delete " + r.key
	case r.key == "":
		return "list " + r.query.Get("prefix")
	}
	return "read " + r.key
}

// again decides whether a failed attempt is repeated, and after what wait.
func (b *Bucket) again(said *Error, known bool, a answer, attempt int) (bool, time.Duration) {
	backoff := b.limits.backoff << (attempt - 1)
	backoff += time.Duration(rand.Int64N(int64(backoff)))
	switch {
	case !known:
		return attempt < b.limits.attempts, backoff
	case said.Status == http.StatusTooManyRequests:
		// One key takes a write a second.
		advice := time.Second
		if s, err := strconv.Atoi(a.header.Get("Retry-After")); err == nil && s > 0 && s < 60 {
			advice = time.Duration(s) * time.Second
		}
		return attempt < 2*b.limits.attempts, max(advice, min(backoff, 5*time.Second))
	case said.Status >= 500, said.Code == "ConditionalRequestConflict": // guess: as Amazon answers writes at once
		return attempt < b.limits.attempts, backoff
	}
	return false, 0
}

// unsentError is the failure of a request that never left this machine.
type unsentError struct{ err error }

func (e *unsentError) Error() string { return e.err.Error() }
func (e *unsentError) Unwrap() error { return e.err }

// once sends the request one time.
func (b *Bucket) once(ctx context.Context, r request, attempt int) (a answer, err error) {
	ctx, cancel := context.WithTimeout(ctx, b.limits.call)
	defer cancel()
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	req, err := b.signed(ctx, r)
	if err != nil {
		return a, &unsentError{err}
	}
	began := b.c.Clock.Now()
	b.calls.Add(1)
	defer func() { b.trace(req, r, a, attempt, b.c.Clock.Now().Sub(began), err) }()
	resp, err := b.client.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err
		}
		if !connected.Load() {
			err = &unsentError{err}
		}
		return a, err
	}
	defer resp.Body.Close()
	a = answer{status: resp.StatusCode, header: resp.Header}
	if a.at, err = http.ParseTime(resp.Header.Get("Date")); err == nil {
		b.setClock(a.at)
	}
	if a.body, err = io.ReadAll(io.LimitReader(resp.Body, MaxSize+1)); err != nil {
		return a, fmt.Errorf("the answer broke off: %w", err)
	}
	if len(a.body) > MaxSize {
		return a, &Error{Status: a.status, Message: fmt.Sprintf("it is larger than %d MiB", MaxSize>>20)}
	}
	if a.status >= 300 {
		return a, refusal(a)
	}
	return a, nil
}

// tolerance is how far two clocks may be apart that are taken for the same.
const tolerance = 10 * time.Second

// setClock notes how far this machine's clock is off: signatures are refused when
// it is a quarter of an hour.
func (b *Bucket) setClock(at time.Time) {
	skew := at.Sub(b.c.Clock.Now())
	if apart := skew - time.Duration(b.skew.Load()); apart.Abs() > tolerance {
		b.skew.Store(int64(skew))
	}
}

// signed is the request with its signature.
func (b *Bucket) signed(ctx context.Context, r request) (*http.Request, error) {
	address := strings.TrimSuffix(b.c.Endpoint, "/") + "/" + b.c.Bucket
	if r.key != "" {
		address += "/" + r.key // of letters that need no escapes, as whoever made it sees to
	}
	if r.query != nil {
		address += "?" + strings.ReplaceAll(r.query.Encode(), "+", "%20")
	}
	req, err := http.NewRequestWithContext(ctx, r.method, address, bytes.NewReader(r.body))
	if err != nil {
		return nil, err
	}
	for name, values := range r.header {
		req.Header[name] = values
	}
	if b.c.UserAgent != "" {
		req.Header.Set("User-Agent", b.c.UserAgent)
	}
	sum := sha256.Sum256(r.body)
	payload := hex.EncodeToString(sum[:])
	req.Header.Set("X-Amz-Content-Sha256", payload)
	at := b.c.Clock.Now().Add(time.Duration(b.skew.Load()))
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	return req, signer.SignHTTP(ctx, aws.Credentials{AccessKeyID: b.c.KeyID, SecretAccessKey: b.c.Secret}, req, payload, "s3", "auto", at)
}

// refusal reads an answer that is an error.
func refusal(a answer) error {
	var said struct {
		XMLName       xml.Name `xml:"Error"`
		Code, Message string
	}
	e := &Error{Status: a.status}
	if xml.Unmarshal(a.body, &said) == nil {
		e.Code, e.Message = printable(said.Code), printable(said.Message)
	} else {
		e.Message = http.StatusText(a.status)
	}
	return e
}

// printable keeps what a server said to one line of some length.
func printable(s string) string {
	s = strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f || c > 0x7e && c < 0xa0 {
			return ' '
		}
		return c
	}, s)
	if len(s) > 300 {
		s = strings.ToValidUTF8(s[:300], "") + "…"
	}
	return s
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

// Package objects reads and writes the objects of one R2 bucket, through R2's S3
// API, on conditions: a Put says what must be there before, or that nothing may
// be, and is refused with ErrChanged where it is not so.
//
// It is four requests with a signature, and not a whole S3 client, because what
// is repeated, and how long, has to be decided here. A Put whose answer was lost
// is sent again under the same condition; where it is refused then, what is there
// is read: if it is what was sent, the first one had arrived.
//
// Times are the server's: every answer carries its Date, and so do signatures,
// whatever this machine's clock says.
//
// When the run shall stop, what is under way is given a few seconds more, since
// it may be the record of what was made.
package objects

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Errors of a Get and a Put. Every other one is a *provision.Problem.
var (
	ErrNone    = errors.New("there is no such object")
	ErrChanged = errors.New("what is there is not what the condition says")
)

// MaxSize is the largest object that is read, in bytes.
const MaxSize = 64 << 20

// A Connection says which bucket it is and how to reach it.
type Connection struct {
	Endpoint  string // of the account's S3 API; bucket and key follow as a path
	Bucket    string
	KeyID     string
	Secret    string
	UserAgent string
	Transport http.RoundTripper // nil: Go's own
	Clock     Clock             // zero: the real one
	Stopping  context.Context   // done: what is under way gets Grace; nil: never
	Trace     func(Call)        // told of every attempt; may be nil
	Bodies    bool              // Trace is told the bodies, too
}

// A Clock is what waits are measured and spent with; a test's makes them short.
type Clock struct {
	Now   func() time.Time
	Sleep func(context.Context, time.Duration) error
}

// SecretOf is the secret access key that belongs to an API token's value. The
// access key's id is the token's id (developers.cloudflare.com/r2/api/tokens).
func SecretOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// Endpoint is the address of an account's S3 API. Buckets of a jurisdiction have
// one of their own.
func Endpoint(account, jurisdiction string) string {
	return "https://" + Account(account, jurisdiction) + ".r2.cloudflarestorage.com"
}

// Account is how an address names an account within a jurisdiction.
func Account(account, jurisdiction string) string {
	if jurisdiction != "" && jurisdiction != "default" {
		account += "." + jurisdiction
	}
	return account
}

// A Bucket is one run's conversation with a bucket. It may be used by several
// goroutines at once.
type Bucket struct {
	c      Connection
	client *http.Client
	limits limits
	calls  atomic.Int64
	skew   atomic.Int64 // by how much the server's clock is ahead, in ns
}

// Connect makes a Bucket. It sends nothing.
func Connect(c Connection) *Bucket {
	base := c.Transport
	if base == nil {
		own := http.DefaultTransport.(*http.Transport).Clone()
		own.DisableCompression = true // a compressed answer has another ETag
		base = own
	}
	if c.Clock.Now == nil {
		c.Clock.Now = time.Now
	}
	if c.Clock.Sleep == nil {
		c.Clock.Sleep = sleep
	}
	if c.Stopping == nil {
		c.Stopping = context.Background()
	}
	client := &http.Client{Transport: base, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &Bucket{c: c, client: client, limits: usualLimits}
}

// Name is the bucket's.
func (b *Bucket) Name() string { return b.c.Bucket }

// Calls is the number of requests sent so far.
func (b *Bucket) Calls() int { return int(b.calls.Load()) }

// Hurried reports whether the run shall stop, so that only what has to be done
// should be.
func (b *Bucket) Hurried() bool { return b.c.Stopping.Err() != nil }

// An Object is one that was read.
type Object struct {
	Data     []byte
	ETag     string
	Writer   string    // as Put was told
	Modified time.Time // by the server's clock, in whole seconds
	Now      time.Time // of the answer, likewise
}

// Age is how long ago the object was written, by the server's clock.
func (o Object) Age() time.Duration { return o.Now.Sub(o.Modified) }

// writerHeader keeps with an object who wrote it.
const writerHeader = "X-Amz-Meta-Cfboot-Run"

// Get reads an object; ErrNone where there is none.
func (b *Bucket) Get(key string) (Object, error) {
	a, err := b.do(request{method: http.MethodGet, key: key})
	if err != nil {
		return Object{}, err
	}
	o := Object{Data: a.body, ETag: a.header.Get("Etag"), Writer: a.header.Get(writerHeader), Now: a.at}
	o.Modified, err = http.ParseTime(a.header.Get("Last-Modified"))
	if err != nil || o.ETag == "" || o.Now.IsZero() {
		return Object{}, b.explain("read "+key, &Error{Status: a.status, Message: "the answer has no ETag, Last-Modified or Date: something else than R2 answers there"})
	}
	return o, nil
}

// A Condition says what must be there for a Put.
type Condition struct {
	ETag string // the object of this ETag; empty: none
}

// Nothing is the condition that there is no object yet.
var Nothing = Condition{}

// Put writes an object where the condition holds, else ErrChanged. writer is kept
// with it. It gives the new ETag and the server's time.
func (b *Bucket) Put(key string, data []byte, when Condition, writer string) (etag string, now time.Time, err error) {
	h := http.Header{"Content-Type": {"application/json"}}
	if writer != "" {
		h.Set(writerHeader, writer)
	}
	if when.ETag != "" {
		h.Set("If-Match", when.ETag)
	} else {
		h.Set("If-None-Match", "*")
	}
	a, err := b.do(request{method: http.MethodPut, key: key, body: data, header: h})
	if errors.Is(err, ErrChanged) && a.unsure {
		// One before it may have arrived, and its answer not.
		if o, rerr := b.Get(key); rerr == nil && bytes.Equal(o.Data, data) && o.Writer == writer {
			return o.ETag, o.Now, nil
		}
	}
	if errors.Is(err, ErrNone) {
		err = ErrChanged // guess: the object of a condition is gone
	}
	return a.header.Get("Etag"), a.at, err
}

// An Entry is one object of a list.
type Entry struct {
	Key      string
	Size     int64
	ETag     string
	Modified time.Time
}

// A Listing is what stands below a prefix, in the order of the keys.
type Listing struct {
	Objects []Entry
	Folders []string  // with the delimiter at the end
	Now     time.Time // by the server's clock
}

// List lists the objects whose keys begin with the prefix, all pages of it. With
// a delimiter what stands behind the next one is told as a folder.
func (b *Bucket) List(prefix, delimiter string) (Listing, error) {
	var out Listing
	q := url.Values{"list-type": {"2"}, "prefix": {prefix}}
	if delimiter != "" {
		q.Set("delimiter", delimiter)
	}
	for {
		a, err := b.do(request{method: http.MethodGet, query: q})
		if err != nil {
			return out, err
		}
		var page struct {
			XMLName  xml.Name `xml:"ListBucketResult"`
			Contents []struct {
				Key, ETag    string
				Size         int64
				LastModified time.Time
			}
			CommonPrefixes        []struct{ Prefix string }
			IsTruncated           bool
			NextContinuationToken string
		}
		if err := xml.Unmarshal(a.body, &page); err != nil {
			return out, b.explain("list "+prefix, &Error{Status: a.status, Message: "the answer is no list of objects: something else than R2 answers there"})
		}
		for _, o := range page.Contents {
			out.Objects = append(out.Objects, Entry{Key: o.Key, Size: o.Size, ETag: o.ETag, Modified: o.LastModified})
		}
		for _, f := range page.CommonPrefixes {
			out.Folders = append(out.Folders, f.Prefix)
		}
		out.Now = a.at
		if !page.IsTruncated || page.NextContinuationToken == "" || page.NextContinuationToken == q.Get("continuation-token") {
			return out, nil
		}
		q.Set("continuation-token", page.NextContinuationToken)
	}
}

// Delete deletes an object. That there is none is no error; there is no condition,
// because R2 documents none.
func (b *Bucket) Delete(key string) error {
	_, err := b.do(request{method: http.MethodDelete, key: key})
	if errors.Is(err, ErrNone) {
		return nil
	}
	return err
}

// MayWrite reports whether objects may be written, without writing any: by a
// condition that cannot hold. guess: R2 looks at the permission before the condition.
func (b *Bucket) MayWrite(key string) error {
	_, _, err := b.Put(key, []byte("{}"), Condition{ETag: `"` + strings.Repeat("0", 32) + `"`}, "")
	if errors.Is(err, ErrChanged) {
		return nil
	}
	return err
}

// Error is a refusal of R2's.
type Error struct {
	Status  int
	Code    string // S3's name for it
	Message string
}

func (e *Error) Error() string {
	text := strconv.Itoa(e.Status)
	for _, part := range []string{e.Code, e.Message} {
		if part != "" {
			text += " " + part
		}
	}
	return text
}

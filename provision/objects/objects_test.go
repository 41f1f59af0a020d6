package objects

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/emulator"
)

const (
	tokenID    = "00000000000000000000000000000aaa"
	tokenValue = "cfut_a-token-of-the-tests"
)

type cloud struct {
	*emulator.Server
	url string
}

// open serves an emulator with one bucket, and a token that may do everything.
func open(t *testing.T, o emulator.Options, more ...emulator.Token) cloud {
	t.Helper()
	o.Tokens = append([]emulator.Token{{ID: tokenID, Value: tokenValue}}, more...)
	s, err := emulator.Open(t.TempDir(), o)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s)
	t.Cleanup(func() { server.Close(); s.Close() })
	req := httptest.NewRequest("POST", "/client/v4/accounts/"+emulator.DefaultAccount+"/r2/buckets", strings.NewReader(`{"name":"state"}`))
	req.Header.Set("Authorization", "Bearer "+tokenValue)
	req.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, req)
	if w.Code != 200 {
		t.Fatal(w.Body)
	}
	return cloud{s, server.URL}
}

func (c cloud) bucket(edit ...func(*Connection)) *Bucket {
	o := Connection{Endpoint: c.url + "/__s3/" + emulator.DefaultAccount, Bucket: "state", KeyID: tokenID, Secret: SecretOf(tokenValue)}
	for _, f := range edit {
		f(&o)
	}
	return Connect(o)
}

// fast makes waits short.
func fast(c *Connection) {
	c.Clock.Sleep = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
}

func TestConditions(t *testing.T) {
	b := open(t, emulator.Options{}).bucket()
	if _, err := b.Get("v1/a.json"); !errors.Is(err, ErrNone) {
		t.Fatal(err)
	}
	if _, _, err := b.Put("v1/a.json", []byte("1"), Condition{ETag: `"x"`}, "me"); !errors.Is(err, ErrChanged) {
		t.Errorf("over nothing: %v", err)
	}
	etag, now, err := b.Put("v1/a.json", []byte("1"), Nothing, "me")
	if err != nil || etag == "" || time.Since(now).Abs() > time.Minute {
		t.Fatal(etag, now, err)
	}
	if _, _, err := b.Put("v1/a.json", []byte("2"), Nothing, "me"); !errors.Is(err, ErrChanged) {
		t.Errorf("over something: %v", err)
	}
	next, _, err := b.Put("v1/a.json", []byte("2"), Condition{ETag: etag}, "other")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.Put("v1/a.json", []byte("3"), Condition{ETag: etag}, "me"); !errors.Is(err, ErrChanged) {
		t.Errorf("over what is no longer there: %v", err)
	}
	o, err := b.Get("v1/a.json")
	if err != nil || string(o.Data) != "2" || o.ETag != next || o.Writer != "other" || o.Age() < 0 || o.Age() > time.Minute {
		t.Errorf("%+v %v", o, err)
	}
	for range 2 {
		if err := b.Delete("v1/a.json"); err != nil {
			t.Error(err)
		}
	}
}

func TestList(t *testing.T) {
	b := open(t, emulator.Options{}).bucket()
	for i := range 1005 { // a page has 1,000
		if _, _, err := b.Put(fmt.Sprintf("p/%04d.json", i), []byte("x"), Nothing, ""); err != nil {
			t.Fatal(err)
		}
	}
	l, err := b.List("p/", "")
	if err != nil || len(l.Objects) != 1005 || l.Objects[1004].Key != "p/1004.json" || l.Objects[1004].Size != 1 || l.Now.IsZero() {
		t.Errorf("%d %v", len(l.Objects), err)
	}
	l, err = b.List("", "/")
	if err != nil || len(l.Objects) != 0 || l.Folders[len(l.Folders)-1] != "p/" {
		t.Errorf("%+v %v", l, err)
	}
}

// A write whose answer was lost is known again, and another's is not taken for it.
func TestLostAnswers(t *testing.T) {
	c := open(t, emulator.Options{})
	b := c.bucket(fast)
	for i, f := range []emulator.Failure{
		{Method: "PUT", Path: "/__s3/", After: true, Drop: true},
		{Method: "PUT", Path: "/__s3/", After: true, Status: 502},
		{Method: "PUT", Path: "/__s3/", Status: 503, Count: 3},
		{Method: "PUT", Path: "/__s3/", Status: 429, Code: 10058, Count: 6},
	} {
		key := fmt.Sprintf("k/%d.json", i)
		c.Fail(f)
		etag, _, err := b.Put(key, []byte("mine"), Nothing, "me")
		if err != nil {
			t.Errorf("%d: %v", i, err)
			continue
		}
		if _, _, err := b.Put(key, []byte("more"), Condition{ETag: etag}, "me"); err != nil {
			t.Errorf("%d: the ETag is not that of what is there: %v", i, err)
		}
	}
	if _, _, err := b.Put("k/others.json", []byte("theirs"), Nothing, "they"); err != nil {
		t.Fatal(err)
	}
	c.Fail(emulator.Failure{Method: "PUT", Path: "/__s3/", Drop: true})
	if _, _, err := b.Put("k/others.json", []byte("mine"), Nothing, "me"); !errors.Is(err, ErrChanged) {
		t.Error(err)
	}
	// The same bytes of somebody else are not ours either.
	c.Fail(emulator.Failure{Method: "PUT", Path: "/__s3/", Drop: true})
	if _, _, err := b.Put("k/others.json", []byte("theirs"), Nothing, "me"); !errors.Is(err, ErrChanged) {
		t.Error(err)
	}
}

// Of many who write one key at once, one does.
func TestOneWins(t *testing.T) {
	c := open(t, emulator.Options{})
	var wins sync.Map
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			_, _, err := c.bucket(fast).Put("race.json", []byte(fmt.Sprint(i)), Nothing, fmt.Sprint(i))
			if err == nil {
				wins.Store(i, true)
			} else if !errors.Is(err, ErrChanged) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	n := 0
	wins.Range(func(any, any) bool { n++; return true })
	if n != 1 {
		t.Errorf("%d have won", n)
	}
}

// A clock that is a day off is set right by the first answer.
func TestClocks(t *testing.T) {
	for _, off := range []time.Duration{-24 * time.Hour, 24 * time.Hour, time.Hour} {
		c := open(t, emulator.Options{})
		b := c.bucket(fast, func(o *Connection) { o.Clock.Now = func() time.Time { return time.Now().Add(off) } })
		if _, _, err := b.Put("a.json", []byte("1"), Nothing, ""); err != nil {
			t.Errorf("%s: %v", off, err)
		}
		o, err := b.Get("a.json")
		if err != nil || o.Age().Abs() > time.Minute {
			t.Errorf("%s: %v %v", off, o.Age(), err)
		}
		if b.Calls() != 3 {
			t.Errorf("%s: %d calls, and one was to learn the time", off, b.Calls())
		}
	}
}

func TestRefusals(t *testing.T) {
	reader := emulator.Token{ID: strings.Repeat("b", 32), Value: "cfut_reader_reader", Groups: []string{"Workers R2 Storage Bucket Item Read"}}
	c := open(t, emulator.Options{}, reader)
	none := c.bucket(func(o *Connection) { o.Bucket = "nope" })
	wrong := c.bucket(func(o *Connection) { o.Secret = SecretOf("another") })
	dead := c.bucket(fast, func(o *Connection) { o.Endpoint = "http://127.0.0.1:1" })
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "<html>log in first</html>") }))
	defer page.Close()
	portal := c.bucket(fast, func(o *Connection) { o.Endpoint = page.URL })
	get := func(b *Bucket) func() error { return func() error { _, err := b.Get("a.json"); return err } }
	for _, tt := range []struct {
		name  string
		do    func() error
		class provision.Class
		text  string
		hint  string
	}{
		{"no bucket", get(none), provision.Refused, "r2://nope: there is no such bucket", "cfboot state init"},
		{"another secret", get(wrong), provision.Refused, "SignatureDoesNotMatch", "CLOUDFLARE_API_TOKEN"},
		{"may not write", func() error {
			return c.bucket(func(o *Connection) { o.KeyID, o.Secret = reader.ID, SecretOf(reader.Value) }).MayWrite("a.json")
		}, provision.Refused, "403 AccessDenied", "Workers R2 Storage Bucket Item Write"},
		{"nobody there", get(dead), provision.Failed, "connection refused", "127.0.0.1:1"},
		{"a page", get(portal), provision.Failed, "something else than R2 answers there", ""},
		{"a page in a list's place", func() error { _, err := portal.List("a/", ""); return err }, provision.Failed, "no list of objects", ""},
	} {
		err := tt.do()
		var p *provision.Problem
		if !errors.As(err, &p) || p.Class != tt.class || !strings.Contains(p.Error(), tt.text) || !strings.Contains(strings.Join(p.Hints, "\n"), tt.hint) {
			t.Errorf("%s: %v %+v", tt.name, err, p)
		}
	}
	if err := c.bucket().MayWrite("v1/lock.json"); err != nil {
		t.Error(err)
	}
	if l, err := c.bucket().List("", ""); err != nil || len(l.Objects) != 0 {
		t.Errorf("asking whether one may write has written: %+v %v", l, err)
	}
}

// A run that shall stop still gets some seconds to save.
func TestStopping(t *testing.T) {
	c := open(t, emulator.Options{})
	stopping, stop := context.WithCancel(context.Background())
	stop()
	stopped := func(o *Connection) { o.Stopping = stopping }
	b := c.bucket(stopped)
	if _, _, err := b.Put("a.json", []byte("1"), Nothing, ""); err != nil {
		t.Error(err)
	}
	b = c.bucket(stopped)
	b.limits.grace = 50 * time.Millisecond
	c.SetLatency(time.Minute)
	began := time.Now()
	if _, err := b.Get("a.json"); err == nil || time.Since(began) > 10*time.Second {
		t.Errorf("%v after %s", err, time.Since(began))
	}
}

// Neither the secret nor a signature is shown.
func TestTrace(t *testing.T) {
	var shown strings.Builder
	b := open(t, emulator.Options{}).bucket(func(o *Connection) {
		o.Bodies, o.Trace = true, func(c Call) { fmt.Fprintf(&shown, "%+v\n", c) }
	})
	if _, _, err := b.Put("a.json", []byte(`{"a":1}`), Nothing, "me"); err != nil {
		t.Fatal(err)
	}
	if text := shown.String(); !strings.Contains(text, "/state/a.json") || !strings.Contains(text, `{"a":1}`) ||
		strings.Contains(text, SecretOf(tokenValue)) || strings.Contains(text, "Signature") || strings.Contains(text, tokenValue) {
		t.Error(text)
	}
}

package kinds

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/cfboot/cfboot/provision"
)

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A run that is cancelled just as a create's answer has arrived must not take it
// for one that never was: the SDK returns the context's error in place of the
// answer.
func TestCancelledWithTheAnswer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"success":true,"errors":[],"result":{"id":"0f2ac74b498b48028cb68387c421e279","title":"shop-cache"}}`)
	}))
	defer server.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	c, err := Connect(Connection{Token: "t", Account: "a", BaseURL: server.URL, Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body = io.NopCloser(bytes.NewReader(body))
		cancel()
		return resp, err
	})})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Create(ctx, provision.Step{Action: provision.Create, Key: provision.Key{Kind: "kv", Name: "cache"}, Name: "shop-cache"}, nil)
	var lost *provision.LostError
	if !errors.As(err, &lost) || !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want a lost answer", err)
	}
}

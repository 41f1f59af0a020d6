// Package sdk has Cloudflare's own SDKs as clients of the emulator: the Go one
// through its typed calls and its pagers here, the TypeScript one in the .mjs
// files, which e2e/testdata/wrangler/sdk.txtar runs.
package sdk

import (
	"errors"
	"net/http/httptest"
	"reflect"
	"testing"

	"github.com/cfboot/cfboot/e2e/record"
	"github.com/cfboot/cfboot/provision/emulator"
	"github.com/cloudflare/cloudflare-go/v4/accounts"
	"github.com/cloudflare/cloudflare-go/v4/option"
)

const (
	testAccount = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	testToken   = "go-sdk-token-0123456789012345678901234567"
)

type sdk struct {
	*testing.T
	options []option.RequestOption
	zone    string
}

func newSDK(t *testing.T, o emulator.Options) *sdk {
	o.Accounts = append(o.Accounts, emulator.Account{ID: testAccount, Name: "Test"})
	o.Zones = []emulator.Zone{{Name: "sdk.example", Account: testAccount}}
	s, err := emulator.Open("", o)
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(record.Around("sdk", s))
	t.Cleanup(func() { h.Close(); _ = s.Close() })
	return &sdk{T: t, options: []option.RequestOption{option.WithBaseURL(h.URL + "/client/v4/"), option.WithAPIToken(testToken), option.WithMaxRetries(0)}}
}

// with makes parameters of an SDK's call: by the fields' names, because the
// SDK's own way to set one (cloudflare.F) stands in its root package, which
// would bring all ninety services with it.
func with[P any](fields map[string]any) (p P) {
	for name, v := range fields {
		field := reflect.ValueOf(&p).Elem().FieldByName(name)
		if field.Kind() == reflect.Struct && field.FieldByName("Present").IsValid() {
			field.FieldByName("Present").SetBool(true)
			field = field.FieldByName("Value")
		}
		field.Set(reflect.ValueOf(v).Convert(field.Type()))
	}
	return p
}

// account are a call's parameters with the account, and more.
func account[P any](more ...any) P { return path[P]("AccountID", testAccount, more) }

func path[P any](name, value string, more []any) P {
	fields := map[string]any{name: value}
	for i := 0; i+1 < len(more); i += 2 {
		fields[more[i].(string)] = more[i+1]
	}
	return with[P](fields)
}

func zoned[P any](s *sdk, more ...any) P { return path[P]("ZoneID", s.zone, more) }

// got is a call's result; it must succeed.
func got[T any](result T, err error) func(*sdk) T {
	return func(s *sdk) T {
		s.Helper()
		if err != nil {
			s.Fatal(err)
		}
		return result
	}
}

// refusal checks that a call was refused with a code.
func (s *sdk) refusal(err error, status int, code int64) {
	s.Helper()
	var e *accounts.Error
	if !errors.As(err, &e) || e.StatusCode != status || len(e.Errors) == 0 || e.Errors[0].Code != code {
		s.Errorf("got %v, want status %d and code %d", err, status, code)
	}
}

// pager is any of the SDK's, which ask for pages until one is empty.
type pager[T any] interface {
	Next() bool
	Current() T
	Err() error
}

// all turns every page; no list here has a hundred.
func all[T any](s *sdk, p pager[T]) (out []T) {
	s.Helper()
	for p.Next() {
		if out = append(out, p.Current()); len(out) > 100 {
			s.Fatal("the list has no end")
		}
	}
	if p.Err() != nil {
		s.Fatal(p.Err())
	}
	return out
}

func (s *sdk) same(what string, got, want any) {
	s.Helper()
	if !reflect.DeepEqual(got, want) {
		s.Errorf("%s: got %v, want %v", what, got, want)
	}
}

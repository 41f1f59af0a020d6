package contract

import (
	"net/url"
	"strings"
	"testing"

	"github.com/cfboot/cfboot/provision/emulator"
)

// endpoints are those of an emulator as it is started.
func endpoints(t *testing.T) []emulator.Endpoint {
	t.Helper()
	s, err := emulator.Open("", emulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	return s.Endpoints()
}

// find is the endpoint that answers a request, and what its parameters are, in
// their order. Of several that fit, the one with fewer parameters is meant.
func find(all []emulator.Endpoint, method, path string) (best emulator.Endpoint, params []string, found bool) {
	if method == "HEAD" {
		method = "GET"
	}
	for _, e := range all {
		if e.Method != method {
			continue
		}
		if got, fits := fit(e.Path, path); fits && (!found || len(got) < len(params)) {
			best, params, found = e, got, true
		}
	}
	return best, params, found
}

// fit holds an escaped path against a pattern.
func fit(pattern, path string) (params []string, fits bool) {
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	for i, seg := range want {
		switch {
		case strings.HasSuffix(seg, "...}") && i < len(got):
			return append(params, plain(strings.Join(got[i:], "/"))), true
		case i >= len(got):
			return nil, false
		case strings.HasPrefix(seg, "{") && got[i] != "":
			params = append(params, plain(got[i]))
		case seg != got[i]:
			return nil, false
		}
	}
	return params, len(want) == len(got)
}

func plain(escaped string) string {
	if s, err := url.PathUnescape(escaped); err == nil {
		return s
	}
	return escaped
}

package cli

import (
	"errors"
	"strings"
	"testing"

	"github.com/cfboot/cfboot/provision"
)

// The token goes to Cloudflare and to this machine, and to whom else only when
// that was said on the command line.
func TestWhereTheTokenMayGo(t *testing.T) {
	for _, tt := range []struct {
		base, allowed string
		says          string // empty: it may
	}{
		{"", "", ""},
		{"https://api.cloudflare.com/client/v4", "", ""},
		{"https://API.fed.cloudflare.com./client/v4", "", ""},
		{"http://127.0.0.1:8787/client/v4", "", ""},
		{"http://[::1]:8787", "", ""},
		{"http://localhost:1/", "", ""},
		{"https://proxy.corp.example/client/v4", "proxy.corp.example", ""},
		{"https://Proxy.corp.example:8443/client/v4", "PROXY.corp.example", ""},
		{"nonsense", "", ""}, // refused for what it is, elsewhere
		{"https://proxy.corp.example/client/v4", "", `to "proxy.corp.example", which is not Cloudflare`},
		{"https://proxy.corp.example/client/v4", "corp.example", "which is not Cloudflare"},
		{"https://api.cloudflare.com.evil.example/", "", `"api.cloudflare.com.evil.example"`},
		{"https://evilcloudflare.com/", "", "which is not Cloudflare"},
		{"https://api.cloudflare.com@evil.example/", "", `"evil.example"`},
		{"https://127.0.0.1.evil.example/", "", `"127.0.0.1.evil.example"`},
		{"http://10.0.0.1/", "", "which is not Cloudflare"},
		{"http://api.cloudflare.com/client/v4", "", "for all to read"},
		{"http://proxy.corp.example/", "proxy.corp.example", "for all to read"},
	} {
		err := (&app{apiHost: tt.allowed}).trusted(tt.base)
		var p *provision.Problem
		switch {
		case tt.says == "" && err != nil:
			t.Errorf("%s, allowed %q: %v", tt.base, tt.allowed, err)
		case tt.says != "" && (!errors.As(err, &p) || p.Class != provision.Refused || len(p.Hints) == 0 || !strings.Contains(err.Error(), tt.says)):
			t.Errorf("%s, allowed %q: %v", tt.base, tt.allowed, err)
		}
	}
}

package cli

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/objects"
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

// What is said of the account is never overruled: where two places differ it is
// refused, and what is empty was not said.
func TestWhichAccount(t *testing.T) {
	const one, two = "11111111111111111111111111111111", "22222222222222222222222222222222"
	for _, tt := range []struct {
		env   string
		said  pinned
		found string
		says  string
	}{
		{"", pinned{}, "", ""},
		{"", pinned{flag: one}, one, ""},
		{one, pinned{}, one, ""},
		{"", pinned{manifest: one}, one, ""},
		{"", pinned{state: one}, one, ""},
		{one, pinned{flag: one, manifest: one, state: one}, one, ""},
		{two, pinned{flag: one}, "", "--account names the account " + one + ", but CLOUDFLARE_ACCOUNT_ID names " + two},
		{two, pinned{manifest: one}, "", "CLOUDFLARE_ACCOUNT_ID names the account " + two},
		{"", pinned{flag: two, state: one}, "", "but the state names " + one},
		{"", pinned{manifest: two, state: one}, "", `"account" in cfboot.jsonc names the account ` + two},
		{"shop", pinned{}, "", `"shop" from CLOUDFLARE_ACCOUNT_ID is no account ID`},
	} {
		a := &app{Env: Env{Getenv: func(string) string { return tt.env }}}
		found, err := a.chooseAccount(tt.said)
		var p *provision.Problem
		if found != tt.found || (err == nil) != (tt.says == "") || err != nil && (!errors.As(err, &p) || p.Class != provision.Refused || !strings.Contains(err.Error(), tt.says)) {
			t.Errorf("%q %+v: %q, %v", tt.env, tt.said, found, err)
		}
	}
}

// A variable that is set and empty is as one that is not set; one that says no
// means no; a flag says it whatever the variable says.
func TestVariables(t *testing.T) {
	for _, tt := range []struct {
		env     map[string]string
		args    []string
		offline bool
	}{
		{map[string]string{"CFBOOT_OFFLINE": "1"}, nil, true},
		{map[string]string{"CFBOOT_OFFLINE": "true"}, nil, true},
		{map[string]string{"CFBOOT_OFFLINE": ""}, nil, false},
		{map[string]string{"CFBOOT_OFFLINE": "0"}, nil, false},
		{map[string]string{"CFBOOT_OFFLINE": "false"}, nil, false},
		{map[string]string{"CFBOOT_OFFLINE": "0"}, []string{"--offline"}, true},
		{map[string]string{"CLOUDFLARE_API_TOKEN": "", "CLOUDFLARE_ACCOUNT_ID": "", "CLOUDFLARE_API_BASE_URL": ""}, nil, false},
	} {
		env, _, said := rehearsal(t, strings.NewReader(""))
		env.Getenv = func(name string) string { return tt.env[name] }
		code := Main(env, append([]string{"new", "shop", "--pattern", "saas", "--yes"}, tt.args...))
		if offline := strings.Contains(said.String(), "offline: rehearsing"); offline != tt.offline || (code == exitDone) != tt.offline {
			t.Errorf("%v %v: exit %d\n%s", tt.env, tt.args, code, said)
		}
		if !tt.offline && (code != exitRefused || !strings.Contains(said.String(), "CLOUDFLARE_API_TOKEN is not set")) {
			t.Errorf("%v: exit %d\n%s", tt.env, code, said)
		}
	}
}

// R2's secret access key follows from the token, and is as secret.
func TestTheBucketsKeyIsHidden(t *testing.T) {
	e := Env{Getenv: func(name string) string { return map[string]string{tokenVariable: "cfut_a-token"}[name] }}
	if s := e.secrets(); !slices.Contains(s, objects.SecretOf("cfut_a-token")) || !slices.Contains(s, "cfut_a-token") {
		t.Errorf("hidden are %q", s)
	}
}

// Where the bucket is looked for: where the emulator is, at Cloudflare, or where the
// variable says, which goes nowhere that nobody has named.
func TestWhereTheBucketIs(t *testing.T) {
	const own = "https://0123.r2.cloudflarestorage.com"
	for _, tt := range []struct{ base, endpoint, host, jurisdiction, want, says string }{
		{want: own},
		{jurisdiction: "eu", want: "https://0123.eu.r2.cloudflarestorage.com"},
		{base: "http://127.0.0.1:8799/client/v4", want: "http://127.0.0.1:8799/__s3/0123"},
		{base: "http://localhost:1/client/v4", jurisdiction: "eu", want: "http://localhost:1/__s3/0123.eu"},
		{base: "https://proxy.example/client/v4", want: own},
		{endpoint: "https://0123.eu.r2.cloudflarestorage.com", want: "https://0123.eu.r2.cloudflarestorage.com"},
		{endpoint: "http://127.0.0.1:9000", base: "http://127.0.0.1:8799", want: "http://127.0.0.1:9000"},
		{endpoint: "http://0123.r2.cloudflarestorage.com", says: "for all to read on the way"},
		{endpoint: "https://evil.example", says: `CFBOOT_R2_ENDPOINT would send the state to "evil.example"`},
		{endpoint: "https://minio.example", host: "minio.example", want: "https://minio.example"},
		{endpoint: "minio.example", says: "is no address"},
	} {
		a := &app{apiHost: tt.host, Env: Env{Getenv: func(name string) string {
			return map[string]string{endpointVariable: tt.endpoint, "CLOUDFLARE_API_BASE_URL": tt.base}[name]
		}}}
		got, err := a.r2Endpoint("0123", tt.jurisdiction)
		if tt.says == "" && (err != nil || got != tt.want) || tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says)) {
			t.Errorf("%+v: %q, %v", tt, got, err)
		}
	}
}

package cli

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cfboot/cfboot/cmd/view"
	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/kinds"
)

func newDoctorFor(vars map[string]string) *doctor {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	return &doctor{app: &app{Env: Env{Getenv: func(name string) string { return vars[name] }, Now: func() time.Time { return now }}}}
}

func TestDoctorTellsWhenATokenEnds(t *testing.T) {
	for _, tt := range []struct {
		ends   time.Duration
		status string
		says   string
	}{
		{0, view.CheckOK, "does not expire"},
		{13*24*time.Hour + time.Hour, view.CheckWarning, "it expires on 2026-12-06, in 13 days"},
		{15 * 24 * time.Hour, view.CheckOK, "valid until 2026-12-08"},
	} {
		d := newDoctorFor(nil)
		var s kinds.Standing
		if tt.ends > 0 {
			s.Expires = d.Now().Add(tt.ends)
		}
		d.tellToken(s)
		if len(d.checks) != 1 || d.checks[0].Status != tt.status || !strings.Contains(d.checks[0].Text, tt.says) {
			t.Errorf("%v: %+v", tt.ends, d.checks)
		}
	}
	d := newDoctorFor(nil)
	d.globalKey = true
	if d.tellToken(kinds.Standing{}); d.checks[0].Status != view.CheckWarning {
		t.Errorf("a Global API Key: %+v", d.checks)
	}
}

// A variable that is set but empty is not set.
func TestDoctorsVariables(t *testing.T) {
	d := newDoctorFor(map[string]string{tokenVariable: "", "CLOUDFLARE_API_BASE_URL": "", "CLOUDFLARE_ACCOUNT_ID": "x"})
	if d.checkVariables(); len(d.checks) != 1 || d.checks[0].Text != "set: CLOUDFLARE_ACCOUNT_ID" {
		t.Errorf("%+v", d.checks)
	}
	d = newDoctorFor(map[string]string{"CLOUDFLARE_API_BASE_URL": kinds.DefaultBaseURL})
	if d.checkVariables(); len(d.checks) != 1 {
		t.Errorf("Cloudflare's own address is warned of: %+v", d.checks)
	}
}

// What Cloudflare refuses of the token or the account is a refusal; that it
// could not be reached is not.
func TestDoctorsVerdict(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want provision.Class
	}{{refused("no token"), provision.Refused}, {&provision.Problem{Text: "unreached"}, provision.Failed}} {
		d := newDoctorFor(nil)
		d.Stdout = &strings.Builder{}
		d.deny("token", tt.err)
		var p *provision.Problem
		if err := d.verdict(); !errors.As(err, &p) || p.Class != tt.want {
			t.Errorf("%v: %v", tt.err, err)
		}
	}
	d := newDoctorFor(nil)
	d.Stdout = &strings.Builder{}
	d.warn("tags", "no")
	if err := d.verdict(); err != nil {
		t.Errorf("a warning fails: %v", err)
	}
}

func TestCredentials(t *testing.T) {
	const token, key, email = "cfut_0123456789", "cfk_0123456789", "me@shop.example"
	for _, tt := range []struct {
		vars map[string]string
		flag bool
		want kinds.Connection
		says string
	}{
		{map[string]string{tokenVariable: token}, false, kinds.Connection{Token: token}, ""},
		{map[string]string{tokenVariable: token, keyVariable: key, emailVariable: email}, false, kinds.Connection{Token: token}, ""},
		{map[string]string{keyVariable: key, emailVariable: email}, true, kinds.Connection{Key: key, Email: email}, ""},
		{map[string]string{keyVariable: key, emailVariable: email}, false, kinds.Connection{}, "Global API Key"},
		{map[string]string{keyVariable: key}, true, kinds.Connection{}, "not both are set"},
		{map[string]string{tokenVariable: token, keyVariable: key, emailVariable: email}, true, kinds.Connection{}, "is set as well"},
		{nil, false, kinds.Connection{}, "CLOUDFLARE_API_TOKEN is not set"},
	} {
		d := newDoctorFor(tt.vars)
		d.globalKey, d.Stderr = tt.flag, &strings.Builder{}
		var c kinds.Connection
		err := d.credentials(&c)
		var p *provision.Problem
		if c.Token != tt.want.Token || c.Key != tt.want.Key || c.Email != tt.want.Email || (err == nil) != (tt.says == "") ||
			err != nil && (!errors.As(err, &p) || p.Class != provision.Refused || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), key)) {
			t.Errorf("%v %v: %+v %v", tt.vars, tt.flag, c, err)
		}
	}
	if got := newDoctorFor(map[string]string{tokenVariable: offlineToken, keyVariable: key}).secrets(); len(got) != 1 || got[0] != key {
		t.Errorf("%q", got)
	}
}

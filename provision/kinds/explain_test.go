package kinds_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/emulator"
)

func problem(t testing.TB, err error) *provision.Problem {
	t.Helper()
	var p *provision.Problem
	if !errors.As(err, &p) {
		t.Fatalf("%T %v", err, err)
	}
	return p
}

func digits(n int) string { return strconv.Itoa(n) }

// One of each kind, each of whose permissions may be missing.
const oneOfEach = oneWorker + `, "db": {"kind": "d1"}, "cache": {"kind": "kv"}, "files": {"kind": "r2"}, "jobs": {"kind": "queue"},
	"www": {"kind": "dns", "type": "A", "name": "www", "content": "192.0.2.1"}, "api": {"kind": "route", "pattern": "api/*", "worker": "app"}`

var groupsNeeded = []string{"D1", "Workers KV Storage", "Workers R2 Storage", "Queues", "Workers Scripts", "DNS", "Workers Routes", "Zone"}

// A plan that is not allowed to look says all that is missing at once; an apply
// that is not allowed to write says what each step lacks.
func TestMissingPermissionsAreNamed(t *testing.T) {
	const token = "narrow-0123456789012345678901234567890123"
	with := func(groups ...string) *world {
		w := newWorldWith(t, emulator.Options{Tokens: []emulator.Token{{Value: byHand}, {Value: token, Groups: groups}}})
		w.token = token
		return w
	}
	var readers []string
	for _, g := range groupsNeeded {
		readers = append(readers, g+" Read")
	}
	t.Run("none may be read", func(t *testing.T) {
		w := with("Zone Read")
		_, err := provision.NewPlan(context.Background(), w.client(t), kindTraits, desired(t, oneOfEach), provision.State{Account: account}, false)
		p := problem(t, err)
		said := strings.Join(p.Hints, "\n")
		for want, who := range map[string]string{"D1 Write": "d1/db", "Workers KV Storage Write": "kv/cache", "Workers R2 Storage Write": "r2/files", "Queues Write": "queue/jobs", "Workers Scripts Write": "worker/app", "DNS Write": "dns/www", "Workers Routes Write": "route/api"} {
			if !strings.Contains(said, strconv.Quote(want)+" ("+who+")") {
				t.Errorf("%s for %s is not named in %s", want, who, said)
			}
		}
		if p.Class != provision.Refused || !strings.Contains(err.Error(), "d1/db: ") || !strings.Contains(err.Error(), "kv/cache: ") {
			t.Errorf("%d %v", p.Class, err)
		}
	})
	t.Run("zones may not be read", func(t *testing.T) {
		w := with("DNS Write")
		_, err := provision.NewPlan(context.Background(), w.client(t), kindTraits, desired(t, `"www": {"kind": "dns", "type": "A", "name": "www", "content": "192.0.2.1"}`), provision.State{Account: account}, false)
		if said := strings.Join(problem(t, err).Hints, "\n"); !strings.Contains(said, `"Zone Read" (dns/www)`) || !strings.Contains(said, `whether it has "DNS Write" could not be asked without "Zone Read"`) {
			t.Errorf("%s", said)
		}
	})
	t.Run("none may be written", func(t *testing.T) {
		w := with(readers...)
		p := w.plan(t, oneOfEach, false)
		if p.Changes()[provision.Create] != 7 {
			t.Fatal(show(p))
		}
		err := w.apply(t, p)
		said := strings.Join(problem(t, err).Hints, "\n")
		for _, want := range []string{"D1 Write", "Workers KV Storage Write", "Workers R2 Storage Write", "Queues Write", "Workers Scripts Write", "DNS Write"} {
			if !strings.Contains(said, strconv.Quote(want)) {
				t.Errorf("%s is not named in %s", want, said)
			}
		}
		if strings.Contains(err.Error(), token) || len(w.left()) > 0 {
			t.Errorf("%v %v", err, w.left())
		}
	})
	t.Run("one is missing", func(t *testing.T) {
		w := with(append(readers, "D1 Write", "Workers KV Storage Write", "Queues Write", "Workers Scripts Write", "DNS Write", "Workers Routes Write")...)
		p := problem(t, w.apply(t, w.plan(t, oneOfEach, false)))
		if p.Class != provision.Partial || !strings.Contains(p.Error(), "r2/files: ") || len(entries(t, w)) != 6 {
			t.Errorf("%d %v, %d made", p.Class, p, len(entries(t, w)))
		}
	})
}

// What is known of a code is said as a hint.
func TestKnownCodesAreExplained(t *testing.T) {
	for _, tt := range []struct {
		resource     string
		method, path string
		status, code int
		hint         string
	}{
		{`{"kind": "r2"}`, "POST", "/r2/buckets$", 403, 10042, "enable it once in the dashboard under R2"},
		{`{"kind": "d1"}`, "POST", "/d1/database$", 400, 7406, "limit of D1 databases"},
		{`{"kind": "dns", "type": "TXT", "name": "a", "content": "b"}`, "POST", "/dns_records$", 400, 81045, "limit of DNS records"},
		{`{"kind": "dns", "type": "TXT", "name": "a", "content": "b"}`, "POST", "/dns_records$", 400, 9300, "record tags"},
		{`{"kind": "queue"}`, "POST", "/queues$", 403, 10023, "Queues is not enabled"},
		{`{"kind": "kv"}`, "POST", "/namespaces$", 403, 9109, `"Workers KV Storage Write"`},
		{`{"kind": "kv"}`, "POST", "/namespaces$", 400, 10012, ""},
	} {
		t.Run(tt.resource+" "+digits(tt.code), func(t *testing.T) {
			w := newWorld(t)
			p := w.plan(t, `"x": `+tt.resource, false)
			w.server.Fail(emulator.Failure{Method: tt.method, Path: tt.path, Status: tt.status, Code: tt.code, Count: -1, Message: "Cloudflare's own words"})
			err := problem(t, w.apply(t, p))
			said := strings.Join(err.Hints, "\n")
			if !strings.Contains(said, tt.hint) || !strings.Contains(err.Error(), "Cloudflare's own words") || !strings.Contains(err.Error(), "/x: ") {
				t.Errorf("%v: %s", err, said)
			}
			if strings.Contains(said, "permission") != (tt.code == 9109) {
				t.Errorf("the permission: %s", said)
			}
		})
	}
}

// A plan also says why a zone is no place for a resource.
func TestZonesThatAreNoPlace(t *testing.T) {
	const dns = `"r": {"kind": "dns", "type": "TXT", "name": "@", "content": "a"}`
	for _, tt := range []struct {
		name  string
		zones []emulator.Zone
		says  string
	}{
		{"pending", []emulator.Zone{{Name: domain, Account: account, Status: "pending"}}, "is pending, not active"},
		{"of another account", []emulator.Zone{{Name: domain, Account: other}}, "is in another account (" + other},
		{"with its records elsewhere", []emulator.Zone{{Name: domain, Account: account, Type: "partial"}}, "has a partial set-up"},
		{"of nobody", []emulator.Zone{{Name: "other.example", Account: account}}, "no zone for"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorldWith(t, emulator.Options{Zones: tt.zones})
			p := w.plan(t, dns, false)
			if len(p.Conflicts) != 1 || !strings.Contains(p.Conflicts[0].Text, tt.says) {
				t.Errorf("%+v", p.Conflicts)
			}
		})
	}
}

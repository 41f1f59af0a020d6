package cli

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/emulator"
	"golang.org/x/net/publicsuffix"
)

// The account and the token of every rehearsal. The emulator takes any token.
const (
	offlineAccount = "0ff11e0ff11e0ff11e0ff11e0ff11e00"
	offlineToken   = "offline-rehearsal"
)

// offline is an emulated Cloudflare that lives for one run and keeps what it
// has in the project's folder.
type offline struct {
	url    string
	server *emulator.Server
	http   *http.Server
	users  int    // of this run
	gone   func() // called when the last of them has closed it
}

func emulatorDir(dir string) string {
	return filepath.Join(dir, filepath.FromSlash(offlineDir), "cloudflare")
}

// openOffline starts the emulator on a free port of this machine.
func (a *app) openOffline(dir, domain string) (*offline, error) {
	a.sayOffline()
	return a.rehearse(emulatorDir(dir), domain)
}

// rehearse is openOffline with what it has kept in a folder; "": nowhere.
func (a *app) rehearse(data, domain string) (*offline, error) {
	if o := a.rehearsals[data]; o != nil {
		o.users++
		return o, o.addZone(domain)
	}
	s, err := emulator.Open(data, emulator.Options{Accounts: []emulator.Account{{ID: offlineAccount, Name: "Offline"}}, Now: a.Now})
	if errors.Is(err, emulator.ErrLocked) {
		return nil, &provision.Problem{At: data, Text: "the offline Cloudflare is in use by another process", Class: provision.Locked,
			Hints: []string{"wait for the other run, or stop the cfboot emulator that serves it"}}
	}
	if err != nil {
		return nil, err
	}
	o := &offline{server: s, users: 1, gone: func() {}}
	if err := o.addZone(domain); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	h := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	go h.Serve(listener) //nolint:errcheck // it ends with ErrServerClosed when closed
	o.url, o.http = fmt.Sprintf("http://%s/client/v4", listener.Addr()), h
	if data != "" {
		if a.rehearsals == nil {
			a.rehearsals = map[string]*offline{}
		}
		a.rehearsals[data] = o
		o.gone = func() { delete(a.rehearsals, data) }
	}
	return o, nil
}

// addZone makes sure that the zone of a domain is there.
func (o *offline) addZone(domain string) error {
	if zone := registrable(domain); zone != "" {
		return o.server.AddZone(zone, offlineAccount)
	}
	return nil
}

// close ends the emulator. Every request has been answered by then; connections
// that are kept open for a next one are not waited for.
func (o *offline) close() error {
	if o.users--; o.users > 0 {
		return nil
	}
	o.gone()
	return errors.Join(o.http.Close(), o.server.Close())
}

// registrable is the domain that a host's zone bears: the part that can be
// bought.
func registrable(host string) string {
	if host == "" {
		return ""
	}
	zone, err := publicsuffix.EffectiveTLDPlusOne(strings.ToLower(host))
	if err != nil {
		return host
	}
	return zone
}

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
	s, err := emulator.Open(data, emulator.Options{Accounts: []emulator.Account{{ID: offlineAccount, Name: "Offline"}}, Now: a.Now})
	if errors.Is(err, emulator.ErrLocked) {
		return nil, &provision.Problem{At: data, Text: "the offline Cloudflare is in use by another process", Class: provision.Locked,
			Hints: []string{"wait for the other run, or stop the cfboot emulator that serves it"}}
	}
	if err != nil {
		return nil, err
	}
	if zone := registrable(domain); zone != "" {
		if err := s.AddZone(zone, offlineAccount); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	h := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	go h.Serve(listener) //nolint:errcheck // it ends with ErrServerClosed when closed
	return &offline{url: fmt.Sprintf("http://%s/client/v4", listener.Addr()), server: s, http: h}, nil
}

// close ends the emulator. Every request has been answered by then; connections
// that are kept open for a next one are not waited for.
func (o *offline) close() error { return errors.Join(o.http.Close(), o.server.Close()) }

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

package cli

import (
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"
	"sync"

	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/kinds"
)

var accountID = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9a-f]{32}$`) })

// pinned is what is known of an account before Cloudflare is asked.
type pinned struct{ flag, manifest, state string }

// choose finds the one account that everything names, or the empty string where
// nothing does. The state's account can never be changed: what it lists lives
// there.
func (a *app) chooseAccount(p pinned) (string, error) {
	env, _ := a.getenv("CLOUDFLARE_ACCOUNT_ID")
	chosen, from := "", ""
	for _, c := range []struct{ id, from string }{
		{p.flag, "--account"}, {env, "CLOUDFLARE_ACCOUNT_ID"}, {p.manifest, `"account" in ` + manifestFile}, {p.state, "the state"},
	} {
		switch {
		case c.id == "":
		case !accountID().MatchString(c.id):
			return "", refused(fmt.Sprintf("%q from %s is no account ID", c.id, c.from), "an account ID is 32 hexadecimal digits")
		case chosen == "":
			chosen, from = c.id, c.from
		case chosen != c.id:
			return "", refused(fmt.Sprintf("%s names the account %s, but %s names %s", from, chosen, c.from, c.id),
				"use the token and account that the project belongs to")
		}
	}
	return chosen, nil
}

// connection is how a run speaks to Cloudflare, without where and as whom.
func (a *app) connection(project, environment string) kinds.Connection {
	c := kinds.Connection{
		UserAgent: "cfboot/" + a.Version, Project: project, Environment: environment,
		Waits: a.wait, Stopping: a.stopping,
		Bodies: a.verbose >= 2, Secrets: a.secretVariable,
	}
	if a.verbose > 0 {
		c.Trace = a.trace
	}
	return c
}

// secretVariable gives a kind what a setting of it names, and shows it nowhere.
func (a *app) secretVariable(name string) (string, bool) {
	v, ok := a.getenv(name)
	if ok {
		a.hide(map[string]string{name: v})
	}
	return v, ok
}

// connect makes the client for this run. What it returns must be closed.
func (a *app) connect(dir string, t target, project, environment, domain string, p pinned) (*kinds.Client, func() error, error) {
	p.flag = t.account
	c := a.connection(project, environment)
	closer := func() error { return nil }
	if a.offline {
		o, err := a.openOffline(dir, domain)
		if err != nil {
			return nil, nil, err
		}
		c.BaseURL, c.Token, c.Account = o.url, offlineToken, offlineAccount
		closer = o.close
	} else {
		if err := a.credentials(&c); err != nil {
			return nil, nil, err
		}
		account, err := a.chooseAccount(p)
		if err != nil {
			return nil, nil, err
		}
		c.Account = account
		if c.BaseURL, err = a.baseURL(); err != nil {
			return nil, nil, err
		}
	}
	client, err := kinds.Connect(c)
	if err == nil && client.Account == "" {
		err = client.FindAccount(a.ctx)
	}
	if err == nil && p.state != "" && p.state != client.Account {
		err = refused(fmt.Sprintf("the state's resources live in the account %s, and the token reaches %s", p.state, client.Account),
			"use the token and account that the project belongs to")
	}
	if err != nil {
		_ = closer()
		return nil, nil, err
	}
	a.doc.Account = client.Account
	return client, closer, nil
}

// baseURL is where the API is, if not at Cloudflare's usual address.
func (a *app) baseURL() (string, error) {
	base, _ := a.getenv("CLOUDFLARE_API_BASE_URL")
	return base, a.trusted(base)
}

// trusted refuses to send the token where nobody on the command line said it may
// go: the environment may have been set by a file that came with a project.
// Cloudflare itself is trusted, and this machine.
func (a *app) trusted(base string) error {
	return a.mayGo("CLOUDFLARE_API_BASE_URL", "the API token", base)
}

// mayGo is trusted for whatever a variable would send somewhere.
func (a *app) mayGo(variable, what, base string) error {
	u, err := url.Parse(base)
	if base == "" || err != nil || u.Host == "" {
		return nil // Cloudflare's own, or no address at all, which is said later
	}
	host := hostOf(u.Hostname())
	cloudflares := strings.HasSuffix(host, ".cloudflare.com") || strings.HasSuffix(host, ".r2.cloudflarestorage.com")
	switch {
	case isThisMachine(host):
		return nil
	case !cloudflares && !strings.EqualFold(a.apiHost, host):
		return refused(fmt.Sprintf("%s would send %s to %q, which is not Cloudflare", variable, what, host),
			"unset "+variable, "or, if "+strings.TrimPrefix(what, "the API ")+" is to go there, say so: --api-host "+host)
	case u.Scheme != "https":
		return refused(fmt.Sprintf("%s would send %s to %q for all to read on the way", variable, what, host),
			"let it begin with https://")
	}
	return nil
}

func hostOf(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

func isThisMachine(host string) bool {
	host = hostOf(host)
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// sayOffline tells every rehearsal that it is one.
func (a *app) sayOffline() {
	if a.offline {
		a.view().Notice("offline: rehearsing against the built-in emulator; nothing reaches Cloudflare")
	}
}

// blankState is the state of an environment that nothing has been made for.
func blankState(project, environment, account string) provision.State {
	return provision.State{Project: project, Environment: environment, Account: account}
}

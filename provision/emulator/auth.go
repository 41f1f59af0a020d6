package emulator

import (
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Token is a credential and what it may do.
type Token struct {
	Value string `json:"-"`
	ID    string `json:"id,omitempty"` // 32 hex digits; made up if empty
	// Account makes it a token owned by that account; "" is a user token.
	Account string `json:"account,omitempty"`
	// Accounts are those a user token may use; none: all.
	Accounts []string `json:"accounts,omitempty"`
	// Groups are the permission groups it has, by Cloudflare's names ("D1
	// Write", "DNS Read", ...). None: every right.
	Groups []string `json:"groups,omitempty"`
	Status string   `json:"status,omitempty"` // disabled, expired; "": active until it expires
	// Expires is when it ends; zero: never.
	Expires time.Time `json:"expires,omitzero"`
	// From are the addresses that it may be used from; none: all.
	From []netip.Prefix `json:"from,omitempty"`
}

// Permission groups, without their " Read" or " Write".
const (
	anyToken      = ""
	groupD1       = "D1"
	groupKV       = "Workers KV Storage"
	groupR2       = "Workers R2 Storage"
	groupQueues   = "Queues"
	groupScripts  = "Workers Scripts"
	groupRoutes   = "Workers Routes"
	groupDNS      = "DNS"
	groupZone     = "Zone"
	groupAccounts = "Account Settings"
)

var (
	wellFormedToken = regexp.MustCompile(`^[A-Za-z0-9._~+/=-]+$`)
	wellFormedKey   = regexp.MustCompile(`^[A-Za-z0-9_-]{32,}$`)
)

// allRights stands for whoever comes when Options names no tokens.
var allRights = Token{ID: "e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0"}

// authenticate finds the token that calls.
func (s *Server) authenticate(r *http.Request) (*Token, error) {
	header := r.Header.Get("Authorization")
	email, key := r.Header.Get("X-Auth-Email"), r.Header.Get("X-Auth-Key")
	switch {
	case header != "":
		return s.bearer(header)
	case email != "" && key != "":
		if !wellFormedKey.MatchString(key) {
			return nil, refuse(http.StatusBadRequest, 6003, "Invalid request headers").
				because(6103, "Invalid format for X-Auth-Key header")
		}
		if len(s.o.Tokens) > 0 {
			// guess: the status.
			return nil, refuse(http.StatusForbidden, 9103, "Unknown X-Auth-Key or X-Auth-Email")
		}
		return &allRights, nil
	}
	return nil, refuse(http.StatusBadRequest, 9106, "Missing X-Auth-Key, X-Auth-Email or Authorization headers")
}

func (s *Server) bearer(header string) (*Token, error) {
	scheme, value, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") || !wellFormedToken.MatchString(value) {
		return nil, refuse(http.StatusBadRequest, 6003, "Invalid request headers").
			because(6111, "Invalid format for Authorization header")
	}
	if len(s.o.Tokens) == 0 {
		return &allRights, nil
	}
	for i := range s.o.Tokens {
		if s.o.Tokens[i].Value == value {
			return &s.o.Tokens[i], nil
		}
	}
	return nil, errUnknownToken
}

// errUnknownToken: guess: the status is 401; the reference says it varies.
var errUnknownToken error = refuse(http.StatusUnauthorized, 10000, "Authentication error")

// errInvalidToken is what verifying answers instead.
var errInvalidToken = refuse(http.StatusUnauthorized, 1000, "Invalid API Token")

// errForbidden is what a valid token without the right gets.
var errForbidden = refuse(http.StatusForbidden, 10000, "Authentication error")

// admit authenticates, resolves the account and zone of the path, and checks
// the right.
func (s *Server) admit(c *call, found *route, path string) error {
	if found.session {
		return s.admitSession(c, path)
	}
	verifying := strings.HasSuffix(path, "/tokens/verify")
	token, err := s.authenticate(c.Request)
	if err == errUnknownToken && verifying {
		return errInvalidToken
	}
	if err != nil {
		return err
	}
	c.token = token
	if err := token.from(c.RemoteAddr); err != nil {
		return err
	}
	if id, has := c.params["account"]; has {
		a, known := s.accounts.get(id)
		if !isHex(id, 32) || !known {
			return noRoute(path)
		}
		if !token.sees(id) {
			return errForbidden
		}
		c.account = a
	}
	if id, has := c.params["zone"]; has {
		if err := s.admitZone(c, id, path); err != nil {
			return err
		}
	}
	if token.state(c.x.now) != "active" && !verifying {
		return errUnknownToken
	}
	if !token.may(found.group, c.Method) {
		return errForbidden
	}
	if c.account != nil {
		return c.account.has(found.group)
	}
	return nil
}

// admitSession lets the endpoint decide who may call.
func (s *Server) admitSession(c *call, path string) error {
	a, known := s.accounts.get(c.params["account"])
	if !known {
		return noRoute(path)
	}
	c.account = a
	return nil
}

func (s *Server) admitZone(c *call, id, path string) error {
	if !isHex(id, 32) {
		return noRoute(path)
	}
	z, known := s.zones.get(id)
	if !known {
		// guess: the status.
		return refuse(http.StatusForbidden, 9109, "Invalid zone identifier")
	}
	if !c.token.sees(z.Account) {
		return refuse(http.StatusForbidden, 9109, "Unauthorized to access requested resource")
	}
	c.zone = z
	return nil
}

// sees says whether the token reaches an account at all.
func (t *Token) sees(account string) bool {
	if t.Account != "" {
		return t.Account == account
	}
	return len(t.Accounts) == 0 || slices.Contains(t.Accounts, account)
}

// may says whether the token has the group's right for the method.
func (t *Token) may(group, method string) bool {
	if group == anyToken || len(t.Groups) == 0 {
		return true
	}
	if slices.Contains(t.Groups, group+" Write") {
		return true
	}
	return (method == http.MethodGet || method == http.MethodHead) && slices.Contains(t.Groups, group+" Read")
}

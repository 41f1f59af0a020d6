package emulator

import (
	"cmp"
	"net/http"
	"regexp"
	"strings"
	"sync"
)

// Permission groups, without their " Read" or " Write".
const (
	anyToken     = ""
	groupD1      = "D1"
	groupKV      = "Workers KV Storage"
	groupR2      = "Workers R2 Storage"
	groupQueues  = "Queues"
	groupScripts = "Workers Scripts"
	groupRoutes  = "Workers Routes"
	groupDNS     = "DNS"
	groupZone    = "Zone"
	groupR2Items = "Workers R2 Storage Bucket Item"

	groupUserTokens    = "API Tokens"
	groupAccountTokens = "Account API Tokens"
)

var (
	wellFormedToken = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9._~+/=-]+$`) })
	wellFormedKey   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_-]{32,}$`) })
)

// authenticate finds the token that calls.
func (s *Server) authenticate(r *http.Request) (*apiToken, error) {
	header := r.Header.Get("Authorization")
	email, key := r.Header.Get("X-Auth-Email"), r.Header.Get("X-Auth-Key")
	switch {
	case header != "":
		return s.bearer(header)
	case email != "" && key != "":
		if !wellFormedKey().MatchString(key) {
			return nil, refuse(http.StatusBadRequest, 6003, "Invalid request headers").
				because(6103, "Invalid format for X-Auth-Key header")
		}
		if len(s.o.Tokens) > 0 {
			// guess: the status.
			return nil, refuse(http.StatusForbidden, 9103, "Unknown X-Auth-Key or X-Auth-Email")
		}
		return allRights, nil
	}
	return nil, refuse(http.StatusBadRequest, 9106, "Missing X-Auth-Key, X-Auth-Email or Authorization headers")
}

func (s *Server) bearer(header string) (*apiToken, error) {
	scheme, value, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") || !wellFormedToken().MatchString(value) {
		return nil, refuse(http.StatusBadRequest, 6003, "Invalid request headers").
			because(6111, "Invalid format for Authorization header")
	}
	if t, has := s.tokenOf(value); has {
		return t, nil
	}
	if s.open(digest(value)) {
		return allRights, nil
	}
	return nil, errUnknownToken
}

// errUnknownToken: guess: the status is 401; the reference says it varies.
var errUnknownToken error = refuse(http.StatusUnauthorized, 10000, "Authentication error")

// errInvalidToken is what verifying answers instead.
var errInvalidToken = refuse(http.StatusUnauthorized, 1000, "Invalid API Token")

// errForbidden is what a valid token without the right gets.
var errForbidden error = refuse(http.StatusForbidden, 10000, "Authentication error")

// errUnauthorized is the same for what belongs to zones and users.
var errUnauthorized error = refuse(http.StatusForbidden, 9109, "Unauthorized to access requested resource")

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
		c.account = a
	}
	if id, has := c.params["zone"]; has {
		if err := s.admitZone(c, id, path); err != nil {
			return err
		}
	}
	if !token.live(c.x.now) && !verifying {
		return errUnknownToken
	}
	if !c.allowed(found) {
		return forbidden(found.group)
	}
	if c.account != nil {
		return c.account.has(found.group)
	}
	return nil
}

// allowed says whether the token has the right that the endpoint needs.
func (c *call) allowed(found *route) bool {
	n := need{group: found.group, write: c.Method != http.MethodGet && c.Method != http.MethodHead && !found.reads}
	switch {
	case c.zone != nil:
		n.account, n.zone = c.zone.Account, c.zone.ID
	case c.account != nil:
		n.account = c.account.ID
	default:
		n.anywhere = found.group != groupUserTokens // which needs the user's resource
	}
	if c.token.may(n) {
		return true
	}
	if !found.items {
		return false
	}
	n.group, n.bucket = groupR2Items, bucketResource(c.account.ID, cmp.Or(c.Header.Get(jurisdictionHeader), "default"), c.params["bucket"])
	return c.token.may(n)
}

// forbidden is what a token without the right gets; zones say it in
// words of their own.
func forbidden(group string) error {
	if group == groupZone {
		return errUnauthorized
	}
	return errForbidden
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
	if !c.token.seesZone(z) {
		return errUnauthorized
	}
	c.zone = z
	return nil
}

package emulator

import (
	"cmp"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"time"
)

// groupTokens is what reading the tokens of a user takes, groupAccountTokens
// those of an account.
const (
	groupTokens        = "User API Tokens"
	groupAccountTokens = "Account API Tokens"
)

func (s *Server) registerTokens() {
	s.on("GET", "user/tokens/verify", anyToken, s.verifyToken)
	s.on("GET", "accounts/{account}/tokens/verify", anyToken, s.verifyToken)
	s.on("GET", "user/tokens/{token}", groupTokens, s.getToken)
	s.on("GET", "accounts/{account}/tokens/{token}", groupAccountTokens, s.getToken)
}

// state is the token's status at a time.
func (t *Token) state(now time.Time) string {
	switch {
	case t.Status != "":
		return t.Status
	case !t.Expires.IsZero() && !now.Before(t.Expires):
		return "expired"
	}
	return "active"
}

// from says whether the token may be used from an address.
func (t *Token) from(remote string) error {
	if len(t.From) == 0 {
		return nil
	}
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		host = remote
	}
	at, err := netip.ParseAddr(host)
	if err == nil && slices.ContainsFunc(t.From, func(p netip.Prefix) bool { return p.Contains(at.Unmap()) }) {
		return nil
	}
	// github.com/jeessy2/ddns-go/issues/1341. guess: verifying says it too.
	return refuse(http.StatusForbidden, 9109, "Cannot use the access token from location: %s", host)
}

// verifyToken answers GET user/tokens/verify. An account-owned token is not
// known there, and a key is no token.
func (s *Server) verifyToken(c *call) (*reply, error) {
	if c.Header.Get("Authorization") == "" {
		// guess: the status.
		return nil, refuse(http.StatusBadRequest, 1001, `Missing "Authorization" header`)
	}
	if (c.token.Account != "") != (c.account != nil) && len(s.o.Tokens) > 0 {
		return nil, errInvalidToken
	}
	result := map[string]any{"id": cmp.Or(c.token.ID, allRights.ID), "status": c.token.state(c.x.now)}
	if !c.token.Expires.IsZero() {
		result["expires_on"] = c.token.Expires.UTC().Format(time.RFC3339)
	}
	message := map[string]any{"code": 10000, "message": "This API Token is valid and active", "type": nil}
	return &reply{result: result, messages: []any{message}}, nil
}

// getToken shows a token's policies: one that allows its groups.
func (s *Server) getToken(c *call) (*reply, error) {
	id := c.params["token"]
	i := slices.IndexFunc(s.o.Tokens, func(t Token) bool { return t.ID == id && (t.Account != "") == (c.account != nil) })
	t := &allRights
	if i >= 0 {
		t = &s.o.Tokens[i]
	} else if id != t.ID || len(s.o.Tokens) > 0 {
		return nil, refuse(http.StatusNotFound, 1003, "Token not found")
	}
	groups := t.Groups
	if len(groups) == 0 {
		for _, g := range s.groups() {
			groups = append(groups, g+" Write")
		}
	}
	list := []any{}
	for _, g := range groups {
		list = append(list, map[string]any{"id": newID(), "name": g})
	}
	return ok(map[string]any{"id": id, "name": "emulated", "status": t.state(c.x.now),
		"policies": []any{map[string]any{"id": newID(), "effect": "allow", "permission_groups": list,
			"resources": map[string]any{"com.cloudflare.api.account.*": "*"}}}})
}

// groups lists the permission groups that some endpoint asks for.
func (s *Server) groups() []string {
	seen := map[string]bool{}
	var walk func(*node)
	walk = func(n *node) {
		if n == nil {
			return
		}
		for _, r := range n.routes {
			seen[r.group] = true
		}
		for _, next := range n.literal {
			walk(next)
		}
		walk(n.param)
		walk(n.rest)
	}
	walk(s.root)
	delete(seen, anyToken)
	return slices.Sorted(maps.Keys(seen))
}

// zonePermissions is what a zone says that the caller may do there.
func (t *Token) zonePermissions() []string {
	out := []string{}
	for _, p := range []struct{ group, name string }{{groupDNS, "#dns_records"}, {groupZone, "#zone"}, {groupRoutes, "#worker"}} {
		if t.may(p.group, http.MethodPost) {
			out = append(out, p.name+":edit")
		}
		if t.may(p.group, http.MethodGet) {
			out = append(out, p.name+":read")
		}
	}
	return out
}

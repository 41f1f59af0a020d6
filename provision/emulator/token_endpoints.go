package emulator

import (
	"net/http"
	"net/netip"
	"slices"
	"time"
)

// Limits of tokens: how many of a user and of an account, and a name's length in
// characters.
const (
	maxUserTokens    = 50
	maxAccountTokens = 500
	maxTokenName     = 120
)

func (s *Server) registerTokens() {
	for base, group := range map[string]string{"user/tokens": groupUserTokens, "accounts/{account}/tokens": groupAccountTokens} {
		s.on("GET", base+"/verify", anyToken, s.verifyToken)
		s.on("GET", base+"/permission_groups", group, s.listGroups)
		s.on("POST", base, group, s.createToken)
		s.on("GET", base, group, s.listTokens)
		s.on("GET", base+"/{token}", group, s.getToken)
		s.on("PUT", base+"/{token}", group, s.updateToken)
		s.on("DELETE", base+"/{token}", group, s.deleteToken)
		s.on("PUT", base+"/{token}/value", group, s.rollToken)
	}
}

// The reference has the codes 1001 and 1003 and 400; guess: the statuses, and 1001
// for all that is wrong with a policy.
var (
	errNoToken   = refuse(http.StatusNotFound, 1003, "Token not found")
	errTokenBody = refuse(http.StatusBadRequest, 1001, "Invalid request body")
)

// owner is whose tokens the path is about: an account's, or "" for the user's.
func (c *call) owner() string {
	if c.account == nil {
		return ""
	}
	return c.account.ID
}

type tokenBody struct {
	Name      string       `json:"name"`
	Status    string       `json:"status"`
	NotBefore *time.Time   `json:"not_before"`
	Expires   *time.Time   `json:"expires_on"`
	Policies  []policyBody `json:"policies"`
	Condition struct {
		IP struct {
			In    []string `json:"in"`
			NotIn []string `json:"not_in"`
		} `json:"request_ip"`
	} `json:"condition"`
}

// fill sets a token to what the body says.
func (in *tokenBody) fill(t *apiToken) error {
	if n := len([]rune(in.Name)); n < 1 || n > maxTokenName {
		return refuse(http.StatusBadRequest, 400, "name must have a length between 1 and %d characters", maxTokenName)
	}
	if len(in.Policies) == 0 || !slices.Contains([]string{"", "active", "disabled"}, in.Status) {
		return errTokenBody
	}
	t.From, t.NotFrom = nil, nil
	for to, networks := range map[*[]netip.Prefix][]string{&t.From: in.Condition.IP.In, &t.NotFrom: in.Condition.IP.NotIn} {
		for _, network := range networks {
			p, err := parseNetwork(network)
			if err != nil {
				return errTokenBody
			}
			*to = append(*to, p)
		}
	}
	t.Name, t.Disabled = in.Name, in.Status == "disabled"
	t.NotBefore, t.Expires, t.Policies = time.Time{}, time.Time{}, nil
	if in.NotBefore != nil {
		t.NotBefore = *in.NotBefore
	}
	if in.Expires != nil {
		t.Expires = *in.Expires
	}
	for _, p := range in.Policies {
		if p.Effect != "allow" && p.Effect != "deny" || len(p.Groups) == 0 || len(p.Resources) == 0 {
			return errTokenBody
		}
		p.ID = newID()
		for i, g := range p.Groups {
			known, has := groupsByID[g.ID]
			if !has {
				return refuse(http.StatusBadRequest, 1001, "Permission group %s not found", g.ID)
			}
			p.Groups[i].Name = known.Name
		}
		t.Policies = append(t.Policies, policy{policyBody: p})
	}
	return nil
}

// showToken leaves out last_used_on: the emulator does not note it.
func showToken(t *apiToken, now time.Time) map[string]any {
	policies := []policyBody{}
	for _, p := range t.Policies {
		policies = append(policies, p.shown())
	}
	out := map[string]any{"id": t.ID, "name": t.Name, "status": t.status(now), "policies": policies}
	setTime(out, "issued_on", t.Made)
	setTime(out, "modified_on", t.Modified)
	setTime(out, "not_before", t.NotBefore)
	setTime(out, "expires_on", t.Expires)
	if len(t.From)+len(t.NotFrom) > 0 {
		ip := map[string]any{}
		if len(t.From) > 0 {
			ip["in"] = t.From
		}
		if len(t.NotFrom) > 0 {
			ip["not_in"] = t.NotFrom
		}
		out["condition"] = map[string]any{"request_ip": ip}
	}
	return out
}

// createToken shows the value, this once.
func (s *Server) createToken(c *call) (*reply, error) {
	var in tokenBody
	if err := c.decode(&in, errTokenBody); err != nil {
		return nil, err
	}
	most := maxUserTokens
	if c.account != nil {
		most = maxAccountTokens
	}
	if len(s.tokensByOwner.within(c.owner())) >= most {
		// guess: code, status and text.
		return nil, refuse(http.StatusBadRequest, 1002, "You have reached the maximum of %d tokens", most)
	}
	value := newTokenValue(c.owner())
	t := &apiToken{row: row{ID: newID()}, Account: c.owner(), Digest: digest(value), Modified: c.x.now}
	if err := in.fill(t); err != nil {
		return nil, err
	}
	s.tokens.put(c.x, t)
	out := showToken(t, c.x.now)
	out["value"] = value
	return ok(out)
}

func (s *Server) listTokens(c *call) (*reply, error) {
	var live []entry[*apiToken]
	for _, e := range s.tokensByOwner.within(c.owner()) {
		if e.row.status(c.x.now) != "expired" || c.query.Get("include_expired") == "true" {
			live = append(live, e)
		}
	}
	return paged(s, c, live, pageSize{20, 50}, func(t *apiToken) any { return showToken(t, c.x.now) })
}

// theToken finds the path's token among those that were made through the API or by
// hand; those of the options can be read, and neither changed nor listed.
func (s *Server) theToken(c *call) (*apiToken, error) {
	t, has := find(s, c, s.tokens, c.params["token"])
	if !has || t.Account != c.owner() {
		return nil, errNoToken
	}
	return t, nil
}

// getToken shows the tokens of the options, too.
func (s *Server) getToken(c *call) (*reply, error) {
	if t, has := s.tokenCalled(c.params["token"]); has && t.Account == c.owner() {
		return ok(showToken(t, c.x.now))
	}
	if c.params["token"] == allRights.ID && len(s.o.Tokens) == 0 {
		return ok(showToken(allRights, c.x.now))
	}
	return nil, errNoToken
}

func (s *Server) updateToken(c *call) (*reply, error) {
	t, err := s.theToken(c)
	if err != nil {
		return nil, err
	}
	var in tokenBody
	if err := c.decode(&in, errTokenBody); err != nil {
		return nil, err
	}
	next := *t
	next.Modified = c.x.now
	if err := in.fill(&next); err != nil {
		return nil, err
	}
	s.tokens.put(c.x, &next)
	return ok(showToken(&next, c.x.now))
}

func (s *Server) deleteToken(c *call) (*reply, error) {
	t, err := s.theToken(c)
	if err != nil {
		return nil, err
	}
	s.tokens.remove(c.x, t.ID)
	s.spend(c.x, t.ID, t.Digest)
	return ok(map[string]any{"id": t.ID})
}

// rollToken gives a token a new value; the old one is worth nothing from now on.
func (s *Server) rollToken(c *call) (*reply, error) {
	t, err := s.theToken(c)
	if err != nil {
		return nil, err
	}
	value := newTokenValue(t.Account)
	next := *t
	next.Digest, next.Modified = digest(value), c.x.now
	s.tokens.put(c.x, &next)
	s.spend(c.x, t.Digest)
	return ok(value)
}

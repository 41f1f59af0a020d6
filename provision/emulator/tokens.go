package emulator

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Token is a credential that is made by hand, and what it may do. Cloudflare's own
// form, policies, is what POST user/tokens takes; this one is shorter.
type Token struct {
	// Value is what the caller sends; made up if empty.
	Value string `json:"value,omitempty"`
	ID    string `json:"id,omitempty"` // 32 hex digits; made up if empty
	Name  string `json:"name,omitempty"`
	// Account makes it a token owned by that account; "" is a user token.
	Account string `json:"account,omitempty"`
	// Accounts are those a user token may use; none: all.
	Accounts []string `json:"accounts,omitempty"`
	// Zones are the ids of the zones that it may use; none: all of its accounts.
	Zones []string `json:"zones,omitempty"`
	// Buckets are the R2 buckets whose objects it may use, as account/name or
	// account/jurisdiction/name; none: all of its accounts. With buckets and no
	// groups it may use their objects and nothing else.
	Buckets []string `json:"buckets,omitempty"`
	// Groups are the permission groups it has, by Cloudflare's names ("D1
	// Write", "DNS Read", ...). None: every right.
	Groups []string `json:"groups,omitempty"`
	// ReadOnly turns every right into the right to read.
	ReadOnly  bool      `json:"read_only,omitempty"`
	Status    string    `json:"status,omitempty"` // active (the default), disabled, expired
	NotBefore time.Time `json:"not_before,omitzero"`
	Expires   time.Time `json:"expires,omitzero"` // when it ends; zero: never
	// From are the networks that it may be used from, none: all; NotFrom those that
	// it may not.
	From    []netip.Prefix `json:"from,omitempty"`
	NotFrom []netip.Prefix `json:"not_from,omitempty"`
}

// seedTokens takes the tokens of the options, which are not kept in the file.
func (s *Server) seedTokens() error {
	s.named = map[string]*apiToken{}
	s.o.Tokens = slices.Clone(s.o.Tokens)
	for i := range s.o.Tokens {
		t := &s.o.Tokens[i]
		if t.Value == "" {
			t.Value = newTokenValue(t.Account)
		}
		made, err := t.token(s.o.Now())
		if err != nil {
			return fmt.Errorf("token %s: %w", t.Name, err)
		}
		t.ID = made.ID
		s.named[made.Digest] = made
	}
	return nil
}

// Tokens are those of the options, with what was made up.
func (s *Server) Tokens() []Token { return slices.Clone(s.o.Tokens) }

// S3Keys are the S3 credentials of the token with this value.
func (s *Server) S3Keys(value string) (accessKeyID, secretAccessKey string) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	id := allRights.ID
	if t, has := s.tokenOf(value); has {
		id = t.ID
	}
	return id, digest(value)
}

// AddToken makes a token, which is kept, and returns its value and id.
func (s *Server) AddToken(t Token) (value, id string, err error) {
	if t.Value == "" {
		t.Value = newTokenValue(t.Account)
	}
	made, err := t.token(s.o.Now())
	if err != nil {
		return "", "", fmt.Errorf("token %s: %w", t.Name, err)
	}
	err = s.change(func(x *txn) error {
		if _, has := s.tokenOf(t.Value); has {
			return fmt.Errorf("token %s: there is one with this value already", t.Name)
		}
		s.tokens.put(x, made)
		return nil
	})
	return t.Value, made.ID, err
}

// token turns the short form into policies.
func (t Token) token(now time.Time) (*apiToken, error) {
	a := &apiToken{row: row{ID: cmp.Or(t.ID, newID())}, Name: t.Name, Account: t.Account, Digest: digest(t.Value),
		Disabled: t.Status == "disabled", NotBefore: t.NotBefore, Expires: t.Expires, Modified: now, From: t.From, NotFrom: t.NotFrom}
	if t.Status == "expired" && a.Expires.IsZero() {
		a.Expires = now
	}
	p := policy{policyBody: policyBody{ID: newID(), Effect: "allow", Resources: map[string]any{}}}
	for _, name := range t.grants() {
		name = strings.TrimPrefix(name, "User ") // which is what the dashboard has before "API Tokens"
		if t.ReadOnly {
			name = strings.TrimSuffix(name, " Write") + " Read"
		}
		p.Groups = append(p.Groups, groupRef{ID: groupIDs[name], Name: name})
	}
	if len(p.Groups) == 0 {
		p.Every = "Write"
		if t.ReadOnly {
			p.Every = "Read"
		}
	}
	items, err := t.items()
	if err != nil {
		return nil, err
	}
	accounts := t.Accounts
	if t.Account != "" {
		accounts = []string{t.Account}
	} else {
		p.Resources[userResource+userID] = "*"
	}
	a.Policies = append(a.Policies, p.on(accountResource, accounts), p.inside(accounts, zoneResource, t.Zones), p.inside(accounts, itemResource, items))
	return a, nil
}

// grants are the groups; a token for buckets alone has the right to their objects.
func (t Token) grants() []string {
	if len(t.Groups) == 0 && len(t.Buckets) > 0 {
		return []string{groupR2Items + " Write"}
	}
	return t.Groups
}

func (t Token) items() ([]string, error) {
	var out []string
	for _, b := range t.Buckets {
		parts := strings.Split(b, "/")
		if len(parts) == 2 {
			parts = []string{parts[0], "default", parts[1]}
		}
		if len(parts) != 3 {
			return nil, fmt.Errorf("bucket %q is no account/name and no account/jurisdiction/name", b)
		}
		out = append(out, bucketResource(parts[0], parts[1], parts[2]))
	}
	return out, nil
}

// on is the policy for the resources so named; none: all.
func (p policy) on(prefix string, names []string) policy {
	resources := map[string]any{}
	for name, value := range p.Resources {
		resources[name] = value
	}
	if len(names) == 0 {
		names = []string{"*"}
	}
	for _, name := range names {
		resources[prefix+name] = "*"
	}
	p.ID, p.Resources = newID(), resources
	return p
}

// inside is on, where none are all those in the accounts.
func (p policy) inside(accounts []string, prefix string, names []string) policy {
	if len(names) > 0 || len(accounts) == 0 {
		return p.on(prefix, names)
	}
	p.ID, p.Resources = newID(), map[string]any{}
	for _, a := range accounts {
		p.Resources[accountResource+a] = map[string]any{prefix + "*": "*"}
	}
	return p
}

// tokenOf finds a token by its value.
func (s *Server) tokenOf(value string) (*apiToken, bool) { return s.tokenWith(digest(value)) }

func (s *Server) tokenWith(digest string) (*apiToken, bool) {
	if t, has := s.named[digest]; has {
		return t, true
	}
	return s.tokensByDigest.one(digest)
}

// spentToken is what a deleted token, or a value before a new one, could be known
// by: the digest of the value, or the token's id.
type spentToken struct{ row }

func (s *Server) spend(x *txn, ids ...string) {
	for _, id := range ids {
		s.spent.put(x, &spentToken{row{ID: id}})
	}
}

// open says whether whoever comes with this digest of an unknown value, or id of an
// unknown token, has all rights. What was taken back here is worth nothing.
func (s *Server) open(id string) bool {
	_, spent := s.spent.get(id)
	return len(s.o.Tokens) == 0 && !spent
}

// tokenCalled finds a token by its id, as S3 credentials name it.
func (s *Server) tokenCalled(id string) (*apiToken, bool) {
	for _, t := range s.named {
		if t.ID == id {
			return t, true
		}
	}
	return s.tokens.get(id)
}

const tokenLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// newTokenValue makes a value in the scannable form of 2026. guess: that the
// checksum is eight hex digits.
func newTokenValue(account string) string {
	prefix := "cfut_"
	if account != "" {
		prefix = "cfat_"
	}
	var b [40]byte
	rand.Read(b[:])
	for i := range b {
		b[i] = tokenLetters[int(b[i])%len(tokenLetters)]
	}
	var sum [4]byte
	crc := crc32.ChecksumIEEE(b[:])
	for i := range sum {
		sum[i] = byte(crc >> (24 - 8*i))
	}
	return prefix + string(b[:]) + hex.EncodeToString(sum[:])
}

// verifyToken answers GET user/tokens/verify. An account-owned token is not
// known there, and a key is no token.
func (s *Server) verifyToken(c *call) (*reply, error) {
	if c.Header.Get("Authorization") == "" {
		// guess: the status.
		return nil, refuse(http.StatusBadRequest, 1001, `Missing "Authorization" header`)
	}
	if (c.token.Account != "") != (c.account != nil) && c.token != allRights {
		return nil, errInvalidToken
	}
	out := map[string]any{"id": c.token.ID, "status": c.token.status(c.x.now)}
	setTime(out, "not_before", c.token.NotBefore)
	setTime(out, "expires_on", c.token.Expires)
	message := map[string]any{"code": 10000, "message": "This API Token is valid and active", "type": nil}
	return &reply{result: out, messages: []any{message}}, nil
}

func setTime(out map[string]any, name string, t time.Time) {
	if !t.IsZero() {
		out[name] = t.UTC().Format(time.RFC3339)
	}
}

// controlToken makes a token by hand: the body is a Token.
func controlToken(s *Server, r *http.Request, _ string) (any, error) {
	var t Token
	if err := readControl(r, &t); err != nil {
		return nil, err
	}
	value, id, err := s.AddToken(t)
	return map[string]string{"id": id, "value": value}, err
}

// ParseToken reads the form that a command line takes: settings with commas
// between them, lists with + between their elements, such as
// "name=ci,groups=D1 Write+DNS Write,accounts=…,read-only". The settings are name,
// value, id, account, accounts, zones, buckets, groups, read-only, status,
// not-before and expires (RFC 3339), from and not-from (networks).
func ParseToken(text string) (Token, error) {
	var t Token
	texts := map[string]*string{"name": &t.Name, "value": &t.Value, "id": &t.ID, "account": &t.Account, "status": &t.Status}
	lists := map[string]*[]string{"accounts": &t.Accounts, "zones": &t.Zones, "buckets": &t.Buckets, "groups": &t.Groups}
	networks := map[string]*[]netip.Prefix{"from": &t.From, "not-from": &t.NotFrom}
	times := map[string]*time.Time{"not-before": &t.NotBefore, "expires": &t.Expires}
	for setting := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(setting, "=")
		if name == "read-only" {
			t.ReadOnly = true
			continue
		}
		if value == "" {
			return t, fmt.Errorf("%q: want name=value", setting)
		}
		if to := texts[name]; to != nil {
			*to = value
		} else if to := lists[name]; to != nil {
			*to = strings.Split(value, "+")
		} else if to := networks[name]; to != nil {
			for part := range strings.SplitSeq(value, "+") {
				p, err := parseNetwork(part)
				if err != nil {
					return t, fmt.Errorf("%s: %w", name, err)
				}
				*to = append(*to, p)
			}
		} else if to := times[name]; to != nil {
			at, err := time.Parse(time.RFC3339, value)
			if err != nil {
				return t, fmt.Errorf("%s: %q is no time such as 2026-12-31T00:00:00Z", name, value)
			}
			*to = at
		} else {
			return t, fmt.Errorf("there is no setting %q: it takes name, value, id, account, accounts, zones, buckets, groups, read-only, status, not-before, expires, from, not-from", name)
		}
	}
	return t, nil
}

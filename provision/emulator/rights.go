package emulator

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// apiToken is an API token as it is kept: never its value, only the digest that
// finds it, which is the secret key of its S3 credentials too.
type apiToken struct {
	row
	Name      string
	Account   string // owned by this account; "": a user's
	Digest    string // lower-case hex SHA-256 of the value
	Disabled  bool
	NotBefore time.Time // zero: at once
	Expires   time.Time // zero: never
	Modified  time.Time
	From      []netip.Prefix // networks that may use it; none: all
	NotFrom   []netip.Prefix // those that may not
	Policies  []policy
}

// policy allows or denies groups of rights on resources.
type policy struct {
	policyBody
	// Every is "Write" or "Read": each group's right, which only tokens made by hand have.
	Every string
}

// policyBody is what the API takes and shows.
type policyBody struct {
	ID        string         `json:"id"`
	Effect    string         `json:"effect"` // allow or deny
	Resources map[string]any `json:"resources"`
	Groups    []groupRef     `json:"permission_groups"`
}

type groupRef struct {
	ID   string         `json:"id"`
	Name string         `json:"name,omitempty"`
	Meta map[string]any `json:"meta,omitempty"`
}

// How policies name resources.
const (
	accountResource = "com.cloudflare.api.account."
	zoneResource    = "com.cloudflare.api.account.zone."
	itemResource    = "com.cloudflare.edge.r2.bucket."
	userResource    = "com.cloudflare.api.user."
)

func bucketResource(account, jurisdiction, name string) string {
	return account + "_" + jurisdiction + "_" + name
}

// need is a right that a request needs, and on what.
type need struct {
	group    string // without Read or Write; "": any
	write    bool
	account  string
	zone     string // in the account; "*": all of them
	bucket   string // as bucketResource names it
	anywhere bool   // no matter on what
}

// everywhere are the resources of a token that was limited to none.
var everywhere = map[string]any{
	accountResource + "*": "*", zoneResource + "*": "*", itemResource + "*": "*", userResource + userID: "*",
}

// allRights stands for whoever comes when Options names no tokens.
var allRights = &apiToken{row: row{ID: "e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0"},
	Policies: []policy{{policyBody{Effect: "allow", Resources: everywhere}, "Write"}}}

// digest is what is kept of a token's value.
func digest(value string) string {
	sum := sha256.Sum256([]byte(value))
	return hex.EncodeToString(sum[:])
}

// may says whether some policy allows what is needed and none denies it.
func (t *apiToken) may(n need) bool {
	if t.Account != "" && n.account != "" && n.account != t.Account {
		return false
	}
	allowed := false
	for _, p := range t.Policies {
		if !p.names(n) || !n.anywhere && !p.covers(n) {
			continue
		}
		if p.Effect == "deny" {
			return false
		}
		allowed = true
	}
	return allowed
}

// names says whether the policy has the group. To be allowed to write is to be
// allowed to read; guess: to be denied the one is not to be denied the other.
func (p *policy) names(n need) bool {
	if n.group == anyToken || p.Every == "Write" || p.Every == "Read" && !n.write {
		return p.Effect != "deny"
	}
	for _, g := range p.Groups {
		verb, is := strings.CutPrefix(g.Name, n.group)
		switch {
		case !is:
		case n.write && verb == " Write", !n.write && verb == " Read":
			return true
		case !n.write && verb == " Write" && p.Effect != "deny":
			return true
		}
	}
	return false
}

// covers says whether the policy is about what the need is about. A resource may
// stand by itself or inside of its account.
func (p *policy) covers(n need) bool {
	for name, value := range p.Resources {
		inner, nested := value.(map[string]any)
		if !nested {
			if n.is(name) {
				return true
			}
			continue
		}
		if name != accountResource+n.account && name != accountResource+"*" {
			continue
		}
		for name := range inner {
			if n.is(name) {
				return true
			}
		}
	}
	return false
}

// is: guess: the resource of an account is not that of its zones and buckets,
// unless it says so.
func (n need) is(resource string) bool {
	switch {
	case n.zone != "":
		return resource == zoneResource+n.zone || resource == zoneResource+"*"
	case n.bucket != "":
		return resource == itemResource+n.bucket || resource == itemResource+"*"
	case n.account != "":
		return resource == accountResource+n.account || resource == accountResource+"*"
	}
	return strings.HasPrefix(resource, userResource)
}

// sees says whether the token reaches an account itself, not only zones in it.
func (t *apiToken) sees(account string) bool {
	if t.Account != "" {
		return t.Account == account
	}
	return t.may(need{account: account})
}

func (t *apiToken) seesZone(z *zone) bool { return t.may(need{account: z.Account, zone: z.ID}) }

// status is what verifying says.
func (t *apiToken) status(now time.Time) string {
	switch {
	case t.Disabled:
		return "disabled"
	case !t.Expires.IsZero() && !now.Before(t.Expires):
		return "expired"
	}
	return "active"
}

// live says whether the token can be used at all. guess: one whose time has not come
// is like one whose time is over.
func (t *apiToken) live(now time.Time) bool {
	return t.status(now) == "active" && !now.Before(t.NotBefore)
}

// from says whether the token may be used from an address.
func (t *apiToken) from(remote string) error {
	if len(t.From)+len(t.NotFrom) == 0 {
		return nil
	}
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		host = remote
	}
	at, err := netip.ParseAddr(host)
	in := func(p netip.Prefix) bool { return p.Contains(at.Unmap()) }
	if err == nil && (len(t.From) == 0 || slices.ContainsFunc(t.From, in)) && !slices.ContainsFunc(t.NotFrom, in) {
		return nil
	}
	// github.com/jeessy2/ddns-go/issues/1341. guess: verifying says it too.
	return refuse(http.StatusForbidden, 9109, "Cannot use the access token from location: %s", host)
}

// parseNetwork reads a CIDR or one address.
func parseNetwork(text string) (netip.Prefix, error) {
	if p, err := netip.ParsePrefix(text); err == nil {
		return p.Masked(), nil
	}
	a, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is no network such as 192.0.2.0/24", text)
	}
	return netip.PrefixFrom(a, a.BitLen()), nil
}

// zonePermissions is what a zone says that the caller may do there.
func (t *apiToken) zonePermissions(z *zone) []string {
	out := []string{}
	for _, p := range []struct{ group, name string }{{groupDNS, "#dns_records"}, {groupZone, "#zone"}, {groupRoutes, "#worker"}} {
		n := need{group: p.group, account: z.Account, zone: z.ID, write: true}
		if t.may(n) {
			out = append(out, p.name+":edit")
		}
		if n.write = false; t.may(n) {
			out = append(out, p.name+":read")
		}
	}
	return out
}

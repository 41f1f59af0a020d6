package kinds

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cfboot/cfboot/provision"
)

// explain turns a failed call into an error that says what to try. Only what is
// known of a code in this product is said; everything else keeps Cloudflare's
// own words.
func explain(key provision.Key, k Kind, err error) error {
	if err == nil {
		return nil
	}
	err = plain(err)
	var problem *provision.Problem
	var lost *provision.LostError
	var exists *provision.ExistsError
	var api *APIError
	if errors.As(err, &problem) || errors.As(err, &lost) || errors.As(err, &exists) || !errors.As(err, &api) {
		return err
	}
	p := &provision.Problem{Err: err, Class: provision.Failed}
	for _, known := range advice {
		if known.kind == key.Kind && codeIs(err, known.codes...) {
			p.Class, p.Hints = known.class, []string{known.hint}
			return p
		}
	}
	switch {
	case key.Kind == "r2" && statusIs(err, 409):
		p.Hints = append(p.Hints, "empty the bucket first, of objects and of unfinished uploads")
	case api.parsed && (codeIs(err, 10000, 9109, 9106) && api.Status < 500 || statusIs(err, 401, 403)):
		permission := k.Permission
		switch {
		case strings.HasSuffix(api.Path, "/zones"):
			permission = zoneRead
		case strings.Contains(api.Path, "/workers/scripts/"):
			permission = registry["worker"].Permission
		}
		if fromElsewhere(err) {
			return addressProblem(err)
		}
		p.Class, p.Err = provision.Refused, &denial{permission, err}
		p.Hints = append(p.Hints, fmt.Sprintf("the token may lack the permission %q, or belong to another account; edit it under My Profile > API Tokens", permission))
	}
	return p
}

// advice is what is known of codes, each within its own product.
var advice = []struct {
	kind  string
	codes []int
	class provision.Class
	hint  string
}{
	// guess: 2011, for a database that cannot be reached.
	{"hyperdrive", []int{2009, 2011}, provision.Failed, "the database has to be reachable from the internet, at that host and port, and to let that user in; the password may be another one"},
	{"dns", []int{81045}, provision.Refused, "the zone's limit of DNS records is reached: delete some, or upgrade its plan"},
	{"dns", []int{9300}, provision.Refused, `the zone's plan allows fewer record tags (the Free plan none): leave out "tags"`},
	{"dns", []int{81053, 81054}, provision.Refused, "a CNAME record stands beside no address record of its name: delete the one that is there first"},
	{"domain", []int{100116}, provision.Refused, "detach the host from the other Worker first: Workers & Pages > the Worker > Settings > Domains & Routes"},
	{"domain", []int{100117}, provision.Refused, "delete the host's A, AAAA or CNAME records first: a custom domain brings its own"},
	{"queue", []int{10023}, provision.Refused, "Queues is not enabled for this account: enable it once in the dashboard under Queues"},
	{"queue", []int{11005}, provision.Failed, "a Worker outside this project still sends to it: take the binding out of that Worker first"},
	{"queue", []int{11017}, provision.Failed, "a bucket still sends event notifications to it: delete those first"},
	{"r2", []int{10042}, provision.Refused, "R2 is not enabled for this account: enable it once in the dashboard under R2 Object Storage"},
	{"turnstile", []int{10215}, provision.Failed, "the Worker's newest version is not deployed, and a secret is put only on one that is: wrangler versions deploy, or npm run deploy"},
	{"worker", []int{10064}, provision.Failed, "a queue outside this project is still read by it: remove that consumer first"},
	{"worker", []int{10142}, provision.Failed, "other Workers still call it by a service binding: take that out of them first"},
	{"worker", []int{10034}, provision.Refused, "verify the account's email address in the dashboard first"},
}

// summed words everything that could not be read as one error: the first of
// each kind of resource, with the number of those like it, and every permission
// that is wanting.
func summed(want []provision.Wanted, errs []error) error {
	type group struct {
		key   provision.Key
		err   error
		count int
	}
	var groups []*group
	var wants wanting
	for i, err := range errs {
		if err == nil || wants.add(want[i].Key, err) {
			continue
		}
		at := slices.IndexFunc(groups, func(g *group) bool { return g.key.Kind == want[i].Key.Kind })
		if at < 0 {
			at, groups = len(groups), append(groups, &group{key: want[i].Key, err: err})
		}
		groups[at].count++
	}
	all := wants.lines()
	if len(groups)+len(all) == 0 {
		return nil
	}
	sum := &provision.Problem{Class: provision.Failed, Hints: wants.hints()}
	if len(all) > 0 {
		sum.Class = provision.Refused
	}
	for _, g := range groups {
		place := g.key.String()
		if g.count > 1 {
			place += fmt.Sprintf(" and %s of this kind", plural(g.count-1, "other"))
		}
		all = append(all, fmt.Errorf("%s: %w", place, g.err))
		var p *provision.Problem
		if !errors.As(g.err, &p) {
			continue
		}
		if sum.Class == provision.Failed {
			sum.Class = p.Class
		}
		for _, hint := range p.Hints {
			if !slices.Contains(sum.Hints, hint) {
				sum.Hints = append(sum.Hints, hint)
			}
		}
	}
	sum.Err = errors.Join(all...)
	return sum
}

package cli

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cfboot/cfboot/cmd/view"
	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/kinds"
)

// nearExpiry is how long before its end a token is warned of.
const nearExpiry = 14 * 24 * time.Hour

// checkCloudflare makes the checks that take the network, as far as one does not
// need what another found missing. Its error is that of the end of the run.
func (d *doctor) checkCloudflare() (err error) {
	client, closer := d.connectDoctor()
	if client == nil {
		return nil
	}
	defer func() { err = errors.Join(err, closer()) }()
	var account error
	if client.Account == "" {
		account = client.FindAccount(d.ctx) // before the token: one that is an account's is verified there
	}
	standing, err := client.Standing(d.ctx)
	if err != nil {
		d.deny("token", err)
		return d.ctx.Err()
	}
	d.tellToken(standing)
	if account != nil {
		d.deny("account", account)
		return d.ctx.Err()
	}
	d.doc.Account = client.Account
	var resources []provision.Resource
	if d.project != nil {
		resources = d.project.desired.Resources
	}
	var want []provision.Wanted
	for _, r := range resources {
		want = append(want, provision.Wanted{Key: r.Key, Name: r.Name, Settings: r.Settings, Local: r.Local})
	}
	seen, errs := client.Look(d.ctx, want)
	d.checkAccount(client, slices.Contains(errs, nil))
	d.checkPermissions(client, standing, resources)
	d.checkZones(client, resources)
	d.tellProducts(resources, seen, errs)
	d.checkR2(client, resources)
	d.checkDatabases(client, resources, seen, errs)
	if err := client.Tagging(d.ctx); err != nil {
		d.warn("tags", "marks cannot be set: "+err.Error(), "what is made is known by the state and by name alone: keep .cfboot safe")
	} else {
		d.ok("tags", "resources can be marked as ours")
	}
	return d.ctx.Err()
}

// connectDoctor makes the client, or says why there is none. A rehearsal is kept
// nowhere.
func (d *doctor) connectDoctor() (*kinds.Client, func() error) {
	project, domain, p := "", "", pinned{flag: d.target.account, state: d.state.Account}
	if d.project != nil {
		project, domain, p.manifest = d.project.desired.Project, d.project.desired.Domain, d.project.desired.Account
	}
	c := d.connection(project, d.target.env())
	closer := func() error { return nil }
	if d.offline {
		o, err := d.rehearse("", domain)
		if err != nil {
			d.fail("emulator", err)
			return nil, nil
		}
		c.BaseURL, c.Token, c.Account, closer = o.url, offlineToken, offlineAccount, o.close
	} else {
		if err := d.credentials(&c); err != nil {
			d.deny("token", err)
			return nil, nil
		}
		account, err := d.chooseAccount(p)
		if err != nil {
			d.deny("account", err)
			return nil, nil
		}
		c.Account = account
		if c.BaseURL, err = d.baseURL(); err != nil {
			d.deny("environment", err)
			return nil, nil
		}
	}
	client, err := kinds.Connect(c)
	if err != nil {
		d.deny("environment", err)
		return nil, nil
	}
	return client, closer
}

func (d *doctor) tellToken(s kinds.Standing) {
	const day = "2006-01-02"
	left := s.Expires.Sub(d.Now())
	switch {
	case d.globalKey && !d.offline:
		d.warn("token", "the Global API Key is used, which may do everything in every account", "make a token that may do just what is needed, and set "+tokenVariable)
	case s.Expires.IsZero():
		d.ok("token", "it is valid and does not expire")
	case left < nearExpiry:
		d.warn("token", fmt.Sprintf("it expires on %s, in %d days", s.Expires.UTC().Format(day), int(left.Hours()/24)), "roll it in time, where it was made")
	default:
		d.ok("token", "it is valid until %s", s.Expires.UTC().Format(day))
	}
}

// checkAccount asks for the account itself. That takes a permission which only a
// new project needs, so where products of it can be read it only warns.
func (d *doctor) checkAccount(client *kinds.Client, reached bool) {
	err := client.CheckAccount(d.ctx)
	if p := d.state.Account; p != "" && p != client.Account && !d.offline {
		err = refused(fmt.Sprintf("the state's resources live in the account %s, and the token reaches %s", p, client.Account),
			"use the token and account that the project belongs to")
		reached = false
	}
	switch {
	case err == nil:
		d.ok("account", "%s is reached", client.Account)
	case reached:
		d.warn("account", "its products are reached, but not the account itself, which cfboot new needs", `give the token "Account Settings Read"`)
	default:
		d.deny("account", err)
	}
}

// checkPermissions compares what an apply needs with what the token has, where
// the token may look at itself.
func (d *doctor) checkPermissions(client *kinds.Client, s kinds.Standing, resources []provision.Resource) {
	if len(resources) == 0 {
		return
	}
	has, known := client.Groups(d.ctx, s)
	if !known {
		d.skip("permissions", "what the token may write cannot be asked with it; it shows when it is written")
		return
	}
	needs := kinds.Permissions(resources)
	var lacks []string
	for _, p := range slices.Sorted(maps.Keys(needs)) {
		if write := strings.TrimSuffix(p, " Read") + " Write"; !slices.Contains(has, p) && !slices.Contains(has, write) {
			lacks = append(lacks, fmt.Sprintf("%q (%s)", p, needs[p][0]))
		}
	}
	if lacks != nil {
		d.deny("permissions", refused("an apply would be refused: the token lacks "+strings.Join(lacks, ", "), "add them to the token, where it was made"))
		return
	}
	d.ok("permissions", "the token has all that an apply needs")
}

func (d *doctor) checkZones(client *kinds.Client, resources []provision.Resource) {
	told := map[string]bool{}
	for _, r := range resources {
		host := kinds.Host(r)
		if host == "" {
			continue
		}
		zone, trouble, err := client.Zone(d.ctx, host)
		if err != nil {
			zone = host
		}
		if told[zone] {
			continue
		}
		told[zone] = true
		switch {
		case err != nil:
			d.fail("zone", err)
		case trouble != "":
			d.fail("zone", errors.New(trouble))
		default:
			d.ok("zone", "%s is active", zone)
		}
	}
}

// tellProducts says of each kind in the manifest whether it can be read.
func (d *doctor) tellProducts(resources []provision.Resource, seen []provision.Observed, errs []error) {
	var order []string
	bad, count := map[string]error{}, map[string]int{}
	for i, r := range resources {
		k := r.Key.Kind
		if count[k]++; count[k] == 1 {
			order = append(order, k)
		}
		switch {
		case bad[k] != nil:
		case errs[i] != nil:
			bad[k] = errs[i]
		case seen[i].Blocked != "" && kinds.Host(r) == "":
			bad[k] = errors.New(seen[i].Blocked)
		}
	}
	slices.Sort(order)
	for _, k := range order {
		if bad[k] != nil {
			d.fail(k, bad[k])
			continue
		}
		d.ok(k, "it can be read (%s)", view.Count(count[k], "resource"))
	}
}

// checkR2 looks whether R2, the one product that an account comes without, could
// be used by a project that does not yet.
func (d *doctor) checkR2(client *kinds.Client, resources []provision.Resource) {
	if slices.ContainsFunc(resources, func(r provision.Resource) bool { return r.Key.Kind == "r2" }) {
		return // told with the others
	}
	if err := client.Buckets(d.ctx); err != nil {
		d.warn("r2", "no bucket could be made: "+err.Error(), view.Hints(err)...)
		return
	}
	d.ok("r2", "it is enabled")
}

// checkDatabases counts, because the Free plan allows few; which plan an account
// is on cannot be asked.
func (d *doctor) checkDatabases(client *kinds.Client, resources []provision.Resource, seen []provision.Observed, errs []error) {
	planned := 0
	for i, r := range resources {
		if r.Key.Kind == "d1" && errs[i] == nil && !seen[i].Exists {
			planned++
		}
	}
	if planned == 0 {
		return
	}
	if has, ok := client.Databases(d.ctx); ok && has+planned > kinds.FreeDatabases {
		d.warn("d1", fmt.Sprintf("the account has %s, and %d more are planned: the Free plan allows %d, and which plan it is cannot be asked", view.Count(has, "database"), planned, kinds.FreeDatabases),
			"on the Free plan: delete one that is no longer used, or upgrade")
	}
}

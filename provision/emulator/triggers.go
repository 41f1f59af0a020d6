package emulator

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
)

// schedule is a cron trigger.
type schedule struct {
	Cron       string `json:"cron"`
	CreatedOn  string `json:"created_on"`
	ModifiedOn string `json:"modified_on"`
}

func (s *Server) registerTriggers(base string) {
	s.on("GET", base+"/schedules", groupScripts, s.getSchedules)
	s.on("PUT", base+"/schedules", groupScripts, s.putSchedules)
	s.on("GET", base+"/subdomain", groupScripts, s.getScriptSubdomain)
	s.on("POST", base+"/subdomain", groupScripts, s.setScriptSubdomain)
	s.on("DELETE", base+"/subdomain", groupScripts, s.deleteScriptSubdomain)
	s.on("PUT", base+"/routes", groupScripts, s.putScriptRoutes)
	s.on("POST", base+"/domains/changeset", groupScripts, s.domainChangeset)
	s.on("PUT", base+"/domains/records", groupScripts, s.putDomainRecords)
	s.on("GET", "accounts/{account}/workers/subdomain", groupScripts, s.getSubdomain)
	s.on("PUT", "accounts/{account}/workers/subdomain", groupScripts, s.putSubdomain)
	s.on("DELETE", "accounts/{account}/workers/subdomain", groupScripts, s.deleteSubdomain)
	s.on("GET", "accounts/{account}/workers/subdomains/{name}", groupScripts, s.checkSubdomain)
}

func showSchedules(w *script) (*reply, error) {
	list := w.Schedules
	if list == nil {
		list = []schedule{}
	}
	return ok(map[string]any{"schedules": list})
}

func (s *Server) getSchedules(c *call) (*reply, error) {
	w, err := s.theScript(c)
	if err != nil {
		return nil, err
	}
	return showSchedules(w)
}

// putSchedules replaces all schedules by those of a bare array.
func (s *Server) putSchedules(c *call) (*reply, error) {
	w, err := s.theScript(c)
	if err != nil {
		return nil, err
	}
	var in []schedule
	if err := c.decode(&in, errBadWorkersBody); err != nil {
		return nil, err
	}
	total := len(in)
	for _, e := range s.scriptsByName.within(c.account.ID) {
		if e.row.ID != w.ID {
			total += len(e.row.Schedules)
		}
	}
	if most := c.account.limits().schedules; total > most {
		// guess: the code.
		return nil, refuse(http.StatusBadRequest, 10072, "You have exceeded the limit of %d cron triggers for this account.", most)
	}
	next := *w
	next.Schedules = nil
	for _, one := range in {
		if len(strings.Fields(one.Cron)) != 5 {
			// guess: the code.
			return nil, refuse(http.StatusBadRequest, 10100, "invalid cron string: %s", one.Cron)
		}
		made := micros(c.x.now)
		if i := slices.IndexFunc(w.Schedules, func(o schedule) bool { return o.Cron == one.Cron }); i >= 0 {
			made = w.Schedules[i].CreatedOn
		}
		next.Schedules = append(next.Schedules, schedule{one.Cron, made, micros(c.x.now)})
	}
	s.scripts.put(c.x, &next)
	return showSchedules(&next)
}

func showScriptSubdomain(w *script) (*reply, error) {
	return ok(map[string]bool{"enabled": w.Enabled, "previews_enabled": w.Previews})
}

func (s *Server) getScriptSubdomain(c *call) (*reply, error) {
	w, err := s.theScript(c)
	if err != nil {
		return nil, err
	}
	return showScriptSubdomain(w)
}

func (s *Server) setScriptSubdomain(c *call) (*reply, error) {
	w, err := s.theScript(c)
	if err != nil {
		return nil, err
	}
	var in struct {
		Enabled  *bool `json:"enabled"`
		Previews *bool `json:"previews_enabled"`
	}
	if err := c.decode(&in, errBadWorkersBody); err != nil {
		return nil, err
	}
	if in.Enabled == nil {
		return nil, errBadWorkersBody
	}
	next := *w
	next.Enabled = *in.Enabled
	next.Previews = *in.Enabled // previews follow unless they are set
	if in.Previews != nil {
		next.Previews = *in.Previews
	}
	s.scripts.put(c.x, &next)
	return showScriptSubdomain(&next)
}

func (s *Server) deleteScriptSubdomain(c *call) (*reply, error) {
	w, err := s.theScript(c)
	if err != nil {
		return nil, err
	}
	next := *w
	next.Enabled, next.Previews = false, false
	s.scripts.put(c.x, &next)
	return showScriptSubdomain(&next)
}

var errNoSubdomain = refuse(http.StatusNotFound, 10007, "You do not have a workers.dev subdomain.")

func (s *Server) getSubdomain(c *call) (*reply, error) {
	if c.account.Subdomain == "" {
		return nil, errNoSubdomain
	}
	return ok(map[string]string{"subdomain": c.account.Subdomain})
}

func (s *Server) subdomainTaken(name, except string) bool {
	return slices.ContainsFunc(s.accountsByAge.within("all"), func(e entry[*account]) bool {
		return e.row.Subdomain == name && e.row.ID != except
	})
}

func (s *Server) putSubdomain(c *call) (*reply, error) {
	var in struct {
		Subdomain string `json:"subdomain"`
	}
	if err := c.decode(&in, errBadWorkersBody); err != nil {
		return nil, err
	}
	if !validName(in.Subdomain, false) || strings.Contains(in.Subdomain, ".") {
		return nil, errBadWorkersBody
	}
	if s.subdomainTaken(in.Subdomain, c.account.ID) {
		return nil, refuse(http.StatusConflict, 10036, "workers.api.error.subdomain_taken")
	}
	next := *c.account
	next.Subdomain = in.Subdomain
	s.accounts.put(c.x, &next)
	return ok(map[string]string{"subdomain": in.Subdomain})
}

func (s *Server) deleteSubdomain(c *call) (*reply, error) {
	if c.account.Subdomain == "" {
		return nil, errNoSubdomain
	}
	next := *c.account
	next.Subdomain = ""
	s.accounts.put(c.x, &next)
	return ok(map[string]any{})
}

// checkSubdomain always refuses: 10032 means the name is free, 10031 taken.
func (s *Server) checkSubdomain(c *call) (*reply, error) {
	if s.subdomainTaken(c.params["name"], "") {
		return nil, refuse(http.StatusConflict, 10031, "workers.api.error.subdomain_taken")
	}
	return nil, refuse(http.StatusNotFound, 10032, "workers.api.error.subdomain_unavailable")
}

// putScriptRoutes replaces all routes of a script, in all zones; they get new
// ids. It needs the right to all zones' routes.
func (s *Server) putScriptRoutes(c *call) (*reply, error) {
	w, err := s.theScript(c)
	if err != nil {
		return nil, err
	}
	if !c.token.may(need{group: groupRoutes, write: true, account: c.account.ID, zone: "*"}) {
		return nil, errForbidden
	}
	var in []struct {
		Pattern  string `json:"pattern"`
		ZoneID   string `json:"zone_id"`
		ZoneName string `json:"zone_name"`
	}
	if err := c.decode(&in, errBadWorkersBody); err != nil {
		return nil, err
	}
	s.dropRoutesOf(c, w)
	list := []any{}
	for _, one := range in {
		host, _, _ := strings.Cut(one.Pattern, "/")
		z, err := s.domainZone(c, domainBody{Hostname: strings.TrimLeft(host, "*."), ZoneID: one.ZoneID, ZoneName: one.ZoneName})
		if err != nil {
			return nil, errBadPattern(one.Pattern)
		}
		r := &workerRoute{row: row{ID: newID()}}
		if err := s.setRoute(c, z, r, routeBody{one.Pattern, w.Name}); err != nil {
			return nil, err
		}
		s.routes.put(c.x, r)
		list = append(list, map[string]string{"id": r.ID, "pattern": r.Pattern, "script": r.Script, "zone_id": z.ID, "zone_name": z.Name})
	}
	return ok(list)
}

// domainChangeset says what putting these domains would change.
func (s *Server) domainChangeset(c *call) (*reply, error) {
	w, err := s.theScript(c)
	if err != nil {
		return nil, err
	}
	var in []domainBody
	if err := c.decode(&in, errBadWorkersBody); err != nil {
		return nil, err
	}
	added, removed, updated, conflicting := []any{}, []any{}, []any{}, []any{}
	var wanted []string
	for _, one := range in {
		z, err := s.domainZone(c, one)
		if err != nil {
			return nil, err
		}
		wanted = append(wanted, one.Hostname)
		if d, has := s.domainsByName.one(c.account.ID, one.Hostname); has {
			updated = append(updated, changed(s.showDomain(d), d.Service != w.Name))
			continue
		}
		item := map[string]any{"hostname": one.Hostname, "zone_id": z.ID, "zone_name": z.Name, "service": w.Name, "environment": "production"}
		if s.hasAddress(z, one.Hostname) {
			conflicting = append(conflicting, item)
			continue
		}
		added = append(added, item)
	}
	if c.query.Get("replace_state") == "true" {
		for _, e := range s.domainsByScript.all(w.Account, w.Name) {
			if !slices.Contains(wanted, e.row.Hostname) {
				removed = append(removed, s.showDomain(e.row))
			}
		}
	}
	return ok(map[string]any{"added": added, "removed": removed, "updated": updated, "conflicting": conflicting})
}

// changed is a domain of the changeset with whether it would be modified.
func changed(view any, modified bool) any {
	return struct {
		domainView
		Modified bool `json:"modified"`
	}{view.(domainView), modified}
}

func (s *Server) hasAddress(z *zone, hostname string) bool {
	return slices.ContainsFunc(s.recordsByName.all(z.ID, hostname), func(e entry[*dnsRecord]) bool { return proxiable(e.row.Type) })
}

// putDomainRecords attaches a set of domains to a script and, with
// override_scope, detaches its others. What is taken must be allowed.
func (s *Server) putDomainRecords(c *call) (*reply, error) {
	w, err := s.theScript(c)
	if err != nil {
		return nil, err
	}
	var in struct {
		Scope   bool         `json:"override_scope"`
		Origin  bool         `json:"override_existing_origin"`
		Record  bool         `json:"override_existing_dns_record"`
		Origins []domainBody `json:"origins"`
	}
	if err := c.decode(&in, errBadWorkersBody); err != nil {
		return nil, err
	}
	list, kept := []any{}, map[string]bool{}
	for _, one := range in.Origins {
		if d, has := s.domainsByName.one(c.account.ID, one.Hostname); has && d.Service != w.Name && !in.Origin {
			return nil, refuse(http.StatusConflict, 100116, "Hostname '%s' is already in use by the Worker %s.", d.Hostname, d.Service)
		}
		one.Environment = cmp.Or(one.Environment, "production")
		d, err := s.attach(c, w, one, attachRules{records: in.Record})
		if err != nil {
			return nil, err
		}
		kept[d.ID] = true
		list = append(list, s.showDomain(d))
	}
	if in.Scope {
		for _, e := range slices.Clone(s.domainsByScript.all(w.Account, w.Name)) {
			if !kept[e.row.ID] {
				s.dropDomain(c, e.row)
			}
		}
	}
	return ok(list)
}

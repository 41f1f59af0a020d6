package emulator

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
)

// workerDomain is a hostname that is served by a Worker. It owns a read-only
// DNS record.
type workerDomain struct {
	row
	Account, Hostname, Service, Environment, Zone, Certificate string
	Previews                                                   bool
}

func (s *Server) registerDomains() {
	const base = "accounts/{account}/workers/domains"
	s.on("PUT", base, groupScripts, s.putDomain)
	s.on("GET", base, groupScripts, s.listDomains)
	s.on("GET", base+"/{domain}", groupScripts, s.getDomain)
	s.on("DELETE", base+"/{domain}", groupScripts, s.deleteDomain)
}

type domainView struct {
	ID          string `json:"id"`
	Hostname    string `json:"hostname"`
	Service     string `json:"service"`
	Environment string `json:"environment"`
	ZoneID      string `json:"zone_id"`
	ZoneName    string `json:"zone_name"`
	Certificate string `json:"cert_id"`
	Enabled     bool   `json:"enabled"`
	Previews    bool   `json:"previews_enabled"`
}

func (s *Server) showDomain(d *workerDomain) any {
	z, _ := s.zones.get(d.Zone)
	return domainView{d.ID, d.Hostname, d.Service, d.Environment, z.ID, z.Name, d.Certificate, true, d.Previews}
}

type domainBody struct {
	Hostname    string `json:"hostname"`
	Service     string `json:"service"`
	Environment string `json:"environment"`
	ZoneID      string `json:"zone_id"`
	ZoneName    string `json:"zone_name"`
	Previews    bool   `json:"previews_enabled"`
}

func (s *Server) putDomain(c *call) (*reply, error) {
	var in domainBody
	if err := c.decode(&in, errBadWorkersBody); err != nil {
		return nil, err
	}
	w, err := s.scriptNamed(c, in.Service)
	if err != nil {
		return nil, err
	}
	d, err := s.attach(c, w, in, attachRules{})
	if err != nil {
		return nil, err
	}
	return ok(s.showDomain(d))
}

// attachRules say what attaching a domain may take over.
type attachRules struct{ records bool }

// attach makes the domain or points it at the script: an upsert by hostname.
func (s *Server) attach(c *call, w *script, in domainBody, may attachRules) (*workerDomain, error) {
	in.Hostname = strings.ToLower(in.Hostname)
	z, err := s.domainZone(c, in)
	if err != nil {
		return nil, err
	}
	for _, other := range s.accountsByAge.within("all") {
		if _, foreign := s.domainsByName.one(other.row.ID, in.Hostname); foreign && other.row.ID != c.account.ID {
			return nil, refuse(http.StatusConflict, 100116, "Hostname '%s' is already in use by another Worker.", in.Hostname)
		}
	}
	next := workerDomain{row: row{ID: newID()}, Certificate: newUUID()}
	old, had := s.domainsByName.one(c.account.ID, in.Hostname)
	if had {
		next = *old
	} else if err := s.clearRecords(c, z, in.Hostname, may); err != nil {
		return nil, err
	}
	next.Account, next.Hostname, next.Service, next.Zone = c.account.ID, in.Hostname, w.Name, z.ID
	next.Environment, next.Previews = cmp.Or(in.Environment, "production"), in.Previews
	s.domains.put(c.x, &next)
	if had {
		s.dropDomainRecords(c, &next)
	}
	// The record is the IPv6 discard prefix: there is no origin behind it.
	s.records.put(c.x, &dnsRecord{row: row{ID: newID()}, Zone: z.ID, Name: in.Hostname, Type: "AAAA", Content: "100::",
		TTL: 1, Proxied: true, Modified: c.x.now, Domain: next.ID, Script: w.ID})
	return &next, nil
}

// domainZone finds the zone the body names, or the hostname's own.
func (s *Server) domainZone(c *call, in domainBody) (*zone, error) {
	z, has := s.zones.get(in.ZoneID)
	if in.ZoneID == "" && in.ZoneName != "" {
		z, has = s.zonesByName.one(in.ZoneName)
	} else if in.ZoneID == "" {
		z, has = s.zoneOf(c.account.ID, in.Hostname)
	}
	if !has || z.Account != c.account.ID {
		// guess: code and status.
		return nil, refuse(http.StatusBadRequest, 100115, "The zone of the custom domain '%s' was not found.", in.Hostname)
	}
	if !within(in.Hostname, z.Name) || !validName(in.Hostname, false) {
		// guess: code and status.
		return nil, refuse(http.StatusBadRequest, 100118, "The hostname '%s' is not valid for the zone %s.", in.Hostname, z.Name)
	}
	return z, nil
}

// clearRecords refuses a hostname that has address records, or removes them.
func (s *Server) clearRecords(c *call, z *zone, hostname string, may attachRules) error {
	for _, e := range slices.Clone(s.recordsByName.all(z.ID, hostname)) {
		if !proxiable(e.row.Type) {
			continue
		}
		if !may.records {
			// guess: the code; that it is refused is known.
			return refuse(http.StatusConflict, 100117,
				"Hostname '%s' already has externally managed DNS records (A, CNAME, etc).", hostname)
		}
		s.records.remove(c.x, e.row.ID)
	}
	return nil
}

func (s *Server) dropDomainRecords(c *call, d *workerDomain) {
	for _, e := range slices.Clone(s.recordsByDomain.all(d.ID)) {
		s.records.remove(c.x, e.row.ID)
	}
}

func (s *Server) dropDomain(c *call, d *workerDomain) {
	s.dropDomainRecords(c, d)
	s.domains.remove(c.x, d.ID)
}

// listDomains gives all at once, by the filters.
func (s *Server) listDomains(c *call) (*reply, error) {
	q := c.query
	wanted := func(param, have string) bool { return q.Get(param) == "" || q.Get(param) == have }
	list := []any{}
	for _, e := range visible(s, c, s.domainsByName.within(c.account.ID)) {
		d := e.row
		z, _ := s.zones.get(d.Zone)
		if wanted("hostname", d.Hostname) && wanted("service", d.Service) && wanted("environment", d.Environment) &&
			wanted("zone_id", z.ID) && wanted("zone_name", z.Name) {
			list = append(list, s.showDomain(d))
		}
	}
	return ok(list)
}

func (s *Server) theDomain(c *call) (*workerDomain, error) {
	d, has := find(s, c, s.domains, c.params["domain"])
	if !has || d.Account != c.account.ID {
		return nil, refuse(http.StatusNotFound, 100114, "The custom domain was not found.")
	}
	return d, nil
}

func (s *Server) getDomain(c *call) (*reply, error) {
	d, err := s.theDomain(c)
	if err != nil {
		return nil, err
	}
	return ok(s.showDomain(d))
}

func (s *Server) deleteDomain(c *call) (*reply, error) {
	d, err := s.theDomain(c)
	if err != nil {
		return nil, err
	}
	s.dropDomain(c, d)
	return ok(map[string]any{})
}

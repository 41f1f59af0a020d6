package emulator

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// zone is a zone as it is kept.
type zone struct {
	row
	Name, Account, Status, Plan, Type string
}

func (s *Server) registerZones() {
	s.on("GET", "zones", groupZone, s.listZones)
	s.on("GET", "zones/{zone}", groupZone, s.getZone)
}

// AddZone makes an active zone in the account ("": the first), unless the
// account has one of that name already.
func (s *Server) AddZone(name, account string) error {
	return s.change(func(x *txn) error { return s.seedZone(x, Zone{Name: name, Account: account}) })
}

func (s *Server) seedZone(x *txn, z Zone) error {
	z.Name = strings.ToLower(z.Name)
	if z.Account == "" {
		z.Account = s.firstAccount()
	}
	if _, has := s.accounts.get(z.Account); !has {
		return fmt.Errorf("zone %s: there is no account %s: name it in Options.Accounts", z.Name, z.Account)
	}
	if old, has := s.zonesByName.one(z.Name); has {
		if old.Account != z.Account {
			return fmt.Errorf("zone %s is in account %s already", z.Name, old.Account)
		}
		return nil
	}
	s.zones.put(x, &zone{
		row:     row{ID: cmp.Or(z.ID, newID()), Seq: s.store.nextSeq(), Made: time.Unix(0, 0)},
		Name:    z.Name,
		Account: z.Account,
		Status:  cmp.Or(z.Status, "active"),
		Plan:    cmp.Or(z.Plan, "enterprise"),
		Type:    z.Type,
	})
	return nil
}

// free says whether the zone has the limits of the free plan.
func (z *zone) free() bool { return z.Plan == "free" }

// zoneOf finds the zone a hostname belongs to, by the longest suffix.
func (s *Server) zoneOf(account, hostname string) (*zone, bool) {
	for name := strings.TrimPrefix(hostname, "*."); name != ""; {
		if z, has := s.zonesByName.one(name); has && z.Account == account {
			return z, true
		}
		_, rest, more := strings.Cut(name, ".")
		if !more {
			break
		}
		name = rest
	}
	return nil, false
}

func (s *Server) listZones(c *call) (*reply, error) {
	q := c.query
	account := cmp.Or(q.Get("account.id"), q.Get("account"))
	name, status := strings.ToLower(q.Get("name")), q.Get("status")
	var found []entry[*zone]
	candidates := s.zonesByName.entries
	if name != "" {
		candidates = s.zonesByName.all(name)
	}
	for _, e := range candidates {
		z := e.row
		if c.token.seesZone(z) && (account == "" || account == z.Account) && (status == "" || status == z.Status) {
			found = append(found, e)
		}
	}
	if q.Get("order") == "" {
		slices.SortFunc(found, func(a, b entry[*zone]) int { return cmp.Compare(a.row.Seq, b.row.Seq) })
	}
	return paged(s, c, found, pageSize{20, 50}, func(z *zone) any { return s.showZone(c.token, z) })
}

func (s *Server) getZone(c *call) (*reply, error) { return ok(s.showZone(c.token, c.zone)) }

type zoneView struct {
	ID           string         `json:"id"`
	Name         string         `json:"name"`
	Status       string         `json:"status"`
	Paused       bool           `json:"paused"`
	Type         string         `json:"type"`
	NameServers  []string       `json:"name_servers"`
	OriginalNS   []string       `json:"original_name_servers"`
	OriginalHost *string        `json:"original_dnshost"`
	Registrar    *string        `json:"original_registrar"`
	Development  int            `json:"development_mode"`
	Account      Account        `json:"account"`
	Owner        map[string]any `json:"owner"`
	Plan         map[string]any `json:"plan"`
	Permissions  []string       `json:"permissions"`
	Meta         map[string]any `json:"meta"`
	CreatedOn    string         `json:"created_on"`
	ModifiedOn   string         `json:"modified_on"`
	ActivatedOn  *string        `json:"activated_on"`
}

func (s *Server) showZone(t *apiToken, z *zone) any {
	a, _ := s.accounts.get(z.Account)
	v := zoneView{
		ID: z.ID, Name: z.Name, Status: z.Status, Type: cmp.Or(z.Type, "full"),
		NameServers: []string{"ada.ns.cloudflare.com", "bob.ns.cloudflare.com"},
		OriginalNS:  []string{},
		Account:     Account{ID: a.ID, Name: a.Name},
		Owner:       map[string]any{"id": nil, "type": "user", "email": nil},
		Plan: map[string]any{"id": planIDs[z.Plan], "name": planNames[z.Plan], "legacy_id": z.Plan,
			"currency": "USD", "price": 0, "frequency": "", "is_subscribed": true, "can_subscribe": false,
			"legacy_discount": false, "externally_managed": false},
		Permissions: t.zonePermissions(z),
		Meta:        map[string]any{"step": 2, "custom_certificate_quota": 0, "page_rule_quota": 3, "phishing_detected": false},
		CreatedOn:   micros(z.Made), ModifiedOn: micros(z.Made),
	}
	if z.Status == "active" {
		at := micros(z.Made)
		v.ActivatedOn = &at
	}
	return v
}

var planIDs = map[string]string{
	"free": "0feeeeeeeeeeeeeeeeeeeeeeeeeeeeee", "pro": "1feeeeeeeeeeeeeeeeeeeeeeeeeeeeee",
	"business": "2feeeeeeeeeeeeeeeeeeeeeeeeeeeeee", "enterprise": "94f3b7b768b0458b56d2cac4fe5ec0f9",
}

var planNames = map[string]string{
	"free": "Free Website", "pro": "Pro Website", "business": "Business Website", "enterprise": "Enterprise Website",
}

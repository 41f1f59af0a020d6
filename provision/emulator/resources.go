package emulator

import (
	"cmp"
	"slices"
)

// Resource is something that exists, as a test wants to see it.
type Resource struct {
	Kind    string            `json:"kind"` // as in Count
	ID      string            `json:"id"`   // what the API calls it by
	Name    string            `json:"name"` // the natural key
	Account string            `json:"account,omitempty"`
	Zone    string            `json:"zone,omitempty"`
	Comment string            `json:"comment,omitempty"` // of a DNS record
	Tags    map[string]string `json:"tags,omitempty"`    // resource tags
}

// Resources lists all that Count counts, by kind, name and id; what lag hides
// is there too.
func (s *Server) Resources() []Resource {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := []Resource{}
	add := func(r Resource, tagType, tagTarget string) {
		if t, has := s.tagSets.get(tagID(tagType, tagTarget)); has && tagType != "" {
			r.Tags = t.Tags
		}
		out = append(out, r)
	}
	for _, r := range s.databases.rows {
		add(Resource{Kind: "d1", ID: r.ID, Name: r.Name, Account: r.Account}, "d1_database", r.ID)
	}
	for _, r := range s.namespaces.rows {
		add(Resource{Kind: "kv", ID: r.ID, Name: r.Title, Account: r.Account}, "kv_namespace", r.ID)
	}
	for _, r := range s.buckets.rows {
		add(Resource{Kind: "r2", ID: r.Name, Name: r.Name, Account: r.Account}, "r2_bucket", r.Name)
	}
	for _, r := range s.queues.rows {
		add(Resource{Kind: "queue", ID: r.ID, Name: r.Name, Account: r.Account}, "queue", r.ID)
	}
	for _, r := range s.consumers.rows {
		q, _ := s.queues.get(r.Queue)
		add(Resource{Kind: "consumer", ID: r.ID, Name: q.Name + "/" + cmp.Or(r.Script, r.Type), Account: r.Account}, "", "")
	}
	for _, r := range s.records.rows {
		if r.Domain == "" {
			add(Resource{Kind: "dns", ID: r.ID, Name: r.Type + " " + r.Name, Zone: r.Zone, Comment: r.Comment}, "dns_record", r.ID)
		}
	}
	for _, r := range s.routes.rows {
		add(Resource{Kind: "route", ID: r.ID, Name: r.Pattern, Zone: r.Zone}, "worker_route", r.ID)
	}
	for _, r := range s.domains.rows {
		add(Resource{Kind: "domain", ID: r.ID, Name: r.Hostname, Account: r.Account, Zone: r.Zone}, "", "")
	}
	for _, r := range s.scripts.rows {
		add(Resource{Kind: "worker", ID: r.Name, Name: r.Name, Account: r.Account}, "worker", r.ID)
	}
	for _, list := range s.lists {
		out = append(out, list()...)
	}
	slices.SortFunc(out, func(a, b Resource) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return out
}

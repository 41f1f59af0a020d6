package emulator

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// tagSet is the resource tags of one resource. Its id is type and resource id.
type tagSet struct {
	row
	Account, Zone, Type, Resource string
	Tags                          map[string]string
	Modified                      time.Time
}

// Limits of resource tags, in characters and tags per account.
const (
	maxTagKey   = 256
	maxTagValue = 1024
	maxTags     = 10000
	tagsOnPage  = 100
)

var tagKey = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_.-]+$`) })

func (s *Server) registerTags() {
	for _, base := range []string{"accounts/{account}/tags", "zones/{zone}/tags"} {
		s.on("GET", base, anyToken, s.getTags)
		s.on("PUT", base, anyToken, s.putTags)
		s.on("DELETE", base, anyToken, s.deleteTags)
	}
	s.on("GET", "accounts/{account}/tags/resources", anyToken, s.taggedResources)
	s.on("GET", "accounts/{account}/tags/keys", anyToken, s.tagKeys)
	s.on("GET", "accounts/{account}/tags/values/{key}", anyToken, s.tagValues)
	s.on("GET", "accounts/{account}/tags/summary", anyToken, s.tagSummary)
}

// taggable finds the name of a resource that exists in the path's account or
// zone, and says whether its type can be tagged at all.
func (s *Server) taggable(c *call, kind, id string) (name string, exists, known bool) {
	if c.zone != nil {
		return s.taggableInZone(c, kind, id)
	}
	account := c.account.ID
	switch kind {
	case "account":
		return c.account.Name, id == account, true
	case "d1_database":
		r, has := find(s, c, s.databases, id)
		return nameIf(has && r.Account == account, func() string { return r.Name })
	case "kv_namespace":
		r, has := find(s, c, s.namespaces, id)
		return nameIf(has && r.Account == account, func() string { return r.Title })
	case "r2_bucket":
		// guess: the id is the name, in whatever jurisdiction.
		for _, within := range []string{"default", "eu", "us", "fedramp"} {
			if r, has := s.bucketsByName.one(account, within, id); has && s.seen(c, r.head()) {
				return r.Name, true, true
			}
		}
		return "", false, true
	case "queue":
		r, has := find(s, c, s.queues, id)
		return nameIf(has && r.Account == account, func() string { return r.Name })
	case "worker":
		// guess: the id is the script's tag.
		r, has := find(s, c, s.scripts, id)
		return nameIf(has && r.Account == account, func() string { return r.Name })
	case "durable_object_namespace":
		r, has := find(s, c, s.doNamespaces, id)
		return nameIf(has && r.Account == account, func() string { return r.Name })
	}
	if named, has := s.taggables[kind]; has {
		name, exists := named(c, id)
		return name, exists, true
	}
	return "", false, slices.Contains(untracked, kind)
}

// untracked are types that Cloudflare can tag but the emulator has none of.
var untracked = []string{"access_application", "access_group", "account_ruleset", "ai_gateway", "alerting_policy",
	"alerting_webhook", "cloudflared_tunnel", "gateway_list", "gateway_rule", "image", "infrastructure_target",
	"load_balancer_monitor", "load_balancer_pool", "pages_project", "resource_share", "stream_live_input",
	"stream_video", "worker_version"}

func (s *Server) taggableInZone(c *call, kind, id string) (name string, exists, known bool) {
	switch kind {
	case "zone":
		return c.zone.Name, id == c.zone.ID, true
	case "dns_record":
		r, has := find(s, c, s.records, id)
		return nameIf(has && r.Zone == c.zone.ID, func() string { return r.Name })
	case "worker_route":
		r, has := find(s, c, s.routes, id)
		return nameIf(has && r.Zone == c.zone.ID, func() string { return r.Pattern })
	}
	return "", false, slices.Contains([]string{"access_application_policy", "api_gateway_operation", "custom_certificate",
		"custom_hostname", "healthcheck", "load_balancer", "managed_client_certificate", "zone_ruleset"}, kind)
}

func nameIf(has bool, name func() string) (string, bool, bool) {
	if !has {
		return "", false, true
	}
	return name(), true, true
}

// checkTarget refuses a target that is not there.
func (s *Server) checkTarget(c *call, kind, id string) (name string, err error) {
	if kind == "" || id == "" {
		return "", refuse(http.StatusBadRequest, 1003, "missing required parameters: resource_type, resource_id")
	}
	name, exists, known := s.taggable(c, kind, id)
	if !known {
		return "", refuse(http.StatusBadRequest, 1006, "invalid resource type: %s", kind)
	}
	if !exists {
		// guess: the code; the status is 404 or, as a beta limitation, 500.
		return "", refuse(http.StatusNotFound, 1001, "resource not found: type=%s id=%s", kind, id)
	}
	return name, nil
}

func tagID(kind, id string) string { return kind + "/" + id }

// etag is what If-Match is compared with.
func (t *tagSet) etag() string {
	sum := sha256.Sum256(quoteJSON(t.Tags))
	return `"` + hex.EncodeToString(sum[:8]) + `"`
}

func showTags(t *tagSet, name string) map[string]any {
	out := map[string]any{"type": t.Type, "id": t.Resource, "name": name, "tags": t.Tags, "etag": t.etag()}
	if t.Zone != "" {
		out["zone_id"] = t.Zone
	}
	if !t.Modified.IsZero() {
		out["tags_updated_at"] = micros(t.Modified)
	}
	return out
}

// tagsOf gives a resource's tags, an empty set if it never had any.
func (s *Server) tagsOf(c *call, kind, id string) *tagSet {
	if t, has := s.tagSets.get(tagID(kind, id)); has {
		return t
	}
	t := &tagSet{row: row{ID: tagID(kind, id)}, Type: kind, Resource: id, Tags: map[string]string{}}
	if c.zone != nil {
		t.Zone, t.Account = c.zone.ID, c.zone.Account
	} else {
		t.Account = c.account.ID
	}
	return t
}

func (s *Server) getTags(c *call) (*reply, error) {
	kind, id := c.query.Get("resource_type"), c.query.Get("resource_id")
	name, err := s.checkTarget(c, kind, id)
	if err != nil {
		return nil, err
	}
	return ok(showTags(s.tagsOf(c, kind, id), name))
}

type tagBody struct {
	Type string            `json:"resource_type"`
	ID   string            `json:"resource_id"`
	Tags map[string]string `json:"tags"`
}

func (s *Server) readTags(c *call) (tagBody, string, *tagSet, error) {
	var in tagBody
	if err := json.Unmarshal(c.body, &in); err != nil {
		return in, "", nil, refuse(http.StatusBadRequest, 1002, "invalid request body")
	}
	name, err := s.checkTarget(c, in.Type, in.ID)
	if err != nil {
		return in, "", nil, err
	}
	old := s.tagsOf(c, in.Type, in.ID)
	if match := c.Header.Get("If-Match"); match != "" && match != old.etag() {
		// guess: the code.
		return in, "", nil, refuse(http.StatusPreconditionFailed, 1016, "the tags have changed")
	}
	return in, name, old, nil
}

// putTags replaces a resource's whole set.
func (s *Server) putTags(c *call) (*reply, error) {
	in, name, old, err := s.readTags(c)
	if err != nil {
		return nil, err
	}
	total := len(in.Tags)
	for _, e := range s.tagsByAccount.within(old.Account) {
		if e.row.ID != old.ID {
			total += len(e.row.Tags)
		}
	}
	// guess: which of 1009 to 1015 is which.
	if total > maxTags {
		return nil, refuse(http.StatusBadRequest, 1015, "too many tags in the account")
	}
	for k, v := range in.Tags {
		if len(k) > maxTagKey || !tagKey().MatchString(k) {
			return nil, refuse(http.StatusBadRequest, 1009, "invalid tag key: %s", k)
		}
		if len([]rune(v)) > maxTagValue {
			return nil, refuse(http.StatusBadRequest, 1010, "tag value too long: %s", k)
		}
	}
	next := *old
	next.Tags, next.Modified = in.Tags, c.x.now
	if next.Tags == nil {
		next.Tags = map[string]string{}
	}
	s.tagSets.put(c.x, &next)
	return ok(showTags(&next, name))
}

func (s *Server) deleteTags(c *call) (*reply, error) {
	_, _, old, err := s.readTags(c)
	if err != nil {
		return nil, err
	}
	s.tagSets.remove(c.x, old.ID)
	return ok(map[string]any{})
}

// removeTags drops the tags of a deleted resource.
func (s *Server) removeTags(x *txn, kind, id string) { s.tagSets.remove(x, tagID(kind, id)) }

// nameOf finds a tagged resource's name whatever account or zone asks.
func (s *Server) nameOf(c *call, t *tagSet) (string, bool) {
	asked := *c
	asked.zone = nil
	if t.Zone != "" {
		asked.zone, _ = s.zones.get(t.Zone)
	}
	name, exists, _ := s.taggable(&asked, t.Type, t.Resource)
	return name, exists
}

// taggedResources finds resources by type, id, name and tags. A tag filter is
// key, key=value or !key; several are all to match. guess: the exact syntax.
func (s *Server) taggedResources(c *call) (*reply, error) {
	q := c.query
	after, _ := base64.RawURLEncoding.DecodeString(q.Get("cursor"))
	var all []*tagSet
	for _, e := range s.tagsByAccount.within(c.account.ID) {
		all = append(all, e.row)
	}
	slices.SortFunc(all, func(a, b *tagSet) int { return cmp.Compare(a.ID, b.ID) })
	list, cursor := []any{}, ""
	for _, t := range all {
		name, exists := s.nameOf(c, t)
		wanted := exists && t.ID > string(after) && len(t.Tags) > 0 &&
			(len(q["type"]) == 0 || slices.Contains(q["type"], t.Type)) &&
			(len(q["id"]) == 0 || slices.Contains(q["id"], t.Resource)) &&
			(q.Get("name") == "" || q.Get("name") == name)
		for _, filter := range q["tag"] {
			wanted = wanted && t.has(filter)
		}
		if !wanted {
			continue
		}
		if len(list) == tagsOnPage {
			cursor = base64.RawURLEncoding.EncodeToString([]byte(list[tagsOnPage-1].(map[string]any)["type"].(string) +
				"/" + list[tagsOnPage-1].(map[string]any)["id"].(string)))
			break
		}
		list = append(list, showTags(t, name))
	}
	return &reply{result: list, info: map[string]any{"count": len(list), "cursor": cursor}}, nil
}

func (t *tagSet) has(filter string) bool {
	if key, isNot := strings.CutPrefix(filter, "!"); isNot {
		return !t.has(key)
	}
	key, value, withValue := strings.Cut(filter, "=")
	have, has := t.Tags[key]
	return has && (!withValue || have == value)
}

// valuesByKey gathers all tags of the account.
func (s *Server) valuesByKey(c *call) map[string][]string {
	out := map[string][]string{}
	for _, e := range s.tagsByAccount.within(c.account.ID) {
		for k, v := range e.row.Tags {
			if !slices.Contains(out[k], v) {
				out[k] = append(out[k], v)
			}
		}
	}
	for _, values := range out {
		slices.Sort(values)
	}
	return out
}

func (s *Server) tagKeys(c *call) (*reply, error) {
	return ok(orEmpty(slices.Sorted(maps.Keys(s.valuesByKey(c)))))
}

func (s *Server) tagValues(c *call) (*reply, error) {
	return ok(orEmpty(s.valuesByKey(c)[c.params["key"]]))
}

func (s *Server) tagSummary(c *call) (*reply, error) {
	values := s.valuesByKey(c)
	list := []any{}
	for _, k := range slices.Sorted(maps.Keys(values)) {
		list = append(list, map[string]any{"key": k, "values": values[k]})
	}
	return ok(list)
}

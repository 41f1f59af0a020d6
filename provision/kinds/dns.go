package kinds

import (
	"context"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/cfboot/cfboot/provision"
	"github.com/cloudflare/cloudflare-go/v4/dns"
)

type dnsSettings struct {
	Type     string         `json:"type"`
	Name     string         `json:"name,omitempty"`
	Content  string         `json:"content,omitempty"`
	Data     map[string]any `json:"data,omitempty"`
	TTL      int            `json:"ttl,omitempty"`
	Proxied  bool           `json:"proxied"`
	Priority *int           `json:"priority,omitempty"`
	Comment  string         `json:"comment"`
	Tags     []string       `json:"tags,omitempty"`
}

var _ = register(kind[dnsSettings]{
	name:       "dns",
	permission: "DNS Write",
	page:       "?to=/:account/:zone/dns/records",
	schema: `{
	"description": "A DNS record. Several records of one name are several resources.",
	"required": ["type", "name"],
	"properties": {
		"type": {"enum": ["A", "AAAA", "CAA", "CERT", "CNAME", "DNSKEY", "DS", "HTTPS", "LOC", "MX", "NAPTR", "NS", "OPENPGPKEY", "PTR", "SMIMEA", "SRV", "SSHFP", "SVCB", "TLSA", "TXT", "URI"]},
		"name": {"type": "string", "minLength": 1, "description": "The host: @ for the domain itself, www for one in it, *, or the whole name with a dot at its end.", "examples": ["@", "www", "*"]},
		"content": {"type": "string", "minLength": 1, "description": "What the record says. For a host that only a Worker answers: AAAA 100:: with proxied.", "examples": ["100::"]},
		"data": {"type": "object", "description": "What a record of several parts says, instead of content: SRV, CAA, HTTPS and such.", "examples": [{"priority": 1, "weight": 1, "port": 443, "target": "example.com"}]},
		"ttl": {"type": "integer", "anyOf": [{"const": 1}, {"minimum": 30, "maximum": 86400}], "default": 1, "description": "Seconds; 1 leaves it to Cloudflare and is a must when proxied."},
		"proxied": {"type": "boolean", "default": false, "description": "Whether traffic goes through Cloudflare. Routes need it."},
		"priority": {"type": "integer", "minimum": 0, "maximum": 65535, "description": "Of an MX or URI record; lower goes first."},
		"comment": {"type": "string", "description": "A note. Left out, cfboot marks the record as its own."},
		"tags": {"type": "array", "items": {"type": "string"}, "description": "Record tags, as name:value. The Free plan has none."}
	}
}`,
	replace:  []string{provision.NameSetting, "type"},
	zoned:    true,
	defaults: map[string]any{"priority": 0, "tags": []any{}},
	settles:  []int{},
	calls:    func(provision.Action, []provision.Change) int { return 1 },
	resolve:  resolveRecord,
	read:     readRecord,
	create: func(ctx context.Context, c *Client, s step[dnsSettings]) (made[dnsSettings], error) {
		var e envelope[dnsRecord]
		_, err := dns.NewRecordService(c.options...).New(ctx, inZone[dns.RecordNewParams](s.Zone), body(wireRecord(s)), into(&e))
		if codeIs(err, 81057, 81058) {
			return made[dnsSettings]{}, exists(err)
		}
		return madeAs[dnsSettings](e.Result.ID, s.Zone, err)
	},
	update: func(ctx context.Context, c *Client, s step[dnsSettings]) error {
		var e envelope[any]
		_, err := dns.NewRecordService(c.options...).Edit(ctx, s.ID, inZone[dns.RecordEditParams](s.Zone), body(wireRecord(s)), into(&e))
		return err
	},
	delete: func(ctx context.Context, c *Client, s step[dnsSettings]) error {
		var e envelope[any]
		_, err := dns.NewRecordService(c.options...).Delete(ctx, s.ID, inZone[dns.RecordDeleteParams](s.Zone), into(&e))
		return unlessGone(err, 81044)
	},
})

type dnsRecord struct {
	ID       string         `json:"id,omitempty"`
	Type     string         `json:"type,omitempty"`
	Name     string         `json:"name,omitempty"`
	Content  string         `json:"content,omitempty"`
	Data     map[string]any `json:"data,omitempty"`
	TTL      int            `json:"ttl"`
	Proxied  *bool          `json:"proxied,omitempty"`
	Priority *int           `json:"priority,omitempty"`
	Comment  string         `json:"comment"`
	Tags     []string       `json:"tags,omitzero"` // empty takes them away, nil leaves them
	Created  time.Time      `json:"created_on,omitzero"`
}

func wireRecord(s step[dnsSettings]) dnsRecord {
	r := dnsRecord{Type: s.S.Type, Name: s.Name, Content: s.S.Content, Data: s.S.Data, TTL: s.S.TTL, Priority: s.S.Priority, Comment: s.S.Comment, Tags: s.S.Tags}
	if s.S.Type == "A" || s.S.Type == "AAAA" || s.S.Type == "CNAME" {
		r.Proxied = &s.S.Proxied // other types cannot be proxied
	}
	if s.S.Tags == nil && s.changes("tags") {
		r.Tags = []string{}
	}
	if s.S.Priority == nil && s.changes("priority") {
		r.Priority = new(int)
	}
	if r.Data != nil {
		r.Content = ""
	}
	return r
}

// byData are the types whose parts go into data.
var byData = map[string]bool{"CAA": true, "CERT": true, "DNSKEY": true, "DS": true, "HTTPS": true, "LOC": true, "NAPTR": true,
	"SMIMEA": true, "SRV": true, "SSHFP": true, "SVCB": true, "TLSA": true, "URI": true}

func resolveRecord(in provision.Spec, s *dnsSettings, r *resolution) error {
	host, err := hostname(in, s.Name, "/name", false)
	if err != nil {
		return err
	}
	r.name, s.Name = host, ""
	fault := func(path, text string, hints ...string) error {
		return &provision.SettingError{Path: path, Text: text, Hints: hints}
	}
	switch {
	case strings.HasPrefix(host, "*") && !strings.HasPrefix(host, "*."):
		return fault("/name", fmt.Sprintf("%q: a wildcard is a label of its own", host), asciiHint)
	case byData[s.Type] && s.Data == nil:
		return fault("/type", fmt.Sprintf("a %s record is given by \"data\"", s.Type), `for example "data": {"priority": 1, "weight": 1, "port": 443, "target": "example.com"} for SRV`)
	case !byData[s.Type] && s.Data != nil:
		return fault("/data", fmt.Sprintf("a %s record is given by \"content\"", s.Type))
	case !byData[s.Type] && s.Content == "":
		return fault("/type", fmt.Sprintf("a %s record needs \"content\"", s.Type))
	case s.Type == "MX" && s.Priority == nil:
		return fault("/type", `an MX record needs "priority"`, `"priority": 10`)
	case s.Proxied && s.Type != "A" && s.Type != "AAAA" && s.Type != "CNAME":
		return fault("/proxied", fmt.Sprintf("a %s record cannot be proxied", s.Type))
	case s.Proxied && s.TTL > 1:
		return fault("/ttl", "a proxied record's TTL is Cloudflare's own", "leave ttl out")
	}
	if s.TTL == 0 {
		s.TTL = 1
	}
	switch {
	case pointsAtHost(s.Type) && (s.Content == "@" || strings.HasSuffix(s.Content, ".@")):
		if s.Content, err = hostname(in, s.Content, "/content", true); err != nil {
			return err
		}
	case s.Type == "A" || s.Type == "AAAA":
		ip, err := netip.ParseAddr(s.Content)
		if err != nil || ip.Is4() != (s.Type == "A") || ip.Zone() != "" {
			return fault("/content", fmt.Sprintf("%q is no %s address", s.Content, map[string]string{"A": "IPv4", "AAAA": "IPv6"}[s.Type]))
		}
	}
	s.Content = canonicalContent(s.Type, s.Content)
	switch {
	case s.Content == "" && !byData[s.Type]:
		return fault("/content", fmt.Sprintf("a %s record needs a content", s.Type))
	case pointsAtHost(s.Type) && s.Content != "." && !validHost(s.Content):
		return fault("/content", fmt.Sprintf("%q is no host name", s.Content), asciiHint)
	case s.Type == "CNAME" && s.Content == host:
		return fault("/content", fmt.Sprintf("%q cannot be an alias of itself", host))
	}
	canonicalData(s.Data)
	slices.Sort(s.Tags)
	s.Tags = slices.Compact(s.Tags)
	r.identity = strings.Join([]string{s.Type, host, s.Content, fmt.Sprint(s.Data)}, " ")
	if s.Comment == "" {
		s.Comment = (&Client{project: in.Project, environment: in.Environment}).mark(in.Key)
	}
	return nil
}

// pointsAtHost tells the types whose content is the name of a host.
func pointsAtHost(kind string) bool {
	return kind == "CNAME" || kind == "MX" || kind == "NS" || kind == "PTR"
}

// canonicalData folds what DNS does not distinguish in the parts of a record.
func canonicalData(data map[string]any) {
	if target, ok := data["target"].(string); ok && target != "." && !strings.Contains(target, "/") {
		data["target"] = strings.ToLower(strings.TrimSuffix(target, "."))
	}
}

// unquoted is what a text of quoted parts says, with or without parts.
func unquoted(text string) (string, bool) {
	var parts strings.Builder
	for rest := strings.TrimSpace(text); rest != ""; rest = strings.TrimSpace(rest) {
		part, after, closed := strings.Cut(strings.TrimPrefix(rest, `"`), `"`)
		if rest[0] != '"' || !closed || strings.Contains(part, `\`) || after != "" && after[0] != ' ' {
			return text, false
		}
		parts.WriteString(part)
		rest = after
	}
	return parts.String(), true
}

// canonicalContent folds what DNS does not distinguish.
func canonicalContent(kind, content string) string {
	switch kind {
	case "A", "AAAA":
		if ip, err := netip.ParseAddr(content); err == nil {
			return ip.String()
		}
	case "CNAME", "MX", "NS", "PTR":
		if name := strings.TrimRight(content, "."); name != "" { // a lone dot in an MX record says: no mail
			return strings.ToLower(name)
		}
	case "TXT":
		// Cloudflare gives a text back with or without the quotes it came with,
		// and a long one in parts.
		if text, ok := unquoted(content); ok && strings.TrimSpace(text) == text && text != "" {
			return text
		}
	}
	return content
}

// readRecord reads one of ours by its id. One that is to be made is looked for
// among the records of its name: the same one is a conflict, another one is not.
func readRecord(ctx context.Context, c *Client, w wanted[dnsSettings]) (o provision.Observed, err error) {
	zone, blocked, err := c.place(ctx, w.Zone, w.Name, ownRecords)
	if err != nil || blocked != "" {
		return provision.Observed{Blocked: blocked}, err
	}
	o.Zone = zone
	if w.ID != "" {
		var e envelope[dnsRecord]
		_, err := dns.NewRecordService(c.options...).Get(ctx, w.ID, inZone[dns.RecordGetParams](zone), into(&e))
		if err = whole(err, e.Result.ID); err != nil {
			return o, unlessGone(err, 81044)
		}
		return e.Result.observed(c, w, zone), nil
	}
	records, err := c.records(ctx, zone, w.Name)
	if err != nil {
		return o, err
	}
	for _, r := range records {
		if r.Name == w.Name && r.Type == w.S.Type && r.same(w.S) {
			return r.observed(c, w, zone), nil
		}
	}
	for _, r := range records {
		if r.Name == w.Name && (r.Type == "CNAME" || w.S.Type == "CNAME") && addresses(r.Type) && addresses(w.S.Type) {
			o.Blocked = fmt.Sprintf("%q has a %s record already (%q), which a %s record cannot stand beside", w.Name, r.Type, r.Content, w.S.Type)
		}
	}
	return o, nil
}

// records lists what a host has.
func (c *Client) records(ctx context.Context, zone, host string) ([]dnsRecord, error) {
	return remember(c, "dns "+zone+" "+host, func() ([]dnsRecord, error) {
		e, err := get[[]dnsRecord](ctx, c, "zones/"+zone+"/dns_records", url.Values{"name.exact": {host}, "per_page": {"1000"}})
		return e.Result, err
	})
}

func addresses(kind string) bool { return kind == "A" || kind == "AAAA" || kind == "CNAME" }

// same reports whether a record says what is wanted: name, type and content
// together are unique in a zone.
func (r dnsRecord) same(s dnsSettings) bool {
	if s.Data != nil {
		canonicalData(r.Data)
		return covers(r.Data, s.Data)
	}
	return canonicalContent(r.Type, r.Content) == s.Content
}

// covers reports whether have says all that want does; Cloudflare adds parts.
func covers(have, want map[string]any) bool {
	for k, v := range want {
		if fmt.Sprint(have[k]) != fmt.Sprint(v) {
			return false
		}
	}
	return true
}

func (r dnsRecord) observed(c *Client, w wanted[dnsSettings], zone string) provision.Observed {
	settings := dnsSettings{Type: r.Type, Content: canonicalContent(r.Type, r.Content), TTL: r.TTL, Proxied: r.Proxied != nil && *r.Proxied,
		Priority: r.Priority, Comment: r.Comment, Tags: r.Tags}
	slices.Sort(settings.Tags)
	if w.S.Data != nil {
		canonicalData(r.Data)
		settings.Content, settings.Data = "", r.Data
		if covers(r.Data, w.S.Data) {
			settings.Data = w.S.Data
		}
	}
	o := provision.Observed{Exists: true, ID: r.ID, Name: r.Name, Zone: zone, Created: r.Created, Settings: provision.Settings(canonical(settings)),
		Ours: r.Comment == c.mark(w.Key), Mark: othersMark(c.mark(w.Key), r.Comment)}
	if o.Settings["tags"] == nil {
		o.Settings["tags"] = []any{}
	}
	return o
}

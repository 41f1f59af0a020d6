package emulator

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// listRecords lists with all of the API's filters.
func (s *Server) listRecords(c *call) (*reply, error) {
	q := c.query
	all := s.recordsByAge.within(c.zone.ID)
	if name := cmp.Or(q.Get("name.exact"), q.Get("name")); name != "" && q.Get("match") != "any" {
		all = s.recordsByName.all(c.zone.ID, strings.ToLower(name))
	}
	conditions := recordFilters(q)
	search := strings.ToLower(q.Get("search"))
	if len(conditions) > 0 || search != "" {
		some := q.Get("match") == "any"
		var found []entry[*dnsRecord]
		for _, e := range all {
			if matches(e.row, conditions, some) && mentions(e.row, search) {
				found = append(found, e)
			}
		}
		all = found
	}
	if order := recordOrder(q.Get("order")); order != nil {
		all = slices.Clone(all)
		slices.SortStableFunc(all, func(a, b entry[*dnsRecord]) int { return order(a.row, b.row) })
	}
	return paged(s, c, all, pageSize{100, 5000000}, showRecord)
}

// A recordFilter is one condition of the query.
type recordFilter func(*dnsRecord) bool

// recordFilters reads the conditions: type, proxied, and for the texts name,
// content and comment the bare form (exact) and the dotted operators.
func recordFilters(q url.Values) []recordFilter {
	var out []recordFilter
	add := func(param string, f func(want string) recordFilter) {
		if q.Has(param) && q.Get(param) != "" {
			out = append(out, f(q.Get(param)))
		}
	}
	add("type", func(want string) recordFilter {
		return func(r *dnsRecord) bool { return r.Type == strings.ToUpper(want) }
	})
	add("proxied", func(want string) recordFilter {
		return func(r *dnsRecord) bool { return strconv.FormatBool(r.Proxied) == want }
	})
	for field, get := range map[string]func(*dnsRecord) string{
		"name":    func(r *dnsRecord) string { return r.Name },
		"content": func(r *dnsRecord) string { return r.Content },
		"comment": func(r *dnsRecord) string { return r.Comment },
	} {
		for operator, test := range textTests {
			add(field+operator, func(want string) recordFilter {
				want = strings.ToLower(want)
				return func(r *dnsRecord) bool { return test(strings.ToLower(get(r)), want) }
			})
		}
	}
	if q.Has("comment.present") {
		out = append(out, func(r *dnsRecord) bool { return r.Comment != "" })
	}
	if q.Has("comment.absent") {
		out = append(out, func(r *dnsRecord) bool { return r.Comment == "" })
	}
	return append(out, tagFilters(q)...)
}

// textTests are the operators on a text, the bare one being the same as exact.
var textTests = map[string]func(have, want string) bool{
	"":            func(have, want string) bool { return have == want },
	".exact":      func(have, want string) bool { return have == want },
	".contains":   strings.Contains,
	".startswith": strings.HasPrefix,
	".endswith":   strings.HasSuffix,
}

// tagFilters read tag=name:value and tag.present, tag.absent by name.
func tagFilters(q url.Values) []recordFilter {
	var out []recordFilter
	has := func(name string) recordFilter {
		return func(r *dnsRecord) bool {
			return slices.ContainsFunc(r.Tags, func(t string) bool { return t == name || strings.HasPrefix(t, name+":") })
		}
	}
	for _, param := range []string{"tag", "tag.exact"} {
		if want := q.Get(param); want != "" {
			out = append(out, func(r *dnsRecord) bool { return slices.Contains(r.Tags, want) })
		}
	}
	if want := q.Get("tag.present"); want != "" {
		out = append(out, has(want))
	}
	if want := q.Get("tag.absent"); want != "" {
		out = append(out, func(r *dnsRecord) bool { return !has(want)(r) })
	}
	return out
}

func matches(r *dnsRecord, conditions []recordFilter, some bool) bool {
	if len(conditions) == 0 {
		return true
	}
	for _, f := range conditions {
		if f(r) == some {
			return some
		}
	}
	return !some
}

// mentions says whether any of the record's texts has the searched one.
func mentions(r *dnsRecord, search string) bool {
	if search == "" {
		return true
	}
	texts := append([]string{r.Name, r.Content, r.Comment, r.Type}, r.Tags...)
	return slices.ContainsFunc(texts, func(t string) bool { return strings.Contains(strings.ToLower(t), search) })
}

func recordOrder(by string) func(a, b *dnsRecord) int {
	switch by {
	case "type":
		return func(a, b *dnsRecord) int { return cmp.Compare(a.Type, b.Type) }
	case "name":
		return func(a, b *dnsRecord) int { return cmp.Compare(a.Name, b.Name) }
	case "content":
		return func(a, b *dnsRecord) int { return cmp.Compare(a.Content, b.Content) }
	case "ttl":
		return func(a, b *dnsRecord) int { return cmp.Compare(a.TTL, b.TTL) }
	case "proxied":
		return func(a, b *dnsRecord) int {
			return cmp.Compare(strconv.FormatBool(a.Proxied), strconv.FormatBool(b.Proxied))
		}
	}
	return nil
}

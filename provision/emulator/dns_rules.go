package emulator

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/idna"
)

// invalid is DNS's one validation error, with the reason in its chain.
// guess: the reasons' codes and texts but for 9300, which is sourced.
func invalid(code int, format string, args ...any) *refusal {
	return refuse(http.StatusBadRequest, 1004, "DNS Validation Error").because(code, format, args...)
}

// plainTypes have a content the caller writes; dataTypes one derived from data.
var plainTypes = []string{"A", "AAAA", "CNAME", "MX", "NS", "OPENPGPKEY", "PTR", "TXT"}

func proxiable(kind string) bool { return kind == "A" || kind == "AAAA" || kind == "CNAME" }

// set checks a body and makes the record what it says.
func (r *dnsRecord) set(z *zone, in recordBody) error {
	kind := strings.ToUpper(in.Type)
	name, err := recordName(in.Name, z.Name)
	if err != nil {
		return err
	}
	r.Name, r.Type, r.Priority = name, kind, nil
	encode, hasData := dataTypes[kind]
	switch {
	case hasData:
		if err := r.setData(in, encode); err != nil {
			return err
		}
	case slices.Contains(plainTypes, kind):
		if err := r.setContent(in); err != nil {
			return err
		}
	default:
		return invalid(9004, "Invalid or missing record type.")
	}
	return r.setRest(z, in)
}

// setRest checks and takes what all types have.
func (r *dnsRecord) setRest(z *zone, in recordBody) error {
	lowest := 60
	if z.Plan == "enterprise" {
		lowest = 30
	}
	switch {
	case in.Proxied && !proxiable(r.Type):
		return invalid(9004, "This record type cannot be proxied.")
	case in.TTL != 1 && (in.TTL < lowest || in.TTL > 86400):
		return invalid(9021, "TTL must be between %d and 86400 seconds, or 1 for Automatic.", lowest)
	case z.free() && len(in.Tags) > 0:
		return invalid(9300, "DNS record has %d tags, exceeding the quota of 0.", len(in.Tags))
	}
	r.TTL, r.Proxied, r.Comment = in.TTL, in.Proxied, in.Comment
	if r.Proxied {
		r.TTL = 1
	}
	r.Tags = slices.Clone(in.Tags)
	r.Settings = nil
	if len(in.Settings) > 0 && string(in.Settings) != "null" {
		r.Settings = in.Settings
	}
	return nil
}

// recordName makes the full, lower-case ASCII name: @ is the zone, a name that
// does not end with the zone is below it.
func recordName(name, zone string) (string, error) {
	name = strings.TrimSuffix(strings.TrimSpace(name), ".")
	if name == "@" {
		return zone, nil
	}
	ascii, err := idna.ToASCII(strings.ToLower(name))
	if err != nil || ascii == "" {
		return "", invalid(9000, "DNS name is invalid.")
	}
	if !within(ascii, zone) {
		ascii += "." + zone
	}
	if !validName(ascii, true) {
		return "", invalid(9000, "DNS name is invalid.")
	}
	return ascii, nil
}

// within says whether a name is the zone or below it.
func within(name, zone string) bool { return name == zone || strings.HasSuffix(name, "."+zone) }

// validName checks lengths and characters; only the first label may be a
// wildcard.
func validName(name string, wildcard bool) bool {
	if len(name) > 253 {
		return false
	}
	for i, label := range strings.Split(name, ".") {
		if label == "*" && i == 0 && wildcard {
			continue
		}
		if label == "" || len(label) > 63 {
			return false
		}
		for _, c := range []byte(label) {
			if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
				return false
			}
		}
	}
	return true
}

// setContent checks the content of a type that is written by hand.
func (r *dnsRecord) setContent(in recordBody) error {
	content := strings.TrimSpace(in.Content)
	r.Data = nil
	switch r.Type {
	case "A":
		ip, err := netip.ParseAddr(content)
		if err != nil || !ip.Is4() {
			return invalid(9005, "Content for A record must be a valid IPv4 address.")
		}
		content = ip.String()
	case "AAAA":
		ip, err := netip.ParseAddr(content)
		if err != nil || !ip.Is6() || ip.Zone() != "" {
			return invalid(9006, "Content for AAAA record must be a valid IPv6 address.")
		}
		content = ip.String()
	case "CNAME", "NS", "PTR", "MX":
		content = strings.TrimSuffix(content, ".")
		ascii, err := idna.ToASCII(content)
		if err != nil || !validName(ascii, false) {
			return invalid(9007, "Content for %s record is invalid.", r.Type)
		}
		content = ascii
		if r.Type == "CNAME" && strings.EqualFold(content, r.Name) {
			return invalid(9039, "CNAME content cannot reference itself.")
		}
	default:
		content = in.Content
		if content == "" || len(content) > 2048 {
			return invalid(9008, "Content for %s record is invalid.", r.Type)
		}
	}
	if r.Type == "MX" {
		if in.Priority == nil || *in.Priority < 0 || *in.Priority > 65535 {
			return invalid(9020, "Priority is required for MX records and must be between 0 and 65535.")
		}
		r.Priority = in.Priority
	}
	r.Content = content
	return nil
}

func (r *dnsRecord) setData(in recordBody, encode func(recordData) (string, *int, bool)) error {
	var d recordData
	if len(in.Data) == 0 || json.Unmarshal(in.Data, &d) != nil {
		return invalid(9101, "%s records need a data object.", r.Type)
	}
	content, priority, valid := encode(d)
	if !valid {
		return invalid(9101, "The data of the %s record is incomplete.", r.Type)
	}
	r.Content, r.Priority, r.Data = content, priority, in.Data
	return nil
}

// clash refuses what cannot stand beside the records of the same name.
func (s *Server) clash(r *dnsRecord) error {
	for _, e := range s.recordsByName.all(r.Zone, r.Name) {
		other := e.row
		if other.ID == r.ID {
			continue
		}
		switch {
		case other.Type == r.Type && other.Content == r.Content && (r.Data == nil || samePriority(r, other)):
			return refuse(http.StatusBadRequest, 81058, "An identical record already exists.")
		case r.Type == "CNAME" && proxiable(other.Type):
			return refuse(http.StatusBadRequest, 81053, "An A, AAAA, or CNAME record with that host already exists.")
		case other.Type == "CNAME" && proxiable(r.Type):
			return refuse(http.StatusBadRequest, 81054, "A CNAME record with that host already exists.")
		}
	}
	return nil
}

func samePriority(a, b *dnsRecord) bool {
	if a.Priority == nil || b.Priority == nil {
		return a.Priority == b.Priority
	}
	return *a.Priority == *b.Priority
}

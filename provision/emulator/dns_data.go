package emulator

import (
	"encoding/json"
	"fmt"
	"strings"
)

// recordData is the union of all types' data objects. Numbers are pointers to
// tell 0 from absent; flags is a number for CAA and a string for NAPTR.
type recordData struct {
	Flags        json.RawMessage `json:"flags"`
	Tag          string          `json:"tag"`
	Value        string          `json:"value"`
	Algorithm    *int            `json:"algorithm"`
	Certificate  string          `json:"certificate"`
	KeyTag       *int            `json:"key_tag"`
	Type         *int            `json:"type"`
	Protocol     *int            `json:"protocol"`
	PublicKey    string          `json:"public_key"`
	Digest       string          `json:"digest"`
	DigestType   *int            `json:"digest_type"`
	Priority     *int            `json:"priority"`
	Target       string          `json:"target"`
	Weight       *int            `json:"weight"`
	Port         *int            `json:"port"`
	Order        *int            `json:"order"`
	Preference   *int            `json:"preference"`
	Regex        string          `json:"regex"`
	Replacement  string          `json:"replacement"`
	Service      string          `json:"service"`
	MatchingType *int            `json:"matching_type"`
	Selector     *int            `json:"selector"`
	Usage        *int            `json:"usage"`
	Fingerprint  string          `json:"fingerprint"`
	location
}

// location is a LOC record's data; altitude, size and precision are in metres.
type location struct {
	Altitude      *float64 `json:"altitude"`
	LatDegrees    *int     `json:"lat_degrees"`
	LatMinutes    *int     `json:"lat_minutes"`
	LatSeconds    *float64 `json:"lat_seconds"`
	LatDirection  string   `json:"lat_direction"`
	LongDegrees   *int     `json:"long_degrees"`
	LongMinutes   *int     `json:"long_minutes"`
	LongSeconds   *float64 `json:"long_seconds"`
	LongDirection string   `json:"long_direction"`
	Horizontal    *float64 `json:"precision_horz"`
	Vertical      *float64 `json:"precision_vert"`
	Size          *float64 `json:"size"`
}

// dataTypes derive a record's content and priority from its data, and say
// whether the data is complete. guess: the exact text of the contents.
var dataTypes = map[string]func(recordData) (content string, priority *int, valid bool){
	"CAA": func(d recordData) (string, *int, bool) {
		flags, isNumber := number(d.Flags)
		return fmt.Sprintf("%d %s %q", flags, d.Tag, d.Value), nil, isNumber && d.Tag != ""
	},
	"SRV": func(d recordData) (string, *int, bool) {
		return join3(at(d.Weight), at(d.Port), host(d.Target)), d.Priority, all(d.Priority, d.Weight, d.Port) && d.Target != ""
	},
	"URI": func(d recordData) (string, *int, bool) {
		return fmt.Sprintf("%d %q", at(d.Weight), d.Target), d.Priority, all(d.Weight) && d.Target != ""
	},
	"HTTPS": serviceBinding, "SVCB": serviceBinding,
	"TLSA": certificateHash, "SMIMEA": certificateHash,
	"SSHFP": func(d recordData) (string, *int, bool) {
		return join3(at(d.Algorithm), at(d.Type), d.Fingerprint), nil, all(d.Algorithm, d.Type) && d.Fingerprint != ""
	},
	"DS": func(d recordData) (string, *int, bool) {
		return fmt.Sprint(at(d.KeyTag), " ", join3(at(d.Algorithm), at(d.DigestType), d.Digest)), nil,
			all(d.KeyTag, d.Algorithm, d.DigestType) && d.Digest != ""
	},
	"DNSKEY": func(d recordData) (string, *int, bool) {
		flags, isNumber := number(d.Flags)
		return fmt.Sprint(flags, " ", join3(at(d.Protocol), at(d.Algorithm), d.PublicKey)), nil,
			isNumber && all(d.Protocol, d.Algorithm) && d.PublicKey != ""
	},
	"CERT": func(d recordData) (string, *int, bool) {
		return fmt.Sprint(at(d.Type), " ", join3(at(d.KeyTag), at(d.Algorithm), d.Certificate)), nil,
			all(d.Type, d.KeyTag, d.Algorithm) && d.Certificate != ""
	},
	"NAPTR": func(d recordData) (string, *int, bool) {
		var flags string
		isString := json.Unmarshal(d.Flags, &flags) == nil
		return fmt.Sprintf("%d %d %q %q %q %s", at(d.Order), at(d.Preference), flags, d.Service, d.Regex, d.Replacement), nil,
			isString && all(d.Order, d.Preference)
	},
	"LOC": func(d recordData) (string, *int, bool) {
		l := d.location
		valid := all(l.LatDegrees, l.LongDegrees) && strings.Contains("NS", l.LatDirection) && strings.Contains("EW", l.LongDirection) &&
			l.LatDirection != "" && l.LongDirection != ""
		return fmt.Sprintf("%d %d %.3f %s %d %d %.3f %s %.2fm %.2fm %.2fm %.2fm",
			at(l.LatDegrees), at(l.LatMinutes), atF(l.LatSeconds), l.LatDirection,
			at(l.LongDegrees), at(l.LongMinutes), atF(l.LongSeconds), l.LongDirection,
			atF(l.Altitude), atF(l.Size), atF(l.Horizontal), atF(l.Vertical)), nil, valid
	},
}

func serviceBinding(d recordData) (string, *int, bool) {
	return strings.TrimSpace(join3(at(d.Priority), host(d.Target), d.Value)), nil, all(d.Priority) && d.Target != ""
}

func certificateHash(d recordData) (string, *int, bool) {
	return fmt.Sprint(at(d.Usage), " ", join3(at(d.Selector), at(d.MatchingType), d.Certificate)), nil,
		all(d.Usage, d.Selector, d.MatchingType) && d.Certificate != ""
}

func join3(a, b, c any) string { return fmt.Sprintf("%v %v %v", a, b, c) }

// host drops the final dot, but not that of the root.
func host(name string) string {
	if name == "." {
		return name
	}
	return strings.TrimSuffix(name, ".")
}

func number(raw json.RawMessage) (n int, is bool) {
	is = len(raw) > 0 && json.Unmarshal(raw, &n) == nil
	return n, is
}

func all(numbers ...*int) bool {
	for _, n := range numbers {
		if n == nil || *n < 0 || *n > 65535 {
			return false
		}
	}
	return true
}

func at(n *int) int {
	if n == nil {
		return 0
	}
	return *n
}

func atF(n *float64) float64 {
	if n == nil {
		return 0
	}
	return *n
}

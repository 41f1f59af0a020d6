package wrangler

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tailscale/hujson"
)

// maxWantDepth bounds how deep a wanted value nests, which also catches a map
// that contains itself.
const maxWantDepth = 32

// value is a wanted JSON value. Unlike a map it knows the order of its members.
type value struct {
	kind    hujson.Kind // 't', 'f', '0', '"', '{' or '['
	text    string      // of a literal: as it is written into the file
	items   []value
	members []member
}

// member is one name of a wanted object and its value.
type member struct {
	name  string
	value value
}

func stringValue(s string) value { return value{kind: '"', text: string(hujson.String(s))} }

// valueOf turns what a Field may hold into a wanted value.
func valueOf(v any, depth int) (value, error) {
	if depth > maxWantDepth {
		return value{}, fmt.Errorf("nests deeper than %d levels", maxWantDepth)
	}
	switch v := v.(type) {
	case string:
		if !utf8.ValidString(v) {
			return value{}, fmt.Errorf("is not valid UTF-8")
		}
		return stringValue(v), nil
	case bool:
		lit := hujson.Bool(v)
		return value{kind: lit.Kind(), text: string(lit)}, nil
	case int:
		return value{kind: '0', text: strconv.Itoa(v)}, nil
	case int64:
		return value{kind: '0', text: strconv.FormatInt(v, 10)}, nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return value{}, fmt.Errorf("is %v, which JSON cannot say", v)
		}
		return value{kind: '0', text: string(hujson.Float(v))}, nil
	case []any:
		return listOf(v, depth)
	case []string:
		return listOf(v, depth)
	case map[string]any:
		return objectOf(v, depth)
	case map[string]string:
		return objectOf(v, depth)
	case nil:
		return value{}, fmt.Errorf("has no value")
	}
	return value{}, fmt.Errorf("has a value of type %T, which is not one of JSON's", v)
}

func listOf[T any](list []T, depth int) (value, error) {
	out := value{kind: '['}
	for i, e := range list {
		v, err := valueOf(e, depth+1)
		if err != nil {
			return value{}, fmt.Errorf("element %d %w", i, err)
		}
		out.items = append(out.items, v)
	}
	return out, nil
}

func objectOf[T any](object map[string]T, depth int) (value, error) {
	out := value{kind: '{'}
	for name, e := range object {
		if !utf8.ValidString(name) {
			return value{}, fmt.Errorf("has a key that is not valid UTF-8")
		}
		v, err := valueOf(e, depth+1)
		if err != nil {
			return value{}, fmt.Errorf("key %q %w", name, err)
		}
		out.members = append(out.members, member{name, v})
	}
	slices.SortFunc(out.members, func(a, b member) int { return strings.Compare(a.name, b.name) })
	return out, nil
}

// equal reports whether have means exactly want. An object with a key twice
// equals nothing.
func equal(have *hujson.Value, want value) bool {
	switch v := have.Value.(type) {
	case hujson.Literal:
		return equalLiteral(v, want)
	case *hujson.Array:
		if want.kind != '[' || len(v.Elements) != len(want.items) {
			return false
		}
		for i := range v.Elements {
			if !equal(&v.Elements[i], want.items[i]) {
				return false
			}
		}
		return true
	case *hujson.Object:
		return want.kind == '{' && equalObject(v, want)
	}
	return false
}

func equalObject(have *hujson.Object, want value) bool {
	if len(have.Members) != len(want.members) {
		return false
	}
	values := make(map[string]*hujson.Value, len(have.Members))
	for i := range have.Members {
		values[nameOf(&have.Members[i])] = &have.Members[i].Value
	}
	for _, m := range want.members {
		if v := values[m.name]; v == nil || !equal(v, m.value) {
			return false
		}
	}
	return true
}

func equalLiteral(have hujson.Literal, want value) bool {
	if have.Kind() != want.kind {
		return false
	}
	switch want.kind {
	case '"':
		return unquoted(have) == unquoted(hujson.Literal(want.text))
	case '0':
		return equalNumbers(string(have), want.text)
	}
	return true // true and false are their kind
}

// equalNumbers compares two JSON numbers by value, exactly: through a float,
// long ids would be taken for each other.
func equalNumbers(a, b string) bool {
	if a == b {
		return true
	}
	x, xok := decimalOf(a)
	y, yok := decimalOf(b)
	return xok && yok && x == y
}

// decimal is ±0.digits × 10^exp with neither leading nor trailing zeros in
// digits, so that equal numbers are equal structs.
type decimal struct {
	negative bool
	digits   string
	exp      int64
}

// decimalOf reads a valid JSON number. It is false if the exponent does not fit.
func decimalOf(s string) (decimal, bool) {
	var d decimal
	s, d.negative = strings.CutPrefix(s, "-")
	mantissa, exponent := s, ""
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		mantissa, exponent = s[:i], strings.TrimPrefix(s[i+1:], "+")
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	significant := strings.TrimLeft(whole+fraction, "0")
	d.digits = strings.TrimRight(significant, "0")
	if d.digits == "" {
		return decimal{}, true // zero, whatever its sign and exponent
	}
	if exponent != "" {
		// 32 bits, so that adding the number of digits cannot overflow.
		e, err := strconv.ParseInt(exponent, 10, 32)
		if err != nil {
			return decimal{}, false
		}
		d.exp = e
	}
	d.exp += int64(len(significant) - len(fraction))
	return d, true
}

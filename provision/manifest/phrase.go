package manifest

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// sample is something that a setting could be.
func sample(sub map[string]any) string {
	for _, k := range []string{"examples", "enum"} {
		if values, ok := sub[k].([]any); ok && len(values) > 0 {
			return compact(values[0])
		}
	}
	for _, k := range []string{"default", "const"} {
		if v, ok := sub[k]; ok {
			return compact(v)
		}
	}
	switch sub["type"] {
	case "integer", "number":
		return "1"
	case "boolean":
		return "true"
	case "array":
		return "[…]"
	case "object":
		return "{…}"
	}
	return `"…"`
}

func compact(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return "…"
	}
	return abbreviate(string(b))
}

// show names a value in a sentence.
func show(v any) string {
	switch x := v.(type) {
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	case string:
		return quote(x)
	case float64:
		return decimal(x)
	case nil:
		return "null"
	}
	return fmt.Sprint(v)
}

func number(r *big.Rat) string {
	if r.IsInt() {
		return r.Num().String()
	}
	f, _ := r.Float64()
	return decimal(f)
}

func texts(values []any) []string {
	var out []string
	for _, v := range values {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// dotted writes a path the way one would say it: consumer.max_retries, routes[2].
func dotted(path []string) string {
	if len(path) == 0 {
		return "it"
	}
	var b strings.Builder
	for _, p := range path {
		if _, err := strconv.Atoi(p); err == nil {
			b.WriteString("[" + p + "]")
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(strings.Trim(quote(p), `"`))
	}
	return b.String()
}

func prefix(path []string) string {
	if len(path) == 0 {
		return ""
	}
	return dotted(path) + ": "
}

func decimal(f float64) string {
	if f > 1e15 || f < -1e15 {
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

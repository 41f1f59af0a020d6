package e2e

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rhysd/actionlint"
)

// contexts are what an expression of a workflow may name: github, inputs, secrets.
type contexts map[string]any

var braces = regexp.MustCompile(`\$\{\{(.*?)\}\}`)

// text fills the expressions in a value of a workflow. One that is the whole value
// keeps its type.
func (c contexts) text(t *testing.T, s string) any {
	t.Helper()
	if m := braces.FindStringSubmatch(s); m != nil && m[0] == strings.TrimSpace(s) {
		return c.value(t, m[1])
	}
	return braces.ReplaceAllStringFunc(s, func(m string) string { return shownAs(c.value(t, braces.FindStringSubmatch(m)[1])) })
}

// holds is a condition, with braces or without.
func (c contexts) holds(t *testing.T, s string) bool {
	t.Helper()
	if m := braces.FindStringSubmatch(s); m != nil {
		s = m[1]
	}
	return truth(c.value(t, s))
}

// value evaluates an expression. actionlint reads it; what it means is written from
// GitHub's documentation.
func (c contexts) value(t *testing.T, s string) any {
	t.Helper()
	node, err := actionlint.NewExprParser().Parse(actionlint.NewExprLexer(s + "}}"))
	if err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	return c.eval(t, node)
}

func (c contexts) eval(t *testing.T, n actionlint.ExprNode) any {
	switch n := n.(type) {
	case *actionlint.VariableNode:
		v, ok := c[n.Name]
		if !ok {
			t.Fatalf("there is no context %s here", n.Name)
		}
		return v
	case *actionlint.ObjectDerefNode:
		of, _ := c.eval(t, n.Receiver).(map[string]any)
		for k, v := range of {
			if strings.EqualFold(k, n.Property) {
				return v
			}
		}
		return nil
	case *actionlint.StringNode:
		return n.Value
	case *actionlint.BoolNode:
		return n.Value
	case *actionlint.IntNode:
		return float64(n.Value)
	case *actionlint.NullNode:
		return nil
	case *actionlint.NotOpNode:
		return !truth(c.eval(t, n.Operand))
	case *actionlint.LogicalOpNode:
		left := c.eval(t, n.Left)
		if truth(left) == (n.Kind == actionlint.LogicalOpNodeKindOr) {
			return left
		}
		return c.eval(t, n.Right)
	case *actionlint.CompareOpNode:
		equal := alike(c.eval(t, n.Left), c.eval(t, n.Right))
		switch n.Kind {
		case actionlint.CompareOpNodeKindEq:
			return equal
		case actionlint.CompareOpNodeKindNotEq:
			return !equal
		}
	}
	t.Fatalf("an expression of a kind that is not known here: %T", n)
	return nil
}

// alike compares as GitHub does: strings without regard to case, what is of two
// kinds as numbers.
func alike(a, b any) bool {
	x, isText := a.(string)
	y, both := b.(string)
	if isText && both {
		return strings.EqualFold(x, y)
	}
	return asNumber(a) == asNumber(b)
}

func asNumber(v any) string {
	switch v := v.(type) {
	case nil:
		return "0"
	case bool:
		return map[bool]string{true: "1", false: "0"}[v]
	case string:
		if v == "" {
			return "0"
		}
		return v
	}
	return fmt.Sprint(v)
}

func truth(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case string:
		return v != ""
	case float64:
		return v != 0
	}
	return true
}

func shownAs(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

func TestExpressions(t *testing.T) {
	c := contexts{"inputs": map[string]any{"version": "", "dry-run": true}, "github": map[string]any{"event_name": "schedule", "event": map[string]any{"number": 7.0}}}
	for s, want := range map[string]any{
		"inputs.version != '' && inputs.version != 'source'":              false,
		"inputs.version == '' || inputs.version == 'source'":              true,
		"pr-${{ github.event.number }}":                                   "pr-7",
		"${{ github.event.number }}":                                      7.0,
		"${{ github.event_name != 'schedule' && inputs.dry-run }}":        false,
		"${{ github.event_name == 'Schedule' && inputs.dry-run }}":        true,
		"${{ inputs.version || github.nothing || 'x' }}":                  "x",
		"${{ github.event.pull_request.head.repo.full_name == 'o/r' }}":   false,
		"${{ github.nothing == '' }}":                                     true,
		"a ${{ inputs.dry-run }} and ${{ !inputs.dry-run }} ${{ null }}.": "a true and false .",
	} {
		var got any
		if strings.Contains(s, "${{") {
			got = c.text(t, s)
		} else {
			got = c.holds(t, s)
		}
		if got != want {
			t.Errorf("%s: %v, want %v", s, got, want)
		}
	}
}

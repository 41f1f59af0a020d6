package templates

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"
)

// What one template may be and make. Its parser recurses, so what nests is
// bounded, too.
const (
	maxTemplate = 2 << 20 // bytes, of the template and of what it makes
	maxActions  = 2_000
	maxValue    = 64 << 10 // bytes, of what one function gives
)

// allowed are the functions that a template may call.
var allowed = []string{"and", "eq", "html", "json", "ne", "not", "or", "print", "snake"}

var functions = template.FuncMap{
	"json":  func(v any) (string, error) { return bounded(writeJSON(v)) },
	"html":  func(v any) (string, error) { return bounded(html.EscapeString(fmt.Sprint(v)), nil) },
	"snake": func(s string) string { return strings.ReplaceAll(s, "-", "_") },
	"print": func(v ...any) (string, error) {
		// fmt.Sprint puts spaces between what are no strings; here nothing is.
		return bounded(fmt.Sprint(v...), nil)
	},
}

func bounded(s string, err error) (string, error) {
	if err == nil && len(s) > maxValue {
		err = fmt.Errorf("a value is larger than %s", size(maxValue))
	}
	return s, err
}

// execute makes a file of a template. Its errors begin with the template's name.
func execute(name string, text []byte, v Values) ([]byte, error) {
	switch {
	case len(text) > maxTemplate:
		return nil, fmt.Errorf("%s: the template is larger than %s", name, size(maxTemplate))
	case bytes.Count(text, []byte("[[")) > maxActions:
		return nil, fmt.Errorf("%s: the template has more than %d actions", name, maxActions)
	}
	t, err := template.New(name).Delims("[[", "]]").Option("missingkey=error").Funcs(functions).Parse(string(text))
	if err != nil {
		return nil, named(name, err)
	}
	for _, part := range t.Templates() {
		if part.Name() != name {
			return nil, fmt.Errorf("%s: a template may not define another: %q", name, part.Name())
		}
	}
	if t.Tree == nil {
		return nil, nil // an empty file
	}
	if err := tame(t.Tree, t.Root); err != nil {
		return nil, err
	}
	out := capped{left: maxTemplate}
	if err := t.Execute(&out, v); err != nil {
		return nil, named(name, err)
	}
	return out.Bytes(), nil
}

// named begins an error with the template's name, in place of the library's
// words.
func named(name string, err error) error {
	text := strings.TrimPrefix(err.Error(), "template: ")
	if !strings.HasPrefix(text, name) {
		text = name + ": " + text
	}
	return errors.New(text)
}

// tame refuses what could make a template's work or output grow beyond what it
// is: loops, variables, other templates, functions that pad.
func tame(t *parse.Tree, n parse.Node) error {
	refuse := func(what string) error {
		place, _ := t.ErrorContext(n)
		return fmt.Errorf("%s: a template may not use %s; there are: if, else, end, the values, %s", place, what, strings.Join(allowed, ", "))
	}
	var inside []parse.Node
	switch n := n.(type) {
	case *parse.ListNode:
		if n != nil {
			inside = n.Nodes
		}
	case *parse.ActionNode:
		inside = []parse.Node{n.Pipe}
	case *parse.IfNode:
		inside = []parse.Node{n.Pipe, n.List}
		if n.ElseList != nil {
			inside = append(inside, n.ElseList)
		}
	case *parse.PipeNode:
		if len(n.Decl) > 0 {
			return refuse("variables")
		}
		for _, c := range n.Cmds {
			inside = append(inside, c.Args...)
		}
	case *parse.IdentifierNode:
		if !slices.Contains(allowed, n.Ident) {
			return refuse("the function " + n.Ident)
		}
	case *parse.TextNode, *parse.CommentNode, *parse.FieldNode, *parse.StringNode, *parse.BoolNode, *parse.NumberNode:
	case *parse.RangeNode, *parse.BreakNode, *parse.ContinueNode:
		return refuse("range")
	case *parse.WithNode:
		return refuse("with")
	case *parse.TemplateNode:
		return refuse("template")
	default: // $, a bare dot, a field of a value
		return refuse(n.String())
	}
	for _, i := range inside {
		if err := tame(t, i); err != nil {
			return err
		}
	}
	return nil
}

// capped is a buffer that takes so much and no more.
type capped struct {
	bytes.Buffer
	left int
}

func (c *capped) Write(p []byte) (int, error) {
	if c.left -= len(p); c.left < 0 {
		return 0, fmt.Errorf("it makes more than %s", size(maxTemplate))
	}
	return c.Buffer.Write(p)
}

// writeJSON writes a value as a JSON literal, without HTML's escapes.
func writeJSON(v any) (string, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return strings.TrimSuffix(b.String(), "\n"), err
}

// size is a number of bytes in words: "2 MiB".
func size(n int) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d MiB", n>>20)
}

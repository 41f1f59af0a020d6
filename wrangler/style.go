package wrangler

import (
	"bytes"
	"strings"

	"github.com/tailscale/hujson"
)

// style is how a file is written, as far as new text must know.
type style struct {
	newline  string // "\n" or "\r\n", whichever there is more of
	indent   string // one level
	colon    string // between name and value: ": "
	comma    string // between items on one line: ", "
	pad      string // inside the braces of an object on one line: "{ " has " "
	trailing bool   // the outermost object, over several lines, ends with a comma
}

// style looks at the document once, when something has to be added.
func (d *document) style() *style {
	if d.look != nil {
		return d.look
	}
	s := &style{newline: "\n", indent: "  ", colon: ": ", comma: ", ", pad: " "}
	d.look = s
	crlf := bytes.Count(d.src, []byte("\r\n"))
	if lf := bytes.Count(d.src, []byte("\n")) - crlf; crlf > lf {
		s.newline = "\r\n"
	}
	if d.empty {
		return s
	}
	root := boxOf(&d.root, false)
	if n := len(root.items); n > 0 {
		s.trailing = root.items[n-1].comma >= 0 && !d.oneLine(&d.root)
	}
	s.learnSpacing(d)
	s.learnIndent(d)
	return s
}

// learnSpacing takes colon, comma and pad from their first use.
func (s *style) learnSpacing(d *document) {
	for v := range d.root.All() {
		o, ok := v.Value.(*hujson.Object)
		if !ok || len(o.Members) == 0 {
			continue
		}
		m := o.Members[0]
		before, ok1 := blank(string(m.Name.AfterExtra))
		after, ok2 := blank(string(m.Value.BeforeExtra))
		if ok1 && ok2 {
			s.colon = before + ":" + after
			break
		}
	}
	if !strings.HasSuffix(s.colon, " ") {
		s.comma, s.pad = ",", ""
	}
	for v := range d.root.All() {
		if o, ok := v.Value.(*hujson.Object); ok && len(o.Members) > 0 && d.oneLine(v) {
			s.pad = d.padOf(boxOf(v, false), s.pad)
			break
		}
	}
}

// blank makes of space that is alignment, too wide to be a habit, one space.
func blank(extra string) (string, bool) {
	switch {
	case strings.Trim(extra, " \t") != "":
		return "", false
	case extra == "":
		return "", true
	}
	return " ", true
}

// padOf returns the space between an object's opening brace and first member.
func (d *document) padOf(b box, otherwise string) string {
	if pad, ok := blank(string(d.src[b.open+1 : b.items[0].start])); ok {
		return pad
	}
	return otherwise
}

// learnIndent takes the indentation of the first item that starts a line deeper
// than the line of its bracket.
func (s *style) learnIndent(d *document) {
	for v := range d.root.All() {
		b := boxOf(v, false)
		if len(b.items) == 0 || !firstOnLine(d.src, b.items[0].start) {
			continue
		}
		outer, inner := lineIndent(d.src, b.open), lineIndent(d.src, b.items[0].start)
		if len(inner) > len(outer) && strings.HasPrefix(inner, outer) {
			s.indent = inner[len(outer):]
			return
		}
	}
}

// text writes a value: on one line, or as a block whose closing bracket stands
// at indent. Lists of plain values stay on one line even in a block.
func (s *style) text(v value, indent string, block bool) string {
	switch {
	case v.kind != '{' && v.kind != '[':
		return v.text
	case v.kind == '{' && len(v.members) == 0:
		return "{}"
	case v.kind == '[' && plain(v):
		block = false
	}
	inner := indent + s.indent
	parts := make([]string, 0, len(v.items)+len(v.members))
	for _, item := range v.items {
		parts = append(parts, s.text(item, inner, block))
	}
	for _, m := range v.members {
		parts = append(parts, s.memberText(m, inner, block))
	}
	open, close := "[", "]"
	if v.kind == '{' {
		open, close = "{", "}"
		if !block {
			open, close = "{"+s.pad, s.pad+"}"
		}
	}
	if !block {
		return open + strings.Join(parts, s.comma) + close
	}
	last := ""
	if s.trailing {
		last = ","
	}
	return open + s.newline + inner + strings.Join(parts, ","+s.newline+inner) + last + s.newline + indent + close
}

func (s *style) memberText(m member, indent string, block bool) string {
	return string(hujson.String(m.name)) + s.colon + s.text(m.value, indent, block)
}

// plain reports whether a list holds no objects or lists.
func plain(list value) bool {
	for _, v := range list.items {
		if v.kind == '{' || v.kind == '[' {
			return false
		}
	}
	return true
}

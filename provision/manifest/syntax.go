package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/tailscale/hujson"
)

// Bounds of a manifest. Real ones stay far below: a few kilobytes, five deep.
const (
	maxSize  = 1 << 20 // bytes
	maxDepth = 64      // objects and lists within each other
)

// parse reads the text as JSON with comments and trailing commas. It gives nil
// where there is nothing to go on with, after reporting why.
func parse(s *source, r *report) *value {
	if len(s.text) > maxSize {
		r.add(nowhere, fmt.Sprintf("the file has %d bytes; at most %d are read", len(s.text), maxSize),
			"a manifest describes resources only; move everything else out of it")
		return nil
	}
	if at := invalidUTF8(s.text); at >= 0 {
		r.add(at, "the file is not UTF-8 text", "save it as UTF-8")
		return nil
	}
	open, deep, ragged := outline(s.text)
	if ragged >= 0 {
		r.add(ragged, "this string does not end on its line", `close it with ", or write line breaks as \n`)
		return nil
	}
	if deep >= 0 {
		r.add(deep, fmt.Sprintf("more than %d objects and lists within each other", maxDepth), "flatten what is here")
		return nil
	}
	text := s.text
	if !bytes.HasSuffix(text, []byte("\n")) {
		// hujson ends a line comment only at a newline.
		text = append(bytes.Clone(text), '\n')
	}
	v, err := hujson.Parse(text)
	if err != nil {
		reportSyntax(s, err, open, r)
		return nil
	}
	root := build(v, r)
	if root.form != '{' {
		r.add(root.at, "the file must hold an object, not "+formName(root.form), `write { "name": "my-project", "resources": {} }`)
		return nil
	}
	return root
}

func invalidUTF8(text []byte) int {
	for i := 0; i < len(text); {
		c, n := utf8.DecodeRune(text[i:])
		if c == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}

// outline walks over the text as far as brackets, strings and comments matter. It
// gives the offsets of the brackets that are never closed, and those of the first
// one that lies too deep and of the first string that does not end on its line,
// or -1. hujson would find the end of such a string many lines below.
func outline(text []byte) (open []int, deep, ragged int) {
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			begin := i
			for i++; i < len(text) && text[i] != '"' && text[i] != '\n'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
			if i >= len(text) || text[i] == '\n' {
				return open, -1, begin
			}
		case c == '/' && bytes.HasPrefix(text[i:], []byte("//")):
			i = skip(text, i, "\n")
		case c == '/' && bytes.HasPrefix(text[i:], []byte("/*")):
			i = skip(text, i+1, "*/")
		case c == '{' || c == '[':
			if open = append(open, i); len(open) > maxDepth {
				return open, i, -1
			}
		case (c == '}' || c == ']') && len(open) > 0:
			open = open[:len(open)-1]
		}
	}
	return open, -1, -1
}

// skip gives the offset of the last byte of the next end after i.
func skip(text []byte, i int, end string) int {
	n := bytes.Index(text[i+1:], []byte(end))
	if n < 0 {
		return len(text)
	}
	return i + n + len(end)
}

// reportSyntax words hujson's error. Its place is known from its text only, and
// so is its meaning; a text that is not known here is shown as it is.
func reportSyntax(s *source, err error, open []int, r *report) {
	var line, column int
	at := nowhere
	if _, serr := fmt.Sscanf(err.Error(), "hujson: line %d, column %d:", &line, &column); serr == nil {
		at = s.offset(line, column)
	}
	cause := err
	for next := errors.Unwrap(cause); next != nil && next != io.ErrUnexpectedEOF; next = errors.Unwrap(cause) {
		cause = next
	}
	what := cause.Error()
	ends := errors.Is(err, io.ErrUnexpectedEOF)
	char, _, _ := strings.Cut(strings.TrimPrefix(what, "invalid character "), "' ")
	char += "'"
	switch {
	case ends && strings.HasPrefix(what, "parsing comment"):
		r.add(at, "this comment is never closed", "close it with */")
	case ends && len(open) > 0:
		last := open[len(open)-1]
		closing := map[byte]string{'{': "}", '[': "]"}[s.text[last]]
		r.add(at, fmt.Sprintf("the file ends before the %c of %s is closed", s.text[last], s.place(last)), "close it with "+closing)
	case ends:
		r.add(at, "there is nothing in the file", `write { "name": "my-project", "resources": {} }`)
	case strings.HasPrefix(what, `invalid literal: "`):
		reportString(s, at, r)
	case strings.HasPrefix(what, "invalid literal: "):
		r.add(at, abbreviate(strings.TrimPrefix(what, "invalid literal: "))+" is no JSON value",
			`put keys and text in double quotes: "name"`, "bare words are true, false and null; numbers are written like 10 or 2.5")
	case strings.HasSuffix(what, "after top-level value"):
		r.add(at, "there is more after the end of the object: "+char, "remove it, or look for a } too many before it")
	case strings.HasSuffix(what, "at start of object name"):
		r.add(at, "a key must be a string in double quotes", `write "name": …`)
	case strings.HasSuffix(what, "after object name"):
		r.add(at, "expected : after the key, found "+char, `write "name": …`)
	case strings.Contains(what, "after object value"):
		r.add(at, "expected , or } here, found "+char, "put a comma after the value before it")
	case strings.Contains(what, "after array value"):
		r.add(at, "expected , or ] here, found "+char, "put a comma after the value before it")
	case strings.HasSuffix(what, "at start of value"):
		r.add(at, "expected a key or a value here, found "+char,
			`put keys and text in double quotes, and look for a missing value or a comma too many before it`)
	default:
		r.add(at, what, "write JSON; comments and trailing commas are allowed")
	}
}

// reportString says what is wrong with a string that JSON does not allow.
func reportString(s *source, at int, r *report) {
	rest := s.text[at+1:]
	for i := 0; i < len(rest) && rest[i] != '"'; i++ {
		switch {
		case rest[i] < ' ':
			r.add(at+1+i, fmt.Sprintf("a string must not hold the control character U+%04X", rest[i]), fmt.Sprintf(`write it as \u%04x`, rest[i]))
			return
		case rest[i] == '\\':
			i++
		}
	}
	r.add(at, `this string has a \ that begins no escape of JSON`, `write \\ for one backslash`)
}

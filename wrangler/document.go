package wrangler

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tailscale/hujson"
)

var bom = []byte("\xef\xbb\xbf")

// maxDepth bounds how deep a file nests. The parser recurses, and a megabyte of
// open brackets would exhaust its stack.
const maxDepth = 200

// document is a parsed configuration file. Offsets in root are offsets in src.
type document struct {
	src   []byte // without byte order mark
	root  hujson.Value
	empty bool // nothing but space and comments; root is not set
	look  *style
}

// parse reads JSONC as wrangler does. Its errors have a place.
func parse(src []byte) (*document, *Error) {
	d := &document{src: src}
	if off, msg := forbidden(src); msg != "" {
		return nil, d.errorAt(off, "%s", msg)
	}
	// hujson wants every line comment closed, editors do not: the newline added
	// here is beyond every offset that is ever edited.
	text := append(src[:len(src):len(src)], '\n')
	if hujson.Extra(text).IsValid() {
		d.empty = true
		return d, nil
	}
	var err error
	if d.root, err = hujson.Parse(text); err != nil {
		return nil, d.syntaxError(text, err)
	}
	return d, nil
}

// withRoot gives a file without a value an empty object to put things in.
func (d *document) withRoot() (*document, *Error) {
	src := slices.Clone(d.src)
	if len(src) > 0 && src[len(src)-1] != '\n' {
		src = append(src, d.style().newline...)
	}
	return parse(append(append(src, "{}"...), d.style().newline...))
}

// forbidden finds what the parser would not survive or would read differently
// from wrangler: nesting without end, bytes that are no UTF-8, and a carriage
// return that ends a comment for wrangler's parser but not for ours.
func forbidden(b []byte) (off int, msg string) {
	if i := invalidUTF8(b); i >= 0 {
		return i, "not valid UTF-8; save the file as UTF-8"
	}
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			for i++; i < len(b) && b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
		case '/':
			end := skipComment(b, i)
			if j := loneReturn(b[i:end]); j >= 0 && b[i+1] == '/' {
				return i + j, "carriage return without line feed inside a // comment"
			}
			i = max(i, end-1)
		case '{', '[':
			if depth++; depth > maxDepth {
				return i, fmt.Sprintf("nests deeper than %d levels", maxDepth)
			}
		case '}', ']':
			depth--
		}
	}
	return 0, ""
}

// skipComment returns the offset after the comment that starts at i, or i if
// none does. A line comment ends before its line feed.
func skipComment(b []byte, i int) int {
	rest := b[i:]
	switch {
	case bytes.HasPrefix(rest, []byte("//")):
		if n := bytes.IndexByte(rest, '\n'); n >= 0 {
			return i + n
		}
		return len(b)
	case bytes.HasPrefix(rest, []byte("/*")):
		if n := bytes.Index(rest[2:], []byte("*/")); n >= 0 {
			return i + 2 + n + 2
		}
		return len(b)
	}
	return i
}

// loneReturn finds a carriage return inside a comment's line; the one before
// its line feed is its last byte.
func loneReturn(comment []byte) int {
	if i := bytes.IndexByte(comment, '\r'); i >= 0 && i < len(comment)-1 {
		return i
	}
	return -1
}

func invalidUTF8(b []byte) int {
	if utf8.Valid(b) {
		return -1
	}
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}

// at turns an offset into line and column, both from 1, the column in
// characters.
func (d *document) at(off int) (line, col int) {
	off = min(off, len(d.src))
	before := d.src[:off]
	start := bytes.LastIndexByte(before, '\n') + 1
	return 1 + bytes.Count(before, []byte("\n")), 1 + utf8.RuneCount(before[start:])
}

func (d *document) errorAt(off int, format string, args ...any) *Error {
	e := &Error{Msg: fmt.Sprintf(format, args...)}
	e.Line, e.Col = d.at(off)
	return e
}

// syntaxError takes the place in text out of hujson's message, whose column
// counts bytes, and drops the literal it may quote, which may be a secret.
func (d *document) syntaxError(text []byte, err error) *Error {
	var line, col int
	msg := err.Error()
	if _, serr := fmt.Sscanf(msg, "hujson: line %d, column %d:", &line, &col); serr != nil {
		return &Error{Msg: "not valid JSONC"}
	}
	_, msg, _ = strings.Cut(msg, "column ")
	_, msg, _ = strings.Cut(msg, ": ")
	switch {
	case strings.HasPrefix(msg, "invalid literal"):
		msg = "neither a string, a number, true, false nor null"
	case strings.Contains(msg, "unexpected EOF"):
		msg = "the file ends too early (" + strings.TrimSuffix(msg, ": unexpected EOF") + ")"
	}
	off := 0
	for range line - 1 {
		off += bytes.IndexByte(text[off:], '\n') + 1
	}
	e := d.errorAt(off+col-1, "not valid JSONC: %s", msg)
	e.Hints = []string{"look at the place named, and just before it"}
	return e
}

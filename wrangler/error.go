package wrangler

import (
	"fmt"
	"strings"
)

// Error says where in a configuration file something is wrong, what, and what
// to try. It never repeats a value of the file, which may be a secret.
type Error struct {
	File  string   // as the caller named it, or "wrangler.jsonc"
	Line  int      // from 1; 0 if the error is about the whole file
	Col   int      // from 1, in characters
	Msg   string   // one line, no full stop
	Hints []string // each one thing to try; left to the printer

	cause error // from the operating system, if any; its text is part of Msg
}

// Error gives place and text in one line: "wrangler.jsonc:3:5: …".
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", e.Line, e.Col)
	}
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	b.WriteString(e.Msg)
	return b.String()
}

// Unwrap gives the error of the operating system, so that errors.Is can tell
// a missing file (fs.ErrNotExist) from others.
func (e *Error) Unwrap() error { return e.cause }

func errTooLarge() *Error {
	return &Error{
		Msg:   fmt.Sprintf("larger than %d bytes, which no wrangler configuration is", MaxSize),
		Hints: []string{"check that the path names the right file"},
	}
}

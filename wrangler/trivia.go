package wrangler

import (
	"bytes"
	"iter"
)

// comment is one comment between two values. A line comment ends before its
// line break.
type comment struct {
	start, end int
	line       bool // starts with //
}

// comments yields the comments in src[from:to], which holds only those and space.
func comments(src []byte, from, to int) iter.Seq[comment] {
	return func(yield func(comment) bool) {
		for i := from; i < to; i++ {
			if src[i] != '/' {
				continue
			}
			c := comment{i, skipComment(src, i), src[i+1] == '/'}
			if c.line && src[c.end-1] == '\r' {
				c.end--
			}
			if !yield(c) {
				return
			}
			i = c.end - 1
		}
	}
}

func hasComment(src []byte, from, to int) bool {
	for range comments(src, from, to) {
		return true
	}
	return false
}

// breaksLine reports whether the space in src[from:to] has a line break outside
// of comments.
func breaksLine(src []byte, from, to int) bool {
	for c := range comments(src, from, to) {
		if bytes.IndexByte(src[from:c.start], '\n') >= 0 {
			return true
		}
		from = c.end
	}
	return bytes.IndexByte(src[from:to], '\n') >= 0
}

// sameLine returns where the comments end that start on the line of from: they
// describe what stands before them. Without any it returns from. closed tells
// that the last is a line comment, after which nothing can follow on the line.
func sameLine(src []byte, from, to int) (end int, closed bool) {
	end = from
	for c := range comments(src, from, to) {
		if bytes.IndexByte(src[end:c.start], '\n') >= 0 {
			break
		}
		end, closed = c.end, c.line
	}
	return end, closed
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// skipBlanks returns the offset after spaces and tabs, at most to.
func skipBlanks(src []byte, from, to int) int {
	for from < to && isBlank(src[from]) {
		from++
	}
	return from
}

// skipBlanksBack returns the offset before spaces and tabs, at least to.
func skipBlanksBack(src []byte, from, to int) int {
	for from > to && isBlank(src[from-1]) {
		from--
	}
	return from
}

// lineIndent returns the spaces and tabs that start the line of off.
func lineIndent(src []byte, off int) string {
	start := bytes.LastIndexByte(src[:off], '\n') + 1
	return string(src[start:skipBlanks(src, start, off)])
}

// firstOnLine reports whether only spaces and tabs stand before off on its line.
func firstOnLine(src []byte, off int) bool {
	off = skipBlanksBack(src, off, 0)
	return off == 0 || src[off-1] == '\n'
}

// lineBreakAt returns the length of the line break at off, or 0.
func lineBreakAt(src []byte, off int) int {
	switch {
	case bytes.HasPrefix(src[off:], []byte("\n")):
		return 1
	case bytes.HasPrefix(src[off:], []byte("\r\n")):
		return 2
	}
	return 0
}

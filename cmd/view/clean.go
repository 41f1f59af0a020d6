package view

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// The longest line that is shown of what others wrote, and the longest name, in
// characters.
const (
	maxLine = 5000
	maxName = 300
)

// Clean makes a text that others wrote safe to print, on a terminal and in the
// log of a CI system: what steers a terminal, hides, or turns the direction of
// writing becomes a visible sign, what a CI system would take for a command to
// it is taken apart, and lines beyond any sensible length are cut. Line ends
// and tabs stay.
func Clean(s string) string {
	var lines []string
	for line := range strings.SplitSeq(s, "\n") {
		lines = append(lines, command(cut(strings.Map(visible, line), maxLine)))
	}
	return strings.Join(lines, "\n")
}

// Line is Clean for what has to stay on one line and among others: a name, a
// setting.
func Line(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return unicode.ReplacementChar
		}
		return visible(r)
	}, s)
	return command(cut(s, maxName))
}

func visible(r rune) rune {
	if r != '\t' && hidden(r) {
		return unicode.ReplacementChar
	}
	return r
}

// hidden reports what has an effect and no look of its own: control characters,
// line ends of other kinds, and formats, of which only those stay that join
// letters and emoji.
func hidden(r rune) bool {
	switch r {
	case '\u200c', '\u200d':
		return false
	case '\u2028', '\u2029':
		return true
	}
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Bidi_Control, r)
}

func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	n := utf8.RuneCountInString(s)
	if n <= most {
		return s
	}
	at := 0
	for range most {
		_, size := utf8.DecodeRuneInString(s[at:])
		at += size
	}
	return fmt.Sprintf("%s… (%d characters more)", s[:at], n-most)
}

// GitHub's runner takes a line that begins with :: after any blanks for a
// command, and ##[ anywhere; Azure's ##vso[, TeamCity's ##teamcity[.
var (
	beginning = regexp.MustCompile(`^[\pZ\s]*:(:)`)
	anywhere  = regexp.MustCompile(`##([A-Za-z-]*)\[`)
)

func command(line string) string {
	if at := beginning.FindStringSubmatchIndex(line); at != nil {
		line = line[:at[2]] + " " + line[at[2]:]
	}
	return anywhere.ReplaceAllString(line, "# #$1[")
}

// document makes JSON safe to print without changing what it says: what Clean
// would replace is written as its escape. In JSON it stands within strings only.
func document(b []byte) []byte {
	var out bytes.Buffer
	for i := 0; i < len(b); {
		r, size := utf8.DecodeRune(b[i:])
		switch {
		case r == '#' && i+1 < len(b) && b[i+1] == '#':
			out.WriteString(`\u0023`)
		case r >= 0x7f && hidden(r) && r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&out, `\u%04x\u%04x`, high, low)
		case r >= 0x7f && hidden(r):
			fmt.Fprintf(&out, `\u%04x`, r)
		default:
			out.Write(b[i : i+size])
		}
		i += size
	}
	return out.Bytes()
}

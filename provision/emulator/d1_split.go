package emulator

import "strings"

// splitSQL cuts SQL text into its statements, as D1 does with a /query body:
// at semicolons that are not inside quotes, comments or the body of a trigger.
// Pieces without a statement (blanks and comments) are left out.
func splitSQL(text string) []string {
	var out []string
	start, words := 0, []string(nil)
	depth := 0 // of BEGIN and CASE inside a trigger
	flush := func(end int) {
		if len(words) > 0 {
			out = append(out, strings.Trim(text[start:end], sqlBlanks))
		}
		start, words, depth = end, nil, 0
	}
	for i := 0; i < len(text); {
		n, kind := token(text[i:])
		switch kind {
		case sqlWord:
			word := strings.ToUpper(text[i : i+n])
			words = append(words, word)
			depth += nesting(words, word)
		case sqlOther:
			words = append(words, "")
		case sqlEnd:
			if depth <= 0 {
				flush(i)
				start = i + n
			}
		}
		i += n
	}
	flush(len(text))
	return out
}

// nesting says how a word changes the depth inside CREATE TRIGGER.
func nesting(words []string, word string) int {
	if !isTrigger(words) {
		return 0
	}
	switch word {
	case "BEGIN", "CASE":
		return 1
	case "END":
		return -1
	}
	return 0
}

func isTrigger(words []string) bool {
	if len(words) < 3 || words[0] != "CREATE" {
		return false
	}
	return words[1] == "TRIGGER" || (words[1] == "TEMP" || words[1] == "TEMPORARY") && words[2] == "TRIGGER"
}

type sqlKind int

const (
	sqlBlank sqlKind = iota // white space and comments
	sqlWord                 // a keyword or bare name
	sqlOther                // anything else
	sqlEnd                  // a semicolon
)

// sqlBlanks are what SQLite takes for white space; all else above ASCII is part
// of a name.
const sqlBlanks = " \t\r\n\f\v"

// token returns the length and kind of the first token; text is not empty.
func token(text string) (int, sqlKind) {
	switch c := text[0]; {
	case c == ';':
		return 1, sqlEnd
	case strings.IndexByte(sqlBlanks, c) >= 0:
		return 1, sqlBlank
	case strings.HasPrefix(text, "--"):
		if end := strings.IndexByte(text, '\n'); end >= 0 {
			return end + 1, sqlBlank
		}
		return len(text), sqlBlank
	case strings.HasPrefix(text, "/*"):
		if end := strings.Index(text[2:], "*/"); end >= 0 {
			return end + 4, sqlBlank
		}
		return len(text), sqlBlank
	case c == '\'' || c == '"' || c == '`':
		return quoted(text, c), sqlOther
	case c == '[':
		if end := strings.IndexByte(text, ']'); end >= 0 {
			return end + 1, sqlOther
		}
		return len(text), sqlOther
	case isWordByte(c):
		n := 1
		for n < len(text) && isWordByte(text[n]) {
			n++
		}
		return n, sqlWord
	}
	return 1, sqlOther
}

// quoted returns the length of a quoted token; a doubled quote stands for itself.
func quoted(text string, quote byte) int {
	for i := 1; i < len(text); i++ {
		if text[i] != quote {
			continue
		}
		if i+1 < len(text) && text[i+1] == quote {
			i++
			continue
		}
		return i + 1
	}
	return len(text)
}

func isWordByte(c byte) bool {
	return c == '_' || c == '$' || c >= 0x80 || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// firstWord returns a statement's first word in upper case.
func firstWord(statement string) string {
	for i := 0; i < len(statement); {
		n, kind := token(statement[i:])
		if kind == sqlWord {
			return strings.ToUpper(statement[i : i+n])
		}
		if kind == sqlOther {
			return ""
		}
		i += n
	}
	return ""
}

package manifest

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/agext/levenshtein"
	"github.com/cfboot/cfboot/provision"
)

// closest finds the candidate that word was most likely meant to be: at most a
// third of its characters, rounded up, are wrong, and not all of them.
func closest(word string, candidates []string) (string, bool) {
	const longest = 64 // nothing that a person slips on is longer
	n := utf8.RuneCountInString(word)
	if n == 0 || n > longest {
		return "", false
	}
	best, distance := "", min((n+2)/3, n-1)+1
	folded := strings.ToLower(word)
	for _, c := range candidates {
		if c == word {
			continue
		}
		if d := levenshtein.Distance(folded, strings.ToLower(c), nil); d < distance {
			best, distance = c, d
		}
	}
	return best, best != ""
}

// suggestion is the hint for a word that is not among those allowed.
func suggestion(word string, allowed []string) string {
	if c, ok := closest(word, allowed); ok {
		return didYouMean(c)
	}
	return "allowed here: " + strings.Join(allowed, ", ")
}

// problem words a fault. A suggested word stands in the very line that says what
// is wrong; the other hints follow.
func problem(at, text string, hints ...string) *provision.Problem {
	if len(hints) > 0 && strings.HasPrefix(hints[0], "did you mean ") {
		text, hints = text+"; "+hints[0], hints[1:]
	}
	return &provision.Problem{At: at, Text: text, Hints: hints, Class: provision.Failed}
}

func didYouMean(s string) string { return "did you mean " + quote(s) + "?" }

// quote shows what the file says in one short line, with nothing that a terminal
// would act on.
func quote(s string) string { return fmt.Sprintf("%q", abbreviate(s)) }

// word shows a name as it is where it follows the rules, else like quote.
func word(name string) string {
	if logicalForm().MatchString(name) && len(name) <= maxName {
		return name
	}
	return quote(name)
}

// label shows a key.
func label(k provision.Key) string { return k.Kind + "/" + word(k.Name) }

// words shows several names.
func words(names []string) string {
	var out []string
	for _, n := range names {
		out = append(out, word(n))
	}
	return strings.Join(out, ", ")
}

// abbreviate cuts what is too long for a message.
func abbreviate(s string) string {
	const most = 60 // characters
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most-1]) + "…"
}

// list names a few things in a sentence.
func list(words []string) string {
	var quoted []string
	for _, w := range words {
		quoted = append(quoted, quote(w))
	}
	return strings.Join(quoted, ", ")
}

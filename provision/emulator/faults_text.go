package emulator

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// faultKinds are the words for faults, in the order in which help shows them.
var faultKinds = []struct {
	word, says string
	fault      Failure
}{
	{"latency", "waits before the answer; delay=200ms jitter=50ms", Failure{Delay: Span(200 * time.Millisecond)}},
	{"lag", "hides what is younger; for=3s", Failure{Lag: Span(3 * time.Second)}},
	{"omit-newest", "lists leave out what was made last", Failure{OmitNewest: true}},
	{"repeat-last-page", "lists give their last page again and again", Failure{RepeatLastPage: true}},
	{"rate-limit", "429, code 971; retry-after=1", Failure{Status: http.StatusTooManyRequests, Code: 971, RetryAfter: "1", Message: "More than 1200 requests per 300 seconds reached. Please wait and consider throttling your request speed"}},
	{"auth", "403 with code 10000, as seen for a moment after a token was made", Failure{Status: http.StatusForbidden, Code: 10000, Message: "Authentication error"}},
	{"drop", "closes the connection without an answer", Failure{Drop: true}},
	{"html", "a page instead of JSON; status=502", Failure{Status: http.StatusBadGateway, Body: "<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>\n"}},
	{"empty", "an answer without a body; status=403", Failure{Status: http.StatusForbidden, ContentType: "text/plain"}},
	{"success-false", "success:false with status 200; code=971", Failure{Envelope200: true, Code: 971}},
}

// FaultHelp tells how a fault is written for ParseFailure, a line to each kind.
func FaultHelp() string {
	var b strings.Builder
	for _, k := range faultKinds {
		fmt.Fprintf(&b, "  %-17s %s\n", k.word, k.says)
	}
	fmt.Fprintf(&b, "  %-17s %s\n", "400 to 599", "an error with that status; code=N")
	return b.String()
}

// faultWords are the kinds in one line.
func faultWords() string {
	var words []string
	for _, k := range faultKinds {
		words = append(words, k.word)
	}
	return strings.Join(words, ", ") + " and the statuses 400 to 599"
}

// ParseFailure reads a fault as a person writes it:
//
//	KIND [METHOD] [PATH] [after] [count=N] [skip=N] [chance=P] [seed=N] ...
//
// PATH is a regular expression that begins with / or ^. With "after" the request
// has its effect first. The other settings are those that FaultHelp names.
func ParseFailure(text string) (Failure, error) {
	words := strings.Fields(text)
	if len(words) == 0 {
		return Failure{}, fmt.Errorf("a fault begins with its kind, one of %s", faultWords())
	}
	f, known := faultOfKind(words[0])
	if !known {
		return f, fmt.Errorf("%q is no kind of fault; there are %s", words[0], faultWords())
	}
	for _, word := range words[1:] {
		if err := f.parseWord(word); err != nil {
			return f, fmt.Errorf("fault %q: %w", text, err)
		}
	}
	if _, err := arm(f); err != nil {
		return f, fmt.Errorf("fault %q: %w", text, err)
	}
	return f, nil
}

func faultOfKind(word string) (Failure, bool) {
	for _, k := range faultKinds {
		if k.word == word {
			return k.fault, true
		}
	}
	status, err := strconv.Atoi(word)
	return Failure{Status: status}, err == nil && status >= 400 && status <= 599
}

var faultMethods = []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}

func (f *Failure) parseWord(word string) error {
	name, value, isSetting := strings.Cut(word, "=")
	switch {
	case strings.HasPrefix(word, "/") || strings.HasPrefix(word, "^"):
		f.Path = word
		return nil
	case slices.Contains(faultMethods, word):
		f.Method = word
		return nil
	case word == "after":
		f.After = true
		return nil
	case !isSetting:
		return fmt.Errorf("%q is no method, path or setting", word)
	}
	return f.parseSetting(name, value)
}

func (f *Failure) parseSetting(name, value string) (err error) {
	number := func(to *int) error {
		*to, err = strconv.Atoi(value)
		return err
	}
	switch name {
	case "count":
		return number(&f.Count)
	case "skip":
		return number(&f.Skip)
	case "status":
		return number(&f.Status)
	case "code":
		return number(&f.Code)
	case "chance":
		f.Chance, err = strconv.ParseFloat(value, 64)
	case "seed":
		f.Seed, err = strconv.ParseUint(value, 10, 64)
	case "retry-after":
		f.RetryAfter = value
	case "delay":
		err = f.Delay.UnmarshalText([]byte(value))
	case "jitter":
		err = f.Jitter.UnmarshalText([]byte(value))
	case "for":
		err = f.Lag.UnmarshalText([]byte(value))
	default:
		err = fmt.Errorf("there is no setting %q", name)
	}
	return err
}

// Word is the kind of a fault in a word, as the log shows it.
func (f Failure) Word() string {
	word := ""
	switch {
	case f.Drop:
		word = "drop"
	case f.Envelope200:
		word = "success-false"
	case f.Body != "":
		word = "html"
	case f.ContentType != "":
		word = "empty"
	case f.Status == http.StatusTooManyRequests:
		word = "rate-limit"
	case !f.passes():
		word = strconv.Itoa(cmpOr(f.Status, http.StatusInternalServerError))
	case f.OmitNewest:
		word = "omit-newest"
	case f.RepeatLastPage:
		word = "repeat-last-page"
	case f.Lag > 0:
		word = "lag"
	default:
		word = "latency"
	}
	if f.After {
		word += " after"
	}
	return word
}

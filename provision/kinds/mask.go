package kinds

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// hiddenText stands where a secret stood.
const hiddenText = "[hidden]"

// A Mask takes secrets out of text, also where they come encoded: a server, or
// what stands before it, may say back what it was sent in any form.
type Mask struct {
	mu      sync.Mutex
	secrets []string
	forms   *regexp.Regexp // of those secrets; nil: made when it is first needed
}

// NewMask makes a mask for secrets. Those of fewer than eight characters are
// left out: they would be found in words that have nothing to do with them.
func NewMask(secrets ...string) *Mask {
	m := new(Mask)
	for _, s := range secrets {
		m.Add(s)
	}
	return m
}

// Add makes the mask take out one secret more.
func (m *Mask) Add(secret string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(secret) >= 8 && !slices.Contains(m.secrets, secret) {
		m.secrets, m.forms = append(m.secrets, secret), nil
	}
}

// Text is s without the secrets.
func (m *Mask) Text(s string) string {
	if m == nil {
		return s
	}
	forms := m.compiled()
	if forms == nil {
		return s
	}
	return forms.ReplaceAllLiteralString(s, hiddenText)
}

func (m *Mask) compiled() *regexp.Regexp {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.forms == nil && len(m.secrets) > 0 {
		var forms []string
		for _, s := range m.secrets {
			forms = append(forms, escaped(s), hexadecimal(s), inBase64(s, 0), inBase64(s, 1), inBase64(s, 2))
		}
		m.forms = regexp.MustCompile(strings.Join(forms, "|"))
	}
	return m.forms
}

// learn makes the mask take out the secret that an answer is the first to name,
// from that answer on.
func (m *Mask) learn(body []byte) {
	if !bytes.Contains(body, []byte(`"secret"`)) {
		return
	}
	var e envelope[struct {
		Secret string `json:"secret"`
	}]
	if json.Unmarshal(body, &e) == nil { // else it is no answer that gives one
		m.Add(e.Result.Secret)
	}
}

// escaped matches a secret with any of its letters as it is or escaped as in JSON,
// URLs, HTML or mail.
func escaped(s string) string {
	var b strings.Builder
	for _, c := range s {
		fmt.Fprintf(&b, `(?:%s|(?i:\\+u%04x|&#0*%d;?|&#x0*%x;?|`, regexp.QuoteMeta(string(c)), c, c, c)
		for _, one := range []byte(string(c)) {
			fmt.Fprintf(&b, `(?:\\+x|%%(?:25)*|=)%02x`, one)
		}
		b.WriteString(")")
		switch c {
		case '"', '\\', '/':
			fmt.Fprintf(&b, `|\\+%s`, regexp.QuoteMeta(string(c)))
		case ' ':
			b.WriteString(`|\+`)
		}
		if name := map[rune]string{'&': "amp", '<': "lt", '>': "gt", '"': "quot", '\'': "apos"}[c]; name != "" {
			fmt.Fprintf(&b, `|(?i:&%s;)`, name)
		}
		b.WriteString(")")
	}
	return b.String()
}

// hexadecimal matches a secret in hexadecimal digits, together or apart.
func hexadecimal(s string) string {
	var pairs []string
	for _, c := range []byte(s) {
		pairs = append(pairs, fmt.Sprintf("%02x", c))
	}
	return "(?i:" + strings.Join(pairs, "[ :-]?") + ")"
}

// inBase64 matches a secret in base64 that has so many bytes (mod 3) before it.
// The digits that it shares with its neighbours are not matched: at each end
// that is less than one byte.
func inBase64(s string, before int) string {
	digits := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("\x00", before) + s))
	digits = digits[(before*8+5)/6 : (before+len(s))*8/6]
	return strings.NewReplacer("+", `(?:[+-]|(?i:%2b))`, "/", `(?:\\*/|_|(?i:%2f))`).Replace(digits)
}

package cli

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/templates"
	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

// Who copies a project's database every day.
const (
	backupWorker = "worker"
	backupExport = "export"
)

func patternNames() []string {
	var out []string
	for _, p := range templates.Patterns() {
		out = append(out, p.Name)
	}
	return out
}

func patternList() string {
	var b strings.Builder
	for _, p := range templates.Patterns() {
		fmt.Fprintf(&b, "  %-10s %s\n", p.Name, p.Summary)
	}
	return strings.TrimRight(b.String(), "\n")
}

// isFolder reports whether a person means a folder and not a pattern's name.
func isFolder(pattern string) bool {
	return strings.HasPrefix(pattern, ".") || strings.ContainsAny(pattern, `/\`)
}

// pattern finds what a person names: one that comes with cfboot, or a folder.
func (a *app) pattern(name string) (templates.Pattern, error) {
	known := "patterns: " + strings.Join(patternNames(), ", ") + ", or a folder of your own: ./my-pattern"
	if name == "" {
		return templates.Pattern{}, refused("which pattern? --pattern is needed", known)
	}
	if !isFolder(name) {
		p, ok := templates.Lookup(name)
		if !ok {
			return p, refused(fmt.Sprintf("there is no pattern %q%s", name, suggest(name, patternNames())), known)
		}
		return p, nil
	}
	p, err := templates.Open(a.path(filepath.FromSlash(name)))
	if err != nil {
		return p, badPattern(name, err)
	}
	p.Name = name
	return p, nil
}

// badPattern says what is wrong with a pattern of a person's own.
func badPattern(name string, err error) error {
	return &provision.Problem{At: name, Text: "it cannot be used as a pattern", Err: err, Class: provision.Refused,
		Hints: []string{"what a pattern may be: cfboot patterns --help"}}
}

var domainName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$`)
})

// hostName is a domain as a person typed it, in the one form that is used.
func hostName(typed string) (string, error) {
	host := strings.ToLower(strings.TrimSuffix(typed, "."))
	if host == "" && typed == "" {
		return "", nil
	}
	ascii, err := idna.Lookup.ToASCII(host)
	suffix, official := publicsuffix.PublicSuffix(host)
	switch {
	case strings.HasPrefix(host, "*."):
		return "", refused(fmt.Sprintf("%q is a wildcard: a project answers on one host", typed), "write --domain "+strings.TrimPrefix(host, "*."))
	case err == nil && ascii != host:
		return "", refused(fmt.Sprintf("%q has letters beyond ASCII", typed), "write it in punycode, which is what it is in DNS: --domain "+ascii)
	case err != nil || !domainName().MatchString(host) || len(host) > 253:
		return "", refused(fmt.Sprintf("%q is no domain", typed), "write it without scheme and path: my-saas.example (international names in punycode)")
	case host == suffix && official:
		return "", refused(fmt.Sprintf("%q is where domains are sold, and nobody's own", typed), "write the whole domain: my-saas."+host)
	}
	return host, nil
}

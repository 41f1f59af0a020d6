package manifest

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"sync"
)

// A Bucket is where "state" says that the project's states are kept. The zero value
// is where they are without: in files of the project's folder.
type Bucket struct {
	Name         string
	Prefix       string // of keys, without slashes at its ends; may be empty
	Jurisdiction string // empty: none
}

// LocalState is "state" where it says that states are kept in files.
const LocalState = "local"

// The rules for an address, as the schema states them too.
const (
	statePattern = `^(local|r2://[a-z0-9][a-z0-9-]{1,61}[a-z0-9](/[A-Za-z0-9][A-Za-z0-9._-]*)*(\?jurisdiction=(eu|us|fedramp))?)$`
	maxAddress   = 300
)

var stateForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(statePattern) })

// ParseBucket reads an address, r2://BUCKET/PREFIX?jurisdiction=eu, or "local".
// The error is a *SettingError without a place.
func ParseBucket(address string) (Bucket, error) {
	if why, hint := stateFault(address); why != "" {
		return Bucket{}, &SettingError{Text: fmt.Sprintf("the state's place %s %s", quote(address), why), Hints: []string{hint}}
	}
	rest, remote := strings.CutPrefix(address, "r2://")
	if !remote {
		return Bucket{}, nil
	}
	rest, query, _ := strings.Cut(rest, "?")
	name, prefix, _ := strings.Cut(rest, "/")
	return Bucket{Name: name, Prefix: prefix, Jurisdiction: strings.TrimPrefix(query, "jurisdiction=")}, nil
}

// stateFault says why s is no address, and what to write.
func stateFault(s string) (why, hint string) {
	const form = `write "r2://my-bucket/my-team", or "local"`
	u, err := url.Parse(s)
	switch {
	case stateForm().MatchString(s) && len(s) <= maxAddress:
		return "", ""
	case len(s) > maxAddress:
		return fmt.Sprintf("has more than %d characters", maxAddress), "use a shorter prefix"
	case !strings.HasPrefix(s, "r2://"):
		return "is neither an address of an R2 bucket nor \"local\"", form
	case err != nil || u.Host == "" || strings.ContainsAny(s, " %#@:\\") && strings.Count(s, ":") > 1:
		return "is no address", form
	case strings.HasSuffix(u.Path, "/"):
		return "ends in a slash", "write " + quote(strings.TrimRight(s, "/"))
	case u.RawQuery != "" && !strings.HasPrefix(u.RawQuery, "jurisdiction="):
		return "says what an address of a bucket cannot say", `only ?jurisdiction=eu, us or fedramp may follow the prefix`
	case u.RawQuery != "" && stateForm().MatchString("r2://"+u.Host+u.Path):
		return "names no jurisdiction that there is", "there are eu, us and fedramp; leave it out for none"
	case !stateForm().MatchString("r2://" + u.Host):
		return "names no bucket that could be", "3 to 63 small letters, digits and -, not at either end"
	}
	return "has a prefix that cannot be", "letters, digits, dots, dashes and underscores, parted by single slashes, each part with a letter or digit first"
}

// String is the address.
func (b Bucket) String() string {
	if b.Name == "" {
		return LocalState
	}
	s := "r2://" + b.Name
	if b.Prefix != "" {
		s += "/" + b.Prefix
	}
	if b.Jurisdiction != "" {
		s += "?jurisdiction=" + b.Jurisdiction
	}
	return s
}

func readState(root *value, r *report) (b Bucket, at int) {
	m, ok := root.get("state")
	if !ok {
		return Bucket{}, nowhere
	}
	if s, ok := text(m, r); ok {
		if why, hint := stateFault(s); why != "" {
			r.add(m.value.at, "the state's place "+quote(s)+" "+why, hint)
			return Bucket{}, m.value.at
		}
		b, _ = ParseBucket(s) // it has no fault
	}
	return b, m.value.at
}

// Whereabouts reads of a manifest just its name and where the state is, whatever
// else may be wrong with it. The error joins *provision.Problems, where these
// cannot be read.
func Whereabouts(file string, src []byte) (name string, b Bucket, err error) {
	r := &report{source: newSource(file, src)}
	root := parse(r.source, r)
	if root == nil {
		return "", Bucket{}, r.err()
	}
	r.found = nil
	b, _ = readState(root, r)
	return root.str("name"), b, r.err()
}

// StatePlace is where in the file "state" stands, for a message about it.
func (m *Manifest) StatePlace() string { return m.source.place(m.stateAt) }

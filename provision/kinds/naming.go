package kinds

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/cfboot/cfboot/provision"
)

// A naming is a product's rule for real names.
type naming struct {
	pattern func() *regexp.Regexp
	text    string // the rule in words
	max     int    // bytes
}

// form is a pattern that is compiled when a name is first held against it, and not
// when the program begins.
func form(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}

func (n naming) check(name string) error {
	if len(name) > n.max || !n.pattern().MatchString(name) {
		return fmt.Errorf("%q is no name for it: %s", name, n.text)
	}
	return nil
}

// realName is what a resource is called at Cloudflare: the name the manifest
// gives it, with the environment's name behind it outside production; else
// {project}-{logical}, or {project}-{environment}-{logical}. These are the
// names that wrangler would give to a binding of the same name, so that the two
// tools find each other's resources.
func (n naming) realName(in provision.Spec, logical string) string {
	name := in.Names[logical]
	switch {
	case name != "" && in.Environment == provision.Production:
	case name != "":
		name += "-" + in.Environment
	case in.Environment == provision.Production:
		name = in.Project + "-" + logical
	default:
		name = in.Project + "-" + in.Environment + "-" + logical
	}
	return n.shorten(name)
}

// shorten cuts a name that is too long and puts a digest of the whole behind
// it, so that two long names stay apart.
func (n naming) shorten(name string) string {
	if n.max == 0 || len(name) <= n.max {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	digest := hex.EncodeToString(sum[:])[:10]
	cut := n.max - len(digest) - 1
	for !utf8.RuneStart(name[cut]) {
		cut--
	}
	return strings.TrimRight(name[:cut], "-") + "-" + digest
}

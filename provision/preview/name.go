package preview

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/cfboot/cfboot/provision"
)

// longestName is how long the name of an environment may be.
const longestName = 20

var (
	nameForm   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`) })
	pullForm   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^pr-([1-9][0-9]{0,9})$`) })
	hashedForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`-[0-9a-f]{8}$`) })
)

// reserved are names that no environment has (provision/manifest).
var reserved = []string{provision.Production, "all", "default", "none", "top"}

// Name is the environment of a preview that is called so: a pull request (pr-7), a
// name, or a branch. A name that is a valid one stays as it is; any other becomes
// one with a hash behind it, and so does a valid one that looks as if it had one.
// So two branches never share a preview.
func Name(asked string) string {
	if pullForm().MatchString(asked) {
		return asked
	}
	if nameForm().MatchString(asked) && len(asked) <= longestName && !hashedForm().MatchString(asked) && !slices.Contains(reserved, asked) {
		return asked
	}
	sum := sha256.Sum256([]byte(asked))
	hash := hex.EncodeToString(sum[:4])
	head := slug(asked, longestName-len(hash)-1)
	if head == "" || head == "pr" { // pr-12345678 would be a pull request's
		head = "b" + head
	}
	return head + "-" + hash
}

// Existing is the environment of a preview that is there: what Name would make of
// a branch, or the name that a list has shown.
func Existing(asked string) string {
	if nameForm().MatchString(asked) && len(asked) <= longestName {
		return asked
	}
	return Name(asked)
}

// PullRequest is the number in pr-7.
func PullRequest(environment string) (int, bool) {
	m := pullForm().FindStringSubmatch(environment)
	if m == nil {
		return 0, false
	}
	n, err := strconv.Atoi(m[1])
	return n, err == nil
}

// slug keeps the letters and digits of a name, as they may stand in a host's.
func slug(s string, limit int) string {
	var b strings.Builder
	for _, c := range strings.ToLower(s) {
		letter := c >= 'a' && c <= 'z'
		switch {
		case letter, c >= '0' && c <= '9' && b.Len() > 0:
			b.WriteRune(c)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
		if b.Len() >= limit {
			break
		}
	}
	return strings.TrimRight(b.String(), "-")
}

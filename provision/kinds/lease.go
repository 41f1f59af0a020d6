package kinds

import (
	"strconv"
	"strings"
	"time"

	"github.com/cfboot/cfboot/provision"
)

// The tags of a preview, beside those of every resource. All that is made for one
// carries them; a lease that is renewed is written anew on one resource only.
const (
	tagClass   = "cfboot.class"   // "preview"; what sweep asks for
	tagFrom    = "cfboot.from"    // whose it is: made=TIME id=NUMBER pull=NUMBER repository=NAME branch=NAME
	tagExpires = "cfboot.expires" // when it may go, as RFC 3339 has times
)

const classPreview = "preview"

// longestBranch is more of a branch's name than anybody reads; a tag's value has
// 1,024 characters.
const longestBranch = 200

func encodeLease(out map[string]string, l *provision.Lease) {
	if l == nil {
		return
	}
	from := []string{"made=" + l.Made.UTC().Format(time.RFC3339)}
	add := func(key, value string) {
		if len(strings.Fields(value)) == 1 { // else it could claim to be another field
			from = append(from, key+"="+value)
		}
	}
	add("id", l.RepositoryID)
	if l.PullRequest > 0 {
		add("pull", strconv.Itoa(l.PullRequest))
	}
	add("repository", l.Repository)
	if branch := []rune(l.Branch); len(branch) > longestBranch {
		add("branch", string(branch[:longestBranch]))
	} else {
		add("branch", l.Branch)
	}
	out[tagClass], out[tagFrom] = classPreview, strings.Join(from, " ")
	out[tagExpires] = l.Expires.UTC().Format(time.RFC3339)
}

// decodeLease reads what encodeLease writes. What cannot be read is not known,
// which never makes a preview one that may go.
func decodeLease(tags map[string]string) *provision.Lease {
	if tags[tagClass] != classPreview {
		return nil
	}
	l := &provision.Lease{}
	for _, field := range strings.Fields(tags[tagFrom]) {
		switch key, value, _ := strings.Cut(field, "="); key {
		case "made":
			l.Made, _ = time.Parse(time.RFC3339, value)
		case "id":
			l.RepositoryID = value
		case "pull":
			l.PullRequest, _ = strconv.Atoi(value)
		case "repository":
			l.Repository = value
		case "branch":
			l.Branch = value
		}
	}
	l.Expires, _ = time.Parse(time.RFC3339, tags[tagExpires])
	return l
}

// For is the client for another environment of the same project, which has read
// nothing yet.
func (c *Client) For(environment string) *Client {
	other := *c
	other.environment, other.memo, other.past = environment, &memo{}, &past{}
	return &other
}

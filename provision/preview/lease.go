package preview

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/cfboot/cfboot/provision"
)

// The bounds of how long a preview lives without a push.
const (
	ShortestTTL = time.Hour
	LongestTTL  = 90 * 24 * time.Hour
)

// ParseTTL reads a duration as Go writes it, or in days: "36h", "7d".
func ParseTTL(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if days, is := strings.CutSuffix(s, "d"); is {
		var n int
		if n, err = strconv.Atoi(days); err == nil && n <= 1000 {
			d = time.Duration(n) * 24 * time.Hour
		}
	}
	if err != nil || d < ShortestTTL || d > LongestTTL {
		return 0, &provision.Problem{Text: fmt.Sprintf("%q is no time for a preview to live: from 1h to 90d", s), Class: provision.Refused, Hints: []string{"write something like 7d, or 36h"}}
	}
	return d, nil
}

// Renew gives the lease that a preview has after a push: from now on for ttl. A
// push that changes nothing else renews only what is half over, so that it takes
// no call; the preview then lives for half of ttl at least.
func Renew(l provision.Lease, ttl time.Duration, now time.Time, changed bool) (provision.Lease, bool) {
	left := l.Expires.Sub(now)
	if !changed && left >= ttl/2 && left <= ttl {
		return l, false
	}
	l.Expires = now.Add(ttl).UTC().Truncate(time.Second)
	return l, true
}

// Expired reports whether a lease is over. One whose end is not known is not.
func Expired(l provision.Lease, now time.Time) bool {
	return !l.Expires.IsZero() && now.After(l.Expires)
}

package preview

import (
	"fmt"
	"time"
)

// A Pull is what is known of a pull request.
type Pull string

// The states of a pull request. What could not be found out is Unknown, which is
// not Closed.
const (
	Open    Pull = "open"
	Closed  Pull = "closed"
	Unknown Pull = "unknown"
)

// Scope says whose previews may be decided upon, and when.
type Scope struct {
	Project      string
	RepositoryID string // "": only those that no repository made
	Now          time.Time
	// Pull says what a pull request of the repository is doing; nil: nobody can be
	// asked.
	Pull func(number int) Pull
}

// A Decision is what becomes of one preview.
type Decision struct {
	Preview Preview
	Doomed  *Doomed // nil: it stays
	Why     string
}

// A Doomed is a preview that may be deleted with all that it holds. There is no
// other way to one than Decide and Condemn, so what is no preview is never one.
type Doomed struct{ preview Preview }

// Environment is which it is.
func (d Doomed) Environment() string { return d.preview.Environment }

// Preview is what was decided upon.
func (d Doomed) Preview() Preview { return d.preview }

// Decide says of each preview of the scope whether it stays, and why. Those of
// other projects and repositories are not ours to speak of and left out.
func Decide(all []Preview, s Scope) []Decision {
	var out []Decision
	for _, p := range all {
		if !s.covers(p) {
			continue
		}
		remove, why := s.judge(p)
		d := Decision{Preview: p, Why: why}
		if remove {
			d.Doomed = &Doomed{p}
		}
		out = append(out, d)
	}
	return out
}

func (s Scope) covers(p Preview) bool {
	return p.proved && p.Project == s.Project && p.Lease.RepositoryID == s.RepositoryID
}

// judge is the whole of it: an open pull request keeps a preview as long as its
// lease runs, a closed one ends it, and where nobody knows, only time does.
func (s Scope) judge(p Preview) (remove bool, why string) {
	n := p.Lease.PullRequest
	pull := Unknown
	if n > 0 && s.Pull != nil {
		pull = s.Pull(n)
	}
	ends := p.Lease.Expires.UTC().Format(time.RFC3339)
	switch {
	case pull == Closed:
		return true, fmt.Sprintf("the pull request %d is closed", n)
	case n > 0 && s.Pull != nil && pull != Open:
		return false, fmt.Sprintf("nobody knows whether the pull request %d is open", n)
	case p.Expired(s.Now):
		return true, "expired " + ends
	case p.Lease.Expires.IsZero():
		return false, "when it expires is not known"
	case pull == Open:
		return false, fmt.Sprintf("the pull request %d is open; until %s", n, ends)
	}
	return false, "until " + ends
}

// Condemn is the decision of a person, or of a pull request that was closed, on
// one preview.
func Condemn(p Preview) (Doomed, bool) { return Doomed{p}, p.proved }

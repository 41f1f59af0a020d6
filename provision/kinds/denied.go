package kinds

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cfboot/cfboot/provision"
)

// A denial is a refusal for want of a permission.
type denial struct {
	permission string
	err        error
}

func (d *denial) Error() string { return fmt.Sprintf("it needs %q: %v", d.permission, d.err) }
func (d *denial) Unwrap() error { return d.err }

// wanting collects the permissions that reads were refused for want of, each
// with the resources that need it, so that a token is edited once.
type wanting struct {
	groups []*wantedGroup
}

type wantedGroup struct {
	permission string
	keys       []provision.Key
	err        error // the first refusal
}

// add takes err up if it is a refusal for want of a permission.
func (w *wanting) add(key provision.Key, err error) bool {
	var d *denial
	if !errors.As(err, &d) {
		return false
	}
	at := slices.IndexFunc(w.groups, func(g *wantedGroup) bool { return g.permission == d.permission })
	if at < 0 {
		at, w.groups = len(w.groups), append(w.groups, &wantedGroup{permission: d.permission, err: d})
	}
	w.groups[at].keys = append(w.groups[at].keys, key)
	return true
}

// lines are the refusals in words.
func (w *wanting) lines() (out []error) {
	for _, g := range w.groups {
		out = append(out, fmt.Errorf("%s: %w", named(g.keys), g.err))
	}
	return out
}

// hints says once what to add to the token: also what could not be asked,
// because the zone it belongs to could not be found.
func (w *wanting) hints() []string {
	if len(w.groups) == 0 {
		return nil
	}
	var lacks, unasked []string
	for _, g := range w.groups {
		lacks = append(lacks, fmt.Sprintf("%q (%s)", g.permission, named(g.keys)))
		if g.permission != zoneRead {
			continue
		}
		for _, k := range g.keys {
			if also := registry[k.Kind].Permission; !slices.Contains(unasked, also) && !w.has(also) {
				unasked = append(unasked, also)
			}
		}
	}
	out := []string{"the token lacks these permissions, or belongs to another account; edit it at " + tokensPage + ": " + strings.Join(lacks, ", "),
		"for a plan alone each may end in Read; apply needs Write"}
	for i, u := range unasked {
		unasked[i] = fmt.Sprintf("%q", u)
	}
	if len(unasked) > 0 {
		out = append(out, "whether it has "+strings.Join(unasked, " and ")+" could not be asked without "+fmt.Sprintf("%q", zoneRead))
	}
	return out
}

func (w *wanting) has(permission string) bool {
	return slices.ContainsFunc(w.groups, func(g *wantedGroup) bool { return g.permission == permission })
}

// zoneRead is what finding a zone takes, whatever is to be made in it.
const zoneRead = "Zone Read"

// named lists keys, the first of many.
func named(keys []provision.Key) string {
	const most = 5
	var out []string
	for _, k := range keys[:min(len(keys), most)] {
		out = append(out, k.String())
	}
	if more := len(keys) - most; more > 0 {
		return strings.Join(out, ", ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(out, ", ")
}

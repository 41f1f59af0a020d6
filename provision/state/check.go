package state

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/cfboot/cfboot/provision"
)

// The checks here hold for what is read and for what is recorded alike, so that
// nothing is ever saved that would not load again.
//
// A reference to a key that is neither an entry nor an intent is allowed. It
// comes about when something has vanished from Cloudflare and making it again
// is refused: then nothing of it is left to record, while what stood on it is
// still there. Such a reference orders nothing and disappears with the next
// successful run; refusing it would lock the owner out. A circle of references
// never comes about, because its steps could not be ordered.

func checkResources(st provision.State) *flaw {
	for _, k := range sortedKeys(st.Entries) {
		if err := checkEntry(st.Entries[k]); err != nil {
			return flawf("entries: %v", err)
		}
	}
	for _, k := range sortedKeys(st.Intents) {
		if err := checkIntent(st.Intents[k]); err != nil {
			return flawf("intents: %v", err)
		}
		if _, both := st.Entries[k]; both {
			return flawf("%s stands in both entries and intents", k)
		}
	}
	if circle := findCircle(st); circle != nil {
		return flawf("refs go in a circle: %s", circleText(circle))
	}
	return nil
}

func checkEntry(e provision.Entry) error {
	if err := checkKeys(e.Key, e.Refs); err != nil {
		return err
	}
	if strings.TrimSpace(e.ID) == "" {
		return fmt.Errorf("%s has no id", e.Key)
	}
	return nil
}

// checkIntent also wants a time: what an intent made is told from what stood
// there before by being younger than it.
func checkIntent(i provision.Intent) error {
	if err := checkKeys(i.Key, i.Refs); err != nil {
		return err
	}
	if i.Time.IsZero() {
		return fmt.Errorf("%s has no time", i.Key)
	}
	return nil
}

func checkKeys(k provision.Key, refs []provision.Key) error {
	if k == (provision.Key{}) {
		return errors.New("it has no key")
	}
	for _, k := range append([]provision.Key{k}, refs...) {
		again, err := provision.ParseKey(k.String())
		if err != nil || again != k || strings.ContainsFunc(k.String(), unprintable) {
			return fmt.Errorf("%q is no key", k)
		}
	}
	if slices.Contains(refs, k) {
		return fmt.Errorf("%s refers to itself", k)
	}
	return nil
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }

// findCircle returns keys that refer to one another in a circle, or nil.
func findCircle(st provision.State) []provision.Key {
	g := refGraph{state: st, left: map[provision.Key]bool{}}
	for _, k := range sortedKeys(st.Entries) {
		if c := g.visit(k); c != nil {
			return c
		}
	}
	for _, k := range sortedKeys(st.Intents) {
		if c := g.visit(k); c != nil {
			return c
		}
	}
	return nil
}

// circleAt is findCircle for the circles that lead through k.
func circleAt(st provision.State, k provision.Key) []provision.Key {
	g := refGraph{state: st, left: map[provision.Key]bool{}}
	return g.visit(k)
}

type refGraph struct {
	state provision.State
	trail []provision.Key
	left  map[provision.Key]bool // seen, and not part of a circle
}

func (g *refGraph) visit(k provision.Key) []provision.Key {
	if i := slices.Index(g.trail, k); i >= 0 {
		return slices.Clone(g.trail[i:])
	}
	if g.left[k] {
		return nil
	}
	g.trail = append(g.trail, k)
	for _, r := range g.refs(k) {
		if c := g.visit(r); c != nil {
			return c
		}
	}
	g.trail = g.trail[:len(g.trail)-1]
	g.left[k] = true
	return nil
}

func (g *refGraph) refs(k provision.Key) []provision.Key {
	if e, ok := g.state.Entries[k]; ok {
		return e.Refs
	}
	return g.state.Intents[k].Refs
}

func circleText(circle []provision.Key) string {
	var parts []string
	for _, k := range append(circle, circle[0]) {
		parts = append(parts, k.String())
	}
	return strings.Join(parts, " -> ")
}

package provision

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

// A Rebuilt is a state made anew of what exists and says that it is ours, where
// the record was lost.
type Rebuilt struct {
	State    State
	ByTags   []Key      // its tags say so
	ByMark   []Key      // its comment or script tag says so
	ByRefs   []Key      // the manifest wants it between things that are ours, and there it is
	Unproven []Conflict // wanted and there, but nothing says that it is ours
}

// Rebuild finds what is ours of the environment that st names, which owns nothing:
// by the resource tags that were found in the account; by the marks of what the
// manifest wants; and what takes neither, by what it stands on. It writes nothing.
//
// tagged may be of several states, where one was lost before. lineage chooses;
// left empty, there may be but one.
func Rebuild(ctx context.Context, r Reader, traits map[string]Traits, desired []Resource, tagged []Tagged, st State, lineage string, now time.Time) (Rebuilt, error) {
	lineage, err := chooseLineage(tagged, lineage)
	if err != nil {
		return Rebuilt{}, err
	}
	st.Lineage, st.Entries, st.Intents = lineage, map[Key]Entry{}, map[Key]Intent{}
	b := rebuilder{Rebuilt: Rebuilt{State: st}, traits: traits, now: now.UTC(), wanted: map[Key]Resource{}}
	for _, d := range desired {
		b.wanted[d.Key] = d
	}
	if err := b.byTags(ctx, r, tagged); err != nil {
		return Rebuilt{}, err
	}
	if err := b.byManifest(ctx, r, desired); err != nil {
		return Rebuilt{}, err
	}
	b.dropDangling()
	return b.Rebuilt, nil
}

// chooseLineage is the one that was asked for, or the only one there is.
func chooseLineage(tagged []Tagged, asked string) (string, error) {
	count := map[string]int{}
	for _, t := range tagged {
		count[t.Tags.Lineage]++
	}
	all := slices.Sorted(maps.Keys(count))
	switch {
	case asked != "" && count[asked] == 0:
		return "", &Problem{Text: fmt.Sprintf("no resource carries the tags of a state with the lineage %q", asked), Class: Refused, Hints: lineageHints(all, count)}
	case asked != "" || len(all) == 0:
		return asked, nil
	case len(all) > 1:
		return "", &Problem{Text: "the resources carry the tags of several states, so several projects or several lost records have used this name", Class: Refused, Hints: lineageHints(all, count)}
	}
	return all[0], nil
}

func lineageHints(all []string, n map[string]int) (hints []string) {
	for _, l := range all {
		hints = append(hints, fmt.Sprintf("choose this one: --lineage %s (%s)", l, count(n[l], "resource")))
	}
	return hints
}

type rebuilder struct {
	Rebuilt
	traits map[string]Traits
	wanted map[Key]Resource
	now    time.Time
}

// byTags takes in what carries the tags of the state, as far as it still exists.
func (b *rebuilder) byTags(ctx context.Context, r Reader, tagged []Tagged) error {
	refs := map[Key][]Key{}
	var look []Wanted
	for _, t := range tagged {
		if t.Tags.Lineage != b.State.Lineage {
			continue
		}
		if _, twice := refs[t.Tags.Key]; twice {
			return &Problem{At: t.Tags.Key.String(), Text: fmt.Sprintf("two resources carry its tags, one of them %q: only one can be it", t.Name), Class: Refused,
				Hints: []string{"take the tags that begin with cfboot. off the one that is not it"}}
		}
		refs[t.Tags.Key] = t.Tags.Refs
		b.lease(t.Tags.Lease)
		d := b.wanted[t.Tags.Key]
		look = append(look, Wanted{Key: t.Tags.Key, Name: t.Name, ID: t.ID, Settings: d.Settings, Local: d.Local})
	}
	seen, err := observe(ctx, r, b.State, look, false)
	if err != nil {
		return err
	}
	for _, w := range look {
		if obs := seen[w.Key]; obs.Exists {
			b.take(obs, refs[w.Key], Marked)
			b.ByTags = append(b.ByTags, w.Key)
		}
	}
	return nil
}

// lease takes over what the tags say of a preview. Each resource has the lease of
// the day it was made, and one of them every renewal: the last to end counts.
func (b *rebuilder) lease(l *Lease) {
	if have := b.State.Preview; l != nil && (have == nil || have.Expires.Before(l.Expires)) {
		b.State.Preview = &PreviewRecord{Lease: *l}
	}
}

// byManifest takes in what the manifest wants and what is there, where a mark
// says that it is ours, or all that it stands on is.
func (b *rebuilder) byManifest(ctx context.Context, r Reader, desired []Resource) error {
	asked := map[Key]bool{}
	// What stands on something comes after it.
	for again := true; again; {
		again = false
		var look []Wanted
		for _, d := range desired {
			_, have := b.State.Entries[d.Key]
			ready := !slices.ContainsFunc(d.Refs, func(k Key) bool { _, ok := b.State.Entries[k]; return !ok })
			if !have && !asked[d.Key] && ready {
				look = append(look, asWanted(d, b.State))
				asked[d.Key] = true
			}
		}
		seen, err := observe(ctx, r, b.State, look, false)
		if err != nil {
			return err
		}
		for _, w := range look {
			again = b.judge(b.wanted[w.Key], seen[w.Key]) || again
		}
	}
	return nil
}

// judge decides on one resource of the manifest and says whether it was taken in.
func (b *rebuilder) judge(d Resource, obs Observed) bool {
	switch joins := b.traits[d.Key.Kind].Marks == 0 && len(d.Refs) > 0 && b.joins(obs); {
	case !obs.Exists:
		return false
	case obs.Ours:
		b.ByMark = append(b.ByMark, d.Key)
	case obs.Mark == "" && joins:
		b.ByRefs = append(b.ByRefs, d.Key)
	default:
		c := foreign(d, obs)
		c.Adoptable = obs.Mark == ""
		b.Unproven = append(b.Unproven, *c)
		return false
	}
	b.take(obs, d.Refs, Unmarked)
	return true
}

// joins reports whether whatever a resource visibly belongs to is ours.
func (b *rebuilder) joins(obs Observed) bool {
	return obs.Owner != "" && slices.ContainsFunc(Sorted(b.State.Entries), func(e Entry) bool { return e.Name == obs.Owner })
}

// take makes the entry of a resource that is there. Of its settings those are
// recorded that the manifest names, or where it does not name the resource, all.
func (b *rebuilder) take(obs Observed, refs []Key, mark Mark) {
	e := Entry{Key: obs.Key, Name: obs.Name, ID: obs.ID, Zone: obs.Zone, Settings: Settings{}, Refs: refs, Created: obs.Created.UTC(), Updated: b.now, Marked: mark}
	if obs.Created.IsZero() {
		e.Created = b.now
	}
	d, wanted := b.wanted[obs.Key]
	for name, v := range obs.Settings {
		if _, named := d.Settings[name]; named || !wanted {
			e.Settings[name] = v
		}
	}
	if wanted {
		e.Local, e.Protected = d.Local, d.Protect != nil && *d.Protect
	}
	b.State.Entries[obs.Key] = e
}

// dropDangling takes out of the entries what they stood on and is gone.
func (b *rebuilder) dropDangling() {
	for k, e := range b.State.Entries {
		e.Refs = slices.DeleteFunc(slices.Clone(e.Refs), func(r Key) bool { _, ok := b.State.Entries[r]; return !ok })
		b.State.Entries[k] = e
	}
}

package provision

import (
	"fmt"
	"reflect"
	"slices"
)

// What can have become of a resource of ours behind our back.
const (
	Gone      = "gone"
	Changed   = "changed"   // a setting is not what was last applied
	Renamed   = "renamed"   // it has our id and another name
	Recreated = "recreated" // it is gone, and another one has its name
	Taken     = "taken"     // it is gone, and another one of another name has its place
)

// A Drift is one way in which a resource is not as the state says.
type Drift struct {
	Key      Key      `json:"key"`
	What     string   `json:"what"`
	Settings []Change `json:"settings,omitempty"` // what differs: Old is what was recorded, New what is there
	// Ignorable are those of the settings that the manifest may tell cfboot to
	// leave alone.
	Ignorable []string `json:"ignorable,omitempty"`
}

// idSetting is the name under which a changed id is shown.
const idSetting = "id"

// drift compares an entry with what stands for it now, which it returns too. Of
// what cannot be seen it says nothing.
func (d differ) drift(e Entry, ignore []string) ([]Drift, Observed) {
	t := d.traits[e.Key.Kind].leaving(ignore, nil, nil)
	obs, ahead := d.seen.Now[e.Key], d.seen.Ahead[e.Key]
	if !obs.Exists && ahead.Exists && ahead.ID != "" && ahead.ID == e.ID {
		obs = ahead // it was too fresh to be seen a moment before
	}
	anew := func(what string, by Observed) []Drift {
		one := Drift{Key: e.Key, What: what}
		for _, c := range []Change{{Setting: NameSetting, Old: e.Name, New: by.Name}, {Setting: idSetting, Old: e.ID, New: by.ID}} {
			if c.Old != c.New {
				one.Settings = append(one.Settings, c)
			}
		}
		return []Drift{one}
	}
	switch {
	case !obs.Exists && obs.Blocked != "":
		return nil, obs
	case obs.Exists && usurped(e, obs):
		return anew(Taken, obs), obs
	case !obs.Exists && ahead.Exists && ahead.Name == e.Name:
		return anew(Recreated, ahead), ahead
	case !obs.Exists:
		return []Drift{{Key: e.Key, What: Gone}}, obs
	}
	var out []Drift
	if obs.Name != "" && obs.Name != e.Name {
		out = append(out, Drift{Key: e.Key, What: Renamed, Settings: []Change{{Setting: NameSetting, Old: e.Name, New: obs.Name}}})
	}
	if changes := t.drifted(e.Settings, obs.Settings); changes != nil {
		out = append(out, d.changed(e.Key, changes))
	}
	return out, obs
}

func (d differ) changed(k Key, changes []Change) Drift {
	out := Drift{Key: k, What: Changed, Settings: changes}
	for _, c := range changes {
		if slices.Contains(d.traits[k.Kind].Ignorable, c.Setting) {
			out.Ignorable = append(out.Ignorable, c.Setting)
		}
	}
	return out
}

// drifted lists the settings that were applied and that Cloudflare reports to be
// something else. One of which nobody knows what became of it is none of them.
func (t Traits) drifted(applied, seen Settings) []Change {
	var out []Change
	for _, name := range sortedUnion(applied, nil) {
		last := applied[name]
		now, reported := seen[name]
		if reported && last != nil && !slices.Contains(t.Hints, name) && !reflect.DeepEqual(last, now) {
			out = append(out, Change{Setting: name, Old: last, New: now})
		}
	}
	return out
}

// drifts is what a plan has to do with because of somebody else. What was changed
// to just what the manifest says needs nobody's choice, and may as well be our own
// update whose answer was lost.
func (d differ) drifts(desired []Resource, p Plan) []Drift {
	ignore := map[Key][]string{}
	for _, r := range desired {
		ignore[r.Key] = r.Ignore
	}
	steps, conflicts := map[Key]Step{}, map[Key]bool{}
	for _, s := range p.Steps {
		steps[s.Key] = s
	}
	for _, c := range p.Conflicts {
		conflicts[c.Key] = true
	}
	var out []Drift
	for _, e := range Sorted(d.state.Entries) {
		all, _ := d.drift(e, ignore[e.Key])
		for _, one := range all {
			if one.What == Renamed || one.What == Changed {
				one.Settings = slices.DeleteFunc(one.Settings, func(c Change) bool { return !steps[e.Key].undoes(c.Setting) && !conflicts[e.Key] })
				if len(one.Settings) == 0 {
					continue
				}
			}
			if one.What == Changed {
				one = d.changed(e.Key, one.Settings)
			}
			out = append(out, one)
		}
	}
	return out
}

// undoes reports whether the step changes a setting that was changed behind our
// back.
func (s Step) undoes(setting string) bool {
	return slices.ContainsFunc(s.Changes, func(c Change) bool { return c.Setting == setting && c.Drift })
}

// remade is the conflict over one that was made again by hand in the place of
// ours.
func remade(r Resource, e Entry, obs Observed) *Conflict {
	if obs.Name != e.Name {
		return foreign(r, obs)
	}
	return notOurs(r, obs, fmt.Sprintf("%q was deleted and made again outside cfboot, and the new one is not provably ours", r.Name))
}

// tookPlace is the reason for which only a record goes.
func tookPlace(obs Observed) string {
	return fmt.Sprintf("%q has taken its place: that is left alone, only the record goes", obs.Name)
}

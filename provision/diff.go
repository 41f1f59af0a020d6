package provision

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"
)

// Traits is what Diff has to know of a kind.
type Traits struct {
	Replace  []string // settings that cannot be changed in place; NameSetting for the real name
	Hints    []string // settings that Cloudflare may ignore: never compared
	Defaults Settings // what a setting goes back to when the manifest no longer names it
	Store    bool     // it may hold data that dies with it
	// Calls is the number of API calls that a step takes; changes are those of
	// an update, or on a create the settings wanted.
	Calls func(a Action, changes []Change) int
}

func (t Traits) replaces(setting string) bool { return slices.Contains(t.Replace, setting) }

// Seen is what was observed for a plan.
type Seen struct {
	Now   map[Key]Observed // what stands where the state, an intent or the manifest says
	Ahead map[Key]Observed // what stands at the new name of a resource that is to be renamed or remade
}

// clockSkew is how far Cloudflare's clock may be behind ours before a resource
// that appeared after an intent looks older than it.
const clockSkew = 5 * time.Minute

// Diff compares what is wanted with what we own and what Cloudflare reports. It
// reads nothing and changes nothing. With nothing desired the plan destroys.
func Diff(traits map[string]Traits, desired []Resource, st State, seen Seen) Plan {
	d := differ{traits: traits, state: st, seen: seen}
	p := Plan{
		Version: PlanVersion, Project: st.Project, Environment: st.Environment, Account: st.Account,
		Lineage: st.Lineage, Serial: st.Serial,
	}
	wanted := map[Key]bool{}
	for _, r := range desired {
		wanted[r.Key] = true
		step, conflict := d.want(r)
		if conflict != nil {
			p.Conflicts = append(p.Conflicts, *conflict)
			continue
		}
		p.Steps = append(p.Steps, step)
	}
	var rest []Key
	for k := range st.Entries {
		if !wanted[k] {
			rest = append(rest, k)
		}
	}
	for k := range st.Intents {
		if _, owned := st.Entries[k]; !owned && !wanted[k] {
			rest = append(rest, k)
		}
	}
	slices.SortFunc(rest, compareKeys)
	for _, k := range rest {
		p.Steps = append(p.Steps, d.unwant(k))
	}
	d.followReplacements(p.Steps)
	for i := range p.Steps {
		p.Steps[i].Calls = d.calls(p.Steps[i])
	}
	return p
}

type differ struct {
	traits map[string]Traits
	state  State
	seen   Seen
}

// want plans one resource of the manifest.
func (d differ) want(r Resource) (Step, *Conflict) {
	s := Step{Key: r.Key, Name: r.Name, Settings: r.Settings, Local: r.Local, Refs: r.Refs}
	obs := d.seen.Now[r.Key]
	s.Zone, s.ID = obs.Zone, obs.ID
	if obs.Blocked != "" {
		return s, &Conflict{Key: r.Key, Name: r.Name, Text: obs.Blocked}
	}
	entry, owned := d.state.Entries[r.Key]
	intent, begun := d.state.Intents[r.Key]
	switch {
	case owned && obs.Exists:
		return d.compare(s, entry, obs)
	case owned:
		s.Action, s.ID = Create, ""
		s.Reason = "it is gone from Cloudflare and will be made again"
		if d.traits[r.Key.Kind].Store {
			s.Reason = "it is gone from Cloudflare with all it held, and will be made again empty"
		}
	case begun && obs.Exists && proven(intent, obs):
		s, conflict := d.compare(s, asEntry(intent), obs)
		if s.Action == Keep || s.Action == Update {
			s.Action = Adopt
		}
		s.Reason = "made by a run that was cut off"
		return s, conflict
	case obs.Exists && obs.Ours:
		s, conflict := d.compare(s, Entry{Key: r.Key, Name: obs.Name, Zone: obs.Zone, Local: r.Local, Refs: r.Refs}, obs)
		if s.Action == Keep || s.Action == Update {
			s.Action = Adopt
		}
		s.Reason = "it carries our mark"
		return s, conflict
	case obs.Exists:
		return s, foreign(r, obs)
	default:
		s.Action, s.ID = Create, ""
	}
	// What was begun under another name and is not there was never made; what
	// stands at the new name is still to be seen.
	if ahead, ok := d.seen.Ahead[r.Key]; ok {
		if ahead.Exists {
			return s, foreign(r, ahead)
		}
		s.Zone = ahead.Zone
	}
	return s, nil
}

// compare plans a resource that exists and is ours.
func (d differ) compare(s Step, e Entry, obs Observed) (Step, *Conflict) {
	t := d.traits[s.Key.Kind]
	s.Prior, s.PriorRefs = merged(e.Settings, obs.Settings), e.Refs
	s.Zone = firstNonEmpty(obs.Zone, e.Zone)
	if old := firstNonEmpty(obs.Name, e.Name); old != s.Name {
		s.PriorName = old
		s.Changes = append(s.Changes, Change{Setting: NameSetting, Old: old, New: s.Name,
			Drift: old != e.Name, Replaces: t.replaces(NameSetting)})
		if ahead := d.seen.Ahead[s.Key]; ahead.Exists && ahead.ID != obs.ID {
			return s, foreign(Resource{Key: s.Key, Name: s.Name}, ahead)
		}
	}
	s.Changes = append(s.Changes, t.compare(s.Settings, e.Settings, obs.Settings)...)
	s.Changes = append(s.Changes, localChanges(s.Local, e.Local)...)
	if !slices.Equal(s.Refs, e.Refs) && len(s.Changes) == 0 {
		s.Changes = append(s.Changes, Change{Setting: "refs", Old: keyStrings(e.Refs), New: keyStrings(s.Refs), Local: true})
	}
	switch {
	case slices.ContainsFunc(s.Changes, func(c Change) bool { return c.Replaces }):
		s.Action = Replace
		d.guard(&s, obs)
		if ahead, ok := d.seen.Ahead[s.Key]; ok && ahead.Zone != "" {
			s.Zone = ahead.Zone
		}
	case len(s.Changes) > 0:
		s.Action = Update
	default:
		s.Action = Keep
	}
	return s, nil
}

// unwant plans an entry or an open intent that the manifest does not name.
func (d differ) unwant(k Key) Step {
	s := Step{Action: Delete, Key: k}
	obs := d.seen.Now[k]
	e, owned := d.state.Entries[k]
	if !owned {
		e = asEntry(d.state.Intents[k])
		s.Reason = "begun by a run that was cut off"
		if !obs.Exists {
			s.Gone, s.Reason = true, "begun by a run that was cut off, and never made"
		} else if !proven(d.state.Intents[k], obs) {
			s.Gone, s.Reason = true, "not made by us: it is left alone, only the record goes"
		}
	} else if !obs.Exists {
		s.Gone, s.Reason = true, "it is gone from Cloudflare already; only the record goes"
	}
	s.Name, s.Settings, s.Local, s.PriorRefs = e.Name, e.Settings, e.Local, e.Refs
	s.ID, s.Zone = firstNonEmpty(obs.ID, e.ID), firstNonEmpty(obs.Zone, e.Zone)
	if s.Gone {
		return s
	}
	for other, oe := range d.state.Entries {
		if other != k && (slices.Contains(obs.Uses, oe.Name) || slices.Contains(obs.Uses, oe.ID)) && !slices.Contains(s.PriorRefs, other) {
			s.PriorRefs = append(s.PriorRefs, other)
		}
	}
	slices.SortFunc(s.PriorRefs, compareKeys)
	d.guard(&s, obs)
	return s
}

// guard asks for consent where a step destroys what a store holds.
func (d differ) guard(s *Step, obs Observed) {
	if obs.Data != "" {
		s.Data, s.Consent = obs.Data, DeleteData
	}
}

// followReplacements makes what stands on a replaced resource be replaced with
// it: a consumer does not outlive its queue.
func (d differ) followReplacements(steps []Step) {
	action := map[Key]Action{}
	for _, s := range steps {
		action[s.Key] = s.Action
	}
	for again := true; again; {
		again = false
		for i := range steps {
			s := &steps[i]
			if s.Action != Keep && s.Action != Update {
				continue
			}
			for _, r := range s.PriorRefs {
				if action[r] == Replace {
					s.Action, s.Reason = Replace, fmt.Sprintf("%s is replaced", r)
					action[s.Key] = Replace
					d.guard(s, d.seen.Now[s.Key])
					again = true
					break
				}
			}
		}
	}
}

func (d differ) calls(s Step) int {
	count := d.traits[s.Key.Kind].Calls
	if count == nil || s.Gone {
		return 0
	}
	remote := slices.DeleteFunc(slices.Clone(s.Changes), func(c Change) bool { return c.Local })
	switch s.Action {
	case Create:
		return count(Create, asChanges(s.Settings))
	case Replace:
		return count(Delete, nil) + count(Create, asChanges(s.Settings))
	case Delete:
		return count(Delete, nil)
	case Update, Adopt:
		if len(remote) > 0 {
			return count(Update, remote)
		}
	}
	return 0
}

// compare lists the settings that differ: each wanted one against what
// Cloudflare reports, or where it reports none against what was last applied.
func (t Traits) compare(want, applied, seen Settings) []Change {
	var out []Change
	for _, name := range sortedUnion(want, applied) {
		if slices.Contains(t.Hints, name) {
			continue
		}
		w, asked := want[name]
		if !asked {
			if w, asked = t.Defaults[name]; !asked {
				continue
			}
		}
		old, reported := seen[name]
		last, known := applied[name]
		if !reported {
			old = last
		}
		if reflect.DeepEqual(w, old) {
			continue
		}
		out = append(out, Change{Setting: name, Old: old, New: w,
			Drift: reported && known && !reflect.DeepEqual(old, last), Replaces: t.replaces(name)})
	}
	return out
}

func localChanges(want, have Settings) []Change {
	var out []Change
	for _, name := range sortedUnion(want, have) {
		if !reflect.DeepEqual(want[name], have[name]) {
			out = append(out, Change{Setting: name, Old: have[name], New: want[name], Local: true})
		}
	}
	return out
}

// proven reports whether what was found is what the intent was making: it has
// the very name, looked up as the intent says, and is not older than it.
func proven(i Intent, obs Observed) bool {
	return obs.Ours || obs.Created.IsZero() || !obs.Created.Before(i.Time.Add(-clockSkew))
}

func foreign(r Resource, obs Observed) *Conflict {
	text := fmt.Sprintf("%q exists already and is not provably ours", r.Name)
	if obs.Owner != "" {
		text += " (it belongs to " + obs.Owner + ")"
	}
	return &Conflict{Key: r.Key, Name: r.Name, ID: obs.ID, Owner: obs.Owner, Text: text}
}

func asEntry(i Intent) Entry {
	return Entry{Key: i.Key, Name: i.Name, Zone: i.Zone, Settings: i.Settings, Local: i.Local, Refs: i.Refs}
}

func asChanges(s Settings) []Change {
	var out []Change
	for _, name := range slices.Sorted(maps.Keys(s)) {
		out = append(out, Change{Setting: name, New: s[name]})
	}
	return out
}

func merged(base, over Settings) Settings {
	out := Settings{}
	maps.Copy(out, base)
	maps.Copy(out, over)
	return out
}

func sortedUnion(a, b Settings) []string {
	names := slices.Collect(maps.Keys(a))
	for n := range b {
		if _, both := a[n]; !both {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	return names
}

func keyStrings(keys []Key) []any {
	out := []any{}
	for _, k := range keys {
		out = append(out, k.String())
	}
	return out
}

func firstNonEmpty(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

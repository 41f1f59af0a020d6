package provision

import (
	"context"
	"fmt"
	"maps"
)

// NewRefresh observes whatever the state names and compares it with the state.
// Of the manifest only what it ignores counts. It goes out in one round, and in
// one more where something is gone by its id, to see who has its name.
func NewRefresh(ctx context.Context, r Reader, traits map[string]Traits, desired []Resource, st State) (Plan, error) {
	owned := State{Entries: st.Entries} // what was begun and is not finished is an apply's
	now, _ := wants(nil, owned)
	var seen Seen
	var err error
	if seen.Now, err = observe(ctx, r, st, now, false); err != nil {
		return Plan{}, err
	}
	var namesakes []Wanted
	for _, w := range now {
		if w.ID != "" && !seen.Now[w.Key].Exists {
			w.ID = ""
			namesakes = append(namesakes, w)
		}
	}
	if seen.Ahead, err = observe(ctx, r, st, namesakes, false); err != nil {
		return Plan{}, err
	}
	return Refresh(traits, desired, st, seen), nil
}

// Refresh compares what we own with what Cloudflare reports, and plans to record
// the difference. Like Diff it reads nothing and changes nothing, and no step of
// its plan takes a call: a record is changed, or goes.
func Refresh(traits map[string]Traits, desired []Resource, st State, seen Seen) Plan {
	d := differ{traits: traits, state: st, seen: seen}
	p := Plan{
		Version: PlanVersion, Project: st.Project, Environment: st.Environment, Account: st.Account,
		Refresh: true, Lineage: st.Lineage, Serial: st.Serial, Steps: []Step{},
	}
	ignore := map[Key][]string{}
	for _, r := range desired {
		ignore[r.Key] = r.Ignore
	}
	for _, e := range Sorted(st.Entries) {
		drift, obs := d.drift(e, ignore[e.Key])
		if !obs.Exists && obs.Blocked != "" {
			p.Conflicts = append(p.Conflicts, Conflict{Key: e.Key, Name: e.Name, ID: e.ID, Text: "it cannot be seen: " + obs.Blocked})
			continue
		}
		p.Drift = append(p.Drift, drift...)
		p.Steps = append(p.Steps, accept(e, drift, obs))
	}
	return p
}

// accept plans to record one resource as it is now.
func accept(e Entry, drift []Drift, obs Observed) Step {
	s := Step{Action: Keep, Key: e.Key, Name: e.Name, ID: e.ID, Zone: e.Zone, Settings: e.Settings, Local: e.Local,
		Refs: e.Refs, PriorRefs: e.Refs, Protected: e.Protected}
	forget := func(reason string) { s.Action, s.Gone, s.Reason = Delete, true, reason }
	for _, one := range drift {
		switch {
		case one.What == Gone:
			forget("it is gone from Cloudflare; only the record goes")
		case one.What == Taken:
			forget(tookPlace(obs))
		case one.What == Recreated && !obs.Ours:
			forget(fmt.Sprintf("it was deleted and made again outside cfboot, under the id %s: that one is left alone, only the record goes", obs.ID))
		default:
			s.Action, s.ID, s.Zone = Update, firstNonEmpty(obs.ID, e.ID), firstNonEmpty(obs.Zone, e.Zone)
			s.record(one)
		}
		if one.What == Recreated && obs.Ours {
			s.Reason = "it was deleted and made again outside cfboot, and carries our mark"
		}
	}
	return s
}

// record takes what drifted into the step, as changes of the record alone.
func (s *Step) record(one Drift) {
	settings := maps.Clone(s.Settings)
	for _, c := range one.Settings {
		switch {
		case one.What == Changed:
			settings[c.Setting] = c.New
		case c.Setting == NameSetting:
			s.Name, _ = c.New.(string)
		}
		c.Drift, c.Local = true, true
		s.Changes = append(s.Changes, c)
	}
	s.Settings = settings
}

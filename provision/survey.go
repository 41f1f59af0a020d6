package provision

import (
	"context"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"
)

// NewPlan observes whatever the desired resources and the state name, and
// compares. It goes out in one round of parallel calls, as far as the kinds
// need no other answer first. Only two things add one more: a step that would
// destroy a store, to see what the store holds, and a resource that is gone by
// its id, to see who has its name. With destroy everything owned is unwanted
// and the stores that are not only released are counted at once.
func NewPlan(ctx context.Context, r Reader, traits map[string]Traits, desired []Resource, st State, destroy bool) (Plan, error) {
	if destroy {
		desired = nil
	}
	now, ahead := wants(desired, st)
	counted, released := now, []Wanted(nil)
	if destroy {
		isReleased := func(w Wanted) bool { return st.Entries[w.Key].Adopted }
		counted = slices.DeleteFunc(slices.Clone(now), isReleased)
		released = slices.DeleteFunc(slices.Clone(now), func(w Wanted) bool { return !isReleased(w) })
	}
	var seen Seen
	var others map[Key]Observed
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) { seen.Now, err = observe(gctx, r, st, counted, destroy); return err })
	g.Go(func() (err error) { others, err = observe(gctx, r, st, released, false); return err })
	g.Go(func() (err error) { seen.Ahead, err = observe(gctx, r, st, ahead, false); return err })
	if err := g.Wait(); err != nil {
		return Plan{}, err
	}
	maps.Copy(seen.Now, others)
	// Who has the name of what is gone by its id is known only now.
	namesakes, err := observe(ctx, r, st, vanished(desired, st, seen), false)
	if err != nil {
		return Plan{}, err
	}
	maps.Copy(seen.Ahead, namesakes)
	p := Diff(traits, desired, st, seen)
	if !destroy {
		if err := countData(ctx, r, traits, st, now, &seen, p); err != nil {
			return Plan{}, err
		}
		p = Diff(traits, desired, st, seen)
	}
	p.Destroy = destroy
	return p, nil
}

// observe asks for what is wanted and insists on an answer for all of it: to
// take silence for absence would be to make things twice. It says of each by its
// tags whether it is st's.
func observe(ctx context.Context, r Reader, st State, wanted []Wanted, withData bool) (map[Key]Observed, error) {
	out := map[Key]Observed{}
	if len(wanted) == 0 {
		return out, nil
	}
	seen, err := r.Observe(ctx, wanted, withData)
	if err != nil {
		return nil, err
	}
	for _, w := range wanted {
		o, ok := seen[w.Key]
		if !ok {
			return nil, &Problem{At: w.Key.String(), Text: "Cloudflare's answer says nothing of it"}
		}
		st.judge(&o)
		out[w.Key] = o
	}
	return out, nil
}

// vanished lists the desired resources whose entry is gone by its id and whose
// name was not looked at yet, without the id.
func vanished(desired []Resource, st State, seen Seen) []Wanted {
	var out []Wanted
	for _, r := range desired {
		e, owned := st.Entries[r.Key]
		_, looked := seen.Ahead[r.Key]
		if owned && !looked && e.ID != "" && !seen.Now[r.Key].Exists {
			out = append(out, asWanted(r, st))
		}
	}
	return out
}

// countData observes the stores that p would destroy once more, with what they
// hold.
func countData(ctx context.Context, r Reader, traits map[string]Traits, st State, wanted []Wanted, seen *Seen, p Plan) error {
	doomed := map[Key]bool{}
	for _, s := range p.Steps {
		if (s.Action == Delete || s.Action == Replace) && !s.Gone && traits[s.Key.Kind].Store {
			doomed[s.Key] = true
		}
	}
	if len(doomed) == 0 {
		return nil
	}
	wanted = slices.DeleteFunc(slices.Clone(wanted), func(w Wanted) bool { return !doomed[w.Key] })
	counted, err := observe(ctx, r, st, wanted, true)
	maps.Copy(seen.Now, counted)
	return err
}

// wants lists what to observe: where the state or an open intent says a
// resource is, else where the manifest wants it; and ahead the place of a new
// name, where something of somebody else's may stand.
func wants(desired []Resource, st State) (now, ahead []Wanted) {
	of := func(e Entry) Wanted {
		return Wanted{Key: e.Key, Name: e.Name, ID: e.ID, Zone: e.Zone, Settings: e.Settings, Local: e.Local, Refs: entriesOf(e.Refs, st)}
	}
	done := map[Key]bool{}
	for _, r := range desired {
		done[r.Key] = true
		w := asWanted(r, st)
		e, owned := st.Entries[r.Key]
		if i, begun := st.Intents[r.Key]; begun && !owned {
			e, owned = asEntry(i), true
		}
		if !owned {
			now = append(now, w)
			continue
		}
		now = append(now, of(e))
		if e.Name != r.Name {
			ahead = append(ahead, w)
		}
	}
	for k, e := range st.Entries {
		if !done[k] {
			done[k] = true
			now = append(now, of(e))
		}
	}
	for k, i := range st.Intents {
		if !done[k] {
			now = append(now, of(asEntry(i)))
		}
	}
	slices.SortFunc(now, func(a, b Wanted) int { return compareKeys(a.Key, b.Key) })
	return now, ahead
}

func asWanted(r Resource, st State) Wanted {
	return Wanted{Key: r.Key, Name: r.Name, Settings: r.Settings, Local: r.Local, Applied: st.Entries[r.Key].Settings, Refs: entriesOf(r.Refs, st)}
}

func entriesOf(keys []Key, st State) map[Key]Entry {
	out := map[Key]Entry{}
	for _, k := range keys {
		if e, ok := st.Entries[k]; ok {
			out[k] = e
		}
	}
	return out
}

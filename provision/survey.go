package provision

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"
)

// NewPlan observes whatever the desired resources and the state name, and
// compares. It goes out in one round of parallel calls, as far as the kinds
// need no other answer first; only a step that would destroy a store adds one
// more, to see what the store holds. With destroy everything owned is unwanted
// and the stores are counted at once.
func NewPlan(ctx context.Context, r Reader, traits map[string]Traits, desired []Resource, st State, destroy bool) (Plan, error) {
	if destroy {
		desired = nil
	}
	now, ahead := wants(desired, st)
	var seen Seen
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) { seen.Now, err = r.Observe(gctx, now, destroy); return err })
	if len(ahead) > 0 {
		g.Go(func() (err error) { seen.Ahead, err = r.Observe(gctx, ahead, false); return err })
	}
	if err := g.Wait(); err != nil {
		return Plan{}, err
	}
	p := Diff(traits, desired, st, seen)
	if !destroy {
		if err := countData(ctx, r, traits, now, &seen, p); err != nil {
			return Plan{}, err
		}
		p = Diff(traits, desired, st, seen)
	}
	p.Destroy = destroy
	return p, nil
}

// countData observes the stores that p would destroy once more, with what they
// hold.
func countData(ctx context.Context, r Reader, traits map[string]Traits, wanted []Wanted, seen *Seen, p Plan) error {
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
	counted, err := r.Observe(ctx, wanted, true)
	if err != nil {
		return err
	}
	for k, o := range counted {
		seen.Now[k] = o
	}
	return nil
}

// wants lists what to observe: where the state or an open intent says a
// resource is, else where the manifest wants it; and ahead the place of a new
// name, where something of somebody else's may stand.
func wants(desired []Resource, st State) (now, ahead []Wanted) {
	refs := func(keys []Key) map[Key]Entry {
		m := map[Key]Entry{}
		for _, k := range keys {
			if e, ok := st.Entries[k]; ok {
				m[k] = e
			}
		}
		return m
	}
	of := func(e Entry) Wanted {
		return Wanted{Key: e.Key, Name: e.Name, ID: e.ID, Zone: e.Zone, Settings: e.Settings, Local: e.Local, Refs: refs(e.Refs)}
	}
	done := map[Key]bool{}
	for _, r := range desired {
		done[r.Key] = true
		w := Wanted{Key: r.Key, Name: r.Name, Settings: r.Settings, Local: r.Local, Refs: refs(r.Refs)}
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

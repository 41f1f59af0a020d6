package provision

import (
	"fmt"
	"slices"
)

// standOnGuesses completes what the steps' resources stand on with what is not
// recorded but likely: a resource that goes, on whatever it was seen to be bound
// to, so that a queue does not go before the Worker that sends to it; one that
// only its mark proves ours, on what it is to refer to. Where a recorded
// reference says the opposite, as between two Workers that are bound to each
// other, the guess gives way, because a circle could not be ordered.
func (d differ) standOnGuesses(steps []Step) {
	at := map[Key]*Step{}
	for i := range steps {
		at[steps[i].Key] = &steps[i]
	}
	var stands func(k, on Key, seen map[Key]bool) bool
	stands = func(k, on Key, seen map[Key]bool) bool {
		if k == on {
			return true
		}
		s, ok := at[k]
		if !ok || seen[k] {
			return false
		}
		seen[k] = true
		return slices.ContainsFunc(s.PriorRefs, func(r Key) bool { return stands(r, on, seen) })
	}
	called := map[string][]Key{} // what is owned, by its name and its id
	for _, e := range d.state.Entries {
		called[e.Name] = append(called[e.Name], e.Key)
		called[e.ID] = append(called[e.ID], e.Key)
	}
	for i := range steps {
		s := &steps[i]
		for _, on := range d.guesses(*s, called) {
			if !slices.Contains(s.PriorRefs, on) && !stands(on, s.Key, map[Key]bool{}) {
				s.PriorRefs = append(slices.Clip(s.PriorRefs), on)
			}
		}
		s.PriorRefs = slices.SortedFunc(slices.Values(s.PriorRefs), compareKeys)
	}
}

func (d differ) guesses(s Step, called map[string][]Key) (out []Key) {
	_, owned := d.state.Entries[s.Key]
	_, begun := d.state.Intents[s.Key]
	switch {
	case s.Gone || s.Action == Create:
	case s.Action == Delete:
		for _, use := range d.seen.Now[s.Key].Uses {
			out = append(out, called[use]...)
		}
		slices.SortFunc(out, compareKeys)
		return slices.Compact(out)
	case !owned && !begun:
		return s.Refs
	}
	return out
}

// followReplacements makes what stands on a replaced resource be replaced with
// it: a consumer does not outlive its queue. What leaves it by a change in place
// stays, unless that change itself has to wait until the replaced one is back.
func (d differ) followReplacements(steps []Step) {
	replaced := map[Key]bool{}
	for _, s := range steps {
		replaced[s.Key] = s.Action == Replace
	}
	follow := func(s *Step, reason string) {
		s.Action, s.Reason = Replace, reason
		replaced[s.Key] = true
		d.replace(s, d.seen.Now[s.Key])
	}
	inPlace := func(s Step) bool { return s.Action == Keep || s.Action == Update || s.Action == Adopt }
	for again := true; again; {
		again = false
		for i := range steps {
			s := &steps[i]
			on := slices.IndexFunc(s.PriorRefs, func(r Key) bool { return replaced[r] && slices.Contains(s.Refs, r) })
			if inPlace(*s) && on >= 0 {
				follow(s, fmt.Sprintf("%s is replaced", s.PriorRefs[on]))
				again = true
			}
		}
		if again {
			continue
		}
		nodes := graph(steps)
		for _, n := range circle(nodes) {
			i := slices.IndexFunc(steps, func(s Step) bool { return s.Key == nodes[n].step.Key })
			if inPlace(steps[i]) {
				follow(&steps[i], "what it stands on goes before what it is to stand on is there")
				again = true
				break
			}
		}
	}
}

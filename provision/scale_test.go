package provision

import (
	"fmt"
	"runtime"
	"testing"
	"time"
)

// A state of 5,000 resources is planned in a second or so and in little memory,
// whatever is to become of them. The limits are wide, for the race detector and
// for machines that do other things too: they find what grows with the square.
func TestPlanOf5000(t *testing.T) {
	const n = 5000
	st := owned()
	var desired []Resource
	seen := Seen{Now: map[Key]Observed{}, Ahead: map[Key]Observed{}}
	for i := range n {
		k := Key{[]string{"box", "store"}[i%2], fmt.Sprint("b", i)}
		s := Settings{"note": "red"}
		var refs []Key
		if i%2 == 1 {
			refs = []Key{{"box", fmt.Sprint("b", i-1)}}
		}
		st.Entries[k] = Entry{Key: k, Name: k.Name, ID: fmt.Sprint("id", i), Settings: s, Refs: refs}
		desired = append(desired, Resource{Key: k, Name: k.Name, Settings: s, Refs: refs})
		o := there(k, fmt.Sprint("id", i), k.Name, s)
		o.Uses = []string{fmt.Sprint("id", i-i%2)}
		seen.Now[k] = o
	}
	for _, tt := range []struct {
		name    string
		want    []Resource
		state   State
		seen    Seen
		changes int
	}{
		{"nothing to do", desired, st, seen, 0},
		{"all to make", desired, State{}, Seen{}, n},
		{"all to delete", nil, st, seen, n},
		{"half to delete", desired[:n/2], st, seen, n / 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			began := time.Now()
			p := Diff(fakeTraits, tt.want, tt.state, tt.seen)
			took := time.Since(began)
			runtime.ReadMemStats(&after)
			changes := 0
			for _, count := range p.Changes() {
				changes += count
			}
			if used := (after.TotalAlloc - before.TotalAlloc) >> 20; changes != tt.changes || took > 10*time.Second || used > 200 {
				t.Errorf("%d changes after %s and %d MiB", changes, took, used)
			}
		})
	}
}

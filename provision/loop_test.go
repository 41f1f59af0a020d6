package provision

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// drawDesired draws resources that refer to one another without circles. The
// order in which they may refer is drawn too, so that a later set may turn a
// reference of an earlier one round.
func drawDesired(t *rapid.T) []Resource {
	keys := rapid.Permutation([]Key{
		{"store", "a"}, {"store", "b"}, {"box", "c"}, {"box", "d"}, {"link", "e"}, {"link", "f"}, {"tag", "g"}, {"tag", "h"}, {"crate", "i"}, {"crate", "j"},
	}).Draw(t, "keys")
	keys = keys[:rapid.IntRange(0, len(keys)).Draw(t, "n")]
	var out []Resource
	for i, k := range keys {
		r := Resource{Key: k, Name: fmt.Sprintf("%s-%d", k.Name, rapid.IntRange(0, 2).Draw(t, "name")), Settings: Settings{}, Local: Settings{}}
		maybe := func(s Settings, name string, values ...any) {
			if v := rapid.SampledFrom(append(values, nil)).Draw(t, name); v != nil {
				s[name] = v
			}
		}
		switch k.Kind {
		case "store":
			maybe(r.Settings, "class", "small", "big")
			maybe(r.Settings, "near", "east", "west")
			maybe(r.Settings, "seal", "lead", "wax")
			maybe(r.Settings, "keep", 1.0, 2.0)
		case "box":
			maybe(r.Settings, "color", "red", "grey")
			maybe(r.Settings, "secret", "x", "y")
		}
		maybe(r.Local, "binding", "A", "B")
		to := []any{}
		for _, on := range out[:i] {
			if rapid.IntRange(0, 3).Draw(t, "ref") == 0 {
				r.Refs = append(r.Refs, on.Key)
				to = append(to, on.Name)
			}
		}
		r.Settings["to"] = to
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b Resource) int { return compareKeys(a.Key, b.Key) })
	return out
}

// meddle does behind our back what people do in the dashboard.
func (c *cloud) meddle(t *rapid.T) {
	entries := Sorted(c.rec.state.Entries)
	if len(entries) == 0 {
		return
	}
	e := rapid.SampledFrom(entries).Draw(t, "meddled")
	it := c.items[e.ID]
	if it == nil {
		return
	}
	switch rapid.SampledFrom([]string{"nothing", "delete", "paint", "rename", "fill", "usurp"}).Draw(t, "meddling") {
	case "delete":
		delete(c.items, it.id)
	case "paint":
		if e.Settings["color"] != nil { // else nobody looks after it
			it.settings["color"] = "pink"
		}
	case "rename":
		if it.kind == "box" && c.named("box", "other-0") == nil {
			it.name = "other-0"
		}
	case "fill":
		if it.kind == "store" {
			it.data = "3 rows"
		}
	case "usurp":
		delete(c.items, it.id)
		c.settle(it.kind, it.name)
	}
}

// acknowledge records what people did, by a refresh: it sends nothing, and leaves
// nothing to record.
func (c *cloud) acknowledge(t *rapid.T) {
	c.revive()
	for again := range 2 {
		p, err := NewRefresh(t.Context(), c, fakeTraits, nil, c.snapshot())
		if err != nil || len(p.Conflicts) > 0 || again == 1 && (!p.Empty() || p.Drift != nil) {
			t.Fatalf("the refresh is %+v, %v", p, err)
		}
		if _, err := c.apply(p, c.options()); err != nil {
			t.Fatalf("a refresh failed: %v", err)
		}
	}
	if c.calls["Create"]+c.calls["Update"]+c.calls["Delete"]+c.calls["Begin"] > 0 {
		t.Fatalf("a refresh did %v", c.log)
	}
}

// mislay loses the record of a wanted tag, which its mark still proves ours, or of
// a crate, which its resource tags do.
func (c *cloud) mislay(t *rapid.T, desired []Resource) bool {
	tag := rapid.SampledFrom([]Key{{"tag", "g"}, {"crate", "i"}}).Draw(t, "what is mislaid")
	wanted := slices.IndexFunc(desired, func(r Resource) bool { return r.Key == tag })
	e, owned := c.rec.state.Entries[tag]
	if wanted < 0 || !owned || e.Name != desired[wanted].Name || c.items[e.ID] == nil || tag.Kind == "crate" && e.Marked != Marked || len(e.Refs) > 0 || !rapid.Bool().Draw(t, "mislaid") {
		return false
	}
	delete(c.rec.state.Entries, tag)
	c.items[e.ID].hidden = 0
	return true
}

// settle puts somebody else's resource there.
func (c *cloud) settle(kind, name string) {
	if c.named(kind, name) != nil {
		return
	}
	c.made++
	id := fmt.Sprintf("foreign%d", c.made)
	c.items[id] = &item{kind: kind, id: id, name: name, zone: zoneOf(Key{Kind: kind}, name), settings: Settings{}, foreign: true, created: c.now.Add(-24 * 60 * 60 * 1e9)}
}

func drawFault(t *rapid.T) []fault {
	call := rapid.SampledFrom([]string{"none", "Observe", "Begin", "Create", "Create", "Keep", "Mark", "Update", "Delete", "Forget", "Find", "Drop"}).Draw(t, "call")
	if call == "none" {
		return nil
	}
	hows := []how{refused, crash, crashAfter}
	switch call {
	case "Create", "Update", "Mark", "Delete":
		hows = []how{refused, lost, lostDone, crash, crashAfter, panics}
	}
	f := []fault{{call, rapid.IntRange(1, 5).Draw(t, "nth"), rapid.SampledFrom(hows).Draw(t, "how")}}
	if call == "Find" || call == "Drop" { // they come only after another fault
		how := map[string]how{"Find": lostDone, "Drop": refused}[call]
		f[0].nth = 1
		f = append(f, fault{"Create", rapid.IntRange(1, 5).Draw(t, "create"), how})
	}
	return f
}

// attempt runs once; what it plans while something foreign is in the way must
// do nothing, and then that goes away. It says whether the run was finished.
func (c *cloud) attempt(t *rapid.T, desired []Resource, destroy bool) error {
	p, err := c.plan(desired, destroy)
	if err != nil {
		return err
	}
	o := c.options()
	if n := len(p.Consents()); n > 0 || len(p.Conflicts) > 0 {
		o.Allow = nil
		if n == 0 {
			o.Allow = p.Consents()
		}
		writes := len(c.log)
		var problem *Problem
		if _, err := c.apply(p, o); !errors.As(err, &problem) || problem.Class != Refused {
			t.Fatalf("a plan with conflicts %v and consents %v ended in %v", p.Conflicts, p.Consents(), err)
		}
		if len(c.log) != writes {
			t.Fatalf("a plan that was refused did %v", c.log[writes:])
		}
		for _, conflict := range p.Conflicts {
			it := c.items[conflict.ID]
			if it == nil || !it.foreign {
				t.Fatalf("%s: %s: nothing foreign has the id %q", conflict.Key, conflict.Text, conflict.ID)
			}
			delete(c.items, it.id) // by its owner
		}
		if len(p.Conflicts) > 0 {
			return c.attempt(t, desired, destroy)
		}
		o.Allow = p.Consents()
	}
	before := c.foreign()
	res, err := c.apply(p, o)
	if d := cmp.Diff(before, c.foreign(), cmp.AllowUnexported(item{})); d != "" {
		t.Fatalf("foreign resources changed:\n%s", d)
	}
	if n := res.Done + res.Failed + res.Skipped; n != len(graphKeys(p)) {
		t.Fatalf("%+v counts %d steps of %d", res, n, len(graphKeys(p)))
	}
	if err == nil && (res.Failed > 0 || res.Skipped > 0) {
		t.Fatalf("no error with %+v", res)
	}
	return err
}

func graphKeys(p Plan) map[Key]bool {
	keys := map[Key]bool{}
	for _, s := range p.Steps {
		if s.Action != Keep {
			keys[s.Key] = true
		}
	}
	return keys
}

// settled runs without faults until nothing is left to do: once, or twice where
// something was too fresh to be seen when the plan was made.
func (c *cloud) settled(t *rapid.T, desired []Resource, destroy bool) {
	c.revive()
	err := c.attempt(t, desired, destroy)
	if err != nil && c.lag > 0 {
		err = c.attempt(t, desired, destroy)
	}
	if err != nil {
		t.Fatalf("a run without faults failed: %v\n%s", err, strings.Join(c.log, "\n"))
	}
	if d := c.differs(desired); d != "" {
		t.Fatalf("after a run without faults:\n%s\n%s", d, strings.Join(c.log, "\n"))
	}
	p, err := c.plan(desired, destroy)
	if err != nil || !p.Empty() {
		t.Fatalf("the next plan is %+v, %v", p, err)
	}
}

// Whatever single fault strikes a run, one more run without any ends where the
// manifest says: each resource once, the state equal to the cloud, nothing left
// to do, and nothing foreign ever touched.
func TestAnyFaultIsMendedByTheNextRun(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newCloud(t)
		c.parallel = rapid.SampledFrom([]int{1, 1, 1, 8}).Draw(t, "parallel") // 1 can be replayed exactly
		for range rapid.IntRange(1, 3).Draw(t, "rounds") {
			desired := drawDesired(t)
			if rapid.IntRange(0, 3).Draw(t, "somebody else's") == 0 && len(desired) > 0 {
				r := rapid.SampledFrom(desired).Draw(t, "at")
				c.settle(r.Key.Kind, r.Name)
			}
			c.meddle(t)
			if rapid.IntRange(0, 2).Draw(t, "accepted") == 0 {
				c.acknowledge(t)
			}
			unknown := c.mislay(t, desired)
			c.lag = rapid.IntRange(0, 1).Draw(t, "lag")
			c.revive(drawFault(t)...)
			err := c.attempt(t, desired, false)
			if err == nil && !c.dead {
				if d := c.differs(desired); d != "" {
					t.Fatalf("a run that was done left:\n%s\n%s", d, strings.Join(c.log, "\n"))
				}
			}
			if !unknown && rapid.Bool().Draw(t, "another mind") {
				desired = drawDesired(t)
			}
			c.settled(t, desired, false)
		}
		before := maps.Clone(c.foreign())
		c.revive(drawFault(t)...)
		_ = c.attempt(t, nil, true)
		c.settled(t, nil, true)
		if d := cmp.Diff(before, c.foreign(), cmp.AllowUnexported(item{})); d != "" {
			t.Fatalf("destroying touched what is foreign:\n%s", d)
		}
	})
}

package provision

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var crateA = Resource{Key: Key{"crate", "a"}, Name: "a", Settings: Settings{"to": []any{}}, Local: Settings{}}

func TestTagsDecideWhoseItIs(t *testing.T) {
	st := State{Lineage: "L", Project: "shop", Environment: Production}
	tags := func(lineage, project, env, name string) *Tags {
		return &Tags{Lineage: lineage, Project: project, Environment: env, Key: Key{"crate", name}}
	}
	for _, tt := range []struct {
		name  string
		tags  *Tags
		ours  bool
		mark  string
		stray string
	}{
		{"none: the mark counts", nil, true, "", ""},
		{"ours", tags("L", "shop", Production, "a"), true, "", ""},
		{"another key", tags("L", "shop", Production, "b"), false, "shop/production/b", ""},
		{"another environment", tags("L", "shop", "qa", "a"), false, "shop/qa/a", ""},
		{"another project", tags("L", "other", Production, "a"), false, "other/production/a", ""},
		{"another state of this project", tags("M", "shop", Production, "a"), false, "shop/production/a", "M"},
	} {
		o := Observed{Key: Key{"crate", "a"}, Exists: true, Ours: true, Tags: tt.tags}
		st.judge(&o)
		if o.Ours != tt.ours || o.Mark != tt.mark || o.Stray != tt.stray {
			t.Errorf("%s: ours %v, mark %q, stray %q", tt.name, o.Ours, o.Mark, o.Stray)
		}
	}
}

// What a run makes is tagged once; where tags are denied the next plan is empty
// all the same, and where the run ended before them the next one puts them.
func TestMarking(t *testing.T) {
	for _, tt := range []struct {
		name    string
		tagless bool
		fault   []fault
		first   Class // -1: no error
		marked  Mark
		again   int // times that the next run tags it
	}{
		{"put", false, nil, -1, Marked, 0},
		{"denied", true, nil, -1, MarkDenied, 0},
		{"failed", false, []fault{{"Mark", 1, refused}}, Partial, Unmarked, 1},
		{"killed before", false, []fault{{"Mark", 1, crash}}, Partial, Unmarked, 1},
		{"killed after", false, []fault{{"Mark", 1, crashAfter}}, Partial, Unmarked, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t)
			c.tagless = tt.tagless
			c.revive(tt.fault...)
			err := c.run([]Resource{crateA}, false)
			var p *Problem
			if (tt.first < 0) != (err == nil) || err != nil && (!errors.As(err, &p) || p.Class != tt.first) {
				t.Fatalf("the first run ended with %v", err)
			}
			if got := c.rec.state.Entries[crateA.Key].Marked; got != tt.marked {
				t.Errorf("it is recorded as %q", got)
			}
			c.revive()
			if err := c.run([]Resource{crateA}, false); err != nil {
				t.Fatal(err)
			}
			if n := c.calls["Mark"]; n != tt.again {
				t.Errorf("the next run tagged it %d times, want %d", n, tt.again)
			}
			if got := c.rec.state.Entries[crateA.Key].Marked; got != MarkDenied && got != Marked {
				t.Errorf("then it is recorded as %q", got)
			}
			if next, err := c.plan([]Resource{crateA}, false); err != nil || !next.Empty() {
				t.Errorf("then the plan is %+v, %v", next, err)
			}
		})
	}
}

// What was taken over is not tagged: its tags are its owner's.
func TestAdoptedIsNotTagged(t *testing.T) {
	e := Entry{Key: crateA.Key, Name: "a", ID: "1", Settings: crateA.Settings, Local: Settings{}, Adopted: true}
	p := Diff(fakeTraits, []Resource{crateA}, State{Entries: map[Key]Entry{e.Key: e}},
		Seen{Now: map[Key]Observed{e.Key: {Key: e.Key, Exists: true, ID: "1", Name: "a", Settings: crateA.Settings}}})
	if !p.Empty() || p.Steps[0].Mark {
		t.Errorf("%+v", p.Steps)
	}
}

// A rebuilt state is the lost one, as far as Cloudflare tells.
func TestRebuild(t *testing.T) {
	tag := Resource{Key: Key{"tag", "t"}, Name: "t-1", Settings: Settings{"to": []any{}}, Local: Settings{}}
	box := Resource{Key: Key{"box", "b"}, Name: "b-1", Settings: Settings{"to": []any{}}, Local: Settings{}}
	desired := []Resource{crateA, tag, box}
	c := newCloud(t)
	if err := c.run(desired, false); err != nil {
		t.Fatal(err)
	}
	lost := c.snapshot()
	var tagged []Tagged
	for id, it := range c.items {
		if it.tags != nil {
			tagged = append(tagged, Tagged{Tags: *it.tags, Name: it.name, ID: id})
		}
	}
	blank := State{Project: lost.Project, Environment: lost.Environment, Account: lost.Account}
	got, err := Rebuild(context.Background(), c, fakeTraits, desired, tagged, blank, "", c.now)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]Key{crateA.Key}, got.ByTags); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]Key{tag.Key}, got.ByMark); d != "" {
		t.Error(d)
	}
	if len(got.Unproven) != 1 || got.Unproven[0].Key != box.Key || !got.Unproven[0].Adoptable {
		t.Errorf("what nothing proves ours: %+v", got.Unproven)
	}
	if got.State.Lineage != lost.Lineage {
		t.Errorf("lineage %q", got.State.Lineage)
	}
	for _, k := range []Key{crateA.Key, tag.Key} {
		want, have := lost.Entries[k], got.State.Entries[k]
		want.Created, want.Updated, have.Created, have.Updated = time.Time{}, time.Time{}, time.Time{}, time.Time{}
		if d := cmp.Diff(want, have); d != "" {
			t.Errorf("%s (-lost +rebuilt):\n%s", k, d)
		}
	}

	twice := append(tagged, Tagged{Tags: tagged[0].Tags, Name: "double", ID: "other"})
	if _, err := Rebuild(context.Background(), c, fakeTraits, desired, twice, blank, "", c.now); err == nil || !strings.Contains(err.Error(), `two resources carry its tags`) {
		t.Errorf("tags on two: %v", err)
	}
	elsewhere := tagged[0]
	elsewhere.Tags.Lineage = "M"
	_, err = Rebuild(context.Background(), c, fakeTraits, desired, append(tagged, elsewhere), blank, "", c.now)
	var p *Problem
	if !errors.As(err, &p) || p.Class != Refused || len(p.Hints) != 2 {
		t.Errorf("two lineages: %v", err)
	}
}

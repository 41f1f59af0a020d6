package provision

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestRefreshOfOneResource(t *testing.T) {
	entry := Entry{Key: box, Name: "a", ID: "1", Zone: "z", Settings: Settings{"color": "red", "secret": "x", "size": nil}}
	was := owned(entry)
	marked := there(box, "9", "a", Settings{"color": "red"})
	marked.Ours = true
	accepted := func(name string, color any) Change {
		return Change{Setting: name, Old: map[string]any{"color": "red", "name": "a", "id": "1"}[name], New: color, Drift: true, Local: true}
	}
	for _, tt := range []struct {
		name     string
		want     []Resource
		seen     Seen
		step     Step
		what     []string
		settings Settings
	}{
		{"as recorded, whatever the manifest wants", []Resource{{Key: box, Name: "b", Settings: Settings{"color": "blue"}}}, now(there(box, "1", "a", Settings{"color": "red"})),
			Step{Action: Keep, Name: "a", ID: "1", Zone: "z"}, nil, entry.Settings},
		{"what was never applied, or not for sure, is none of ours", nil, now(there(box, "1", "a", Settings{"color": "red", "size": 3.0, "shape": "round"})),
			Step{Action: Keep, Name: "a", ID: "1", Zone: "z"}, nil, entry.Settings},
		{"changed", nil, now(there(box, "1", "a", Settings{"color": "pink"})),
			Step{Action: Update, Name: "a", ID: "1", Zone: "z", Changes: []Change{accepted("color", "pink")}}, []string{Changed}, Settings{"color": "pink", "secret": "x", "size": nil}},
		{"changed, and ignored", []Resource{{Key: box, Name: "a", Ignore: []string{"color"}}}, now(there(box, "1", "a", Settings{"color": "pink"})),
			Step{Action: Keep, Name: "a", ID: "1", Zone: "z"}, nil, entry.Settings},
		{"renamed and changed", nil, now(there(box, "1", "b", Settings{"color": "pink"})),
			Step{Action: Update, Name: "b", ID: "1", Zone: "z", Changes: []Change{accepted("name", "b"), accepted("color", "pink")}}, []string{Renamed, Changed}, Settings{"color": "pink", "secret": "x", "size": nil}},
		{"gone", nil, now(Observed{Key: box}),
			Step{Action: Delete, Name: "a", ID: "1", Zone: "z", Gone: true, Reason: "it is gone from Cloudflare; only the record goes"}, []string{Gone}, entry.Settings},
		{"too fresh to be seen by its id", nil, now(Observed{Key: box}).and(ahead(there(box, "1", "a", Settings{"color": "red"}))),
			Step{Action: Keep, Name: "a", ID: "1", Zone: "z"}, nil, entry.Settings},
		{"made again", nil, now(Observed{Key: box}).and(ahead(there(box, "9", "a", nil))),
			Step{Action: Delete, Name: "a", ID: "1", Zone: "z", Gone: true, Reason: "it was deleted and made again outside cfboot, under the id 9: that one is left alone, only the record goes"}, []string{Recreated}, entry.Settings},
		{"made again with our mark", nil, now(Observed{Key: box}).and(ahead(marked)),
			Step{Action: Update, Name: "a", ID: "9", Zone: "z", Reason: "it was deleted and made again outside cfboot, and carries our mark", Changes: []Change{accepted("id", "9")}}, []string{Recreated}, entry.Settings},
		{"made anew in its place, as a deploy does", nil, now(there(box, "9", "a", Settings{"color": "red"})),
			Step{Action: Keep, Name: "a", ID: "1", Zone: "z"}, nil, entry.Settings},
		{"taken", nil, now(there(box, "9", "b", nil)),
			Step{Action: Delete, Name: "a", ID: "1", Zone: "z", Gone: true, Reason: `"b" has taken its place: that is left alone, only the record goes`}, []string{Taken}, entry.Settings},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := Refresh(fakeTraits, tt.want, was, tt.seen)
			if !p.Refresh || len(p.Conflicts) > 0 || len(p.Steps) != 1 || p.Calls() != 0 || p.Consents() != nil {
				t.Fatalf("got %+v", p)
			}
			got := p.Steps[0]
			if d := cmp.Diff(tt.settings, got.Settings); d != "" {
				t.Errorf("settings (-want +got)\n%s", d)
			}
			got.Settings, tt.step.Key = nil, box
			if d := cmp.Diff(tt.step, got, cmpopts.EquateEmpty()); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
			var what []string
			for _, d := range p.Drift {
				what = append(what, d.What)
			}
			if d := cmp.Diff(tt.what, what); d != "" {
				t.Errorf("drift (-want +got)\n%s", d)
			}
			if len(got.remote()) > 0 {
				t.Errorf("it would be sent: %+v", got.Changes)
			}
		})
	}
	if entry.Settings["color"] != "red" {
		t.Error("the state was changed that was only to be compared")
	}
}

// What cannot be seen is neither as recorded nor gone.
func TestRefreshOfWhatCannotBeSeen(t *testing.T) {
	p := Refresh(fakeTraits, nil, owned(Entry{Key: box, Name: "a", ID: "1"}), now(Observed{Key: box, Blocked: "the zone is gone"}))
	if len(p.Steps) != 0 || p.Empty() || p.ConflictProblem() == nil || p.ConflictProblem().Error() != "box/a: it cannot be seen: the zone is gone" {
		t.Errorf("got %+v, %v", p, p.ConflictProblem())
	}
}

// What a plan has to do with because of somebody else, and that only.
func TestDriftOfAPlan(t *testing.T) {
	red := Settings{"color": "red"}
	aRed := []Resource{{Key: box, Name: "a", Settings: red}}
	was := owned(Entry{Key: box, Name: "a", ID: "1", Settings: red})
	pink := Drift{Key: box, What: Changed, Settings: []Change{{Setting: "color", Old: "red", New: "pink"}}, Ignorable: []string{"color"}}
	for _, tt := range []struct {
		name  string
		want  []Resource
		state State
		seen  Seen
		drift []Drift
	}{
		{"none", aRed, was, now(there(box, "1", "a", red)), nil},
		{"nothing is owned", aRed, State{}, now(there(box, "1", "a", red)), nil},
		{"the manifest changes", []Resource{{Key: box, Name: "b", Settings: Settings{"color": "blue"}}}, was, now(there(box, "1", "a", red)), nil},
		{"changed", aRed, was, now(there(box, "1", "a", Settings{"color": "pink"})), []Drift{pink}},
		{"changed to what the manifest says", []Resource{{Key: box, Name: "a", Settings: Settings{"color": "pink"}}}, was, now(there(box, "1", "a", Settings{"color": "pink"})), nil},
		{"changed, and unwanted", nil, was, now(there(box, "1", "a", Settings{"color": "pink"})), nil},
		{"renamed", aRed, was, now(there(box, "1", "b", red)),
			[]Drift{{Key: box, What: Renamed, Settings: []Change{{Setting: "name", Old: "a", New: "b"}}}}},
		{"renamed, to a name that is taken too", []Resource{{Key: box, Name: "c", Settings: red}}, was, now(there(box, "1", "b", red)).and(ahead(there(box, "9", "c", nil))),
			[]Drift{{Key: box, What: Renamed, Settings: []Change{{Setting: "name", Old: "a", New: "b"}}}}},
		{"gone", aRed, was, now(Observed{Key: box}), []Drift{{Key: box, What: Gone}}},
		{"gone, and unwanted", nil, was, now(Observed{Key: box}), []Drift{{Key: box, What: Gone}}},
		{"made again", aRed, was, now(Observed{Key: box}).and(ahead(there(box, "9", "a", nil))),
			[]Drift{{Key: box, What: Recreated, Settings: []Change{{Setting: "id", Old: "1", New: "9"}}}}},
		{"gone, and the new name is taken", []Resource{{Key: box, Name: "b"}}, was, now(Observed{Key: box}).and(ahead(there(box, "9", "b", nil))), []Drift{{Key: box, What: Gone}}},
		{"taken", aRed, was, now(there(box, "9", "b", nil)),
			[]Drift{{Key: box, What: Taken, Settings: []Change{{Setting: "name", Old: "a", New: "b"}, {Setting: "id", Old: "1", New: "9"}}}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := Diff(fakeTraits, tt.want, tt.state, tt.seen)
			if d := cmp.Diff(tt.drift, p.Drift); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
			if p.Refresh {
				t.Error("it says that it only records")
			}
		})
	}
}

// accept runs a refresh and applies it, and fails where anything is sent.
func (c *cloud) accept(t *testing.T, desired []Resource) (Plan, error) {
	t.Helper()
	c.revive()
	p, err := NewRefresh(t.Context(), c, fakeTraits, desired, c.snapshot())
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.apply(p, c.options())
	for _, call := range []string{"Create", "Update", "Delete", "Begin"} {
		if c.calls[call] > 0 {
			t.Errorf("a refresh did %v", c.log)
		}
	}
	return p, err
}

func TestRefreshIsAccepted(t *testing.T) {
	c := newCloud(t)
	gone, painted, renamed := Key{"store", "s"}, Key{"box", "p"}, Key{"box", "r"}
	desired := []Resource{
		{Key: painted, Name: "p", Settings: Settings{"color": "red"}, Local: Settings{"binding": "P"}},
		{Key: renamed, Name: "r"},
		{Key: gone, Name: "s", Settings: Settings{"class": "small"}},
	}
	if err := c.run(desired, false); err != nil {
		t.Fatal(err)
	}
	e := c.rec.state.Entries[painted]
	e.Protected, e.Marked, e.Adopted = true, Marked, true
	c.rec.state.Entries[painted] = e
	c.items[e.ID].settings["color"] = "pink"
	c.items[c.rec.state.Entries[renamed].ID].name = "other"
	delete(c.items, c.rec.state.Entries[gone].ID)
	c.now = c.now.Add(time.Hour)

	if _, err := c.accept(t, desired); err != nil {
		t.Fatal(err)
	}
	want := e
	want.Settings, want.Updated = Settings{"color": "pink"}, c.rec.state.Entries[painted].Updated
	if d := cmp.Diff(want, c.rec.state.Entries[painted]); d != "" || !want.Updated.After(e.Updated) {
		t.Errorf("the entry (-want +got)\n%s", d)
	}
	if name := c.rec.state.Entries[renamed].Name; name != "other" {
		t.Errorf("it is recorded as %q", name)
	}
	if _, known := c.rec.state.Entries[gone]; known {
		t.Error("what is gone is still recorded")
	}
	if p, err := c.accept(t, desired); err != nil || !p.Empty() || p.Drift != nil {
		t.Errorf("the next refresh is %+v, %v", p, err)
	}
	p, err := c.plan(desired, false)
	if err != nil || p.Drift != nil || p.Changes()[Update] != 2 || p.Changes()[Create] != 1 {
		t.Errorf("the next plan is %+v, %v", p, err)
	}
	for _, s := range p.Steps {
		if s.Reason != "" || s.undoes("color") || s.undoes("name") {
			t.Errorf("it still speaks of drift: %+v", s)
		}
	}
}

// What was made a moment ago is not forgotten because nobody sees it yet.
func TestRefreshOfWhatIsTooFresh(t *testing.T) {
	c := newCloud(t)
	desired := []Resource{{Key: box, Name: "a"}}
	if err := c.run(desired, false); err != nil {
		t.Fatal(err)
	}
	it := c.items[c.rec.state.Entries[box].ID]
	it.fresh, it.hidden = 1, 1
	c.revive()
	p, err := NewRefresh(t.Context(), c, fakeTraits, desired, c.snapshot())
	if err != nil || p.Changes()[Delete] != 1 {
		t.Fatalf("got %+v, %v", p, err)
	}
	o := c.options()
	o.Settle, o.Now = time.Minute, func() time.Time { return it.created.Add(time.Minute + 59*time.Second + 999*time.Millisecond) }
	var problem *Problem
	if _, err := c.apply(p, o); !errors.As(err, &problem) || problem.Class != Partial || !strings.Contains(err.Error(), "was not visible when the plan was made") {
		t.Errorf("got %v", err)
	}
	if _, known := c.rec.state.Entries[box]; !known {
		t.Error("it was forgotten")
	}
}

// A refresh looks at what is owned, and leaves to an apply what was begun.
func TestRefreshLeavesIntents(t *testing.T) {
	c := newCloud(t)
	c.rec.state.Intents[box] = Intent{Key: box, Name: "a", Run: "run", Time: noon}
	p, err := c.accept(t, []Resource{{Key: box, Name: "a"}})
	if err != nil || len(p.Steps) != 0 || len(c.log) != 0 || len(c.rec.state.Intents) != 1 {
		t.Errorf("got %+v, %v and %v", p, err, c.log)
	}
}

func TestRefreshFailsWhereNothingIsSeen(t *testing.T) {
	for nth := 1; nth <= 2; nth++ {
		c := newCloud(t)
		c.rec.state.Entries[box] = Entry{Key: box, Name: "a", ID: "1"}
		c.revive(fault{"Observe", nth, refused})
		if p, err := NewRefresh(t.Context(), c, fakeTraits, nil, c.snapshot()); err == nil || p.Steps != nil {
			t.Errorf("look %d: got %+v, %v", nth, p, err)
		}
	}
}

package provision

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestDiffOfWhatIsIgnored(t *testing.T) {
	red := Settings{"color": "red"}
	leave := func(k Key, name string, s Settings, names ...string) []Resource {
		return []Resource{{Key: k, Name: name, Settings: s, Ignore: names}}
	}
	was := owned(Entry{Key: box, Name: "a", ID: "1", Settings: red})
	pink := now(there(box, "1", "a", Settings{"color": "pink"}))
	for _, tt := range []struct {
		name     string
		want     []Resource
		state    State
		seen     Seen
		action   Action
		changes  []string
		settings Settings
	}{
		{"sent when it is made", leave(box, "a", red, "color"), State{}, now(Observed{Key: box}), Create, nil, red},
		{"changed by somebody", leave(box, "a", red, "color"), was, pink, Keep, nil, red},
		{"changed in the manifest", leave(box, "a", Settings{"color": "blue"}, "color"), was, now(there(box, "1", "a", red)), Keep, nil, Settings{"color": "blue"}},
		{"taken out of the manifest", leave(box, "a", nil, "color"), was, now(there(box, "1", "a", red)), Keep, nil, nil},
		{"named for the first time", leave(box, "a", Settings{"color": "red", "secret": "x"}, "secret"), was, now(there(box, "1", "a", red)), Keep, nil, Settings{"color": "red", "secret": "x"}},
		{"another changes: it is sent as it is", leave(box, "a", Settings{"color": "red", "size": 2.0}, "color"), was, pink, Update, []string{"size"}, Settings{"color": "pink", "size": 2.0}},
		{"another changes, and it was never set", leave(box, "a", Settings{"color": "blue", "secret": "x"}, "secret"), was, now(there(box, "1", "a", red)), Update, []string{"color"}, Settings{"color": "blue"}},
		{"another changes, and it is not in the manifest", leave(box, "a", Settings{"size": 2.0}, "color"), was, pink, Update, []string{"size"}, Settings{"size": 2.0}},
		{"it forces no replacement", leave(store, "s", Settings{"class": "big"}, "class"), owned(Entry{Key: store, Name: "s", ID: "1", Settings: Settings{"class": "small"}}),
			now(there(store, "1", "s", Settings{"class": "small"})), Keep, nil, Settings{"class": "big"}},
		{"what is replaced is made as the manifest says", leave(store, "s", Settings{"class": "big", "color": "red"}, "color"), owned(Entry{Key: store, Name: "s", ID: "1", Settings: Settings{"class": "small", "color": "red"}}),
			now(there(store, "1", "s", Settings{"class": "small", "color": "pink"})), Replace, []string{"class"}, Settings{"class": "big", "color": "red"}},
		{"gone, it is made as the manifest says", leave(box, "a", red, "color"), was, now(Observed{Key: box}), Create, nil, red},
		{"its making was cut off", leave(box, "a", red, "color"), owned(Entry{Key: box, Name: "a", ID: "1", Settings: Settings{"color": nil}}), pink, Update, []string{"color"}, red},
		{"its making was cut off, and it did arrive", leave(box, "a", red, "color"), owned(Entry{Key: box, Name: "a", ID: "1", Settings: Settings{"color": nil}}), now(there(box, "1", "a", red)), Update, []string{"color"}, red},
		{"the name is never ignored", leave(box, "b", red, "color"), was, pink, Update, []string{"name"}, Settings{"color": "pink"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := Diff(fakeTraits, tt.want, tt.state, tt.seen)
			if len(p.Steps) != 1 {
				t.Fatalf("got %+v", p)
			}
			s := p.Steps[0]
			var changes []string
			for _, c := range s.Changes {
				changes = append(changes, c.Setting)
			}
			if d := cmp.Diff(tt.changes, changes); d != "" || s.Action != tt.action {
				t.Errorf("%s, changes (-want +got)\n%s", s.Action, d)
			}
			if d := cmp.Diff(tt.settings, s.Settings, cmpopts.EquateEmpty()); d != "" {
				t.Errorf("settings (-want +got)\n%s", d)
			}
			if p.Drift != nil && tt.action != Create {
				t.Errorf("drift: %+v", p.Drift)
			}
		})
	}
	if red["color"] != "red" || len(fakeTraits["box"].Hints) != 0 {
		t.Error("what was only to be read was changed")
	}
}

// Sent with the create or after it, then never again; and what it is to others is
// what it is there.
func TestIgnoredThroughItsLife(t *testing.T) {
	c := newCloud(t)
	desired := []Resource{{Key: box, Name: "a", Settings: Settings{"color": "red", "size": 1.0}, Ignore: []string{"color"}}}
	if err := c.run(desired, false); err != nil {
		t.Fatal(err)
	}
	it := c.items[c.rec.state.Entries[box].ID]
	if it.settings["color"] != "red" {
		t.Fatalf("it was made as %v", it.settings)
	}
	it.settings["color"] = "pink"
	desired[0].Settings = Settings{"color": "blue", "size": 2.0}
	if err := c.run(desired, false); err != nil {
		t.Fatal(err)
	}
	if it.settings["color"] != "pink" || it.settings["size"] != 2.0 {
		t.Errorf("it became %v", it.settings)
	}
	if p, err := c.plan(desired, false); err != nil || !p.Empty() {
		t.Errorf("the next plan is %+v, %v", p, err)
	}
	desired[0].Ignore = nil
	if err := c.run(desired, false); err != nil || it.settings["color"] != "blue" {
		t.Errorf("looked after again it is %v, %v", it.settings, err)
	}
}

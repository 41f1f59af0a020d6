package provision

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// fullPlan has every action in it, a conflict and a consent.
func fullPlan() Plan {
	queue, link, tag, old := Key{"store", "queue"}, Key{"link", "consumer"}, Key{"tag", "mx"}, Key{"box", "old"}
	fresh, kept := Key{"box", "new"}, Key{"box", "kept"}
	st := owned(
		Entry{Key: box, Name: "a", ID: "1", Settings: Settings{"color": "red"}, Local: Settings{"binding": "A"}},
		Entry{Key: queue, Name: "jobs", ID: "2", Settings: Settings{"class": "small"}},
		Entry{Key: link, Name: "app-1", ID: "3", Zone: "zone1", Settings: Settings{"to": []any{"jobs"}}, Refs: []Key{queue}},
		Entry{Key: old, Name: "old", ID: "4"},
		Entry{Key: kept, Name: "kept", ID: "5"},
	)
	st.Lineage, st.Serial, st.Project, st.Environment, st.Account = "L", 7, "shop", Production, "acc"
	to := Settings{"to": []any{"jobs"}}
	jobs := there(queue, "2", "jobs", Settings{"class": "small"})
	jobs.Data = "2 messages"
	mx := there(tag, "6", "mx", Settings{"ttl": 300.0})
	mx.Ours = true
	app := there(link, "3", "app-1", to)
	app.Zone = "zone1"
	oldBox := there(old, "4", "old", nil)
	oldBox.Uses = []string{"kept"}
	taken := there(store, "9", "s", nil)
	taken.Owner = "somebody <else> & co"
	return Diff(fakeTraits, []Resource{
		{Key: fresh, Name: "new", Settings: Settings{"color": "blue", "sizes": []any{1.0, 2.5}, "on": true}, Refs: []Key{box}},
		{Key: box, Name: "b", Settings: Settings{"color": "red"}, Local: Settings{"binding": "B"}},
		{Key: queue, Name: "jobs", Settings: Settings{"class": "big"}},
		{Key: link, Name: "app-1", Settings: to, Refs: []Key{queue}},
		{Key: tag, Name: "mx", Settings: Settings{"ttl": 60.0}},
		{Key: kept, Name: "kept"},
		{Key: store, Name: "s"},
	}, st, now(
		Observed{Key: fresh}, there(box, "1", "a", Settings{"color": "pink"}), jobs, app, mx, oldBox, there(kept, "5", "kept", nil), taken,
	))
}

func TestPlanAsJSON(t *testing.T) {
	p := fullPlan()
	if err := p.Seal(); err != nil {
		t.Fatal(err)
	}
	got, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	golden := filepath.Join("testdata", "plan.json")
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("(-want +got), rewrite with -update\n%s", d)
	}

	var back Plan
	if err := json.Unmarshal(got, &back); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(p, back, cmpopts.EquateEmpty()); d != "" {
		t.Errorf("read back (-want +got)\n%s", d)
	}
	if err := back.Check(); err != nil {
		t.Errorf("read back: %v", err)
	}
	again, err := json.MarshalIndent(back, "", "  ")
	if err != nil || !bytes.Equal(append(again, '\n'), got) {
		t.Errorf("written again it is another: %v\n%s", err, again)
	}
}

func TestPlanSums(t *testing.T) {
	p := fullPlan()
	want := map[Action]int{Create: 1, Update: 1, Replace: 2, Delete: 1, Adopt: 1}
	if d := cmp.Diff(want, p.Changes()); d != "" {
		t.Error(d)
	}
	if got := p.Calls(); got != 1+1+5+1+1 {
		t.Errorf("%d calls", got)
	}
	if d := cmp.Diff([]string{DeleteDataOf("jobs")}, p.Consents()); d != "" {
		t.Error(d)
	}
	if p.Empty() || !(Plan{Steps: []Step{{Action: Keep}}}).Empty() {
		t.Error("empty is a plan that only keeps")
	}
}

func TestCheckRefusesWhatWasNotSealed(t *testing.T) {
	for name, change := range map[string]func(*Plan){
		"a step":       func(p *Plan) { p.Steps[0].Name = "other" },
		"a consent":    func(p *Plan) { p.Steps[2].Consent = "" },
		"a step less":  func(p *Plan) { p.Steps = p.Steps[1:] },
		"the conflict": func(p *Plan) { p.Conflicts = nil },
		"the account":  func(p *Plan) { p.Account = "other" },
		"the serial":   func(p *Plan) { p.Serial++ },
		"where it was": func(p *Plan) { p.Offline = true },
		"the hash":     func(p *Plan) { p.Hash = "" },
		"the format":   func(p *Plan) { p.Version++; _ = p.Seal() },
	} {
		t.Run(name, func(t *testing.T) {
			p := fullPlan()
			if err := p.Seal(); err != nil {
				t.Fatal(err)
			}
			change(&p)
			var problem *Problem
			if err := p.Check(); !errors.As(err, &problem) || problem.Class != Refused || problem.Hints == nil {
				t.Errorf("got %v", err)
			}
		})
	}
	unwritable := fullPlan()
	unwritable.Steps[0].Settings = Settings{"f": func() {}}
	if err := unwritable.Seal(); err == nil {
		t.Error("sealed what JSON cannot hold")
	}
	if err := unwritable.Check(); err == nil {
		t.Error("checked what JSON cannot hold")
	}
}

func TestFresh(t *testing.T) {
	p := Plan{Project: "shop", Environment: "pr-1", Account: "acc", Lineage: "L", Serial: 7}
	same := State{Project: "shop", Environment: "pr-1", Account: "acc", Lineage: "L", Serial: 7}
	for _, tt := range []struct {
		name   string
		change func(*State)
		fresh  bool
	}{
		{"the same", func(*State) {}, true},
		{"before the account is known", func(s *State) { s.Account = "" }, true},
		{"a save later", func(s *State) { s.Serial++ }, false},
		{"another lineage", func(s *State) { s.Lineage = "" }, false},
		{"another environment", func(s *State) { s.Environment = Production }, false},
		{"another project", func(s *State) { s.Project = "other" }, false},
		{"another account", func(s *State) { s.Account = "other" }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			st := same
			tt.change(&st)
			err := p.Fresh(st)
			var problem *Problem
			if (err == nil) != tt.fresh || err != nil && (!errors.As(err, &problem) || problem.Class != Refused) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestActionsAndKeysAsText(t *testing.T) {
	for a, name := range actionNames {
		b, err := a.MarshalText()
		var back Action
		if err != nil || string(b) != name || a.String() != name || back.UnmarshalText(b) != nil || back != a {
			t.Errorf("%q: %s, %v, back %q", rune(a), b, err, rune(back))
		}
	}
	if _, err := Action('?').MarshalText(); err == nil {
		t.Error("an unknown action was written")
	}
	if err := new(Action).UnmarshalText([]byte("burn")); err == nil {
		t.Error("an unknown action was read")
	}
	m := map[Key]int{{"d1", "db"}: 1, {"d1", "a/b"}: 2}
	b, err := json.Marshal(m)
	var back map[Key]int
	if err != nil || json.Unmarshal(b, &back) != nil || !cmp.Equal(m, back) {
		t.Errorf("%s, %v, back %v", b, err, back)
	}
	for _, s := range []string{"", "d1", "/db", "d1/", "/"} {
		if k, err := ParseKey(s); err == nil {
			t.Errorf("%q was read as %v", s, k)
		}
	}
}

func TestProblemInOneLine(t *testing.T) {
	cause := errors.New("no space")
	for want, p := range map[string]*Problem{
		"d1/db: it failed: no space": {At: "d1/db", Text: "it failed", Err: cause},
		"it failed":                  {Text: "it failed"},
		"no space":                   {Err: cause},
		"d1/db: no space":            {At: "d1/db", Err: cause},
	} {
		if p.Error() != want || p.Err != nil && !errors.Is(p, cause) {
			t.Errorf("got %q, want %q", p, want)
		}
	}
}

package provision

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	boxA  = Resource{Key: box, Name: "a-0", Settings: Settings{"color": "red", "to": []any{}}}
	plain = Resource{Key: Key{"tag", "t"}, Name: "t-0", Settings: Settings{"to": []any{}}}
)

// classOf is the class of a run's error, or -1 where there is none.
func classOf(t *testing.T, err error) Class {
	t.Helper()
	if err == nil {
		return -1
	}
	var p *Problem
	if !errors.As(err, &p) {
		t.Fatalf("%v is no problem", err)
	}
	return p.Class
}

// A create under one fault each: what the run ends in, what it did, and that the
// next run ends where the manifest says.
func TestCreateUnderFaults(t *testing.T) {
	const begin, create, find, keep, update, drop = "Begin box/a", "Create box/a", "Find box/a", "Keep box/a", "Update box/a", "Drop box/a"
	for _, tt := range []struct {
		name   string
		faults []fault
		lag    int
		class  Class
		log    []string
		says   string
	}{
		{"none", nil, 0, -1, []string{begin, create, keep, update, keep}, ""},
		{"it cannot be announced", []fault{{"Begin", 1, refused}}, 0, Failed, []string{begin}, "box/a: Begin was refused"},
		{"refused", []fault{{"Create", 1, refused}}, 0, Failed, []string{begin, create, drop}, "box/a: Create was refused"},
		{"refused, and not dropped", []fault{{"Create", 1, refused}, {"Drop", 1, refused}}, 0, Failed, []string{begin, create, drop}, "Drop was refused"},
		{"answer lost, made", []fault{{"Create", 1, lostDone}}, 0, -1, []string{begin, create, find, keep, update, keep}, ""},
		{"answer lost, made, not visible at once", []fault{{"Create", 1, lostDone}}, 1, -1, []string{begin, create, find, find, keep, update, keep}, ""},
		{"answer lost, not made", []fault{{"Create", 1, lost}}, 0, -1, []string{begin, create, find, find, find, create, keep, update, keep}, ""},
		{"answer lost twice", []fault{{"Create", 1, lost}, {"Create", 2, lostDone}}, 0, Partial, []string{begin, create, find, find, find, create}, "the answer was lost"},
		{"answer lost, then refused", []fault{{"Create", 1, lost}, {"Create", 2, refused}}, 0, Partial, []string{begin, create, find, find, find, create}, "Create was refused"},
		{"answer lost, not visible for long", []fault{{"Create", 1, lostDone}}, 3, Partial, []string{begin, create, find, find, find, create}, "is taken"},
		{"answer lost, and it cannot be looked up", []fault{{"Create", 1, lostDone}, {"Find", 1, refused}}, 0, Partial, []string{begin, create, find}, "looking it up failed"},
		{"it cannot be recorded", []fault{{"Keep", 1, refused}}, 0, Partial, []string{begin, create, keep}, "Keep was refused"},
		{"the update after it fails", []fault{{"Update", 1, refused}}, 0, Partial, []string{begin, create, keep, update}, "Update was refused"},
		{"the update after it cannot be recorded", []fault{{"Keep", 2, refused}}, 0, Partial, []string{begin, create, keep, update, keep}, "Keep was refused"},
		{"a panic", []fault{{"Create", 1, panics}}, 0, Failed, []string{begin, create}, "cfboot itself failed: a fault of the driver"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t)
			c.lag = tt.lag
			p, err := c.plan([]Resource{boxA}, false)
			if err != nil {
				t.Fatal(err)
			}
			c.revive(tt.faults...)
			res, err := c.apply(p, c.options())
			if got := classOf(t, err); got != tt.class || err != nil && !strings.Contains(err.Error(), tt.says) {
				t.Errorf("class %d, %v", got, err)
			}
			if want := (Result{Done: 1}); err == nil && res != want || err != nil && res != (Result{Failed: 1}) {
				t.Errorf("got %+v", res)
			}
			if d := cmp.Diff(tt.log, c.log); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
			c.revive()
			for range 2 { // twice where it stays invisible
				if err = c.run([]Resource{boxA}, false); err == nil {
					break
				}
			}
			if err != nil {
				t.Error(err)
			}
			if d := c.differs([]Resource{boxA}); d != "" {
				t.Error(d)
			}
		})
	}
}

// A name that somebody takes between the plan and the create is not taken over,
// also where the create's answer is lost.
func TestCreateOfATakenName(t *testing.T) {
	for name, tt := range map[string]struct {
		faults []fault
		open   int // intents that stay
	}{
		"refused":         {nil, 0},
		"the answer lost": {[]fault{{"Create", 1, lost}}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			p, err := c.plan([]Resource{boxA}, false)
			if err != nil {
				t.Fatal(err)
			}
			c.settle("box", "a-0")
			before := c.foreign()
			c.revive(tt.faults...)
			if _, err := c.apply(p, c.options()); err == nil || len(c.rec.state.Intents) != tt.open || len(c.rec.state.Entries) != 0 {
				t.Errorf("got %v, and kept %+v", err, c.rec.state)
			}
			next, err := c.plan([]Resource{boxA}, false)
			if err != nil || len(next.Conflicts) != 1 {
				t.Errorf("the next plan is %+v, %v", next, err)
			}
			if d := cmp.Diff(before, c.foreign(), cmp.AllowUnexported(item{})); d != "" {
				t.Error(d)
			}
		})
	}
}

// Updates, adoptions and removals under one fault each.
func TestChangesUnderFaults(t *testing.T) {
	blue, renamed := boxA, boxA
	blue.Settings = Settings{"color": "blue", "secret": "x", "to": []any{}}
	renamed.Name = "a-1"
	const update, keep, del, forget = "Update box/a", "Keep box/a", "Delete box/a", "Forget box/a"
	for _, tt := range []struct {
		name   string
		want   []Resource
		faults []fault
		class  Class
		log    []string
	}{
		{"update", []Resource{renamed}, nil, -1, []string{update, keep}},
		{"a new setting is expected before it is set", []Resource{blue}, nil, -1, []string{keep, update, keep}},
		{"update refused", []Resource{renamed}, []fault{{"Update", 1, refused}}, Failed, []string{update}},
		{"update lost", []Resource{renamed}, []fault{{"Update", 1, lostDone}}, Failed, []string{update}},
		{"update not recorded", []Resource{renamed}, []fault{{"Keep", 1, refused}}, Partial, []string{update, keep}},
		{"the expectation not recorded", []Resource{blue}, []fault{{"Keep", 1, refused}}, Partial, []string{keep}},
		{"delete", nil, nil, -1, []string{del, forget}},
		{"delete refused", nil, []fault{{"Delete", 1, refused}}, Failed, []string{del}},
		{"delete lost", nil, []fault{{"Delete", 1, lostDone}}, Failed, []string{del}},
		{"delete not recorded", nil, []fault{{"Forget", 1, refused}}, Partial, []string{del, forget}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t)
			if err := c.run([]Resource{boxA}, false); err != nil {
				t.Fatal(err)
			}
			p, err := c.plan(tt.want, false)
			if err != nil {
				t.Fatal(err)
			}
			c.revive(tt.faults...)
			_, err = c.apply(p, c.options())
			if got := classOf(t, err); got != tt.class {
				t.Errorf("class %d, %v", got, err)
			}
			if d := cmp.Diff(tt.log, c.log); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
			c.revive()
			if err := c.run(tt.want, false); err != nil {
				t.Error(err)
			}
			if d := c.differs(tt.want); d != "" {
				t.Error(d)
			}
		})
	}
}

// An update that leaves something has left it before that goes; one that fails
// keeps it.
func TestAFailedUpdateKeepsWhatItWasToLeave(t *testing.T) {
	on := Resource{Key: box, Name: "a-0", Refs: []Key{plain.Key}, Settings: Settings{"to": []any{"t-0"}}}
	off := Resource{Key: box, Name: "a-0", Settings: Settings{"to": []any{}}}
	c := newCloud(t)
	if err := c.run([]Resource{plain, on}, false); err != nil {
		t.Fatal(err)
	}
	p, err := c.plan([]Resource{off}, false)
	if err != nil {
		t.Fatal(err)
	}
	c.revive(fault{"Update", 1, refused})
	res, err := c.apply(p, c.options())
	if want := (Result{Failed: 1, Skipped: 1}); res != want || classOf(t, err) != Failed {
		t.Errorf("got %+v, %v", res, err)
	}
	c.revive()
	if err := c.run([]Resource{off}, false); err != nil {
		t.Error(err)
	}
	if want := []string{"Update box/a", "Keep box/a", "Delete tag/t", "Forget tag/t"}; !slices.Equal(c.log[len(c.log)-4:], want) {
		t.Errorf("did %v", c.log)
	}
}

// What does not depend on a failure is finished; what does is skipped.
func TestIndependentBranchesFinish(t *testing.T) {
	named := func(n string, on ...Key) Resource {
		to := []any{}
		for _, k := range on {
			to = append(to, k.Name+"-0")
		}
		return Resource{Key: Key{"tag", n}, Name: n + "-0", Refs: on, Settings: Settings{"to": to}}
	}
	bad, good := Key{"tag", "a"}, Key{"tag", "x"}
	c := newCloud(t)
	c.parallel = 1
	p, err := c.plan([]Resource{named("c", Key{"tag", "b"}), named("a"), named("b", bad), named("x"), named("y", good)}, false)
	if err != nil {
		t.Fatal(err)
	}
	c.revive(fault{"Create", 1, refused})
	res, err := c.apply(p, c.options())
	if want := (Result{Done: 2, Failed: 1, Skipped: 2}); res != want || classOf(t, err) != Partial {
		t.Errorf("got %+v, %v", res, err)
	}
	var problem *Problem
	if errors.As(err, &problem); !slices.Contains(problem.Hints, resumeHint) || problem.Error() != "tag/a: Create was refused" {
		t.Errorf("worded as %q with the hints %q", problem, problem.Hints)
	}
}

// What cannot be recorded ends the run: nothing more is begun.
func TestAFailingRecorderEndsTheRun(t *testing.T) {
	var want []Resource
	for i := range 10 {
		want = append(want, Resource{Key: Key{"tag", fmt.Sprint(i)}, Name: fmt.Sprint(i, "-0"), Settings: Settings{"to": []any{}}})
	}
	c := newCloud(t)
	c.parallel = 1
	p, err := c.plan(want, false)
	if err != nil {
		t.Fatal(err)
	}
	c.revive(fault{"Keep", 3, refused})
	res, err := c.apply(p, c.options())
	if got := (Result{Done: 2, Failed: 1, Skipped: 7}); res != got || classOf(t, err) != Partial || c.calls["Create"] != 3 {
		t.Errorf("got %+v after %d creates, %v", res, c.calls["Create"], err)
	}
	var problem *Problem
	if errors.As(err, &problem); slices.Contains(problem.Hints, resumeHint) {
		t.Error("it says that all is recorded")
	}
}

func TestRefusedBeforeAnything(t *testing.T) {
	full := Resource{Key: store, Name: "s-0", Settings: Settings{"class": "small", "to": []any{}}}
	big := full
	big.Settings = Settings{"class": "big", "to": []any{}}
	c := newCloud(t)
	if err := c.run([]Resource{full}, false); err != nil {
		t.Fatal(err)
	}
	c.items[c.rec.state.Entries[store].ID].data = "3 rows"
	for name, want := range map[string][]Resource{"replaced": {plain, big}, "deleted": {plain}} {
		t.Run(name, func(t *testing.T) {
			p, err := c.plan(want, false)
			if err != nil {
				t.Fatal(err)
			}
			c.revive()
			o := c.options()
			o.Allow = []string{"another-consent"}
			res, err := c.apply(p, o)
			var problem *Problem
			if res != (Result{}) || !errors.As(err, &problem) || problem.Class != Refused || len(c.log) != 0 {
				t.Fatalf("got %+v, %v, and did %v", res, err, c.log)
			}
			if want := `store/s: "s-0" holds 3 rows, which would be lost`; problem.Error() != want || !slices.Equal(problem.Hints, []string{"allow it: --allow delete-data=s-0"}) {
				t.Errorf("worded as %q with the hints %q", problem, problem.Hints)
			}
			if Consented(p, []string{DeleteDataOf("s-0")}) != nil {
				t.Error("refused with every consent")
			}
		})
	}
	c.settle("tag", "t-0")
	p, err := c.plan([]Resource{plain, full}, false)
	if err != nil {
		t.Fatal(err)
	}
	c.revive()
	if res, err := c.apply(p, c.options()); res != (Result{}) || classOf(t, err) != Refused || len(c.log) != 0 {
		t.Errorf("with a conflict: %+v, %v, and did %v", res, err, c.log)
	}
}

// Steps that wait for one another are a fault of the plan, and no success.
func TestStepsInACircle(t *testing.T) {
	c := newCloud(t)
	a, b := Key{"tag", "a"}, Key{"tag", "b"}
	p := Plan{Steps: []Step{{Action: Create, Key: a, Name: "a-0", Refs: []Key{b}}, {Action: Create, Key: b, Name: "b-0", Refs: []Key{a}}}}
	res, err := c.apply(p, c.options())
	if want := (Result{Skipped: 2}); res != want || classOf(t, err) != Failed || len(c.log) != 0 {
		t.Errorf("got %+v, %v", res, err)
	}
}

func TestAnswerForEverythingOrNone(t *testing.T) {
	c := newCloud(t)
	_, err := NewPlan(context.Background(), silent{}, fakeTraits, []Resource{boxA}, c.snapshot(), false)
	if err == nil || !strings.HasPrefix(err.Error(), "box/a: ") {
		t.Errorf("got %v", err)
	}
	c.revive(fault{"Observe", 1, refused})
	if _, err := c.plan([]Resource{boxA}, false); err == nil {
		t.Error("planned without an answer")
	}
}

// silent is a Reader that says nothing.
type silent struct{}

func (silent) Observe(context.Context, []Wanted, bool) (map[Key]Observed, error) {
	return map[Key]Observed{}, nil
}

func TestApplyOnNoStateAtAll(t *testing.T) {
	c := newCloud(t)
	p, err := NewPlan(context.Background(), c, fakeTraits, []Resource{boxA}, State{}, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Apply(context.Background(), p, State{}, fakeTraits, c, c.rec, c.options()); err != nil || c.differs([]Resource{boxA}) != "" {
		t.Errorf("%v\n%s", err, c.differs([]Resource{boxA}))
	}
}

func TestPlacedOnce(t *testing.T) {
	for _, err := range []error{errors.New("no"), &Problem{At: "box/a", Text: "no"}} {
		if got := placed(box, err); got.Error() != "box/a: no" || !errors.Is(got, err) {
			t.Errorf("got %q", got)
		}
	}
}

package provision

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var (
	box   = Key{"box", "a"}
	store = Key{"store", "s"}
	noon  = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
)

func owned(entries ...Entry) State {
	st := State{Entries: map[Key]Entry{}, Intents: map[Key]Intent{}}
	for _, e := range entries {
		st.Entries[e.Key] = e
	}
	return st
}

func begun(intents ...Intent) State {
	st := owned()
	for _, i := range intents {
		st.Intents[i.Key] = i
	}
	return st
}

func now(all ...Observed) Seen { return Seen{Now: byKey(all)} }
func ahead(o ...Observed) Seen { return Seen{Ahead: byKey(o)} }
func (s Seen) and(o Seen) Seen { return Seen{Now: s.Now, Ahead: o.Ahead} }
func byKey(all []Observed) map[Key]Observed {
	m := map[Key]Observed{}
	for _, o := range all {
		m[o.Key] = o
	}
	return m
}

// there is a resource as Cloudflare reports it.
func there(k Key, id, name string, s Settings) Observed {
	return Observed{Key: k, Exists: true, ID: id, Name: name, Settings: s}
}

// A diffCase is one resource, or one that is not wanted any more. The step it
// ends in is compared without what the case does not speak of.
type diffCase struct {
	name  string
	want  []Resource
	state State
	seen  Seen
	step  Step
}

func (tt diffCase) check(t *testing.T) {
	t.Helper()
	p := Diff(fakeTraits, tt.want, tt.state, tt.seen)
	if len(p.Conflicts) > 0 || len(p.Steps) != 1 {
		t.Fatalf("got %+v and the conflicts %+v", p.Steps, p.Conflicts)
	}
	got := p.Steps[0]
	got.Settings, got.Local, got.Prior = nil, nil, nil
	tt.step.Key = got.Key
	if d := cmp.Diff(tt.step, got, cmpopts.EquateEmpty()); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func TestDiffOfOneResource(t *testing.T) {
	red := Settings{"color": "red"}
	aRed := []Resource{{Key: box, Name: "a", Settings: red}}
	wasRed := owned(Entry{Key: box, Name: "a", ID: "1", Settings: red})
	for _, tt := range []diffCase{
		{"create", aRed, State{}, now(Observed{Key: box, Zone: "z"}),
			Step{Action: Create, Name: "a", Zone: "z", Calls: 1}},
		{"keep", aRed, wasRed, now(there(box, "1", "a", red)),
			Step{Action: Keep, Name: "a", ID: "1"}},
		{"keep where Cloudflare reports nothing", aRed, wasRed, now(there(box, "1", "a", nil)),
			Step{Action: Keep, Name: "a", ID: "1"}},
		{"keep whatever is not asked for", aRed, wasRed, now(there(box, "1", "a", Settings{"color": "red", "size": 3.0})),
			Step{Action: Keep, Name: "a", ID: "1"}},
		{"update", []Resource{{Key: box, Name: "a", Settings: Settings{"color": "blue"}}}, wasRed, now(there(box, "1", "a", red)),
			Step{Action: Update, Name: "a", ID: "1", Calls: 1, Changes: []Change{{Setting: "color", Old: "red", New: "blue"}}}},
		{"update of what is not reported", []Resource{{Key: box, Name: "a", Settings: Settings{"secret": "y"}}},
			owned(Entry{Key: box, Name: "a", ID: "1", Settings: Settings{"secret": "x"}}), now(there(box, "1", "a", nil)),
			Step{Action: Update, Name: "a", ID: "1", Calls: 1, Changes: []Change{{Setting: "secret", Old: "x", New: "y", Unseen: true}}}},
		{"a setting left out goes back to its default", []Resource{{Key: box, Name: "a"}}, wasRed, now(there(box, "1", "a", red)),
			Step{Action: Update, Name: "a", ID: "1", Calls: 1, Changes: []Change{{Setting: "color", Old: "red", New: "grey"}}}},
		{"one that is back already is only recorded", []Resource{{Key: box, Name: "a"}}, wasRed, now(there(box, "1", "a", Settings{"color": "grey"})),
			Step{Action: Update, Name: "a", ID: "1", Changes: []Change{{Setting: "color", Old: "red", Local: true}}}},
		{"one without a default stays and is no longer ours to look after", []Resource{{Key: box, Name: "a"}},
			owned(Entry{Key: box, Name: "a", ID: "1", Settings: Settings{"secret": "x"}}), now(there(box, "1", "a", nil)),
			Step{Action: Update, Name: "a", ID: "1", Changes: []Change{{Setting: "secret", Old: "x", Local: true}}}},
		{"a default is not forced on what was never set", []Resource{{Key: box, Name: "a"}}, owned(Entry{Key: box, Name: "a", ID: "1"}), now(there(box, "1", "a", red)),
			Step{Action: Keep, Name: "a", ID: "1"}},
		{"drift", aRed, wasRed, now(there(box, "1", "a", Settings{"color": "pink"})),
			Step{Action: Update, Name: "a", ID: "1", Calls: 1, Changes: []Change{{Setting: "color", Old: "pink", New: "red", Drift: true}}}},
		{"drift to what is wanted by now is only recorded", []Resource{{Key: box, Name: "a", Settings: Settings{"color": "blue"}}}, wasRed, now(there(box, "1", "a", Settings{"color": "blue"})),
			Step{Action: Update, Name: "a", ID: "1", Changes: []Change{{Setting: "color", Old: "red", New: "blue", Local: true}}}},
		{"an update whose answer was lost is no drift", []Resource{{Key: box, Name: "a", Settings: Settings{"color": "blue"}}},
			owned(Entry{Key: box, Name: "a", ID: "1", Settings: Settings{"color": nil}}), now(there(box, "1", "a", red)),
			Step{Action: Update, Name: "a", ID: "1", Calls: 1, Changes: []Change{{Setting: "color", Old: "red", New: "blue"}}}},
		{"rename in place", []Resource{{Key: box, Name: "b", Settings: red}}, wasRed, now(there(box, "1", "a", red)).and(ahead(Observed{Key: box})),
			Step{Action: Update, Name: "b", PriorName: "a", ID: "1", Calls: 1, Changes: []Change{{Setting: "name", Old: "a", New: "b"}}}},
		{"renamed in the dashboard", aRed, wasRed, now(there(box, "1", "b", red)),
			Step{Action: Update, Name: "a", PriorName: "b", ID: "1", Calls: 1, Changes: []Change{{Setting: "name", Old: "b", New: "a", Drift: true}}}},
		{"a rename that was not recorded", []Resource{{Key: box, Name: "b", Settings: red}}, wasRed, now(there(box, "1", "b", red)).and(ahead(there(box, "1", "b", red))),
			Step{Action: Update, Name: "b", ID: "1", Changes: []Change{{Setting: "name", Old: "a", New: "b", Local: true}}}},
		{"local only", []Resource{{Key: box, Name: "a", Settings: red, Local: Settings{"binding": "B"}}},
			owned(Entry{Key: box, Name: "a", ID: "1", Settings: red, Local: Settings{"dir": "m"}}), now(there(box, "1", "a", red)),
			Step{Action: Update, Name: "a", ID: "1", Changes: []Change{{Setting: "binding", New: "B", Local: true}, {Setting: "dir", Old: "m", Local: true}}}},
		{"another reference only", []Resource{{Key: box, Name: "a", Settings: red, Refs: []Key{store}}}, wasRed, now(there(box, "1", "a", red)),
			Step{Action: Update, Name: "a", ID: "1", Refs: []Key{store}, Changes: []Change{{Setting: "refs", Old: []any{}, New: []any{"store/s"}, Local: true}}}},
		{"references in another order", []Resource{{Key: box, Name: "a", Refs: []Key{store, box}}}, owned(Entry{Key: box, Name: "a", ID: "1", Refs: []Key{box, store}}), now(there(box, "1", "a", nil)),
			Step{Action: Keep, Name: "a", ID: "1", Refs: []Key{store, box}, PriorRefs: []Key{box, store}}},
		{"gone", aRed, wasRed, now(Observed{Key: box}).and(ahead(Observed{Key: box})),
			Step{Action: Create, Name: "a", Calls: 1, Reason: "it is gone from Cloudflare and will be made again"}},
		{"gone, and marked as ours under the name", aRed, wasRed, now(Observed{Key: box}).and(ahead(Observed{Key: box, Exists: true, ID: "2", Name: "a", Ours: true, Settings: red})),
			Step{Action: Adopt, Name: "a", ID: "2", Reason: "it carries our mark"}},
		{"made anew under its name by a deploy", aRed, wasRed, now(there(box, "2", "a", red)),
			Step{Action: Keep, Name: "a", ID: "2"}},
		{"marked as ours", aRed, State{}, now(Observed{Key: box, Exists: true, ID: "1", Name: "a", Ours: true, Settings: Settings{"color": "grey"}}),
			Step{Action: Adopt, Name: "a", ID: "1", Calls: 1, Reason: "it carries our mark", Changes: []Change{{Setting: "color", Old: "grey", New: "red"}}}},
	} {
		t.Run(tt.name, tt.check)
	}
}

func TestDiffOfAStore(t *testing.T) {
	small := Settings{"class": "small"}
	was := owned(Entry{Key: store, Name: "s", ID: "1", Settings: small})
	full := func(o Observed) Observed { o.Data = "3 rows"; return o }
	part := []Key{{"part", "p"}, {"part", "q"}}
	whole := func(o Observed) Observed { o.With, o.Unseen = part, "more is not to be seen"; return o }
	for _, tt := range []diffCase{
		{"a setting replaces", []Resource{{Key: store, Name: "s", Settings: Settings{"class": "big"}}}, was, now(there(store, "1", "s", small)),
			Step{Action: Replace, Name: "s", ID: "1", Calls: 2, Changes: []Change{{Setting: "class", Old: "small", New: "big", Replaces: true}}}},
		{"the name replaces, with data", []Resource{{Key: store, Name: "t", Settings: small}}, was, now(full(there(store, "1", "s", small))).and(ahead(Observed{Key: store})),
			Step{Action: Replace, Name: "t", PriorName: "s", ID: "1", Calls: 3, Data: "3 rows", Backup: true, Consent: DeleteDataOf("s"), Changes: []Change{{Setting: "name", Old: "s", New: "t", Replaces: true}}}},
		{"what is kept needs no consent for its data", []Resource{{Key: store, Name: "s", Settings: small}}, was, now(full(there(store, "1", "s", small))),
			Step{Action: Keep, Name: "s", ID: "1"}},
		{"a hint is never compared", []Resource{{Key: store, Name: "s", Settings: Settings{"class": "small", "near": "west"}}},
			owned(Entry{Key: store, Name: "s", ID: "1", Settings: Settings{"class": "small", "near": "east"}}), now(there(store, "1", "s", Settings{"class": "small", "near": "north"})),
			Step{Action: Keep, Name: "s", ID: "1"}},
		{"gone with its data", []Resource{{Key: store, Name: "s", Settings: small}}, was, now(Observed{Key: store}),
			Step{Action: Create, Name: "s", Calls: 1, Reason: "it is gone from Cloudflare with all it held, and will be made again empty"}},
		{"unwanted", nil, was, now(there(store, "1", "s", small)),
			Step{Action: Delete, Name: "s", ID: "1", Calls: 1}},
		{"unwanted, with data", nil, was, now(full(there(store, "1", "s", small))),
			Step{Action: Delete, Name: "s", ID: "1", Calls: 2, Data: "3 rows", Backup: true, Consent: DeleteDataOf("s")}},
		{"unwanted, and parts of it with it", nil, was, now(whole(there(store, "1", "s", small))),
			Step{Action: Delete, Name: "s", ID: "1", Calls: 3, With: part, Unseen: "more is not to be seen"}},
		{"released, and its parts stay with it", nil, owned(Entry{Key: store, Name: "s", ID: "1", Settings: small, Adopted: true}), now(whole(there(store, "1", "s", small))),
			Step{Action: Release, Name: "s", ID: "1", Reason: "released: it was there before it was taken over, so it stays; only the record goes"}},
		{"replaced, and its parts are not lost", []Resource{{Key: store, Name: "s", Settings: Settings{"class": "big"}}}, was, now(whole(there(store, "1", "s", small))),
			Step{Action: Replace, Name: "s", ID: "1", Calls: 2, Changes: []Change{{Setting: "class", Old: "small", New: "big", Replaces: true}}}},
		{"unwanted, renamed in the dashboard", nil, was, now(there(store, "1", "x", small)),
			Step{Action: Delete, Name: "x", ID: "1", Calls: 1}},
		{"unwanted and gone", nil, was, now(Observed{Key: store}),
			Step{Action: Delete, Name: "s", ID: "1", Gone: true, Reason: "it is gone from Cloudflare already; only the record goes"}},
		{"unwanted and not to be seen is not gone", nil, was, now(Observed{Key: store, Blocked: "the zone is pending"}),
			Step{Action: Delete, Name: "s", ID: "1", Calls: 1}},
		{"unwanted, and another has its place", nil, was, now(full(there(store, "2", "x", small))),
			Step{Action: Delete, Name: "s", ID: "1", Gone: true, Reason: `"x" has taken its place: that is left alone, only the record goes`}},
	} {
		t.Run(tt.name, tt.check)
	}
}

func TestDiffOfAnOpenIntent(t *testing.T) {
	red := Settings{"color": "red"}
	aRed := []Resource{{Key: box, Name: "a", Settings: red}}
	bRed := []Resource{{Key: box, Name: "b", Settings: red}}
	st := begun(Intent{Key: box, Name: "a", Settings: red, Time: noon, Run: "r"})
	made := func(after time.Duration) Observed {
		o := there(box, "1", "a", red)
		o.Created = noon.Add(after)
		return o
	}
	nameless := there(box, "1", "a", Settings{"color": "grey"})
	const cutOff = "made by a run that was cut off"
	renamed := []Change{{Setting: "name", Old: "a", New: "b"}}
	for _, tt := range []diffCase{
		{"found", aRed, st, now(made(time.Second)), Step{Action: Adopt, Name: "a", ID: "1", Reason: cutOff}},
		{"found, by a clock that is behind", aRed, st, now(made(-clockSkew)), Step{Action: Adopt, Name: "a", ID: "1", Reason: cutOff}},
		{"found, and its age is not said", aRed, st, now(nameless),
			Step{Action: Adopt, Name: "a", ID: "1", Reason: cutOff, Calls: 1, Changes: []Change{{Setting: "color", Old: "grey", New: "red"}}}},
		{"found, and a setting is not reported", aRed, st, now(there(box, "1", "a", nil)),
			Step{Action: Adopt, Name: "a", ID: "1", Reason: cutOff, Calls: 1, Changes: []Change{{Setting: "color", New: "red", Unseen: true}}}},
		{"not found", aRed, st, now(Observed{Key: box}), Step{Action: Create, Name: "a", Calls: 1}},
		{"found, and another name is wanted", bRed, st, now(made(0)).and(ahead(Observed{Key: box})),
			Step{Action: Adopt, Name: "b", PriorName: "a", ID: "1", Reason: cutOff, Calls: 1, Changes: renamed}},
		{"not found, and another name is wanted", bRed, st, now(Observed{Key: box, Zone: "y"}).and(ahead(Observed{Key: box, Zone: "z"})),
			Step{Action: Create, Name: "b", Zone: "z", Calls: 1}},
		{"older, and another name is wanted", bRed, st, now(made(-time.Hour)).and(ahead(Observed{Key: box})),
			Step{Action: Create, Name: "b", Calls: 1}},
		{"its place is blocked, and another name is wanted", bRed, st, now(Observed{Key: box, Blocked: "pending"}).and(ahead(Observed{Key: box})),
			Step{Action: Create, Name: "b", Calls: 1}},
		{"not found, and what has the new name is marked", bRed, st, now(Observed{Key: box}).and(ahead(Observed{Key: box, Exists: true, ID: "7", Name: "b", Ours: true, Settings: red})),
			Step{Action: Adopt, Name: "b", ID: "7", Reason: "it carries our mark"}},
		{"found and unwanted", nil, st, now(made(0)), Step{Action: Delete, Name: "a", ID: "1", Reason: "begun by a run that was cut off", Calls: 1}},
		{"not found and unwanted", nil, st, now(Observed{Key: box}),
			Step{Action: Delete, Name: "a", Gone: true, Reason: "begun by a run that was cut off, and never made"}},
		{"older and unwanted", nil, st, now(made(-time.Hour)),
			Step{Action: Delete, Name: "a", Gone: true, Reason: "not made by us: it is left alone, only the record goes"}},
		{"beside an entry the entry counts", aRed,
			State{Entries: map[Key]Entry{box: {Key: box, Name: "a", ID: "1", Settings: red}}, Intents: st.Intents}, now(made(-time.Hour)),
			Step{Action: Keep, Name: "a", ID: "1"}},
	} {
		t.Run(tt.name, tt.check)
	}
}

func TestDiffOfAReplacementInAnotherZone(t *testing.T) {
	link := Key{"link", "l"}
	for name, tt := range map[string]struct {
		ahead     Observed
		zone, was string
	}{
		"another":  {Observed{Key: link, Zone: "new"}, "new", "old"},
		"the same": {Observed{Key: link, Zone: "old"}, "old", ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := Diff(fakeTraits, []Resource{{Key: link, Name: "b"}}, owned(Entry{Key: link, Name: "a", ID: "1", Zone: "old"}),
				now(Observed{Key: link, Exists: true, ID: "1", Name: "a", Zone: "old"}).and(ahead(tt.ahead)))
			if s := p.Steps[0]; s.Action != Replace || s.Zone != tt.zone || s.PriorZone != tt.was {
				t.Errorf("got %+v", s)
			}
		})
	}
}

func TestDiffConflicts(t *testing.T) {
	aBox := []Resource{{Key: box, Name: "a"}}
	bBox := []Resource{{Key: box, Name: "b"}}
	was := owned(Entry{Key: box, Name: "a", ID: "1"})
	theirs := Observed{Key: box, Exists: true, ID: "9", Name: "a", Owner: "the script other", Created: noon.Add(-time.Hour)}
	other := Observed{Key: box, Exists: true, ID: "9", Name: "b"}
	cut := begun(Intent{Key: box, Name: "a", Time: noon})
	for _, tt := range []struct {
		name  string
		want  []Resource
		state State
		seen  Seen
		id    string
		text  string
		adopt string // the hint that names the command
	}{
		{"the name is taken", aBox, State{}, now(theirs), "9", `"a" exists already and is not provably ours (it belongs to the script other)`, "to take it over: cfboot adopt box/a"},
		{"older than the intent", aBox, cut, now(theirs), "9", `"a" exists already and is not provably ours (it belongs to the script other)`, "to take it over: cfboot adopt box/a"},
		{"the new name is taken", bBox, was, now(there(box, "1", "a", nil)).and(ahead(other)), "9", `"b" exists already and is not provably ours`, ""},
		{"the new name of what was begun is taken", bBox, cut, now(Observed{Key: box}).and(ahead(other)), "9", `"b" exists already and is not provably ours`, "to take it over: cfboot adopt box/a"},
		{"made again by hand under another id", aBox, was, now(Observed{Key: box}).and(ahead(theirs)), "9", `"a" was deleted and made again outside cfboot, and the new one is not provably ours (it belongs to the script other)`, "to take it over: cfboot adopt box/a"},
		{"another has its place", aBox, was, now(other), "9", `"b" stands in its place now and is not provably ours`, ""},
		{"another project has marked it", aBox, State{}, now(Observed{Key: box, Exists: true, ID: "9", Name: "a", Mark: "till/production/a"}), "9", `"a" exists already and is not provably ours (it belongs to the cfboot project till/production/a)`, ""},
		{"in an environment", aBox, State{Environment: "qa"}, now(Observed{Key: box, Exists: true, ID: "9", Name: "a"}), "9", `"a" exists already and is not provably ours`, "to take it over: cfboot adopt box/a --env qa"},
		{"blocked", aBox, State{}, now(Observed{Key: box, Blocked: "the zone is pending"}), "", "the zone is pending", ""},
		{"owned, and not to be seen", bBox, was, now(Observed{Key: box, Blocked: "the zone is gone"}).and(ahead(Observed{Key: box})), "", "the zone is gone", ""},
		{"blocked at the new name", bBox, was, now(there(box, "1", "a", nil)).and(ahead(Observed{Key: box, Blocked: "the zone is pending"})), "", "the zone is pending", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := Diff(fakeTraits, tt.want, tt.state, tt.seen)
			if len(p.Steps) != 0 || len(p.Conflicts) != 1 {
				t.Fatalf("got %+v", p)
			}
			if c := p.Conflicts[0]; c.Key != box || c.ID != tt.id || c.Text != tt.text {
				t.Errorf("got %+v", c)
			}
			if err := p.ConflictProblem(); err == nil || err.Error() != "box/a: "+tt.text {
				t.Errorf("worded as %v", err)
			}
			var problem *Problem
			if hint := ""; errors.As(p.ConflictProblem(), &problem) {
				if len(problem.Hints) > 1 {
					hint = problem.Hints[0]
				}
				if hint != tt.adopt {
					t.Errorf("the hint is %q, want %q", hint, tt.adopt)
				}
			}
			if p.Empty() {
				t.Error("a plan with a conflict is no empty one")
			}
		})
	}
}

func TestDiffDestroysInOrder(t *testing.T) {
	worker, consumer, queue, api := Key{"box", "worker"}, Key{"link", "consumer"}, Key{"store", "queue"}, Key{"box", "api"}
	st := owned(
		Entry{Key: worker, Name: "shop", ID: "w"}, Entry{Key: queue, Name: "jobs", ID: "q"}, Entry{Key: api, Name: "api", ID: "p"},
		Entry{Key: consumer, Name: "shop", ID: "c", Refs: []Key{queue, worker}},
	)
	uses := func(o Observed, what ...string) Observed { o.Uses = what; return o }
	p := Diff(fakeTraits, nil, st, now(
		// The Worker is bound to the queue by name, and to the other one, which is
		// bound to it. Its own name is the consumer's name too.
		uses(there(worker, "w", "shop", nil), "jobs", "p", "shop"),
		uses(there(api, "p", "api", nil), "w", "nobody's"),
		there(queue, "q", "jobs", nil),
		there(consumer, "c", "shop", nil),
	))
	got := map[Key][]Key{}
	for _, s := range p.Steps {
		got[s.Key] = s.PriorRefs
	}
	want := map[Key][]Key{
		api:      {worker}, // of two that are bound to each other the first by its key
		worker:   {queue},  // not api, which leaves it first, and not the consumer, which stands on it
		consumer: {worker, queue},
		queue:    nil,
	}
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if c := circle(graph(p.Steps)); c != nil {
		t.Errorf("the steps wait for one another: %v", order(graph(p.Steps)))
	}
}

func TestDiffCountsCalls(t *testing.T) {
	traits := map[string]Traits{"box": {Replace: []string{"size"}, Calls: func(a Action, changes []Change) int {
		return map[Action]int{Create: 100, Update: 10, Delete: 1000}[a] + len(changes)
	}}}
	entry := owned(Entry{Key: box, Name: "a", ID: "1", Settings: Settings{"color": "red", "size": 1.0}})
	seen := now(there(box, "1", "a", Settings{"color": "red", "size": 1.0}))
	for _, tt := range []struct {
		name  string
		want  []Resource
		state State
		seen  Seen
		calls int
	}{
		{"create", []Resource{{Key: box, Name: "a", Settings: Settings{"color": "red", "size": 1.0}}}, State{}, now(Observed{Key: box}), 102},
		{"keep", []Resource{{Key: box, Name: "a", Settings: Settings{"color": "red", "size": 1.0}}}, entry, seen, 0},
		{"update, of which one change is local", []Resource{{Key: box, Name: "a", Settings: Settings{"color": "blue", "size": 1.0}, Local: Settings{"binding": "B"}}}, entry, seen, 11},
		{"local only", []Resource{{Key: box, Name: "a", Settings: Settings{"color": "red", "size": 1.0}, Local: Settings{"binding": "B"}}}, entry, seen, 0},
		{"replace", []Resource{{Key: box, Name: "a", Settings: Settings{"color": "red", "size": 2.0}}}, entry, seen, 1104},
		{"delete", nil, entry, seen, 1002},
		{"gone", nil, entry, now(Observed{Key: box}), 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := Diff(traits, tt.want, tt.state, tt.seen).Calls(); got != tt.calls {
				t.Errorf("got %d, want %d", got, tt.calls)
			}
		})
	}
	if got := Diff(nil, []Resource{{Key: box, Name: "a"}}, State{}, now(Observed{Key: box})).Calls(); got != 0 {
		t.Errorf("a kind that does not say counts %d", got)
	}
}

// What is made again knows what was in force before it was gone.
func TestDiffTellsWhatWasInForce(t *testing.T) {
	entry := owned(Entry{Key: box, Name: "a", ID: "1", Settings: Settings{"color": "red"}})
	want := []Resource{{Key: box, Name: "a", Settings: Settings{"color": "blue"}}}
	if got := Diff(fakeTraits, want, entry, now(Observed{Key: box})).Steps[0].Prior; !cmp.Equal(got, Settings{"color": "red"}) {
		t.Errorf("gone: %v", got)
	}
	if got := Diff(fakeTraits, want, State{}, now(Observed{Key: box})).Steps[0].Prior; got != nil {
		t.Errorf("never there: %v", got)
	}
}

// A kind's note stands with what is made, where there is no other reason.
func TestDiffNotes(t *testing.T) {
	traits := map[string]Traits{"box": {Replace: []string{"size"}, Note: func(s Step) string { return "mind " + s.Name }}}
	entry := owned(Entry{Key: box, Name: "a", ID: "1", Settings: Settings{"size": 1.0}})
	seen := now(there(box, "1", "a", Settings{"size": 1.0}))
	small, big := []Resource{{Key: box, Name: "a", Settings: Settings{"size": 1.0}}}, []Resource{{Key: box, Name: "a", Settings: Settings{"size": 2.0}}}
	for name, tt := range map[string]struct {
		want  []Resource
		state State
		seen  Seen
		says  string
	}{
		"create":  {small, State{}, now(Observed{Key: box}), "mind a"},
		"replace": {big, entry, seen, "mind a"},
		"keep":    {small, entry, seen, ""},
		"delete":  {nil, entry, seen, ""},
		"gone":    {small, entry, now(Observed{Key: box}), "it is gone from Cloudflare and will be made again"},
	} {
		if got := Diff(traits, tt.want, tt.state, tt.seen).Steps[0].Reason; got != tt.says {
			t.Errorf("%s: %q", name, got)
		}
	}
}

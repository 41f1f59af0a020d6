package provision

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// begin leaves an open intent, as a run that was killed does: with what it made,
// if it did, and not visible for so many looks.
func (c *cloud) begin(r Resource, made bool, hidden int, age time.Duration) {
	c.rec.state.Intents[r.Key] = Intent{Key: r.Key, Name: r.Name, Settings: r.Settings, Refs: r.Refs, Run: "before", Time: c.now.Add(-age)}
	if made {
		s := unhinted(r.Settings)
		delete(s, "to")
		c.items["made"] = &item{kind: r.Key.Kind, id: "made", name: r.Name, settings: s, created: c.now.Add(-age + time.Second), hidden: hidden}
	}
}

func TestResumedCreate(t *testing.T) {
	blue := boxA
	blue.Settings = Settings{"color": "blue", "to": []any{}}
	renamed := boxA
	renamed.Name = "a-1"
	const begin, create, find, keep, update, drop = "Begin box/a", "Create box/a", "Find box/a", "Keep box/a", "Update box/a", "Drop box/a"
	for _, tt := range []struct {
		name    string
		want    []Resource
		made    bool
		hidden  int // the plan looks once
		foreign bool
		faults  []fault
		class   Class
		log     []string
	}{
		{"never made", []Resource{boxA}, false, 0, false, nil, -1, []string{find, begin, create, keep, update, keep}},
		{"it appears before it is made again", []Resource{boxA}, true, 1, false, nil, -1, []string{find, keep}},
		{"it appears once its name is refused", []Resource{boxA}, true, 2, false, nil, -1, []string{find, begin, create, find, keep}},
		{"it appears at the last look", []Resource{boxA}, true, 4, false, nil, -1, []string{find, begin, create, find, find, find, keep}},
		{"it appears after the last look", []Resource{boxA}, true, 5, false, nil, Partial, []string{find, begin, create, find, find, find, create}},
		{"it appears, and other settings are wanted", []Resource{blue}, true, 1, false, nil, Partial, []string{find}},
		{"other settings, and its name is refused", []Resource{blue}, true, 2, false, nil, Partial, []string{find, begin, create}},
		{"it appears, and another name is wanted", []Resource{renamed}, true, 1, false, nil, Partial, []string{find}},
		{"it appears, and is not wanted any more", nil, true, 1, false, nil, Partial, []string{find}},
		{"never made, and not wanted any more", nil, false, 0, false, nil, -1, []string{find, "Forget box/a"}},
		{"never made, and another name is wanted", []Resource{renamed}, false, 0, false, nil, -1, []string{find, begin, create, keep, update, keep}},
		{"somebody else has its name since", []Resource{boxA}, false, 0, true, nil, Refused, []string{find, begin, create, find, drop}},
		{"refused again", []Resource{boxA}, false, 0, false, []fault{{"Create", 1, refused}}, Partial, []string{find, begin, create}},
		{"it cannot be looked up", []Resource{boxA}, false, 0, false, []fault{{"Find", 1, refused}}, Failed, []string{find}},
		{"it cannot be looked up, and is not wanted any more", nil, false, 0, false, []fault{{"Find", 1, refused}}, Failed, []string{find}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t)
			c.begin(boxA, tt.made, tt.hidden, time.Hour)
			p, err := c.plan(tt.want, false)
			if err != nil {
				t.Fatal(err)
			}
			if tt.foreign {
				c.settle("box", "a-0")
			}
			c.revive(tt.faults...)
			_, err = c.apply(p, c.options())
			if got := classOf(t, err); got != tt.class {
				t.Errorf("class %d, %v", got, err)
			}
			if d := cmp.Diff(tt.log, c.log); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
			if tt.foreign {
				return
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

// What cannot be changed was sent with the create: nobody tries to apply it again
// because it is not reported.
func TestLostCreateOfASealedStore(t *testing.T) {
	sealed := []Resource{{Key: store, Name: "s-0", Settings: Settings{"seal": "wax", "to": []any{}}}}
	c := newCloud(t)
	p, err := c.plan(sealed, false)
	if err != nil {
		t.Fatal(err)
	}
	c.revive(fault{"Create", 1, lostDone})
	if _, err := c.apply(p, c.options()); err != nil || c.calls["Update"] != 0 || c.differs(sealed) != "" {
		t.Errorf("%v, %v\n%s", err, c.log, c.differs(sealed))
	}
}

// What a run that was cut off has made, and is to be otherwise now, is removed
// with its intent and then made as new: nothing old is looked for.
func TestReplacementOfWhatWasBegun(t *testing.T) {
	small := Resource{Key: store, Name: "s-0", Settings: Settings{"class": "small", "to": []any{}}}
	big := Resource{Key: store, Name: "s-0", Settings: Settings{"class": "big", "to": []any{}}}
	c := newCloud(t)
	c.begin(small, true, 0, time.Hour)
	p, err := c.plan([]Resource{big}, false)
	if err != nil {
		t.Fatal(err)
	}
	c.revive()
	if _, err := c.apply(p, c.options()); err != nil {
		t.Error(err)
	}
	want := []string{"Delete store/s", "Forget store/s", "Begin store/s", "Create store/s", "Keep store/s"}
	if d := cmp.Diff(want, c.log); d != "" || c.differs([]Resource{big}) != "" {
		t.Errorf("(-want +got)\n%s\n%s", d, c.differs([]Resource{big}))
	}
}

// What is adopted is recorded as it is, with what it stands on, before it is
// changed.
func TestAdoptionIsRecordedFirst(t *testing.T) {
	c := newCloud(t)
	if err := c.run([]Resource{plain}, false); err != nil {
		t.Fatal(err)
	}
	on := boxA
	on.Refs = []Key{plain.Key}
	c.begin(on, true, 0, time.Hour)
	p, err := c.plan([]Resource{plain, {Key: box, Name: "a-1", Settings: Settings{"color": "blue", "to": []any{}}}}, false)
	if err != nil {
		t.Fatal(err)
	}
	c.revive(fault{"Update", 1, refused})
	if _, err := c.apply(p, c.options()); classOf(t, err) != Partial {
		t.Errorf("got %v", err)
	}
	e := c.rec.state.Entries[box]
	e.Created, e.Updated = time.Time{}, time.Time{}
	want := Entry{Key: box, Name: "a-0", ID: "made", Settings: Settings{"color": "red", "to": []any{}}, Refs: []Key{plain.Key}}
	if d := cmp.Diff(want, e); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// An update keeps the time of the making.
func TestUpdateKeepsCreated(t *testing.T) {
	renamed := boxA
	renamed.Name = "a-1"
	c := newCloud(t)
	if err := c.run([]Resource{boxA}, false); err != nil {
		t.Fatal(err)
	}
	before := c.rec.state.Entries[box]
	if err := c.run([]Resource{renamed}, false); err != nil {
		t.Fatal(err)
	}
	if after := c.rec.state.Entries[box]; !after.Created.Equal(before.Created) || !after.Updated.After(before.Updated) {
		t.Errorf("created %v and updated %v, before %v and %v", after.Created, after.Updated, before.Created, before.Updated)
	}
}

// Something deleted and made again by hand under its name is seen by the plan,
// before anything is lost of what is known.
func TestMadeAgainByHand(t *testing.T) {
	c := newCloud(t)
	if err := c.run([]Resource{boxA}, false); err != nil {
		t.Fatal(err)
	}
	delete(c.items, c.rec.state.Entries[box].ID)
	c.settle("box", "a-0")
	p, err := c.plan([]Resource{boxA}, false)
	if err != nil || len(p.Conflicts) != 1 || len(p.Steps) != 0 {
		t.Errorf("got %+v, %v", p, err)
	}
	if p, err = c.plan(nil, true); err != nil || len(p.Steps) != 1 || !p.Steps[0].Gone || !p.Destroy {
		t.Errorf("to destroy it: %+v, %v", p, err)
	}
}

// An update whose answer is lost can be taken back, also where nobody reports
// what it has set.
func TestLostUpdateOfASecret(t *testing.T) {
	with := func(secret string) []Resource {
		return []Resource{{Key: box, Name: "a-0", Settings: Settings{"secret": secret, "to": []any{}}}}
	}
	c := newCloud(t)
	if err := c.run(with("x"), false); err != nil {
		t.Fatal(err)
	}
	c.revive(fault{"Update", 1, lostDone})
	if err := c.run(with("y"), false); err == nil {
		t.Fatal("the answer was not lost")
	}
	c.revive()
	if err := c.run(with("x"), false); err != nil || c.differs(with("x")) != "" {
		t.Errorf("%v\n%s", err, c.differs(with("x")))
	}
}

// What a run has just made may not be visible to the next one, which takes it for
// gone. It is neither forgotten nor doubled, and nobody else's is taken for it.
func TestTooFreshToBeSeen(t *testing.T) {
	for _, tt := range []struct {
		name          string
		want          []Resource
		fresh, hidden int
		usurped       bool
		class         Class
		log           []string
		faults        []fault
	}{
		{"its name shows it to the plan", []Resource{boxA}, 1, 0, false, -1, nil, nil},
		{"the create is refused", []Resource{boxA}, 1, 1, false, Partial, []string{"Begin box/a", "Create box/a"}, []fault{{"Create", 1, refused}}},
		{"its name is refused", []Resource{boxA}, 1, 1, false, -1, []string{"Begin box/a", "Create box/a", "Find box/a", "Keep box/a"}, nil},
		{"its name is refused, and it appears later", []Resource{boxA}, 1, 3, false, -1, []string{"Begin box/a", "Create box/a", "Find box/a", "Find box/a", "Find box/a", "Keep box/a"}, nil},
		{"somebody else has its name since", []Resource{boxA}, 1, 1, true, Refused, []string{"Begin box/a", "Create box/a", "Find box/a", "Drop box/a"}, nil},
		{"it is not wanted any more", nil, 1, 0, false, Partial, []string{"Find box/a"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t)
			if err := c.run([]Resource{boxA}, false); err != nil {
				t.Fatal(err)
			}
			e := c.rec.state.Entries[boxA.Key]
			e.Created = c.now.Add(10 * time.Second) // the clock goes on by one with each call
			c.rec.state.Entries[boxA.Key] = e
			c.items[e.ID].fresh, c.items[e.ID].hidden = tt.fresh, tt.hidden
			p, err := c.plan(tt.want, false)
			if err != nil {
				t.Fatal(err)
			}
			if tt.usurped {
				delete(c.items, e.ID)
				c.settle("box", "a-0")
			}
			c.revive(tt.faults...)
			o := c.options()
			o.Settle = time.Millisecond
			_, err = c.apply(p, o)
			if got := classOf(t, err); got != tt.class {
				t.Errorf("class %d, %v", got, err)
			}
			if d := cmp.Diff(tt.log, c.log); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
			if tt.usurped {
				return
			}
			c.revive()
			if err := c.run(tt.want, false); err != nil {
				t.Error(err)
			}
			if d := c.differs(tt.want); d != "" || len(c.items) != len(tt.want) {
				t.Errorf("%s, %d there", d, len(c.items))
			}
		})
	}
}

// Where a name is all there is of an id, whoever has it after a while is not
// taken for what was there before.
func TestNameTakenAgain(t *testing.T) {
	c := newCloud(t)
	if err := c.run([]Resource{boxA}, false); err != nil {
		t.Fatal(err)
	}
	e := c.rec.state.Entries[boxA.Key]
	delete(c.items, e.ID)
	e.ID, e.Created = e.Name, c.now.Add(-time.Hour)
	c.rec.state.Entries[boxA.Key] = e
	p, err := c.plan([]Resource{boxA}, false)
	if err != nil {
		t.Fatal(err)
	}
	c.settle("box", e.Name)
	for id, it := range c.items {
		delete(c.items, id)
		it.id = e.Name
		c.items[e.Name] = it
	}
	c.revive()
	if _, err := c.apply(p, c.options()); classOf(t, err) != Refused || c.calls["Update"] != 0 {
		t.Errorf("%v, %v", err, c.log)
	}
}

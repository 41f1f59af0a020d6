package provision

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// planOf makes a plan of so many steps of each action.
func planOf(counts map[Action]int) Plan {
	var p Plan
	for _, a := range []Action{Create, Update, Replace, Delete, Adopt, Keep, Release} {
		for i := range counts[a] {
			p.Steps = append(p.Steps, Step{Action: a, Key: Key{"box", fmt.Sprint(a, i)}, Name: "n"})
		}
	}
	return p
}

func TestMuchIsConfirmed(t *testing.T) {
	for _, tt := range []struct {
		name    string
		plan    Plan
		confirm int
	}{
		{"nothing", planOf(nil), 0},
		{"half of all", planOf(map[Action]int{Delete: 1, Keep: 1}), 0},
		{"half, with what is updated and released", planOf(map[Action]int{Delete: 1, Replace: 1, Update: 1, Release: 1}), 0},
		{"more than half", planOf(map[Action]int{Delete: 2, Keep: 1}), 2},
		{"more than half, replaced", planOf(map[Action]int{Replace: 1}), 1},
		{"what is made does not count", planOf(map[Action]int{Delete: 2, Keep: 1, Create: 9, Adopt: 9}), 2},
		{"five of many", planOf(map[Action]int{Delete: 3, Replace: 2, Keep: 95}), 0},
		{"six of many", planOf(map[Action]int{Delete: 3, Replace: 3, Keep: 94}), 6},
		{"released", planOf(map[Action]int{Release: 9}), 0},
		{"gone already", Plan{Steps: []Step{{Action: Delete, Gone: true}, {Action: Delete, Gone: true}}}, 0},
		{"to destroy", Plan{Destroy: true, Steps: planOf(map[Action]int{Delete: 9}).Steps}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.plan.ToConfirm(); got != tt.confirm {
				t.Fatalf("%d are to be confirmed, want %d", got, tt.confirm)
			}
			if err := tt.plan.Confirmed(tt.confirm); err != nil {
				t.Error(err)
			}
			var p *Problem
			for _, wrong := range []int{tt.confirm - 1, tt.confirm + 1, 0} {
				if err := tt.plan.Confirmed(wrong); (err != nil) != (tt.confirm > 0) {
					t.Errorf("%d confirmed: %v", wrong, err)
				} else if err != nil && (!errors.As(err, &p) || p.Class != Refused || p.Hints[0] != fmt.Sprintf("if that is meant: --confirm-delete %d", tt.confirm)) {
					t.Errorf("%v %q", err, p.Hints)
				}
			}
		})
	}
}

func TestAllowFlag(t *testing.T) {
	for name, want := range map[string]string{
		"shop-db":    `--allow delete-data=shop-db`,
		"shop cache": `--allow 'delete-data=shop cache'`,
		"a,b":        `--allow '"delete-data=a,b"'`,
		`it's "so"`:  `--allow '"delete-data=it'\''s ""so"""'`,
		"$(rm -rf)":  `--allow 'delete-data=$(rm -rf)'`,
	} {
		if got := AllowFlag(DeleteDataOf(name)); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func TestShared(t *testing.T) {
	e := func(kind, name, id, zone string) Entry {
		return Entry{Key: Key{kind, name}, Name: name, ID: id, Zone: zone}
	}
	mine := owned(e("box", "a", "1", ""), e("link", "b", "1", "z1"), e("tag", "c", "2", ""))
	for _, tt := range []struct {
		name   string
		theirs State
		want   []string
	}{
		{"nothing", owned(), nil},
		{"the same, under another name", owned(e("box", "other", "1", "")), []string{"box/a"}},
		{"another kind, another zone", owned(e("tag", "a", "1", ""), e("link", "b", "1", "z2")), nil},
		{"two", owned(e("tag", "c", "2", ""), e("link", "b", "1", "z1")), []string{"link/b", "tag/c"}},
	} {
		var got []string
		for _, e := range Shared(mine, tt.theirs) {
			got = append(got, e.Key.String())
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s: %s", tt.name, d)
		}
	}
	theirs := mine
	mine.Account, theirs.Account = "one", "another"
	if got := Shared(mine, theirs); got != nil {
		t.Errorf("in another account: %v", got)
	}
}

// full is a cloud with a store that holds data.
func full(t *testing.T) (*cloud, Resource) {
	t.Helper()
	c, r := newCloud(t), Resource{Key: store, Name: "s-0", Settings: Settings{"class": "small", "to": []any{}}}
	if err := c.run([]Resource{r}, false); err != nil {
		t.Fatal(err)
	}
	c.items[c.rec.state.Entries[store].ID].data = "3 rows"
	return c, r
}

// A store is saved before it goes, and does not go where that fails: whatever
// fails in it, and however often. Without a vault nothing begins.
func TestSavedOrNotDeleted(t *testing.T) {
	c, r := full(t)
	big := r
	big.Settings = Settings{"class": "big", "to": []any{}}
	for name, want := range map[string][]Resource{"deleted": nil, "replaced": {big}} {
		for _, how := range []how{refused, lost, panics} {
			c.revive(fault{"Save", 1, how})
			if err := c.run(want, false); err == nil || len(c.items) != 1 || c.rec.state.Entries[store].ID == "" || c.calls["Delete"] > 0 {
				t.Fatalf("%s, %v: %v, and did %v", name, how, err, c.log)
			}
		}
	}
	p, err := c.plan(nil, false)
	if err != nil {
		t.Fatal(err)
	}
	c.revive()
	o := c.options()
	o.Allow, o.Vault = p.Consents(), nil
	if _, err := c.apply(p, o); err == nil || len(c.log) != 0 {
		t.Errorf("without a vault: %v, and did %v", err, c.log)
	}
	var kept []string
	o.Vault, o.Report = c, func(e Event) { kept = append(kept, e.Kept) }
	if _, err := c.apply(p, o); err != nil || c.backups["s-0"] != "3 rows" || len(c.items) != 0 || cmp.Diff([]string{"vault/s-0"}, kept) != "" {
		t.Errorf("%v, saved %v, told %v", err, c.backups, kept)
	}
}

func TestWithoutBackup(t *testing.T) {
	c, _ := full(t)
	p, err := c.plan(nil, true)
	if err != nil {
		t.Fatal(err)
	}
	bare := p.WithoutBackup(fakeTraits)
	if !p.Steps[0].Backup || bare.Calls() != p.Calls()-1 {
		t.Errorf("%+v became %+v", p.Steps, bare.Steps)
	}
	o := c.options()
	o.Allow, o.Vault = p.Consents(), nil
	if _, err := c.apply(bare, o); err != nil || c.backups != nil {
		t.Errorf("%v, saved %v", err, c.backups)
	}
}

// Protection is recorded with whatever happens to the resource, holds when the
// manifest is silent or does not name the resource any more, and goes where the
// manifest says so.
func TestProtected(t *testing.T) {
	c, plain := full(t)
	yes, no := plain, plain
	yes.Protect, no.Protect = new(true), new(false)
	big := plain
	big.Settings = Settings{"class": "big", "to": []any{}}
	plan := func(want ...Resource) Plan {
		t.Helper()
		p, err := c.plan(want, false)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	refuses := func(p Plan, text, hint string) {
		t.Helper()
		c.revive()
		o := c.options()
		o.Allow = p.Consents()
		_, err := c.apply(p, o)
		var problem *Problem
		if !errors.As(err, &problem) || problem.Class != Refused || problem.Text != text || !strings.Contains(strings.Join(problem.Hints, "\n"), hint) || len(c.log) > 0 {
			t.Errorf("%v %+v, and did %v", err, problem, c.log)
		}
	}
	bigYes := big
	bigYes.Protect = yes.Protect
	refuses(plan(bigYes), `store/s: "s-0" is protected, and would be replaced`, `"protect": false`) // protected by the very manifest

	p := plan(yes)
	if d := cmp.Diff([]Change{{Setting: ProtectSetting, Old: false, New: true, Local: true}}, p.Steps[0].Changes); d != "" || p.Calls() != 0 {
		t.Errorf("%s, %d calls", d, p.Calls())
	}
	if _, err := c.apply(p, c.options()); err != nil || !c.rec.state.Entries[store].Protected {
		t.Fatalf("%v %+v", err, c.rec.state.Entries)
	}
	if p := plan(plain); !p.Empty() {
		t.Errorf("a silent manifest: %+v", p.Steps)
	}
	refuses(plan(big), `store/s: "s-0" is protected, and would be replaced`, `"protect": false`)
	refuses(plan(), `store/s: "s-0" is protected, and would be deleted`, "cfboot state unprotect store/s")
	gone, err := c.plan(nil, true)
	if err != nil {
		t.Fatal(err)
	}
	gone.Environment, gone.Offline = "staging", true
	refuses(gone, `store/s: "s-0" is protected, and would be deleted`, "cfboot state unprotect store/s --env staging --offline")

	// Gone behind our back, it is made again under the same protection.
	delete(c.items, c.rec.state.Entries[store].ID)
	if err := c.run([]Resource{plain}, false); err != nil || !c.rec.state.Entries[store].Protected {
		t.Fatalf("%v %+v", err, c.rec.state.Entries)
	}
	lifted := big
	lifted.Protect = no.Protect
	if err := c.run([]Resource{lifted}, false); err != nil || c.rec.state.Entries[store].Protected {
		t.Fatalf("%v %+v", err, c.rec.state.Entries)
	}
	if err := c.run([]Resource{}, false); err != nil || len(c.items) != 0 {
		t.Errorf("%v %v", err, c.items)
	}
}

// What is only released is not counted by a plan to destroy.
func TestWhatIsReleasedIsNotCounted(t *testing.T) {
	c, _ := full(t)
	e := c.rec.state.Entries[store]
	for _, adopted := range []bool{true, false} {
		e.Adopted = adopted
		c.rec.state.Entries[store] = e
		seen := &counting{cloud: c}
		if _, err := NewPlan(t.Context(), seen, fakeTraits, nil, c.snapshot(), true); err != nil || seen.counted == adopted {
			t.Errorf("adopted %v: counted %v, %v", adopted, seen.counted, err)
		}
	}
}

// counting notes whether it is asked what stores hold.
type counting struct {
	*cloud
	counted bool
}

func (c *counting) Observe(ctx context.Context, wanted []Wanted, withData bool) (map[Key]Observed, error) {
	c.counted = c.counted || withData
	return c.cloud.Observe(ctx, wanted, withData)
}

// What is protected and gone at Cloudflare has nothing left to protect, and what
// is released is not touched.
func TestProtectedAndGone(t *testing.T) {
	e := Entry{Key: box, Name: "a", ID: "1", Protected: true}
	if p := Diff(fakeTraits, nil, owned(e), now(Observed{Key: box})); p.ProtectProblem() != nil || p.Steps[0].Action != Delete {
		t.Errorf("%+v", p.Steps)
	}
	e.Adopted = true
	if p := Diff(fakeTraits, nil, owned(e), now(Observed{Key: box, Exists: true, ID: "1", Name: "a"})); p.ProtectProblem() != nil || p.Steps[0].Action != Release {
		t.Errorf("%+v", p.Steps)
	}
}

// A create that was protected and cut off, or adopted, comes out protected.
func TestProtectedFromTheStart(t *testing.T) {
	r := Resource{Key: box, Name: "a", Settings: Settings{"to": []any{}}, Protect: new(true)}
	for _, how := range []how{lostDone, crashAfter} {
		c := newCloud(t)
		c.revive(fault{"Create", 1, how})
		_ = c.run([]Resource{r}, false) // cut off, or made in spite of the lost answer
		c.revive()
		if err := c.run([]Resource{r}, false); err != nil || !c.rec.state.Entries[box].Protected || len(c.items) != 1 {
			t.Errorf("%v: %v %+v", how, err, c.rec.state.Entries)
		}
	}
	found, err := Adoptions(t.Context(), asCloud{"a": {Exists: true, ID: "1", Name: "a"}}, fakeTraits, []Resource{r}, nil, State{}, noon)
	if err != nil || !found[0].Entry.Protected {
		t.Errorf("%v %+v", err, found)
	}
}

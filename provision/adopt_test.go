package provision

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// asCloud answers from a table and refuses to be asked for anything else.
type asCloud map[string]Observed // by id, else by name

func (c asCloud) Observe(_ context.Context, wanted []Wanted, _ bool) (map[Key]Observed, error) {
	out := map[Key]Observed{}
	for _, w := range wanted {
		o := c[firstNonEmpty(w.ID, w.Name)]
		o.Key = w.Key
		out[w.Key] = o
	}
	return out, nil
}

func TestAdoptions(t *testing.T) {
	r := Resource{Key: box, Name: "a", Settings: Settings{"color": "red", "secret": "s"}, Local: Settings{"binding": "A"}, Refs: []Key{store}}
	it := Observed{Exists: true, ID: "1", Name: "a", Settings: Settings{"color": "blue", "size": 3.0}, Data: "2 things", Owner: "somebody"}
	entry := Entry{Key: box, Name: "a", ID: "1", Settings: Settings{"color": "blue"}, Local: r.Local, Refs: r.Refs, Created: noon, Updated: noon, Adopted: true}
	ours, named := it, it
	ours.Ours = true
	named.Name = "b"
	asOurs, asNamed := entry, entry
	asOurs.Adopted = false
	asNamed.Name = "b"
	for _, tt := range []struct {
		name  string
		id    string
		state State
		cloud asCloud
		entry Entry
		later []string // settings that an apply would change
	}{
		{"by name, as it is", "", State{}, asCloud{"a": it}, entry, []string{"color", "secret"}},
		{"by id, under another name", "1", State{}, asCloud{"1": named}, asNamed, []string{"name", "color", "secret"}},
		{"with our mark it is not foreign", "", State{}, asCloud{"a": ours}, asOurs, []string{"color", "secret"}},
		{"in the place of one that is gone", "", owned(Entry{Key: box, Name: "a", ID: "0"}), asCloud{"a": it}, entry, []string{"color", "secret"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Adoptions(t.Context(), tt.cloud, fakeTraits, []Resource{r}, map[Key]string{box: tt.id}, tt.state, noon)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff([]Adoption{{Entry: tt.entry, Owner: "somebody", Data: "2 things"}}, got, cmpopts.IgnoreFields(Adoption{}, "Later")); d != "" {
				t.Fatalf("(-want +got)\n%s", d)
			}
			var later []string
			for _, c := range got[0].Later.Changes {
				later = append(later, c.Setting)
			}
			if d := cmp.Diff(tt.later, later); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

func TestAdoptionsRefused(t *testing.T) {
	r := Resource{Key: box, Name: "a"}
	it := Observed{Exists: true, ID: "1", Name: "a", Created: noon}
	marked := it
	marked.Mark = "till/production/a"
	for _, tt := range []struct {
		name, id string
		state    State
		cloud    asCloud
		text     string
	}{
		{"owned", "", owned(Entry{Key: box, Name: "a", ID: "1"}), asCloud{"1": it, "a": it}, `box/a: it is owned already, as "a" (1)`},
		{"owned, and not to be seen", "", owned(Entry{Key: box, Name: "a", ID: "1"}), asCloud{"1": {Blocked: "the zone is gone"}, "a": it}, `box/a: it is owned already, as "a" (1)`},
		{"owned under another key", "", owned(Entry{Key: Key{"box", "b"}, Name: "a", ID: "1"}), asCloud{"a": it}, `box/a: "a" is owned already, as box/b`},
		{"not there", "", State{Account: "acc"}, asCloud{}, `box/a: there is no "a" in the account acc`},
		{"no such id", "7", State{Account: "acc"}, asCloud{"a": it}, `box/a: there is none with the id "7" in the account acc`},
		{"found under another id", "a", State{}, asCloud{"a": it}, `box/a: "a" has the id 1, not a`},
		{"blocked", "", State{}, asCloud{"a": {Blocked: "the zone is in another account"}}, `box/a: the zone is in another account`},
		{"another project's", "", State{}, asCloud{"a": marked}, `box/a: "a" belongs to the cfboot project till/production/a`},
		{"begun", "", begun(Intent{Key: box, Name: "a", Time: noon.Add(-time.Second)}), asCloud{"a": it}, `box/a: "a" was begun by a run that was cut off`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Adoptions(t.Context(), tt.cloud, fakeTraits, []Resource{r}, map[Key]string{box: tt.id}, tt.state, noon)
			var p *Problem
			if !errors.As(err, &p) || p.Class != Refused || p.Text != tt.text || got != nil {
				t.Errorf("got %v and %v, want %s", got, err, tt.text)
			}
		})
	}
}

func TestAdoptedIsReleased(t *testing.T) {
	e := Entry{Key: store, Name: "s", ID: "1", Settings: Settings{"class": "x"}, Adopted: true}
	full := Observed{Key: store, Exists: true, ID: "1", Name: "s", Settings: Settings{"class": "x"}, Data: "3 keys"}
	replaced := []Resource{{Key: store, Name: "s", Settings: Settings{"class": "y"}}}
	mine := owned(e).Own()
	for _, tt := range []struct {
		name     string
		want     []Resource
		state    State
		seen     Observed
		action   Action
		gone     bool
		consents []string
	}{
		{"unwanted", nil, owned(e), full, Release, false, nil},
		{"unwanted, and not to be seen", nil, owned(e), Observed{Key: store, Blocked: "the zone is gone"}, Release, false, nil},
		{"unwanted, and gone", nil, owned(e), Observed{Key: store}, Delete, true, nil},
		{"unwanted, as if made by us", nil, mine, full, Delete, false, []string{DeleteDataOf("s")}},
		{"to be replaced", replaced, owned(e), full, Replace, false, []string{DeleteAdopted, DeleteDataOf("s")}},
		{"to be replaced, as if made by us", replaced, mine, full, Replace, false, []string{DeleteDataOf("s")}},
		{"gone, and made again", replaced, owned(e), Observed{Key: store}, Create, false, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := Diff(fakeTraits, tt.want, tt.state, now(tt.seen))
			s := p.Steps[0]
			if s.Action != tt.action || s.Gone != tt.gone {
				t.Errorf("got %s (gone: %v), want %s", s.Action, s.Gone, tt.action)
			}
			if d := cmp.Diff(tt.consents, p.Consents()); d != "" {
				t.Errorf("consents (-want +got)\n%s", d)
			}
			if s.Action == Release && (s.Calls != 0 || s.Action.Symbol() != "=" || p.Empty()) {
				t.Errorf("got %+v", s)
			}
			if err := Consented(p, nil); (err == nil) != (tt.consents == nil) {
				t.Errorf("without consent: %v", err)
			}
			if err := Consented(p, tt.consents); err != nil {
				t.Errorf("with all consents: %v", err)
			}
		})
	}
	if !owned(e).Entries[store].Adopted {
		t.Error("Own changed the state it was asked of")
	}
}

// What was taken over outlives a destroy, while what stands on it and is ours
// goes; it stays taken over through a change in place.
func TestAdoptedThroughItsLife(t *testing.T) {
	c := newCloud(t)
	c.items["theirs"] = &item{kind: "box", id: "theirs", name: "a", settings: Settings{"color": "blue"}, created: c.now}
	link := Key{"link", "l"}
	desired := []Resource{
		{Key: box, Name: "a", Settings: Settings{"color": "blue"}},
		{Key: link, Name: "l-1", Settings: Settings{"to": []any{"a"}}, Refs: []Key{box}},
	}
	found, err := Adoptions(t.Context(), c, fakeTraits, desired[:1], nil, c.rec.state, noon)
	if err != nil {
		t.Fatal(err)
	}
	c.rec.state.Entries[box] = found[0].Entry
	if err := c.run(desired, false); err != nil {
		t.Fatal(err)
	}
	desired[0].Settings = Settings{"color": "green"}
	if err := c.run(desired, false); err != nil {
		t.Fatal(err)
	}
	if e := c.rec.state.Entries[box]; !e.Adopted || e.ID != "theirs" || c.items["theirs"].settings["color"] != "green" {
		t.Fatalf("after a change it is %+v", e)
	}
	if err := c.run(nil, true); err != nil {
		t.Fatal(err)
	}
	if len(c.items) != 1 || c.items["theirs"] == nil || len(c.rec.state.Entries) != 0 {
		t.Errorf("left are %v and the entries %v", c.items, c.rec.state.Entries)
	}
}

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

package provision

import (
	"context"
	"slices"
)

// A resource that was made carries tags which say whose it is, in words that
// outlive the state. They are put when its entry is recorded, as a part of the
// step of its own (see graph), because nothing waits for them; where Cloudflare
// does not allow that, the record says so and nothing else changes. What was
// taken over is not tagged: it was not made by us.
//
// A tag is a claim that any member of the account could write. It counts where
// there is no entry: to take up again what a lost record had, never to delete
// what the record does not know.

// Tags are what the resource tags of one resource say.
type Tags struct {
	Lineage     string // of the state that has its entry
	Project     string
	Environment string
	Key         Key
	Refs        []Key  // what it stands on
	Lease       *Lease // nil: its environment is no preview
}

// Home is what the tags belong to: "shop/production".
func (t Tags) Home() string { return t.Project + "/" + t.Environment }

// A Tagged is one resource that carries tags of an environment.
type Tagged struct {
	Tags Tags
	Name string // real name
	ID   string // as an entry has it; empty where only the name is known
}

// MarkSetting is the setting under which Diff shows that an entry's tags are
// still to be put.
const MarkSetting = "mark"

// judge says by the tags that were found on a resource whose it is. They tell
// more than a mark does, which knows no lineage, so they overrule it.
func (st State) judge(o *Observed) {
	t := o.Tags
	if t == nil {
		return
	}
	o.Ours, o.Mark, o.Stray = false, "", ""
	switch {
	case t.Project != st.Project || t.Environment != st.Environment || t.Key != o.Key:
		o.Mark = t.Home() + "/" + t.Key.Name
	case t.Lineage == st.Lineage:
		o.Ours = true
	default:
		o.Mark, o.Stray = t.Home()+"/"+t.Key.Name, t.Lineage
	}
}

// mark puts the tags of an entry that was recorded before, unless it has them.
// That they are refused is recorded; the resource is no worse for it.
func (r *runner) mark(ctx context.Context, s Step) error {
	r.mu.Lock()
	e, owned := r.entries[s.Key]
	r.mu.Unlock()
	if !owned || e.Adopted || e.Marked != Unmarked {
		return nil
	}
	put, err := r.tag(ctx, e)
	if err != nil || put == Unmarked {
		return err
	}
	e.Marked = put
	return r.keep(e)
}

// alongside puts the tags while the settings are sent that the create could not
// carry. What goes wrong is left to the step's own mark.
func (r *runner) alongside(ctx context.Context, e Entry) <-chan Mark {
	done := make(chan Mark, 1)
	go func() {
		put := Unmarked
		defer func() {
			_ = recover() // the step's own mark meets it again, where it is reported
			done <- put
		}()
		if m, err := r.tag(ctx, e); err == nil {
			put = m
		}
	}()
	return done
}

func (r *runner) tag(ctx context.Context, e Entry) (Mark, error) {
	lineage := ""
	if r.options.Lineage != nil {
		lineage = r.options.Lineage()
	}
	r.mu.Lock()
	fresh := r.made[e.Key]
	r.mu.Unlock()
	return r.driver.Mark(ctx, e, r.state.TagsOf(e, lineage), fresh)
}

// TagsOf are the tags that an entry of s carries.
func (s State) TagsOf(e Entry, lineage string) Tags {
	t := Tags{Lineage: lineage, Project: s.Project, Environment: s.Environment, Key: e.Key, Refs: e.Refs}
	if s.Preview != nil {
		t.Lease = &s.Preview.Lease
	}
	return t
}

// remark asks for tags that an entry does not carry yet, or that say no longer
// what it stands on.
func (d differ) remark(s *Step, e Entry, owned bool) {
	switch {
	case d.traits[s.Key.Kind].Marks == 0:
	case s.Action == Adopt:
		s.Mark = !d.carries(s.Key, s.Refs)
	case s.Action == Create || s.Action == Replace:
		s.Mark = true
	case !owned || e.Adopted || e.Marked == MarkDenied:
	case e.Marked == Unmarked && (s.Action == Keep || s.Action == Update):
		s.Mark = true
		s.Changes = append(s.Changes, Change{Setting: MarkSetting, New: Tags{Project: d.state.Project, Environment: d.state.Environment}.Home(), Local: true})
		s.Action = Update
	case s.Action == Update && !slices.Equal(keyStrings(e.Refs), keyStrings(s.Refs)):
		s.Mark = true
	}
}

// carries reports whether what was found has our tags already.
func (d differ) carries(k Key, refs []Key) bool {
	for _, obs := range []Observed{d.seen.Now[k], d.seen.Ahead[k]} {
		if t := obs.Tags; t != nil && obs.Ours && slices.Equal(keyStrings(t.Refs), keyStrings(refs)) {
			return true
		}
	}
	return false
}

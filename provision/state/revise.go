package state

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cfboot/cfboot/provision"
)

// Remove forgets a resource that goes on to exist, or an open intent. It is
// refused where something else refers to it. Unlike the recording methods, this
// one, Protect and Rename are what a person asked for, and not the outcome of a step: a
// change that cannot be saved has not happened. The error is a
// *provision.Problem of class Refused, or Failed where the disk failed.
func (s *Store) Remove(k provision.Key) error {
	return s.revise(func(st *provision.State) error {
		if err := s.has(*st, k); err != nil {
			return err
		}
		if by := Referrers(*st, k); by != nil {
			return s.no(fmt.Sprintf("%s cannot be forgotten: it is referred to by %s", k, listText(by)),
				"forget what refers to it first: "+s.command("rm "+by[0].String()))
		}
		delete(st.Entries, k)
		delete(st.Intents, k)
		return nil
	})
}

// SetPreview says of the environment that it is a preview, and what was done with
// it. In a state that was never saved it is kept with the first save, so that
// whatever is made is a preview's from the start.
func (s *Store) SetPreview(p *provision.PreviewRecord) error {
	if p != nil {
		p = p.Clone()
		p.Made, p.Expires = p.Made.UTC(), p.Expires.UTC()
	}
	s.mu.Lock()
	fresh := s.state.Lineage == ""
	if fresh {
		s.state.Preview = p
	}
	s.mu.Unlock()
	if fresh {
		return nil
	}
	return s.revise(func(st *provision.State) error { st.Preview = p; return nil })
}

// Protect records whether an entry may be deleted and replaced.
func (s *Store) Protect(k provision.Key, on bool) error {
	return s.revise(func(st *provision.State) error {
		e, owned := st.Entries[k]
		if !owned {
			return s.no(fmt.Sprintf("it owns no %q", k), "see what there is: "+s.command("list"))
		}
		e.Protected = on
		st.Entries[k] = e
		return nil
	})
}

// Rename gives an entry another logical name; what refers to it follows. The
// kind stays, since it says what the resource is. Of along, what there is takes the
// new name with it: what stands in the manifest as part of the same resource. The
// tags at Cloudflare say the old name until the next apply.
func (s *Store) Rename(from, to provision.Key, along ...provision.Key) error {
	return s.revise(func(st *provision.State) error {
		if err := s.rename(st, from, to); err != nil {
			return err
		}
		for _, k := range along {
			if s.has(*st, k) != nil {
				continue
			}
			if err := s.rename(st, k, provision.Key{Kind: k.Kind, Name: to.Name}); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Store) rename(st *provision.State, from, to provision.Key) error {
	if err := s.renamable(*st, from, to); err != nil {
		return err
	}
	e := st.Entries[from]
	delete(st.Entries, from)
	e.Key = to
	st.Entries[to] = stale(e)
	follow := func(refs []provision.Key) (follows bool) {
		for i := range refs {
			if refs[i] == from {
				refs[i], follows = to, true
			}
		}
		return follows
	}
	for k, e := range st.Entries {
		if follow(e.Refs) {
			st.Entries[k] = stale(e)
		}
	}
	for _, i := range st.Intents {
		follow(i.Refs)
	}
	return nil
}

func (s *Store) renamable(st provision.State, from, to provision.Key) error {
	if err := s.has(st, from); err != nil {
		return err
	}
	_, taken := st.Entries[to]
	_, begun := st.Intents[to]
	_, finished := st.Entries[from]
	switch {
	case from == to:
		return s.no(fmt.Sprintf("%s has that name already", from))
	case from.Kind != to.Kind:
		return s.no(fmt.Sprintf("%s is of kind %s and cannot become one of kind %s", from, from.Kind, to.Kind),
			"give it another name of its own kind: "+from.Kind+"/"+to.Name)
	case taken || begun:
		return s.no(fmt.Sprintf("there is a %s already", to), "choose another name, or see what that one is: "+s.command("show "+to.String()))
	case !finished:
		return s.no(fmt.Sprintf("nobody knows yet whether %s was made", from), "finish that first: cfboot apply")
	}
	if err := checkKeys(to, nil); err != nil {
		return s.no(err.Error())
	}
	return nil
}

// stale is an entry whose tags do not say any more what they should.
func stale(e provision.Entry) provision.Entry {
	if e.Marked == provision.Marked {
		e.Marked = provision.Unmarked
	}
	return e
}

// Referrers lists what refers to k, in the order of the file.
func Referrers(st provision.State, k provision.Key) []provision.Key {
	var out []provision.Key
	for _, r := range sortedKeys(st.Entries) {
		if slices.Contains(st.Entries[r].Refs, k) {
			out = append(out, r)
		}
	}
	for _, r := range sortedKeys(st.Intents) {
		if slices.Contains(st.Intents[r].Refs, k) {
			out = append(out, r)
		}
	}
	return out
}

func listText(keys []provision.Key) string {
	var out []string
	for _, k := range keys {
		out = append(out, k.String())
	}
	return strings.Join(out, ", ")
}

func (s *Store) has(st provision.State, k provision.Key) error {
	_, entry := st.Entries[k]
	_, intent := st.Intents[k]
	if entry || intent {
		return nil
	}
	return s.no(fmt.Sprintf("it has no %q", k), "see what there is: "+s.command("list"))
}

// command is a command about this state, for a hint. The caller holds s.mu.
func (s *Store) command(c string) string {
	c = "cfboot state " + c
	if s.state.Environment != Production {
		c += " --env " + quote(s.state.Environment)
	}
	return c
}

func (s *Store) no(text string, hints ...string) error {
	return &provision.Problem{At: s.home, Text: text, Hints: hints, Class: provision.Refused}
}

// revise changes the whole state at once and saves it. The caller makes sure
// that no step is being recorded meanwhile.
func (s *Store) revise(do func(*provision.State) error) error {
	s.saving.Lock()
	defer s.saving.Unlock()
	s.mu.Lock()
	before, err := s.state, s.ready()
	after := clone(before)
	if err == nil {
		err = do(&after)
	}
	if err == nil {
		if f := checkResources(after); f != nil {
			err = s.no(f.Error())
		}
	}
	if err == nil {
		s.state, s.encoder = after, newEncoder()
	}
	s.mu.Unlock()
	if err != nil {
		return err
	}
	return s.orAsBefore(before, s.flush())
}

// orAsBefore takes a change back that could not be saved.
func (s *Store) orAsBefore(before provision.State, err error) error {
	var failed *SaveError
	if !errors.As(err, &failed) {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.Serial == before.Serial { // else only the directory could not be synced
		s.state, s.encoder = before, newEncoder()
		s.revert()
	}
	var p *provision.Problem
	errors.As(err, &p)
	return &provision.Problem{At: s.home, Text: "the change could not be saved", Class: provision.Failed, Err: errors.New(cause(failed.Err)), Hints: p.Hints[:1]}
}

// Unmark forgets that tags were refused, so that they are tried again, and says
// of how many entries.
func (s *Store) Unmark() (n int, err error) {
	for _, e := range s.State().Entries {
		if e.Marked == provision.MarkDenied {
			n++
		}
	}
	if n == 0 {
		return 0, nil
	}
	return n, s.revise(func(st *provision.State) error {
		for k, e := range st.Entries {
			if e.Marked == provision.MarkDenied {
				e.Marked = provision.Unmarked
				st.Entries[k] = e
			}
		}
		return nil
	})
}

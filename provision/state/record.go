package state

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/cfboot/cfboot/provision"
)

// A SaveError says that a change could not be written. The file on disk is as
// it was. Bundle is the whole state with the change in it, in the very form of
// the file; it may hold the only record of what was made. Store.Unsaved gives it
// as it is when the run has ended, to be printed and put in the file's place.
// The error's text does not contain the bundle.
type SaveError struct {
	Path   string
	Bundle []byte
	Err    error
	Copy   string // the file that holds the change all the same; empty: none does
}

func (e *SaveError) Error() string { return cause(e.Err) }
func (e *SaveError) Unwrap() error { return e.Err }

// A batch is the changes that go to disk in one write.
type batch struct {
	done bool // both under Store.saving
	err  error
}

// holding is what the state has under one key.
type holding struct {
	entry  *provision.Entry
	intent *provision.Intent
}

// Begin records that a create is about to be sent. An entry of that key is
// removed: what it stood for is gone, and so its id is dead. Where the intent
// cannot be saved it is taken back, since nothing will be sent.
//
// The error of this and the other recording methods is a *provision.Problem: of
// class Partial around a *SaveError where the disk failed, else Failed.
func (s *Store) Begin(i provision.Intent) error {
	k := i.Key
	i.Time = i.Time.UTC()
	err := checkIntent(i)
	if err == nil {
		i, err = asRead(i)
	}
	if err != nil {
		return invalid(k, err)
	}
	before, err := s.change(k, func(holding) holding { return holding{intent: &i} })
	var failed *SaveError
	if errors.As(err, &failed) {
		s.takeBack(k, before)
	}
	return err
}

// Drop records that the create was not carried out after all.
func (s *Store) Drop(k provision.Key) error {
	_, err := s.change(k, func(h holding) holding { return holding{entry: h.entry} })
	return err
}

// Keep records that the entry exists as given, and closes its intent.
func (s *Store) Keep(e provision.Entry) error {
	k := e.Key
	e.Created, e.Updated = e.Created.UTC(), e.Updated.UTC()
	err := checkEntry(e)
	if err == nil {
		e, err = asRead(e)
	}
	if err != nil {
		return invalid(k, err)
	}
	_, err = s.change(k, func(holding) holding { return holding{entry: &e} })
	return err
}

// Forget records that the resource of that key is gone, and closes its intent.
func (s *Store) Forget(k provision.Key) error {
	_, err := s.change(k, func(holding) holding { return holding{} })
	return err
}

func invalid(k provision.Key, err error) error {
	return &provision.Problem{At: k.String(), Text: "it cannot be recorded", Err: err, Class: provision.Failed,
		Hints: []string{"this is a fault of cfboot: please report it"}}
}

// change makes one change and returns when a write that contains it is on disk.
// Whoever comes while a write is under way shares the next one: the first to
// get hold of saving writes for all that have joined by then, and the others
// find their batch done. A change that could not be written stays in memory and
// goes with the next write, for what it says is true all the same.
func (s *Store) change(k provision.Key, to func(holding) holding) (before holding, err error) {
	s.mu.Lock()
	if err := s.ready(); err != nil {
		s.mu.Unlock()
		return before, err
	}
	before = s.at(k)
	s.put(k, to(before))
	if circle := circleAt(s.state, k); circle != nil {
		s.put(k, before)
		s.mu.Unlock()
		return before, invalid(k, fmt.Errorf("refs go in a circle: %s", circleText(circle)))
	}
	if s.next == nil {
		s.next = &batch{}
	}
	b := s.next
	s.mu.Unlock()

	s.saving.Lock()
	defer s.saving.Unlock()
	if !b.done {
		b.err = s.flush()
		b.done = true
	}
	return before, b.err
}

// ready reports why nothing can be recorded, if so.
func (s *Store) ready() error {
	p := &provision.Problem{At: s.home, Class: provision.Failed, Hints: []string{"this is a fault of cfboot: please report it"}}
	switch {
	case s.closed:
		p.Text = "it was closed before the run ended"
	case s.state.Project == "":
		p.Text = "nobody said which project it belongs to"
	case s.state.Account == "":
		p.Text = "nobody said which account it belongs to"
	default:
		return nil
	}
	return p
}

func (s *Store) at(k provision.Key) (h holding) {
	if e, ok := s.state.Entries[k]; ok {
		h.entry = &e
	}
	if i, ok := s.state.Intents[k]; ok {
		h.intent = &i
	}
	return h
}

func (s *Store) put(k provision.Key, h holding) {
	s.encoder.forget(k)
	delete(s.state.Entries, k)
	delete(s.state.Intents, k)
	if h.entry != nil {
		s.state.Entries[k] = *h.entry
	}
	if h.intent != nil {
		s.state.Intents[k] = *h.intent
	}
}

func (s *Store) takeBack(k provision.Key, before holding) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, kept := s.state.Entries[k]; !kept {
		s.put(k, before)
	}
}

// flush writes the state as it is now, with everything in s.next. The caller
// holds s.saving.
func (s *Store) flush() error {
	s.mu.Lock()
	s.next = nil
	if s.state.Lineage == "" {
		s.state.Lineage = newID(s.now())
	}
	content, err := s.encodeNext()
	s.mu.Unlock()
	if err != nil {
		return &provision.Problem{At: s.home, Text: "the state could not be put into words", Err: err, Class: provision.Failed}
	}
	replaced, err := s.write(content)
	if s.away != nil {
		return s.publish(content, err)
	}
	if replaced {
		s.mu.Lock()
		s.state.Serial++
		s.mu.Unlock()
	}
	if err != nil {
		return &provision.Problem{At: s.path, Text: "it could not be saved", Class: provision.Partial,
			Err:   &SaveError{Path: s.path, Bundle: content, Err: err},
			Hints: []string{saveHint(err, filepath.Dir(s.path)), bundleHint(err, s.path)}}
	}
	return nil
}

// Bundle is the whole state as a file's content, with whatever could not be
// saved; for a run that has to end without a save.
func (s *Store) Bundle() ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.encodeNext()
}

// Unsaved is what to print where err says that a save failed: the whole state,
// with what other steps of the run have recorded since, which the SaveError's
// own Bundle lacks. For any other error it is nil.
func (s *Store) Unsaved(err error) []byte {
	var failed *SaveError
	if !errors.As(err, &failed) {
		return nil
	}
	if bundle, err := s.Bundle(); err == nil {
		return bundle
	}
	return failed.Bundle
}

func (s *Store) encodeNext() ([]byte, error) {
	st := s.state
	st.Serial++
	return s.encoder.encode(st)
}

// bundleHint says what to do with a bundle.
func bundleHint(err error, path string) string {
	if errors.Is(err, errNotAlone) {
		return "compare the state that is printed in JSON with " + quote(path) + " before the next run: what is only in one of them must not be lost"
	}
	return "put the state that is printed in JSON into " + quote(path) + " before the next run: it may be the only record of what was made"
}

// saveHint says what to do about a failed write.
func saveHint(err error, dir string) string {
	switch {
	case errors.Is(err, errNotAlone):
		return "see that nothing but one run of cfboot writes to " + quote(dir)
	case noSpace(err):
		return "make room on the disk that holds " + quote(dir)
	case errors.Is(err, fs.ErrPermission), readOnly(err):
		return "make the directory " + quote(dir) + " writable for you"
	}
	return "look at the directory " + quote(dir) + " and its disk"
}

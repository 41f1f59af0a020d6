package state

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/crashpoint"
	"github.com/cfboot/cfboot/provision/objects"
)

// A journal is what a Store knows of the bucket that its state is kept in. It is
// guarded by Store.saving.
type journal struct {
	place  *bucketPlace
	lease  *lease
	before string // the run here that has ended without giving its locks back
	serial int64  // the newest in the bucket that is ours to follow; 0: none
	data   []byte
	all    []listed  // the versions that were there at first
	now    time.Time // by the bucket's clock, then
	saved  bool      // something was saved by this run
	broken error     // why nothing may be saved any more
	cut    error     // why the last save did not get there
}

// Open holds the state for one run, see Open for a file: the lock in the bucket,
// and that of the copy on this machine.
func (b *bucketPlace) Open(o Options) (*Store, error) {
	o = o.complete()
	s, c, v, err := b.hold(o)
	if err != nil {
		return nil, err
	}
	if err := s.follow(c, v, o); err != nil {
		s.closeAway()
		_ = release(s.lock) // what is wrong with the state matters more
		return nil, err
	}
	s.sweep()
	return s, nil
}

// hold takes both locks and reads what there is, under them.
func (b *bucketPlace) hold(o Options) (*Store, copied, *version, error) {
	before := endedHere(b.Copy())
	path, lock, err := claim(b.Copy(), o)
	if err != nil {
		return nil, copied{}, nil, err
	}
	s := &Store{path: path, home: b.String(), run: o.Run, now: o.Now, lock: lock, disk: osDisk{}, encoder: newEncoder(), away: &journal{place: b, before: before}}
	var v *version
	var c copied
	if s.away.lease, err = b.lease(o, before); err == nil {
		if v, s.away.all, s.away.now, err = b.newest(); err != nil {
			s.closeAway()
		}
		c = b.readCopy()
		s.onDisk = c.info
	}
	if err != nil {
		_ = release(lock) // the first fault matters more
		return nil, copied{}, nil, err
	}
	return s, c, v, nil
}

// follow goes on from the newest version, after bringing there what only the copy
// has, and makes the copy the same.
func (s *Store) follow(c copied, v *version, o Options) error {
	b := s.away.place
	if v != nil && v.moved != nil {
		return b.movedProblem(*v.moved)
	}
	how, err := b.compare(c, v)
	if err != nil {
		return err
	}
	st := clone(provision.State{})
	if v != nil {
		st = v.state
		s.away.serial, s.away.data = v.serial, v.object.Data
	}
	if how == copyAhead {
		st = c.state
	}
	if err := s.begin(st, o); err != nil {
		return err
	}
	switch {
	case how == copyAhead:
		return s.bring(c)
	case how == copyBehind && v != nil:
		if _, err := s.write(v.object.Data); err != nil {
			s.warn(s.path, err)
		}
	}
	s.noteOrigin(how == copyBehind && v == nil)
	return nil
}

// bring saves in the bucket what only the copy has.
func (s *Store) bring(c copied) error {
	s.state.Serial = s.away.serial
	content := c.data
	if c.state.Serial != s.away.serial+1 && s.away.serial > 0 {
		var err error
		if content, err = s.encodeNext(); err == nil {
			_, err = s.write(content)
		}
		if err != nil {
			return &provision.Problem{At: s.path, Text: "what only it has could not be brought to " + s.home, Err: errors.New(cause(err)), Class: provision.Failed,
				Hints: []string{saveHint(err, s.path)}}
		}
	} else {
		s.state.Serial = c.state.Serial - 1
	}
	if err := s.send(content); err != nil {
		return err
	}
	s.noteOrigin(false)
	s.away.place.Notice(fmt.Sprintf("note: %s had what an earlier run could not save in %s; it is there now, as serial %d", c.path, s.home, s.state.Serial))
	return nil
}

// noteOrigin writes beside the copy what it is of. Where it is not written, the
// next run has to compare more.
func (s *Store) noteOrigin(anew bool) {
	a := s.away
	o := origin{Place: a.place.Address, Project: a.place.Project, Environment: a.place.Environment, Run: s.run,
		Lineage: s.state.Lineage, Serial: a.serial, Sum: sumOf(a.data)}
	if a.serial == 0 {
		o.Sum = ""
	}
	if anew {
		_ = s.discard(s.path) // the copy of an empty state that is gone
		s.onDisk = nil
	}
	if err := s.writeOrigin(o); err != nil {
		s.warn(originPath(s.path), err)
	}
}

// publish saves in the bucket what was written into the copy, or was not, as local
// says. What has to be made better by hand is in the error; the copy keeps it. The
// caller holds s.saving.
func (s *Store) publish(content []byte, local error) error {
	err := s.send(content)
	if errors.Is(err, errEarlier) {
		// A save of this run that was given up had arrived after all.
		s.mu.Lock()
		content, err = s.encodeNext()
		s.mu.Unlock()
		if err == nil {
			_, local = s.write(content)
			err = s.send(content)
		}
	}
	if err == nil {
		s.warn(s.path, local)
		return nil
	}
	failed := &SaveError{Path: s.home, Bundle: content, Err: err}
	p := &provision.Problem{At: s.home, Text: "it could not be saved", Class: provision.Partial, Err: failed}
	if local == nil {
		failed.Copy = s.path
	}
	p.Hints = s.publishHints(err, failed.Copy != "")
	return p
}

func (s *Store) publishHints(err error, copied bool) []string {
	if !copied {
		return []string{"the copy on this machine could not be written either", bundleHint(errNotAlone, s.home)}
	}
	if errors.Is(err, errNotAlone) {
		return []string{quote(s.path) + " has what this run has made; the next run compares the two, and says what to do"}
	}
	hints := []string{quote(s.path) + " has it: run the same command again, here, when the bucket can be reached: it is brought there first"}
	var p *provision.Problem
	if errors.As(err, &p) {
		hints = append(hints, p.Hints...)
	}
	return hints
}

// errEarlier says that the version is there, as this run had meant it before.
var errEarlier = errors.New("an earlier save of this run has arrived")

// send saves content as the next version: the one after the newest that this run
// knows of, on condition that there is none.
func (s *Store) send(content []byte) error {
	a := s.away
	if a.broken != nil {
		return a.broken
	}
	if a.broken = a.lease.gone(); a.broken != nil {
		return a.broken
	}
	if a.cut != nil && a.place.Objects.Hurried() {
		return a.cut // the seconds that are left are better spent on the copy
	}
	if err := a.lease.valid(); err != nil {
		a.broken = a.lease.gone() // else it was only not to be reached
		a.cut = err
		return err
	}
	crashpoint.Here("state: before the bucket")
	serial := s.state.Serial + 1 // changes under s.saving only
	key := a.place.key(serial)
	_, _, err := a.place.Objects.Put(key, content, objects.Nothing, s.run)
	if errors.Is(err, objects.ErrChanged) {
		o, gerr := a.place.Objects.Get(key)
		switch {
		case gerr == nil && o.Writer == s.run && bytes.Equal(o.Data, content):
			err = nil
		case gerr == nil && o.Writer == s.run:
			s.took(serial, o.Data)
			return errEarlier
		default:
			a.broken = fmt.Errorf("another run has saved serial %d meanwhile: %w", serial, errNotAlone)
			return a.broken
		}
	}
	if a.cut = err; err != nil {
		return err
	}
	crashpoint.Here("state: in the bucket")
	s.took(serial, content)
	return nil
}

// took notes that a version is in the bucket.
func (s *Store) took(serial int64, content []byte) {
	s.away.serial, s.away.data, s.away.saved = serial, content, true
	s.mu.Lock()
	s.state.Serial = serial
	s.mu.Unlock()
}

// revert makes the copy what the bucket has, after a change that nobody wants any
// more because it could not be saved there.
func (s *Store) revert() {
	if s.away == nil || s.away.serial == 0 {
		return
	}
	if _, err := s.write(s.away.data); err != nil {
		s.warn(s.path, err)
	}
}

// keptFor is how long a version stays in the bucket, however many there are.
const keptFor = 7 * 24 * time.Hour

// thinnedAtOnce is how many versions one run removes.
const thinnedAtOnce = 200

// closeAway gives the lock in the bucket back, after the housekeeping that only its
// holder may do. The caller holds s.saving, or is the only one.
func (s *Store) closeAway() {
	a := s.away
	if a == nil || a.lease == nil {
		return
	}
	if a.saved && a.broken == nil && a.lease.gone() == nil {
		if data, _, err := readRegular(s.path); err == nil && bytes.Equal(data, a.data) {
			s.noteOrigin(false)
		}
		if !a.place.Objects.Hurried() {
			s.thin()
		}
	}
	if a.cut != nil && a.place.Objects.Hurried() {
		a.lease.end()
	}
	if err := a.lease.release(); err != nil {
		a.place.Notice(fmt.Sprintf("warning: the lock of %s could not be given back (%v); it ends by itself in %s", s.home, err, a.place.Lease))
	}
}

// thin removes the versions that nobody needs any more. What cannot be removed is
// left to a later run.
func (s *Store) thin() {
	a := s.away
	old := a.all[:max(0, len(a.all)-historyKept)]
	old = slices.DeleteFunc(slices.Clone(old), func(l listed) bool { return a.now.Sub(l.modified) < keptFor })
	old = old[:min(len(old), thinnedAtOnce)]
	each(len(old), func(i int) { _ = a.place.Objects.Delete(old[i].key) })
}

// Remove takes all of an empty state away: its versions, the newest last, so that
// at no moment an older one is taken for it; then the copy; then the lock.
func (b *bucketPlace) Remove(o Options) (err error) {
	if v, _, _, err := b.newest(); err != nil || v == nil {
		return err
	}
	o = o.complete()
	store, err := b.Open(o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	store.saving.Lock()
	defer store.saving.Unlock()
	a := store.away
	if st := store.State(); !st.Empty() {
		return ownsStill(b.String(), st)
	}
	if a.all, _, err = b.versions(); err != nil || len(a.all) == 0 {
		return err
	}
	newest := a.all[len(a.all)-1]
	faults := make([]error, len(a.all))
	each(len(a.all), func(i int) {
		if a.all[i] != newest {
			faults[i] = b.Objects.Delete(a.all[i].key)
		}
	})
	if err := errors.Join(faults...); err != nil {
		return err
	}
	if err := a.lease.valid(); err != nil {
		return &provision.Problem{At: b.String(), Text: "the empty state was not removed", Err: err, Class: provision.Locked, Hints: []string{"run the same command again"}}
	}
	if err := b.Objects.Delete(newest.key); err != nil {
		return err
	}
	crashpoint.Here("state: removed from the bucket")
	if err := errors.Join(store.removeCopy(), store.discard(lockPath(store.path))); err != nil {
		return err
	}
	a.saved = false
	a.lease.end()
	return b.Objects.Delete(b.lockKey())
}

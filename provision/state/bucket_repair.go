package state

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/crashpoint"
)

// A bucketRepair is a Repair of a state in a bucket. What it puts back is saved as
// the next version, so nothing is ever replaced: a damaged one stays where it is.
// The copy on this machine is a version, too.
type bucketRepair struct {
	*Store
	place   *bucketPlace
	options Options
	newest  *version // nil: none
	sound   bool
	broken  error
	copy    copied
}

func (b *bucketPlace) OpenRepair(o Options) (Repairer, error) {
	r, err := b.openRepair(o)
	if err != nil {
		return nil, err
	}
	if len(r.away.all) == 0 && !r.copyServes() {
		return nil, errors.Join(unusable(b.String(), "there is no version of it to put back", "make it anew of what exists: "+b.command("state rebuild")), r.Close())
	}
	return r, nil
}

func (b *bucketPlace) OpenRebuild(o Options) (Repairer, error) {
	r, err := b.openRepair(o)
	if err != nil {
		return nil, err
	}
	if st := r.inUse(); r.sound && !st.Empty() {
		return nil, errors.Join(&provision.Problem{At: b.String(), Text: fmt.Sprintf("there is a state that can be used and knows of %d resources", len(st.Entries)+len(st.Intents)),
			Class: provision.Refused, Hints: []string{"see what it knows: " + b.command("state list")}}, r.Close())
	}
	return r, nil
}

// openRepair takes the locks and reads what there is, sound or not.
func (b *bucketPlace) openRepair(o Options) (*bucketRepair, error) {
	o = o.complete()
	before := endedHere(b.Copy())
	path, lock, err := claim(b.Copy(), o)
	if err != nil {
		return nil, err
	}
	s := &Store{path: path, home: b.String(), run: o.Run, now: o.Now, lock: lock, disk: osDisk{}, encoder: newEncoder(), away: &journal{place: b}}
	r := &bucketRepair{Store: s, place: b, options: o}
	if s.away.lease, err = b.lease(o, before); err != nil {
		_ = release(lock) // the first fault matters more
		return nil, err
	}
	r.newest, s.away.all, s.away.now, r.broken = b.newest()
	r.copy = b.readCopy()
	s.onDisk = r.copy.info
	switch {
	case r.broken != nil && len(s.away.all) == 0: // it is the bucket that cannot be read
		err = r.broken
	case r.newest != nil && r.newest.moved != nil:
		err = b.movedProblem(*r.newest.moved)
	case r.copy.exists && r.copy.origin == nil && r.copy.err == nil:
		err = b.twoStates(r.copy, r.newest)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	r.sound = r.broken == nil && r.newest != nil
	if n := len(s.away.all); n > 0 {
		s.away.serial = s.away.all[n-1].serial
	}
	return r, nil
}

func (r *bucketRepair) inUse() provision.State {
	if !r.sound {
		return clone(provision.State{})
	}
	return r.newest.state
}

func (r *bucketRepair) InUse() (provision.State, bool, error) { return r.inUse(), r.sound, r.broken }

// copyServes reports whether the copy is a version that could be put back.
func (r *bucketRepair) copyServes() bool { return r.copy.exists && r.copy.err == nil }

func (r *bucketRepair) copySnapshot() (Snapshot, bool) {
	return Snapshot{Role: RoleCopy, Path: r.copy.path, State: r.copy.state}, r.copyServes()
}

// Newest is the newest sound version other than the one in use; the copy counts
// where it is newer than all that is in the bucket.
func (r *bucketRepair) Newest() Snapshot {
	c, ok := r.copySnapshot()
	if ok && c.State.Serial > r.away.serial {
		return c
	}
	for _, l := range slices.Backward(r.away.all) {
		if r.sound && l.serial == r.newest.serial {
			continue
		}
		if v, err := r.place.read(l); err == nil && v.moved == nil {
			return Snapshot{Role: RoleHistory, Path: r.place.at(l.key), State: v.state}
		}
	}
	if ok {
		return c
	}
	return Snapshot{}
}

func (r *bucketRepair) Find(role string, serial int64) (Snapshot, bool) {
	switch role {
	case RoleCopy:
		return r.copySnapshot()
	case RoleBackup:
		s := r.Newest()
		return s, s.State.Lineage != ""
	}
	v, err := r.place.read(listed{key: r.place.key(serial), serial: serial})
	if err != nil || v.moved != nil {
		return Snapshot{}, false
	}
	return Snapshot{Role: RoleHistory, Path: r.place.at(v.key), State: v.state}, true
}

func (r *bucketRepair) Restore(v Snapshot) (Restored, error) {
	if v.State.Lineage == "" {
		return Restored{}, unusable(r.home, "there is no sound version of it to put back", "make it anew of what exists: "+r.place.command("state rebuild"))
	}
	if err := Check(v.Path, v.State, "", r.options.Environment, ""); err != nil {
		return Restored{}, err
	}
	if r.sound && r.newest.state.Lineage != v.State.Lineage {
		return Restored{}, &provision.Problem{At: v.Path, Class: provision.Refused,
			Text:  fmt.Sprintf("it is of lineage %s, and the state in use is of %s: they know of different resources", v.State.Lineage, r.newest.state.Lineage),
			Hints: []string{"see what the one in use knows: " + r.place.command("state list")}}
	}
	return r.save(v.State)
}

func (r *bucketRepair) Rebuild(st provision.State) (Restored, error) {
	if st.Lineage == "" {
		st.Lineage = newID(r.now())
	}
	if f := checkResources(st); f != nil {
		return Restored{}, &provision.Problem{At: r.home, Text: "what was found makes no state: " + f.Error(), Class: provision.Failed}
	}
	return r.save(st)
}

// save makes st the newest version, and the copy the same.
func (r *bucketRepair) save(st provision.State) (Restored, error) {
	st = clone(st)
	st.Serial = max(r.away.serial, r.copyState().Serial)
	if r.away.serial > 0 {
		st.Serial = r.away.serial // the next in the bucket, whatever the copy counted
	}
	r.state = st
	content, err := r.encodeNext()
	if err == nil {
		err = r.send(content)
	}
	if err != nil {
		return Restored{}, &provision.Problem{At: r.home, Text: "the version could not be put back", Class: provision.Failed, Err: err}
	}
	crashpoint.Here("state: restored in the bucket")
	if _, err := r.write(content); err != nil {
		r.warn(r.path, err)
	}
	r.noteOrigin(false)
	out := Restored{State: r.State(), Warnings: r.Warnings()}
	if !r.sound && len(r.away.all) > 0 {
		out.Kept = r.place.at(r.away.all[len(r.away.all)-1].key)
	}
	return out, nil
}

func (r *bucketRepair) copyState() provision.State {
	if r.copyServes() {
		return r.copy.state
	}
	return provision.State{}
}

package state

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/crashpoint"
	"github.com/gofrs/flock"
)

// A Snapshot is one whole state that lies beside the file and could take its place.
type Snapshot struct {
	Role  string // RoleBackup, RoleHistory, or RoleUnfinished
	Path  string
	State provision.State
}

// RoleUnfinished is a version that a killed save had written and not yet put
// in the state's place.
const RoleUnfinished = "unfinished"

// versions lists every sound version beside path, the newest first; of one serial
// the backup comes first.
func versions(path string) []Snapshot {
	var out []Snapshot
	add := func(role, file string, st provision.State, err error) {
		if err == nil {
			out = append(out, Snapshot{role, file, st})
		}
	}
	st, err := readVersion(backupPath(path))
	add(RoleBackup, backupPath(path), st, err)
	for _, s := range strays(path) {
		if s.part != partProbe && s.part != partOrigin {
			st, err := readVersion(s.path)
			add(RoleUnfinished, s.path, st, err)
		}
	}
	past, _ := History(path) // one that cannot be listed has none to offer
	for _, p := range past {
		st, err := ReadPast(p)
		add(RoleHistory, p.Path, st, err)
	}
	slices.SortStableFunc(out, func(a, b Snapshot) int { return cmp.Compare(b.State.Serial, a.State.Serial) })
	return out
}

// A Repair puts an earlier version back. It holds the lock of a state, which may
// be damaged, empty or missing.
type Repair struct {
	path        string
	environment string
	lock        *flock.Flock
	versions    []Snapshot
	inUse       provision.State // what is there now, where that is sound
	sound       bool
	broken      error       // what is wrong with it, where it is not
	there       fs.FileInfo // nil: nothing of that name
	now         func() time.Time
	disk        disk
}

// OpenRepair takes the lock and looks at what there is. The caller closes it.
// Errors are those of Open, except that a state that cannot be used is none; but
// one that was never saved is a *provision.Problem of class Unusable.
func OpenRepair(path string, o Options) (*Repair, error) {
	// What is no file, or leads elsewhere, is not ours to replace.
	o = o.complete()
	path, err := resolve(path)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Dir(path)); err != nil {
		return nil, nothingToRestore(path)
	}
	lock, err := acquire(path, o)
	if err != nil {
		return nil, err
	}
	r := look(path, o, lock)
	err = r.possible()
	if err == nil && len(r.versions) == 0 {
		err = nothingToRestore(path)
	}
	if err != nil {
		_ = release(lock) // what is wrong matters more
		return nil, err
	}
	return r, nil
}

// OpenRebuild is OpenRepair for a state that is to be made anew: nothing need lie
// beside it, nor the directory exist. One that is sound and owns something is a
// *provision.Problem of class Refused.
func OpenRebuild(path string, o Options) (*Repair, error) {
	o = o.complete()
	path, lock, err := claim(path, o)
	if err != nil {
		return nil, err
	}
	r := look(path, o, lock)
	err = r.possible()
	if err == nil && r.sound && !r.inUse.Empty() {
		err = &provision.Problem{At: path, Text: fmt.Sprintf("there is a state that can be used and knows of %d resources", len(r.inUse.Entries)+len(r.inUse.Intents)),
			Class: provision.Refused, Hints: []string{"see what it knows: cfboot state list", "if it is the wrong one, move it aside first: mv " + quote(path) + " " + quote(path+".other")}}
	}
	if err != nil {
		_ = release(lock) // what is wrong matters more
		return nil, err
	}
	return r, nil
}

// look reads what there is, under the lock.
func look(path string, o Options, lock *flock.Flock) *Repair {
	r := &Repair{path: path, environment: o.Environment, lock: lock, versions: versions(path), disk: osDisk{}, now: o.Now}
	l, err := load(path)
	r.inUse, r.sound, r.broken = l.state, err == nil && l.info != nil, err
	if r.there, err = os.Lstat(path); err != nil {
		r.there = nil
	}
	return r
}

// possible reports why nothing can be put in the state's place, if so.
func (r *Repair) possible() error {
	if r.there != nil && !r.there.Mode().IsRegular() {
		p := irregular(r.path, r.there).(*provision.Problem)
		p.Hints = []string{"move it aside: mv " + quote(r.path) + " " + quote(r.path+".damaged")}
		return p
	}
	if data, _, err := readRegular(r.path); err == nil {
		if f := checkHeader(data); f != nil && f.hint != "" {
			return flawProblem(r.path, data, f) // a newer cfboot can read it, so it is not damaged
		}
	}
	return nil
}

func nothingToRestore(path string) error {
	return unusable(path, "there is no sound version beside it to put back", "bring it back from a copy of your own")
}

// InUse is the state that is there now; sound is false where it cannot be used,
// or is missing, and broken then says why, where something is wrong.
func (r *Repair) InUse() (st provision.State, sound bool, broken error) {
	return r.inUse, r.sound, r.broken
}

// Newest is the newest sound version other than the one in use. After
// OpenRebuild there may be none, and it is zero.
func (r *Repair) Newest() Snapshot {
	if len(r.versions) == 0 {
		return Snapshot{}
	}
	for _, v := range r.versions {
		if !r.sound || v.State.Serial != r.inUse.Serial {
			return v
		}
	}
	return r.versions[0]
}

// Find returns the sound version that is the backup, or has the serial.
func (r *Repair) Find(role string, serial int64) (Snapshot, bool) {
	for _, v := range r.versions {
		if role == RoleBackup && v.Role == RoleBackup || role == "" && v.State.Serial == serial {
			return v, true
		}
	}
	return Snapshot{}, false
}

// Close gives the lock back.
func (r *Repair) Close() error { return release(r.lock) }

// A Restored says what Restore did.
type Restored struct {
	State    provision.State // as it is now
	Kept     string          // where the damaged file went; empty where there was none
	Warnings []string
}

// Restore makes v the state, as a new serial of its lineage. A sound state
// becomes the backup and part of the history, as with every save; a damaged one
// keeps its content under another name beside it. The name of the state holds a
// whole version, or what was there before, at every moment. An error is a
// *provision.Problem: Refused where v is of another lineage than the state in use,
// else Failed, with nothing changed.
func (r *Repair) Restore(v Snapshot) (Restored, error) {
	if err := Check(v.Path, v.State, "", r.environment, ""); err != nil {
		return Restored{}, err
	}
	if r.sound && r.inUse.Lineage != v.State.Lineage {
		return Restored{}, &provision.Problem{At: v.Path, Class: provision.Refused,
			Text:  fmt.Sprintf("it is of lineage %s, and the state in use is of %s: they know of different resources", v.State.Lineage, r.inUse.Lineage),
			Hints: []string{"if it is the right one all the same, move the state aside first: mv " + quote(r.path) + " " + quote(r.path+".other")}}
	}
	return r.put(v.State)
}

// Rebuild makes st, which was found by what exists, the state, as Restore does
// with a version. Its lineage is made where it has none; a serial it gets.
func (r *Repair) Rebuild(st provision.State) (Restored, error) {
	if st.Lineage == "" {
		st.Lineage = newID(r.now())
	}
	if f := checkResources(st); f != nil {
		return Restored{}, &provision.Problem{At: r.path, Text: "what was found makes no state: " + f.Error(), Class: provision.Failed}
	}
	return r.put(st)
}

// put saves st in the state's place.
func (r *Repair) put(st provision.State) (Restored, error) {
	st = clone(st)
	st.Serial = r.nextSerial()
	content, err := newEncoder().encode(st)
	if err != nil {
		return Restored{}, r.failed(err)
	}
	out := Restored{State: st}
	s := &Store{path: r.path, home: r.path, lock: r.lock, disk: r.disk, onDisk: r.there, state: r.inUse}
	s.openHistory()
	if err := s.unchanged(); err != nil {
		return Restored{}, r.failed(err)
	}
	next := temporary(r.path, partNext)
	if err := s.fill(next, content); err != nil {
		return Restored{}, r.failed(err)
	}
	switch {
	case r.sound:
		s.keepBefore()
	case r.there != nil:
		if out.Kept, err = r.setAside(); err != nil {
			return Restored{}, r.failed(errors.Join(err, s.discard(next)))
		}
	}
	if err := s.unchanged(); err != nil { // all that took its time
		return Restored{}, r.failed(errors.Join(err, s.discard(next)))
	}
	if err := r.disk.rename(next, r.path); err != nil {
		return Restored{}, r.failed(errors.Join(err, s.discard(next)))
	}
	crashpoint.Here("state: restored")
	if err := synced(r.disk.syncDir(filepath.Dir(r.path))); err != nil {
		return out, r.failed(err)
	}
	if len(r.versions) == 0 {
		s.warn(backupPath(r.path), s.copyBackup(content)) // as with every first save
	}
	out.Warnings = s.warnings
	return out, nil
}

// nextSerial is above every serial that was ever saved: above those beside the
// state, and where the state cannot be read, above the one that it had.
func (r *Repair) nextSerial() int64 {
	highest := r.inUse.Serial
	for _, v := range r.versions {
		highest = max(highest, v.State.Serial)
	}
	if !r.sound {
		highest++
	}
	return highest + 1
}

// setAside gives the damaged file a second name that was free, so that the first
// can be taken from it.
func (r *Repair) setAside() (string, error) {
	for n := 1; n < 1000; n++ {
		aside := r.path + ".damaged"
		if n > 1 {
			aside = fmt.Sprintf("%s.%d", aside, n)
		}
		err := r.disk.link(r.path, aside)
		if err == nil {
			crashpoint.Here("state: damaged file kept")
			return aside, nil
		}
		if _, there := os.Lstat(aside); there == nil {
			continue
		}
		// A file system without second names: for a moment there is no state,
		// and a kill in it leaves one that is missing, which Restore repairs.
		return aside, r.disk.rename(r.path, aside)
	}
	return "", errors.New("too many damaged files beside it")
}

func (r *Repair) failed(err error) error {
	return &provision.Problem{At: r.path, Text: "the version could not be put back", Class: provision.Failed, Err: errors.New(cause(err)),
		Hints: []string{saveHint(err, filepath.Dir(r.path))}}
}

package state

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/crashpoint"
	"github.com/cfboot/cfboot/provision/objects"
)

// A moved stands in a bucket as the version after the last, and says where the
// state went. A run that comes there, from an old checkout, is refused; one that
// was about to save finds its serial taken.
type moved struct {
	Format  string    `json:"format"`
	To      string    `json:"to"` // an address, or "local"
	Lineage string    `json:"lineage"`
	Serial  int64     `json:"serial"` // of the last version here
	Host    string    `json:"host"`   // where it was moved
	Folder  string    `json:"folder"`
	Time    time.Time `json:"time"`
}

const (
	movedFormat = "cfboot-state-moved"
	// Local is what an address of the state is where it is kept in a file.
	Local = "local"
)

func readMoved(data []byte) *moved {
	var m moved
	if !bytes.Contains(data, []byte(movedFormat)) || json.Unmarshal(data, &m) != nil || m.Format != movedFormat {
		return nil
	}
	return &m
}

func (b *bucketPlace) movedProblem(m moved) *provision.Problem {
	to := printable(m.To)
	p := unusable(b.String(), fmt.Sprintf("the state was moved to %s, at %s", to, m.Time.UTC().Format(time.RFC3339)))
	if m.To == Local {
		p.Text = fmt.Sprintf("the state was moved to a file on %s, in %s, at %s", printable(m.Host), printable(m.Folder), m.Time.UTC().Format(time.RFC3339))
	}
	p.Hints = []string{fmt.Sprintf("take the %s that says so: \"state\": %q", manifestName, to)}
	return p
}

// A Move says what Migrate did.
type Move struct {
	From, To string
	State    provision.State
	Already  bool // it was there before
}

// Migrate moves a state from one place to another, lineage and serial and all.
// Where the state was, something says that it is there no longer. Killed anywhere,
// the same call finishes it; called again, it does nothing. exists is false where
// there is no state to move. The copies of both places are one file.
func Migrate(from, to Place, o Options) (m Move, exists bool, err error) {
	o = o.complete()
	source, inBucket := from.(*bucketPlace)
	target, intoBucket := to.(*bucketPlace)
	switch {
	case inBucket && intoBucket:
		return source.moveTo(target, o)
	case inBucket:
		return source.moveHome(o)
	case intoBucket:
		return target.moveIn(o)
	}
	return Move{}, false, &provision.Problem{At: to.String(), Text: "it is a file already", Class: provision.Refused}
}

// moveIn moves the state in the file here into the bucket.
func (b *bucketPlace) moveIn(o Options) (m Move, exists bool, err error) {
	org, err := readOrigin(b.Copy())
	if err != nil {
		return m, false, err
	}
	if org == nil {
		l, err := load(b.Copy())
		if err != nil || l.info == nil {
			return m, false, err
		}
		if err := Check(b.Copy(), l.state, b.Project, b.Environment, ""); err != nil {
			return m, false, err
		}
	} else if org.Place != b.Address {
		return m, false, unusable(b.Copy(), "it is a copy of the state in "+org.Place, fmt.Sprintf("move that one: set \"state\": %q in %s, and run the same command again", org.Place, manifestName))
	}
	s, c, v, err := b.hold(o)
	if err != nil {
		return m, false, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	m = Move{From: s.path, To: b.String(), State: c.state}
	if c.err != nil {
		return m, true, c.err
	}
	if c.origin != nil {
		m.Already = true
		return m, c.exists, nil
	}
	if err := s.enter(c.state, c.data, v); err != nil {
		return m, true, err
	}
	m.State = s.State()
	return m, true, nil
}

// enter makes st, whose bytes are data, the newest version in a bucket that it was
// never in, or has left, and the copy the same.
func (s *Store) enter(st provision.State, data []byte, v *version) error {
	b := s.away.place
	s.state = clone(st)
	s.state.Serial--
	switch {
	case v == nil:
	case v.moved != nil && v.moved.Lineage == st.Lineage:
		s.state.Serial = v.serial // it comes back
	case v.moved == nil && bytes.Equal(v.object.Data, data):
		s.took(v.serial, v.object.Data) // a move that was cut off got so far
		s.noteOrigin(false)
		return nil
	case v.moved != nil:
		return b.movedProblem(*v.moved)
	default:
		return &provision.Problem{At: b.String(), Class: provision.Refused,
			Text:  fmt.Sprintf("there is a state already: %s, and %s", b.told(v), toldOf(s.path, st)),
			Hints: []string{"choose another prefix, or, if the one in the bucket is right, move the other aside: mv " + quote(s.path) + " " + quote(s.path+".aside")}}
	}
	content := data
	if s.state.Serial != st.Serial-1 {
		var err error
		if content, err = s.encodeNext(); err == nil {
			_, err = s.write(content)
		}
		if err != nil {
			return s.moveFailed(err)
		}
	}
	if err := s.send(content); err != nil {
		return &provision.Problem{At: b.String(), Text: "the state could not be moved there", Err: err, Class: provision.Failed, Hints: []string{"run the same command again"}}
	}
	if err := s.alone(); err != nil {
		return err
	}
	s.noteOrigin(false)
	return nil
}

// alone makes sure that the version which was just put is the newest: before a first
// one there is no serial that two would fight over.
func (s *Store) alone() error {
	all, _, err := s.away.place.versions()
	if err == nil && len(all) > 0 && all[len(all)-1].serial != s.away.serial {
		err = &provision.Problem{At: s.home, Text: "somebody else has begun a state there at the same time", Class: provision.Locked, Hints: []string{"see which is right: " + s.away.place.command("state history")}}
	}
	return err
}

func (s *Store) moveFailed(err error) error {
	return &provision.Problem{At: s.path, Text: "the state could not be written: " + cause(err), Class: provision.Failed, Hints: []string{saveHint(err, s.path), "then run the same command again"}}
}

// leave writes where the state went, as the version after the last.
func (s *Store) leave(to string) error {
	m := moved{Format: movedFormat, To: to, Lineage: s.state.Lineage, Serial: s.away.serial, Host: host(), Folder: s.path, Time: s.now().UTC().Truncate(time.Second)}
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	if err := s.away.lease.valid(); err != nil {
		return &provision.Problem{At: s.home, Text: "the state was not moved", Err: err, Class: provision.Locked, Hints: []string{"run the same command again"}}
	}
	_, _, err = s.away.place.Objects.Put(s.away.place.key(s.away.serial+1), append(data, '\n'), objects.Nothing, s.run)
	if errors.Is(err, objects.ErrChanged) {
		err = &provision.Problem{At: s.home, Text: "another run has saved meanwhile", Class: provision.Locked, Hints: []string{"run the same command again"}}
	}
	crashpoint.Here("state: move marked in the bucket")
	s.away.broken = errors.New("the state was moved")
	return err
}

// moveHome moves the state in the bucket into the file here.
func (b *bucketPlace) moveHome(o Options) (m Move, exists bool, err error) {
	s, c, v, err := b.hold(o)
	if err != nil {
		return m, false, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	m = Move{From: b.String(), To: s.path}
	if v != nil && v.moved != nil {
		// It may be that this was cut off after the mark.
		here := v.moved.To == Local && c.exists && c.err == nil && c.state.Lineage == v.moved.Lineage && c.state.Serial >= v.moved.Serial
		if !here {
			return m, true, b.movedProblem(*v.moved)
		}
		m.State, m.Already = c.state, true
		return m, true, s.discard(originPath(s.path))
	}
	if err := s.follow(c, v, o); err != nil || s.away.serial == 0 {
		return m, s.away.serial > 0, err
	}
	m.State = s.State()
	if data, _, err := readRegular(s.path); err != nil || !bytes.Equal(data, s.away.data) {
		return m, true, s.moveFailed(errors.Join(err, errors.New("it is not as in the bucket")))
	}
	if err := s.leave(Local); err != nil {
		return m, true, err
	}
	if err := s.discard(originPath(s.path)); err != nil {
		return m, true, s.moveFailed(err)
	}
	return m, true, nil
}

// moveTo moves the state from one bucket, or prefix, to another.
func (b *bucketPlace) moveTo(to *bucketPlace, o Options) (m Move, exists bool, err error) {
	s, c, v, err := b.hold(o)
	if err != nil {
		return m, false, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	m = Move{From: b.String(), To: to.String()}
	lease, err := to.lease(o, s.away.before)
	if err != nil {
		return m, v != nil, err
	}
	t := &Store{path: s.path, home: to.String(), run: o.Run, now: o.Now, lock: s.lock, disk: s.disk, encoder: newEncoder(), away: &journal{place: to, lease: lease}}
	defer func() { err = errors.Join(err, lease.release()) }()
	there, _, _, err := to.newest()
	if err != nil {
		return m, true, err
	}
	if v != nil && v.moved != nil {
		if v.moved.To != to.Address || there == nil || there.moved != nil || there.state.Lineage != v.moved.Lineage {
			return m, true, b.movedProblem(*v.moved)
		}
		m.State, m.Already = there.state, true
		return m, true, nil
	}
	if err := s.follow(c, v, o); err != nil || s.away.serial == 0 {
		return m, s.away.serial > 0, err
	}
	if err := t.enterFrom(s, there); err != nil {
		return m, true, err
	}
	m.State = t.State()
	if err := s.leave(to.Address); err != nil {
		return m, true, err
	}
	t.noteOrigin(false)
	return m, true, nil
}

// enterFrom is enter for what another Store, whose copy is the same file, has.
func (s *Store) enterFrom(from *Store, v *version) (err error) {
	if s.onDisk = from.onDisk; v != nil && v.moved == nil && v.state.Lineage == from.state.Lineage && v.serial <= from.away.serial {
		// A move that was cut off before its mark; the state went on since, perhaps.
		if v.serial == from.away.serial && bytes.Equal(v.object.Data, from.away.data) {
			s.state = clone(from.state)
			s.took(v.serial, v.object.Data)
			return nil
		}
		s.state = clone(from.state)
		s.state.Serial = from.away.serial - 1
		if err := s.send(from.away.data); err != nil {
			return &provision.Problem{At: s.home, Text: "the state could not be moved there", Err: err, Class: provision.Failed}
		}
		return nil
	}
	return s.enter(from.state, from.away.data, v)
}

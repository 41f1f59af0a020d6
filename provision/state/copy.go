package state

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cfboot/cfboot/provision"
)

// An origin says of a file that it is a copy of a state in a bucket, and how far
// it is the same. It stands beside the copy from the first run on, so that a
// checkout whose manifest knows nothing of the bucket does not take the copy for
// the state.
//
// Run is the last run that had the state open here. What the bucket got from that
// run was in the copy before. Sum is that of the copy when it was last known to be
// what the bucket has; one that differs has more, or is damaged.
type origin struct {
	Format      string `json:"format"`
	Place       string `json:"place"` // the address, as the manifest has it
	Project     string `json:"project"`
	Environment string `json:"environment"`
	Run         string `json:"run"`
	Lineage     string `json:"lineage,omitempty"`
	Serial      int64  `json:"serial"` // 0: there was nothing yet
	Sum         string `json:"sum,omitempty"`
}

const copyFormat = "cfboot-state-copy"

func originPath(path string) string { return path + ".remote" }

// readOrigin reads what stands beside a copy; nil: it is none.
func readOrigin(path string) (*origin, error) {
	file := originPath(path)
	data, _, err := readRegular(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var o origin
	if err == nil && (json.Unmarshal(data, &o) != nil || o.Format != copyFormat) {
		err = unusable(file, "it should say which state "+path+" is a copy of, and does not",
			"move both aside: mv "+quote(file)+" "+quote(file+".damaged")+" && mv "+quote(path)+" "+quote(path+".damaged"))
	}
	if err != nil {
		return nil, err
	}
	return &o, nil
}

// Origin says where the state is that the file at path is a copy of: the address,
// and the project. ok is false where the file is no copy.
func Origin(path string) (address, project string, ok bool, err error) {
	o, err := readOrigin(path)
	if o == nil || err != nil {
		return "", "", false, err
	}
	return o.Place, o.Project, true, nil
}

func sumOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// writeOrigin replaces what stands beside the copy, whole.
func (s *Store) writeOrigin(o origin) error {
	o.Format = copyFormat
	data, err := json.MarshalIndent(o, "", "  ")
	if err != nil {
		return err
	}
	tmp := temporary(s.path, partOrigin)
	if err := s.fill(tmp, append(data, '\n')); err != nil {
		return err
	}
	if err := s.disk.rename(tmp, originPath(s.path)); err != nil {
		return errors.Join(err, s.discard(tmp))
	}
	return synced(s.disk.syncDir(filepath.Dir(s.path)))
}

// keptElsewhere refuses to take a copy for a state.
func keptElsewhere(path string) error {
	o, err := readOrigin(path)
	if o == nil || err != nil {
		return err
	}
	return unusable(path, fmt.Sprintf("it is a copy: the state is in %s, and %s does not say so", o.Place, manifestName),
		fmt.Sprintf("set it there: \"state\": %q", o.Place), "or bring it back here: cfboot state migrate --to local")
}

// manifestName is the file that says where the state is.
const manifestName = "cfboot.jsonc"

// A copied is the copy on this machine.
type copied struct {
	path   string
	exists bool
	data   []byte
	info   fs.FileInfo
	state  provision.State
	origin *origin
	err    error // why it cannot be used
}

// clean reports whether it is as the bucket had it.
func (c copied) clean() bool { return c.origin != nil && c.origin.Sum == sumOf(c.data) }

func (b *bucketPlace) readCopy() copied {
	path, err := resolve(b.Copy())
	if err != nil {
		return copied{path: b.Copy(), err: err}
	}
	c := copied{path: path}
	if c.origin, c.err = readOrigin(path); c.err != nil {
		return c
	}
	c.data, c.info, err = readRegular(path)
	if errors.Is(err, fs.ErrNotExist) {
		return c
	}
	c.exists = true
	if err == nil {
		_, err = checkAccess(path, c.info)
	}
	if err == nil {
		if c.state, err = decode(c.data); err != nil {
			p := flawProblem(path, c.data, err).(*provision.Problem)
			p.Text = "the copy of the state on this machine: " + p.Text
			p.Hints = []string{"the bucket has the state; move the copy aside: " + aside(path)}
			err = p
		}
	}
	c.err = err
	return c
}

// aside is the command that moves a copy and its origin away.
func aside(path string) string {
	return "mv " + quote(path) + " " + quote(path+".aside") + " && rm -f " + quote(originPath(path))
}

// What a copy can be to the newest version in the bucket.
type standing int

const (
	copyBehind standing = iota // the bucket has all of it, or there is none
	copySame
	copyAhead // it has more, and comes directly after what the bucket has
	copyApart // neither
)

// compare tells a copy's standing to v, which may be nil. Where that is apart, the
// error is a *provision.Problem of class Unusable.
func (b *bucketPlace) compare(c copied, v *version) (standing, error) {
	switch {
	case c.err != nil:
		return copyApart, c.err
	case !c.exists:
		return copyBehind, nil
	case v != nil && bytes.Equal(v.object.Data, c.data):
		return copySame, nil
	case c.origin == nil:
		return copyApart, b.twoStates(c, v)
	case c.origin.Place != b.Address || c.origin.Project != b.Project:
		return b.compareMoved(c, v)
	case c.clean() && (v != nil && (v.moved != nil || v.serial > c.state.Serial || v.state.Lineage != c.state.Lineage) || v == nil && c.state.Empty()):
		return copyBehind, nil
	case v == nil && c.origin.Serial == 0 && !c.clean():
		return copyAhead, nil // the first save never arrived
	case v == nil:
		return copyApart, b.vanished(c)
	case v.moved != nil || v.state.Lineage != c.state.Lineage:
		return copyApart, b.apart(c, v)
	case v.serial == c.state.Serial-1 && (v.object.Writer == c.origin.Run || v.serial == c.origin.Serial):
		return copyAhead, nil
	case v.serial == c.state.Serial && v.object.Writer == c.origin.Run:
		return copyAhead, nil // of one serial the same run had written less, and its answer was lost
	case v.serial > c.state.Serial && b.has(c):
		return copyBehind, nil
	}
	return copyApart, b.apart(c, v)
}

// has reports whether an earlier version in the bucket is the copy.
func (b *bucketPlace) has(c copied) bool {
	o, err := b.Objects.Get(b.key(c.state.Serial))
	return err == nil && bytes.Equal(o.Data, c.data)
}

// compareMoved is compare for the copy of a state that was in another place, as
// where somebody else has moved it and this checkout follows.
func (b *bucketPlace) compareMoved(c copied, v *version) (standing, error) {
	if v != nil && v.moved == nil && v.state.Lineage == c.state.Lineage && (c.clean() || b.has(c)) {
		return copyBehind, nil
	}
	return copyApart, unusable(b.String(), fmt.Sprintf("%s is a copy of the state of %s in %s, and %s says that it is in %s", c.path, c.origin.Project, c.origin.Place, manifestName, b.Address),
		"move it there: set \"state\" back, then "+b.command("state migrate --to "+quote(b.Address)),
		"or, if that one is of no concern any more, move the copy aside: "+aside(c.path))
}

func (b *bucketPlace) twoStates(c copied, v *version) error {
	if v == nil {
		return unusable(b.String(), fmt.Sprintf("there is no state yet, but %s is one, of serial %d with %d resources", c.path, c.state.Serial, len(c.state.Entries)),
			"move it there: cfboot state migrate --to "+quote(b.Address))
	}
	return unusable(b.String(), fmt.Sprintf("there are two states: %s, and %s", b.told(v), toldOf(c.path, c.state)),
		"if the one in the bucket is right, move the other aside: mv "+quote(c.path)+" "+quote(c.path+".aside"))
}

// vanished is for a copy of what the bucket does not have any more.
func (b *bucketPlace) vanished(c copied) error {
	return unusable(b.String(), fmt.Sprintf("there is no state, but there was one: %s is a copy of it, of serial %d with %d resources", c.path, c.state.Serial, len(c.state.Entries)+len(c.state.Intents)),
		"if it was lost, put the copy back: "+b.command("state restore"),
		"or, if all of it was destroyed elsewhere, move the copy aside: "+aside(c.path))
}

// apart is for a copy and a bucket that have each gone on by themselves.
func (b *bucketPlace) apart(c copied, v *version) error {
	if v.moved != nil {
		return b.movedProblem(*v.moved)
	}
	return unusable(b.String(), fmt.Sprintf("another run went on there while this machine could not save: %s, and here is %s", b.told(v), toldOf(c.path, c.state)),
		"to go on with the bucket's, move the copy aside: "+aside(c.path)+" (what only the copy knows and carries tags is taken up by the next apply)",
		"or to go on with the copy: "+b.command("state restore copy"))
}

func (b *bucketPlace) told(v *version) string { return toldOf(b.String(), v.state) }

func toldOf(at string, st provision.State) string {
	return fmt.Sprintf("%s has serial %d of lineage %s with %d resources", at, st.Serial, st.Lineage, len(st.Entries)+len(st.Intents))
}

// removeCopy takes the copy and its origin away.
func (s *Store) removeCopy() error {
	return errors.Join(s.discard(s.path), s.discard(originPath(s.path)))
}

// host is this machine's name.
func host() string {
	name, err := os.Hostname()
	if err != nil {
		return "unknown"
	}
	return name
}

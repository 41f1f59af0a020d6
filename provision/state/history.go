package state

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/crashpoint"
)

// historyKept is how many earlier versions of a state stay.
const historyKept = 50

// A Past is one earlier version of a state, kept when a save replaced it.
type Past struct {
	Path   string
	Serial int64
	Time   time.Time // when it was written
	Size   int64     // in bytes
}

// History lists the earlier versions of the state at path, by serial, the oldest
// first; it reads none of them. There may be none. An error is a
// *provision.Problem of class Unusable.
func History(path string) ([]Past, error) {
	path, err := resolve(path)
	if err != nil {
		return nil, err
	}
	past, err := listHistory(path)
	if err != nil {
		return nil, unusable(historyDir(path), err.Error(), "look at it and at the directory it stands in")
	}
	slices.SortFunc(past, func(a, b Past) int { return cmp.Compare(a.Serial, b.Serial) })
	return past, nil
}

// ReadPast loads an earlier version. It is a *provision.Problem of class Unusable
// where that is no sound state of the serial that its name says.
func ReadPast(p Past) (provision.State, error) {
	st, err := readVersion(p.Path)
	if err == nil && st.Serial != p.Serial {
		err = unusable(p.Path, fmt.Sprintf("it holds serial %d, not the one it is named after", st.Serial), "remove it: rm "+quote(p.Path))
	}
	return st, err
}

// ReadBackup loads the version before the one in use. A missing backup is
// fs.ErrNotExist, every other error a *provision.Problem of class Unusable.
func ReadBackup(path string) (provision.State, error) {
	path, err := resolve(path)
	if err != nil {
		return provision.State{}, err
	}
	return readVersion(backupPath(path))
}

// readVersion reads a version that lies beside the state.
func readVersion(path string) (provision.State, error) {
	data, _, err := readRegular(path)
	if err != nil {
		return provision.State{}, err
	}
	st, err := decode(data)
	if err != nil {
		p := flawProblem(path, data, err).(*provision.Problem)
		p.Hints = nil // they would tell how to repair the state itself
		return provision.State{}, p
	}
	return st, nil
}

// historyDir holds the earlier versions of every state beside it.
func historyDir(path string) string { return filepath.Join(filepath.Dir(path), "history") }

// historyPath names a version: history/state.7.json, history/state.pr-1.7.json.
func historyPath(path string, serial int64) string {
	return filepath.Join(historyDir(path), fmt.Sprintf("%s.%d.json", historyStem(path), serial))
}

func historyStem(path string) string { return strings.TrimSuffix(filepath.Base(path), ".json") }

// listHistory lists what historyPath has named for path, in no order that counts.
func listHistory(path string) ([]Past, error) {
	dir := historyDir(path)
	info, err := os.Lstat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil && !info.IsDir() {
		return nil, errors.New("it is not a directory")
	}
	var names []fs.DirEntry
	if err == nil {
		names, err = os.ReadDir(dir)
	}
	if err != nil {
		return nil, errors.New(cause(err))
	}
	var out []Past
	for _, n := range names {
		middle, ours := strings.CutPrefix(n.Name(), historyStem(path)+".")
		middle, whole := strings.CutSuffix(middle, ".json")
		serial, err := strconv.ParseInt(middle, 10, 64)
		if !ours || !whole || err != nil || serial < 1 || strconv.FormatInt(serial, 10) != middle {
			continue
		}
		info, err := n.Info()
		if err != nil {
			continue // removed between the two looks
		}
		out = append(out, Past{Path: filepath.Join(dir, n.Name()), Serial: serial, Time: info.ModTime(), Size: info.Size()})
	}
	return out, nil
}

// A chronicle is what a Store knows of the history on disk. It is guarded by
// Store.saving.
type chronicle struct {
	kept []Past // the oldest first
	err  error  // why none is kept
}

// openHistory finds what earlier runs kept. By when it was written, because a
// state that was put back by hand counts its serials anew from there.
func (s *Store) openHistory() {
	s.history.kept, s.history.err = listHistory(s.path)
	slices.SortFunc(s.history.kept, func(a, b Past) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Serial, b.Serial))
	})
}

// keepHistory gives the backup, which is the version about to be replaced, its
// name in the history as well, and removes the oldest where there are too many.
// The file was synced when it was the state; its new name is not waited for:
// where a power cut takes it back, the backup still has the version.
func (s *Store) keepHistory(serial int64) error {
	if s.history.err != nil {
		return s.history.err
	}
	to := historyPath(s.path, serial)
	if len(s.history.kept) == 0 {
		if err := s.disk.mkdir(filepath.Dir(to)); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	err := s.linkHistory(to)
	if err != nil {
		err = s.copyHistory(to) // a file system without second names, or another version of that serial
	}
	if err != nil {
		return err
	}
	crashpoint.Here("state: history linked")
	s.history.kept = slices.DeleteFunc(s.history.kept, func(p Past) bool { return p.Serial == serial })
	s.history.kept = append(s.history.kept, Past{Path: to, Serial: serial})
	for len(s.history.kept) > historyKept {
		oldest := s.history.kept[0]
		s.history.kept = s.history.kept[1:]
		if err := s.discard(oldest.Path); err != nil {
			return err
		}
		crashpoint.Here("state: history thinned")
	}
	return nil
}

func (s *Store) linkHistory(to string) error {
	err := s.disk.link(backupPath(s.path), to)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	// A save that failed after this point has kept it already.
	have, haveErr := os.Lstat(to)
	backup, backupErr := os.Lstat(backupPath(s.path))
	if haveErr == nil && backupErr == nil && os.SameFile(have, backup) {
		return nil
	}
	return err
}

func (s *Store) copyHistory(to string) error {
	content, _, err := readRegular(backupPath(s.path))
	if err != nil {
		return err
	}
	tmp := temporary(s.path, partHistory)
	if err := s.fill(tmp, content); err != nil {
		return err
	}
	if err := s.disk.rename(tmp, to); err != nil {
		return errors.Join(err, s.discard(tmp))
	}
	return nil
}

// newestPast is the newest sound version in the history, if there is one.
func newestPast(path string) (Past, bool) {
	past, err := History(path)
	if err != nil {
		return Past{}, false
	}
	for _, p := range slices.Backward(past) {
		if _, err := ReadPast(p); err == nil {
			return p, true
		}
	}
	return Past{}, false
}

package state

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/crashpoint"
)

// disk is what a save needs of a file system. It stands between so that a test
// can make each call fail, and can lose what was not synced.
type disk interface {
	create(path string) (file, error) // fails where path exists
	link(from, to string) error
	rename(from, to string) error
	remove(path string) error
	mkdir(dir string) error
	syncDir(dir string) error
}

type file interface {
	io.Writer
	Sync() error
	Close() error
}

type osDisk struct{}

func (osDisk) create(path string) (file, error) {
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
}
func (osDisk) link(from, to string) error   { return os.Link(from, to) }
func (osDisk) rename(from, to string) error { return replace(from, to) }
func (osDisk) remove(path string) error     { return os.Remove(path) }
func (osDisk) mkdir(dir string) error       { return os.Mkdir(dir, 0o700) }
func (osDisk) syncDir(dir string) error     { return syncDirectory(dir) }

func backupPath(path string) string { return path + ".backup" }

// The parts of a save that have a temporary file, and the middle of its name.
const (
	partNext    = ""        // the next version
	partFirst   = "first"   // the first version: the only one that may lie there without a state
	partBackup  = "backup"  // the version before
	partHistory = "history" // the same, where it has to be copied
	partProbe   = "probe"   // Preflight's
	partOrigin  = "origin"  // what a copy is of
)

// temporary names a file for one part of a save by this process:
// .state.json.4242.tmp, .state.json.4242.backup.tmp.
func temporary(path, part string) string {
	if part != "" {
		part = "." + part
	}
	return filepath.Join(filepath.Dir(path), fmt.Sprintf(".%s.%d%s.tmp", filepath.Base(path), os.Getpid(), part))
}

type stray struct{ path, part string }

// strays lists the temporary files beside path. Under the lock all of them are
// left over, since only who holds it writes any.
func strays(path string) []stray {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return nil // there is no directory yet
	}
	var out []stray
	for _, e := range entries {
		middle, ok := strings.CutPrefix(e.Name(), "."+filepath.Base(path)+".")
		if !ok {
			continue
		}
		if middle, ok = strings.CutSuffix(middle, ".tmp"); !ok {
			continue
		}
		pid, part, _ := strings.Cut(middle, ".")
		if _, err := strconv.Atoi(pid); err == nil && slices.Contains([]string{partNext, partFirst, partBackup, partHistory, partProbe, partOrigin}, part) {
			out = append(out, stray{filepath.Join(filepath.Dir(path), e.Name()), part})
		}
	}
	return out
}

// ownDirectory is the folder that is cfboot's in every project.
const ownDirectory = ".cfboot"

// makeDirectory makes the state's directory where there is none, readable for
// its owner only, and keeps it out of commits. A directory of another name that
// was there before is somebody else's, and gets no .gitignore.
func makeDirectory(dir string) error {
	_, err := os.Stat(dir)
	made := errors.Is(err, fs.ErrNotExist)
	if made {
		if err = os.MkdirAll(dir, 0o700); err == nil {
			err = synced(syncDirectory(filepath.Dir(dir)))
		}
		if err != nil {
			return &provision.Problem{At: dir, Text: "the directory for the state cannot be made: " + cause(err), Class: provision.Failed,
				Hints: []string{"make the directory that it is to stand in writable for you"}}
		}
	}
	own := dir
	if up := filepath.Dir(dir); filepath.Base(up) == ownDirectory {
		own = up // a rehearsal's state lies in it
	}
	if !made && filepath.Base(own) != ownDirectory {
		return nil
	}
	ignore := filepath.Join(own, ".gitignore")
	if info, err := os.Lstat(ignore); err == nil && (info.Size() > 0 || !info.Mode().IsRegular()) {
		return nil
	}
	if err := os.WriteFile(ignore, []byte("*\n"), 0o600); err != nil {
		return &provision.Problem{At: ignore, Text: "it cannot be written: " + cause(err), Class: provision.Failed,
			Hints: []string{"make the directory " + dir + " writable for you"}}
	}
	return nil
}

// write puts content in the file's place. The file is whole at every moment.
// replaced says that the new version has taken the name, even where the error
// says that this may not survive a power cut. The caller holds s.saving.
func (s *Store) write(content []byte) (replaced bool, err error) {
	if err := s.unchanged(); err != nil {
		return false, err
	}
	if len(content) > maxSize {
		return false, fmt.Errorf("it has grown to %d bytes, and at most %d are read back", len(content), maxSize)
	}
	first := s.onDisk == nil
	part := partNext
	if first && s.away == nil {
		part = partFirst
	}
	next := temporary(s.path, part)
	if err := s.fill(next, content); err != nil {
		return false, err
	}
	if !first && s.away == nil {
		s.keepBefore()
	}
	// Once more, because all that took its time: a run that was paused in it and
	// wakes when another has finished its work must not undo that.
	if err := s.unchanged(); err != nil {
		return false, errors.Join(err, s.discard(next))
	}
	if err := s.disk.rename(next, s.path); err != nil {
		return false, errors.Join(err, s.discard(next))
	}
	crashpoint.Here("state: renamed")
	if s.onDisk, err = os.Lstat(s.path); err != nil {
		return true, err
	}
	if err := synced(s.disk.syncDir(filepath.Dir(s.path))); err != nil {
		return true, err
	}
	crashpoint.Here("state: directory synced")
	if first && s.away == nil {
		// Only after the first version is sure to be there may anything lie
		// beside it that shows there was one.
		s.warn(backupPath(s.path), s.copyBackup(content))
	}
	return true, nil
}

// synced is the error of syncing a directory, but none where the file system
// cannot do that at all, as some that lie on a network: they keep names by
// themselves, and nothing better can be had there.
func synced(err error) error {
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return err
}

var errNotAlone = errors.New("something else may have written to it")

// unchanged reports errNotAlone where the file or its lock is not as this run left
// it: somebody else is writing, and to write over that would lose it.
func (s *Store) unchanged() error {
	if !current(s.lock) {
		return fmt.Errorf("its lock file was removed during the run, so %w", errNotAlone)
	}
	now, err := os.Lstat(s.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil // removed during the run: it comes back
	case err != nil:
		return err
	case s.onDisk == nil:
		return fmt.Errorf("it was made during the run: %w", errNotAlone)
	case !os.SameFile(now, s.onDisk) || now.Size() != s.onDisk.Size() || !now.ModTime().Equal(s.onDisk.ModTime()):
		return fmt.Errorf("it was changed during the run: %w", errNotAlone)
	}
	return nil
}

// fill makes the temporary file path with content, on disk for certain.
func (s *Store) fill(path string, content []byte) error {
	if err := s.discard(path); err != nil {
		return err
	}
	crashpoint.Here("state: before a temporary file")
	f, err := s.disk.create(path)
	if err != nil {
		return err
	}
	if _, err = f.Write(content); err == nil {
		crashpoint.Here("state: temporary file written")
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, s.discard(path))
	}
	crashpoint.Here("state: temporary file synced")
	return nil
}

func (s *Store) discard(path string) error {
	if err := s.disk.remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// keepBefore keeps the version on disk, which is about to be replaced.
func (s *Store) keepBefore() {
	if err := s.keepBackup(); err != nil {
		s.warn(backupPath(s.path), err)
		return // the backup is some older version
	}
	s.warn(historyDir(s.path), s.keepHistory(s.state.Serial))
}

// keepBackup gives the version on disk the backup's name too. A second name
// costs no copy; the file is only ever replaced, so they part with the rename.
func (s *Store) keepBackup() error {
	if hasModes && s.onDisk.Mode().Perm()&0o077 != 0 {
		return s.copyOnDisk() // or the backup would stay readable for others
	}
	tmp := temporary(s.path, partBackup)
	if err := s.discard(tmp); err != nil {
		return err
	}
	if err := s.disk.link(s.path, tmp); err != nil {
		return s.copyOnDisk() // a file system without second names
	}
	crashpoint.Here("state: backup linked")
	return s.nameBackup(tmp)
}

func (s *Store) copyOnDisk() error {
	content, _, err := readRegular(s.path)
	if err != nil {
		return err
	}
	return s.copyBackup(content)
}

func (s *Store) copyBackup(content []byte) error {
	tmp := temporary(s.path, partBackup)
	if err := s.fill(tmp, content); err != nil {
		return err
	}
	return s.nameBackup(tmp)
}

func (s *Store) nameBackup(tmp string) error {
	if err := s.disk.rename(tmp, backupPath(s.path)); err != nil {
		return errors.Join(err, s.discard(tmp))
	}
	crashpoint.Here("state: backup renamed")
	// Where both are names of one file already, as after a kill between the two
	// renames of a save, the rename does nothing and leaves tmp.
	return s.discard(tmp)
}

// warn notes, once, that a version could not be kept at that place. That is no
// reason not to save: an id that is not recorded is worse than an old backup.
func (s *Store) warn(at string, err error) {
	if err == nil {
		return
	}
	text := fmt.Sprintf("%s: the version before could not be kept: %s", at, cause(err))
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.warnings, text) {
		s.warnings = append(s.warnings, text)
	}
}

// probeSlack is how much larger than now, in bytes, Preflight expects the state
// to get: some 500 resources.
const probeSlack = 256 << 10

// Preflight proves that a save will work, by writing a file of the state's size
// and more, syncing and removing it. It is for the moment before the first
// create: what cannot be recorded had better not be made. The error is a
// *provision.Problem of class Failed.
func (s *Store) Preflight() error {
	s.saving.Lock()
	defer s.saving.Unlock()
	content, err := s.Bundle()
	if err != nil {
		return err
	}
	// Random, so that no file system makes it smaller than it is.
	probe := make([]byte, len(content)+probeSlack)
	_, _ = rand.Read(probe) // never fails
	tmp := temporary(s.path, partProbe)
	if err = s.unchanged(); err == nil {
		if err = s.fill(tmp, probe); err == nil {
			err = s.discard(tmp)
		}
	}
	if err != nil {
		return &provision.Problem{At: s.home, Class: provision.Failed,
			Text:  "what would be made could not be recorded, so nothing was done: " + cause(err),
			Hints: []string{saveHint(err, filepath.Dir(s.path))}}
	}
	return nil
}

package emulator

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"go.etcd.io/bbolt"
)

// A snapshot is all that exists, saved under a name: a copy of the emulator's
// file, of the databases' files and of R2's objects, in a folder of its own.
const (
	snapshotDir  = "snapshots"
	storeFile    = "cloudflare.db"
	databaseDir  = "d1"
	objectDir    = "r2"
	unfinished   = "." // begins the name of a snapshot that is being written
	metaBucket   = "meta"
	restoringKey = "restoring" // the snapshot whose files are being put back
)

var (
	snapshotName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`) })

	// ErrMemory says that an emulator that is kept in memory has no snapshots.
	ErrMemory = errors.New("snapshots need an emulator that is kept in a folder")
)

func (s *Server) snapshot(name string) (string, error) {
	if s.dir == "" {
		return "", ErrMemory
	}
	if !snapshotName().MatchString(name) {
		return "", fmt.Errorf("%q is no name for a snapshot: letters, digits, dots, - and _, at most 64", name)
	}
	return filepath.Join(s.dir, snapshotDir, name), nil
}

// existing is a snapshot that is there.
func (s *Server) existing(name string) (string, error) {
	dir, err := s.snapshot(name)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(filepath.Join(dir, storeFile)); err != nil {
		return "", fmt.Errorf("there is no snapshot %q", name)
	}
	return dir, nil
}

// Snapshots names those that were saved. An emulator in memory has none.
func (s *Server) Snapshots() ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(s.dir, snapshotDir))
	if s.dir == "" || errors.Is(err, fs.ErrNotExist) {
		return []string{}, nil
	}
	names := []string{}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), unfinished) {
			names = append(names, e.Name())
		}
	}
	return names, err
}

// hold keeps everybody out until the returned function is called. The databases
// come first, as in a query, which notes its bookmark while it has its database.
func (s *Server) hold() (release func()) {
	s.sqlite.whole.Lock()
	s.mu.Lock()
	return func() {
		s.mu.Unlock()
		s.sqlite.whole.Unlock()
	}
}

// SaveSnapshot saves all that exists under a name, in place of what was saved
// under it before. ErrMemory says that there is no folder for it.
func (s *Server) SaveSnapshot(name string) error {
	to, err := s.snapshot(name)
	if err != nil {
		return err
	}
	defer s.hold()()
	draft := filepath.Join(filepath.Dir(to), unfinished+name)
	if err := os.RemoveAll(draft); err != nil {
		return err
	}
	if err := os.MkdirAll(draft, 0o700); err != nil {
		return err
	}
	err = s.store.db.View(func(b *bbolt.Tx) error { return b.CopyFile(filepath.Join(draft, storeFile), 0o600) })
	if err != nil {
		return fmt.Errorf("saving the snapshot %s: %w", name, err)
	}
	err = errors.Join(copyFolder(s.sqlite.dir, filepath.Join(draft, databaseDir), anyFile),
		copyFolder(s.files.dir, filepath.Join(draft, objectDir), s.keepsFile))
	if err != nil {
		return fmt.Errorf("saving the snapshot %s: %w", name, err)
	}
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	return os.Rename(draft, to)
}

// RestoreSnapshot puts back all that was saved under a name, and nothing else
// stays. A process that dies on the way has done nothing, or the next one
// finishes it.
func (s *Server) RestoreSnapshot(name string) error {
	from, err := s.existing(name)
	if err != nil {
		return err
	}
	defer s.hold()()
	saved, err := bbolt.Open(filepath.Join(from, storeFile), 0o600, &bbolt.Options{ReadOnly: true, Timeout: lockWait})
	if err != nil {
		return fmt.Errorf("opening the snapshot %s: %w", name, err)
	}
	if err := errors.Join(s.store.replace(saved, name), saved.Close()); err != nil {
		return fmt.Errorf("restoring the snapshot %s: %w", name, err)
	}
	return s.finishRestoring()
}

// DeleteSnapshot drops a snapshot.
func (s *Server) DeleteSnapshot(name string) error {
	dir, err := s.existing(name)
	if err != nil {
		return err
	}
	return os.RemoveAll(dir)
}

// Reset makes an emulator without resources again. Its accounts, zones and tokens
// stay, and so do snapshots.
func (s *Server) Reset() error {
	defer s.hold()()
	// Only what has a record: an object that is on its way has none yet.
	var files []string
	for id := range s.objects.rows {
		files = append(files, id)
	}
	for id := range s.parts.rows {
		files = append(files, id)
	}
	if err := s.store.wipe(s.accounts.name, s.zones.name, s.tokens.name, s.spent.name); err != nil {
		return fmt.Errorf("emptying the emulator: %w", err)
	}
	for _, id := range files {
		s.files.remove(id)
	}
	return s.sqlite.clear()
}

// finishRestoring puts the databases and objects of a restored snapshot in place,
// if the store says that this is still to be done. Files of objects never change,
// so those that are there stay; what nobody needs is swept at the next opening.
func (s *Server) finishRestoring() error {
	name := s.store.restoring()
	if name == "" {
		return nil
	}
	from := filepath.Join(s.dir, snapshotDir, name)
	err := s.sqlite.clear()
	if err == nil {
		err = copyFolder(filepath.Join(from, databaseDir), s.sqlite.dir, anyFile)
	}
	if err == nil {
		err = copyFolder(filepath.Join(from, objectDir), s.files.dir, s.files.lacks)
	}
	if err == nil {
		err = s.store.restored()
	}
	if err != nil {
		return fmt.Errorf("restoring the files of the snapshot %s: %w", name, err)
	}
	return nil
}

func anyFile(string) bool { return true }

// lacks says whether there is no file of this name.
func (f *objectFiles) lacks(id string) bool {
	_, err := os.Stat(f.path(id))
	return errors.Is(err, fs.ErrNotExist)
}

// copyFolder copies the wanted files of a folder; one that is not there has none.
func copyFolder(from, to string, wanted func(name string) bool) error {
	entries, err := os.ReadDir(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := os.MkdirAll(to, 0o700); err != nil {
		return err
	}
	for _, e := range entries {
		if !wanted(e.Name()) {
			continue
		}
		if err := copyFile(filepath.Join(from, e.Name()), filepath.Join(to, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// copyFile makes a file that is whole as soon as it has its name.
func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	draft := to + ".part"
	out, err := os.OpenFile(draft, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err := errors.Join(err, out.Close()); err != nil {
		return err
	}
	return os.Rename(draft, to)
}

// replace makes the file's records and blobs those of another, notes in the same
// transaction that the other files are to follow, and reads them.
func (s *store) replace(with *bbolt.DB, name string) error {
	err := with.View(func(from *bbolt.Tx) error {
		return s.db.Update(func(to *bbolt.Tx) error {
			if err := dropBuckets(to, nil); err != nil {
				return err
			}
			err := from.ForEach(func(bucket []byte, b *bbolt.Bucket) error {
				copied, err := to.CreateBucket(bucket)
				if err != nil {
					return err
				}
				return b.ForEach(copied.Put)
			})
			if err != nil {
				return err
			}
			meta, err := to.CreateBucketIfNotExists([]byte(metaBucket))
			if err != nil {
				return err
			}
			return meta.Put([]byte(restoringKey), []byte(name))
		})
	})
	if err != nil {
		return err
	}
	for _, t := range s.tables {
		t.clear()
	}
	return s.read()
}

// wipe drops all records but those of the tables that are kept, and all blobs.
func (s *store) wipe(kept ...string) error {
	if s.db != nil {
		err := s.db.Update(func(b *bbolt.Tx) error { return dropBuckets(b, kept) })
		if err != nil {
			return err
		}
	}
	for _, t := range s.tables {
		if !slices.Contains(kept, t.tableName()) {
			t.clear()
		}
	}
	s.blobs = map[string][]byte{}
	if s.db == nil {
		return nil
	}
	return s.db.Update(s.makeBuckets)
}

func dropBuckets(b *bbolt.Tx, kept []string) error {
	var names [][]byte
	err := b.ForEach(func(name []byte, _ *bbolt.Bucket) error {
		if !slices.Contains(kept, string(name)) {
			names = append(names, bytes.Clone(name))
		}
		return nil
	})
	for _, name := range names {
		err = errors.Join(err, b.DeleteBucket(name))
	}
	return err
}

// restoring names the snapshot whose files are still to be put back.
func (s *store) restoring() string {
	name := ""
	if s.db == nil {
		return name
	}
	err := s.db.View(func(b *bbolt.Tx) error {
		if meta := b.Bucket([]byte(metaBucket)); meta != nil {
			name = string(meta.Get([]byte(restoringKey)))
		}
		return nil
	})
	_ = err // a View fails only with what it is given
	return name
}

func (s *store) restored() error {
	return s.db.Update(func(b *bbolt.Tx) error { return b.DeleteBucket([]byte(metaBucket)) })
}

// clear takes all records out of the table.
func (t *table[R]) clear() {
	t.rows = map[string]R{}
	for _, i := range t.indexes {
		i.entries = nil
	}
}

// clear destroys the contents of all databases.
func (f *sqliteFiles) clear() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []error
	for id, db := range f.memory {
		all = append(all, db.Close())
		delete(f.memory, id)
	}
	if f.dir != "" {
		all = append(all, os.RemoveAll(f.dir))
	}
	return errors.Join(all...)
}

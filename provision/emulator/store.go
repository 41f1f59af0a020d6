package emulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// ErrLocked says that another process has the directory open.
var ErrLocked = errors.New("the emulator's directory is in use by another process")

// lockWait is how long Open waits for another process to let go of the file.
const lockWait = 300 * time.Millisecond

// A store keeps the tables' records and the blobs (script modules, KV values). With a file, everything committed is in the file's pages before
// the answer is sent, which survives the death of the process; without one it
// lives in memory only.
type store struct {
	db     *bbolt.DB
	tables []loader
	blobs  map[string][]byte
	seq    uint64
}

// A loader is a table of whatever record.
type loader interface {
	tableName() string
	load(value []byte) (uint64, error)
	loaded()
	clear()
}

const blobBucket = "blob"

// open reads the file into the tables, or does nothing when path is "".
func (s *store) open(path string) error {
	s.blobs = map[string][]byte{}
	if path == "" {
		return nil
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout:        lockWait,
		NoSync:         true, // survives kill -9; an emulator need not survive power loss
		NoFreelistSync: true,
		FreelistType:   bbolt.FreelistMapType,
	})
	if errors.Is(err, berrors.ErrTimeout) {
		return fmt.Errorf("%s: %w", path, ErrLocked)
	}
	if err != nil {
		return fmt.Errorf("opening the emulator's file %s: %w", path, err)
	}
	s.db = db
	if err := s.read(); err != nil {
		return errors.Join(fmt.Errorf("reading the emulator's file %s: %w", path, err), db.Close())
	}
	return nil
}

func (s *store) read() error {
	return s.db.Update(func(b *bbolt.Tx) error {
		if err := s.makeBuckets(b); err != nil {
			return err
		}
		for _, t := range s.tables {
			err := b.Bucket([]byte(t.tableName())).ForEach(func(_, v []byte) error {
				seq, err := t.load(v)
				s.seq = max(s.seq, seq)
				return err
			})
			if err != nil {
				return err
			}
			t.loaded()
		}
		return nil
	})
}

// makeBuckets makes what is missing for the tables and the blobs.
func (s *store) makeBuckets(b *bbolt.Tx) error {
	_, err := b.CreateBucketIfNotExists([]byte(blobBucket))
	for _, t := range s.tables {
		if err == nil {
			_, err = b.CreateBucketIfNotExists([]byte(t.tableName()))
		}
	}
	return err
}

func (s *store) close() error {
	if s.db == nil {
		return nil
	}
	return s.db.Close()
}

func (s *store) nextSeq() uint64 {
	s.seq++
	return s.seq
}

// blob returns a copy of a committed blob.
func (s *store) blob(key string) ([]byte, bool) {
	if s.db == nil {
		v, ok := s.blobs[key]
		return v, ok
	}
	var out []byte
	err := s.db.View(func(b *bbolt.Tx) error {
		out = bytes.Clone(b.Bucket([]byte(blobBucket)).Get([]byte(key)))
		return nil
	})
	return out, err == nil && out != nil
}

// A txn is what one request changes: all of it happens, or none.
type txn struct {
	store   *store
	now     time.Time
	undo    []func()
	after   []func()
	changes []change
}

// afterwards has f called once the changes are made for good.
func (x *txn) afterwards(f func()) { x.after = append(x.after, f) }

type change struct {
	bucket, key string
	value       any // a record, a []byte, or nil to delete
	prefix      bool
}

func (x *txn) change(bucket, key string, value any) {
	x.changes = append(x.changes, change{bucket: bucket, key: key, value: value})
}

// putBlob stores bytes under a key.
func (x *txn) putBlob(key string, value []byte) {
	if value == nil {
		value = []byte{}
	}
	if x.store.db == nil {
		old, had := x.store.blobs[key]
		x.store.blobs[key] = value
		x.undo = append(x.undo, func() { x.restoreBlob(key, old, had) })
	}
	x.changes = append(x.changes, change{bucket: blobBucket, key: key, value: value})
}

// removeBlob drops one blob.
func (x *txn) removeBlob(key string) {
	if old, had := x.store.blobs[key]; had {
		delete(x.store.blobs, key)
		x.undo = append(x.undo, func() { x.restoreBlob(key, old, true) })
	}
	x.changes = append(x.changes, change{bucket: blobBucket, key: key})
}

// removeBlobs drops all blobs whose key begins so.
func (x *txn) removeBlobs(prefix string) {
	if x.store.db == nil {
		for _, k := range slices.Sorted(maps.Keys(x.store.blobs)) {
			if strings.HasPrefix(k, prefix) {
				x.removeBlob(k)
			}
		}
		return
	}
	x.changes = append(x.changes, change{bucket: blobBucket, key: prefix, prefix: true})
}

func (x *txn) restoreBlob(key string, old []byte, had bool) {
	if had {
		x.store.blobs[key] = old
		return
	}
	delete(x.store.blobs, key)
}

// rollback puts back everything the request changed.
func (x *txn) rollback() {
	for _, f := range slices.Backward(x.undo) {
		f()
	}
	x.undo, x.after, x.changes = nil, nil, nil
}

// commit writes the changes to the file.
func (x *txn) commit() error {
	if err := x.write(); err != nil {
		return err
	}
	for _, f := range x.after {
		f()
	}
	return nil
}

func (x *txn) write() error {
	if len(x.changes) == 0 || x.store.db == nil {
		return nil
	}
	return x.store.db.Update(func(b *bbolt.Tx) error {
		for _, c := range x.changes {
			if err := c.write(b.Bucket([]byte(c.bucket))); err != nil {
				return fmt.Errorf("writing %s %s: %w", c.bucket, c.key, err)
			}
		}
		return nil
	})
}

func (c change) write(b *bbolt.Bucket) error {
	switch v := c.value.(type) {
	case nil:
		if c.prefix {
			return deletePrefix(b, []byte(c.key))
		}
		return b.Delete([]byte(c.key))
	case []byte:
		return b.Put([]byte(c.key), v)
	default:
		data, err := json.Marshal(v)
		if err != nil {
			return err
		}
		return b.Put([]byte(c.key), data)
	}
}

func deletePrefix(b *bbolt.Bucket, prefix []byte) error {
	var keys [][]byte
	cur := b.Cursor()
	for k, _ := cur.Seek(prefix); k != nil && bytes.HasPrefix(k, prefix); k, _ = cur.Next() {
		keys = append(keys, bytes.Clone(k))
	}
	for _, k := range keys {
		if err := b.Delete(k); err != nil {
			return err
		}
	}
	return nil
}

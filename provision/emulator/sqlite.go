package emulator

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	_ "modernc.org/sqlite" // the database/sql driver named "sqlite"
)

// sqliteFiles are the contents of the D1 databases: one SQLite file each under
// the emulator's directory, opened for the length of a query, or in memory,
// opened when first queried.
type sqliteFiles struct {
	dir    string       // "": memory
	whole  sync.RWMutex // locked while all files are copied or put back
	mu     sync.Mutex
	busy   map[string]*sync.Mutex // one query at a time per database, as on D1
	memory map[string]*sql.DB     // memory only
}

func (f *sqliteFiles) open(dir string) {
	f.busy, f.memory = map[string]*sync.Mutex{}, map[string]*sql.DB{}
	if dir != "" {
		f.dir = filepath.Join(dir, "d1")
	}
}

// with runs work on the one connection to a database.
func (f *sqliteFiles) with(ctx context.Context, id string, work func(*sql.Conn) error) error {
	f.whole.RLock()
	defer f.whole.RUnlock()
	lock := f.lock(id)
	lock.Lock()
	defer lock.Unlock()
	return f.connected(ctx, id, work)
}

// replace puts other contents in the place of a database's, then runs work on it.
func (f *sqliteFiles) replace(ctx context.Context, id string, contents func() ([]byte, error), work func(*sql.Conn) error) error {
	f.whole.RLock()
	defer f.whole.RUnlock()
	lock := f.lock(id)
	lock.Lock()
	defer lock.Unlock()
	state, err := contents()
	if err != nil {
		return err
	}
	if f.dir != "" {
		next := f.path(id) + ".next"
		if err := os.WriteFile(next, state, 0o600); err != nil {
			return fmt.Errorf("restoring a database: %w", err)
		}
		if err := os.Rename(next, f.path(id)); err != nil {
			return fmt.Errorf("restoring a database: %w", err)
		}
		return f.connected(ctx, id, work)
	}
	return f.connected(ctx, id, func(conn *sql.Conn) error {
		err := conn.Raw(func(driver any) error { return driver.(interface{ Deserialize([]byte) error }).Deserialize(state) })
		if err != nil {
			return fmt.Errorf("restoring a database: %w", err)
		}
		return work(conn)
	})
}

func (f *sqliteFiles) connected(ctx context.Context, id string, work func(*sql.Conn) error) error {
	db, done, err := f.get(id)
	if err != nil {
		return err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return errors.Join(fmt.Errorf("opening database %s: %w", id, err), done())
	}
	return errors.Join(work(conn), conn.Close(), done())
}

func (f *sqliteFiles) lock(id string) *sync.Mutex {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.busy[id] == nil {
		f.busy[id] = new(sync.Mutex)
	}
	return f.busy[id]
}

func (f *sqliteFiles) get(id string) (db *sql.DB, done func() error, err error) {
	if f.dir != "" {
		if err := os.MkdirAll(f.dir, 0o700); err != nil {
			return nil, nil, fmt.Errorf("making the databases' directory: %w", err)
		}
		db, err := sql.Open("sqlite", "file:"+f.path(id)+"?_pragma=foreign_keys(1)&_pragma=synchronous(0)")
		if err != nil {
			return nil, nil, err
		}
		return db, db.Close, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.memory[id] == nil {
		db, err := sql.Open("sqlite", "file::memory:?_pragma=foreign_keys(1)")
		if err != nil {
			return nil, nil, err
		}
		// One connection for ever: each would be a database of its own.
		db.SetMaxOpenConns(1)
		db.SetMaxIdleConns(1)
		f.memory[id] = db
	}
	return f.memory[id], func() error { return nil }, nil
}

func (f *sqliteFiles) path(id string) string { return filepath.Join(f.dir, id+".sqlite") }

// remove destroys a database's contents.
func (f *sqliteFiles) remove(id string) error {
	f.whole.RLock()
	defer f.whole.RUnlock()
	lock := f.lock(id)
	lock.Lock()
	defer lock.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.busy, id)
	if db := f.memory[id]; db != nil {
		delete(f.memory, id)
		return db.Close()
	}
	if f.dir == "" {
		return nil
	}
	for _, suffix := range []string{"", "-journal"} {
		if err := os.Remove(f.path(id) + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("removing a database: %w", err)
		}
	}
	return nil
}

func (f *sqliteFiles) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []error
	for _, db := range f.memory {
		all = append(all, db.Close())
	}
	f.memory = map[string]*sql.DB{}
	return errors.Join(all...)
}

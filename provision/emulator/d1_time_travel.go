package emulator

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"time"
)

// bookmark is a state that a database was in.
type bookmark struct {
	row      // the id is the bookmark that clients are told
	Database string
	Size     int64
	Kept     bool // its contents are, so that it can be restored
}

// D1 keeps every change of 7 days, or 30 on the paid plan. The emulator keeps the
// contents after each of the newest changes, of databases that are not large; older
// states have their bookmark, but cannot be restored, and an import of a large file
// is one change.
const (
	keptStates    = 16
	maxKeptState  = 2 << 20 // bytes
	toldBookmarks = 256     // after which the oldest are forgotten
)

func (s *Server) registerTimeTravel() {
	const base = "accounts/{account}/d1/database/{db}/time_travel"
	s.on("GET", base+"/bookmark", groupD1, s.getBookmark)
	s.on("POST", base+"/restore", groupD1, s.restoreDatabase).free = true
}

var (
	// The code is the reference's. guess: the status and text, and that a database
	// that was never written to has no history.
	errNoHistory   = refuse(http.StatusInternalServerError, 7500, "No time travel history is available for this database.")
	errNoBookmark  = refuse(http.StatusBadRequest, 7400, "Invalid property: bookmark => not a bookmark of this database")
	errBadTime     = refuse(http.StatusBadRequest, 7400, "Invalid property: timestamp => Invalid ISO 8601 timestamp")
	errTooOld      = refuse(http.StatusBadRequest, 7400, "Invalid property: timestamp => must be within the time travel retention period")
	errNoSuchState = refuse(http.StatusBadRequest, 7400, "Invalid property: bookmark => the emulator does not keep this state any more")
)

// remember notes the state that the database is in now, whose connection is held.
func (s *Server) remember(x *txn, conn *sql.Conn, d *database, size int64) (*bookmark, error) {
	b := &bookmark{row: row{ID: newBookmark(s.store.seq + 1)}, Database: d.ID, Size: size, Kept: size <= maxKeptState}
	if b.Kept {
		state, err := contents(conn)
		if err != nil {
			return nil, err
		}
		x.putBlob(stateBlob(d.ID, b.ID), state)
	}
	s.bookmarks.put(x, b)
	all := s.bookmarksByTime.within(d.ID)
	if len(all) > toldBookmarks {
		s.bookmarks.remove(x, all[0].row.ID)
	}
	if at := len(all) - 1 - keptStates; at >= 0 && all[at].row.Kept {
		old := *all[at].row
		old.Kept = false
		s.bookmarks.put(x, &old)
		x.removeBlob(stateBlob(d.ID, old.ID))
	}
	return b, nil
}

func stateBlob(database, bookmark string) string { return "d1/" + database + "/" + bookmark }

// newBookmark makes a bookmark in D1's form; a later one is greater.
func newBookmark(n uint64) string {
	return fmt.Sprintf("%08x-%08x-%08x-%s", n>>32, uint32(n), 0, newID())
}

// dropHistory forgets all states of a database.
func (s *Server) dropHistory(x *txn, database string) {
	for _, e := range append([]entry[*bookmark]{}, s.bookmarksByTime.within(database)...) {
		s.bookmarks.remove(x, e.row.ID)
	}
	x.removeBlobs("d1/" + database + "/")
}

// contents are the bytes of the database file.
func contents(conn *sql.Conn) (state []byte, err error) {
	err = conn.Raw(func(driver any) error {
		state, err = driver.(interface{ Serialize() ([]byte, error) }).Serialize()
		return err
	})
	return state, err
}

// stateAt finds the state of the query: that of a bookmark, the newest at a time or
// before, or with neither the newest.
func (s *Server) stateAt(c *call, d *database) (*bookmark, error) {
	all := s.bookmarksByTime.within(d.ID)
	if len(all) == 0 {
		return nil, errNoHistory
	}
	if id := c.query.Get("bookmark"); id != "" {
		b, has := s.bookmarks.get(id)
		if !has || b.Database != d.ID {
			return nil, errNoBookmark
		}
		return b, nil
	}
	text := c.query.Get("timestamp")
	if text == "" {
		return all[len(all)-1].row, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return nil, errBadTime
	}
	if a, has := s.accounts.get(d.Account); has && c.x.now.Sub(at) > time.Duration(a.limits().history)*24*time.Hour {
		return nil, errTooOld
	}
	for i := len(all) - 1; i >= 0; i-- {
		if !all[i].row.Made.After(at) {
			return all[i].row, nil
		}
	}
	return nil, errTooOld
}

func (s *Server) getBookmark(c *call) (*reply, error) {
	d, err := s.theDatabase(c)
	if err != nil {
		return nil, err
	}
	c.query.Del("bookmark") // it takes a timestamp only
	b, err := s.stateAt(c, d)
	if err != nil {
		return nil, err
	}
	return ok(map[string]string{"bookmark": b.ID})
}

// restoreDatabase puts a state back, which is a change like any other: it gets a
// bookmark, and the state before it can be restored in turn. D1 allows ten in ten
// minutes; which error an eleventh gets no source tells, so here there is no end.
func (s *Server) restoreDatabase(c *call) (*reply, error) {
	s.mu.RLock()
	d, err := s.theDatabase(c)
	s.mu.RUnlock()
	if err != nil {
		return nil, err
	}
	if !c.query.Has("bookmark") && !c.query.Has("timestamp") {
		return nil, refuse(http.StatusBadRequest, 7400, "Invalid property: bookmark => a bookmark or a timestamp is required")
	}
	var before, after *bookmark
	err = s.sqlite.replace(c.Context(), d.ID, func() ([]byte, error) {
		s.mu.RLock()
		defer s.mu.RUnlock()
		to, err := s.stateAt(c, d)
		if err != nil {
			return nil, err
		}
		state, has := s.store.blob(stateBlob(d.ID, to.ID))
		if !has {
			return nil, errNoSuchState
		}
		all := s.bookmarksByTime.within(d.ID)
		before = all[len(all)-1].row
		return state, nil
	}, func(conn *sql.Conn) error { after, err = s.restored(c.Context(), conn, d.ID); return err })
	if err != nil {
		return nil, err
	}
	return ok(map[string]string{"bookmark": after.ID, "previous_bookmark": before.ID,
		"message": "Database restored to the requested bookmark."})
}

// restored notes what was put back.
func (s *Server) restored(ctx context.Context, conn *sql.Conn, id string) (b *bookmark, err error) {
	tables, size, err := measure(ctx, conn)
	if err != nil {
		return nil, err
	}
	err = s.change(func(x *txn) error {
		d, has := s.databases.get(id)
		if !has {
			return errNoDatabase(id)
		}
		next := *d
		next.Tables, next.Size = tables, size
		s.databases.put(x, &next)
		b, err = s.remember(x, conn, &next, size)
		return err
	})
	return b, err
}

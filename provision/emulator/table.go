package emulator

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A row is what every record has: the id it is found by, its place in the
// order of creation, and when it was made (which decides, in lag mode, from
// when on it can be seen).
type row struct {
	ID   string
	Seq  uint64
	Made time.Time
}

func (r *row) head() *row { return r }

// A record is a pointer to a struct that embeds row. Records are never changed
// once they are in a table: whoever wants a change puts a changed copy, so a
// reader that holds one needs no lock, and undoing is putting the old one back.
type record interface {
	comparable
	head() *row
}

// A table holds all records of one kind in memory, by id and in the order of
// each index.
type table[R record] struct {
	name    string
	blank   func() R
	rows    map[string]R
	indexes []*index[R]
}

// An index keeps records sorted by a key, records of equal key in order of
// creation. A key of "" leaves the record out.
type index[R record] struct {
	key     func(R) string
	entries []entry[R]
}

type entry[R record] struct {
	key string
	row R
}

// newTable makes a table and registers it with the store, which fills it from
// the file.
func newTable[R record](s *store, name string, blank func() R) *table[R] {
	t := &table[R]{name: name, blank: blank, rows: map[string]R{}}
	s.tables = append(s.tables, t)
	return t
}

// by adds an index.
func (t *table[R]) by(key func(R) string) *index[R] {
	i := &index[R]{key: key}
	t.indexes = append(t.indexes, i)
	return i
}

func (t *table[R]) tableName() string { return t.name }

// load decodes one stored record; it is called before the server answers
// anything.
func (t *table[R]) load(value []byte) (uint64, error) {
	r := t.blank()
	if err := json.Unmarshal(value, r); err != nil {
		return 0, fmt.Errorf("table %s: %w", t.name, err)
	}
	t.rows[r.head().ID] = r
	for _, i := range t.indexes {
		if k := i.key(r); k != "" {
			i.entries = append(i.entries, entry[R]{k, r})
		}
	}
	return r.head().Seq, nil
}

// loaded sorts the indexes once after all records are in.
func (t *table[R]) loaded() {
	for _, i := range t.indexes {
		slices.SortFunc(i.entries, compareEntries[R])
	}
}

// get returns the record with the id, whether or not lag hides it.
func (t *table[R]) get(id string) (R, bool) {
	r, ok := t.rows[id]
	return r, ok
}

// put stores a record, new or in place of the one with the same id.
func (t *table[R]) put(x *txn, r R) {
	h := r.head()
	if h.ID == "" {
		panic("emulator: record without id put into " + t.name)
	}
	if h.Seq == 0 {
		h.Seq = x.store.nextSeq()
		h.Made = x.now
	}
	old, had := t.rows[h.ID]
	t.swap(h.ID, old, had, r, true)
	x.undo = append(x.undo, func() { t.swap(h.ID, r, true, old, had) })
	x.change(t.name, h.ID, r)
}

// remove takes a record out; a missing one is no error.
func (t *table[R]) remove(x *txn, id string) {
	old, had := t.rows[id]
	if !had {
		return
	}
	var none R
	t.swap(id, old, true, none, false)
	x.undo = append(x.undo, func() { t.swap(id, none, false, old, true) })
	x.change(t.name, id, nil)
}

func (t *table[R]) swap(id string, old R, had bool, next R, has bool) {
	for _, i := range t.indexes {
		if had {
			i.remove(old)
		}
		if has {
			i.insert(next)
		}
	}
	if has {
		t.rows[id] = next
		return
	}
	delete(t.rows, id)
}

func compareEntries[R record](a, b entry[R]) int {
	if c := strings.Compare(a.key, b.key); c != 0 {
		return c
	}
	return cmp.Compare(a.row.head().Seq, b.row.head().Seq)
}

func (i *index[R]) insert(r R) {
	k := i.key(r)
	if k == "" {
		return
	}
	e := entry[R]{k, r}
	at, _ := slices.BinarySearchFunc(i.entries, e, compareEntries[R])
	i.entries = slices.Insert(i.entries, at, e)
}

func (i *index[R]) remove(r R) {
	k := i.key(r)
	if k == "" {
		return
	}
	at, ok := slices.BinarySearchFunc(i.entries, entry[R]{k, r}, compareEntries[R])
	if ok {
		i.entries = slices.Delete(i.entries, at, at+1)
	}
}

// within returns the records whose key begins with the parts, in order. The
// slice is the index's own: read it before the lock is given back, and change
// nothing while ranging over it.
func (i *index[R]) within(parts ...string) []entry[R] {
	prefix := join(parts...) + "\x00"
	return i.entries[i.first(prefix):i.first(prefix+"\xff")]
}

// from returns what within does, beginning after the given key.
func (i *index[R]) first(key string) int {
	at, _ := slices.BinarySearchFunc(i.entries, key, func(e entry[R], k string) int {
		return strings.Compare(e.key, k)
	})
	return at
}

// one returns the record whose key is exactly the parts, the oldest if there
// are several.
func (i *index[R]) one(parts ...string) (R, bool) {
	key := join(parts...) + "\x00"
	at := i.first(key)
	if at < len(i.entries) && i.entries[at].key == key {
		return i.entries[at].row, true
	}
	var none R
	return none, false
}

// all returns every record with exactly that key.
func (i *index[R]) all(parts ...string) []entry[R] {
	key := join(parts...) + "\x00"
	lo := i.first(key)
	hi := lo
	for hi < len(i.entries) && i.entries[hi].key == key {
		hi++
	}
	return i.entries[lo:hi]
}

// key builds an index key; the separator at its end keeps "a" from being a
// prefix of "ab".
func key(parts ...string) string { return join(parts...) + "\x00" }

func join(parts ...string) string { return strings.Join(parts, "\x00") }

// Package provision decides what must change on Cloudflare and carries it out.
//
// The whole idea runs one way:
//
//	Desired ──┐
//	State ────┼── Diff ──► Plan ── Apply ──► Cloudflare
//	Observed ─┘                      │
//	                                 └── Recorder ──► State
//
// A Resource is what the project wants: one line of the manifest, found by its
// Key, which is a kind and a logical name. An Entry is what we own: a Resource
// that exists, with the id Cloudflare gave it. Entries and open Intents make up
// the State. An Observed is what Cloudflare reports for one Key.
//
// Diff is a pure function of these three. It makes a Plan: steps as data, with
// no closures and no colours, so that a plan can be printed, saved, compared
// and refused when it has gone stale. Destroying is a Diff with nothing
// desired; finishing a run that was cut off is a Diff that finds what an open
// Intent was making. Neither has code of its own.
//
// Apply runs the steps along the graph of references between them, as many at
// once as are ready, through a Driver, and reports each outcome to a Recorder
// before it goes on. A create is announced (Intent), carried out and recorded;
// one whose answer was lost is looked up, never blindly repeated.
// What was there before us and was taken over is an entry like any other, but it
// is released, not deleted, unless that is allowed. What was made carries tags that
// say whose it is (mark.go), by which a lost State is made anew (Rebuild).
// What a store holds is counted before it is deleted or replaced, and that takes a
// consent that names the store; where it can be, it is saved first. What is
// protected is neither deleted nor replaced, and a plan that removes a good part
// of all takes a confirmation of the number. Apply checks all of it before it
// begins.
// What an update brings about and nobody could find out later is recorded before
// it is sent. A setting of an entry that is null was sent at some time, and
// nobody knows what became of it.
package provision

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// Key names a resource within one project and environment.
type Key struct {
	Kind string // "d1"
	Name string // logical name: "db"
}

// String returns "d1/db", the form every message starts with.
func (k Key) String() string { return k.Kind + "/" + k.Name }

// ParseKey reads the form that String writes.
func ParseKey(s string) (Key, error) {
	kind, name, ok := strings.Cut(s, "/")
	if !ok || kind == "" || name == "" {
		return Key{}, fmt.Errorf("%q is not of the form kind/name", s)
	}
	return Key{kind, name}, nil
}

// MarshalText writes the key as "kind/name", also where it is a map's key.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (k *Key) UnmarshalText(b []byte) (err error) {
	*k, err = ParseKey(string(b))
	return err
}

// compareKeys orders keys for display and for stable files.
func compareKeys(a, b Key) int {
	if c := strings.Compare(a.Kind, b.Kind); c != 0 {
		return c
	}
	return strings.Compare(a.Name, b.Name)
}

// Settings maps a setting's name to its value in JSON's own Go types: string,
// bool, float64, nil, []any and map[string]any. Values are canonical: the kind
// that made them has already folded case, filled in and sorted whatever
// Cloudflare does not distinguish, so that equal means reflect.DeepEqual.
type Settings map[string]any

// NameSetting is the setting under which Diff shows a changed real name.
const NameSetting = "name"

// ProtectSetting is the setting under which Diff shows a changed protection,
// which only the state keeps.
const ProtectSetting = "protect"

// A Resource is what the project wants.
type Resource struct {
	Key      Key
	Name     string   // its real name at Cloudflare
	Identity string   // what may exist only once in an account, where that is not the name
	Settings Settings // what Cloudflare keeps
	Local    Settings // what only the project's files keep: binding, migrations_dir
	Refs     []Key    // what must exist before it can
	Protect  *bool    // whether it may be deleted or replaced; nil: the manifest says nothing of it
	Ignore   []string // settings that are left as they are once it exists
}

// An Entry is a resource that exists and is ours, made by us or taken over.
type Entry struct {
	Key      Key       `json:"key"`
	Name     string    `json:"name"`
	ID       string    `json:"id"`
	Zone     string    `json:"zone,omitempty"` // the id of the zone it lives in, for kinds that live in one
	Settings Settings  `json:"settings,omitempty"`
	Local    Settings  `json:"local,omitempty"`
	Refs     []Key     `json:"refs,omitempty"`
	Created  time.Time `json:"created"`
	Updated  time.Time `json:"updated"`
	Adopted  bool      `json:"adopted,omitempty"` // it was there before us and was taken over: never deleted without being told to
	// Protected is kept here and not only in the manifest, so that it holds when
	// the manifest does not name the resource any more.
	Protected bool `json:"protected,omitempty"`
	Marked    Mark `json:"marked,omitempty"` // whether it carries our resource tags
}

// Mark is what is known of the resource tags that show at Cloudflare whose a
// resource is.
type Mark string

// The marks. None of them is a proof that the tags are still there.
const (
	Unmarked   Mark = ""        // not tried yet, or its kind takes no tags
	Marked     Mark = "tags"    // they were put
	MarkDenied Mark = "refused" // Cloudflare would not take them; that is asked once
)

// An Intent says that a create was begun and its outcome is not known yet.
type Intent struct {
	Key      Key       `json:"key"`
	Name     string    `json:"name"`
	Zone     string    `json:"zone,omitempty"`
	Settings Settings  `json:"settings,omitempty"`
	Local    Settings  `json:"local,omitempty"`
	Refs     []Key     `json:"refs,omitempty"`
	Run      string    `json:"run"`
	Time     time.Time `json:"time"`
}

// State is all that we own of one environment.
type State struct {
	Lineage     string // made once per state; two states of one name differ in it
	Serial      int64  // one more with each save
	Project     string
	Environment string         // "production" unless named
	Account     string         // the account everything in it lives in
	Preview     *PreviewRecord // nil: the environment is none
	Entries     map[Key]Entry
	Intents     map[Key]Intent // of keys that have no entry
}

// Own is the state as if everything in it had been made by us, so that nothing
// is released: for who allows DeleteAdopted.
func (s State) Own() State {
	entries := maps.Clone(s.Entries)
	for k, e := range entries {
		e.Adopted = false
		entries[k] = e
	}
	s.Entries = entries
	return s
}

// Sorted lists entries by key.
func Sorted(entries map[Key]Entry) []Entry {
	return slices.SortedFunc(maps.Values(entries), func(a, b Entry) int { return compareKeys(a.Key, b.Key) })
}

// Empty reports whether nothing is owned and nothing was begun.
func (s State) Empty() bool { return len(s.Entries) == 0 && len(s.Intents) == 0 }

// Wanted asks for one resource to be observed.
type Wanted struct {
	Key      Key
	Name     string
	ID       string // known from the state, else empty: look it up by name
	Zone     string // likewise
	Settings Settings
	Local    Settings
	Applied  Settings      // what was last applied to the key's entry, where there is one
	Refs     map[Key]Entry // the entries that it refers to, where they exist
}

// Observed is one resource as Cloudflare reports it.
type Observed struct {
	Key      Key
	Exists   bool
	ID       string
	Name     string
	Zone     string // set for a resource that lives in a zone, whether it exists or not
	Settings Settings
	Created  time.Time // zero where Cloudflare does not say
	Owner    string    // who it visibly belongs to, for messages: a script's name, a mark
	Ours     bool      // it carries our mark for this project, environment and key
	Mark     string    // the mark of another cfboot project, environment or key: "shop/production/db"
	Tags     *Tags     // what its resource tags say of its owner; nil: nothing, or they were not looked at
	Stray    string    // where the mark is this very project's and key's: the lineage of the other state that has it
	Data     string    // what a store holds ("3 tables with 12 rows (45 kB)"); empty when it holds nothing or is no store
	With     []Key     // what goes with it when it is deleted, by kind and real name; looked for with what a store holds
	Unseen   string    // why it cannot be seen whether there is more of that
	Emptying int       // API calls that it takes to empty a store which can only be deleted empty
	Uses     []string  // real names and ids that it is bound to, which may then not go before it
	Blocked  string    // why it can never be made here, e.g. the zone is still pending
}

// Reader observes. It cannot write, so neither can what is given one.
type Reader interface {
	// Observe looks up everything wanted, in parallel. withData also counts what
	// stores hold, at some more calls per store, up to a bound. The result has an
	// Observed for every key asked; an error means that nothing can be said.
	Observe(ctx context.Context, wanted []Wanted, withData bool) (map[Key]Observed, error)
}

// Driver carries steps out. The error of a create is or wraps a *LostError where
// the outcome is unknown, and an *ExistsError where the name is taken.
type Driver interface {
	// Create makes the resource and returns what was made, with the settings
	// that are now in force; those still missing are left for Update.
	Create(ctx context.Context, s Step, refs map[Key]Entry) (Entry, error)
	// Update changes the settings named in s.Changes in place.
	Update(ctx context.Context, s Step, refs map[Key]Entry) error
	// Delete removes the resource; one that is gone already is no error. A step
	// that says what the store holds was consented to: it is emptied first where
	// that is needed.
	Delete(ctx context.Context, s Step) error
	// Save writes what the store holds so that it can be made again from that. Where
	// it returns an error, what was written is of no use.
	Save(ctx context.Context, s Step, w io.Writer) error
	// Find looks the resource up after a lost answer.
	Find(ctx context.Context, s Step, refs map[Key]Entry) (Observed, error)
	// Mark puts resource tags and keeps those that others have put, and says
	// whether that was allowed. What is fresh was made by this run's own call and
	// carries none yet. An error means that it may be tried again.
	Mark(ctx context.Context, e Entry, t Tags, fresh bool) (Mark, error)
}

// Recorder keeps progress. Each method returns only when it is safely kept; an
// error stops the run, because what cannot be recorded may be lost.
type Recorder interface {
	Begin(Intent) error // a create is about to be sent; an entry of that key is gone, and its record with it
	Drop(Key) error     // the create was not carried out after all
	Keep(Entry) error   // the entry exists as given; closes its intent
	Forget(Key) error   // it is gone; closes its intent
}

// A Vault keeps what a store held before it is destroyed.
type Vault interface {
	// Keep has write give the backup of a store by its real name, and returns where
	// it is once it is safely kept. After an error nothing is left of it.
	Keep(name string, write func(io.Writer) error) (place string, err error)
}

// ErrGone says that what was to be saved does not exist any more.
var ErrGone = errors.New("it is gone")

// LostError says that a request was sent and no usable answer came back, so it
// may or may not have been carried out.
type LostError struct{ Err error }

func (e *LostError) Error() string { return "the answer was lost: " + e.Err.Error() }
func (e *LostError) Unwrap() error { return e.Err }

// ExistsError says that a create was refused because the name is taken.
type ExistsError struct{ Err error }

func (e *ExistsError) Error() string { return e.Err.Error() }
func (e *ExistsError) Unwrap() error { return e.Err }

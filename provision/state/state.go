// Package state keeps what cfboot owns in one file per environment, so that
// nothing that was made at Cloudflare is ever forgotten.
//
// The file is JSON that a person can read and no person should edit. It says
// that it is a cfboot-state and of which version; its lineage, which is made
// once and never changes, and its serial, which grows with every save; whose it
// is: project, environment, account; then every Entry and every open Intent;
// and last a checksum over all the rest. No secret is ever part of it.
//
// A file that is not exactly that is refused and left alone. In particular an
// empty or missing file is not "nothing owned": where anything beside it shows
// that there was a state, its absence is a fault to be repaired, because a run
// that believes it owns nothing makes everything a second time, and destroys
// nothing. That is why a state whose last entry was destroyed stays on disk,
// valid and empty, and why the very first save leaves a backup too.
//
// A save never touches the file itself. The new version is written beside it,
// synced, and renamed over it; the version before it stays as the backup, and the
// last fifty before it as history, each under its serial. So at
// every moment the name holds a whole version, the old or the new one, however
// the process or the machine ends. Saves that are asked for at once share one
// write; each returns only when its own change is on disk. A save that fails
// carries the whole state as JSON in its error, for the caller to print: what
// was made must outlive a full disk.
//
// Reading takes no lock and can write nothing. A Store, which can, holds a lock
// that the operating system drops with the process, so no lock is ever stale.
package state

import (
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/cfboot/cfboot/provision"
	"github.com/gofrs/flock"
)

// Production is the environment that needs no naming.
const Production = "production"

// Path is the file of an environment under dir: state.json for production,
// state.NAME.json for every other. The result is always directly in dir, even
// for a name that is no valid one.
func Path(dir, environment string) string {
	if environment == "" || environment == Production {
		return filepath.Join(dir, "state.json")
	}
	return filepath.Join(dir, "state."+url.PathEscape(environment)+".json")
}

// Read loads the state without a lock and without any way to write; since the
// file is only ever replaced as a whole, it sees one complete version even
// while a run saves. A state that was never saved has exists false and nothing
// in it, not even a Lineage. Every fault is a *provision.Problem of class
// Unusable.
func Read(path string) (st provision.State, exists bool, err error) {
	l, err := load(path)
	if err != nil {
		return provision.State{}, false, err
	}
	return l.state, l.info != nil, nil
}

// Check reports whether st, read from path, is the state of the given project,
// environment and account: a *provision.Problem says what it is the state of
// instead, of class Unusable, or Refused where only the account differs. An
// empty argument is not checked, nor is a state that was never saved.
func Check(path string, st provision.State, project, environment, account string) error {
	if st.Lineage == "" {
		return nil
	}
	for _, c := range []struct{ what, is, want string }{
		{"project", st.Project, project},
		{"environment", st.Environment, environment},
	} {
		if c.want != "" && c.is != c.want {
			return unusable(path, fmt.Sprintf("it is the state of %s %q, not %q", c.what, c.is, c.want),
				fmt.Sprintf("run it where %s is %q, or put the state of %q back in its place", c.what, c.is, c.want))
		}
	}
	return checkAccount(path, st.Account, account)
}

func checkAccount(path, is, want string) error {
	if is == "" || want == "" || is == want {
		return nil
	}
	return &provision.Problem{At: path, Class: provision.Refused,
		Text:  fmt.Sprintf("everything in it lives in account %s, and this run is for account %s", is, want),
		Hints: []string{"use the account id and the credentials of account " + is, "or give account " + want + " an environment of its own"}}
}

// Options say whose state is opened and by whom.
type Options struct {
	Project     string // empty: whatever the file says; a new state needs it at its first save
	Environment string // empty: production
	Account     string // empty: whatever the file says; a new state needs it at its first save
	Command     string // shown to whoever finds the state locked: "cfboot apply"
	Run         string // id of this run, shown likewise; empty: one is made
	Now         func() time.Time
	Wait        time.Duration   // how long to wait for the lock; 0 fails at once
	Stop        <-chan struct{} // closed: wait no longer
}

// complete fills in what was left out.
func (o Options) complete() Options {
	if o.Environment == "" {
		o.Environment = Production
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Run == "" {
		o.Run = newID(o.Now())
	}
	return o
}

// A Store is one environment's state, held by this run alone. It implements
// provision.Recorder and may be used by several goroutines at once.
type Store struct {
	path string
	run  string
	now  func() time.Time
	lock *flock.Flock
	disk disk
	home string   // as messages name it
	away *journal // where it is kept, if not in the file; nil: in the file

	saving  sync.Mutex  // held while a version is written; taken before mu
	onDisk  fs.FileInfo // under saving: the file as last read or written; nil: there is none
	history chronicle   // under saving

	mu       sync.Mutex // guards everything below
	state    provision.State
	warnings []string
	next     *batch // the changes that the next write will contain
	closed   bool
	encoder  encoder
}

var _ provision.Recorder = (*Store)(nil)

// Open takes the lock and loads the state for one run. It makes the directory
// where there is none, with a .gitignore that keeps all of it out of commits,
// but no state: that is written by the first change. What a killed run left
// half written is cleared away.
//
// Errors are *provision.Problem: Locked where another run holds the state,
// Interrupted where Stop was closed while waiting for it, Unusable where the
// file cannot be trusted, Refused where it belongs to another account, and
// Failed where the directory cannot be written to.
func Open(path string, o Options) (*Store, error) {
	o = o.complete()
	path, lock, err := claim(path, o)
	if err != nil {
		return nil, err
	}
	s := &Store{path: path, home: path, run: o.Run, now: o.Now, lock: lock, disk: osDisk{}, encoder: newEncoder()}
	if err := s.load(o); err != nil {
		_ = release(lock) // what is wrong with the state matters more
		return nil, err
	}
	return s, nil
}

// claim takes the lock of a state that may not exist yet, and makes its directory.
func claim(path string, o Options) (resolved string, lock *flock.Flock, err error) {
	if path, err = resolve(path); err != nil {
		return "", nil, err
	}
	if err := makeDirectory(filepath.Dir(path)); err != nil {
		return "", nil, err
	}
	lock, err = acquire(path, o)
	return path, lock, err
}

// load reads the state under the lock, and sweeps.
func (s *Store) load(o Options) error {
	l, err := load(s.path)
	if err != nil {
		return err
	}
	s.onDisk, s.warnings = l.info, l.warnings
	if err := s.begin(l.state, o); err != nil {
		return err
	}
	s.openHistory()
	s.sweep()
	return nil
}

// begin makes st, which may never have been saved, the state to go on from.
func (s *Store) begin(st provision.State, o Options) error {
	if err := Check(s.home, st, o.Project, o.Environment, o.Account); err != nil {
		return err
	}
	s.state = st
	if s.state.Lineage == "" {
		s.state.Project, s.state.Environment = o.Project, o.Environment
	}
	if s.state.Account == "" {
		s.state.Account = o.Account
	}
	return nil
}

// sweep clears away what killed runs left.
func (s *Store) sweep() {
	for _, stray := range strays(s.path) {
		if err := s.disk.remove(stray.path); err != nil {
			s.warnings = append(s.warnings, fmt.Sprintf("%s: a killed run left it, and it cannot be removed: %v", stray.path, err))
		}
	}
}

// State returns a copy of everything owned, as of the latest change.
func (s *Store) State() provision.State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return clone(s.state)
}

// Lineage is the state's, or empty before its first save.
func (s *Store) Lineage() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.Lineage
}

// Run is the id of this run, as the lock shows it.
func (s *Store) Run() string { return s.run }

// Warnings lists, in plain words, what was found amiss and did not stop the
// run, such as a file that others could read.
func (s *Store) Warnings() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.warnings)
}

// SetAccount says which account everything lives in, where the state does not
// know it yet; it is kept with the next save. Another account than the one
// known is a *provision.Problem of class Refused.
func (s *Store) SetAccount(account string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.Account == "" {
		s.state.Account = account
	}
	return checkAccount(s.home, s.state.Account, account)
}

// Close waits for a save under way and gives the lock back. The lock file stays:
// removing it would let two later runs hold two different files of that name.
func (s *Store) Close() error {
	s.saving.Lock()
	defer s.saving.Unlock()
	s.mu.Lock()
	closed := s.closed
	s.closed = true
	s.mu.Unlock()
	if closed {
		return nil
	}
	s.closeAway()
	return release(s.lock)
}

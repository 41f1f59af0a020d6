package state

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/cfboot/cfboot/provision"
)

// The roles of the files of one state.
const (
	RoleState   = "state"
	RoleBackup  = "backup"
	RoleHistory = "history"
	RoleCopy    = "copy" // on this machine, of a state that is kept elsewhere
)

// An Inspected is one file of a state, and what there is to say of it.
type Inspected struct {
	Role    string
	Path    string
	Exists  bool
	Serial  int64 // 0 where it could not be read
	Entries int
	Intents int
	Err     error    // why it cannot be used: a *provision.Problem
	Notes   []string // what is amiss and does not stop a run
}

// Inspect reads all that is kept of the state at path and checks it: first the
// file itself, then the backup and each version of the history, the newest
// first, as far as they exist. It takes no lock and writes nothing.
func Inspect(path string) []Inspected {
	l, err := load(path)
	if resolved, rerr := resolve(path); rerr == nil {
		path = resolved
	}
	first := Inspected{Role: RoleState, Path: path, Exists: l.info != nil, Err: err, Notes: l.warnings}
	first.count(l.state)
	if first.Exists {
		first.Notes = append(first.Notes, dangling(l.state)...)
		first.Notes = append(first.Notes, shared(path, l.state)...)
	}
	out := []Inspected{first}

	backup, err := readVersion(backupPath(path))
	if !errors.Is(err, fs.ErrNotExist) {
		out = append(out, earlier(Inspected{Role: RoleBackup, Path: backupPath(path), Err: err}, backup, l.state))
	}
	past, err := History(path)
	if err != nil {
		out = append(out, Inspected{Role: RoleHistory, Path: historyDir(path), Exists: true, Err: err})
	}
	for _, p := range slices.Backward(past) {
		st, err := ReadPast(p)
		if !errors.Is(err, fs.ErrNotExist) { // else a run has removed it meanwhile
			out = append(out, earlier(Inspected{Role: RoleHistory, Path: p.Path, Err: err}, st, l.state))
		}
	}
	return out
}

func (i *Inspected) count(st provision.State) {
	i.Serial, i.Entries, i.Intents = st.Serial, len(st.Entries), len(st.Intents)
}

// earlier fills i in for a version that should come before the one in use.
func earlier(i Inspected, st, inUse provision.State) Inspected {
	i.Exists = true
	i.count(st)
	if i.Err != nil || inUse.Lineage == "" {
		return i
	}
	if st.Lineage != inUse.Lineage {
		i.Notes = append(i.Notes, fmt.Sprintf("it is of another lineage (%s) than the state (%s)", st.Lineage, inUse.Lineage))
	}
	if st.Serial >= inUse.Serial {
		i.Notes = append(i.Notes, fmt.Sprintf("its serial %d is not below the state's %d: an older state was put back by hand, or a run is saving now", st.Serial, inUse.Serial))
	}
	return i
}

// dangling notes references to what is not there.
func dangling(st provision.State) []string {
	var out []string
	known := func(k provision.Key) bool {
		_, entry := st.Entries[k]
		_, intent := st.Intents[k]
		return entry || intent
	}
	for _, e := range provision.Sorted(st.Entries) {
		for _, r := range e.Refs {
			if !known(r) {
				out = append(out, fmt.Sprintf("%s refers to %s, which is not there", e.Key, r))
			}
		}
	}
	return out
}

// shared notes what the state of another environment beside this one has as
// well: to destroy either would take it from both.
func shared(path string, st provision.State) []string {
	type resource struct{ kind, zone, id string }
	mine := map[resource]provision.Key{}
	for k, e := range st.Entries {
		mine[resource{k.Kind, e.Zone, e.ID}] = k
	}
	files, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "state*.json")) // fails for a bad pattern only
	var out []string
	for _, f := range files {
		if f == path {
			continue
		}
		other, err := load(f)
		if err != nil || other.state.Account != st.Account {
			continue // whoever works in that environment is told
		}
		for _, e := range provision.Sorted(other.state.Entries) {
			if k, both := mine[resource{e.Key.Kind, e.Zone, e.ID}]; both {
				out = append(out, fmt.Sprintf("%s is the same resource as %s in %s (id %s): to destroy either takes it from both", k, e.Key, f, e.ID))
			}
		}
	}
	return out
}

package state

import (
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cfboot/cfboot/provision"
)

// A Place is where the state of one environment is kept. What its methods return
// and which errors they give is said at the functions for a file, which have
// the same names.
type Place interface {
	// String is the place as messages name it: a path, or an address.
	String() string
	// Copy is the file of the state on this machine: the state itself, or a copy
	// of what is kept elsewhere. It need not exist.
	Copy() string

	Read() (st provision.State, exists bool, err error)
	Check(st provision.State, project, environment, account string) error
	Open(Options) (*Store, error)
	Inspect() []Inspected
	History() ([]Past, error)
	ReadPast(Past) (provision.State, error)
	LookAtLock() (Lock, error)
	Unlock(Lock) error
	OpenRepair(Options) (Repairer, error)
	OpenRebuild(Options) (Repairer, error)

	// Remove takes the state away, with all that is kept of it, where it is sound
	// and owns nothing; else it is refused. Where there is none nothing is done.
	Remove(Options) error
	// Environments names those of the same project that are kept beside this one,
	// and this one, as far as there is a state of them.
	Environments() ([]string, error)
	// Beside lists the places of the other ones.
	Beside() ([]Place, error)
}

// A Repairer puts an earlier version of a state back, or makes one anew. It holds
// the lock.
type Repairer interface {
	InUse() (st provision.State, sound bool, broken error)
	Newest() Snapshot
	Find(role string, serial int64) (Snapshot, bool)
	Restore(Snapshot) (Restored, error)
	Rebuild(provision.State) (Restored, error)
	Close() error
}

// File is the place of a state that is kept in a file on this machine; see Path.
func File(path string) Place { return filePlace(path) }

type filePlace string

func (f filePlace) String() string                           { return string(f) }
func (f filePlace) Copy() string                             { return string(f) }
func (f filePlace) Read() (provision.State, bool, error)     { return Read(string(f)) }
func (f filePlace) Open(o Options) (*Store, error)           { return Open(string(f), o) }
func (f filePlace) Inspect() []Inspected                     { return Inspect(string(f)) }
func (f filePlace) History() ([]Past, error)                 { return History(string(f)) }
func (f filePlace) ReadPast(p Past) (provision.State, error) { return ReadPast(p) }
func (f filePlace) LookAtLock() (Lock, error)                { return LookAtLock(string(f)) }
func (f filePlace) Unlock(l Lock) error                      { return Unlock(string(f), l) }
func (f filePlace) Remove(o Options) error                   { return removeFile(string(f), o) }
func (f filePlace) Check(st provision.State, p, e, a string) error {
	return Check(string(f), st, p, e, a)
}

func (f filePlace) OpenRepair(o Options) (Repairer, error) {
	r, err := OpenRepair(string(f), o)
	if err != nil {
		return nil, err // and no interface around a nil
	}
	return r, nil
}

func (f filePlace) OpenRebuild(o Options) (Repairer, error) {
	r, err := OpenRebuild(string(f), o)
	if err != nil {
		return nil, err
	}
	return r, nil
}

func (f filePlace) Environments() ([]string, error) {
	files, err := statesIn(filepath.Dir(string(f)))
	var out []string
	for _, file := range files {
		if name, ok := environmentOf(file); ok {
			out = append(out, name)
		}
	}
	return out, err
}

func (f filePlace) Beside() ([]Place, error) {
	files, err := statesIn(filepath.Dir(string(f)))
	var out []Place
	for _, file := range files {
		if file != string(f) {
			out = append(out, File(file))
		}
	}
	return out, err
}

// statesIn lists the states in a directory, by name.
func statesIn(dir string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(plainGlob.Replace(dir), "state*.json"))
	slices.Sort(files)
	return files, err
}

// plainGlob makes a path one in which nothing stands for anything else.
var plainGlob = strings.NewReplacer(`*`, `[*]`, `?`, `[?]`, `[`, `[[]`)

// environmentOf is the environment whose state Path would name so.
func environmentOf(path string) (string, bool) {
	stem := historyStem(path)
	if stem == "state" {
		return Production, true
	}
	escaped, ok := strings.CutPrefix(stem, "state.")
	name, err := url.PathUnescape(escaped)
	return name, ok && err == nil && name != "" && Path(filepath.Dir(path), name) == path
}

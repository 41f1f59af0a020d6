package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/cfboot/cfboot/provision"
)

// A Lock is what can be said of the lock of a state.
type Lock struct {
	Path    string // of the lock file
	Held    bool   // some process holds it now
	Known   bool   // who holds it, or held it last without giving it back, is known:
	PID     int
	Host    string
	Command string
	Run     string
	Since   time.Time
	Lapsed  bool // nobody holds it, because it was not refreshed in time
	Here    bool // on this machine
	Alive   bool // and that process runs
}

// LookAtLock tells who holds the state at path, and changes nothing. An error is
// a *provision.Problem of class Failed, or Unusable where path leads elsewhere.
func LookAtLock(path string) (Lock, error) {
	path, err := resolve(path)
	if err != nil {
		return Lock{}, err
	}
	l := Lock{Path: lockPath(path)}
	if _, err := os.Lstat(l.Path); errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	h := readHolder(l.Path)
	lock, err := try(l.Path)
	if err != nil {
		return l, lockProblem(l.Path, err)
	}
	if lock != nil {
		if err := release(lock); err != nil {
			return l, lockProblem(l.Path, err)
		}
	} else {
		l.Held, h = true, readHolder(l.Path)
	}
	if h == nil {
		return l, nil
	}
	l.Known, l.PID, l.Since = true, h.PID, h.Since
	l.Host, l.Command, l.Run = printable(h.Host), printable(h.Command), printable(h.Run)
	if host, err := os.Hostname(); err == nil && host == h.Host {
		l.Here, l.Alive = true, alive(h.PID)
	}
	return l, nil
}

// Unlock takes a lock away from a process that cannot be asked: one on another
// machine, or one that has ended while the lock did not. Should it live after all,
// it finds its lock gone before its next save and saves nothing more. A lock whose
// process lives here, or nobody knows, is a *provision.Problem of class Locked.
func Unlock(path string, l Lock) error {
	path, err := resolve(path)
	if err != nil {
		return err
	}
	now, err := LookAtLock(path)
	switch {
	case err != nil || !now.Held:
		return err
	case !now.Known || now.Here && now.Alive:
		return lockedProblem(path, readHolder(now.Path))
	case now.Run != l.Run || now.PID != l.PID || now.Host != l.Host:
		return &provision.Problem{At: path, Text: fmt.Sprintf("another run (%s) holds it by now", now.Run), Class: provision.Locked, Hints: []string{"wait until it has ended"}}
	}
	if err := os.Remove(now.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return lockProblem(now.Path, err)
	}
	return nil
}

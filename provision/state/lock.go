package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/cfboot/cfboot/provision"
	"github.com/gofrs/flock"
)

// lockPause is the time between two tries for a lock that somebody holds.
const lockPause = 50 * time.Millisecond

// A holder is what the lock file says of the run that holds it. It is only for
// the message to whoever comes second; what counts is the lock itself, which
// the operating system drops when the process ends.
type holder struct {
	PID     int       `json:"pid"`
	Host    string    `json:"host"`
	Command string    `json:"command"`
	Run     string    `json:"run"`
	Since   time.Time `json:"since"`
}

func lockPath(path string) string { return path + ".lock" }

// acquire takes the lock of the state at path, waiting for it as o says.
func acquire(path string, o Options) (*flock.Flock, error) {
	file := lockPath(path)
	deadline := time.Now().Add(o.Wait)
	for {
		lock, err := try(file)
		if err != nil {
			return nil, lockProblem(file, err)
		}
		if lock != nil {
			if err := writeHolder(file, o); err != nil {
				_ = lock.Unlock() // the first fault matters more
				return nil, lockProblem(file, err)
			}
			return lock, nil
		}
		left := time.Until(deadline)
		if left <= 0 {
			return nil, lockedProblem(path, readHolder(file))
		}
		select {
		case <-time.After(min(left, lockPause)):
		case <-o.Stop:
			return nil, &provision.Problem{At: path, Class: provision.Interrupted,
				Text: "stopped while waiting for the run that holds it; nothing was done"}
		}
	}
}

// try takes the lock if it is free, and returns nil if it is not.
func try(file string) (*flock.Flock, error) {
	for range 10 {
		if info, err := os.Lstat(file); err == nil && !info.Mode().IsRegular() {
			return nil, errors.New("it is not a regular file")
		}
		lock := flock.New(file, flock.SetFlag(os.O_CREATE|os.O_RDWR|noFollow), flock.SetPermissions(0o600))
		ok, err := lock.TryLock()
		if err != nil || !ok {
			return nil, err
		}
		if current(lock) {
			return lock, nil
		}
		// Somebody removed the file after it was opened: what was locked is no
		// longer what the next run would lock.
		if err := lock.Unlock(); err != nil {
			return nil, err
		}
	}
	return nil, errors.New("something keeps replacing it")
}

// current reports whether the locked file is still the one of that name.
func current(lock *flock.Flock) bool {
	held, err := lock.Stat()
	if err != nil {
		return false
	}
	named, err := os.Lstat(lock.Path())
	return err == nil && os.SameFile(held, named)
}

// release gives the lock back and leaves the file, without the holder.
func release(lock *flock.Flock) error {
	if current(lock) {
		// Best effort: a holder that stays is only ever read while somebody
		// else holds the lock, who has then written over it.
		_ = os.Truncate(lock.Path(), holderAt)
	}
	return lock.Unlock()
}

// currentHolder is what this process says of itself.
func currentHolder(o Options, since time.Time) holder {
	return holder{PID: os.Getpid(), Host: host(), Command: o.Command, Run: o.Run, Since: since.UTC().Truncate(time.Second)}
}

func writeHolder(file string, o Options) error {
	b, err := json.Marshal(currentHolder(o, o.Now()))
	if err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|noFollow, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(append(b, '\n'), holderAt)
	if err == nil {
		err = f.Truncate(int64(holderAt + len(b) + 1))
	}
	return errors.Join(err, f.Close())
}

// readHolder says who holds the lock, or nil where that cannot be read, as in
// the moment between taking the lock and writing down who did.
func readHolder(file string) *holder {
	f, err := os.OpenFile(file, os.O_RDONLY|noFollow, 0)
	if err != nil {
		return nil
	}
	defer f.Close()
	b := make([]byte, 4096)
	n, _ := f.ReadAt(b, holderAt) // a short read is an error, and the usual case
	var h holder
	if json.Unmarshal(b[:n], &h) != nil || h.PID == 0 {
		return nil
	}
	return &h
}

func lockedProblem(path string, h *holder) error {
	p := &provision.Problem{At: path, Class: provision.Locked}
	if h == nil {
		p.Text = "another run holds it"
		p.Hints = []string{"wait until it has ended"}
		return p
	}
	what := h.Command
	if what == "" {
		what = "another run"
	}
	p.Text = fmt.Sprintf("%s holds it: process %d on %s, run %s, since %s",
		printable(what), h.PID, printable(h.Host), printable(h.Run), h.Since.Format(time.RFC3339))
	p.Hints = []string{"wait until it has ended"}
	if host, err := os.Hostname(); err == nil && host == h.Host {
		p.Hints = append(p.Hints, fmt.Sprintf("or, if it hangs, stop it: kill %d", h.PID))
	} else {
		p.Hints = append(p.Hints, fmt.Sprintf("or, if it hangs, stop it on %s: kill %d", printable(h.Host), h.PID))
	}
	return p
}

// printable keeps what another process wrote from steering the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unprintable(r) {
			return '?'
		}
		return r
	}, s)
}

func lockProblem(file string, err error) error {
	p := &provision.Problem{At: file, Class: provision.Failed, Text: "the lock cannot be taken: " + cause(err)}
	switch {
	case errors.Is(err, fs.ErrPermission), readOnly(err):
		p.Hints = []string{"make it and its directory writable for you"}
	case errors.Is(err, errors.ErrUnsupported) || noLocks(err):
		p.Hints = []string{"the file system does not know locks: keep the project on a local disk"}
	default:
		p.Hints = []string{"look at the file, its directory and its disk; nothing was done"}
	}
	return p
}

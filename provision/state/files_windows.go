package state

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// hasModes says that files have an owner and permission bits. Windows keeps
// access lists instead, which a new file inherits from its directory.
const hasModes = false

const noFollow = 0

// holderAt is where the holder's record starts in the lock file. The lock is on
// byte 0, and on Windows a locked byte cannot be read by others.
const holderAt = 1

func owner(fs.FileInfo) int { return os.Geteuid() }

// replace tries for a while, because Windows refuses to replace a file that a
// reader or a virus scanner has open at the moment.
func replace(from, to string) error {
	var err error
	for wait := 5 * time.Millisecond; wait < time.Second; wait *= 2 {
		if err = os.Rename(from, to); err == nil {
			return nil
		}
		time.Sleep(wait)
	}
	return err
}

// syncDirectory does nothing: Windows has no such call, and its journal keeps
// the order of renames.
func syncDirectory(string) error { return nil }

// noSpace reports whether the disk is full: ERROR_HANDLE_DISK_FULL, ERROR_DISK_FULL.
func noSpace(err error) bool {
	var n syscall.Errno
	return errors.As(err, &n) && (n == 39 || n == 112)
}

func noLocks(error) bool { return false }

func readOnly(error) bool { return false }

// alive reports whether this machine runs a process of that id.
func alive(pid int) bool {
	p, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	_ = p.Release() // only looked at
	return true
}

//go:build unix

package state

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// hasModes says that files have an owner and permission bits.
const hasModes = true

// noFollow opens no symbolic link, and does not wait for the other end of a
// named pipe that took the file's place between two looks.
const noFollow = syscall.O_NOFOLLOW | syscall.O_NONBLOCK

// holderAt is where the holder's record starts in the lock file.
const holderAt = 0

// owner returns the user id that info's file belongs to.
func owner(info fs.FileInfo) int {
	return int(info.Sys().(*syscall.Stat_t).Uid)
}

func replace(from, to string) error { return os.Rename(from, to) }

// syncDirectory makes the names in dir durable.
func syncDirectory(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// noSpace reports whether the disk, a quota or a limit is full.
func noSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}

// noLocks reports whether a network file system's server keeps no locks.
func noLocks(err error) bool { return errors.Is(err, syscall.ENOLCK) }

func readOnly(err error) bool { return errors.Is(err, syscall.EROFS) }

// alive reports whether this machine runs a process of that id.
func alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}

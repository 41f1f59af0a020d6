//go:build !windows

package cli

import (
	"errors"
	"os"
	"syscall"
)

// stopSignals ask a run to stop: Ctrl-C, an end asked for, a closed terminal.
var stopSignals = []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}

// writeSignals would end the process in the middle of a write. Taken notice of,
// they let the write fail instead: into a pipe that nobody reads (EPIPE), or
// beyond the limit of a file's size (EFBIG).
var writeSignals = []os.Signal{syscall.SIGPIPE, syscall.SIGXFSZ}

// unread reports whether a write failed because nobody reads any more: a pipe's
// other end, or a terminal that was closed.
func unread(err error) bool { return errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.EIO) }

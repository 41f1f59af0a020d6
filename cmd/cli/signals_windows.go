package cli

import (
	"errors"
	"os"
	"syscall"
)

// stopSignals ask a run to stop: Ctrl-C, and a closed console or an ending
// session, which Go reports as SIGTERM.
var stopSignals = []os.Signal{os.Interrupt, syscall.SIGTERM}

// writeSignals are none: a write that cannot be done only fails.
var writeSignals []os.Signal

// errorNoData is what a write into a pipe gives whose other end is being closed.
const errorNoData = syscall.Errno(232)

// unread reports whether a write failed because nobody reads any more.
func unread(err error) bool {
	return errors.Is(err, syscall.ERROR_BROKEN_PIPE) || errors.Is(err, errorNoData)
}

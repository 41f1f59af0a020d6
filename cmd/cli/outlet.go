package cli

import (
	"io"
	"sync"

	"github.com/cfboot/cfboot/provision/kinds"
)

// An outlet is standard output or standard error for one run. Steps report from
// many goroutines, so it writes one thing at a time. A reader that has gone
// (cfboot apply | head -1) is no fault of the run: what would be written then
// is dropped. Any other fault is kept, for an answer that never arrived must
// not end with success.
type outlet struct {
	mu   sync.Mutex
	to   io.Writer
	mask *kinds.Mask // of what must never be printed, whoever prints
	gone bool
	err  error
}

// Write implements io.Writer. It never fails.
func (o *outlet) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.gone || o.err != nil {
		return len(p), nil
	}
	_, err := io.WriteString(o.to, o.mask.Text(string(p)))
	switch {
	case err == nil:
	case unread(err):
		o.gone = true
	default:
		o.err = err
	}
	return len(p), nil
}

// arrived reports whether everything written so far went out.
func (o *outlet) arrived() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.gone && o.err == nil
}

// fault is why something could not be written, unless its reader had gone.
func (o *outlet) fault() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}

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
	over bool // the last line may be written over
}

// above begins a line, in place of the one that may be written over.
const above = "\r\x1b[K"

// rewrite shows text in place of the last one that was shown so, until something
// else is written. An empty one takes it away.
func (o *outlet) rewrite(text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if text != "" || o.over {
		o.write(text)
	}
	o.over = text != ""
}

// Write implements io.Writer. It never fails.
func (o *outlet) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.write(string(p))
	return len(p), nil
}

// write is Write for who holds the lock.
func (o *outlet) write(text string) {
	if o.gone || o.err != nil {
		return
	}
	text = o.mask.Text(text)
	if o.over {
		text, o.over = above+text, false
	}
	_, err := io.WriteString(o.to, text)
	switch {
	case err == nil:
	case unread(err):
		o.gone = true
	default:
		o.err = err
	}
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

package cli

import (
	"context"
	"errors"
	"time"

	"github.com/cfboot/cfboot/provision"
)

// patience is how long a run that was asked to stop may take for what it has
// under way. CI systems send the second signal after 7.5 s.
const patience = 5 * time.Second

// follow makes the run heed the signals until end is called. The first one
// begins nothing more: a.stopping is done. While steps are carried out those
// under way are given patience, and a second signal or the end of it ends them,
// too: a.ctx is done, and what was begun stays an intent. Everything else
// ends at the first signal. After that the signals belong to the system again,
// so that one more ends a process that does not end by itself.
func (a *app) follow() (end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	stopping, stop := context.WithCancel(context.Background())
	a.ctx, a.stopping = ctx, stopping
	done := make(chan struct{})
	go func() {
		select {
		case <-done:
			return
		case <-a.Signals:
		}
		a.signalled.Store(true)
		if a.stepping.Load() {
			stop()
			if !a.relays.Load() {
				a.view().Notice("stopping: what is under way is finished first, for at most %s; once more to stop at once", patience)
			}
			timer := time.NewTimer(patience)
			defer timer.Stop()
			select {
			case <-done:
				return
			case <-a.Signals:
			case <-timer.C:
			}
		}
		stop()
		cancel()
		if a.LetGo != nil {
			a.LetGo()
		}
	}()
	return func() { close(done); stop(); cancel() }
}

// interrupted gives what a signal ended outside of any step its class and says
// how to go on.
func (a *app) interrupted(err error) error {
	if !a.signalled.Load() || !errors.Is(err, context.Canceled) || exitCode(err) == exitInterrupted {
		return err
	}
	return &provision.Problem{Text: "interrupted", Class: provision.Interrupted,
		Hints: []string{"nothing is half done that is not recorded; run the same command again to finish"}}
}

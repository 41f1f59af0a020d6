package cli

import (
	"fmt"
	"time"
)

// How often a long wait is shown anew: where it can be rewritten, and in a log.
const (
	countdown = time.Second
	reminder  = 30 * time.Second
)

// wait shows that Cloudflare lets nothing be sent until then, and goes on to
// show it until it is over: on a terminal as a countdown in one place, elsewhere
// as a line now and then. It does not wait itself.
func (a *app) wait(until time.Time) {
	a.waiting.Lock()
	defer a.waiting.Unlock()
	running := a.until.After(a.Now())
	if until.After(a.until) {
		a.until = until
	}
	if running && a.rewrites() {
		return // the countdown goes on to the new end
	}
	a.sayWait(a.until)
	if !running {
		a.waits.Go(a.keepSaying)
	}
}

// rewrites reports whether a line on standard error can be rewritten in place.
func (a *app) rewrites() bool {
	kind, _ := a.getenv("TERM")
	return a.Terminal && kind != "dumb"
}

func (a *app) sayWait(until time.Time) {
	left := until.Sub(a.Now()).Round(time.Second)
	text := fmt.Sprintf("Cloudflare asks to wait: going on at %s, in %s", until.Format("15:04:05 MST"), left)
	if a.rewrites() {
		a.err.rewrite(text)
		return
	}
	a.view().Notice("%s", text)
}

// keepSaying shows the wait until it is over or the run shall stop.
func (a *app) keepSaying() {
	every := reminder
	if a.rewrites() {
		every = countdown
	}
	for {
		a.waiting.Lock()
		until := a.until
		a.waiting.Unlock()
		left := until.Sub(a.Now())
		if left <= 0 {
			break
		}
		select {
		case <-time.After(min(left, every)):
		case <-a.stopping.Done():
			return
		}
		if until.Sub(a.Now()) >= time.Second {
			a.sayWait(until)
		}
	}
	a.err.rewrite("")
}

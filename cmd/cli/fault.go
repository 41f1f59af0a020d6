package cli

import (
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/cfboot/cfboot/cmd/view"
	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/state"
	"github.com/spf13/cobra"
)

// A fault is a panic that was caught. Its text is for people; the stack is what
// who mends it needs.
type fault struct {
	value any
	stack []byte
}

func (f *fault) Error() string {
	text, _, _ := strings.Cut(fmt.Sprint(f.value), "\n")
	return "cfboot itself failed: " + view.Line(text)
}

// caught is do with its panic as its error. Whatever do deferred (the lock, the
// rehearsal's files) has been seen to by then.
func caught(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &fault{value: p, stack: debug.Stack()}
		}
	}()
	return do()
}

// execute carries the command out.
func (a *app) execute(root *cobra.Command, args []string) error {
	var cmd *cobra.Command
	err := caught(func() (err error) { cmd, err = root.ExecuteC(); return err })
	if cmd == nil { // it did not come back
		cmd, _, _ = root.Find(args)
	}
	if cmd != nil {
		a.doc.Command = strings.TrimPrefix(cmd.CommandPath(), "cfboot ")
	}
	var own *fault
	if !errors.As(err, &own) {
		return err
	}
	if a.verbose > 0 {
		a.view().Notice("%s", own.stack)
	}
	p := &provision.Problem{Err: own, Hints: []string{"this is a fault of cfboot: please report it, with the command and what cfboot version says"}}
	if a.opened != nil {
		p.Hints = append(p.Hints, fmt.Sprintf("what was made until then is recorded in %s; run the same command again to finish", a.shown(a.opened.String())))
	}
	return p
}

// rescue shows the state that could not be saved, so that no id is lost. Where
// standard output is one JSON document, or reaches nobody, it goes to standard
// error.
func (a *app) rescue(bundle []byte) {
	if a.rescued {
		return
	}
	a.rescued = true
	a.view().Notice("the state could not be saved; keep what follows, it is the whole of it:")
	whole := append(slices.Clip(bundle), '\n')
	if !a.json {
		_, _ = a.out.Write(whole)
		if a.out.arrived() {
			return
		}
	}
	_, _ = a.err.Write(whole)
}

// onlyRecord reports whether a state that could not be saved has to be printed: where
// no copy of it is on this machine, or the machine is gone soon.
func (a *app) onlyRecord(err error) bool {
	var s *state.SaveError
	return !errors.As(err, &s) || s.Copy == "" || a.inCI()
}

// unsaved is the last of the states that err says could not be saved: it holds
// what those before it do.
func unsaved(err error) []byte {
	var bundle []byte
	var walk func(error)
	walk = func(e error) {
		if s, ok := e.(*state.SaveError); ok && len(s.Bundle) >= len(bundle) {
			bundle = s.Bundle
		}
		switch u := e.(type) {
		case interface{ Unwrap() error }:
			walk(u.Unwrap())
		case interface{ Unwrap() []error }:
			for _, inner := range u.Unwrap() {
				walk(inner)
			}
		}
	}
	walk(err)
	return bundle
}

package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/cfboot/cfboot/provision"
)

// Exit codes. The table below is the only place that gives them a meaning.
const (
	exitDone        = 0
	exitFailed      = 1
	exitChanges     = 2
	exitRefused     = 3
	exitPartial     = 4
	exitState       = 5
	exitLocked      = 6
	exitInterrupted = 130
)

var exitMeaning = []struct {
	code int
	text string
}{
	{exitDone, "done, or nothing to do"},
	{exitFailed, "failed; the state is consistent"},
	{exitChanges, "--exit-code: plan found something to do, secrets list something missing"},
	{exitRefused, "refused by a guard; consent or another input is needed"},
	{exitPartial, "partly done; run the same command again to finish"},
	{exitState, "the state cannot be used"},
	{exitLocked, "another run holds the state"},
	{exitInterrupted, "interrupted; run the same command again to finish"},
}

var classCodes = map[provision.Class]int{
	provision.Failed: exitFailed, provision.Refused: exitRefused, provision.Partial: exitPartial,
	provision.Unusable: exitState, provision.Locked: exitLocked, provision.Interrupted: exitInterrupted,
}

var classNames = map[provision.Class]string{
	provision.Failed: "failed", provision.Refused: "refused", provision.Partial: "partial",
	provision.Unusable: "state", provision.Locked: "locked", provision.Interrupted: "interrupted",
}

func exitCode(err error) int {
	var p *provision.Problem
	if errors.As(err, &p) {
		return classCodes[p.Class]
	}
	return exitFailed
}

func exitTable() string {
	var b strings.Builder
	b.WriteString("Exit codes:\n")
	for _, e := range exitMeaning {
		fmt.Fprintf(&b, "  %3d  %s\n", e.code, e.text)
	}
	return strings.TrimRight(b.String(), "\n")
}

// withHint adds to an error something more to try.
func withHint(err error, hint string) error {
	var p *provision.Problem
	if !errors.As(err, &p) {
		return err
	}
	return &provision.Problem{Err: err, Class: p.Class, Hints: []string{hint}}
}

func refused(text string, hints ...string) error {
	return &provision.Problem{Text: text, Hints: hints, Class: provision.Refused}
}

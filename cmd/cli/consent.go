package cli

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/cfboot/cfboot/provision"
)

// consent asks a person whether to go on. Where nobody can be asked, it refuses
// and names the flag.
func (a *app) consent(t target, p provision.Plan, question string) error {
	if err := p.ConflictProblem(); err != nil {
		return err
	}
	if p.Empty() {
		return nil
	}
	return a.ask(t, question)
}

// ask asks a person, unless the answer came with the command.
func (a *app) ask(t target, question string) error {
	if t.yes {
		return nil
	}
	if a.json || !a.Terminal {
		return refused("nobody can be asked here, so nothing was done", "to do it without being asked: --yes")
	}
	fmt.Fprintf(a.Stderr, "%s [y/N] ", question)
	answer, err := a.answer()
	switch {
	case err != nil:
		return err
	case answer == "y" || answer == "yes":
		return nil
	}
	return refused("not agreed to, so nothing was done")
}

// answer reads one line of what a person types, in small letters. A signal ends
// the waiting for it; an input that ended is no answer.
func (a *app) answer() (string, error) {
	lines := make(chan string, 1)
	go func() {
		line, err := bufio.NewReader(a.Stdin).ReadString('\n')
		if err != nil {
			line = ""
		}
		lines <- line
	}()
	select {
	case line := <-lines:
		return strings.ToLower(strings.TrimSpace(line)), nil
	case <-a.ctx.Done():
		fmt.Fprintln(a.Stderr)
		return "", a.ctx.Err()
	}
}

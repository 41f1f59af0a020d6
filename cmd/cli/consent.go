package cli

import (
	"bufio"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cfboot/cfboot/cmd/view"
	"github.com/cfboot/cfboot/provision"
)

// consent asks a person whether to go on: for each store by its name, for the
// loss of much by the number, and last for all of it. Where nobody can be asked,
// it refuses and names the flags.
func (a *app) consent(t *target, p provision.Plan, question string) error {
	for _, err := range []error{p.ConflictProblem(), p.ProtectProblem(), blanket(t.allow, p), a.spared(p)} {
		if err != nil {
			return err
		}
	}
	if p.Empty() {
		return nil
	}
	if a.askable(*t) {
		if err := a.askForData(t, p); err != nil {
			return err
		}
		if err := a.askForNumber(t, p); err != nil {
			return err
		}
	}
	for _, err := range []error{provision.Consented(p, t.allow), p.Confirmed(t.confirm)} {
		if err != nil {
			return err
		}
	}
	return a.ask(*t, question)
}

// askable reports whether a person is there and wants to be asked.
func (a *app) askable(t target) bool { return a.Terminal && !a.json && !t.yes }

// blanket refuses the consent to lose whatever there is: each store is named.
func blanket(allowed []string, p provision.Plan) error {
	if !slices.Contains(allowed, provision.DeleteData) {
		return nil
	}
	var hints []string
	for _, c := range p.Consents() {
		if c != provision.DeleteAdopted {
			hints = append(hints, "allow it: "+provision.AllowFlag(c))
		}
	}
	if hints == nil {
		hints = []string{"the plan destroys no data: leave it out"}
	}
	return refused(fmt.Sprintf("--allow %s is for one store, and has its name: %s", provision.DeleteData, provision.DeleteDataOf("NAME")), hints...)
}

// askForData lets a person type the name of each store that would lose what it
// holds. What else is to be allowed comes by flag, so that is looked at first.
func (a *app) askForData(t *target, p provision.Plan) error {
	given := slices.Clone(t.allow)
	for _, c := range p.Consents() {
		if c != provision.DeleteAdopted {
			given = append(given, c)
		}
	}
	if err := provision.Consented(p, given); err != nil {
		return err
	}
	asked := slices.Clone(t.allow)
	for _, s := range p.Steps {
		if s.Consent == "" || slices.Contains(asked, s.Consent) {
			continue
		}
		name, saved := s.RealName(), ""
		if s.Backup {
			saved = "; it is backed up first"
		}
		fmt.Fprintf(a.Stderr, "%s: %q holds %s, which would be lost%s.\nType its name to delete it: ", s.Key, view.Line(name), view.Line(s.Data), saved)
		if err := a.typed(name); err != nil {
			return err
		}
		t.allow = append(slices.Clip(t.allow), s.Consent)
	}
	return nil
}

// askForNumber lets a person type how much is to go, where that is much.
func (a *app) askForNumber(t *target, p provision.Plan) error {
	n := p.ToConfirm()
	if n == 0 || t.confirm != 0 {
		return nil
	}
	fmt.Fprintf(a.Stderr, "%s would be deleted or replaced. Type the number to go on: ", view.Count(n, "resource"))
	if err := a.typed(strconv.Itoa(n)); err != nil {
		return err
	}
	t.confirm = n
	return nil
}

// typed wants a person to type just that.
func (a *app) typed(want string) error {
	line, err := a.answer()
	if err != nil {
		return err
	}
	if line != strings.TrimSpace(want) {
		return refused("not agreed to, so nothing was done")
	}
	return nil
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
	switch answer = strings.ToLower(answer); {
	case err != nil:
		return err
	case answer == "y" || answer == "yes":
		return nil
	}
	return refused("not agreed to, so nothing was done")
}

// answer reads one line of what a person types. A signal ends the waiting for it;
// an input that ended is no answer.
func (a *app) answer() (string, error) {
	if a.typing == nil {
		a.typing = bufio.NewReader(a.Stdin) // one for all questions: it reads ahead
	}
	lines := make(chan string, 1)
	go func() {
		line, err := a.typing.ReadString('\n')
		if err != nil {
			line = ""
		}
		lines <- line
	}()
	select {
	case line := <-lines:
		return strings.TrimSpace(line), nil
	case <-a.ctx.Done():
		fmt.Fprintln(a.Stderr)
		return "", a.ctx.Err()
	}
}

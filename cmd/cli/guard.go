package cli

import (
	"fmt"
	"strings"

	"github.com/cfboot/cfboot/provision"
)

// inCI reports whether no person is about, as CI systems say.
func (a *app) inCI() bool {
	for _, name := range []string{"CI", "GITHUB_ACTIONS"} {
		if v, ok := a.getenv(name); ok && v != "false" && v != "0" {
			return true
		}
	}
	return false
}

// unshared refuses a state that has a resource which stands in the state of
// another environment of this project as well: by changing it here, it would be
// changed there.
func (a *app) unshared(st provision.State) error {
	beside, err := a.opened.Beside()
	if err != nil {
		return err
	}
	var lines, hints []string
	for _, place := range beside {
		other, exists, err := place.Read()
		if err != nil {
			a.view().Notice("warning: %s cannot be read, so nobody knows what it has in common with this environment: %v", a.shown(place.String()), err)
			continue
		}
		if !exists || other.Environment == st.Environment {
			continue
		}
		for _, e := range provision.Shared(st, other) {
			lines = append(lines, fmt.Sprintf("%s: %q (%s) stands in the state of %s and in that of %s", e.Key, e.Name, e.ID, st.Environment, other.Environment))
			for _, environment := range []string{st.Environment, other.Environment} {
				hints = append(hints, fmt.Sprintf("if it is not %s's: %s", environment, a.again("state rm "+e.Key.String(), environment)))
			}
		}
	}
	if lines == nil {
		return nil
	}
	return refused(strings.Join(lines, "\n"), hints...)
}

// glob is a path in which nothing stands for anything else.
func glob(path string) string {
	return strings.NewReplacer(`*`, `[*]`, `?`, `[?]`, `[`, `[[]`).Replace(path)
}

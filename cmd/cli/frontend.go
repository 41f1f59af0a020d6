package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cfboot/cfboot/templates"
)

// checkFrontend refuses a --frontend or --ui that does not exist or fit.
func (r request) checkFrontend() error {
	switch known, uis := templates.Frontends(), templates.UIs(); {
	case r.frontend == "" && r.ui == "":
		return nil
	case r.frontend == "":
		return refused("--ui is for a frontend, and there is none", "--frontend "+known[0]+" --ui "+r.ui)
	case !slices.Contains(known, r.frontend):
		return refused(fmt.Sprintf("there is no frontend %q%s", r.frontend, suggest(r.frontend, known)), "there are: "+strings.Join(known, ", "))
	case r.ui != "" && !slices.Contains(uis, r.ui):
		return refused(fmt.Sprintf("there are no components %q%s", r.ui, suggest(r.ui, uis)), "there are: "+strings.Join(uis, ", ")+"; without --ui it has Ionic's")
	case r.source.TakesFrontend(r.frontend):
		return nil
	case isFolder(r.pattern):
		return refused(fmt.Sprintf("the pattern %s does not say that it takes --frontend %s", r.pattern, r.frontend),
			"leave --frontend out", fmt.Sprintf("or, where it is made of the pattern %s, say so in its pattern.json: \"frontends\": [%q]", strings.Join(takers(r.frontend), ", "), r.frontend))
	}
	return refused(fmt.Sprintf("the pattern %s takes no --frontend", r.pattern), "leave --frontend out, or take a pattern that has one: --pattern "+strings.Join(takers(r.frontend), ", "))
}

// takers are the patterns that come with cfboot and take a frontend.
func takers(frontend string) (names []string) {
	for _, p := range templates.Patterns() {
		if p.TakesFrontend(frontend) {
			names = append(names, p.Name)
		}
	}
	return names
}

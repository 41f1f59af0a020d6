package view

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cfboot/cfboot/provision"
)

// driftNotes say behind a changed setting who changed it.
var driftNotes = map[string]string{
	provision.NameSetting: "  (renamed outside cfboot)",
	"id":                  "  (made again outside cfboot)",
}

func driftNote(setting string) string {
	if note, ok := driftNotes[setting]; ok {
		return note
	}
	return "  (changed outside cfboot)"
}

// driftWords are the ways to drift in the order in which they are counted.
var driftWords = []struct{ what, word string }{
	{provision.Gone, "gone"}, {provision.Changed, "changed"}, {provision.Renamed, "renamed"},
	{provision.Recreated, "made again by somebody"}, {provision.Taken, "with another in its place"},
}

// refreshSummary is the sentence that sums up what is not as recorded.
func refreshSummary(p provision.Plan) string {
	kept := kept(p)
	switch {
	case p.Empty() && kept == 0:
		return "No drift: no resource is owned."
	case p.Empty():
		return fmt.Sprintf("No drift: %s as recorded.", are(kept))
	}
	n := map[string]int{}
	for _, d := range p.Drift {
		n[d.What]++
	}
	var parts []string
	for _, w := range driftWords {
		if n[w.what] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[w.what], w.word))
		}
	}
	if len(p.Conflicts) > 0 {
		parts = append(parts, fmt.Sprintf("%d that cannot be seen", len(p.Conflicts)))
	}
	if kept > 0 {
		parts = append(parts, fmt.Sprintf("%d as recorded", kept))
	}
	return strings.Join(parts, ", ") + "."
}

func are(n int) string {
	if n == 1 {
		return "1 resource is"
	}
	return fmt.Sprintf("all %d resources are", n)
}

// Choices prints what can be done about what somebody else has changed, for
// people: only what applies to the plan at hand.
func (v View) Choices(p provision.Plan) {
	lines := choices(p)
	if len(lines) == 0 {
		return
	}
	v.Print("\nChanged outside cfboot:")
	for _, l := range lines {
		v.Print("  %s", l)
	}
}

// choices are a plan's own: what is in its way has its hints in the error.
func choices(p provision.Plan) (out []string) {
	open := slices.DeleteFunc(slices.Clone(p.Drift), func(d provision.Drift) bool { return settled(p, d) })
	keys := func(what ...string) string {
		var all []string
		for _, d := range open {
			if k := d.Key.String(); slices.Contains(what, d.What) && !slices.Contains(all, k) {
				all = append(all, k)
			}
		}
		return strings.Join(all, ", ")
	}
	add := func(applies bool, format string, args ...any) {
		if applies {
			out = append(out, fmt.Sprintf(format, args...))
		}
	}
	differs, gone, made := keys(provision.Changed, provision.Renamed), keys(provision.Gone), keys(provision.Recreated)
	moved := keys(provision.Gone, provision.Renamed, provision.Recreated, provision.Taken)
	possible := p.Conflicts == nil
	if p.Refresh {
		add(possible && len(p.Drift) > 0, "to record it as it is now: %s", p.Command("apply --refresh-only"))
		add(differs+gone != "", "to see what an apply would change: %s", p.Command("plan"))
		add(made != "", "to take over what was made again: %s", p.Command("adopt "+strings.ReplaceAll(made, ",", "")))
	} else {
		add(possible && differs != "", "to set it back: %s", p.Command("apply"))
		add(possible && differs == "" && gone != "", "to make it again: %s", p.Command("apply"))
		add(differs != "", "to keep it as it is now: change cfboot.jsonc to say so, at %s", differs)
		add(gone != "", "to do without what is gone: take it out of cfboot.jsonc: %s", gone)
		add(moved != "", "to record what is there now, and change nothing: %s", p.Command("apply --refresh-only"))
	}
	for _, d := range open {
		add(len(d.Ignorable) > 0, "to have cfboot leave it alone: %s at %s in cfboot.jsonc", ignoring(d.Ignorable), d.Key)
	}
	return out
}

// settled reports whether the plan itself deals with a drift in the only way that
// there is: the record of what is not wanted goes, and what carries our mark is
// taken up again.
func settled(p provision.Plan, d provision.Drift) bool {
	i := slices.IndexFunc(p.Steps, func(s provision.Step) bool { return s.Key == d.Key })
	switch {
	case i < 0:
		return false
	case p.Refresh:
		return d.What == provision.Recreated && !p.Steps[i].Gone
	}
	return p.Steps[i].Action == provision.Delete || p.Steps[i].Action == provision.Adopt
}

// ignoring is the line of the manifest that has settings left alone.
func ignoring(settings []string) string {
	var quoted []string
	for _, s := range settings {
		quoted = append(quoted, fmt.Sprintf("%q", s))
	}
	return `"ignore": [` + strings.Join(quoted, ", ") + "]"
}

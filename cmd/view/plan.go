package view

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/cfboot/cfboot/provision"
)

// Planned is a plan with its sums, for JSON.
func Planned(p provision.Plan) *PlanDocument {
	d := &PlanDocument{Plan: p, Calls: p.Calls(), Consents: p.Consents(), Confirm: p.ToConfirm(), Summary: map[string]int{}}
	for _, s := range lost(p) {
		d.NoBackup = append(d.NoBackup, s.Key.String())
	}
	for a, n := range p.Changes() {
		d.Summary[a.String()] = n
	}
	return d
}

// Plan prints what would be done, for people.
func (v View) Plan(p provision.Plan) {
	if v.JSON {
		return
	}
	against := ""
	if p.Refresh {
		against = ", compared with the record"
	}
	fmt.Fprintf(v.Out, "%s (%s), account %s%s\n", p.Project, p.Environment, p.Account, against)
	for _, s := range p.Steps {
		if s.Action != provision.Keep {
			v.step(s)
		}
	}
	for _, c := range p.Conflicts {
		fmt.Fprintf(v.Out, "  %s %-22s %s\n", v.paint("31", "!"), c.Key, indented(c.Text))
	}
	if !p.Empty() {
		fmt.Fprintln(v.Out)
	}
	if gone := lost(p); gone != nil {
		var stores []string
		for _, s := range gone {
			stores = append(stores, fmt.Sprintf("%s (%s)", s.Key, Line(s.Data)))
		}
		fmt.Fprintln(v.Out, v.paint("31", "Lost without a backup: "+strings.Join(stores, ", ")+"."))
	}
	fmt.Fprintln(v.Out, Summary(p))
	if n := p.ToConfirm(); n > 0 {
		fmt.Fprintf(v.Out, "That is a good part of all, so it takes a confirmation: --confirm-delete %d\n", n)
	}
}

// lost lists the steps that destroy data which is not saved before.
func lost(p provision.Plan) (out []provision.Step) {
	for _, s := range p.Steps {
		if s.Data != "" && !s.Backup {
			out = append(out, s)
		}
	}
	return out
}

func (v View) step(s provision.Step) {
	fmt.Fprintf(v.Out, "  %s %-22s %s\n", v.paint(colours[s.Action], s.Action.Symbol()), s.Key, Line(s.Name))
	if s.Reason != "" {
		fmt.Fprintf(v.Out, "      %s\n", indented(s.Reason))
	}
	if s.Action == provision.Replace {
		fmt.Fprintf(v.Out, "      %s\n", v.paint("31", "would be deleted and made again"))
	}
	if s.Data != "" {
		saved := map[bool]string{true: "backed up before", false: "without a backup"}
		fmt.Fprintf(v.Out, "      %s\n", v.paint("31", "holds "+Line(s.Data)+", which would be lost, "+saved[s.Backup]))
	}
	for _, along := range s.With {
		fmt.Fprintf(v.Out, "      %s\n", v.paint("31", Line(goesAlong(along))))
	}
	if s.Unseen != "" {
		fmt.Fprintf(v.Out, "      warning: %s\n", Line(s.Unseen))
	}
	if s.Protected && s.Removes() {
		fmt.Fprintf(v.Out, "      %s\n", v.paint("31", "is protected"))
	}
	if s.Adopted {
		fmt.Fprintf(v.Out, "      %s\n", v.paint("31", "was there before it was taken over, and would be deleted"))
	}
	if s.Action == provision.Delete || s.Action == provision.Release {
		return
	}
	v.changes(s.Changes)
}

// goesAlong says what is deleted with something: its Workflow.
func goesAlong(k provision.Key) string {
	return fmt.Sprintf("its %s %s goes with it", strings.ToUpper(k.Kind[:1])+k.Kind[1:], k.Name)
}

func (v View) changes(all []provision.Change) {
	for _, c := range all {
		note := ""
		switch {
		case c.Drift:
			note = driftNote(c.Setting)
		case c.Local && c.Setting == provision.ProtectSetting:
			note = "  (the record only)"
		case c.Setting == provision.MarkSetting:
			note = "  (resource tags)"
		case c.Local:
			note = "  (project files only)"
		}
		if c.Replaces {
			note += "  (forces a replacement)"
		}
		fmt.Fprintf(v.Out, "      %s: %s → %s%s\n", c.Setting, value(c.Old), value(c.New), note)
	}
}

// indented is a text whose further lines cannot be taken for lines of ours.
func indented(s string) string { return strings.ReplaceAll(Clean(s), "\n", "\n      ") }

// value writes a setting on one line.
func value(v any) string {
	if v == nil {
		return "(none)"
	}
	b, err := json.Marshal(v)
	if err != nil {
		return "?"
	}
	return Clean(string(b))
}

func kept(p provision.Plan) (n int) {
	for _, s := range p.Steps {
		if s.Action == provision.Keep {
			n++
		}
	}
	return n
}

// Summary is the sentence that sums a plan up.
func Summary(p provision.Plan) string {
	if p.Refresh {
		return refreshSummary(p)
	}
	kept := kept(p)
	if p.Empty() {
		switch {
		case p.Destroy:
			return "Nothing to destroy: no resource is owned."
		case kept == 0:
			return "Nothing to do: no resource is wanted and none is owned."
		}
		return fmt.Sprintf("Nothing to do: all %d resources are as the manifest wants them.", kept)
	}
	n := p.Changes()
	var parts []string
	for _, a := range []struct {
		action provision.Action
		word   string
	}{{provision.Create, "create"}, {provision.Adopt, "adopt"}, {provision.Update, "update"}, {provision.Replace, "replace"}, {provision.Release, "release"}, {provision.Delete, "delete"}} {
		if n[a.action] > 0 {
			parts = append(parts, fmt.Sprintf("%d to %s", n[a.action], a.word))
		}
	}
	if len(p.Conflicts) > 0 {
		parts = append(parts, fmt.Sprintf("%d in conflict", len(p.Conflicts)))
	}
	if kept > 0 {
		parts = append(parts, fmt.Sprintf("%d to keep", kept))
	}
	return fmt.Sprintf("%s. %s.", strings.Join(parts, ", "), Calls(p.Calls(), ""))
}

// Calls is a number of API calls with a note, and where it is a good part of
// what Cloudflare allows, how much that is.
func Calls(n int, note string) string {
	if n > 300 {
		note += " of the 1,200 allowed in five minutes"
	}
	return fmt.Sprintf("%d API calls%s", n, note)
}

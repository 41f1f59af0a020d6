package cli

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cfboot/cfboot/cmd/view"
	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/kinds"
	"github.com/cfboot/cfboot/provision/state"
	"github.com/spf13/cobra"
)

func (a *app) newStateRebuild() *cobra.Command {
	var t target
	var project, lineage string
	cmd := &cobra.Command{
		Use:   "rebuild",
		Short: "Make a lost state anew of what exists at Cloudflare",
		Long: "Finds what carries the tags of this project and environment, what carries its\n" +
			"mark (a DNS record's comment, a Worker's tag), and what the manifest wants between\n" +
			"those, like a route to a Worker of ours. It shows them, asks, and records them as\n" +
			"the state. A damaged state stays beside it under another name; one that can be\n" +
			"used is refused. Nothing is changed at Cloudflare. Where a version of the state\n" +
			"is left, cfboot state restore knows more than this.",
		Example: "  cfboot state rebuild\n  cfboot state rebuild --env staging --yes\n  cfboot state rebuild --project my-saas",
		Args:    exactly(),
		RunE: a.answering(func(cmd *cobra.Command, args []string) error {
			return a.stateRebuild(t, project, lineage)
		}),
	}
	cmd.Flags().StringVar(&project, "project", "", "the project's `NAME`, where there is no manifest")
	cmd.Flags().StringVar(&lineage, "lineage", "", "the `LINEAGE` of the lost state, where there were several")
	t.addEnvironment(cmd)
	t.addAccount(cmd)
	t.addYes(cmd)
	return cmd
}

func (a *app) stateRebuild(t target, name, lineage string) (err error) {
	p, err := a.openProject(a.Dir, t.environment)
	switch {
	case err != nil && name == "":
		return err
	case err != nil:
		p = &project{}
		p.desired.Project = name
	case name != "" && name != p.desired.Project:
		return refused(fmt.Sprintf("--project says %s, and the manifest here %s", name, p.desired.Project), "leave --project out")
	}
	place, err := a.place(a.Dir, t.env())
	if err != nil {
		return err
	}
	repair, err := place.OpenRebuild(state.Options{Environment: t.env(), Command: "cfboot state rebuild", Now: a.Now, Stop: a.stopping.Done()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, repair.Close()) }()
	if left := repair.Newest(); left.State.Lineage != "" && !left.State.Empty() {
		a.view().Notice("note: serial %d of the state is left (%s), which knows more: %s", left.State.Serial, a.shown(left.Path), a.again("state restore", t.env()))
	}
	client, closer, err := a.connect(a.Dir, t, p.desired.Project, t.env(), p.desired.Domain, pinned{manifest: p.desired.Account})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closer()) }()
	found, err := a.findOurs(client, p, t, lineage)
	if err != nil {
		return err
	}
	doc := a.describeState(place, found.State)
	doc.Rebuilt = foundOurs(found)
	a.view().Print("%s (%s), account %s", found.State.Project, t.env(), client.Account)
	a.view().Rebuilding(*doc.Rebuilt)
	if len(found.State.Entries) == 0 {
		return &provision.Problem{Text: "nothing was found that is provably this project's, so no state was made", Class: provision.Refused,
			Hints: []string{"take over what exists, one by one: cfboot adopt KIND/NAME"}}
	}
	if err := a.ask(t, "Record these as ours?"); err != nil {
		return err
	}
	done, err := repair.Rebuild(found.State)
	if err != nil {
		return err
	}
	for _, w := range done.Warnings {
		a.view().Notice("warning: %s", w)
	}
	if done.Kept != "" {
		doc.Rebuilt.Kept = a.shown(done.Kept)
		a.view().Print("The damaged file is %s.", doc.Rebuilt.Kept)
	}
	doc.Serial, doc.Lineage = done.State.Serial, done.State.Lineage
	a.view().Print("Rebuilt as serial %d. See what an apply would change: %s", done.State.Serial, a.again("plan", t.env()))
	return nil
}

// findOurs looks for what is this project's, in the account and by the manifest.
func (a *app) findOurs(client *kinds.Client, p *project, t target, lineage string) (provision.Rebuilt, error) {
	tagged, allowed, err := client.Tagged(a.ctx, p.desired.Project, t.env())
	if err != nil {
		return provision.Rebuilt{}, err
	}
	if !allowed {
		a.view().Notice("warning: the token may not read resource tags, so only what the manifest names can be found")
	}
	return provision.Rebuild(a.ctx, client, kinds.Traits(), p.desired.Resources, tagged, blankState(p.desired.Project, t.env(), client.Account), lineage, a.Now())
}

func foundOurs(r provision.Rebuilt) *view.Rebuilt {
	out := &view.Rebuilt{Unproven: r.Unproven, Found: []view.Found{}}
	for _, e := range provision.Sorted(r.State.Entries) {
		by := "references"
		switch {
		case slices.Contains(r.ByTags, e.Key):
			by = "tags"
		case slices.Contains(r.ByMark, e.Key):
			by = "mark"
		}
		out.Found = append(out.Found, view.Found{Owned: view.Owned{Key: e.Key.String(), Name: e.Name, ID: e.ID, Zone: e.Zone}, By: by})
	}
	return out
}

func (a *app) newStateMark() *cobra.Command {
	var t target
	cmd := &cobra.Command{
		Use:   "mark",
		Short: "Let the next apply tag what could not be tagged before",
		Long: "Resources carry tags that say whose they are, so that a lost state can be made\n" +
			"anew. Where Cloudflare would not take them, that is not tried again by itself.\n" +
			"This makes the next apply try again, for a token that has the permission now.",
		Example: "  cfboot state mark\n  cfboot apply",
		Args:    exactly(),
		RunE: a.answering(func(cmd *cobra.Command, args []string) error {
			return a.reviseState(t, "state mark", func(place state.Place, store *state.Store) error {
				n, err := store.Unmark()
				if err != nil {
					return err
				}
				a.describeState(place, store.State())
				if n == 0 {
					a.view().Print("Every resource that can be tagged is tagged.")
					return nil
				}
				a.view().Print("The next apply tags %s: %s", counted(n, "resource"), a.again("apply", t.env()))
				return nil
			})
		}),
	}
	t.addEnvironment(cmd)
	return cmd
}

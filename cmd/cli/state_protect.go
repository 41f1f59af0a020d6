package cli

import (
	"fmt"

	"github.com/cfboot/cfboot/cmd/view"
	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/state"
	"github.com/spf13/cobra"
)

func (a *app) newStateProtect() *cobra.Command {
	return a.newProtection(true, "protect KEY", "Record that a resource is neither deleted nor replaced",
		"A plan that would delete or replace it is refused from then on, destroy too, also\n"+
			"when it has left the manifest. The same as \"protect\": true in the manifest, which\n"+
			"decides where it says either.",
		"  cfboot state protect d1/db\n  cfboot state protect d1/db --env staging")
}

func (a *app) newStateUnprotect() *cobra.Command {
	return a.newProtection(false, "unprotect KEY", "Record that a resource may be deleted and replaced again",
		"For what the manifest no longer names, and before destroy. While the manifest says\n"+
			"\"protect\": true, the next apply protects it again.",
		"  cfboot state unprotect d1/db\n  cfboot state unprotect d1/db --env staging")
}

func (a *app) newProtection(on bool, use, short, long, example string) *cobra.Command {
	var t target
	cmd := &cobra.Command{
		Use: use, Short: short, Long: long, Example: example,
		Args: exactly("KEY"),
		RunE: a.answering(func(cmd *cobra.Command, args []string) error { return a.stateProtect(t, cmd.Name(), args[0], on) }),
	}
	t.addEnvironment(cmd)
	return cmd
}

func (a *app) stateProtect(t target, command, arg string, on bool) error {
	return a.reviseState(t, "state "+command, func(place state.Place, store *state.Store) error {
		st := store.State()
		k, err := a.recorded(place, st, arg)
		if err != nil {
			return err
		}
		said := map[bool]string{true: "protected", false: "not protected"}
		e, owned := st.Entries[k]
		switch {
		case !owned:
			return &provision.Problem{At: k.String(), Text: "nobody knows yet whether it was made", Class: provision.Refused,
				Hints: []string{"finish that first: " + a.again("apply", st.Environment)}}
		case e.Protected == on:
			a.view().Print("%s is %s already.", k, said[on])
		default:
			if err := store.Protect(k, on); err != nil {
				return err
			}
			a.view().Print("%s is %s now.", k, said[on])
		}
		a.describeState(place, store.State())
		a.doc.Resources = []view.Owned{{Key: arg, Name: e.Name, ID: e.ID, Zone: e.Zone, Adopted: e.Adopted, Protected: on}}
		if !on {
			a.view().Notice("%s", fmt.Sprintf("where %s says \"protect\": true for it, the next apply protects it again", manifestFile))
		}
		return nil
	})
}

package cli

import (
	"github.com/cfboot/cfboot/cmd/view"
	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/kinds"
	"github.com/spf13/cobra"
)

func (a *app) newStatus() *cobra.Command {
	var t target
	cmd := &cobra.Command{
		Use:   "status",
		Short: "List what is owned, with IDs and dashboard links",
		Args:  cobra.NoArgs,
		RunE: a.answering(func(cmd *cobra.Command, args []string) error {
			a.sayOffline()
			place, err := a.place(a.Dir, t.env())
			if err != nil {
				return err
			}
			st, exists, err := place.Read()
			if err != nil {
				return err
			}
			if !exists {
				a.view().Print("Nothing is owned: there is no state at %s.", place)
				return nil
			}
			a.doc.Project, a.doc.Environment, a.doc.Account = st.Project, st.Environment, st.Account
			a.view().Print("%s (%s), account %s", st.Project, st.Environment, st.Account)
			for _, e := range provision.Sorted(st.Entries) {
				o := view.Owned{Key: e.Key.String(), Name: e.Name, ID: e.ID, Zone: e.Zone, Adopted: e.Adopted, Protected: e.Protected}
				if !a.offline {
					o.Link = kinds.Link(st.Account, e)
				}
				a.doc.Resources = append(a.doc.Resources, o)
				note := ""
				if e.Adopted {
					note = "  (adopted)"
				}
				if e.Protected {
					note += "  (protected)"
				}
				a.view().Print("  %-22s %-34s %s%s", o.Key, o.Name, o.ID, note)
				if o.Link != "" {
					a.view().Print("  %-22s %s", "", o.Link)
				}
			}
			for k, i := range st.Intents {
				a.view().Print("  %-22s %-34s begun at %s and not finished; cfboot apply finishes it", k, i.Name, i.Time.Format("2006-01-02 15:04:05Z07:00"))
			}
			a.view().Print("%s.", view.Count(len(st.Entries), "resource"))
			return nil
		}),
	}
	t.addEnvironment(cmd)
	return cmd
}

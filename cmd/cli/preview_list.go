package cli

import (
	"errors"
	"slices"

	"github.com/cfboot/cfboot/cmd/view"
	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/preview"
	"github.com/spf13/cobra"
)

func (a *app) newPreviewList() *cobra.Command {
	var t target
	var o owner
	var name string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List this project's previews: age, end, owner, what they have",
		Long: "Finds them by their tags, in the whole account, and by the states that are kept\n" +
			"here. In a workflow, or with --repository-id, only those of that repository.",
		Args: exactly(),
		RunE: a.answering(func(cmd *cobra.Command, args []string) (err error) {
			id, err := a.repository(o)
			if err != nil {
				return err
			}
			p, err := a.projectOf(name)
			if err != nil {
				return err
			}
			client, closer, err := a.connect(a.Dir, t, p.desired.Project, provision.Production, p.desired.Domain, pinned{manifest: p.desired.Account})
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, closer()) }()
			all, tagged, err := a.seenPreviews(client, p.desired.Project)
			if err != nil {
				return err
			}
			if !tagged {
				a.view().Notice("warning: the token may not read resource tags, so only those are listed whose state is kept here")
			}
			if id != "" {
				all = slices.DeleteFunc(all, func(p preview.Preview) bool { return p.Lease.RepositoryID != id })
			}
			a.doc.Project = p.desired.Project
			rows := []view.PreviewListed{}
			for _, p := range all {
				rows = append(rows, listed(p, client.Now()))
			}
			a.doc.Previews = &rows
			a.view().Previews(rows, client.Now())
			return nil
		}),
	}
	cmd.Flags().StringVar(&name, "project", "", "the project's `NAME`, where there is no manifest")
	o.add(cmd)
	t.addAccount(cmd)
	return cmd
}

package cli

import (
	"errors"
	"slices"

	"github.com/cfboot/cfboot/cmd/view"
	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/kinds"
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
			l, err := a.lookAtPreviews(t, o, name)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, l.close()) }()
			all, tagged, err := l.seen()
			if err != nil {
				return err
			}
			if !tagged {
				a.view().Notice("warning: the token may not read resource tags, so only those are listed whose state is kept here")
			}
			if l.repositoryID != "" {
				all = slices.DeleteFunc(all, func(p preview.Preview) bool { return p.Lease.RepositoryID != l.repositoryID })
			}
			rows := []view.PreviewListed{}
			for _, p := range all {
				rows = append(rows, listed(p, l.client.Now()))
			}
			a.doc.Previews = &rows
			a.view().Previews(rows, l.client.Now())
			return nil
		}),
	}
	cmd.Flags().StringVar(&name, "project", "", "the project's `NAME`, where there is no manifest")
	o.add(cmd)
	t.addAccount(cmd)
	return cmd
}

// looking is a look at a project's previews, for one repository or for whoever asks.
type looking struct {
	*app
	client       *kinds.Client
	close        func() error
	project      *project
	repositoryID string // "": none was named
}

// lookAtPreviews finds out whose previews are meant and connects. What it returns
// must be closed.
func (a *app) lookAtPreviews(t target, o owner, project string) (*looking, error) {
	l := &looking{app: a}
	var err error
	if l.repositoryID, err = a.repository(o); err != nil {
		return nil, err
	}
	if l.project, err = a.projectOf(project); err != nil {
		return nil, err
	}
	a.doc.Project = l.project.desired.Project
	l.client, l.close, err = a.connect(a.Dir, t, l.project.desired.Project, provision.Production, l.project.desired.Domain, pinned{manifest: l.project.desired.Account})
	return l, err
}

func (l *looking) seen() ([]preview.Preview, bool, error) {
	return l.seenPreviews(l.client, l.project.desired.Project)
}

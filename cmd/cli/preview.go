package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cfboot/cfboot/cmd/view"
	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/kinds"
	"github.com/cfboot/cfboot/provision/preview"
	"github.com/cfboot/cfboot/provision/state"
	"github.com/spf13/cobra"
)

func (a *app) newPreview() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "preview",
		Short: "A whole environment for a pull request, and its end",
		Long: "A preview is an environment that is made for a pull request or a branch and thrown\n" +
			"away with it: databases, buckets, queues, a Worker and an address of its own, and\n" +
			"nothing of production's. What is different in previews stands under \"previews\" in\n" +
			"cfboot.jsonc. Each has a lease, renewed by every push; sweep removes those that\n" +
			"are over or whose pull request is closed.",
		Example: "  cfboot preview up --name pr-7 --deploy --yes\n  cfboot preview list\n  cfboot preview down --name pr-7 --yes\n  cfboot preview sweep --yes",
		Args:    knownCommand,
		RunE:    func(cmd *cobra.Command, args []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.newPreviewUp(), a.newPreviewDown(), a.newPreviewList(), a.newPreviewSweep())
	return cmd
}

// owner is whose previews a command is about.
type owner struct{ repositoryID string }

func (o *owner) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.repositoryID, "repository-id", "", "the repository's `NUMBER` at GitHub (default: GITHUB_REPOSITORY_ID)")
}

// of is the repository's number, as the flag or the workflow says.
func (a *app) repository(o owner) (string, error) {
	id := o.repositoryID
	if id == "" {
		id, _ = a.getenv("GITHUB_REPOSITORY_ID")
	}
	if strings.Trim(id, "0123456789") != "" || len(id) > 20 {
		return "", refused(fmt.Sprintf("%q is no repository's number", id), "it is the id in https://api.github.com/repos/OWNER/NAME")
	}
	return id, nil
}

// previewEnvironment is the environment that a preview's name stands for.
// Production and what the manifest declares are never a preview.
func previewEnvironment(asked string, p *project, name func(string) string) (string, error) {
	declared := p != nil && p.manifest != nil && slices.Contains(p.manifest.Environments, asked)
	switch {
	case asked == "":
		return "", refused("which preview?", "name it: --name pr-7")
	case asked == provision.Production:
		return "", refused("production is no preview", "name one: --name pr-7")
	case declared:
		return "", refused(fmt.Sprintf("%s is an environment that %s declares, and no preview", asked, manifestFile), "name one: --name pr-7")
	}
	return name(asked), nil
}

// rehearsable refuses to rehearse a preview that really exists here: both would have
// the same configuration of wrangler, and the next deploy take invented IDs from it.
func (a *app) rehearsable(environment string) error {
	if !a.offline {
		return nil
	}
	if _, err := os.Lstat(state.Path(filepath.Join(a.Dir, ownDir), environment)); err != nil {
		return nil
	}
	return refused(fmt.Sprintf("%s really exists, and would be mixed up with its rehearsal", environment), "rehearse under another name: --name try --offline")
}

// origin is whose a preview is: what the workflow's variables and the flags say.
func (a *app) origin(o owner, environment, asked string, now time.Time) (provision.Lease, error) {
	id, err := a.repository(o)
	if err != nil {
		return provision.Lease{}, err
	}
	l := provision.Lease{RepositoryID: id, Made: now.UTC().Truncate(time.Second)}
	if known, _ := a.getenv("GITHUB_REPOSITORY_ID"); known == id && id != "" {
		l.Repository, _ = a.getenv("GITHUB_REPOSITORY")
	}
	if n, is := preview.PullRequest(environment); is {
		l.PullRequest = n
		l.Branch, _ = a.getenv("GITHUB_HEAD_REF")
	} else {
		l.Branch = asked
	}
	return l, nil
}

// seenPreviews lists the previews of a project that the tags and the states know
// of. tagged is false where the token may not read tags.
func (a *app) seenPreviews(client *kinds.Client, project string) (all []preview.Preview, tagged bool, err error) {
	found, tagged, err := client.Previews(a.ctx, project)
	if err != nil {
		return nil, false, err
	}
	all = preview.Group(found)
	states, err := a.previewStates(project)
	for _, st := range states {
		all = preview.Add(all, st)
	}
	return all, tagged, err
}

// previewStates reads the states of a project's previews. One that cannot be read
// is told, and says nothing of its preview.
func (a *app) previewStates(project string) (out []provision.State, err error) {
	here, err := a.place(a.Dir, provision.Production)
	if err != nil {
		return nil, err
	}
	beside, err := here.Beside()
	if err != nil {
		return nil, err
	}
	for _, place := range beside {
		st, exists, err := place.Read()
		if err != nil {
			a.view().Notice("warning: %s cannot be read, so nobody knows which preview it is of: %v", a.shown(place.String()), err)
			continue
		}
		if exists && st.Project == project && st.Preview != nil && !st.Empty() {
			out = append(out, st)
		}
	}
	return out, nil
}

func listed(p preview.Preview, now time.Time) view.PreviewListed {
	out := view.PreviewListed{Environment: p.Environment, PullRequest: p.Lease.PullRequest, Repository: p.Lease.Repository, RepositoryID: p.Lease.RepositoryID,
		Branch: p.Lease.Branch, Expired: p.Expired(now), Resources: len(p.Resources), Counts: p.Counts(), Tagged: p.Tagged}
	if len(p.URLs) > 0 {
		out.URL = p.URLs[0]
	}
	if !p.Lease.Made.IsZero() {
		out.Created = &p.Lease.Made
	}
	if !p.Lease.Expires.IsZero() {
		out.Expires = &p.Lease.Expires
	}
	return out
}

// projectOf is the project of this folder, or one of that name where there is no
// manifest that can be read.
func (a *app) projectOf(name string) (*project, error) {
	p, err := a.openProject(a.Dir, "")
	switch {
	case err != nil && name == "":
		return nil, withHint(err, "or say which project it is: --project NAME")
	case err != nil:
		p = &project{dir: a.Dir}
		p.desired.Project = name
	case name != "" && name != p.desired.Project:
		return nil, refused(fmt.Sprintf("--project says %s, and the manifest here %s", name, p.desired.Project), "leave --project out")
	}
	return p, nil
}

// runOptions are those of a state that a preview's command opens.
func (a *app) runOptions(project, environment, command string) state.Options {
	return state.Options{Project: project, Environment: environment, Command: "cfboot " + command, Now: a.Now, Stop: a.stopping.Done()}
}

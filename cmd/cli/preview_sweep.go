package cli

import (
	"errors"
	"fmt"

	"github.com/cfboot/cfboot/cmd/github"
	"github.com/cfboot/cfboot/cmd/view"
	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/kinds"
	"github.com/cfboot/cfboot/provision/preview"
	"github.com/spf13/cobra"
)

func (a *app) newPreviewSweep() *cobra.Command {
	var t target
	var o owner
	var name string
	cmd := &cobra.Command{
		Use:   "sweep",
		Short: "Remove previews that are over or whose pull request is closed",
		Long: "Looks at this project's previews of one repository, by its number: the workflow's\n" +
			"(GITHUB_REPOSITORY_ID), that of --repository-id, or those that no repository made.\n" +
			"A preview goes when its lease has run out, or its pull request is closed, which is\n" +
			"asked where there is a GITHUB_TOKEN; what cannot be found out keeps it. Without\n" +
			"--yes nothing is deleted. Everything is decided first, and each preview looked at\n" +
			"again before it goes; one that fails stops no other, and ends with 4.",
		Example: "  cfboot preview sweep\n  cfboot preview sweep --yes",
		Args:    exactly(),
		RunE:    a.answering(func(cmd *cobra.Command, args []string) error { return a.runSweep(t, o, name) }),
	}
	cmd.Flags().StringVar(&name, "project", "", "the project's `NAME`, where there is no manifest")
	o.add(cmd)
	t.addAccount(cmd)
	t.addYes(cmd)
	return cmd
}

// sweeping is one sweep.
type sweeping struct {
	*app
	client  *kinds.Client
	project *project
	target  target
	scope   preview.Scope
	doc     *view.Sweep
}

func (a *app) runSweep(t target, o owner, name string) (err error) {
	l, err := a.lookAtPreviews(t, o, name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	client, p, id := l.client, l.project, l.repositoryID
	pull, err := a.pulls(id)
	if err != nil {
		return err
	}
	all, tagged, err := l.seen()
	switch {
	case err != nil:
		return err
	case !tagged:
		return refused("the token may not read resource tags, by which previews are found, so nothing is known of them", "give it the permission to read tags; then: cfboot doctor")
	}
	s := &sweeping{app: a, client: client, project: p, target: t, scope: preview.Scope{Project: p.desired.Project, RepositoryID: id, Now: client.Now(), Pull: pull},
		doc: &view.Sweep{DryRun: !t.yes, Remove: []view.Decided{}, Keep: []view.Decided{}, Removed: []view.Decided{}, Leftovers: []string{}}}
	a.doc.Sweep = s.doc
	var doomed []preview.Doomed
	for _, d := range preview.Decide(all, s.scope) {
		one := view.Decided{Environment: d.Preview.Environment, Why: d.Why}
		if d.Doomed == nil {
			s.doc.Keep = append(s.doc.Keep, one)
			continue
		}
		s.doc.Remove = append(s.doc.Remove, one)
		doomed = append(doomed, *d.Doomed)
	}
	a.view().Decisions(*s.doc)
	if s.doc.DryRun {
		if len(doomed) > 0 {
			a.view().Print("Nothing was deleted. To do it: %s", a.again("preview sweep --yes", provision.Production))
		}
		return nil
	}
	err = s.remove(doomed)
	a.doc.Plan, a.doc.Result = nil, nil // of the last one only
	return err
}

// pulls is how to ask what a pull request is doing; nil where nobody can be asked.
func (a *app) pulls(id string) (func(int) preview.Pull, error) {
	if token, ok := a.getenv("GITHUB_TOKEN"); !ok || id == "" {
		if ok && token != "" {
			a.view().Notice("note: GITHUB_TOKEN is set, but not which repository it is about (--repository-id), so only the time counts")
		}
		return nil, nil
	}
	client, err := github.FromEnvironment(func(name string) string {
		if name == "GITHUB_REPOSITORY_ID" { // what answers for another one is not believed
			return id
		}
		return a.Getenv(name)
	})
	if err != nil {
		return nil, err
	}
	return func(n int) preview.Pull {
		state, _, err := client.PullRequest(a.ctx, n)
		if err != nil {
			a.view().Notice("warning: %v", err)
		}
		switch state {
		case github.Open:
			return preview.Open
		case github.Closed:
			return preview.Closed
		}
		return preview.Unknown
	}, nil
}

// errReopened says that a preview may stay after all.
type errReopened struct{ why string }

func (e errReopened) Error() string { return e.why }

// remove takes the doomed down, one after another, whatever becomes of each.
func (s *sweeping) remove(doomed []preview.Doomed) error {
	var errs []error
	for _, d := range doomed {
		if s.stopping.Err() != nil {
			return errors.Join(append(errs, &provision.Problem{Text: "stopped before all of them were removed", Class: provision.Interrupted, Hints: []string{"run the same command again for the rest"}})...)
		}
		env := d.Environment()
		left, err := s.one(d)
		var reopened errReopened
		switch {
		case errors.As(err, &reopened):
			s.view().Print("%s stays: %s", env, reopened.why)
			s.doc.Keep = append(s.doc.Keep, view.Decided{Environment: env, Why: reopened.why})
		case err != nil:
			s.doc.Leftovers = append(s.doc.Leftovers, fmt.Sprintf("%s: %s", env, view.Line(err.Error())))
			errs = append(errs, fmt.Errorf("%s: %w", env, err))
		case len(left) > 0:
			for _, l := range left {
				s.doc.Leftovers = append(s.doc.Leftovers, env+": "+l)
			}
			errs = append(errs, leftOver(env, left))
		default:
			s.doc.Removed = append(s.doc.Removed, view.Decided{Environment: env, Why: "removed"})
			s.view().Print("Removed %s.", env)
		}
	}
	if errs != nil {
		return &provision.Problem{Text: fmt.Sprintf("%d of %s could not be removed whole", len(errs), view.Count(len(doomed), "preview")), Err: errors.Join(errs...), Class: provision.Partial,
			Hints: []string{"see to what keeps them, and run the same command again"}}
	}
	return nil
}

// one takes one preview down. When nobody else can work on it any more, it is looked
// at once more whether it may still go.
func (s *sweeping) one(d preview.Doomed) ([]string, error) {
	t := s.target
	t.environment = d.Environment()
	take := taking{app: s.app, client: s.client.For(t.environment), project: s.project, target: t, repositoryID: s.scope.RepositoryID,
		sure: func() error { return s.again(d) }}
	_, left, err := take.down()
	return left, err
}

// again decides once more on one preview, by what its tags, its state and its pull
// request say now.
func (s *sweeping) again(d preview.Doomed) error {
	tagged, allowed, err := s.client.Tagged(s.ctx, s.scope.Project, d.Environment())
	if err != nil {
		return err
	}
	if !allowed {
		return errors.New("its tags cannot be read any more")
	}
	now := preview.Group(tagged)
	place, err := s.place(s.Dir, d.Environment())
	if err != nil {
		return err
	}
	if st, exists, err := place.Read(); err == nil && exists {
		now = preview.Add(now, st)
	}
	scope := s.scope
	scope.Now = s.client.Now()
	for _, again := range preview.Decide(now, scope) {
		if again.Doomed == nil {
			return errReopened{again.Why}
		}
	}
	return nil
}

package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/cfboot/cfboot/cmd/view"
	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/manifest"
	"github.com/cfboot/cfboot/provision/state"
	"github.com/spf13/cobra"
)

func (a *app) newStateMigrate() *cobra.Command {
	var t target
	var to string
	cmd := &cobra.Command{
		Use:   "migrate --to r2://BUCKET/PREFIX|local",
		Short: "Move the states of all environments to another place",
		Long: "Moves them with lineage and serial, from the files here to an R2 bucket, back, or\n" +
			"to another bucket, and then says so in cfboot.jsonc. Where a state was, something\n" +
			"stays that says where it went, so that a run from an old checkout is refused and\n" +
			"does not begin anew. Cut off anywhere, the same command goes on. With --env only\n" +
			"that environment is moved, and cfboot.jsonc stays as it is.",
		Example: "  cfboot state migrate --to r2://cfboot-state\n  cfboot state migrate --to local --yes",
		Args:    exactly(),
		RunE:    a.answering(func(cmd *cobra.Command, args []string) error { return a.stateMigrate(t, to) }),
	}
	cmd.Flags().StringVar(&to, "to", "", "where to: `r2://BUCKET/PREFIX`, or local")
	t.addEnvironment(cmd)
	t.addAccount(cmd)
	t.addYes(cmd)
	return cmd
}

// localStates lists the environments whose state is a file here, and no copy.
func (a *app) localStates() ([]string, error) {
	path := a.statePath(a.Dir, "")
	names, err := state.File(path).Environments()
	if err != nil {
		return nil, err
	}
	var out []string
	for _, name := range names {
		_, _, copied, err := state.Origin(a.statePath(a.Dir, name))
		if err != nil {
			return nil, err
		}
		if !copied {
			out = append(out, name)
		}
	}
	return out, nil
}

// moving is the states that are to be moved, and from where.
type moving struct {
	from, to whereabouts
	names    []string
}

func (a *app) stateMigrate(t target, to string) error {
	a.sayOffline()
	if to == "" {
		return refused("where to?", "cfboot state migrate --to "+usualBucket, "or back: cfboot state migrate --to local")
	}
	m, err := a.movingTo(to)
	if err != nil {
		return err
	}
	if t.environment != "" {
		m.names = slices.DeleteFunc(m.names, func(n string) bool { return n != t.env() })
	}
	a.doc.Project = m.from.project
	path := filepath.Join(a.Dir, manifestFile)
	src, err := os.ReadFile(path)
	missing := errors.Is(err, fs.ErrNotExist)
	if err == nil {
		_, err = withStateSet(src, m.to.bucket)
	}
	if err != nil && !missing {
		return err
	}
	if err := a.moveAll(t, m); err != nil || missing || t.environment != "" {
		return err
	}
	if _, now, err := manifest.Whereabouts(manifestFile, src); err == nil && now == m.to.bucket {
		return nil
	}
	return a.writeState(path, src, m.to.bucket)
}

// moveAll shows what is to be moved, asks, and moves it.
func (a *app) moveAll(t target, m moving) error {
	if len(m.names) == 0 {
		a.view().Print("There is no state to move.")
		return nil
	}
	a.view().Print("To be moved from %s to %s:", m.from.shown(), m.to.shown())
	for _, name := range m.names {
		a.view().Print("  %s (%s)", m.from.project, name)
	}
	if err := a.ask(t, "Move them?"); err != nil {
		return err
	}
	for _, name := range m.names {
		if err := a.moveOne(m, name); err != nil {
			return err
		}
	}
	return nil
}

func (w whereabouts) shown() string {
	if w.bucket.Name == "" {
		return "files in " + ownDir
	}
	return w.bucket.String()
}

// movingTo finds out where the states are. Where the manifest was changed by hand
// first, they are still in the files.
func (a *app) movingTo(to string) (m moving, err error) {
	if m.from, err = a.whereabouts(a.Dir, ""); err != nil {
		return m, err
	}
	m.to = m.from
	if m.to.bucket, err = manifest.ParseBucket(to); err != nil {
		_, err = bucketAt(to)
		return m, err
	}
	if m.to.bucket == m.from.bucket {
		m.from.bucket = manifest.Bucket{}
	}
	if m.from.project == "" {
		return m, &provision.Problem{At: filepath.Join(a.Dir, manifestFile), Text: "there is no manifest here that says which project it is", Hints: []string{"change into the project's folder"}}
	}
	if m.from.bucket.Name == "" {
		m.names, err = state.File(a.statePath(a.Dir, "")).Environments()
		return m, err
	}
	if err := a.usable(m.from); err != nil {
		return m, err
	}
	place, err := a.bucketPlace(a.Dir, "", m.from)
	if err != nil {
		return m, err
	}
	m.names, err = place.Environments()
	return m, err
}

// placeIn is where an environment's state is, or shall be.
func (a *app) placeIn(w whereabouts, environment string) (state.Place, error) {
	if w.bucket.Name == "" {
		return state.File(a.statePath(a.Dir, environment)), nil
	}
	return a.bucketPlace(a.Dir, environment, w)
}

func (a *app) moveOne(m moving, environment string) error {
	from, err := a.placeIn(m.from, environment)
	if err != nil {
		return err
	}
	to, err := a.placeIn(m.to, environment)
	if err != nil {
		return err
	}
	if !isCopy(from) && !isCopy(to) {
		return nil // it is in a file, and stays there
	}
	done, exists, err := state.Migrate(from, to, state.Options{Project: m.from.project, Environment: environment, Command: "cfboot state migrate", Now: a.Now, Stop: a.stopping.Done()})
	if err != nil {
		return err
	}
	one := view.StateMoved{Environment: environment, From: a.shown(from.String()), To: a.shown(to.String()), Serial: done.State.Serial, Lineage: done.State.Lineage, Already: done.Already}
	switch {
	case !exists:
		return nil
	case done.Already:
		a.view().Print("%s is there already.", environment)
	default:
		a.view().Print("Moved %s to %s: serial %d, %s.", environment, one.To, one.Serial, view.Count(len(done.State.Entries), "resource"))
	}
	a.doc.StateMoved = append(a.doc.StateMoved, one)
	return nil
}

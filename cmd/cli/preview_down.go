package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/cfboot/cfboot/cmd/view"
	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/kinds"
	"github.com/cfboot/cfboot/provision/preview"
	"github.com/cfboot/cfboot/provision/state"
	"github.com/cfboot/cfboot/wrangler"
	"github.com/spf13/cobra"
)

func (a *app) newPreviewDown() *cobra.Command {
	var t target
	var o owner
	var name, project string
	cmd := &cobra.Command{
		Use:   "down",
		Short: "Take a preview down, with all that it holds",
		Long: "Deletes everything that was made for the preview, and the data in it, which nobody\n" +
			"is asked about and which is not saved. It works from the state, and where that is\n" +
			"lost from the tags that the resources carry. What is not provably the preview's\n" +
			"stays. Twice is as good as once; what cannot be deleted is listed, and ends with 4.",
		Example: "  cfboot preview down --name pr-7 --yes",
		Args:    exactly(),
		RunE: a.answering(func(cmd *cobra.Command, args []string) error {
			return a.runPreviewDown(t, o, name, project)
		}),
	}
	cmd.Flags().StringVar(&name, "name", "", "the preview: `pr-N`, a name, or a branch")
	cmd.Flags().StringVar(&project, "project", "", "the project's `NAME`, where there is no manifest")
	o.add(cmd)
	t.addAccount(cmd)
	t.addYes(cmd)
	return cmd
}

func (a *app) runPreviewDown(t target, o owner, name, projectName string) (err error) {
	id, err := a.repository(o)
	if err != nil {
		return err
	}
	p, err := a.projectOf(projectName)
	if err != nil {
		return err
	}
	if t.environment, err = previewEnvironment(name, p, preview.Existing); err != nil {
		return err
	}
	if err := a.rehearsable(t.environment); err != nil {
		return err
	}
	a.doc.Project, a.doc.Environment = p.desired.Project, t.environment
	client, closer, err := a.connect(a.Dir, t, p.desired.Project, t.environment, p.desired.Domain, pinned{manifest: p.desired.Account})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closer()) }()
	began := a.Now()
	d := taking{app: a, client: client, project: p, target: t, repositoryID: id}
	found, left, err := d.down()
	doc := &view.Preview{Environment: t.environment, Removed: err == nil && len(left) == 0, Leftovers: left}
	a.doc.Preview = doc
	switch {
	case err != nil:
		return err
	case len(left) > 0:
		return leftOver(t.environment, left)
	case !found:
		a.view().Print("Nothing to take down: there is nothing of %s (%s).", p.desired.Project, t.environment)
	default:
		a.view().Print("Took down %s in %s, %s.", t.environment, view.Took(a.Now().Sub(began)), view.Calls(client.Calls(), " in all"))
	}
	return nil
}

func leftOver(environment string, left []string) error {
	return &provision.Problem{Text: fmt.Sprintf("%s of %s left:\n  %s", are(len(left), "resource"), environment, strings.Join(left, "\n  ")), Class: provision.Partial,
		Hints: []string{"see to what keeps them, and run the same command again"}}
}

func are(n int, thing string) string {
	if n == 1 {
		return "1 " + thing + " is"
	}
	return fmt.Sprintf("%d %ss are", n, thing)
}

// taking is the end of one preview.
type taking struct {
	*app
	client       *kinds.Client
	project      *project
	target       target
	repositoryID string       // "": whoever's it is
	sure         func() error // asked when the state is locked, before anything is deleted; may be nil
}

// rounds is how often a preview is looked for again: each time another lost state
// may come to light.
const rounds = 5

// down deletes what there is of the preview, from whatever state the world is in,
// and lists what is left and why. found is false where there was nothing.
func (d *taking) down() (found bool, left []string, err error) {
	place, err := d.place(d.Dir, d.target.environment)
	if err != nil {
		return false, nil, err
	}
	st, exists, err := place.Read()
	var unusable *provision.Problem
	if err != nil && !(errors.As(err, &unusable) && unusable.Class == provision.Unusable) {
		return false, nil, err
	}
	known := err == nil && exists && !st.Empty()
	if known {
		if err := d.ours(st); err != nil {
			return true, nil, err
		}
	}
	var unproven []string
	for round := range rounds {
		if !known {
			var recovered bool
			recovered, unproven, err = d.restore(place, round == 0 || len(unproven) > 0)
			if err != nil || !recovered {
				break
			}
		}
		found, known = true, false
		if left, err = d.destroy(place); err != nil || len(left) > 0 {
			break
		}
	}
	left = append(left, unproven...)
	if err == nil && len(left) == 0 {
		err = d.clear(place, exists || found || unusable != nil)
	}
	return found, left, err
}

// ours refuses a state that is no preview's, or another's.
func (d *taking) ours(st provision.State) error {
	switch {
	case st.Project != d.project.desired.Project:
		return refused(fmt.Sprintf("the state of %s is that of the project %s", d.target.environment, st.Project))
	case st.Preview == nil || st.Environment == provision.Production:
		return refused(fmt.Sprintf("%s was not made as a preview, so it is not taken down as one", d.target.environment), "if all of it is to go: "+d.again("destroy", d.target.environment))
	case st.Account != "" && st.Account != d.client.Account:
		return refused(fmt.Sprintf("the resources of %s live in the account %s, and the token reaches %s", d.target.environment, st.Account, d.client.Account), "use the token and account that the project belongs to")
	}
	return d.lessor(st.Preview.Lease)
}

// lessor refuses a preview of another repository.
func (d *taking) lessor(l provision.Lease) error {
	if d.repositoryID == "" || l.RepositoryID == "" || d.repositoryID == l.RepositoryID {
		return nil
	}
	return refused(fmt.Sprintf("%s of %s is the preview of another repository: %s (%s), not of %s", d.target.environment, d.project.desired.Project, orUnnamed(l.Repository), l.RepositoryID, d.repositoryID),
		"give one of the two projects another \"name\" in "+manifestFile)
}

func orUnnamed(s string) string {
	if s == "" {
		return "unnamed"
	}
	return s
}

// destroy deletes what the state knows, without a question about data: it is a
// preview's. It lists what is left in the state and why.
func (d *taking) destroy(place state.Place) (left []string, err error) {
	store, err := d.openState(place, d.project.desired.Project, d.target.environment, "preview down")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if err := d.ours(store.State()); err != nil {
		return nil, err
	}
	if d.sure != nil {
		if err := d.sure(); err != nil {
			return nil, err
		}
	}
	t := d.target
	t.noBackup = true
	plan, err := d.observe(d.client, nil, t, store.State(), true)
	if err != nil {
		return nil, err
	}
	plan, why := unguarded(plan)
	d.describe(plan)
	d.view().Plan(plan)
	if err := d.unshared(store.State()); err != nil {
		return nil, err
	}
	if err := d.spared(plan); err != nil {
		return nil, err
	}
	if !plan.Empty() {
		if err := d.ask(t, fmt.Sprintf("Take %s down, with all that it holds?", t.environment)); err != nil {
			return nil, err
		}
	}
	t.allow = expendable(plan)
	left = unseen(plan, store.State())
	err = d.carryOut(d.client, store, plan, t)
	left = append(left, d.remaining(store.State(), why)...)
	if err == nil || len(left) == 0 {
		return left, err
	}
	// What failed is listed with why. What stops the run is its error all the same.
	var p *provision.Problem
	if errors.As(err, &p) && (p.Class == provision.Failed || p.Class == provision.Partial || p.Class == provision.Refused) {
		return left, nil
	}
	return left, err
}

// unseen lists where nobody can tell whether something is left that should have gone
// with what the plan deletes. A preview that was never deployed has nothing of that.
func unseen(plan provision.Plan, st provision.State) (left []string) {
	for _, s := range plan.Steps {
		if s.Unseen != "" && st.Preview.Deployed != "" {
			left = append(left, view.Line(fmt.Sprintf("%s %s: %s", s.Key, s.Name, s.Unseen)))
		}
	}
	return left
}

// expendable are the consents that a preview needs no person for. What was there
// before it was taken over is not a preview's own.
func expendable(p provision.Plan) (out []string) {
	for _, c := range p.Consents() {
		if c != provision.DeleteAdopted {
			out = append(out, c)
		}
	}
	return out
}

// unguarded takes out of a plan what somebody has protected and what that stands on,
// and says why.
func unguarded(p provision.Plan) (provision.Plan, map[provision.Key]string) {
	why := map[provision.Key]string{}
	for _, s := range p.Steps {
		if s.Protected && s.Removes() {
			why[s.Key] = "it is protected: " + p.Command("state unprotect "+s.Key.String())
		}
	}
	for again := true; again; {
		again = false
		for _, s := range p.Steps {
			if why[s.Key] == "" {
				continue
			}
			for _, on := range s.PriorRefs {
				if why[on] == "" {
					why[on], again = "it is needed by "+s.Key.String(), true
				}
			}
		}
	}
	var steps []provision.Step
	for _, s := range p.Steps {
		if why[s.Key] == "" {
			steps = append(steps, s)
		}
	}
	p.Steps = steps
	return p, why
}

// remaining lists what the state still knows, and why it is still there.
func (d *taking) remaining(st provision.State, why map[provision.Key]string) (left []string) {
	failed := map[string]string{}
	if d.doc.Result != nil {
		for _, s := range d.doc.Result.Steps {
			if s.Error != "" {
				failed[s.Key] = strings.TrimPrefix(s.Error, s.Key+": ")
			}
		}
	}
	say := func(k provision.Key, name string) {
		reason := why[k]
		switch {
		case failed[k.String()] != "":
			reason = failed[k.String()]
		case reason == "":
			reason = "not begun"
		}
		left = append(left, view.Line(fmt.Sprintf("%s %s: %s", k, name, strings.ReplaceAll(reason, "\n", "; "))))
	}
	for _, e := range provision.Sorted(st.Entries) {
		say(e.Key, e.Name)
	}
	for k, i := range st.Intents {
		say(k, i.Name)
	}
	return left
}

// clear takes away what is left of a preview on this machine and where its state
// is kept.
func (d *taking) clear(place state.Place, stated bool) error {
	config := filepath.Join(d.Dir, wrangler.ConfigFile(d.target.environment))
	if d.rehearsable(d.target.environment) == nil {
		if err := os.Remove(config); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if !stated {
		return nil
	}
	return place.Remove(d.runOptions(d.project.desired.Project, d.target.environment, "preview down"))
}

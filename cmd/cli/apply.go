package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/kinds"
	"github.com/cfboot/cfboot/provision/state"
	"github.com/spf13/cobra"
)

func (a *app) newApply() *cobra.Command {
	var t target
	var refresh bool
	cmd := &cobra.Command{
		Use:   "apply [PLANFILE]",
		Short: "Make Cloudflare as the manifest wants it, and fill the IDs into wrangler.jsonc",
		Long: "Plans, asks, and carries the plan out, as many steps at once as do not wait for\n" +
			"each other. Every step is recorded when it is done; a run that was cut off is\n" +
			"finished by the same command. A saved plan is applied as it is, or refused if\n" +
			"the manifest or the state has changed since. With --refresh-only nothing is sent\n" +
			"to Cloudflare: what somebody else has changed is recorded as it is now.\n\n" + guards + "\n\n" +
			"A plan that deletes or replaces more than five resources, or more than half of\n" +
			"those that are owned, takes the number typed or --confirm-delete N.",
		Example: "  cfboot apply\n  cfboot apply --env staging --yes\n  cfboot apply plan.json --yes\n  cfboot apply --refresh-only\n  cfboot apply --yes --allow delete-data=shop-db",
		Args:    cobra.MaximumNArgs(1),
		RunE: a.answering(func(cmd *cobra.Command, args []string) error {
			if err := t.check(); err != nil {
				return err
			}
			if len(args) == 1 {
				return a.applySaved(t, refresh, args[0])
			}
			if refresh {
				return a.applyRefresh(t)
			}
			return a.applyProject(a.Dir, t)
		}),
	}
	t.addEnvironment(cmd)
	t.addAccount(cmd)
	t.addYes(cmd)
	t.addAllow(cmd)
	a.addLocalState(cmd)
	cmd.Flags().BoolVar(&refresh, "refresh-only", false, "only record what is at Cloudflare now")
	t.addConfirm(cmd)
	return cmd
}

// guards is what the help of apply and destroy says of data.
const guards = "A store that holds data is deleted or replaced only where its real name is typed,\n" +
	"or given: --allow delete-data=NAME. A D1 database is saved to .cfboot/backup\n" +
	"before, unless --no-backup; where that fails it stays. What is protected is neither\n" +
	"deleted nor replaced."

// applyProject plans and applies a project's manifest.
func (a *app) applyProject(dir string, t target) error {
	p, err := a.openProject(dir, t.environment)
	if err != nil {
		return err
	}
	return a.withState(dir, p, t, "apply", func(client *kinds.Client, store *state.Store) error {
		plan, err := a.observe(client, p, t, t.owning(store.State()), false)
		if err != nil {
			return err
		}
		return a.applyPlan(client, store, p, plan, t)
	})
}

// withState opens state and connection for one change of a project.
func (a *app) withState(dir string, p *project, t target, command string, do func(*kinds.Client, *state.Store) error) error {
	place, err := a.place(dir, t.env())
	if err == nil {
		err = a.durable(place)
	}
	if err != nil {
		return err
	}
	return a.withPlace(place, dir, p, t, command, do)
}

// withPlace is withState where it is no matter how long the state will last.
func (a *app) withPlace(place state.Place, dir string, p *project, t target, command string, do func(*kinds.Client, *state.Store) error) (err error) {
	store, err := a.openState(place, p.desired.Project, t.env(), command)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	client, closer, err := a.connect(dir, t, p.desired.Project, t.env(), p.desired.Domain,
		pinned{manifest: p.desired.Account, state: store.State().Account})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closer()) }()
	return do(client, store)
}

// applyPlan shows a plan, asks, carries it out and renders.
func (a *app) applyPlan(client *kinds.Client, store *state.Store, p *project, plan provision.Plan, t target) error {
	a.view().Plan(plan)
	if err := a.unshared(store.State()); err != nil {
		return err
	}
	if !t.yes {
		a.view().Choices(plan)
	}
	before := released(store.State(), plan)
	if err := a.renderable(p.dir, t.environment); err != nil {
		return err
	}
	if err := a.consent(&t, plan, "Do this?"); err != nil {
		return err
	}
	began := a.Now()
	if err := a.carryOut(client, store, plan, t); err != nil {
		return err
	}
	if err := a.render(p.dir, t.environment, before, store.State()); err != nil {
		return err
	}
	a.sum(client, plan, a.Now().Sub(began))
	a.leave(plan, store.State())
	return nil
}

// leave says what is left for a person to do for what was made.
func (a *app) leave(plan provision.Plan, st provision.State) {
	for _, s := range plan.Steps {
		chore := kinds.ByHand(st.Entries[s.Key])
		made := s.Action == provision.Create || s.Action == provision.Replace || s.Action == provision.Adopt
		if !made || chore.Command == "" {
			continue
		}
		if plan.Environment != provision.Production {
			chore.Command += " --env " + plan.Environment
		}
		a.doc.Next = append(a.doc.Next, chore.Command)
		a.view().Print("%s: %s:\n  %s", s.Key, chore.Text, chore.Command)
	}
}

// released is the state without what the plan releases: that stays where it is,
// and so does what wrangler.jsonc says of it.
func released(st provision.State, plan provision.Plan) provision.State {
	for _, s := range plan.Steps {
		if s.Action == provision.Release {
			delete(st.Entries, s.Key)
		}
	}
	return st
}

// applySaved carries out just what a plan file says.
func (a *app) applySaved(t target, refresh bool, file string) error {
	plan, err := readPlan(a.path(file))
	if err != nil {
		return err
	}
	if t.environment != "" && t.env() != plan.Environment {
		return refused(fmt.Sprintf("%s: the plan is for the environment %s, not %s", file, plan.Environment, t.env()))
	}
	if plan.Environment != provision.Production {
		t.environment = plan.Environment
	}
	if plan.Offline != a.offline {
		where := map[bool]string{true: "the offline rehearsal", false: "Cloudflare"}
		return refused(fmt.Sprintf("%s: the plan was made for %s and would be applied to %s", file, where[plan.Offline], where[a.offline]))
	}
	if refresh && !plan.Refresh {
		return refused(file+": the plan does more than to record what is there", "see it: "+plan.Command("plan"), "carry it out as it is: "+plan.Command("apply "+file))
	}
	p, err := a.openProject(a.Dir, t.environment)
	if err != nil {
		return err
	}
	if plan.Manifest != p.manifest.Hash || plan.Project != p.desired.Project {
		return refused(fmt.Sprintf("%s: the plan is stale: %s has changed since", file, manifestFile), "make it again: "+planAgain(plan, file))
	}
	return a.withState(a.Dir, p, t, "apply", func(client *kinds.Client, store *state.Store) error {
		if err := plan.Fresh(store.State()); err != nil {
			return err
		}
		if plan.Account != client.Account {
			return refused(fmt.Sprintf("%s: the plan is for the account %s, and the token reaches %s", file, plan.Account, client.Account))
		}
		st := store.State()
		if plan, err = provision.Recount(a.ctx, client, kinds.Traits(), st, plan); err != nil {
			return err
		}
		if t.noBackup {
			plan = plan.WithoutBackup(kinds.Traits())
		}
		a.describe(plan)
		if plan.Refresh {
			return a.acceptPlan(client, store, p, plan, t)
		}
		return a.applyPlan(client, store, p, plan, t)
	})
}

func readPlan(path string) (plan provision.Plan, err error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return plan, &provision.Problem{At: filepath.Base(path), Err: err, Hints: []string{"make one: cfboot plan --out FILE"}}
	}
	if err := json.Unmarshal(b, &plan); err != nil {
		return plan, &provision.Problem{At: filepath.Base(path), Text: "not a plan", Err: err, Class: provision.Refused, Hints: []string{"make one: cfboot plan --out FILE"}}
	}
	if err := plan.Check(); err != nil {
		return plan, fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	return plan, nil
}

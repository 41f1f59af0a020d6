package cli

import (
	"errors"
	"fmt"

	"github.com/cfboot/cfboot/provision"
	"github.com/spf13/cobra"
)

func (a *app) newDestroy() *cobra.Command {
	var t target
	cmd := &cobra.Command{
		Use:   "destroy",
		Short: "Remove just what cfboot made",
		Long: "Removes what the state says is ours, dependents first. It needs the state and\n" +
			"nothing else: manifest and templates may be gone. What was adopted is released,\n" +
			"not deleted, unless --allow delete-adopted is given. With a Worker go its Workflows,\n" +
			"which wrangler deploy has made. Twice is as good as once.\n\n" + guards + "\n\n" +
			"That all is to go is what its name says, so no number is asked for, as apply does.\n" +
			"In CI production has to be named: --env production.",
		Example: "  cfboot destroy\n  cfboot destroy --env staging --yes --allow delete-data=shop-staging-db",
		Args:    cobra.NoArgs,
		RunE:    a.answering(func(cmd *cobra.Command, args []string) error { return a.runDestroy(t) }),
	}
	t.addEnvironment(cmd)
	t.addAccount(cmd)
	t.addYes(cmd)
	t.addAllow(cmd)
	a.addLocalState(cmd)
	return cmd
}

func (a *app) runDestroy(t target) (err error) {
	if err := t.check(); err != nil {
		return err
	}
	if a.inCI() && t.environment == "" {
		return refused("in CI production is destroyed only where it is named", "if that is meant: cfboot destroy --env "+provision.Production)
	}
	place, err := a.place(a.Dir, t.env())
	if err == nil {
		err = a.durable(place)
	}
	if err != nil {
		return err
	}
	st, exists, err := place.Read()
	if err != nil {
		return err
	}
	if !exists {
		return &provision.Problem{At: place.String(), Text: "there is no state here, so nothing is known to be ours", Class: provision.Unusable,
			Hints: []string{"change into the project's folder", "if the state was elsewhere, bring the file back first, or say in " + manifestFile + ` where it is: "state": "r2://BUCKET/PREFIX"`}}
	}
	if st.Empty() {
		a.sayOffline()
		a.describe(provision.Plan{Version: provision.PlanVersion, Project: st.Project, Environment: st.Environment, Account: st.Account, Destroy: true,
			Offline: a.offline, Lineage: st.Lineage, Serial: st.Serial, Steps: []provision.Step{}})
		a.view().Print("Nothing to destroy: no resource is owned.")
		return nil
	}
	store, err := a.openState(place, st.Project, t.env(), "destroy")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	client, closer, err := a.connect(a.Dir, t, st.Project, t.env(), "", pinned{state: store.State().Account})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closer()) }()
	plan, err := a.observe(client, nil, t, t.owning(store.State()), true)
	if err != nil {
		return err
	}
	a.view().Plan(plan)
	if err := a.unshared(store.State()); err != nil {
		return err
	}
	if err := a.consent(&t, plan, fmt.Sprintf("Destroy these for good, in %s (%s)?", st.Project, t.env())); err != nil {
		return err
	}
	began := a.Now()
	if err := a.carryOut(client, store, plan, t); err != nil {
		return err
	}
	a.sum(client, plan, a.Now().Sub(began))
	return nil
}

package cli

import (
	"slices"

	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/kinds"
	"github.com/cfboot/cfboot/provision/state"
)

// observeDrift makes the plan that records what somebody else has changed, and
// puts it into the answer.
func (a *app) observeDrift(client *kinds.Client, p *project, st provision.State) (provision.Plan, error) {
	st.Account = client.Account
	if st.Lineage == "" {
		if err := a.neverSeen(a.ctx, client, st); err != nil {
			return provision.Plan{}, err
		}
	}
	plan, err := provision.NewRefresh(a.ctx, client, kinds.Traits(), p.desired.Resources, st)
	if err != nil {
		return plan, err
	}
	return a.made(plan, p), nil
}

// applyRefresh records what is at Cloudflare now.
func (a *app) applyRefresh(t target) error {
	p, err := a.openProject(a.Dir, t.environment)
	if err != nil {
		return err
	}
	return a.withState(a.Dir, p, t, "apply --refresh-only", func(client *kinds.Client, store *state.Store) error {
		plan, err := a.observeDrift(client, p, store.State())
		if err != nil {
			return err
		}
		return a.acceptPlan(client, store, p, plan, t)
	})
}

// acceptPlan shows what drifted, asks, records it and renders.
func (a *app) acceptPlan(client *kinds.Client, store *state.Store, p *project, plan provision.Plan, t target) error {
	a.view().Plan(plan)
	if err := a.consent(&t, plan, "Record this as it is now?"); err != nil {
		return err
	}
	if plan.Empty() {
		return nil
	}
	if err := a.renderable(p.dir, t.environment); err != nil {
		return err
	}
	before := forgotten(store.State(), plan, p.desired.Resources)
	if err := a.carryOut(client, store, plan, t); err != nil {
		return err
	}
	if err := a.render(p.dir, t.environment, before, store.State()); err != nil {
		return err
	}
	n := 0
	for _, c := range plan.Changes() {
		n += c
	}
	a.view().Print("Recorded %s; nothing was changed at Cloudflare.", counted(n, "resource"))
	a.afterRefresh(plan, p.desired.Resources)
	return nil
}

// forgotten is the state without what is forgotten and still wanted: its place in
// wrangler.jsonc stays for the one that an apply makes or an adopt takes over.
func forgotten(st provision.State, plan provision.Plan, desired []provision.Resource) provision.State {
	for _, s := range plan.Steps {
		if s.Gone && wants(desired, s.Key) {
			delete(st.Entries, s.Key)
		}
	}
	return st
}

func wants(desired []provision.Resource, k provision.Key) bool {
	return slices.ContainsFunc(desired, func(r provision.Resource) bool { return r.Key == k })
}

// afterRefresh names the commands to type next: what was made again under a name
// that the manifest wants is not ours before it is adopted.
func (a *app) afterRefresh(plan provision.Plan, desired []provision.Resource) {
	for _, d := range plan.Drift {
		forgets := func(s provision.Step) bool { return s.Key == d.Key && s.Gone }
		if d.What == provision.Recreated && wants(desired, d.Key) && slices.ContainsFunc(plan.Steps, forgets) {
			a.doc.Next = append(a.doc.Next, plan.Command("adopt "+d.Key.String()))
		}
	}
	a.doc.Next = append(a.doc.Next, plan.Command("plan"))
	a.view().Print("\nNext:")
	for _, command := range a.doc.Next {
		a.view().Print("  %s", command)
	}
}

// planAgain is the command that makes a saved plan anew.
func planAgain(plan provision.Plan, file string) string {
	words := "plan"
	if plan.Refresh {
		words += " --refresh-only"
	}
	return plan.Command(words) + " --out " + file
}

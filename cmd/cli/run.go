package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/cfboot/cfboot/cmd/view"
	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/kinds"
	"github.com/cfboot/cfboot/provision/state"
	"github.com/google/renameio/v2/maybe"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
)

// parallel is how many steps are under way at once. The client bounds the
// requests; this only has to be more.
const parallel = 64

// settle is the wait before what was not found is looked for once more.
const settle = 2 * time.Second

// answering makes a command's run answer with the document when --json is
// given.
func (a *app) answering(run func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		a.answers = true
		return run(cmd, args)
	}
}

// openState takes the lock of an environment's state.
func (a *app) openState(place state.Place, project, environment, command string) (*state.Store, error) {
	store, err := place.Open(state.Options{
		Project: project, Environment: environment, Command: "cfboot " + command, Now: a.Now, Stop: a.stopping.Done(),
	})
	if err != nil {
		return nil, err
	}
	a.opened = place
	for _, w := range store.Warnings() {
		a.view().Notice("warning: %s", w)
	}
	return store, nil
}

// observe makes the plan and puts it into the answer.
func (a *app) observe(client *kinds.Client, p *project, t target, st provision.State, destroy bool) (provision.Plan, error) {
	var desired []provision.Resource
	if p != nil {
		desired = p.desired.Resources
	}
	st.Account = client.Account
	var plan provision.Plan
	g, ctx := errgroup.WithContext(a.ctx)
	g.Go(func() (err error) {
		plan, err = provision.NewPlan(ctx, client, kinds.Traits(), desired, st, destroy)
		return err
	})
	if st.Lineage == "" {
		g.Go(func() error { return a.neverSeen(ctx, client, st) })
	}
	if err := g.Wait(); err != nil {
		return plan, err
	}
	for _, w := range client.Unwritable(plan) {
		a.view().Notice("warning: %s", w)
	}
	if t.noBackup {
		plan = plan.WithoutBackup(kinds.Traits())
	}
	return a.made(plan, p), nil
}

// made completes a plan with what it was made from, and puts it into the answer.
func (a *app) made(plan provision.Plan, p *project) provision.Plan {
	plan.Offline = a.offline
	if p != nil {
		plan.Manifest = p.manifest.Hash
	}
	a.describe(plan)
	return plan
}

// neverSeen refuses to begin a state where resources exist that an earlier one had:
// it is lost, or elsewhere.
func (a *app) neverSeen(ctx context.Context, client *kinds.Client, st provision.State) error {
	tagged, _, err := client.Tagged(ctx, st.Project, st.Environment)
	if err != nil || len(tagged) == 0 {
		return err
	}
	place, err := a.place(a.Dir, st.Environment)
	if err != nil {
		return err
	}
	bring := "bring back the state that has them, into " + a.shown(place.String())
	if isCopy(place) {
		bring = fmt.Sprintf("if the state is in another place, say so in %s: \"state\"", manifestFile)
	}
	exist := "exist"
	if len(tagged) == 1 {
		exist = "exists"
	}
	return &provision.Problem{Text: fmt.Sprintf("there is no state here, but %s %s that carry the tags of %s (%s), like %q",
		counted(len(tagged), "resource"), exist, st.Project, st.Environment, tagged[0].Name), Class: provision.Refused,
		Hints: []string{bring,
			"or make it anew of what exists: " + a.again("state rebuild", st.Environment),
			"or give this project another name"}}
}

func (a *app) describe(plan provision.Plan) {
	a.doc.Project, a.doc.Environment, a.doc.Account = plan.Project, plan.Environment, plan.Account
	a.doc.Plan = view.Planned(plan)
}

// carryOut applies a plan that was consented to, and shows each step.
func (a *app) carryOut(client *kinds.Client, store *state.Store, plan provision.Plan, t target) error {
	if plan.Empty() {
		return nil
	}
	if err := store.SetAccount(client.Account); err != nil {
		return err
	}
	if err := store.Preflight(); err != nil {
		return err
	}
	a.stepping.Store(true)
	defer a.stepping.Store(false)
	began, before := a.Now(), store.State()
	summary := &view.ResultSummary{}
	res, err := provision.Apply(a.ctx, plan, before, kinds.Traits(), client, store, provision.Options{
		Run: store.Run(), Parallel: parallel, Allow: t.allow, Confirm: t.confirm, Vault: a.vault(filepath.Dir(a.opened.Copy())), Stop: a.stopping.Done(), Now: client.Now, Settle: settle, Lineage: store.Lineage,
		Report: func(e provision.Event) {
			one := view.OneRun{Key: e.Step.Key.String(), Name: e.Step.Name, Part: e.Part, Millis: e.Took.Milliseconds(), Backup: e.Kept}
			if e.Err != nil {
				one.Error = view.Clean(e.Err.Error())
			}
			summary.Steps = append(summary.Steps, one)
			a.view().Event(e)
		},
	})
	summary.Done, summary.Failed, summary.Skipped = res.Done, res.Failed, res.Skipped
	summary.Calls, summary.Millis = client.Calls(), a.Now().Sub(began).Milliseconds()
	a.doc.Result = summary
	if unsaved := store.Unsaved(err); unsaved != nil && a.onlyRecord(err) {
		a.rescue(unsaved)
	}
	if n := denied(store.State()) - denied(before); n > 0 {
		a.view().Notice("note: %s not be tagged as this project's, so a lost state could not be rebuilt by that: the token may lack the permission to write tags. With one that has it: %s",
			map[bool]string{true: "1 resource could", false: fmt.Sprintf("%d resources could", n)}[n == 1], a.again("state mark", before.Environment))
	}
	return err
}

// denied counts the entries whose tags Cloudflare would not take.
func denied(st provision.State) (n int) {
	for _, e := range st.Entries {
		if e.Marked == provision.MarkDenied {
			n++
		}
	}
	return n
}

// writeFile replaces a file whole: a reader sees the old or the new one.
func writeFile(path string, data []byte, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return maybe.WriteFile(path, data, mode)
}

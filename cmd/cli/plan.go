package cli

import (
	"encoding/json"
	"errors"

	"github.com/cfboot/cfboot/provision"
	"github.com/spf13/cobra"
)

func (a *app) newPlan() *cobra.Command {
	var t target
	var exitCode, refresh bool
	var out string
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Show what would change; write nothing",
		Long: "Compares the manifest, the state and what Cloudflare reports now, down to the\n" +
			"setting, and counts the API calls that an apply would take. With --refresh-only\n" +
			"only the state is compared: what is gone, changed, renamed or made again by\n" +
			"somebody else, whatever the manifest wants.",
		Example: "  cfboot plan\n  cfboot plan --refresh-only\n  cfboot plan --env staging --exit-code\n  cfboot plan --out plan.json && cfboot apply plan.json",
		Args:    cobra.NoArgs,
		RunE:    a.answering(func(cmd *cobra.Command, args []string) error { return a.runPlan(t, exitCode, refresh, out) }),
	}
	t.addEnvironment(cmd)
	t.addAccount(cmd)
	cmd.Flags().BoolVar(&exitCode, "exit-code", false, "exit with 2 when there is something to do")
	cmd.Flags().BoolVar(&refresh, "refresh-only", false, "compare only the state with what Cloudflare reports")
	cmd.Flags().StringVar(&out, "out", "", "save the plan to `FILE`, for apply")
	return cmd
}

func (a *app) runPlan(t target, exitCode, refresh bool, out string) (err error) {
	p, err := a.openProject(a.Dir, t.environment)
	if err != nil {
		return err
	}
	place, err := a.place(a.Dir, t.env())
	if err != nil {
		return err
	}
	st, exists, err := place.Read()
	if err != nil {
		return err
	}
	if err := place.Check(st, p.desired.Project, t.env(), ""); exists && err != nil {
		return err
	}
	if !exists {
		st = blankState(p.desired.Project, t.env(), "")
	}
	client, closer, err := a.connect(a.Dir, t, p.desired.Project, t.env(), p.desired.Domain, pinned{manifest: p.desired.Account, state: st.Account})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closer()) }()
	var plan provision.Plan
	if refresh {
		plan, err = a.observeDrift(client, p, st)
	} else {
		plan, err = a.observe(client, p, t, st, false)
	}
	if err != nil {
		return err
	}
	a.view().Plan(plan)
	a.view().Choices(plan)
	if out != "" {
		if err := plan.Seal(); err != nil {
			return err
		}
		b, err := json.MarshalIndent(plan, "", "  ")
		if err != nil {
			return err
		}
		if err := writeFile(a.path(out), append(b, '\n'), 0o600); err != nil {
			return err
		}
		a.view().Notice("saved: cfboot apply %s", out)
	}
	if err := plan.ConflictProblem(); err != nil {
		return err
	}
	if err := plan.ProtectProblem(); err != nil {
		return err
	}
	if exitCode && !plan.Empty() {
		a.exit = exitChanges
	}
	return nil
}

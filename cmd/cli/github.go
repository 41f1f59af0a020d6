package cli

import "github.com/spf13/cobra"

func (a *app) newGitHub() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "github",
		Short: "A preview for every pull request, by GitHub's workflows",
		Long: "init writes the workflows: a preview for every pull request, its end when that is\n" +
			"closed, and a sweep for what was forgotten. action is what they run, by the\n" +
			"action.yml of cfboot's repository.",
		Example: "  cfboot github init",
		Args:    knownCommand,
		RunE:    func(cmd *cobra.Command, args []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.newGitHubInit(), a.newGitHubAction())
	return cmd
}

func (a *app) newGitHubAction() *cobra.Command {
	return &cobra.Command{
		Use:   "action",
		Short: "Carry out one step of a GitHub workflow, as its INPUT_ variables say",
		Long: "What action.yml runs. It reads INPUT_COMMAND (plan, apply, preview-up,\n" +
			"preview-down, sweep, destroy, doctor) and the other inputs from INPUT_ variables,\n" +
			"the event and the repository from GITHUB_ ones, runs that command, and answers\n" +
			"into GITHUB_OUTPUT, GITHUB_STEP_SUMMARY, one comment on the pull request and a\n" +
			"deployment. An input that is empty counts as not given. The exit code is that of\n" +
			"the command. Workflows that use it: cfboot github init.",
		Args: exactly(),
		RunE: func(cmd *cobra.Command, args []string) error { return newStep(a, Main).run() },
	}
}

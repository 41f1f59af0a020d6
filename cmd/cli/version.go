package cli

import "github.com/spf13/cobra"

func (a *app) newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: a.answering(func(cmd *cobra.Command, args []string) error {
			a.doc.Version = a.Version
			a.view().Print("cfboot %s", a.Version)
			return nil
		}),
	}
}

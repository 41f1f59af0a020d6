package cli

import (
	"github.com/cfboot/cfboot/provision/kinds"
	"github.com/cfboot/cfboot/provision/manifest"
	"github.com/spf13/cobra"
)

func (a *app) newSchema() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of cfboot.jsonc, for editors",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			_, err := a.Stdout.Write(manifest.Schema(kinds.Catalog{}))
			return err
		},
	}
}

package cli

import (
	"github.com/spf13/cobra"

	"github.com/flowrunner/flowrunner/engine/schema"
	"github.com/flowrunner/flowrunner/steps"
)

func newSchema(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of flows, for editors",
		Long: "schema prints the JSON Schema (draft-07) of this version's flows. Editors with a\n" +
			"YAML language server complete and explain flows by it, when it is kept in a file\n" +
			"and the first lines of a flow say where:\n\n" +
			"  # yaml-language-server: $schema=schema.json",
		Example: "  flowrunner schema > schema.json",
		Args:    exactly(0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			text, err := schema.JSON(steps.Registry())
			if err != nil {
				return err
			}
			_, err = a.stdout.Write(text)
			return err
		},
	}
}

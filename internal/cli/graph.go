package cli

import (
	"github.com/spf13/cobra"

	"github.com/flowrunner/flowrunner/internal/ui"
)

func newGraph(a *app) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "graph FILE",
		Short: "Draw a flow: its stages, its steps and what flows between them",
		Long: "graph draws a flow as text for Mermaid, which GitHub and GitLab show in Markdown\n" +
			"below ```mermaid, or for Graphviz. Shape and colour of a step say what it does:\n" +
			"compute, read, write a file or print, send. It needs neither token nor network.",
		Example: "  flowrunner graph sale.yaml > sale.mmd\n  flowrunner graph sale.yaml -o dot | dot -Tsvg > sale.svg",
		Args:    exactly(1, "the FILE of a flow"),
		RunE: func(_ *cobra.Command, args []string) error {
			p, _, err := compile(args[0])
			if err != nil {
				return err
			}
			g := ui.GraphOf(p)
			if out == "dot" {
				return g.DOT(a.stdout)
			}
			return g.Mermaid(a.stdout)
		},
	}
	cmd.Flags().VarP(choiceOf(&out, "mermaid", "mermaid", "dot"), "output", "o", "language of the drawing")
	return cmd
}

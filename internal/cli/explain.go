package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/internal/ui"
)

func newExplain(a *app) *cobra.Command {
	var out *string
	cmd := &cobra.Command{
		Use:   "explain [CODE]",
		Short: "Explain the code of a problem, or list all codes",
		Long: "explain tells what a problem means that validate, plan or run has reported,\n" +
			"with a wrong and a right example. CODE is the word in brackets, such as\n" +
			"unknown-field. Without one, every code is listed.",
		Args: atMost(1, "at most one CODE"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return diag.Codes(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error { return explain(a, *out, args) },
	}
	out = outputFlag(a, cmd.Flags(), "markdown")
	return cmd
}

func explain(a *app, form string, args []string) error {
	codes := diag.Codes()
	if len(args) == 1 {
		code := strings.ToLower(strings.Trim(args[0], "[]"))
		if _, ok := diag.PageOf(code); !ok {
			return &usageError{fmt.Sprintf("there is no problem with the code %q", args[0]), explainHint(code, codes)}
		}
		codes = []string{code}
	}
	pages := make([]diag.Page, len(codes))
	for i, code := range codes {
		pages[i], _ = diag.PageOf(code)
	}
	switch {
	case form == "json":
		a.silent = true
		return ui.WriteJSON(a.stdout, pageDocuments(pages))
	case form == "markdown":
		for i, p := range pages {
			if i > 0 {
				fmt.Fprintln(a.stdout)
			}
			fmt.Fprint(a.stdout, p.Markdown)
		}
	case len(args) == 1:
		showPage(a, pages[0])
	default:
		style := a.outStyle()
		for _, p := range pages {
			fmt.Fprintf(a.stdout, "%s  %s\n", style.Bold(ui.Pad(p.Code, 24)), p.Title)
		}
		fmt.Fprintf(a.stdout, "\nflowrunner explain CODE explains one.\n")
	}
	return nil
}

func explainHint(code string, codes []string) string {
	if near := diag.Closest(code, codes); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return "flowrunner explain lists every code"
}

// showPage prints a page for a terminal.
func showPage(a *app, p diag.Page) {
	style := a.outStyle()
	fmt.Fprintf(a.stdout, "%s: %s\n\n", style.Bold(p.Code), p.Title)
	paragraph(a.stdout, "", p.Plain())
	example := func(title, text string) {
		fmt.Fprintf(a.stdout, "\n%s\n", title)
		for line := range strings.Lines(text) {
			fmt.Fprintln(a.stdout, strings.TrimRight("  "+strings.TrimRight(line, "\n"), " "))
		}
	}
	wrong := style.Bad("wrong")
	if p.Condition != "" {
		wrong += " (" + p.Condition + ")"
	}
	example(wrong, p.Wrong)
	example(style.Good("right"), p.Right)
}

// pageDocument is a page for programs.
type pageDocument struct {
	Code      string `json:"code"`
	Title     string `json:"title"`
	Text      string `json:"text"`
	Condition string `json:"condition,omitempty"`
	Wrong     string `json:"wrong,omitempty"`
	Right     string `json:"right"`
}

func pageDocuments(pages []diag.Page) []pageDocument {
	out := make([]pageDocument, len(pages))
	for i, p := range pages {
		out[i] = pageDocument{p.Code, p.Title, p.Plain(), p.Condition, p.Wrong, p.Right}
	}
	return out
}

package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/schema"
	"github.com/flowrunner/flowrunner/engine/step"
	"github.com/flowrunner/flowrunner/internal/ui"
	"github.com/flowrunner/flowrunner/steps"
)

func newTools(a *app) *cobra.Command {
	var out *string
	cmd := &cobra.Command{
		Use:   "tools [NAME]",
		Short: "List the step kinds, or explain one",
		Long: "tools lists the kinds that a step can use, and what each does to the world. With\n" +
			"a NAME it explains one: its parameters with their types and defaults, what it\n" +
			"gives, and a whole flow with it.",
		Example: "  flowrunner tools filter\n  flowrunner tools -o markdown > kinds.md\n  flowrunner tools chat2desk_send_message -o json",
		Args:    atMost(1, "at most one NAME"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return steps.Registry().Names(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error { return showTools(a, *out, args) },
	}
	out = outputFlag(a, cmd.Flags(), "markdown")
	return cmd
}

func showTools(a *app, form string, args []string) error {
	registry := steps.Registry()
	kinds := registry.Kinds()
	if len(args) == 1 {
		k, ok := registry.Kind(args[0])
		if !ok {
			return &usageError{fmt.Sprintf("there is no kind %q", args[0]), diag.DidYouMean(args[0], registry.Names())}
		}
		kinds = []step.Kind{*k}
	}
	switch {
	case form == "json":
		a.silent = true
		docs := make([]kindDocument, len(kinds))
		for i, k := range kinds {
			docs[i] = kindOf(k)
		}
		return ui.WriteJSON(a.stdout, docs)
	case form == "markdown":
		for i, k := range kinds {
			if i > 0 {
				fmt.Fprintln(a.stdout)
			}
			fmt.Fprint(a.stdout, schema.Kind(k))
		}
		return nil
	case len(args) == 1:
		kindOf(kinds[0]).text(a.stdout, a.outStyle())
		return nil
	}
	style := a.outStyle()
	for _, k := range kinds {
		lead := ui.Pad(k.Name, 26) + " " + ui.Pad(k.Effect.String(), 8) + " "
		fmt.Fprintf(a.stdout, "%s%s\n", style.Bold(ui.Pad(k.Name, 26))+lead[26:], ui.Cut(k.Summary, helpWidth-len(lead)))
	}
	fmt.Fprintf(a.stdout, "\nflowrunner tools NAME explains one.\n")
	return nil
}

// kindDocument is what people read of a kind.
type kindDocument struct {
	Name    string          `json:"name"`
	Effect  string          `json:"effect"`
	Summary string          `json:"summary"`
	Detail  string          `json:"detail,omitempty"`
	Since   string          `json:"since"`
	Inputs  []fieldDocument `json:"inputs"`
	Outputs []fieldDocument `json:"outputs"`
	Example string          `json:"example"`
}

// fieldDocument is one parameter or output.
type fieldDocument struct {
	Name     string          `json:"name"`
	Type     string          `json:"type"`
	Required bool            `json:"required,omitempty"`
	Default  string          `json:"default,omitempty"`
	Allowed  []string        `json:"allowed,omitempty"`
	Min      *float64        `json:"min,omitempty"` // of a number, or of a list's length
	Max      *float64        `json:"max,omitempty"`
	Doc      string          `json:"doc"`
	Fields   []fieldDocument `json:"fields,omitempty"` // of a record, or of a list's records
}

func kindOf(k step.Kind) kindDocument {
	return kindDocument{
		Name: k.Name, Effect: k.Effect.String(), Summary: k.Summary, Detail: k.Detail, Since: k.Since,
		Inputs: fieldsOf(k.Params(), true), Outputs: fieldsOf(k.Outputs(), false), Example: k.Example,
	}
}

func fieldsOf(fields []step.Field, inputs bool) []fieldDocument {
	out := make([]fieldDocument, len(fields))
	for i, f := range fields {
		s := f.Shape
		if s.Form == step.FormList {
			s = s.Element()
		}
		out[i] = fieldDocument{Name: f.Name, Type: typeOf(f), Default: f.Default, Allowed: f.Enum, Min: f.Min, Max: f.Max, Doc: f.Doc}
		out[i].Required = inputs && !f.Optional
		if s.Form == step.FormObject && len(s.Fields) > 0 {
			out[i].Fields = fieldsOf(s.Fields, false)
		}
	}
	return out
}

// typeOf is the word for a field's type.
func typeOf(f step.Field) string {
	switch {
	case f.Named:
		return "names to values"
	case f.Bare && f.Bool:
		return "condition"
	case f.Bare:
		return "expression"
	}
	s := f.Shape
	if s.Form != step.FormList {
		s.Fields = nil
		if f.Optional {
			s.Nullable = false
		}
		return s.String()
	}
	e := s.Element()
	e.Fields = nil
	if e.Form == step.FormAny {
		return "list"
	}
	return "list of " + e.String()
}

func (d kindDocument) text(w io.Writer, s ui.Style) {
	fmt.Fprintf(w, "%s (%s)\n", s.Bold(d.Name), d.Effect)
	paragraph(w, "", d.Summary)
	if d.Detail != "" {
		fmt.Fprintln(w)
		paragraph(w, "", d.Detail)
	}
	section := func(title string, fields []fieldDocument) {
		if len(fields) == 0 {
			return
		}
		fmt.Fprintf(w, "\n%s\n", s.Bold(title))
		for _, f := range fields {
			f.text(w, s, "  ")
		}
	}
	section("with", d.Inputs)
	section("outputs", d.Outputs)
	fmt.Fprintf(w, "\n%s\n", s.Bold("example"))
	for line := range strings.SplitSeq(strings.TrimRight(d.Example, "\n"), "\n") {
		fmt.Fprintln(w, strings.TrimRight("  "+line, " "))
	}
}

func (f fieldDocument) text(w io.Writer, s ui.Style, indent string) {
	facts := []string{f.Type}
	if f.Required {
		facts = append(facts, "required")
	}
	if f.Default != "" {
		facts = append(facts, "default: "+f.Default)
	}
	if f.Min != nil {
		facts = append(facts, fmt.Sprintf("at least %v", *f.Min))
	}
	if f.Max != nil {
		facts = append(facts, fmt.Sprintf("at most %v", *f.Max))
	}
	if len(f.Allowed) > 0 {
		facts = append(facts, "one of "+strings.Join(f.Allowed, ", "))
	}
	fmt.Fprintf(w, "%s%s  %s\n", indent, s.Bold(f.Name), s.Dim(strings.Join(facts, "; ")))
	paragraph(w, indent+"    ", f.Doc)
	for _, sub := range f.Fields {
		sub.text(w, s, indent+"    ")
	}
}

func paragraph(w io.Writer, indent, text string) {
	for line := range strings.SplitSeq(text, "\n") {
		for _, part := range ui.Wrap(line, helpWidth-len(indent)) {
			fmt.Fprintln(w, strings.TrimRight(indent+part, " "))
		}
	}
}

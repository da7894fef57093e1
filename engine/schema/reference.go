package schema

import (
	"fmt"
	"strings"

	"github.com/flowrunner/flowrunner/engine/step"
)

// Kinds gives the reference page of all kinds, as Markdown.
func Kinds(reg *step.Registry) string {
	var b strings.Builder
	b.WriteString("# Kinds\n\n" +
		"<!-- Written by `make generate`; edit the kinds, not this page. -->\n\n" +
		"What a step can use. Parameters with a ? may be left out.\n\n" +
		"| kind | effect | |\n|---|---|---|\n")
	for _, k := range reg.Kinds() {
		fmt.Fprintf(&b, "| [%s](#%s) | %s | %s |\n", k.Name, k.Name, k.Effect, cell(k.Summary))
	}
	for _, k := range reg.Kinds() {
		b.WriteString("\n" + Kind(k))
	}
	return b.String()
}

// Kind gives the reference of one kind, as Markdown.
func Kind(k step.Kind) string {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\n%s", k.Name, k.Summary)
	if k.Detail != "" {
		b.WriteString(" " + k.Detail)
	}
	fmt.Fprintf(&b, "\n\nEffect: %s. Since %s.\n", k.Effect, k.Since)
	if len(k.Params()) > 0 {
		b.WriteString("\n| parameter | type | |\n|---|---|---|\n")
		for _, p := range k.Params() {
			writeParam(&b, p)
		}
	}
	if len(k.Outputs()) > 0 {
		b.WriteString("\n| output | type | |\n|---|---|---|\n")
		for _, o := range k.Outputs() {
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", o.Name, typeName(o.Shape), cell(o.Doc))
		}
	}
	for _, o := range k.Outputs() {
		writeRecord(&b, o)
	}
	fmt.Fprintf(&b, "\n```yaml\n%s```\n", k.Example)
	return b.String()
}

func writeParam(b *strings.Builder, p step.Field) {
	mark, doc := "", p.Doc
	if p.Optional {
		mark = "?"
	}
	if len(p.Enum) > 0 {
		doc += " One of: " + strings.Join(p.Enum, ", ") + "."
	}
	if p.Default != "" {
		doc += " Default: " + p.Default + "."
	}
	fmt.Fprintf(b, "| `%s`%s | %s | %s |\n", p.Name, mark, paramType(p), cell(doc))
}

// paramType is the short name of what a parameter takes.
func paramType(p step.Field) string {
	switch {
	case p.Bare && p.Bool:
		return "condition"
	case p.Bare:
		return "expression"
	case p.Named:
		return "names to values"
	}
	return typeName(p.Shape.NotNil())
}

// writeRecord lists the fields of the records that an output holds.
func writeRecord(b *strings.Builder, o step.Field) {
	s, what := o.Shape, "is a record"
	if s.Form == step.FormList {
		s, what = s.Element(), "holds records"
	}
	if s.Form != step.FormObject || len(s.Fields) == 0 {
		return
	}
	fmt.Fprintf(b, "\n`%s` %s with:\n\n| field | type | |\n|---|---|---|\n", o.Name, what)
	for _, f := range s.Fields {
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", f.Name, typeName(f.Shape), cell(f.Doc))
	}
}

// typeName is the short name of a shape.
func typeName(s step.Shape) string {
	name := s.Form.String()
	if s.Form == step.FormList {
		if e := s.Element(); e.Form == step.FormObject {
			name = "list of records"
		} else if e.Form != step.FormAny {
			name = "list of " + e.Form.String()
		}
	}
	if s.Form == step.FormObject {
		name = "record"
	}
	if s.Nullable && s.Form != step.FormAny {
		name += " or nil"
	}
	return name
}

// cell keeps a text inside one cell of a table.
func cell(s string) string { return strings.ReplaceAll(s, "|", "\\|") }

package docs_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/flowrunner/flowrunner/engine/lang"
	"github.com/flowrunner/flowrunner/engine/schema"
	"github.com/flowrunner/flowrunner/internal/golden"
	"github.com/flowrunner/flowrunner/steps"
)

func TestReferencesAreFresh(t *testing.T) {
	for path, page := range map[string]string{
		"kinds.md":       schema.Kinds(steps.Registry()),
		"functions.md":   functions(),
		"diagnostics.md": diagnostics(),
	} {
		golden.Equal(t, path, page)
	}
}

// functions is the page of the functions that expressions may call.
func functions() string {
	var b strings.Builder
	b.WriteString("# Functions\n\n" +
		"<!-- Written by `make generate`; edit the functions, not this page. -->\n\n" +
		"What expressions can call. The examples hold on Monday, 2 March 2026, at 10:30 in\n" +
		"Europe/Moscow. A ? marks what may be left out.\n")
	table := func(title string, list []lang.Function) {
		list = slices.Clone(list)
		slices.SortFunc(list, func(a, b lang.Function) int { return strings.Compare(a.Name, b.Name) })
		fmt.Fprintf(&b, "\n## %s\n\n| function | what it gives | example |\n|---|---|---|\n", title)
		for _, f := range list {
			fmt.Fprintf(&b, "| `%s` | %s | `%s` |\n", cell(signature(f)), cell(f.Doc), cell(f.Example))
		}
	}
	table("Of this language", lang.Functions())
	table("Of lists, numbers and texts", lang.Builtins())
	b.WriteString("\n## With a predicate\n\n" +
		"`all`, `any`, `none`, `one`, `filter`, `map`, `count`, `sum`, `find`, `findIndex`, `findLast`,\n" +
		"`findLastIndex`, `groupBy` and `sortBy` take a list and an expression in which `.field` is a field of the\n" +
		"record: `count(messages, .type == \"from_client\")`.\n" +
		"\n## As operators\n\n" +
		"Texts: `contains`, `startsWith`, `endsWith`, and `matches` with a regular expression of Go's syntax, which is\n" +
		"checked before the run: `item.phone matches \"^7(9|7)\"`. `+` joins texts, `in` looks into a list, `??` gives what\n" +
		"stands in place of nil, `?.` reads on only where something is, and `|` hands a value to a function.\n")
	return b.String()
}

func signature(f lang.Function) string {
	var params []string
	for i, p := range f.Params {
		name := p.Name
		switch {
		case p.Optional:
			name += "?"
		case f.Variadic && i == len(f.Params)-1:
			name += "…"
		}
		params = append(params, name)
	}
	return f.Name + "(" + strings.Join(params, ", ") + ")"
}

func cell(s string) string { return strings.ReplaceAll(s, "|", "\\|") }

package schema

import (
	"fmt"
	"strings"

	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/engine/step"
)

// keyMarkdown is what an editor shows of a grammar key: its sentence, the words
// that it takes, or how it is written.
func keyMarkdown(r flow.Rule, path string) string {
	doc := keyDoc(path)
	switch {
	case doc == "":
		return ""
	case len(r.Words) > 0:
		return doc + "\n\nOne of " + ticked(r.Words) + "."
	case len(keyExamples[path]) > 0:
		return doc + "\n\nFor example " + ticked(keyExamples[path]) + "."
	}
	return doc
}

func ticked(words []string) string { return "`" + strings.Join(words, "`, `") + "`" }

// kindMarkdown is what an editor shows of a kind: what it does, what it takes and
// gives, and a whole flow with it.
func kindMarkdown(k step.Kind) string {
	var b strings.Builder
	fmt.Fprintf(&b, "**%s** (%s): %s", k.Name, k.Effect, k.Summary)
	if k.Detail != "" {
		b.WriteString("\n\n" + k.Detail)
	}
	list := func(title string, fields []step.Field) {
		for i, f := range fields {
			if i == 0 {
				b.WriteString("\n\n" + title + ":\n")
			}
			mark := ""
			if f.Optional {
				mark = "?"
			}
			fmt.Fprintf(&b, "\n- `%s`%s: %s", f.Name, mark, f.Doc)
		}
	}
	list("Parameters", k.Params())
	list("Outputs", k.Outputs())
	if k.Example != "" {
		b.WriteString("\n\n```yaml\n" + k.Example + "```")
	}
	return b.String()
}

// paramDoc is the sentence of a parameter, with its default.
func paramDoc(p step.Field) string {
	if p.Default == "" {
		return p.Doc
	}
	return p.Doc + " Default: " + p.Default + "."
}

// paramMarkdown is what an editor shows of a parameter.
func paramMarkdown(p step.Field) string {
	need := "required"
	if p.Optional {
		need = "optional"
	}
	doc := fmt.Sprintf("**%s** (%s, %s): %s", p.Name, paramType(p), need, p.Doc)
	if len(p.Enum) > 0 {
		doc += "\n\nOne of " + ticked(p.Enum) + "."
	}
	if p.Default != "" {
		doc += "\n\nDefault: " + p.Default + "."
	}
	if p.Bare {
		doc += "\n\nAn expression, without `${{ }}`."
	}
	return doc
}

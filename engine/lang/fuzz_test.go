package lang

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/engine/step"
)

// FuzzExpr compiles anything and, where that works, runs it: no panic, a reason
// for every refusal, and a value of the promised shape.
func FuzzExpr(f *testing.F) {
	table, err := os.ReadFile("testdata/expressions.txt")
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(string(table)) {
		if line = strings.TrimSpace(line); line != "" {
			f.Add(line)
		}
	}
	scope := worldScope(time.UTC)
	worlds := []map[string]any{worldData(false), worldData(true)}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 300 {
			return
		}
		e, problems := CompileExpr(&flow.Node{Kind: flow.Scalar, Text: text}, scope, step.ShapeAny)
		if e == nil {
			if len(problems) == 0 {
				t.Fatal("refused without a reason")
			}
			for _, d := range problems {
				if d.Code == "" || d.Summary == "" || strings.Contains(d.Summary+d.Detail+d.Hint, "%!") && !strings.Contains(text, "%!") {
					t.Fatalf("an empty or garbled problem: %+v", d)
				}
			}
			return
		}
		for _, env := range worlds {
			v, err := e.Eval(env)
			if err != nil {
				if strings.Contains(err.Error(), "than its source promises") {
					t.Fatalf("%s: %v", text, err)
				}
				continue
			}
			if !fits(e.Shape(), v) {
				t.Fatalf("%s is %s but gave %#v", text, e.Shape(), v)
			}
		}
	})
}

// FuzzTemplate splits anything: the parts tile the text, and plain text without
// holes is what it was.
func FuzzTemplate(f *testing.F) {
	for _, seed := range []string{
		"", "plain", "${{ a }}", "x${{ a }}y${{ b }}", "$${{ a }}", "${{ \"}}\" }}", "${{ {\"a\": {}}}}", "${{", "${{ a", "${{ (a }}", "$$${{ a }}", "${{ a // }}", "${{ `}}` }}",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n := &flow.Node{Kind: flow.Scalar, Text: text}
		parts, problems := splitTemplate(n)
		pos := 0
		for _, p := range parts {
			if p.from < pos || p.to < p.from || p.to > len(text) {
				t.Fatalf("parts overlap in %q: %v", text, parts)
			}
			if p.hole && (!strings.HasSuffix(text[:p.from], "${{") || !strings.HasPrefix(text[p.to:], "}}")) {
				t.Fatalf("a hole of %q is not between braces: %v", text, p)
			}
			pos = p.to
		}
		if len(problems) == 0 && !strings.Contains(text, "${{") && text != "" && (len(parts) != 1 || parts[0] != part{0, len(text), false}) {
			t.Fatalf("%q is plain but gave %v", text, parts)
		}
		v, bad := CompileValue(n, worldScope(time.UTC), step.Field{Shape: step.ShapeText})
		if v == nil && len(bad) == 0 {
			t.Fatal("refused without a reason")
		}
	})
}

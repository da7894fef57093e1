package lang

import (
	"strings"

	"github.com/expr-lang/expr/parser/lexer"

	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/engine/step"
)

// fileFunction is the name in ${{ file("texts/offer.txt") }}. It is no function
// of expressions: the text is read when the flow is compiled and stands then
// where the call stood, with expressions of its own.
const fileFunction = "file"

// TextFiles reads a text beside the flow, as flow.TextFile gives it. at is the
// path in the flow, for problems. The Node is nil when there are any.
type TextFiles func(path string, at diag.Span) (*flow.Node, diag.List)

// WithFiles is the scope where file() may be used.
func (s *Scope) WithFiles(read TextFiles) *Scope {
	c := *s
	c.files = read
	return &c
}

// fileRead is one call of file.
type fileRead struct {
	src  *source
	path *lexer.Token // nil when it is no text as it stands
}

// fileCall reads a hole that is file(…) and nothing else; nil when it is not.
func fileCall(n *flow.Node, hole part) *fileRead {
	if !strings.HasPrefix(strings.TrimSpace(n.Text[hole.from:hole.to]), fileFunction) {
		return nil
	}
	src, problems := newSource(n, hole.from, hole.to)
	t := src.tokens
	if len(problems) > 0 || len(t) < 3 || !t[0].Is(lexer.Identifier, fileFunction) || !t[1].Is(lexer.Bracket, "(") || src.partner[1] != len(t)-1 {
		return nil
	}
	call := &fileRead{src: src}
	if len(t) == 4 && t[2].Kind == lexer.String {
		call.path = &t[2]
	}
	return call
}

// file compiles the text of a file in the scope of the place.
func (c *valueCompiler) file(call *fileRead, want step.Field) *Value {
	switch {
	case call.path == nil:
		c.problems.Add("text-file", call.src.whole(), "file takes one path, written out").
			WithDetail("The text is read when the flow is checked, before anything is computed.").
			WithHint(`write file("texts/offer.txt"), with the path from the flow's folder`)
		return nil
	case want.Shape.Form != step.FormText && want.Shape.Form != step.FormAny:
		c.problems.Add("wrong-type", call.src.whole(), "%s must be %s, not a text", subject(want), article(want.Shape.NotNil())).WithHint("%s", instead(want.Shape))
		return nil
	case c.scope.files == nil:
		c.problems = append(c.problems, fileInExpression(call.src.whole()))
		return nil
	}
	n, problems := c.scope.files(call.path.Value, call.src.at(call.path.Location))
	c.problems = append(c.problems, problems...)
	if n == nil {
		return nil
	}
	want.Shape.Form = step.FormText // where anything may stand, it is a text all the same
	inner := &valueCompiler{scope: c.scope.WithFiles(nil)}
	v := inner.scalar(n, want)
	c.problems = append(c.problems, inner.problems...)
	return v
}

// fileInExpression is file() where no text is read.
func fileInExpression(at diag.Span) diag.Diagnostic {
	return diag.Diagnostic{
		Code: "text-file", Span: at, Summary: "file cannot be used here",
		Detail: "file(\"texts/offer.txt\") is the whole value of a parameter that takes a text, in the flow itself. What it reads may hold ${{ }} of its own, but no other file.",
		Hint:   `write message: ${{ file("texts/offer.txt") }}, and put the rest of the text into the file`,
	}
}

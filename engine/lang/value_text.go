package lang

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/engine/step"
)

// scalar compiles a text of YAML: with holes, or a literal.
func (c *valueCompiler) scalar(n *flow.Node, want step.Field) *Value {
	if n.Null || !strings.Contains(n.Text, "${{") {
		return c.literal(n, want)
	}
	parts, problems := splitTemplate(n)
	if len(problems) > 0 {
		c.problems = append(c.problems, problems...)
		return nil
	}
	scope := c.scope
	if want.Shape.Form == step.FormSecret {
		scope = scope.AllowSecrets()
	}
	single := isSingle(n, parts)
	if single != nil {
		if call := fileCall(n, *single); call != nil {
			return c.file(call, want)
		}
	}
	t := &template{node: n, trim: want.Shape.Form == step.FormText}
	out := &Value{node: n}
	holes := 0
	ok := true
	for _, p := range parts {
		if !p.hole {
			c.dollarForgotten(n, p)
			t.parts = append(t.parts, templatePart{text: n.Text[p.from:p.to]})
			continue
		}
		holes++
		e, problems := compile(n, p.from, p.to, scope)
		c.problems = append(c.problems, problems...)
		if e == nil {
			ok = false
			continue
		}
		t.parts = append(t.parts, templatePart{hole: e})
		out.refs = append(out.refs, e.refs...)
		out.shape.Outcome = out.shape.Outcome || e.shape.HasOutcome()
	}
	if !ok {
		if single == nil {
			c.holes(t, want) // all problems at once
		}
		return nil
	}
	if single != nil {
		for _, p := range t.parts {
			if p.hole != nil {
				return c.single(n, want, p.hole, out)
			}
		}
	}
	return c.template(n, want, t, holes, out)
}

// isSingle gives the hole of a text that is one hole and spaces.
func isSingle(n *flow.Node, parts []part) *part {
	var found *part
	for i, p := range parts {
		switch {
		case p.hole && found == nil:
			found = &parts[i]
		case p.hole, strings.TrimSpace(n.Text[p.from:p.to]) != "":
			return nil
		}
	}
	return found
}

// single is a value that is exactly one expression: it keeps its type.
func (c *valueCompiler) single(n *flow.Node, want step.Field, e *Expr, out *Value) *Value {
	out.shape, out.form = e.shape, exprForm{e}
	switch {
	case want.Shape.Form == step.FormText:
		return c.singleText(n, want, e, out)
	case want.Shape.Form == step.FormSecret && e.shape.Form != step.FormSecret:
		c.problems.Add("wrong-type", e.Span(), "%s must be a secret, not %s", subject(want), article(e.shape)).
			WithHint("write ${{ secrets.NAME }} and set the environment variable NAME")
		return nil
	case !want.Shape.Accepts(e.shape):
		d := c.problems.Add("wrong-type", e.Span(), "%s must be %s, not %s", subject(want), article(want.Shape.NotNil()), article(e.shape))
		d.Hint = conversion(e, want.Shape)
		return nil
	case e.shape.Form == step.FormNil && !want.Shape.Nullable && !want.Optional:
		c.problems.Add("maybe-nil", e.Span(), "%s must not be nil", subject(want)).WithHint("write a value, or take the line out")
		return nil
	}
	return out
}

// singleText is one expression where a text is wanted: integers and numbers are
// written as they are in any text, nil is left to parameters that take it.
func (c *valueCompiler) singleText(n *flow.Node, want step.Field, e *Expr, out *Value) *Value {
	s := e.shape
	// A filter's text may be nil in some row; the kind then names the row.
	nilOK := (want.Shape.Nullable || want.Optional || want.NonEmpty) && s.Form != step.FormNil
	checked := *e
	if nilOK {
		checked.shape.Nullable = false
	}
	if problems := checkHole(&checked, false); len(problems) > 0 {
		c.problems = append(c.problems, problems...)
		return nil
	}
	out.shape = step.Shape{Form: step.FormText, Nullable: s.Nullable, Outcome: s.Outcome}
	out.form = oneTextForm{&template{node: n, trim: true, parts: []templatePart{{hole: e}}}}
	return out
}

// renderOne renders a text of one hole, or gives nil where that is nil.
func (t *template) renderOne(env map[string]any) (any, error) {
	hole := t.parts[0].hole
	v, err := hole.Eval(env)
	if err != nil || v == nil {
		return nil, err
	}
	text, err := plainText(v)
	if err != nil {
		return nil, &EvalError{Span: hole.Span(), Reason: err.Error()}
	}
	return t.finish(text)
}

// template is a text with holes.
func (c *valueCompiler) template(n *flow.Node, want step.Field, t *template, holes int, out *Value) *Value {
	secret := want.Shape.Form == step.FormSecret
	if !secret && want.Shape.Form != step.FormText && want.Shape.Form != step.FormAny {
		d := c.problems.Add("wrong-type", n.Span, "%s must be %s, not a text", subject(want), article(want.Shape.NotNil()))
		if holes > 0 {
			d.WithDetail("With text around it, an expression gives a text.").WithHint("write one ${{ }} and nothing around it")
		}
		return nil
	}
	reveals, ok := c.holes(t, want)
	if !ok {
		return nil
	}
	outcome := out.shape.Outcome
	if secret {
		if !reveals {
			c.literalToken(n, want)
			return nil
		}
		out.shape, out.form = step.ShapeSecret, secretForm{t}
		return out
	}
	out.shape = step.ShapeText
	out.shape.Outcome = outcome
	if holes == 0 { // only escapes: a literal
		text, _ := (&template{parts: t.parts, trim: t.trim, node: n}).render(nil)
		return c.textLiteral(n, want, text)
	}
	out.form = textForm{t}
	return out
}

// holes checks what stands in the holes of a text.
func (c *valueCompiler) holes(t *template, want step.Field) (reveals, ok bool) {
	ok = true
	for _, p := range t.parts {
		if p.hole == nil {
			continue
		}
		problems := checkHole(p.hole, want.Shape.Form == step.FormSecret)
		c.problems = append(c.problems, problems...)
		ok = ok && len(problems) == 0
		reveals = reveals || p.hole.shape.Form == step.FormSecret
	}
	return reveals, ok
}

// reveal renders a text around a secret, which is a secret itself.
func (t *template) reveal(env map[string]any) (any, error) {
	var b strings.Builder
	for _, p := range t.parts {
		if p.hole == nil {
			b.WriteString(p.text)
			continue
		}
		v, err := p.hole.Eval(env)
		if err != nil {
			return nil, err
		}
		if s, ok := v.(step.Secret); ok {
			b.WriteString(s.Reveal())
			continue
		}
		text, err := plainText(v)
		if err != nil {
			return nil, &EvalError{Span: p.hole.Span(), Reason: err.Error()}
		}
		b.WriteString(text)
	}
	return step.NewSecret(strings.TrimRight(b.String(), "\r\n")), nil
}

// literalToken refuses a secret that stands in the file.
func (c *valueCompiler) literalToken(n *flow.Node, want step.Field) {
	name := "NAME"
	if want.Name == "apiToken" {
		name = "CHAT2DESK_API_TOKEN"
	}
	c.problems.Add("literal-token", n.Span, "a secret does not stand in the flow").
		WithDetail("The file is read by others and kept in git.").
		WithHint("write ${{ secrets.%s }} and set the environment variable of that name, or put the text into the file that %s_FILE names", name, name).
		Hide()
}

// conversion says how to make what is wanted of an expression.
func conversion(e *Expr, want step.Shape) string {
	text := clip(e.Source())
	switch {
	case want.Form == step.FormList && e.shape.Form == step.FormObject:
		if list := listIn(e.shape); list != "" {
			return "write ${{ " + text + list + " }}"
		}
		return "write ${{ [" + text + "] }} for a list of one"
	case want.Form == step.FormList && e.shape.Form != step.FormList:
		return "write ${{ [" + text + "] }} for a list of one"
	case want.Form == step.FormInt && e.shape.Form == step.FormNumber:
		return "write ${{ round(" + text + ") }}"
	case want.Form == step.FormInt && e.shape.Form == step.FormText:
		return "write ${{ int(" + text + ") }}"
	case want.Form == step.FormNumber && e.shape.Form == step.FormText:
		return "write ${{ float(" + text + ") }}"
	case want.Form == step.FormTime && e.shape.Form == step.FormText:
		return "write ${{ date(" + text + ") }}"
	case want.Form == step.FormDuration && e.shape.Form == step.FormText:
		return "write ${{ duration(" + text + ") }}"
	case e.shape.Form == step.FormObject && len(e.shape.Fields) > 0:
		return "name a field of it that is " + article(want.NotNil())
	}
	return "give it " + article(want.NotNil()) + ": " + instead(want)
}

// listIn is the way from an object, such as a step or its outputs, to the first
// list in it, or "".
func listIn(s step.Shape) string {
	for _, f := range s.Fields {
		switch f.Shape.Form {
		case step.FormList:
			return "." + f.Name
		case step.FormObject:
			if rest := listIn(f.Shape); rest != "" && !f.Shape.Nullable {
				return "." + f.Name + rest
			}
		}
	}
	return ""
}

// almostHole is what other template languages write.
var almostHole = regexp.MustCompile(`\{\{([^{}]+)\}\}|\$\{([^{}]+)\}`)

// dollarForgotten refuses {{ client.name }} and ${client.name} in a text: they
// would be sent as they stand. What is no expression over known names is text.
func (c *valueCompiler) dollarForgotten(n *flow.Node, p part) {
	for _, at := range almostHole.FindAllStringSubmatchIndex(n.Text[p.from:p.to], -1) {
		from, to := at[2], at[3]
		if from < 0 {
			from, to = at[4], at[5]
		}
		e, _ := compile(n, p.from+from, p.from+to, c.scope)
		if e == nil || len(e.refs) == 0 {
			continue
		}
		c.problems.Add("missing-dollar", n.At(p.from+at[0], p.from+at[1]), "this would be shown as it is, not its value").
			WithHint("write ${{ %s }}", e.Source())
	}
}

// textLiteral is a text as it is written.
func (c *valueCompiler) textLiteral(n *flow.Node, want step.Field, text string) *Value {
	if want.Shape.Form == step.FormText {
		text = strings.TrimRight(text, "\r\n")
		if got := utf8.RuneCountInString(text); got > MaxText {
			c.problems.Add("text-too-long", n.Span, "%s", tooLong(got)).WithHint("shorten it, or send it in two steps")
			return nil
		}
	}
	if len(want.Enum) > 0 && !slices.Contains(want.Enum, text) {
		c.problems.Add("unknown-value", n.Span, "%s cannot be %s", subject(want), quote(text)).
			WithDetail("Allowed: %s.", strings.Join(want.Enum, ", ")).
			WithHint("%s", diag.DidYouMean(text, want.Enum))
		return nil
	}
	if want.NonEmpty && strings.TrimSpace(text) == "" {
		c.empty(n, want, `""`)
		return nil
	}
	return c.constant(n, text, step.ShapeText)
}

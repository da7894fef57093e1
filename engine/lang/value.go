package lang

import (
	"strings"

	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/engine/step"
)

// Value is a compiled value of a flow: a literal, an expression, a text with
// holes, a list or map of those, or a bare expression for a kind to call. It is
// immutable and may be used from many goroutines.
type Value struct {
	node   *flow.Node
	shape  step.Shape
	form   form
	refs   []Ref
	static bool // no expression anywhere inside
}

// form is how a Value gets its run-time value.
type form interface {
	eval(env map[string]any) (any, error)
}

// Shape is the static type of the value. That of a bare expression is the shape
// of its result for one record.
func (v *Value) Shape() step.Shape { return v.shape }

// Refs are the paths that the value's expressions read.
func (v *Value) Refs() []Ref { return v.refs }

// Span is where the value stands.
func (v *Value) Span() diag.Span { return v.node.Span }

// Eval computes the value. An error is always an *EvalError.
func (v *Value) Eval(env map[string]any) (any, error) { return v.form.eval(env) }

// Literal is the run-time value of one without any expression.
func (v *Value) Literal() (any, bool) {
	if !v.static {
		return nil, false
	}
	out, err := v.form.eval(nil)
	return out, err == nil
}

// Reference is the path of a value that is ${{ a.b.c }} and nothing else. What it
// names, a stream too, is passed on untouched.
func (v *Value) Reference() (Ref, bool) {
	if e, ok := v.form.(exprForm); ok && e.pure != nil {
		return *e.pure, true
	}
	return Ref{}, false
}

// Expr is the bare expression that the value is, nil for every other value.
func (v *Value) Expr() *Expr {
	if b, ok := v.form.(boundForm); ok {
		return b.Expr
	}
	return nil
}

// The forms.
type (
	literalForm struct{ value any }
	exprForm    struct{ *Expr }
	boundForm   struct{ *Expr }
	textForm    struct{ *template }
	secretForm  struct{ *template }
	listForm    []*Value
	objectForm  []step.NamedItem[*Value]
	namedForm   []step.NamedItem[*Value]
	oneTextForm struct{ *template } // a single hole of a text that may be nil
)

func (f literalForm) eval(map[string]any) (any, error) { return f.value, nil }

func (f exprForm) eval(env map[string]any) (any, error) { return f.Eval(env) }

func (f boundForm) eval(env map[string]any) (any, error) { return f.Bind(env), nil }

func (f textForm) eval(env map[string]any) (any, error) { return f.render(env) }

func (f secretForm) eval(env map[string]any) (any, error) { return f.reveal(env) }

func (f oneTextForm) eval(env map[string]any) (any, error) { return f.renderOne(env) }

func (f listForm) eval(env map[string]any) (any, error) {
	out := make([]any, len(f))
	for i, v := range f {
		var err error
		if out[i], err = v.Eval(env); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (f objectForm) eval(env map[string]any) (any, error) {
	out := make(map[string]any, len(f))
	for _, item := range f {
		v, err := item.Value.Eval(env)
		if err != nil {
			return nil, err
		}
		out[item.Name] = v
	}
	return out, nil
}

func (f namedForm) eval(env map[string]any) (any, error) {
	out := make(step.Named[any], len(f))
	for i, item := range f {
		v, err := item.Value.Eval(env)
		if err != nil {
			return nil, err
		}
		out[i] = step.NamedItem[any]{Name: item.Name, Value: v}
	}
	return out, nil
}

// CompileValue compiles what stands where a field is wanted. The Value is nil
// when there are problems, or when n is Broken, whose problem is known already.
func CompileValue(n *flow.Node, s *Scope, want step.Field) (*Value, diag.List) {
	c := &valueCompiler{scope: s}
	v := c.value(n, want)
	c.problems.Sort()
	if c.problems.HasErrors() || v == nil {
		return nil, c.problems
	}
	return v, c.problems
}

// valueCompiler collects the problems of one value.
type valueCompiler struct {
	scope    *Scope
	problems diag.List
}

// value compiles n; nil after a problem.
func (c *valueCompiler) value(n *flow.Node, want step.Field) *Value {
	switch {
	case n.Broken:
		return nil
	case want.Bare:
		return c.bare(n, want)
	case want.Named:
		return c.named(n, want)
	}
	switch n.Kind {
	case flow.List:
		return c.list(n, want)
	case flow.Map:
		return c.object(n, want)
	}
	return c.scalar(n, want)
}

// bare compiles an expression that a kind calls for each record. The caller has
// put `item` into the scope.
func (c *valueCompiler) bare(n *flow.Node, want step.Field) *Value {
	shape := step.ShapeAny
	if want.Bool {
		shape = step.ShapeBool
	}
	e, problems := CompileExpr(n, c.scope, shape)
	c.problems = append(c.problems, problems...)
	if e == nil {
		return nil
	}
	return &Value{node: n, shape: e.shape, form: boundForm{e}, refs: e.refs}
}

// named compiles a mapping of names to values that keeps its order.
func (c *valueCompiler) named(n *flow.Node, want step.Field) *Value {
	if n.Kind == flow.Scalar && strings.Contains(n.Text, "${{") {
		return c.scalar(n, want)
	}
	if n.Kind != flow.Map {
		c.wrong(n, want, article(nodeShape(n))).WithHint("write names and values, one a line:\n  name: ${{ item.name }}")
		return nil
	}
	elem := step.Field{Name: want.Name, Enum: want.Enum}
	switch {
	case want.Shape.Elem != nil:
		elem.Shape = *want.Shape.Elem
	case len(want.Enum) > 0:
		elem.Shape = step.ShapeText
	default:
		elem.Shape = step.ShapeAny
	}
	out := &Value{node: n, shape: step.Shape{Form: step.FormObject}, static: true}
	var items namedForm
	for _, entry := range n.Entries {
		if len(want.Enum) == 0 {
			c.problems = append(c.problems, BracesForgotten(entry.Value, c.scope)...)
		}
		elem.Name = entry.Key.Text
		if v := c.member(out, entry, elem); v != nil {
			items = append(items, step.NamedItem[*Value]{Name: entry.Key.Text, Value: v})
		}
	}
	out.form = items
	return out
}

// member compiles one entry of a map and adds what it reads to the whole.
func (c *valueCompiler) member(whole *Value, entry flow.Entry, want step.Field) *Value {
	v := c.value(entry.Value, want)
	if v == nil {
		whole.shape.Fields = append(whole.shape.Fields, step.Field{Name: entry.Key.Text, Shape: unknown})
		return nil
	}
	whole.shape.Fields = append(whole.shape.Fields, step.Field{Name: entry.Key.Text, Shape: v.shape})
	whole.refs = append(whole.refs, v.refs...)
	whole.static = whole.static && v.static
	return v
}

// BracesForgotten refuses an unquoted text that would be an expression, where a
// computed value is what people mean.
func BracesForgotten(n *flow.Node, s *Scope) (problems diag.List) {
	if n.Kind != flow.Scalar || n.Style != flow.Plain || n.Null || strings.Contains(n.Text, "${{") {
		return nil
	}
	if e, _ := compile(n, 0, len(n.Text), s); e != nil && len(e.refs) > 0 {
		text := clip(e.Source())
		problems.Add("missing-braces", n.Span, "this would be the text %s, not its value", quote(text)).
			WithDetail("A value here is a text; without ${{ }} it would be these very letters.").
			WithHint("write ${{ %s }}, or quote it if the letters are meant", text)
	}
	return problems
}

func (c *valueCompiler) list(n *flow.Node, want step.Field) *Value {
	if want.Shape.Form != step.FormList && want.Shape.Form != step.FormAny {
		c.wrong(n, want, "a list")
		return nil
	}
	elem := step.Field{Name: want.Name, Shape: want.Shape.Element(), Enum: want.Enum, NonEmpty: want.NonEmpty}
	out := &Value{node: n, shape: step.Shape{Form: step.FormList}, static: true}
	items := make(listForm, 0, len(n.Items))
	for _, item := range n.Items {
		v := c.value(item, elem)
		if v == nil {
			continue
		}
		items = append(items, v)
		e := v.shape
		if out.shape.Elem != nil {
			e = join(*out.shape.Elem, e)
		}
		out.shape.Elem = &e
		out.refs = append(out.refs, v.refs...)
		out.static = out.static && v.static
	}
	c.length(n, want, len(n.Items))
	out.form = items
	return out
}

// object compiles a map: of any names where the wanted object is open or
// unknown, else of exactly its fields.
func (c *valueCompiler) object(n *flow.Node, want step.Field) *Value {
	s := want.Shape
	if s.Form != step.FormObject && s.Form != step.FormAny {
		c.wrong(n, want, "a map")
		return nil
	}
	out := &Value{node: n, shape: step.Shape{Form: step.FormObject}, static: true}
	var items objectForm
	exact := s.Form == step.FormObject && !s.Open
	for _, entry := range n.Entries {
		field, known := s.Field(entry.Key.Text)
		switch {
		case !known && exact:
			c.problems.Add("unknown-parameter", entry.Key.Span, "unknown name %q", entry.Key.Text).
				WithHint("%s", diag.DidYouMean(entry.Key.Text, s.Names()))
			continue
		case !known && s.Elem != nil:
			field = step.Field{Shape: *s.Elem}
		case !known:
			field = step.Field{Shape: step.ShapeAny}
		}
		field.Name = entry.Key.Text
		if v := c.member(out, entry, field); v != nil {
			items = append(items, step.NamedItem[*Value]{Name: entry.Key.Text, Value: v})
		}
	}
	for _, f := range s.Fields {
		if exact && !f.Optional && !f.Shape.Nullable && n.Get(f.Name) == nil {
			c.problems.Add("missing-parameter", n.Span, "%q is missing", f.Name).
				WithDetail("It is %s.", article(f.Shape)).WithHint("add %s: and its value", f.Name)
		}
	}
	out.form = items
	return out
}

// subject names what is wanted.
func subject(want step.Field) string {
	if want.Name == "" {
		return "this"
	}
	return want.Name
}

// length checks the bounds of a list.
func (c *valueCompiler) length(n *flow.Node, want step.Field, got int) {
	if want.Shape.Form != step.FormList {
		return
	}
	switch {
	case want.NonEmpty && got == 0:
		c.empty(n, want, "[]")
	case want.Min != nil && float64(got) < *want.Min:
		c.problems.Add("out-of-range", n.Span, "%s has %d items, but at least %v are wanted", subject(want), got, *want.Min).
			WithHint("add what is missing")
	case want.Max != nil && float64(got) > *want.Max:
		c.problems.Add("out-of-range", n.Span, "%s has %d items, but at most %v are allowed", subject(want), got, *want.Max).
			WithHint("take out what is too much, or write several steps")
	}
}

func (c *valueCompiler) empty(n *flow.Node, want step.Field, found string) {
	c.problems.Add("empty-value", n.Span, "%s is %s", subject(want), found).
		WithDetail("A filter that is written must have a value; an empty one would select everybody.").
		WithHint("write a value, or take the line out")
}

func (c *valueCompiler) constant(n *flow.Node, value any, shape step.Shape) *Value {
	return &Value{node: n, shape: shape, form: literalForm{value}, static: true}
}

// wrong reports that something else is wanted.
func (c *valueCompiler) wrong(n *flow.Node, want step.Field, found string) *diag.Diagnostic {
	return c.problems.Add("wrong-type", n.Span, "%s must be %s, not %s", subject(want), article(want.Shape.NotNil()), found).
		WithHint("%s", instead(want.Shape))
}

// instead is an example of what has a shape.
func instead(want step.Shape) string {
	switch want.Form {
	case step.FormText:
		return "write one text, without brackets or braces; one that begins with them goes in quotes"
	case step.FormInt:
		return "write one integer: 17"
	case step.FormNumber:
		return "write one number: 0.5"
	case step.FormBool:
		return "write true or false"
	case step.FormDuration:
		return "write a number and its unit: 90d, 12h or 30m"
	case step.FormTime:
		return "write a date, with or without a time: 2026-03-01 10:30"
	case step.FormSecret:
		return "write ${{ secrets.NAME }} and set the environment variable NAME"
	case step.FormList:
		return "write a list: [a, b], or each item on a line of its own after a dash"
	case step.FormObject:
		return "write key: value lines below it"
	}
	return "write a value, or an expression that gives one"
}

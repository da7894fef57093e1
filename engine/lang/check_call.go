package lang

import (
	"fmt"
	"maps"
	"slices"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/builtin"

	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/step"
)

// callOf takes a call by name apart, however expr has parsed it.
func callOf(n ast.Node) (name string, args []ast.Node, ok bool) {
	switch n := n.(type) {
	case *ast.BuiltinNode:
		return n.Name, n.Arguments, true
	case *ast.CallNode:
		if f, ok := n.Callee.(*ast.IdentifierNode); ok {
			return f.Value, n.Arguments, true
		}
	}
	return "", nil, false
}

// call types `name(…)`, `value | name(…)` and `value.Method(…)`.
func (c *checker) call(n ast.Node) (ast.Node, step.Shape) {
	name, args, ok := callOf(n)
	if !ok {
		return c.method(n.(*ast.CallNode))
	}
	if isPredicate(name) {
		return c.predicate(n, name, args)
	}
	if f := functionNamed(name); f != nil {
		return c.function(n, f, args)
	}
	if name == fileFunction {
		c.problems = append(c.problems, fileInExpression(c.src.at(n.Location())))
		return n, unknown
	}
	d := c.problems.Add("unknown-function", c.src.at(n.Location()), "unknown function %q", name)
	if instead, ok := refused(name); ok {
		d.Summary = name + " is not part of the language"
		d.Hint = instead
		return n, unknown
	}
	d.Hint = diag.DidYouMean(name, append(callable(), fileFunction))
	if d.Hint == "" {
		if other := diag.Closest(name, slices.Sorted(maps.Keys(elsewhere))); other != "" {
			d.Hint = "did you mean \"" + elsewhere[other] + "\"?"
		} else {
			d.Hint = "flowrunner expr completes the names of functions by Tab; docs/functions.md explains each"
		}
	}
	for _, a := range args {
		c.expr(a)
	}
	return n, unknown
}

// elsewhere is what other languages call functions of ours.
var elsewhere = map[string]string{
	"length": "len", "size": "len", "strlen": "len", "toLowerCase": "lower", "downcase": "lower", "toUpperCase": "upper", "upcase": "upper",
	"toString": "string", "toInteger": "int", "parseInt": "int", "parseFloat": "float", "substring": "truncate", "coalesce": "default",
	"dateFormat": "format", "strftime": "format", "parseDate": "date", "select": "filter", "where": "filter", "every": "all", "some": "any",
}

// function types a call of a builtin or of a function of the language.
func (c *checker) function(n ast.Node, f *Function, args []ast.Node) (ast.Node, step.Shape) {
	before := len(c.problems)
	ownZone := f.NeedsZone && slices.ContainsFunc(args, isZoned)
	for _, a := range args {
		c.clocks[a] = f.NeedsZone
	}
	if f.Name == zoneFunctionName && !c.clocks[n] {
		c.fail(n, "bad-argument", "%s stands only inside a function that reads a clock", f.Name).
			WithDetail("A time is a moment, the same in every zone; only its hour, its day and its text depend on where they are read.").
			WithHint("%s", "for instance: "+f.Example)
		return n, unknown
	}
	run := make([]ast.Node, len(args))
	shapes := make([]step.Shape, len(args))
	texts := make([]*string, len(args))
	for i, a := range args {
		run[i], shapes[i] = c.expr(a)
		shapes[i] = c.noSecret(a, shapes[i])
		if t, ok := a.(*ast.StringNode); ok {
			texts[i] = &t.Value
		}
	}
	if !c.arity(n, f, len(args)) {
		return n, unknown
	}
	for i, a := range args {
		p := f.param(i)
		c.argument(f, p, a, shapes[i])
		if texts[i] != nil {
			if err := f.literal(i, *texts[i]); err != nil {
				c.fail(a, "bad-argument", "%s does not take this text", f.Name).
					WithDetail("%s", upperFirst(err.Error())+".").WithHint("%s", "for instance: "+f.Example)
			}
		}
		run[i] = c.convert(run[i], shapes[i], p.Shape)
	}
	if f.NeedsZone && !ownZone {
		c.needZone(n, f.Name+"(…)")
	}
	if len(c.problems) > before {
		if f.Infer == nil {
			return n, f.Result
		}
		return n, unknown
	}
	result, ok := c.result(n, f, shapes, texts)
	if !ok {
		return n, unknown
	}
	if f.Name == "concat" {
		for i := range run {
			run[i] = c.convert(run[i], shapes[i], result)
		}
	}
	if plain := plainCall(f.Name); plain != nil {
		if f.Name == "toJSON" || f.Name == "uniq" { // the others only pass on or count
			c.reads(shapes)
		}
		return c.calls(n, f.Name, plain, run), result
	}
	c.reads(shapes)
	return c.contextCall(n, f, run), result
}

// isZoned reports whether a node is a call of inZone.
func isZoned(n ast.Node) bool {
	name, _, ok := callOf(n)
	return ok && name == zoneFunctionName
}

// reads marks the expression where a function looks into all of its arguments.
func (c *checker) reads(shapes []step.Shape) {
	if slices.ContainsFunc(shapes, step.Shape.HasOutcome) {
		c.outcome = true
	}
}

// result infers what a call gives.
func (c *checker) result(n ast.Node, f *Function, shapes []step.Shape, texts []*string) (step.Shape, bool) {
	var err error
	if f.Check != nil {
		err = f.Check(shapes, texts)
	}
	result := f.Result
	if err == nil && f.Infer != nil {
		result, err = f.Infer(shapes)
	}
	if err != nil {
		c.fail(n, "bad-argument", "%s cannot be used like this", f.Name).
			WithDetail("%s", upperFirst(err.Error())+".").WithHint("%s", "for instance: "+f.Example)
		return unknown, false
	}
	return result, true
}

func (c *checker) arity(n ast.Node, f *Function, got int) bool {
	least := 0
	for _, p := range f.Params {
		if !p.Optional {
			least++
		}
	}
	most := len(f.Params)
	if got >= least && (got <= most || f.Variadic) {
		return true
	}
	d := c.fail(n, "wrong-arguments", "%s takes %s, not %d", f.Name, counted(least, most, f.Variadic), got)
	d.Hint = "write " + f.Signature() + ", for instance: " + f.Example
	return false
}

func counted(least, most int, variadic bool) string {
	plural := func(n int) string {
		if n == 1 {
			return "1 argument"
		}
		return fmt.Sprintf("%d arguments", n)
	}
	switch {
	case variadic:
		return "at least " + plural(least)
	case least == most:
		return plural(least)
	}
	return fmt.Sprintf("%d to %d arguments", least, most)
}

// argument checks one argument against its parameter.
func (c *checker) argument(f *Function, p Param, a ast.Node, s step.Shape) {
	what := fmt.Sprintf("the %s of %s", p.Name, f.Name)
	if p.Shape.Form != step.FormAny && !p.Shape.Accepts(s) {
		d := c.fail(a, "wrong-type", "%s must be %s, not %s", what, article(p.Shape), article(s.NotNil()))
		switch {
		case p.Shape.Form == step.FormText && (s.Form == step.FormInt || s.Form == step.FormNumber):
			d.Hint = "write string(" + c.text(a) + ")"
		case p.Shape.Form == step.FormTime && s.Form == step.FormText:
			d.Hint = "write date(" + c.text(a) + ")"
		default:
			d.Hint = "write " + f.Signature() + ", for instance: " + f.Example
		}
		return
	}
	if s.Nullable && !p.NilOK {
		c.mayBeNil(a, s, what)
	}
}

// needZone demands connection.timezone.
func (c *checker) needZone(n ast.Node, what string) {
	if c.scope.zone != nil {
		return
	}
	c.fail(n, "timezone-required", "%s needs the company's time zone", what).
		WithDetail("The machine's own zone is never used, so that a flow does the same everywhere.").
		WithHint("add `connection: { timezone: Europe/Moscow }` to the flow, with your zone")
}

// calls makes a node that calls a function of ours which needs no context.
func (c *checker) calls(n ast.Node, name string, f func(args ...any) (any, error), args []ast.Node) ast.Node {
	c.functions[name] = &builtin.Function{Name: name, Func: f}
	callee := at(n, &ast.IdentifierNode{Value: name})
	setType(callee)
	call := at(n, &ast.CallNode{Callee: callee, Arguments: args})
	setType(call)
	return call
}

// internal makes a node that calls one of the functions that no user can name.
func (c *checker) internal(n ast.Node, name string, args ...ast.Node) ast.Node {
	for _, a := range args {
		setType(a)
	}
	return c.calls(n, name, internals[name], args)
}

// contextCall makes a node that calls a function with the run's moment, which it
// finds in the environment, as a first argument of its own.
func (c *checker) contextCall(n ast.Node, f *Function, args []ast.Node) ast.Node {
	zone, call := c.scope.zone, f.Call
	run := at(n, &ast.IdentifierNode{Value: "run"})
	setType(run)
	return c.calls(n, f.Name, func(args ...any) (any, error) {
		out, err := call(Context{Now: momentOf(args[0]), Zone: zone}, args[1:])
		return out, capped(f.Name, out, err)
	}, append([]ast.Node{run}, args...))
}

// method is the few methods that times and durations have.
func (c *checker) method(n *ast.CallNode) (ast.Node, step.Shape) {
	m, ok := n.Callee.(*ast.MemberNode)
	if !ok {
		c.fail(n, "not-in-language", "only functions can be called").WithHint("functions stand before their arguments: lower(x), len(x)")
		return n, unknown
	}
	base, s := c.expr(m.Node)
	for _, a := range n.Arguments {
		c.expr(a)
	}
	name, ok := m.Property.(*ast.StringNode)
	if !ok {
		c.fail(n, "not-in-language", "only functions can be called").WithHint("functions stand before their arguments: lower(x), len(x)")
		return n, unknown
	}
	span := c.src.at(name.Location())
	switch {
	case s.Nullable && s.Form != step.FormAny:
		c.mayBeNil(m.Node, s, "what stands before ."+name.Value+"()")
		return n, unknown
	case s.Form == step.FormAny && !s.Nullable && len(c.problems) > 0:
		return n, unknown
	}
	table := map[step.Form][]string{step.FormTime: timeMethods, step.FormDuration: durationMethods}[s.Form]
	if !slices.Contains(table, name.Value) {
		d := c.problems.Add("unknown-function", span, "%s has no method %q", article(s.NotNil()), name.Value)
		text := c.code(m.Node)
		switch {
		case s.Form == step.FormTime && name.Value == "Format":
			d.Hint = `write format(` + text + `, "d MMMM, HH:mm")`
		case s.Form == step.FormTime && name.Value == "Weekday":
			d.Hint = `write weekday(` + text + `)`
		case functionNamed(name.Value) != nil || isPredicate(name.Value):
			d.Hint = "it is a function: write " + name.Value + "(" + text + ", …)"
		case len(table) > 0:
			d.Hint = diag.DidYouMean(name.Value, table)
		default:
			d.Hint = "functions stand before their arguments: lower(x), len(x)"
		}
		return n, unknown
	}
	if len(n.Arguments) > 0 {
		c.fail(n, "wrong-arguments", "%s takes no arguments", name.Value).WithHint("write .%s()", name.Value)
		return n, unknown
	}
	if s.Form == step.FormDuration {
		return c.internal(n, "·"+name.Value, base), step.ShapeNumber
	}
	if name.Value == "Unix" {
		return c.internal(n, "·Unix", base), step.ShapeInt
	}
	c.needZone(n, "."+name.Value+"()")
	zone := c.scope.zone
	return c.calls(n, "·"+name.Value, func(args ...any) (any, error) { return timePart(name.Value, args[0], zone) },
		[]ast.Node{base}), step.ShapeInt
}

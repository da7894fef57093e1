package engine

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/engine/lang"
	"github.com/flowrunner/flowrunner/engine/step"
)

// Evaluator checks and computes single expressions and values outside of a run:
// what is typed into a console, or stands in a test file. It is immutable.
type Evaluator struct {
	scope *lang.Scope
	env   map[string]any
	why   string // why steps have no values, when they have none

	long map[string]bool // lists of a plan that are too long to be held, as step.output
}

// NewEvaluator knows nothing but the functions of the language. zone is the
// company's; nil makes local time an error, as in a flow without one.
func NewEvaluator(zone *time.Location) *Evaluator {
	return &Evaluator{scope: lang.NewScope(zone), env: map[string]any{}}
}

// Evaluator knows the flow's inputs, environment and run, but no steps.
func (p *Program) Evaluator(inputs map[string]any, vars map[string]string, run string, now time.Time) *Evaluator {
	e := &Evaluator{scope: p.base, env: map[string]any{
		"inputs": inputs, "env": p.variables(vars), "run": map[string]any{"id": run, "now": now.In(p.Zone)},
	}}
	return e
}

// With adds a name with its type and its value.
func (e *Evaluator) With(name string, shape step.Shape, v any) *Evaluator {
	c := *e
	c.scope = e.scope.With(name, shape)
	c.env = maps.Clone(e.env)
	c.env[name] = v
	return &c
}

// Evaluated is what an expression gave. Without a value, Missing says why.
type Evaluated struct {
	Value   any
	Shape   step.Shape
	Missing string
}

// Expr checks and computes one expression. The error is a diag.Errors.
func (e *Evaluator) Expr(n *flow.Node) (Evaluated, error) {
	x, problems := lang.CompileExpr(n, e.scope, step.ShapeAny)
	if x == nil || problems.HasErrors() {
		return Evaluated{}, problems.Err()
	}
	out := Evaluated{Shape: x.Shape()}
	if out.Missing = e.missing(x.Refs()); out.Missing != "" {
		return out, nil
	}
	v, err := x.Eval(e.env)
	if err == nil {
		v, err = listed(v)
	}
	out.Value = v
	return out, evalProblem(err, n.Span)
}

// Value checks and computes a value of a YAML file, where want is wanted. The
// error is a diag.Errors.
func (e *Evaluator) Value(n *flow.Node, want step.Field) (any, error) {
	x, problems := lang.CompileValue(n, e.scope, want)
	if x == nil || problems.HasErrors() {
		return nil, problems.Err()
	}
	v, err := x.Eval(e.env)
	return v, evalProblem(err, n.Span)
}

// Names lists what may follow a path and a point, or, for the empty path, what
// an expression may begin with: for completion.
func (e *Evaluator) Names(path string) []string {
	if path == "" {
		names := append(slices.Collect(maps.Keys(e.env)), lang.Names()...)
		names = slices.DeleteFunc(names, func(name string) bool { return strings.Contains(name, "/") }) // inputs of called flows
		if x, _ := lang.CompileExpr(flow.TextNode("", "steps"), e.scope, step.ShapeAny); x == nil {
			names = slices.DeleteFunc(names, func(name string) bool { return name == "steps" })
		}
		slices.Sort(names)
		return slices.Compact(names)
	}
	x, _ := lang.CompileExpr(flow.TextNode("", path), e.scope, step.ShapeAny)
	if x == nil {
		return nil
	}
	names := x.Shape().Names()
	slices.Sort(names)
	return names
}

// missing says why an expression has no value here, "" when it has one.
func (e *Evaluator) missing(refs []lang.Ref) string {
	steps, _ := e.env["steps"].(map[string]any)
	for _, r := range refs {
		if r.Path[0] != "steps" || len(r.Path) < 2 {
			if _, ok := e.env[r.Path[0]]; !ok {
				return strings.Join(r.Path, ".") + ": " + cmp.Or(e.why, "nothing here gives it one")
			}
			continue
		}
		name := "steps." + r.Path[1]
		got, ok := steps[r.Path[1]].(map[string]any)
		switch outs, _ := got["outputs"].(map[string]any); {
		case !ok && e.why != "":
			return name + ": " + e.why
		case !ok:
			return name + ": it was not planned"
		case len(r.Path) > 3 && r.Path[2] == "outputs":
			if e.long[r.Path[1]+"."+r.Path[3]] {
				return name + ".outputs." + r.Path[3] + ": the plan has more than " + heldByExpression + " of it, too many for an expression"
			}
			if _, ok := outs[r.Path[3]]; !ok {
				return name + ".outputs." + r.Path[3] + ": it is not known before messages are sent, or was not kept"
			}
		}
	}
	return ""
}

// listed reads a stream into a list.
func listed(v any) (any, error) {
	if in, ok := v.(step.Stream[any]); ok {
		return collect(streamRef{"", "value"}, in)
	}
	return v, nil
}

// evalProblem turns a failed evaluation into a problem with its place.
func evalProblem(err error, whole diag.Span) error {
	if err == nil {
		return nil
	}
	var l diag.List
	var ee *lang.EvalError
	if errors.As(err, &ee) {
		l.Add("evaluation-failed", ee.Span, "%s", ee.Reason)
	} else {
		l.Add("evaluation-failed", whole, "%s", err)
	}
	return l.Err()
}

// ShapeOf is the type of a value that came without one.
func ShapeOf(v any) step.Shape {
	switch x := v.(type) {
	case nil:
		return step.ShapeAny
	case []any:
		s := step.Shape{Form: step.FormList}
		for i, e := range x {
			elem := ShapeOf(e)
			if i > 0 {
				elem = step.Join(*s.Elem, elem)
			}
			s.Elem = &elem
		}
		return s
	case map[string]any:
		var fields []step.Field
		for _, name := range slices.Sorted(maps.Keys(x)) {
			fields = append(fields, step.Field{Name: name, Shape: ShapeOf(x[name])})
		}
		return step.ObjectOf(fields...)
	}
	f := step.FormOf(v)
	return step.Shape{Form: f, Nullable: f == step.FormAny}
}

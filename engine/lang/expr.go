package lang

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"sync"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/checker/nature"
	"github.com/expr-lang/expr/compiler"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"

	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/engine/step"
)

// Ref is a static path of names that an expression reads, as long as it goes:
// steps clients outputs clients.
type Ref struct {
	Path []string
	Span diag.Span
}

// Expr is a compiled expression. It is immutable and may be used from many
// goroutines.
type Expr struct {
	src     *source
	shape   step.Shape
	refs    []Ref
	pure    *Ref  // the expression is this path and nothing else
	boolean bool  // the result is promised to be a boolean
	holds   facts // what is known where it is true
	parsed  ast.Node
	program *vm.Program

	truth     truth // as a condition
	constants []Constant
}

// Shape is the static type of the result.
func (e *Expr) Shape() step.Shape { return e.shape }

// Refs are the paths that the expression reads, in the order of the text.
func (e *Expr) Refs() []Ref { return e.refs }

// Source is the text of the expression.
func (e *Expr) Source() string { return strings.TrimSpace(e.src.text) }

// Span is where it stands.
func (e *Expr) Span() diag.Span { return e.src.whole() }

// EvalError is an expression that failed on the data of a run.
type EvalError struct {
	Span   diag.Span
	Reason string // one line, without anybody's data
}

// Error is the reason with its place.
func (e *EvalError) Error() string { return e.Span.String() + ": " + e.Reason }

// CompileExpr compiles a bare expression: what stands behind `if`, `where` and
// the like. The whole value may also be wrapped in ${{ }}. A want of the form
// boolean demands a boolean that is never nil, any other form what it accepts,
// and ShapeAny takes anything. The Expr is nil when there are problems,
// or when n is Broken.
func CompileExpr(n *flow.Node, s *Scope, want step.Shape) (*Expr, diag.List) {
	if n.Broken {
		return nil, nil
	}
	var problems diag.List
	if n.Kind != flow.Scalar {
		problems.Add("wrong-type", n.Span, "an expression is wanted, but this is %s", article(nodeShape(n))).
			WithHint(`write one, for instance: item.name != nil`)
		return nil, problems
	}
	if strings.TrimSpace(n.Text) == "" {
		problems.Add("expression-syntax", n.Span, "an expression is missing").WithHint(`write one, for instance: item.name != nil`)
		return nil, problems
	}
	from, to := 0, len(n.Text)
	if strings.Contains(n.Text, "${{") {
		parts, bad := splitTemplate(n)
		if len(bad) > 0 {
			return nil, bad
		}
		holes := 0
		for _, p := range parts {
			if p.hole {
				holes++
				from, to = p.from, p.to
			} else if strings.TrimSpace(n.Text[p.from:p.to]) != "" {
				problems.Add("text-around-expression", n.At(p.from, p.to), "there is text around the expression").
					WithDetail("Here stands one expression, without ${{ }} or wholly inside it.").
					WithHint(`write it without ${{ }}, with texts in quotes: item.name == "Anna"`)
				return nil, problems
			}
		}
		if holes != 1 {
			problems.Add("text-around-expression", n.Span, "one expression is wanted, but there are %d", holes).
				WithHint("join them without ${{ }}: a and b")
			return nil, problems
		}
	}
	e, problems := compile(n, from, to, s)
	if e == nil {
		return nil, problems
	}
	if want.Form == step.FormBool {
		c := &checker{scope: s, src: e.src}
		c.wantBool(e.parsed, e.shape, "this")
		problems = c.problems
	} else if !want.Accepts(e.shape) {
		problems.Add("wrong-type", e.Span(), "this must be %s, not %s", article(want), article(e.shape)).WithHint("%s", conversion(e, want))
	}
	if len(problems) > 0 {
		return nil, problems
	}
	e.boolean = want.Form == step.FormBool
	return e, nil
}

// compile checks and compiles the expression at n.Text[from:to].
func compile(n *flow.Node, from, to int, s *Scope) (*Expr, diag.List) {
	src, problems := newSource(n, from, to)
	if len(problems) > 0 {
		return nil, problems
	}
	if len(src.tokens) == 0 {
		problems.Add("expression-syntax", n.At(from, to), "an expression is missing between ${{ and }}").
			WithHint("write one, for instance ${{ client.name }}; for the characters themselves write $${{")
		return nil, problems
	}
	tree, err := parser.Parse(src.text)
	if err != nil {
		return nil, diag.List{src.syntax(err)}
	}
	c := &checker{
		scope: s, src: src, holds: s.known, shapes: map[ast.Node]step.Shape{}, inner: map[ast.Node]bool{},
		functions: map[string]*builtin.Function{}, clocks: map[ast.Node]bool{},
	}
	run, shape := c.expr(tree.Node)
	if len(c.problems) > 0 {
		c.problems.Sort()
		return nil, c.problems
	}
	e := &Expr{src: src, parsed: tree.Node, refs: c.refs, holds: c.facts(tree.Node, true), truth: c.truth(tree.Node), constants: c.constants}
	if path, ok := c.path(tree.Node); ok {
		e.pure = &Ref{Path: s.atRun(path), Span: src.whole()}
		shape.Stream = c.streams(path)
	}
	shape.Outcome = shape.Outcome || c.outcome
	e.shape = shape
	config := &conf.Config{ShortCircuit: true, Functions: c.functions, Env: nature.FromType(envType)}
	e.program, err = compiler.Compile(&parser.Tree{Node: run, Source: tree.Source}, config)
	if err != nil {
		line, _, _ := strings.Cut(err.Error(), "\n")
		problems.Add("expression-syntax", src.whole(), "the expression cannot be compiled: %s", line).WithHint("write it in simpler parts, in steps with `uses: set`")
		return nil, problems
	}
	return e, nil
}

// streams reports whether a path ends at a stream.
func (c *checker) streams(path []string) bool {
	s, ok := c.scope.lookup(path[0])
	for _, name := range path[1:] {
		var f step.Field
		if f, ok = s.Field(name); !ok {
			return false
		}
		s = f.Shape
	}
	return ok && s.Stream
}

var envType = reflect.TypeFor[map[string]any]()

// memoryBudget is how many values the machine may make in one evaluation.
const memoryBudget = 4 * maxElements

// Eval computes the expression. env holds the root names; an error is always an
// *EvalError.
func (e *Expr) Eval(env map[string]any) (any, error) {
	machine := vm.VM{MemoryBudget: memoryBudget}
	return e.run(&machine, env)
}

func (e *Expr) run(machine *vm.VM, env map[string]any) (any, error) {
	out, there := e.named(env)
	if !there {
		var err error
		if out, err = machine.Run(e.program, env); err != nil {
			return nil, e.explain(err)
		}
	}
	if _, ok := out.(bool); e.boolean && !ok {
		return nil, &EvalError{Span: e.Span(), Reason: "the condition gave " + describeValue(out) + ", not a boolean"}
	}
	switch e.shape.Form {
	case step.FormNumber:
		if n, ok := out.(int); ok {
			return float64(n), nil
		}
	case step.FormSecret:
		if s, ok := out.(string); ok {
			return step.NewSecret(s), nil
		}
	}
	return out, nil
}

// named gives what the expression names where it is a path and nothing else, and all
// of the path is there. That takes a quarter of what the machine does.
func (e *Expr) named(env map[string]any) (v any, there bool) {
	if e.pure == nil {
		return nil, false
	}
	v = env
	for _, name := range e.pure.Path {
		m, isMap := v.(map[string]any)
		if !isMap {
			return nil, false
		}
		if v, there = m[name]; !there {
			return nil, false
		}
	}
	return v, true
}

// explain turns an error of the machine into ours. Panics of the machine speak
// of Go types; functions of ours speak to the user.
func (e *Expr) explain(err error) error {
	out := &EvalError{Span: e.Span(), Reason: "the expression fails on this data"}
	var f *file.Error
	if !errors.As(err, &f) {
		return out
	}
	out.Span = e.src.at(f.Location)
	var own *EvalError
	switch {
	case errors.As(f.Prev, &own):
		return own
	case strings.Contains(f.Message, "memory budget"):
		out.Reason = fmt.Sprintf("the expression would make more than %d values", memoryBudget)
	case strings.Contains(f.Message, "interface conversion"), f.Prev == nil:
		out.Reason = "a value here has another type than its source promises"
	default:
		out.Reason = firstLine(f.Prev.Error())
	}
	return out
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// Bound is an expression with everything but the record: what a kind gets as its
// Expr or Predicate. It may be used from many goroutines.
type Bound struct {
	expr *Expr
	pool sync.Pool // of *frame
}

// frame is what one evaluation at a time may use.
type frame struct {
	machine vm.VM
	env     map[string]any
}

// Bind fixes env as it is now; `item` is added for each record.
func (e *Expr) Bind(env map[string]any) *Bound {
	own := make(map[string]any, len(env)+1)
	maps.Copy(own, env)
	b := &Bound{expr: e}
	b.pool.New = func() any {
		return &frame{machine: vm.VM{MemoryBudget: memoryBudget}, env: maps.Clone(own)}
	}
	return b
}

// Eval computes the expression for one record.
func (b *Bound) Eval(item any) (any, error) {
	f := b.pool.Get().(*frame)
	f.env["item"] = item
	out, err := b.expr.run(&f.machine, f.env)
	f.env["item"] = nil
	b.pool.Put(f)
	return out, err
}

// Test computes a condition for one record.
func (b *Bound) Test(item any) (bool, error) {
	out, err := b.Eval(item)
	if err != nil {
		return false, err
	}
	held, ok := out.(bool)
	if !ok {
		return false, &EvalError{Span: b.expr.Span(), Reason: "the condition gave " + describeValue(out) + ", not a boolean"}
	}
	return held, nil
}

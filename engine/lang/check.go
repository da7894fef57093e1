package lang

import (
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/builtin"

	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/step"
)

// checker types one expression and, in the same walk, builds the tree that
// expr's machine will run. The two differ where expr would fail on nil or empty
// data, forget the order of things, or use the machine's zone: there the tree
// that runs calls functions of ours. The tree that was parsed is never changed.
type checker struct {
	scope    *Scope
	src      *source
	problems diag.List

	vars      []step.Field // of let
	pointers  []step.Shape // the records of the enclosing predicates
	holds     facts
	shapes    map[ast.Node]step.Shape
	refs      []Ref
	inner     map[ast.Node]bool            // begins of a longer path, which is the reference
	functions map[string]*builtin.Function // that the tree calls
	clocks    map[ast.Node]bool            // arguments of functions that read a clock

	outcome   bool       // something known only after sends have settled was read
	constants []Constant // conditions that no data can change
}

// unknown is the shape of what has a problem already. Not being nullable, it is
// accepted everywhere and causes no second message.
var unknown = step.Shape{Form: step.FormAny}

// fail records a problem at n.
func (c *checker) fail(n ast.Node, code, format string, args ...any) *diag.Diagnostic {
	return c.problems.Add(code, c.src.span(n), format, args...)
}

// expr types n under what holds at its place, and gives the node to run.
func (c *checker) expr(n ast.Node) (ast.Node, step.Shape) {
	run, s := c.visit(n)
	setType(run)
	s = c.narrowed(n, s)
	s.Stream = false // the engine has collected what is not passed through untouched
	if s.Outcome {
		c.outcome = true
	}
	c.shapes[n] = s
	return run, s
}

// under types n where more is known.
func (c *checker) under(more facts, n ast.Node) (ast.Node, step.Shape) {
	saved := c.holds
	c.holds = saved.plus(more)
	defer func() { c.holds = saved }()
	return c.expr(n)
}

func (c *checker) visit(n ast.Node) (ast.Node, step.Shape) {
	switch n := n.(type) {
	case *ast.NilNode:
		return n, step.ShapeNil
	case *ast.BoolNode:
		return n, step.ShapeBool
	case *ast.IntegerNode:
		return n, step.ShapeInt
	case *ast.FloatNode:
		return n, step.ShapeNumber
	case *ast.StringNode:
		return n, step.ShapeText
	case *ast.IdentifierNode:
		return c.identifier(n)
	case *ast.PointerNode:
		return c.pointer(n)
	case *ast.ChainNode:
		return c.chain(n)
	case *ast.MemberNode:
		return c.member(n)
	case *ast.SliceNode:
		return c.slice(n)
	case *ast.UnaryNode:
		return c.unary(n)
	case *ast.BinaryNode:
		return c.binary(n)
	case *ast.ConditionalNode:
		return c.conditional(n)
	case *ast.VariableDeclaratorNode:
		return c.let(n)
	case *ast.ArrayNode:
		return c.array(n)
	case *ast.MapNode:
		return c.object(n)
	case *ast.BuiltinNode, *ast.CallNode:
		return c.call(n)
	case *ast.PredicateNode:
		return c.expr(n.Node)
	case *ast.BytesNode:
		c.fail(n, "not-in-language", "there are no byte strings").WithHint(`write a text: "…"`)
	case *ast.SequenceNode:
		c.fail(n, "expression-syntax", `";" does not belong here`).
			WithHint("an expression is one value; `let x = …; …` is the only place for a semicolon")
	default:
		c.fail(n, "not-in-language", "this does not exist in the language").WithHint("docs/functions.md lists what there is")
	}
	return n, unknown
}

// identifier is a name of let or of the scope.
func (c *checker) identifier(n *ast.IdentifierNode) (ast.Node, step.Shape) {
	if s, ok := c.variable(n.Value); ok {
		return n, s
	}
	return c.root(n)
}

func (c *checker) variable(name string) (step.Shape, bool) {
	for i := len(c.vars) - 1; i >= 0; i-- {
		if c.vars[i].Name == name {
			return c.vars[i].Shape, true
		}
	}
	return step.Shape{}, false
}

// root is the first name of a path that begins in the scope.
func (c *checker) root(n *ast.IdentifierNode) (ast.Node, step.Shape) {
	if n.Value == "secrets" {
		return n, c.secrets(n)
	}
	s, ok := c.scope.lookup(n.Value)
	if !ok {
		c.unknownName(n, n.Value)
		return n, unknown
	}
	if !c.inner[n] && !c.use(n, []string{n.Value}) {
		return n, unknown
	}
	if name := c.scope.atRun([]string{n.Value})[0]; name != n.Value {
		return at(n, &ast.IdentifierNode{Value: name}), s
	}
	return n, s
}

// use records the longest static path of names from a root of the scope, or
// refuses it where it is barred.
func (c *checker) use(n ast.Node, path []string) bool {
	span := c.src.span(n)
	if b, ok := c.scope.barrierOn(path); ok {
		d := c.problems.Add(b.code, span, "%s may not be used here", strings.Join(path, "."))
		d.Detail, d.Hint = b.why, b.hint
		return false
	}
	if c.scope.within != "" && len(path) == 1 && path[0] == "steps" {
		c.problems.Add("not-in-language", span, "steps is no value by itself").
			WithDetail("A flow that another one uses knows its own steps, each by its name.").
			WithHint("name the step: steps.x.outputs.y")
		return false
	}
	c.refs = append(c.refs, Ref{Path: c.scope.atRun(path), Span: span})
	return true
}

// secrets checks that a secret may stand here at all.
func (c *checker) secrets(n *ast.IdentifierNode) step.Shape {
	switch {
	case !c.scope.secrets:
		c.fail(n, "secret-not-allowed", "a secret may not be used here").
			WithDetail("Secrets are accepted only where a secret is wanted, such as apiToken, so that none can end up in a message, a file or the plan.").
			WithHint("a value that is no secret belongs into `inputs` or `env`")
	case !c.inner[n]:
		c.fail(n, "wrong-type", "secrets is no value by itself").WithHint("name one: secrets.CHAT2DESK_API_TOKEN")
	}
	return unknown
}

// pointer is `#`, `#index` or the record before `.field`.
func (c *checker) pointer(n *ast.PointerNode) (ast.Node, step.Shape) {
	if len(c.pointers) == 0 {
		c.fail(n, "expression-syntax", "there is no record here").
			WithHint("# and .field stand only inside the second argument of filter, map, any, all and their like")
		return n, unknown
	}
	switch n.Name {
	case "":
		return n, c.pointers[len(c.pointers)-1]
	case "index":
		return n, step.ShapeInt
	}
	c.fail(n, "unknown-name", "unknown name %q", "#"+n.Name).WithHint("# is the record, #index its place in the list, counted from 0")
	return n, unknown
}

// chain is a path with `?.` in it: nil when something before a `?.` is nil.
func (c *checker) chain(n *ast.ChainNode) (ast.Node, step.Shape) {
	c.inner[n.Node] = c.inner[n]
	run, s := c.expr(n.Node)
	if optionalIn(n.Node, c) {
		s = s.OrNil()
	}
	return at(n, &ast.ChainNode{Node: run}), s
}

// optionalIn reports whether a `?.` of the chain can really meet nil.
func optionalIn(n ast.Node, c *checker) bool {
	for {
		switch x := n.(type) {
		case *ast.MemberNode:
			if x.Optional && c.shapes[x.Node].Nullable {
				return true
			}
			n = x.Node
		case *ast.CallNode:
			n = x.Callee
		default:
			return false
		}
	}
}

// let is `let name = value; rest`.
func (c *checker) let(n *ast.VariableDeclaratorNode) (ast.Node, step.Shape) {
	value, s := c.expr(n.Value)
	if _, taken := c.scope.lookup(n.Name); taken || isReserved(n.Name) {
		c.problems.Add("name-taken", c.src.at(n.Location()), "%q already means something else", n.Name).WithHint("choose another name for let")
	} else if _, taken := c.variable(n.Name); taken {
		c.problems.Add("name-taken", c.src.at(n.Location()), "%q is defined twice", n.Name).WithHint("choose another name for let")
	}
	c.vars = append(c.vars, step.Field{Name: n.Name, Shape: s})
	saved := c.holds
	c.holds = saved.without(n.Name)
	rest, result := c.expr(n.Expr)
	c.holds = saved
	c.vars = c.vars[:len(c.vars)-1]
	return at(n, &ast.VariableDeclaratorNode{Name: n.Name, Value: value, Expr: rest}), result
}

func (c *checker) array(n *ast.ArrayNode) (ast.Node, step.Shape) {
	out := &ast.ArrayNode{Nodes: make([]ast.Node, len(n.Nodes))}
	shapes := make([]step.Shape, len(n.Nodes))
	for i, e := range n.Nodes {
		out.Nodes[i], shapes[i] = c.expr(e)
		c.noSecret(e, shapes[i])
	}
	if len(shapes) == 0 {
		return at(n, out), step.Shape{Form: step.FormList}
	}
	elem := shapes[0]
	for _, s := range shapes[1:] {
		elem = join(elem, s)
	}
	for i := range out.Nodes {
		out.Nodes[i] = c.convert(out.Nodes[i], shapes[i], elem)
	}
	return at(n, out), step.ListOf(elem)
}

func (c *checker) object(n *ast.MapNode) (ast.Node, step.Shape) {
	out := &ast.MapNode{}
	s := step.Shape{Form: step.FormObject}
	for _, p := range n.Pairs {
		pair := p.(*ast.PairNode)
		value, shape := c.expr(pair.Value)
		c.noSecret(pair.Value, shape)
		key, ok := pair.Key.(*ast.StringNode)
		switch {
		case !ok:
			c.fail(pair.Key, "computed-key", "the names of an object are written out, not computed").
				WithHint(`write {"name": value}; to look things up by a computed text, use groupBy or a step with uses: join`)
			continue
		case slices.Contains(s.Names(), key.Value):
			c.fail(key, "duplicate-key", "the name %q stands twice in the object", key.Value).WithHint("take one of the two out")
			continue
		}
		out.Pairs = append(out.Pairs, at(pair, &ast.PairNode{Key: key, Value: value}))
		s.Fields = append(s.Fields, step.Field{Name: key.Value, Shape: shape})
	}
	return at(n, out), s
}

// conditional is `cond ? a : b` and `if cond { a } else { b }`.
func (c *checker) conditional(n *ast.ConditionalNode) (ast.Node, step.Shape) {
	cond, s := c.expr(n.Cond)
	if n.Exp1 == n.Cond { // a ?: b
		c.fail(n, "not-in-language", "?: is not part of the language").WithHint("write ?? for a value in place of nil")
		return n, unknown
	}
	c.wantBool(n.Cond, s, "the condition before ?")
	c.constant(n.Cond)
	a, sa := c.under(c.facts(n.Cond, true), n.Exp1)
	b, sb := c.under(c.facts(n.Cond, false), n.Exp2)
	result := join(sa, sb)
	return at(n, &ast.ConditionalNode{
		Ternary: n.Ternary, Cond: c.ensure(cond, s, step.FormBool),
		Exp1: c.convert(a, sa, result), Exp2: c.convert(b, sb, result),
	}), result
}

// noSecret refuses a secret as part of something that could be printed.
func (c *checker) noSecret(n ast.Node, s step.Shape) step.Shape {
	if s.Form != step.FormSecret {
		return s
	}
	c.fail(n, "secret-not-allowed", "a secret may only be passed on as it is").
		WithHint("write ${{ secrets.NAME }} and nothing around it")
	return unknown
}

// convert makes an integer a number where it stands beside numbers, so that a
// value of a form always has the one Go type of that form.
func (c *checker) convert(run ast.Node, from, to step.Shape) ast.Node {
	for from.Form == step.FormList && to.Form == step.FormList && from.Elem != nil && to.Elem != nil {
		from, to = *from.Elem, *to.Elem
	}
	if from.Form != step.FormInt || to.Form != step.FormNumber {
		return run
	}
	return c.internal(run, "·number", run)
}

// join is step.Join with the private parts of shapes (see dictionary) kept.
func join(a, b step.Shape) step.Shape {
	s := step.Join(a, b)
	if s.Form == step.FormObject {
		s.Elem = nil
		if a.Elem != nil && b.Elem != nil {
			e := join(*a.Elem, *b.Elem)
			s.Elem = &e
		}
	}
	if s.Form == step.FormAny { // Join forgets that neither can be nil
		s.Nullable = a.Nullable || b.Nullable
	}
	return s
}

// dictionary is an object whose names are data, each holding an elem. In a Shape
// it is an open object with an Elem; only this package makes and reads them.
func dictionary(elem step.Shape) step.Shape {
	return step.Shape{Form: step.FormObject, Open: true, Elem: &elem}
}

// at gives a new node the place of the one that it stands for.
func at[N ast.Node](old ast.Node, n N) N {
	n.SetLocation(old.Location())
	return n
}

package lang

import (
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"

	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/flow"
)

// Collected is a call that takes the whole of a list by its path: of a stream, the
// list is collected in memory for it.
type Collected struct {
	Function string // of the call
	Inside   string // the function that the call is the only argument of, or ""
	Path     []string
	Span     diag.Span
	Whole    bool // the expression is this call and nothing else
}

// Collected lists the calls whose first argument is a path.
func (e *Expr) Collected() []Collected {
	v := &collector{expr: e, within: map[ast.Node]string{}}
	root := e.parsed
	ast.Walk(&root, v)
	return v.found
}

// collector visits children before parents, so a call is noted before the one
// around it is seen.
type collector struct {
	expr   *Expr
	within map[ast.Node]string
	found  []Collected
	nodes  []ast.Node // of found
}

// Visit looks at one node.
func (v *collector) Visit(n *ast.Node) {
	name, args, ok := callOf(*n)
	if !ok || len(args) == 0 {
		return
	}
	if path, ok := staticPath(args[0]); ok && path[0] == "steps" {
		v.found = append(v.found, Collected{Function: name, Path: path, Span: v.expr.src.span(*n), Whole: *n == v.expr.parsed})
		v.nodes = append(v.nodes, *n)
		return
	}
	for i, inner := range v.nodes {
		if len(args) == 1 && inner == args[0] {
			v.found[i].Inside, v.found[i].Span = name, v.expr.src.span(*n)
		}
	}
}

// staticPath is a path of names from a root of the scope; that a let could hide
// the root is of no concern, since steps cannot be a name of let.
func staticPath(n ast.Node) ([]string, bool) {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		return []string{n.Value}, true
	case *ast.ChainNode:
		return staticPath(n.Node)
	case *ast.MemberNode:
		name, ok := n.Property.(*ast.StringNode)
		if !ok || n.Method {
			return nil, false
		}
		base, ok := staticPath(n.Node)
		return append(base, name.Value), ok
	}
	return nil, false
}

// Node is where the value was written.
func (v *Value) Node() *flow.Node { return v.node }

// Exprs lists every expression in the value.
func (v *Value) Exprs() []*Expr {
	switch f := v.form.(type) {
	case exprForm:
		return []*Expr{f.Expr}
	case boundForm:
		return []*Expr{f.Expr}
	case textForm:
		return f.exprs()
	case secretForm:
		return f.exprs()
	case oneTextForm:
		return f.exprs()
	case listForm:
		var all []*Expr
		for _, item := range f {
			all = append(all, item.Exprs()...)
		}
		return all
	case objectForm:
		var all []*Expr
		for _, item := range f {
			all = append(all, item.Value.Exprs()...)
		}
		return all
	case namedForm:
		var all []*Expr
		for _, item := range f {
			all = append(all, item.Value.Exprs()...)
		}
		return all
	}
	return nil
}

func (t *template) exprs() []*Expr {
	var all []*Expr
	for _, p := range t.parts {
		if p.hole != nil {
			all = append(all, p.hole)
		}
	}
	return all
}

// LeastLength is how many characters a text has at least: those written out.
func (v *Value) LeastLength() int {
	switch f := v.form.(type) {
	case literalForm:
		text, _ := f.value.(string)
		return utf8.RuneCountInString(text)
	case textForm:
		n := 0
		for _, p := range f.parts {
			n += utf8.RuneCountInString(p.text)
		}
		return n
	}
	return 0
}

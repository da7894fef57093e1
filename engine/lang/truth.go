package lang

import (
	"cmp"
	"strings"

	"github.com/expr-lang/expr/ast"

	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/step"
)

// Constant is a condition inside an expression that no data can change.
type Constant struct {
	Span   diag.Span
	Source string
	Always bool // always true; else never
}

// Constants lists the conditions of predicates and of ?: that are constant.
func (e *Expr) Constants() []Constant { return e.constants }

// Truth reports whether the expression, taken as a condition, is constant.
func (e *Expr) Truth() (Constant, bool) {
	if e.truth == maybe {
		return Constant{}, false
	}
	return Constant{Span: e.Span(), Source: e.Source(), Always: e.truth == always}, true
}

// truth is what is known of a condition without any data.
type truth int8

const (
	never  truth = -1
	maybe  truth = 0
	always truth = 1
)

// constant notes a condition that is one; it is asked while the records of the
// predicates around it are still known.
func (c *checker) constant(n ast.Node) {
	if t := c.truth(n); t != maybe {
		c.constants = append(c.constants, Constant{Span: c.src.span(n), Source: c.text(n), Always: t == always})
	}
}

// truth decides a condition where its form and the types of its parts suffice.
// It errs on the side of maybe.
func (c *checker) truth(n ast.Node) truth {
	switch n := n.(type) {
	case *ast.BoolNode:
		if n.Value {
			return always
		}
		return never
	case *ast.UnaryNode:
		if n.Operator == "not" || n.Operator == "!" {
			return -c.truth(n.Node)
		}
	case *ast.BinaryNode:
		switch n.Operator {
		case "and", "&&":
			return c.conjunction(n, 1)
		case "or", "||":
			return -c.conjunction(n, -1)
		case "==":
			return c.equalTruth(n)
		case "!=":
			return -c.equalTruth(n)
		case "<", "<=", ">", ">=":
			return c.orderTruth(n)
		}
	}
	return maybe
}

// equalTruth decides x == y.
func (c *checker) equalTruth(n *ast.BinaryNode) truth {
	for _, pair := range [][2]ast.Node{{n.Left, n.Right}, {n.Right, n.Left}} {
		if _, ok := pair[1].(*ast.NilNode); !ok {
			continue
		}
		s := c.shapes[pair[0]]
		switch {
		case s.Form == step.FormNil:
			return always
		case s.Form != step.FormAny && !s.Nullable:
			return never
		}
		return maybe
	}
	if k := c.key(n.Left); k != "" && k == c.key(n.Right) {
		return always
	}
	if order, ok := compareLiterals(n.Left, n.Right); ok {
		return truthOf(order == 0)
	}
	return maybe
}

// orderTruth decides x < y and its like for literals, and that a length is never
// negative.
func (c *checker) orderTruth(n *ast.BinaryNode) truth {
	if order, ok := compareLiterals(n.Left, n.Right); ok {
		switch n.Operator {
		case "<":
			return truthOf(order < 0)
		case "<=":
			return truthOf(order <= 0)
		case ">":
			return truthOf(order > 0)
		}
		return truthOf(order >= 0)
	}
	t, ok := c.term(n)
	if name, _, called := callOf(t.node); ok && called && (name == "len" || name == "count") {
		switch limit, _ := t.literal.(float64); {
		case t.op == ">=" && limit <= 0, t.op == ">" && limit < 0:
			return always
		case t.op == "<" && limit <= 0, t.op == "<=" && limit < 0:
			return never
		}
	}
	return maybe
}

func truthOf(b bool) truth {
	if b {
		return always
	}
	return never
}

// conjunction decides `a and b and …`, or, with sign -1, the negation of
// `a or b or …`, which is the conjunction of the negations.
func (c *checker) conjunction(n *ast.BinaryNode, sign truth) truth {
	var parts []ast.Node
	var flatten func(ast.Node)
	flatten = func(x ast.Node) {
		if b, ok := x.(*ast.BinaryNode); ok && sameJunction(b.Operator, n.Operator) {
			flatten(b.Left)
			flatten(b.Right)
			return
		}
		parts = append(parts, x)
	}
	flatten(n)
	result := always
	var terms []term
	for _, p := range parts {
		switch c.truth(p) * sign {
		case never:
			return never
		case maybe:
			result = maybe
		}
		if t, ok := c.term(p); ok && t.key != "" {
			if sign < 0 {
				t.op = opposite[t.op]
			}
			terms = append(terms, t)
		}
	}
	if contradict(terms) {
		return never
	}
	return result
}

func sameJunction(a, b string) bool {
	return isAnd(a) == isAnd(b) && (isAnd(a) || a == "or" || a == "||")
}

// term is a comparison of one thing with a literal.
type term struct {
	node    ast.Node
	key     string
	op      string
	literal any // float64, string or bool
}

var (
	opposite = map[string]string{"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
	mirrored = map[string]string{"==": "==", "!=": "!=", "<": ">", ">": "<", "<=": ">=", ">=": "<="}
)

// term takes a comparison apart.
func (c *checker) term(n ast.Node) (term, bool) {
	b, ok := n.(*ast.BinaryNode)
	if !ok || mirrored[b.Operator] == "" {
		return term{}, false
	}
	if v, ok := literalValue(b.Right); ok {
		return term{b.Left, c.key(b.Left), b.Operator, v}, true
	}
	if v, ok := literalValue(b.Left); ok {
		return term{b.Right, c.key(b.Right), mirrored[b.Operator], v}, true
	}
	return term{}, false
}

// contradict reports whether two of the terms cannot hold at once. A comparison
// of order is never made with nil, and nil differs from every literal, so nil
// needs no case of its own.
func contradict(terms []term) bool {
	for i, a := range terms {
		for _, b := range terms[i+1:] {
			if a.key == b.key && (excludes(a, b) || excludes(b, a)) {
				return true
			}
		}
	}
	return false
}

// excludes reports whether a leaves no room for b.
func excludes(a, b term) bool {
	order, ok := literalOrder(a.literal, b.literal)
	if !ok {
		return false
	}
	switch a.op + " " + b.op {
	case "== ==":
		return order != 0
	case "== !=":
		return order == 0
	case "== <", "> <":
		return order >= 0
	case "== >":
		return order <= 0
	case "== <=":
		return order > 0
	case "== >=":
		return order < 0
	case "> <=", ">= <":
		return order >= 0
	case ">= <=":
		return order > 0
	}
	return false
}

// literalValue is a value written out in an expression; integers and numbers are
// one kind.
func literalValue(n ast.Node) (any, bool) {
	switch n := n.(type) {
	case *ast.IntegerNode:
		return float64(n.Value), true
	case *ast.FloatNode:
		return n.Value, true
	case *ast.StringNode:
		return n.Value, true
	case *ast.BoolNode:
		return n.Value, true
	case *ast.UnaryNode:
		if v, ok := literalValue(n.Node); ok && n.Operator == "-" {
			f, ok := v.(float64)
			return -f, ok
		}
	}
	return nil, false
}

func compareLiterals(a, b ast.Node) (int, bool) {
	x, ok := literalValue(a)
	y, also := literalValue(b)
	if !ok || !also {
		return 0, false
	}
	return literalOrder(x, y)
}

func literalOrder(a, b any) (int, bool) {
	switch x := a.(type) {
	case float64:
		y, ok := b.(float64)
		return cmp.Compare(x, y), ok
	case string:
		y, ok := b.(string)
		return strings.Compare(x, y), ok
	case bool:
		y, ok := b.(bool)
		if x == y {
			return 0, ok
		}
		return 1, ok
	}
	return 0, false
}

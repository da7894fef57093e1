package lang

import (
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"

	"github.com/flowrunner/flowrunner/engine/step"
)

// facts is what is known at a place of an expression, by the key of a
// subexpression (see checker.key). Everything in the language is pure, so what
// held once holds as long as the names mean the same. A facts value is never
// changed.
type facts map[string]fact

// fact is what is known of one subexpression.
type fact uint8

const (
	notNil  fact = 1 << iota
	notZero      // an integer or number; as a divisor it is safe
)

func (f facts) plus(more facts) facts {
	if len(more) == 0 {
		return f
	}
	out := make(facts, len(f)+len(more))
	for k, v := range f {
		out[k] = v
	}
	for k, v := range more {
		out[k] |= v
	}
	return out
}

// both is what holds when either f or g does.
func (f facts) both(g facts) facts {
	out := facts{}
	for k, v := range f {
		if w := v & g[k]; w != 0 {
			out[k] = w
		}
	}
	return out
}

// without forgets what is known of a root name.
func (f facts) without(root string) facts {
	out := facts{}
	for k, v := range f {
		if !mentions(k, root) {
			out[k] = v
		}
	}
	return out
}

// mentions reports whether a key speaks of a root name. It may err on the side
// of yes.
func mentions(key, root string) bool {
	for {
		i := strings.Index(key, root)
		if i < 0 {
			return false
		}
		key = key[i+len(root):]
		if key == "" || !isWord(rune(key[0])) {
			return true
		}
	}
}

func isWord(r rune) bool {
	return r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r > 127
}

// key is a canonical text of a subexpression whose value is the same wherever
// the text is the same; "" for one of which nothing is remembered. `a?.b` and
// `a.b` have one key: they differ only where a is nil.
func (c *checker) key(n ast.Node) string {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		return n.Value
	case *ast.PointerNode:
		if len(c.pointers) == 0 {
			return ""
		}
		return "#" + n.Name + strconv.Itoa(len(c.pointers))
	case *ast.ChainNode:
		return c.key(n.Node)
	case *ast.MemberNode:
		base := c.key(n.Node)
		if base == "" || n.Method {
			return ""
		}
		switch p := n.Property.(type) {
		case *ast.StringNode:
			return base + "." + p.Value
		default:
			if index := c.key(p); index != "" {
				return base + "[" + index + "]"
			}
		}
	case *ast.IntegerNode:
		return strconv.Itoa(n.Value)
	case *ast.StringNode:
		return strconv.Quote(n.Value)
	case *ast.UnaryNode:
		if i, ok := n.Node.(*ast.IntegerNode); ok && n.Operator == "-" {
			return "-" + strconv.Itoa(i.Value)
		}
	case *ast.BuiltinNode:
		return c.callKey(n.Name, n.Arguments)
	case *ast.CallNode:
		if f, ok := n.Callee.(*ast.IdentifierNode); ok {
			return c.callKey(f.Value, n.Arguments)
		}
	}
	return ""
}

func (c *checker) callKey(name string, args []ast.Node) string {
	parts := make([]string, len(args))
	for i, a := range args {
		if parts[i] = c.key(a); parts[i] == "" {
			return ""
		}
	}
	return name + "(" + strings.Join(parts, ",") + ")"
}

// facts gives what is known when n is true, or when it is false. It is asked
// after n was checked, since it needs the shapes of operands.
func (c *checker) facts(n ast.Node, truth bool) facts {
	switch n := n.(type) {
	case *ast.UnaryNode:
		if n.Operator == "not" || n.Operator == "!" {
			return c.facts(n.Node, !truth)
		}
	case *ast.BinaryNode:
		switch n.Operator {
		case "and", "&&", "or", "||":
			l, r := c.facts(n.Left, truth), c.facts(n.Right, truth)
			if isAnd(n.Operator) == truth {
				return l.plus(r)
			}
			return l.both(r)
		case "==", "!=":
			return c.equalFacts(n, (n.Operator == "==") == truth)
		case "<", ">", "<=", ">=":
			if truth {
				return c.orderFacts(n)
			}
		case "in":
			if truth && !c.shapes[n.Right].Element().Nullable {
				return c.known(n.Left, notNil)
			}
		}
	case *ast.ConditionalNode:
		if b, ok := n.Exp2.(*ast.BoolNode); ok && truth && !b.Value {
			return c.facts(n.Cond, true).plus(c.facts(n.Exp1, true))
		}
	case *ast.BuiltinNode, *ast.CallNode:
		// within(t, …) and its like are false on nil, so true says that there is a time.
		if name, args, ok := callOf(n); ok && truth && len(args) > 0 && falseOnNil(name) {
			return c.known(args[0], notNil)
		}
	}
	return nil
}

func isAnd(op string) bool { return op == "and" || op == "&&" }

func falseOnNil(name string) bool {
	return name == "within" || name == "olderThan" || name == "upcoming"
}

// equalFacts serves `==` that is true, or `!=` that is true when equal is false.
func (c *checker) equalFacts(n *ast.BinaryNode, equal bool) facts {
	for _, pair := range [][2]ast.Node{{n.Left, n.Right}, {n.Right, n.Left}} {
		x, y := pair[0], pair[1]
		// (a ?? "") != "" says that there is an a.
		if b, ok := x.(*ast.BinaryNode); ok && !equal && b.Operator == "??" && isLiteral(y) && b.Right.String() == y.String() {
			return c.known(b.Left, notNil)
		}
		switch y := y.(type) {
		case *ast.NilNode:
			if !equal {
				return c.known(x, notNil)
			}
			return nil
		case *ast.IntegerNode:
			if equal == (y.Value != 0) {
				zero := c.known(x, notZero)
				if equal {
					return zero.plus(c.known(x, notNil))
				}
				return zero
			}
		}
	}
	if !equal {
		return nil
	}
	var f facts
	if !c.shapes[n.Right].Nullable {
		f = c.known(n.Left, notNil)
	}
	if !c.shapes[n.Left].Nullable {
		f = f.plus(c.known(n.Right, notNil))
	}
	return f
}

func isLiteral(n ast.Node) bool {
	switch n.(type) {
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return true
	}
	return false
}

// orderFacts knows that x > 0, x >= 1 and their mirror images make x a safe
// divisor.
func (c *checker) orderFacts(n *ast.BinaryNode) facts {
	x, y, op := n.Left, n.Right, n.Operator
	if _, ok := x.(*ast.IntegerNode); ok {
		x, y = y, x
		op = map[string]string{"<": ">", ">": "<", "<=": ">=", ">=": "<="}[op]
	}
	i, ok := y.(*ast.IntegerNode)
	if ok && (op == ">" && i.Value >= 0 || op == ">=" && i.Value > 0) {
		return c.known(x, notZero)
	}
	return nil
}

// known states a fact of n; of a path `a?.b` also that a is not nil.
func (c *checker) known(n ast.Node, what fact) facts {
	f := facts{}
	if k := c.key(n); k != "" {
		f[k] |= what
	}
	for what == notNil {
		switch x := n.(type) {
		case *ast.ChainNode:
			n = x.Node
			continue
		case *ast.MemberNode:
			n = x.Node
			if k := c.key(n); k != "" {
				f[k] |= notNil
			}
			continue
		}
		break
	}
	return f
}

// narrowed applies what is known of n to its shape.
func (c *checker) narrowed(n ast.Node, s step.Shape) step.Shape {
	if !s.Nullable || len(c.holds) == 0 {
		return s
	}
	if k := c.key(n); k != "" && c.holds[k]&notNil != 0 {
		return s.NotNil()
	}
	// A list with an element has a first and a last one.
	if list, ok := endOf(n); ok && !c.shapes[list].Element().Nullable {
		if k := c.key(list); k != "" && c.holds["len("+k+")"]&notZero != 0 {
			return s.NotNil()
		}
	}
	return s
}

// endOf takes first(list), last(list), list[0] and list[-1] apart.
func endOf(n ast.Node) (list ast.Node, ok bool) {
	if name, args, ok := callOf(n); ok && len(args) == 1 && (name == "first" || name == "last") {
		return args[0], true
	}
	m, ok := n.(*ast.MemberNode)
	if !ok {
		return nil, false
	}
	if i, ok := m.Property.(*ast.IntegerNode); ok && i.Value == 0 {
		return m.Node, true
	}
	if u, ok := m.Property.(*ast.UnaryNode); ok && u.Operator == "-" {
		if i, ok := u.Node.(*ast.IntegerNode); ok && i.Value == 1 {
			return m.Node, true
		}
	}
	return nil, false
}

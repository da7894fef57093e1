package lang

import (
	"regexp"

	"github.com/expr-lang/expr/ast"

	"github.com/flowrunner/flowrunner/engine/step"
)

func (c *checker) unary(n *ast.UnaryNode) (ast.Node, step.Shape) {
	run, s := c.expr(n.Node)
	switch n.Operator {
	case "not", "!":
		if s.Form != step.FormBool && s.Form != step.FormAny && s.Form != step.FormNil {
			c.fail(n.Node, "wrong-type", "what stands behind %s must be a boolean, not %s", n.Operator, article(s.NotNil())).
				WithDetail("%s belongs to the value right behind it, not to a comparison.", n.Operator).
				WithHint(`write parentheses around a comparison: %s (%s == …)`, n.Operator, c.code(n.Node))
			return n, unknown
		}
		c.wantBool(n.Node, s, "what stands behind "+n.Operator)
		return at(n, &ast.UnaryNode{Operator: "not", Node: c.ensure(run, s, step.FormBool)}), step.ShapeBool
	case "-":
		if !c.wantForm(n.Node, s, "what stands behind -", step.FormInt, step.FormNumber, step.FormDuration) {
			return n, unknown
		}
		return c.internal(n, "·negate", run), s
	}
	c.wantForm(n.Node, s, "what stands behind +", step.FormInt, step.FormNumber)
	return run, s
}

func (c *checker) binary(n *ast.BinaryNode) (ast.Node, step.Shape) {
	left, l := c.expr(n.Left)
	var more facts
	switch n.Operator {
	case "and", "&&":
		more = c.facts(n.Left, true)
	case "or", "||":
		more = c.facts(n.Left, false)
	}
	right, r := c.under(more, n.Right)
	plain := func() ast.Node {
		return at(n, &ast.BinaryNode{Operator: n.Operator, Left: left, Right: right})
	}
	switch n.Operator {
	case "and", "&&", "or", "||":
		c.wantBool(n.Left, l, "the left side of "+n.Operator)
		c.wantBool(n.Right, r, "the right side of "+n.Operator)
		left, right = c.ensure(left, l, step.FormBool), c.ensure(right, r, step.FormBool)
		return plain(), step.ShapeBool
	case "==", "!=":
		c.equality(n, l, r)
		if needsDeepEqual(l) && needsDeepEqual(r) {
			c.reads([]step.Shape{l, r})
			same := c.internal(n, "·==", left, right)
			if n.Operator == "!=" {
				return at(n, &ast.UnaryNode{Operator: "not", Node: same}), step.ShapeBool
			}
			return same, step.ShapeBool
		}
		return plain(), step.ShapeBool
	case "<", ">", "<=", ">=":
		c.ordering(n, l, r)
		if l.Form == step.FormAny || r.Form == step.FormAny {
			return c.internal(n, "·"+n.Operator, left, right), step.ShapeBool
		}
		return plain(), step.ShapeBool
	case "contains", "startsWith", "endsWith", "matches":
		c.textOperator(n, l, r)
		left, right = c.ensure(left, l, step.FormText), c.ensure(right, r, step.FormText)
		return plain(), step.ShapeBool
	case "in":
		c.in(n, l, r)
		c.reads([]step.Shape{l, r})
		return c.internal(n, "·in", left, right), step.ShapeBool
	case "??":
		return c.coalesce(n, left, l, right, r)
	case "..":
		a := c.wantForm(n.Left, l, "the beginning of a range", step.FormInt)
		b := c.wantForm(n.Right, r, "the end of a range", step.FormInt)
		if !a || !b {
			return n, step.ListOf(step.ShapeInt)
		}
		return c.internal(n, "·range", left, right), step.ListOf(step.ShapeInt)
	}
	return c.arithmetic(n, left, l, right, r)
}

// ensure checks at run time what could not be known before: that a value of
// unknown shape has a form.
func (c *checker) ensure(run ast.Node, s step.Shape, f step.Form) ast.Node {
	if s.Form != step.FormAny {
		return run
	}
	return c.internal(run, "·is "+f.String(), run)
}

// equality refuses to compare what can never be equal. Nil may be compared with
// everything.
func (c *checker) equality(n *ast.BinaryNode, l, r step.Shape) {
	for _, side := range []step.Shape{l, r} {
		if side.Form == step.FormSecret {
			c.fail(n, "secret-not-allowed", "a secret may not be compared").WithHint("a secret may only be passed on as it is")
			return
		}
	}
	if comparable(l, r) {
		return
	}
	c.mismatch(n, l, r)
}

// needsDeepEqual reports whether expr's own == may compare otherwise than the
// language does.
func needsDeepEqual(s step.Shape) bool {
	return s.Form == step.FormList || s.Form == step.FormObject || s.Form == step.FormAny
}

func comparable(l, r step.Shape) bool {
	isNumber := func(f step.Form) bool { return f == step.FormInt || f == step.FormNumber }
	switch {
	case l.Form == r.Form, isNumber(l.Form) && isNumber(r.Form):
		return true
	case l.Form == step.FormAny, r.Form == step.FormAny, l.Form == step.FormNil, r.Form == step.FormNil:
		return true
	}
	return false
}

// mismatch reports operands of two forms, with the conversion that helps.
func (c *checker) mismatch(n *ast.BinaryNode, l, r step.Shape) {
	d := c.fail(n, "different-types", "%s compares %s with %s", n.Operator, article(l.NotNil()), article(r.NotNil()))
	d.Detail = c.text(n.Left) + " is " + article(l) + "; " + c.text(n.Right) + " is " + article(r) + "."
	literal, other := n.Right, l
	if _, ok := n.Left.(*ast.StringNode); ok {
		literal, other = n.Left, r
	}
	_, quoted := literal.(*ast.StringNode)
	_, digits := literal.(*ast.IntegerNode)
	switch {
	case quoted && (other.Form == step.FormInt || other.Form == step.FormNumber):
		d.Hint = "write the number without quotes"
	case quoted && other.Form == step.FormTime:
		d.Hint = "write date(" + c.text(literal) + ")"
	case quoted && other.Form == step.FormDuration:
		d.Hint = "write duration(" + c.text(literal) + ")"
	case quoted && other.Form == step.FormBool:
		d.Hint = "a boolean needs no comparison: write it alone, or not before it"
	case digits && other.Form == step.FormText:
		d.Hint = `write it in quotes: "` + c.text(literal) + `"`
	case l.Form == step.FormList || r.Form == step.FormList:
		d.Hint = `to look for one element, write x in list`
	case l.Form == step.FormText || r.Form == step.FormText:
		d.Hint = "convert one of them: int(text) or string(number)"
	}
}

// ordering is < > <= >=.
func (c *checker) ordering(n *ast.BinaryNode, l, r step.Shape) {
	forms := []step.Form{step.FormInt, step.FormNumber, step.FormText, step.FormTime, step.FormDuration}
	a := c.wantForm(n.Left, l, "the left side of "+n.Operator, forms...)
	b := c.wantForm(n.Right, r, "the right side of "+n.Operator, forms...)
	if a && b && !comparable(l, r) {
		c.mismatch(n, l, r)
	}
}

// textOperator is contains, startsWith, endsWith and matches.
func (c *checker) textOperator(n *ast.BinaryNode, l, r step.Shape) {
	if l.Form == step.FormList && n.Operator == "contains" {
		c.fail(n, "wrong-type", "contains looks into texts, and %s is a list", c.text(n.Left)).
			WithHint("write %s in %s", c.text(n.Right), c.text(n.Left))
		return
	}
	c.wantForm(n.Left, l, "the left side of "+n.Operator, step.FormText)
	c.wantForm(n.Right, r, "the right side of "+n.Operator, step.FormText)
	if pattern, ok := n.Right.(*ast.StringNode); ok && n.Operator == "matches" {
		if _, err := regexp.Compile(pattern.Value); err != nil {
			c.fail(n.Right, "bad-pattern", "the pattern is no regular expression").
				WithDetail("%s", upperFirst(err.Error())+".").
				WithHint(`the syntax is Go's; a character such as . * + ? ( ) is taken as it is behind a backslash: "\\."`)
		}
	}
}

// in is `x in list` and `"name" in groups`.
func (c *checker) in(n *ast.BinaryNode, l, r step.Shape) {
	c.noSecret(n.Left, l)
	switch {
	case r.Form == step.FormText:
		c.fail(n, "wrong-type", "in looks into lists, and %s is a text", c.text(n.Right)).
			WithHint("write %s contains %s", c.text(n.Right), c.text(n.Left))
	case r.Form == step.FormObject && r.Elem == nil:
		c.fail(n, "wrong-type", "in looks into lists, and %s is a record", c.text(n.Right)).
			WithHint("the fields of a record are known: compare them, as in record.name != nil")
	case r.Form == step.FormObject:
		c.wantForm(n.Left, l, "the left side of in", step.FormText)
		c.wantForm(n.Right, r, "the right side of in", step.FormObject)
	case c.wantForm(n.Right, r, "the right side of in", step.FormList) && !comparable(l, r.Element()):
		d := c.fail(n, "different-types", "%s cannot be in %s", article(l.NotNil()), article(r))
		if r.Element().Form == step.FormText {
			d.Hint = "convert it: string(" + c.text(n.Left) + ")"
		} else if l.Form == step.FormText {
			d.Hint = "convert it: int(" + c.text(n.Left) + "), or write the number without quotes"
		}
	}
}

// coalesce is `a ?? b`.
func (c *checker) coalesce(n *ast.BinaryNode, left ast.Node, l step.Shape, right ast.Node, r step.Shape) (ast.Node, step.Shape) {
	run := func(s step.Shape) ast.Node {
		return at(n, &ast.BinaryNode{Operator: "??", Left: c.convert(left, l, s), Right: c.convert(right, r, s)})
	}
	if l.Form == step.FormNil {
		return run(r), r
	}
	s := join(l.NotNil(), r)
	return run(s), s
}

// arithmetic is + - * / % and powers.
func (c *checker) arithmetic(n *ast.BinaryNode, left ast.Node, l step.Shape, right ast.Node, r step.Shape) (ast.Node, step.Shape) {
	op := n.Operator
	if op == "^" {
		op = "**"
	}
	if (op == "+" || op == "-" || op == "*" || op == "/" || op == "%" || op == "**") && (l.Form == step.FormSecret || r.Form == step.FormSecret) {
		c.fail(n, "secret-not-allowed", "a secret may only be passed on as it is").
			WithHint("text around a secret is written around the braces: Bearer ${{ secrets.NAME }}")
		return n, unknown
	}
	s, ok := arithmeticShape(op, l, r)
	if !ok {
		d := c.fail(n, "different-types", "%s does not work on %s and %s", n.Operator, article(l.NotNil()), article(r.NotNil()))
		d.Detail = c.text(n.Left) + " is " + article(l) + "; " + c.text(n.Right) + " is " + article(r) + "."
		switch {
		case op == "+" && (l.Form == step.FormText || r.Form == step.FormText):
			d.Hint = "make a text of the other one: string(number), format(time, \"d MMMM\")"
		case op == "+" && l.Form == step.FormList:
			d.Hint = "write concat(a, b)"
		case l.Form == step.FormTime && r.Form == step.FormText:
			d.Hint = "write duration(" + c.text(n.Right) + ")"
		case (l.Form == step.FormTime || l.Form == step.FormDuration) && (r.Form == step.FormInt || r.Form == step.FormNumber):
			d.Hint = `write duration("` + c.text(n.Right) + `d") for days, h for hours, m for minutes`
		case op == "%" || op == "**":
			d.Hint = "it works on integers"
		}
		return n, unknown
	}
	nilFree := true
	for _, side := range []struct {
		node  ast.Node
		shape step.Shape
		name  string
	}{{n.Left, l, "left"}, {n.Right, r, "right"}} {
		if side.shape.Nullable {
			c.mayBeNil(side.node, side.shape, "the "+side.name+" side of "+n.Operator)
			nilFree = false
		}
	}
	if !nilFree {
		return n, s.NotNil()
	}
	if (op == "/" || op == "%") && !c.notZero(n.Right) || op == "**" && !safePower(n.Right) {
		s = s.OrNil()
	}
	return c.internal(n, "·"+op, left, right), s
}

// notZero reports whether a divisor is known not to be 0.
func (c *checker) notZero(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.IntegerNode:
		return n.Value != 0
	case *ast.FloatNode:
		return n.Value != 0
	}
	if name, args, ok := callOf(n); ok && name == "duration" && len(args) == 1 {
		if text, ok := args[0].(*ast.StringNode); ok {
			d, err := ParseDuration(text.Value)
			return err == nil && d != 0
		}
	}
	k := c.key(n)
	return k != "" && c.holds[k]&notZero != 0
}

// safePower reports whether an exponent can never make 1/0.
func safePower(n ast.Node) bool {
	switch n.(type) {
	case *ast.IntegerNode, *ast.FloatNode: // a minus would be an operator
		return true
	}
	return false
}

// arithmeticShape gives the result of an operator, or false where it has none.
func arithmeticShape(op string, l, r step.Shape) (step.Shape, bool) {
	const (
		i = step.FormInt
		f = step.FormNumber
		t = step.FormTime
		d = step.FormDuration
		s = step.FormText
	)
	if l.Form == step.FormAny || r.Form == step.FormAny || l.Form == step.FormNil || r.Form == step.FormNil {
		return unknown, true // the run can tell
	}
	number := func(x step.Form) bool { return x == i || x == f }
	switch {
	case number(l.Form) && number(r.Form):
		switch {
		case op == "/", op == "**":
			return step.ShapeNumber, true
		case op == "%":
			return step.ShapeInt, l.Form == i && r.Form == i
		case l.Form == i && r.Form == i:
			return step.ShapeInt, true
		}
		return step.ShapeNumber, true
	case op == "+":
		switch {
		case l.Form == s && r.Form == s:
			return step.ShapeText, true
		case l.Form == t && r.Form == d, l.Form == d && r.Form == t:
			return step.ShapeTime, true
		case l.Form == d && r.Form == d:
			return step.ShapeDuration, true
		}
	case op == "-":
		switch {
		case l.Form == t && r.Form == t:
			return step.ShapeDuration, true
		case l.Form == t && r.Form == d:
			return step.ShapeTime, true
		case l.Form == d && r.Form == d:
			return step.ShapeDuration, true
		}
	case op == "*" && (l.Form == d && number(r.Form) || number(l.Form) && r.Form == d):
		return step.ShapeDuration, true
	case op == "/" && l.Form == d && r.Form == d:
		return step.ShapeNumber, true
	case op == "/" && l.Form == d && number(r.Form):
		return step.ShapeDuration, true
	}
	return step.Shape{}, false
}

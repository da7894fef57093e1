package lang

import (
	"strings"

	"github.com/expr-lang/expr/ast"

	"github.com/flowrunner/flowrunner/engine/step"
)

// predicateNames are the functions whose second argument is evaluated once for
// each record of the first, which it sees as `#`.
var predicateNames = []string{
	"all", "any", "none", "one", "filter", "map", "count", "sum", "find", "findIndex",
	"findLast", "findLastIndex", "groupBy", "sortBy",
}

func isPredicate(name string) bool {
	for _, p := range predicateNames {
		if p == name {
			return true
		}
	}
	return false
}

// predicate types `filter(list, …)` and its like.
func (c *checker) predicate(n ast.Node, name string, args []ast.Node) (ast.Node, step.Shape) {
	if len(args) == 0 || len(args) == 1 && name != "count" && name != "sum" {
		for _, a := range args {
			c.expr(a)
		}
		c.fail(n, "wrong-arguments", "%s takes a list and what to do with each record", name).
			WithHint("%s", "for instance: "+predicateExample(name))
		return n, unknown
	}
	list, s := c.expr(args[0])
	isList := c.wantForm(args[0], s, "the list of "+name, step.FormList)
	elem := s.Element()
	switch {
	case !isList:
		elem = unknown
	case s.Form == step.FormAny:
		elem = c.anything()
	}
	list = c.ensure(list, s, step.FormList)
	var body ast.Node = &ast.PointerNode{}
	bodyOf, shape := args[0], elem
	var whenTrue facts
	c.pointers = append(c.pointers, elem)
	if len(args) > 1 {
		bodyOf = bodyNode(args[1])
		body, shape = c.expr(bodyOf)
		whenTrue = c.facts(bodyOf, true)
		if shape.Form == step.FormBool && name != "map" && name != "sortBy" && name != "groupBy" {
			c.constant(bodyOf)
		}
	}
	depth := len(c.pointers)
	c.pointers = c.pointers[:depth-1]
	setType(body)

	loop := func(name string, body ast.Node) ast.Node {
		predicate := at(n, &ast.PredicateNode{Node: body})
		setType(predicate)
		call := at(n, &ast.BuiltinNode{Name: name, Arguments: []ast.Node{list, predicate}})
		setType(call)
		return call
	}
	pairs := func() ast.Node {
		record := at(n, &ast.PointerNode{})
		return loop("map", c.internal(n, "·pair", record, body))
	}
	switch name {
	case "map":
		c.noSecret(bodyOf, shape)
		return loop(name, body), step.ListOf(shape)
	case "sum":
		return c.sum(n, bodyOf, shape, loop("map", body))
	case "groupBy":
		c.wantForm(bodyOf, shape, "the key of groupBy", step.FormText)
		return c.internal(n, "·groupBy", pairs()), dictionary(step.ListOf(elem))
	case "sortBy":
		c.wantForm(bodyOf, shape, "what sortBy compares", step.FormInt, step.FormNumber, step.FormText, step.FormTime, step.FormDuration)
		order := c.order(n, args, 2)
		return c.internal(n, "·sortBy", pairs(), order), step.ListOf(elem)
	}
	c.wantBool(bodyOf, shape, "the condition of "+name)
	body = c.ensure(body, shape, step.FormBool)
	switch name {
	case "filter":
		return loop(name, body), step.ListOf(refine(elem, whenTrue, "#"+itoa(depth)))
	case "find", "findLast":
		return loop(name, body), refine(elem, whenTrue, "#"+itoa(depth)).OrNil()
	case "findIndex", "findLastIndex":
		return loop(name, body), step.ShapeInt.OrNil()
	case "count":
		return loop(name, body), step.ShapeInt
	}
	return loop(name, body), step.ShapeBool
}

// bodyNode unwraps what stands in the place of a predicate.
func bodyNode(n ast.Node) ast.Node {
	if p, ok := n.(*ast.PredicateNode); ok {
		return p.Node
	}
	return n
}

// sum adds integers, numbers or durations; an empty list gives zero.
func (c *checker) sum(n, bodyOf ast.Node, shape step.Shape, values ast.Node) (ast.Node, step.Shape) {
	if !c.wantForm(bodyOf, shape, "what sum adds", step.FormInt, step.FormNumber, step.FormDuration) {
		return n, unknown
	}
	switch shape.Form {
	case step.FormInt:
		return c.internal(n, "·sumIntegers", values), step.ShapeInt
	case step.FormDuration:
		return c.internal(n, "·sumDurations", values), step.ShapeDuration
	}
	return c.internal(n, "·sumNumbers", values), step.ShapeNumber
}

// order is the optional argument that says in which direction to sort.
func (c *checker) order(n ast.Node, args []ast.Node, i int) ast.Node {
	if len(args) <= i {
		return &ast.StringNode{Value: "asc"}
	}
	run, s := c.expr(args[i])
	if c.wantForm(args[i], s, "the order", step.FormText) {
		if t, ok := args[i].(*ast.StringNode); ok && t.Value != "asc" && t.Value != "desc" {
			c.fail(args[i], "bad-argument", "%q is no order", t.Value).WithHint(`write "asc" or "desc"`)
		}
	}
	return run
}

// refine is the shape of a record of which some fields are known not to be nil.
// record is the key of the record in f.
func refine(s step.Shape, f facts, record string) step.Shape {
	if f[record]&notNil != 0 {
		s.Nullable = false
	}
	if s.Form != step.FormObject || !holdsBelow(f, record) {
		return s
	}
	fields := make([]step.Field, len(s.Fields))
	for i, field := range s.Fields {
		field.Shape = refine(field.Shape, f, record+"."+field.Name)
		fields[i] = field
	}
	s.Fields = fields
	return s
}

func holdsBelow(f facts, record string) bool {
	for k := range f {
		if strings.HasPrefix(k, record+".") {
			return true
		}
	}
	return false
}

func predicateExample(name string) string {
	switch name {
	case "map":
		return "map(clients, .phone)"
	case "groupBy":
		return `groupBy(clients, .region ?? "none")`
	case "sortBy":
		return `sortBy(messages, .created, "desc")`
	case "sum":
		return "sum(orders, .total)"
	}
	return name + `(messages, .type == "from_client")`
}

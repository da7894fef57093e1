package lang

import (
	"reflect"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"

	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/step"
)

// member is `base.name`, `base?.name`, `base["name"]` and `base[index]`.
func (c *checker) member(n *ast.MemberNode) (ast.Node, step.Shape) {
	name, ok := n.Property.(*ast.StringNode)
	if !ok {
		return c.index(n)
	}
	path, static := c.path(n)
	if static {
		c.inner[n.Node] = true
		if !c.inner[n] && !c.use(n, path) {
			return n, unknown
		}
	}
	base, s := c.expr(n.Node)
	if static && path[0] == "secrets" {
		if len(path) == 2 && c.scope.secrets {
			return c.memberNode(n, base), step.ShapeSecret
		}
		return n, unknown
	}
	shape := c.memberShape(n, s, name)
	if s.Form == step.FormAny {
		return c.internal(n, "·member", base, &ast.StringNode{Value: name.Value}), shape
	}
	run := c.memberNode(n, base)
	if static && len(path) == 2 {
		name := run.(*ast.MemberNode).Property.(*ast.StringNode)
		name.Value = c.scope.atRun(path)[1]
	}
	return run, shape
}

func (c *checker) memberNode(n *ast.MemberNode, base ast.Node) ast.Node {
	name := *n.Property.(*ast.StringNode)
	name.SetType(reflect.TypeFor[string]())
	return at(n, &ast.MemberNode{Node: base, Property: &name, Optional: n.Optional})
}

// path is the static path of names that n is, if its root is in the scope.
func (c *checker) path(n ast.Node) ([]string, bool) {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		if _, local := c.variable(n.Value); local {
			return nil, false
		}
		return []string{n.Value}, true
	case *ast.ChainNode:
		return c.path(n.Node)
	case *ast.MemberNode:
		name, ok := n.Property.(*ast.StringNode)
		if !ok || n.Method {
			return nil, false
		}
		base, ok := c.path(n.Node)
		if !ok {
			return nil, false
		}
		return append(base, name.Value), true
	}
	return nil, false
}

// memberShape types a named member of a base of shape s.
func (c *checker) memberShape(n *ast.MemberNode, s step.Shape, name *ast.StringNode) step.Shape {
	at := c.src.at(name.Location())
	switch s.Form {
	case step.FormNil:
		c.problems.Add("maybe-nil", c.src.span(n.Node), "nil has no fields").WithHint("name what the field belongs to, such as client")
		return unknown
	case step.FormAny, step.FormObject:
		if s.Nullable && !n.Optional {
			c.nilBase(n, s, "."+name.Value, "?."+name.Value)
		}
	default:
		c.noMember(n, s, name, at)
		return unknown
	}
	if s.Form == step.FormAny {
		return c.anything()
	}
	if f, ok := s.Field(name.Value); ok {
		return f.Shape
	}
	switch {
	case s.Elem != nil:
		return s.Elem.OrNil()
	case s.Open:
		return step.ShapeAny
	}
	c.unknownField(n, s, name, at)
	return unknown
}

// unknownField reports a member that a record does not have. What the engine's
// own roots hold has names of its own.
func (c *checker) unknownField(n *ast.MemberNode, s step.Shape, name *ast.StringNode, at diag.Span) {
	base := c.text(n.Node)
	what := map[string]string{"steps": "step", "inputs": "input", "env": "variable"}[base]
	if what != "" {
		d := c.problems.Add("unknown-name", at, "unknown %s %q", what, name.Value)
		d.Hint = diag.DidYouMean(name.Value, s.Names())
		if what == "variable" && d.Hint == "" {
			d.Hint = "list it in the flow: env: [" + name.Value + "]"
		}
		return
	}
	d := c.problems.Add("unknown-field", at, "unknown field %q", name.Value)
	d.Hint = diag.DidYouMean(name.Value, s.Names())
	switch {
	case len(s.Fields) == 0:
		d.Detail = base + " has no fields."
		d.Hint = "take it out, or name a record that has fields"
	case base == "" || base == "#" || base == ".":
		d.Detail = "The record has no such field."
	default:
		d.Detail = base + " has no such field."
	}
	if diag.Closest(name.Value, s.Names()) != "" {
		return
	}
	for _, f := range s.Fields { // one level too few, as in steps.x.clients
		if _, ok := f.Shape.Field(name.Value); ok && f.Shape.Form == step.FormObject {
			d.Hint = "did you mean \"" + c.code(n.Node) + "." + f.Name + "." + name.Value + "\"?"
			return
		}
	}
	if d.Hint == "" && len(s.Fields) > 0 {
		d.Detail += " It has: " + strings.Join(s.Names(), ", ") + "."
	}
}

// anything is the shape of what is found below a value of which nothing is
// known.
func (c *checker) anything() step.Shape {
	if len(c.problems) > 0 {
		return unknown
	}
	return step.ShapeAny
}

// nilBase reports a member of something that may be nil.
func (c *checker) nilBase(n *ast.MemberNode, s step.Shape, member, instead string) {
	d := c.fail(n.Node, "maybe-nil", "%s may be nil, and nil has no %s", c.text(n.Node), member)
	base := c.code(n.Node)
	d.Detail = c.why(n.Node, s)
	d.Hint = "write " + base + instead + ", which is nil then, or test it first: " + base + " != nil and …"
}

// noMember answers a member of something that is no object with what people
// mean by it.
func (c *checker) noMember(n *ast.MemberNode, s step.Shape, name *ast.StringNode, at diag.Span) {
	base := c.code(n.Node)
	d := c.problems.Add("unknown-field", at, "%s has no field %q", article(s.NotNil()), name.Value)
	switch {
	case s.Form == step.FormList && slices.Contains([]string{"length", "size", "count"}, name.Value),
		s.Form == step.FormText && slices.Contains([]string{"length", "size"}, name.Value):
		d.Hint = "write len(" + base + ")"
	case s.Form == step.FormList && coreInt.MatchString(name.Value):
		d.Hint = "write the place without quotes: " + base + "[" + name.Value + "]"
	case s.Form == step.FormList:
		d.Detail = base + " is a list; its elements have fields, the list has none."
		if elem := s.Element(); elem.Form == step.FormObject {
			if _, ok := elem.Field(name.Value); ok {
				d.Hint = "write first(" + base + ")?." + name.Value + " for the first one, map(" + base + ", ." + name.Value + ") for all"
			}
		}
	case s.Form == step.FormTime:
		d.Hint = `write format(t, "d MMMM"), hour(t) or weekday(t)`
	case s.Form == step.FormSecret:
		d.Detail = "A secret may only be passed on as it is."
	}
	if d.Hint == "" {
		d.Hint = "only records have fields; write " + base + " as it is"
	}
}

// index is `list[i]` and, on what groupBy gives, `groups[key]`. Both are nil
// when there is nothing there.
func (c *checker) index(n *ast.MemberNode) (ast.Node, step.Shape) {
	base, s := c.expr(n.Node)
	key, sk := c.expr(n.Property)
	if s.Nullable && !n.Optional && (s.Form == step.FormList || s.Form == step.FormAny || s.Form == step.FormObject && s.Elem != nil) {
		c.nilBase(n, s, "elements", "?.["+c.text(n.Property)+"]")
	}
	run := c.internal(n, "·at", base, key)
	switch s.Form {
	case step.FormList:
		c.wantForm(n.Property, sk, "the index", step.FormInt)
		elem := s.Element()
		return run, elem.OrNil()
	case step.FormAny:
		if sk.Nullable {
			c.mayBeNil(n.Property, sk, "the index")
		}
		return run, c.anything()
	case step.FormObject:
		if s.Elem != nil {
			c.wantForm(n.Property, sk, "the key", step.FormText)
			return run, s.Elem.OrNil()
		}
		c.fail(n, "computed-key", "a field of a record is named, not computed").
			WithDetail("A computed name could not be checked before the run.").
			WithHint(`write %s.name; to choose between fields, write x == "…" ? record.a : record.b`, c.text(n.Node))
	case step.FormText:
		c.fail(n, "wrong-type", "a text has no elements").WithHint("write %s[0:1] for its first character", c.code(n.Node))
	case step.FormNil:
		c.fail(n.Node, "maybe-nil", "nil has no elements").WithHint("name a list in place of nil")
	default:
		c.fail(n, "wrong-type", "%s has no elements", article(s.NotNil())).WithHint("brackets are for lists; what is one value is read as it is: %s", c.code(n.Node))
	}
	return n, unknown
}

// slice is `x[from:to]` of a list or of a text, in characters.
func (c *checker) slice(n *ast.SliceNode) (ast.Node, step.Shape) {
	base, s := c.expr(n.Node)
	bounds := []ast.Node{&ast.NilNode{}, &ast.NilNode{}}
	for i, b := range []ast.Node{n.From, n.To} {
		if b == nil {
			continue
		}
		run, sb := c.expr(b)
		c.wantForm(b, sb, "the place", step.FormInt)
		bounds[i] = run
	}
	if !c.wantForm(n.Node, s, "what is cut", step.FormList, step.FormText) {
		return n, unknown
	}
	return c.internal(n, "·slice", base, bounds[0], bounds[1]), s.NotNil()
}

// wantForm demands one of some forms, and not nil.
func (c *checker) wantForm(n ast.Node, s step.Shape, what string, forms ...step.Form) bool {
	if s.Form != step.FormAny && s.Form != step.FormNil && !accepts(forms, s.Form) {
		c.fail(n, "wrong-type", "%s must be %s, not %s", what, formList(forms), article(s.NotNil())).WithHint("%s", c.asForm(n, s, forms))
		return false
	}
	if s.Nullable {
		c.mayBeNil(n, s, what)
		return false
	}
	return true
}

// asForm says how a value of another form becomes one that is wanted.
func (c *checker) asForm(n ast.Node, s step.Shape, forms []step.Form) string {
	text := c.code(n)
	_, isPath := staticPath(n)
	switch {
	case accepts(forms, step.FormInt) && s.Form == step.FormText && isPath:
		return "write (int(" + text + ") ?? 0) for a text of digits"
	case accepts(forms, step.FormInt) && s.Form == step.FormText:
		return "make a number of each text first: int(x) ?? 0"
	case len(forms) == 1 && forms[0] == step.FormText && (s.Form == step.FormInt || s.Form == step.FormNumber || s.Form == step.FormBool):
		return "write string(" + text + ")"
	case slices.Contains(forms, step.FormTime) && s.Form == step.FormText:
		return "write date(" + text + ")"
	case s.Form == step.FormBool:
		return "a boolean has no order: use it as it is, or compare it with =="
	}
	return "use " + formList(forms) + " here"
}

func accepts(forms []step.Form, f step.Form) bool {
	return slices.Contains(forms, f) || f == step.FormInt && slices.Contains(forms, step.FormNumber)
}

func formList(forms []step.Form) string {
	text := ""
	for i, f := range forms {
		switch {
		case i == 0:
		case i == len(forms)-1:
			text += " or "
		default:
			text += ", "
		}
		text += article(step.Shape{Form: f})
	}
	return text
}

// article is a shape with "a" or "an" before it.
func article(s step.Shape) string {
	text := "a " + s.NotNil().String()
	switch s.Form {
	case step.FormInt, step.FormObject:
		text = "an " + s.NotNil().String()
	case step.FormAny:
		return "a value"
	case step.FormNil:
		return "nil"
	}
	if s.Nullable {
		text += " or nil"
	}
	return text
}

// neutral is the Go type that run nodes claim. It stops the compiler from
// dereferencing what is never a pointer, and from comparing without a look for
// nil, as it does where it believes in two ints or two strings.
var neutral = reflect.TypeFor[float64]()

func setType(n ast.Node) {
	if _, ok := n.(*ast.IntegerNode); ok {
		n.SetType(reflect.TypeFor[int]())
		return
	}
	n.SetType(neutral)
}

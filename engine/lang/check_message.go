package lang

import (
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"

	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/step"
)

// unknownName reports a name that is not there, with the likeliest meaning.
func (c *checker) unknownName(n ast.Node, name string) {
	d := c.problems.Add("unknown-name", c.src.at(n.Location()), "unknown name %q", name)
	names := c.scope.roots()
	for _, v := range c.vars {
		names = append(names, v.Name)
	}
	switch {
	case name == "$env":
		d.Summary = "$env is not part of the language"
		d.Hint = "name what you need: inputs.x, steps.x.outputs.y"
		return
	case name == "null", name == "None", name == "undefined", name == "NULL", name == "Nil":
		d.Hint = "the empty value is called nil"
		return
	case name == "True" || name == "TRUE" || name == "False" || name == "FALSE":
		d.Hint = "write " + strings.ToLower(name)
		return
	case slices.Contains([]string{"yes", "Yes", "YES", "on", "On", "ON"}, name):
		d.Hint = "write true"
		return
	case slices.Contains([]string{"no", "No", "NO", "off", "Off", "OFF"}, name):
		d.Hint = "write false"
		return
	case name == "AND" || name == "OR" || name == "NOT" || name == "IN":
		d.Hint = "operators are written small: " + strings.ToLower(name)
		return
	case name == "env" || name == "steps" || name == "item" || name == "index":
		d.Detail = map[string]string{
			"env":   "Environment variables are known when the flow lists them: `env: [NAME]`.",
			"steps": "No step's result is known here.",
			"item":  "The record is called `item` only in where, by, key and the like; in filter(…) and its like it is `#`, and a field of it `.field`.",
			"index": "index is known only inside a forEach.",
		}[name]
		d.Hint = map[string]string{
			"env":   "list the variable at the top of the flow: env: [NAME]",
			"steps": "put this into a step below the one that is meant",
			"item":  "write # for the record, or .name for a field of it",
			"index": "move it into a step with forEach",
		}[name]
		return
	}
	if len(c.pointers) > 0 {
		if f, ok := c.pointers[len(c.pointers)-1].Field(name); ok {
			d.Hint = "the field of the record is written with a dot: ." + f.Name
			return
		}
	}
	for _, root := range c.scope.names {
		if _, ok := root.Shape.Field(name); ok && diag.Closest(name, names) == "" {
			d.Hint = "did you mean \"" + root.Name + "." + name + "\"?"
			return
		}
	}
	if functionNamed(name) != nil || isPredicate(name) {
		d.Hint = "it is a function: write its arguments in parentheses"
		return
	}
	if diag.Closest(name, names) != "" {
		d.Hint = diag.DidYouMean(name, names)
		return
	}
	slices.Sort(names)
	d.Detail = "Known here: " + strings.Join(names, ", ") + "."
	if c.hasMember(n) {
		d.Hint = "name one of these; the record of a loop is known inside of it, by the name that as: gives it"
		return
	}
	d.Hint = `if it is meant as a text, put it in quotes: "` + name + `"`
}

// hasMember reports whether a field of n is asked for, so that n is no text.
func (c *checker) hasMember(n ast.Node) bool {
	rest := strings.TrimSpace(c.src.text[c.src.byRune[min(n.Location().To, len(c.src.byRune)-1)]:])
	return strings.HasPrefix(rest, ".") || strings.HasPrefix(rest, "?.")
}

// wantBool demands a boolean that is not nil.
func (c *checker) wantBool(n ast.Node, s step.Shape, what string) {
	switch {
	case s.Form != step.FormBool && s.Form != step.FormAny && s.Form != step.FormNil:
		d := c.fail(n, "wrong-type", "%s must be a boolean, not %s", what, article(s.NotNil())).
			WithHint("compare it with something: == != < > in contains")
		switch s.Form {
		case step.FormText:
			d.Hint = `compare it: x == "…", or x != nil`
		case step.FormList:
			d.Hint = "write len(x) > 0 for a list that is not empty"
		}
	case s.Nullable:
		c.mayBeNil(n, s, what).WithHint("write %s ?? false", c.inParens(n))
	}
}

// mayBeNil reports a possibly-nil operand.
func (c *checker) mayBeNil(n ast.Node, s step.Shape, what string) *diag.Diagnostic {
	text := c.text(n)
	if _, ok := n.(*ast.NilNode); ok {
		return c.fail(n, "maybe-nil", "%s is nil", what).WithHint("write a value in place of nil")
	}
	return c.fail(n, "maybe-nil", "%s may be nil: %s", what, text).
		WithDetail("%s", c.why(n, s)).
		WithHint("write %s, or test it first: %s != nil and …", c.orElse(n, s), c.inParens(n))
}

// why says how a value can be nil.
func (c *checker) why(n ast.Node, s step.Shape) string {
	if name, _, ok := callOf(n); ok {
		switch name {
		case "first", "last", "find", "findLast", "min", "max", "mean", "median", "newest", "oldest", "findIndex", "findLastIndex":
			return name + "(…) gives nil when there is nothing to choose from."
		case "int", "float":
			return name + "(…) gives nil for a text that is no number."
		}
	}
	switch x := n.(type) {
	case *ast.MemberNode:
		if _, ok := x.Property.(*ast.StringNode); !ok && s.Form != step.FormAny {
			return "Where nothing is found there is nil."
		}
	case *ast.BinaryNode:
		if x.Operator == "/" || x.Operator == "%" {
			return "There is no result when the divisor is 0, and then it is nil."
		}
	}
	if s.Form == step.FormAny {
		return "Nothing is known of this value before the run, not even whether it is there."
	}
	return c.text(n) + " is " + article(s) + "."
}

// orElse suggests a value in place of nil.
func (c *checker) orElse(n ast.Node, s step.Shape) string {
	value := map[step.Form]string{
		step.FormText: `"…"`, step.FormInt: "0", step.FormNumber: "0", step.FormBool: "false",
		step.FormTime: "now()", step.FormDuration: `duration("0s")`, step.FormList: "[]",
	}[s.Form]
	if value == "" {
		value = "…"
	}
	return "(" + c.inParens(n) + " ?? " + value + ")"
}

func (c *checker) inParens(n ast.Node) string {
	text := c.code(n)
	if _, ok := n.(*ast.BinaryNode); ok && text != "x" {
		return "(" + text + ")"
	}
	return text
}

// code is how n is written, for a hint to be typed; x for what is too long to
// repeat.
func (c *checker) code(n ast.Node) string {
	text := c.written(n)
	if len([]rune(text)) > 60 {
		return "x"
	}
	return text
}

// text is how n is written, shortened for a message.
func (c *checker) text(n ast.Node) string { return clip(c.written(n)) }

func (c *checker) written(n ast.Node) string {
	loc := c.src.extent(n)
	last := len(c.src.byRune) - 1
	from, to := min(loc.From, last), min(loc.To, last)
	return strings.Join(strings.Fields(c.src.text[c.src.byRune[from]:c.src.byRune[max(from, to)]]), " ")
}

func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

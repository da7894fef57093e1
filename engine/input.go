package engine

import (
	"regexp"
	"slices"
	"strings"

	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/engine/lang"
	"github.com/flowrunner/flowrunner/engine/step"
)

// Input is one typed input of a flow.
type Input struct {
	Name        string
	Type        string // as in YAML: string integer number boolean duration date time list path
	Items       string // of a list
	Description string
	Required    bool
	Sensitive   bool
	Default     any // a run-time value; nil when there is none
	HasDefault  bool
	Shape       step.Shape
	Pattern     *regexp.Regexp
	Enum        []any
	Min, Max    *float64 // a number's bounds, a text's or list's length
}

// inputKeys are what the declaration of an input may hold.
var inputKeys = []string{"type", "items", "required", "default", "pattern", "enum", "min", "max", "description", "sensitive"}

// inputForms maps the YAML types to forms.
var inputForms = map[string]step.Form{
	"string": step.FormText, "path": step.FormText, "integer": step.FormInt, "number": step.FormNumber,
	"boolean": step.FormBool, "duration": step.FormDuration, "date": step.FormTime, "time": step.FormTime,
	"list": step.FormList,
}

// reservedName refuses what has a meaning of its own in expressions. A step and
// an input always stand behind a dot, so only the builtins of the expression
// language are kept from them; a loop's record stands alone, and could hide a
// function of ours as well.
func (c *compiler) reservedName(n *flow.Node, what string, alone bool) {
	if n == nil || !flow.IsName(n.Text) || !lang.Reserved(n.Text) {
		return
	}
	ours := slices.ContainsFunc(lang.Functions(), func(f lang.Function) bool { return f.Name == n.Text })
	if alone || !ours {
		c.diags.Add("reserved-name", n.Span, "%s may not be called %q", what, n.Text).
			WithDetail("The name has a meaning of its own in expressions.").
			WithHint("choose another name, such as %s_", n.Text)
	}
}

func (c *compiler) inputs() []Input {
	var inputs []Input
	for _, decl := range c.doc.Inputs {
		c.reservedName(decl.Name, "an input", false)
		in, ok := c.input(decl)
		if !ok {
			in.Shape.Nullable = false // go on, so that uses of it are checked, and nothing is reported twice
		}
		inputs = append(inputs, in)
	}
	return inputs
}

func (c *compiler) input(decl *flow.Input) (Input, bool) {
	get := decl.Node.Get
	in := Input{Name: decl.Name.Text, Type: "string", Description: text(get("description"))}
	if n := get("type"); n != nil {
		in.Type = n.Text
	}
	before := len(c.diags)
	form, ok := inputForms[in.Type]
	if !ok {
		return in, false // flow.Parse has said so
	}
	in.Shape = step.Shape{Form: form}
	if n := get("items"); n != nil {
		in.Items = n.Text
		if in.Type != "list" {
			c.diags.Add("items-without-list", n.Span, "items belongs to a list").WithHint("write type: list, or delete items")
		}
	}
	if in.Type == "list" {
		elem, ok := inputForms[in.Items]
		if in.Items == "" {
			elem, ok = step.FormText, true
		}
		if elem == step.FormList {
			c.diags.Add("wrong-items", get("items").Span, "a list cannot hold lists").
				WithDetail("Each item of an input is one value: string, integer, number, boolean, duration, date, time or path.").
				WithHint("choose one of these, or read nested data with `uses: read_json`")
		}
		if !ok || elem == step.FormList {
			return in, false
		}
		e := step.Shape{Form: elem}
		in.Shape.Elem = &e
	}
	c.needInputZone(decl, in)
	flag := func(key string) bool {
		v, ok := c.literal(get(key), key, step.Field{Shape: step.ShapeBool})
		return ok && v.(bool)
	}
	in.Required, in.Sensitive = flag("required"), flag("sensitive")
	for _, b := range []struct {
		key string
		dst **float64
	}{{"min", &in.Min}, {"max", &in.Max}} {
		if v, ok := c.literal(get(b.key), b.key, step.Field{Shape: step.ShapeNumber}); ok {
			f := toFloat(v)
			*b.dst = &f
		}
	}
	if in.Min != nil && in.Max != nil && *in.Min > *in.Max {
		c.diags.Add("out-of-range", get("min").Span, "min is %s, above max, %s", shown(*in.Min), shown(*in.Max)).
			WithDetail("No value would be allowed.").WithHint("exchange the two, or delete one")
	}
	if n := get("pattern"); n != nil {
		if _, err := regexp.Compile(n.Text); err != nil {
			c.diags.Add("bad-pattern", n.Span, "the pattern is no regular expression").
				WithDetail("Go's syntax is used, and it says: %s.", strings.TrimPrefix(err.Error(), "error parsing regexp: ")).
				WithHint(`a character such as . * + ? ( ) is taken as it is behind a backslash: \.`)
		} else {
			in.Pattern = regexp.MustCompile("^(?:" + n.Text + ")$")
		}
		if form != step.FormText {
			c.diags.Add("pattern-without-text", n.Span, "pattern belongs to a text").WithHint("delete pattern, or write type: string")
		}
	}
	if n := get("enum"); n != nil {
		if n.Kind == flow.List && len(n.Items) == 0 {
			c.diags.Add("empty-value", n.Span, "enum is []").WithDetail("No value would be allowed.").WithHint("list the values that are allowed, or delete enum")
		}
		for _, item := range n.Items {
			if v, ok := c.inputLiteral(item, "enum", elemShape(in.Shape)); ok {
				in.Enum = append(in.Enum, v)
			}
		}
	}
	if n := get("default"); n != nil && !n.Null {
		if v, ok := c.inputLiteral(n, "default", in.Shape); ok {
			in.Default, in.HasDefault = v, true
			if problem := in.check(v); problem != "" {
				c.diags.Add("wrong-default", n.Span, "the default of %q is not allowed", in.Name).WithDetail("It %s.", problem).WithHint("change the default, or what the input allows")
			}
		}
		if in.Required {
			c.diags.Add("required-with-default", n.Span, "an input with a default is never required").WithHint("delete required, or delete default")
		}
	}
	in.Shape.Nullable = !in.Required && !in.HasDefault
	return in, len(c.diags) == before && !slices.ContainsFunc(decl.Node.Entries, func(e flow.Entry) bool {
		return !slices.Contains(inputKeys, e.Key.Text) // perhaps a misspelt default, as flow.Parse has said
	})
}

func elemShape(s step.Shape) step.Shape {
	if s.Form == step.FormList {
		return s.Element()
	}
	return s
}

func (c *compiler) needInputZone(decl *flow.Input, in Input) {
	if in.Type == "date" || in.Type == "time" || in.Items == "date" || in.Items == "time" {
		what := in.Type
		if what == "list" {
			what = in.Items
		}
		c.needZone(decl.Name, "The moment that a "+what+" means")
	}
}

// inputLiteral reads a default or an enum value in the flow's zone.
func (c *compiler) inputLiteral(n *flow.Node, key string, want step.Shape) (any, bool) {
	if hasExpression(n) {
		c.diags.Add("literal-wanted", n.Span, "%s takes no expression", key).
			WithDetail("Inputs are settled before any step runs.").
			WithHint("write the value itself, or use a step with `uses: set` for what is computed")
		c.usedAnyway(n)
		return nil, false
	}
	v, ds := lang.CompileValue(n, lang.NewScope(c.p.Zone), step.Field{Name: key, Shape: want})
	c.diags = append(c.diags, ds...)
	if v == nil {
		return nil, false
	}
	return v.Literal()
}

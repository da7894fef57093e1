package engine

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/flowrunner/flowrunner/engine/diag"
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
	if n == nil || !slices.Contains(lang.Names(), n.Text) {
		return
	}
	ours := slices.ContainsFunc(lang.Functions(), func(f lang.Function) bool { return f.Name == n.Text })
	if alone || !ours {
		c.diags.Add("reserved-name", n.Span, "%s may not be called %q", what, n.Text).
			WithDetail("The name has a meaning of its own in expressions.").
			WithHint("choose another name, such as %s_", n.Text)
	}
}

func (c *compiler) inputs() []step.Field {
	var fields []step.Field
	for _, decl := range c.doc.Inputs {
		c.reservedName(decl.Name, "an input", false)
		in, ok := c.input(decl)
		if !ok {
			in.Shape.Nullable = false // go on, so that uses of it are checked, and nothing is reported twice
		}
		c.p.Inputs = append(c.p.Inputs, in)
		fields = append(fields, step.Field{Name: in.Name, Doc: in.Description, Shape: in.Shape})
	}
	return fields
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

// check says what is wrong with a value, "" when nothing is.
func (in *Input) check(v any) string {
	if list, ok := v.([]any); ok {
		if p := in.checkLength(len(list), "item"); p != "" {
			return p
		}
		one := *in
		one.Min, one.Max = nil, nil
		for i, e := range list {
			if p := one.check(e); p != "" {
				return fmt.Sprintf("item %d %s", i+1, p)
			}
		}
		return ""
	}
	if in.Pattern != nil {
		if s, ok := v.(string); ok && !in.Pattern.MatchString(s) {
			src := in.Pattern.String()
			return fmt.Sprintf("is %q, which does not match the pattern %s", s, src[len("^(?:"):len(src)-len(")$")])
		}
	}
	if len(in.Enum) > 0 && !slices.ContainsFunc(in.Enum, func(e any) bool { return equalValue(e, v) }) {
		return in.notInEnum(v)
	}
	switch x := v.(type) {
	case string:
		return in.checkLength(utf8.RuneCountInString(x), "character")
	case int, float64:
		f := toFloat(x)
		if in.Min != nil && f < *in.Min {
			return fmt.Sprintf("is %s, but at least %s is allowed", shown(v), shown(*in.Min))
		}
		if in.Max != nil && f > *in.Max {
			return fmt.Sprintf("is %s, but at most %s is allowed", shown(v), shown(*in.Max))
		}
	}
	return ""
}

func (in *Input) notInEnum(v any) string {
	var words []string
	for _, e := range in.Enum {
		words = append(words, strings.Trim(shown(e), `"`))
	}
	problem := fmt.Sprintf("is %s, which is none of %s", shown(v), strings.Join(words, ", "))
	if s, ok := v.(string); ok {
		if near := diag.Closest(s, words); near != "" {
			problem += fmt.Sprintf(" (did you mean %q?)", near)
		}
	}
	return problem
}

func (in *Input) checkLength(n int, unit string) string {
	if n != 1 {
		unit += "s"
	}
	if in.Min != nil && float64(n) < *in.Min {
		return fmt.Sprintf("has %d %s, and must have at least %s", n, unit, shown(*in.Min))
	}
	if in.Max != nil && float64(n) > *in.Max {
		return fmt.Sprintf("has %d %s, and may have at most %s", n, unit, shown(*in.Max))
	}
	return ""
}

// shown is a value as a user would write it.
func shown(v any) string {
	switch x := v.(type) {
	case string:
		return strconv.Quote(x)
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64)
	case time.Duration:
		s := x.String() // 48h0m0s
		if strings.HasSuffix(s, "m0s") {
			s = strings.TrimSuffix(s, "0s")
		}
		if strings.HasSuffix(s, "h0m") {
			s = strings.TrimSuffix(s, "0m")
		}
		return s
	case time.Time:
		if h, m, s := x.Clock(); h == 0 && m == 0 && s == 0 {
			return x.Format("2006-01-02")
		}
		return x.Format("2006-01-02 15:04")
	}
	return fmt.Sprint(v)
}

func equalValue(a, b any) bool {
	if t, ok := a.(time.Time); ok {
		u, ok := b.(time.Time)
		return ok && t.Equal(u)
	}
	return a == b
}

func toFloat(v any) float64 {
	if n, ok := v.(int); ok {
		return float64(n)
	}
	f, _ := v.(float64)
	return f
}

// InputError is a value that the user gave and the flow does not take. Commands
// exit with 64.
type InputError struct {
	Problems []string // each a whole sentence
}

// Error joins the problems.
func (e *InputError) Error() string { return strings.Join(e.Problems, "\n") }

// BindInputs turns what the user gave (texts from --var and the environment,
// YAML values from a --var-file) into typed values, with defaults. Every problem
// is reported at once, as an *InputError.
func (p *Program) BindInputs(given map[string]any) (map[string]any, error) {
	out := map[string]any{}
	var problems []string
	var names []string
	for _, in := range p.Inputs {
		names = append(names, in.Name)
		raw, ok := given[in.Name]
		switch {
		case ok:
			v, err := in.parse(raw, in.Shape, p.Zone)
			if err == nil {
				if problem := in.check(v); problem != "" {
					err = fmt.Errorf("%s", problem)
				}
			}
			if err != nil {
				problems = append(problems, fmt.Sprintf("input %s %s", in.Name, in.hide(err.Error())))
				continue
			}
			out[in.Name] = v
		case in.HasDefault:
			out[in.Name] = in.Default
		case in.Required:
			what := in.Type
			if in.Description != "" {
				what += ": " + in.Description
			}
			problems = append(problems, fmt.Sprintf("input %s is required (%s); give it with --var %s=…", in.Name, what, in.Name))
		default:
			out[in.Name] = nil
		}
	}
	for name := range given {
		if !slices.Contains(names, name) {
			hint := didYouMean(name, names)
			problems = append(problems, fmt.Sprintf("the flow has no input %q%s", name, hint))
		}
	}
	slices.Sort(problems)
	if len(problems) > 0 {
		return nil, &InputError{problems}
	}
	return out, nil
}

// hide keeps a sensitive value out of a message.
func (in *Input) hide(problem string) string {
	if in.Sensitive {
		return "is not allowed (its value is not shown)"
	}
	return problem
}

// parse reads one given value as the wanted shape.
func (in *Input) parse(raw any, want step.Shape, zone *time.Location) (any, error) {
	if list, ok := raw.([]any); ok && want.Form == step.FormList {
		out := make([]any, len(list))
		for i, e := range list {
			v, err := in.parse(e, want.Element(), zone)
			if err != nil {
				return nil, fmt.Errorf("item %d %w", i+1, err)
			}
			out[i] = v
		}
		return out, nil
	}
	s, ok := raw.(string)
	if !ok {
		found := "empty"
		switch raw.(type) {
		case []any:
			found = "a list"
		case map[string]any:
			found = "a map"
		}
		return nil, fmt.Errorf("is %s, but %s is wanted", found, withArticle(want.Form.String()))
	}
	bad := func(example string) error {
		word := want.Form.String()
		if in.Type == "date" || in.Items == "date" {
			word = "date"
		}
		return fmt.Errorf("is %q, which is no %s; write it as %s", s, word, example)
	}
	switch want.Form {
	case step.FormInt:
		n, err := strconv.Atoi(strings.TrimSpace(s))
		if err != nil {
			return nil, bad("17")
		}
		return n, nil
	case step.FormNumber:
		f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
		if err != nil || f-f != 0 {
			return nil, bad("0.15")
		}
		return f, nil
	case step.FormBool:
		switch s {
		case "true":
			return true, nil
		case "false":
			return false, nil
		}
		return nil, bad("true or false")
	case step.FormDuration:
		d, err := lang.ParseDuration(s)
		if err != nil {
			return nil, bad("90d, 12h or 30m")
		}
		return d, nil
	case step.FormTime:
		parse, example := lang.ParseTime, "2026-03-01 10:30"
		if in.Type == "date" || in.Items == "date" {
			parse, example = lang.ParseDate, "2026-03-01"
		}
		t, err := parse(s, zone)
		if err != nil {
			return nil, bad(example)
		}
		return t, nil
	case step.FormList:
		if strings.TrimSpace(s) == "" {
			return []any{}, nil
		}
		var list []any
		for part := range strings.SplitSeq(s, ",") {
			list = append(list, strings.TrimSpace(part))
		}
		return in.parse(list, want, zone)
	}
	return s, nil
}

func withArticle(noun string) string {
	if strings.ContainsRune("aeiou", rune(noun[0])) {
		return "an " + noun
	}
	return "a " + noun
}

package lang

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/engine/step"
)

// literal reads a scalar without holes by the type that is wanted, from the text
// as it is written: 007 is a text where a text is wanted.
func (c *valueCompiler) literal(n *flow.Node, want step.Field) *Value {
	s := want.Shape
	if n.Null {
		return c.null(n, want)
	}
	text := strings.TrimSpace(n.Text)
	switch s.Form {
	case step.FormText:
		c.dollarForgotten(n, part{to: len(n.Text)})
		return c.textLiteral(n, want, n.Text)
	case step.FormSecret:
		c.literalToken(n, want)
		return nil
	case step.FormAny:
		if v, shape, ok := coreValue(n); ok {
			return c.constant(n, v, shape)
		}
		c.dollarForgotten(n, part{to: len(n.Text)})
		return c.textLiteral(n, want, n.Text)
	case step.FormInt:
		if v, err := strconv.ParseInt(strings.TrimPrefix(text, "+"), 10, 64); err == nil {
			return c.bounded(n, want, int(v), float64(v))
		}
	case step.FormNumber:
		if v, err := strconv.ParseFloat(text, 64); err == nil && decimal.MatchString(text) {
			return c.bounded(n, want, v, v)
		}
	case step.FormBool:
		if text == "true" || text == "false" {
			return c.constant(n, text == "true", step.ShapeBool)
		}
	case step.FormDuration:
		d, err := ParseDuration(text)
		if err == nil {
			return c.constant(n, d, step.ShapeDuration)
		}
		c.problems.Add("wrong-type", n.Span, "%s must be a duration", subject(want)).WithDetail("%s", upperFirst(err.Error())+".").
			WithHint("write a number and its unit: 90d, 12h or 30m")
		return nil
	case step.FormTime:
		return c.timeLiteral(n, want, text)
	}
	c.wrongLiteral(n, want, text)
	return nil
}

// decimal is how a number is written, infinities and hexadecimals excluded.
var decimal = regexp.MustCompile(`^[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?$`)

// The forms of YAML's core schema, as far as they cannot be a phone or an id:
// a leading zero or plus makes a text.
var (
	coreInt   = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)
	coreFloat = regexp.MustCompile(`^-?(0|[1-9][0-9]*)\.[0-9]+([eE][-+]?[0-9]+)?$`)
)

// coreValue is what a plain scalar is where anything is wanted.
func coreValue(n *flow.Node) (any, step.Shape, bool) {
	if n.Style != flow.Plain {
		return nil, step.Shape{}, false
	}
	switch text := n.Text; {
	case text == "true" || text == "True" || text == "TRUE":
		return true, step.ShapeBool, true
	case text == "false" || text == "False" || text == "FALSE":
		return false, step.ShapeBool, true
	case coreInt.MatchString(text):
		v, err := strconv.Atoi(text)
		return v, step.ShapeInt, err == nil
	case coreFloat.MatchString(text):
		v, err := strconv.ParseFloat(text, 64)
		return v, step.ShapeNumber, err == nil
	}
	return nil, step.Shape{}, false
}

func (c *valueCompiler) null(n *flow.Node, want step.Field) *Value {
	switch {
	case want.NonEmpty:
		c.empty(n, want, "empty")
	case want.Shape.Form == step.FormAny || want.Shape.Nullable:
		return c.constant(n, nil, step.ShapeNil)
	case want.Shape.Form == step.FormSecret:
		c.literalToken(n, want)
	default:
		c.problems.Add("wrong-type", n.Span, "%s is empty, but %s is wanted", subject(want), article(want.Shape)).
			WithHint("write a value, or take the line out")
	}
	return nil
}

func (c *valueCompiler) timeLiteral(n *flow.Node, want step.Field, text string) *Value {
	zone := c.scope.zone
	if zone == nil {
		t, err := ParseTime(text, time.UTC)
		if err == nil && !namesOffset(text, t) {
			c.problems.Add("timezone-required", n.Span, "%s needs the company's time zone", subject(want)).
				WithHint("add `connection: { timezone: Europe/Moscow }` to the flow, with your zone")
			return nil
		}
		zone = time.UTC
	}
	t, err := ParseTime(text, zone)
	if err != nil {
		c.problems.Add("wrong-type", n.Span, "%s must be a time", subject(want)).WithDetail("%s", upperFirst(err.Error())+".").
			WithHint("write a date, with or without a time: 2026-03-01 10:30")
		return nil
	}
	return c.constant(n, t, step.ShapeTime)
}

// namesOffset reports whether a time says itself which zone it is in: it is then
// the same moment in whatever zone it is read.
func namesOffset(text string, inUTC time.Time) bool {
	elsewhere, err := ParseTime(text, time.FixedZone("", 5*60*60))
	return err == nil && elsewhere.Equal(inUTC)
}

// rangeHint says which numbers a field takes.
func rangeHint(want step.Field) string {
	switch {
	case want.Min == nil:
		return "write " + bound(*want.Max) + " or less"
	case want.Max == nil:
		return "write " + bound(*want.Min) + " or more"
	}
	return "write a number from " + bound(*want.Min) + " to " + bound(*want.Max)
}

// bounded checks the range of a number.
func (c *valueCompiler) bounded(n *flow.Node, want step.Field, v any, size float64) *Value {
	switch {
	case want.Min != nil && size < *want.Min:
		c.problems.Add("out-of-range", n.Span, "%s is %s, but at least %s is allowed", subject(want), n.Text, bound(*want.Min)).
			WithHint("%s", rangeHint(want))
	case want.Max != nil && size > *want.Max:
		c.problems.Add("out-of-range", n.Span, "%s is %s, but at most %s is allowed", subject(want), n.Text, bound(*want.Max)).
			WithHint("%s", rangeHint(want))
	default:
		if _, ok := v.(int); ok {
			return c.constant(n, v, step.ShapeInt)
		}
		return c.constant(n, v, step.ShapeNumber)
	}
	return nil
}

func bound(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// wrongLiteral says what was found and how to write what is wanted.
func (c *valueCompiler) wrongLiteral(n *flow.Node, want step.Field, text string) {
	found := "the text " + quote(text)
	if text == "" {
		found = "an empty text"
	}
	d := c.wrong(n, want, found)
	if e, _ := compile(n, 0, len(n.Text), c.scope); e != nil && len(e.refs) > 0 {
		d.Hint = fmt.Sprintf("write ${{ %s }}", clip(e.Source()))
		return
	}
	switch want.Shape.Form {
	case step.FormBool:
		d.Hint = "write true or false"
	case step.FormInt:
		d.Hint = "write digits, without spaces, points or quotes: 1000"
	case step.FormNumber:
		d.Hint = "write a number with a point: 0.5"
	case step.FormList:
		d.Hint = "write a list: [" + clip(text) + "]"
		if want.Shape.Element().Form == step.FormObject {
			d.Hint = "write ${{ steps.….outputs.… }}"
		}
	case step.FormObject:
		d.Hint = "write names and values below it, one a line"
	}
}

// nodeShape is what a node is, for messages.
func nodeShape(n *flow.Node) step.Shape {
	switch n.Kind {
	case flow.List:
		return step.Shape{Form: step.FormList}
	case flow.Map:
		return step.Shape{Form: step.FormObject}
	}
	return step.ShapeText
}

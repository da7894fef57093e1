package lang

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/flowrunner/flowrunner/engine/step"
)

// Context is what a function may know of the run beside its arguments.
type Context struct {
	Now  time.Time      // the moment of planning
	Zone *time.Location // the company's zone; nil is UTC
}

func (c Context) zone() *time.Location {
	if c.Zone == nil {
		return time.UTC
	}
	return c.Zone
}

// Param is one parameter of a Function. A Shape of any accepts everything that
// Infer does not refuse.
type Param struct {
	Name     string
	Shape    step.Shape
	Optional bool // may be left out; only at the end
	NilOK    bool // nil is a useful argument and no mistake

	// Literal checks an argument that is written as a text in the flow, so that a
	// bad pattern or duration is found at validate. Nil checks nothing.
	Literal func(text string) error
}

// readBy is the Literal of a parameter whose texts are read by f.
func readBy[T any](f func(string) (T, error)) func(string) error {
	return func(text string) error {
		_, err := f(text)
		return err
	}
}

// Function is one function of the language: its signature for the checker, its
// documentation, and how it is called. The checker promises Call as many
// arguments as Params allow, nil only where NilOK, and values of the declared
// shapes; what a value of the shape any turns out to be, Call checks itself.
type Function struct {
	Name string
	Doc  string // one sentence
	// Example is `expression → value`, the value in the language's own notation.
	// It holds on Monday, 2 March 2026, at 10:30 in Europe/Moscow.
	Example  string
	Params   []Param
	Variadic bool       // the last parameter repeats
	Result   step.Shape // used when Infer is nil

	// Infer gives the result's shape from those of the arguments, or an error whose
	// text is shown to the user.
	Infer func(args []step.Shape) (step.Shape, error)
	// Check sees shapes and texts together: texts[i] is nil where argument i is no
	// literal text. Nil checks nothing.
	Check func(args []step.Shape, texts []*string) error

	NeedsZone bool // what it gives depends on the company's zone
	Call      func(c Context, args []any) (any, error)
}

// Signature is how the function is written: `truncate(text, length)`, optional
// parameters with a question mark.
func (f Function) Signature() string {
	names := make([]string, len(f.Params))
	for i, p := range f.Params {
		names[i] = p.Name
		if p.Optional {
			names[i] += "?"
		}
	}
	if f.Variadic {
		names = append(names, "…")
	}
	return f.Name + "(" + strings.Join(names, ", ") + ")"
}

// param is the parameter of argument i.
func (f Function) param(i int) Param { return f.Params[min(i, len(f.Params)-1)] }

// literal checks argument i, which is written as a text in the flow.
func (f Function) literal(i int, text string) error {
	if p := f.param(i); p.Literal != nil {
		return p.Literal(text)
	}
	return nil
}

// Functions is every function of the language, sorted by name. Of expr's own,
// now, date and duration are replaced by these.
func Functions() []Function {
	all := slices.Concat(clockFunctions(), calendarFunctions(), formatFunctions(), textFunctions(), choiceFunctions(),
		[]Function{moneyFunction(), listFunction(), zoneFunction()})
	for i, f := range all {
		if f.NeedsZone {
			all[i].Call = inItsZone(f.Call)
		}
	}
	slices.SortFunc(all, func(a, b Function) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// arg takes argument i of a call as a T. The error serves values whose shape
// was known only as any.
func arg[T any](args []any, i int, param, want string) (T, error) {
	var zero T
	if i >= len(args) {
		return zero, fmt.Errorf("%s is missing", param)
	}
	v, ok := args[i].(T)
	if !ok {
		return zero, fmt.Errorf("%s must be %s, but it is %s", param, want, describeValue(args[i]))
	}
	return v, nil
}

func textArg(args []any, i int, param string) (string, error) {
	return arg[string](args, i, param, "a text")
}

func timeArg(args []any, i int, param string) (time.Time, error) {
	return arg[time.Time](args, i, param, "a time")
}

// intArg also takes a number without a fraction, which is what division and
// JSON give.
func intArg(args []any, i int, param string) (int, error) {
	if i < len(args) {
		if f, ok := args[i].(float64); ok && f == float64(int(f)) && f > -1e15 && f < 1e15 {
			return int(f), nil
		}
	}
	return arg[int](args, i, param, "an integer")
}

// durationArg takes a duration or a text such as "30d".
func durationArg(args []any, i int, param string) (time.Duration, error) {
	if i < len(args) {
		if s, ok := args[i].(string); ok {
			return ParseDuration(s)
		}
	}
	return arg[time.Duration](args, i, param, `a duration such as "30d"`)
}

// optionalText is argument i, or "" when it was left out.
func optionalText(args []any, i int, param string) (string, error) {
	if i >= len(args) || args[i] == nil {
		return "", nil
	}
	return textArg(args, i, param)
}

// describeValue names the kind of a value for a message, never the value: it
// may be somebody's name or phone.
func describeValue(v any) string {
	switch v.(type) {
	case nil:
		return "empty (nil)"
	case bool:
		return "a boolean"
	case int:
		return "an integer"
	case float64:
		return "a number"
	case string:
		return "a text"
	case time.Time:
		return "a time"
	case time.Duration:
		return "a duration"
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	}
	return "something else"
}

// wantShape refuses an argument that can never be one of the forms.
func wantShape(s step.Shape, otherwise string, forms ...step.Form) error {
	if s.Form == step.FormAny || s.Form == step.FormNil || slices.Contains(forms, s.Form) {
		return nil
	}
	return errors.New(otherwise)
}

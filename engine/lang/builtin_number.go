package lang

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/flowrunner/flowrunner/engine/step"
)

func numberBuiltins() []Function {
	number := Param{Name: "number", Shape: step.ShapeAny}
	whole := func(name, doc, example string, f func(float64) float64) Function {
		return Function{
			Name: name, Doc: doc, Example: example, Params: []Param{{Name: "number", Shape: step.ShapeNumber}}, Result: step.ShapeInt,
			Call: func(_ Context, args []any) (any, error) {
				n, err := numberArg(args[0])
				if err != nil {
					return nil, err
				}
				return integerOf(f(n))
			},
		}
	}
	extreme := func(name, word, example string, better int) Function {
		return Function{
			Name: name, Doc: "The " + word + " of some values, or of a list; nil of an empty list. Numbers, times and durations have an order.", Example: example,
			Params: []Param{{Name: "values", Shape: step.ShapeAny}}, Variadic: true,
			Infer: inferExtreme(name),
			Call: func(_ Context, args []any) (any, error) {
				return extremeOf(spread(args), better)
			},
		}
	}
	average := func(name, doc, example string, f func([]float64) float64) Function {
		return Function{
			Name: name, Doc: doc, Example: example, Params: []Param{listParam()},
			Infer: func(args []step.Shape) (step.Shape, error) {
				elem := args[0].Element()
				if args[0].Elem != nil {
					if err := wantShape(elem, name+" wants numbers, not "+plural(elem.Form), step.FormInt, step.FormNumber); err != nil {
						return unknown, err
					}
				}
				return step.ShapeNumber.OrNil(), noNilElements(name, args[0])
			},
			Call: func(_ Context, args []any) (any, error) {
				list, err := listArg(args)
				if err != nil || len(list) == 0 {
					return nil, err
				}
				numbers := make([]float64, len(list))
				for i, v := range list {
					if numbers[i], err = numberArg(v); err != nil {
						return nil, err
					}
				}
				return finite(f(numbers))
			},
		}
	}
	return []Function{
		{
			Name: "int", Doc: "An integer of a number, without its fraction, or of a text; nil when the text is no integer.", Example: `int("12") → 12`,
			Params: []Param{{Name: "value", Shape: step.ShapeAny}},
			Infer: func(args []step.Shape) (step.Shape, error) {
				return convertShape("int", args[0], step.ShapeInt)
			},
			Call: func(_ Context, args []any) (any, error) {
				switch x := args[0].(type) {
				case int:
					return x, nil
				case float64:
					return integerOf(x)
				case string:
					if n, err := strconv.Atoi(strings.TrimSpace(x)); err == nil {
						return n, nil
					}
					return nil, nil
				}
				return nil, fmt.Errorf("int takes a number or a text, not %s", describeValue(args[0]))
			},
		},
		{
			Name: "float", Doc: "A number of an integer or of a text; nil when the text is no number.", Example: `float("12.5") → 12.5`,
			Params: []Param{{Name: "value", Shape: step.ShapeAny}},
			Infer: func(args []step.Shape) (step.Shape, error) {
				return convertShape("float", args[0], step.ShapeNumber)
			},
			Call: func(_ Context, args []any) (any, error) {
				s, ok := args[0].(string)
				if !ok {
					n, err := numberArg(args[0])
					return n, err
				}
				n, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
				if err != nil || math.IsInf(n, 0) || math.IsNaN(n) {
					return nil, nil
				}
				return n, nil
			},
		},
		{
			Name: "abs", Doc: "A number without its sign.", Example: `abs(-3) → 3`, Params: []Param{number},
			Infer: func(args []step.Shape) (step.Shape, error) {
				return args[0].NotNil(), wantShape(args[0], "abs takes a number or a duration, not "+article(args[0]),
					step.FormInt, step.FormNumber, step.FormDuration)
			},
			Call: func(_ Context, args []any) (any, error) {
				switch x := args[0].(type) {
				case int:
					return max(x, -x), nil
				case float64:
					return math.Abs(x), nil
				case time.Duration:
					return x.Abs(), nil
				}
				return nil, fmt.Errorf("abs takes a number or a duration, not %s", describeValue(args[0]))
			},
		},
		whole("ceil", "The next integer that is not smaller.", `ceil(1.2) → 2`, math.Ceil),
		whole("floor", "The next integer that is not larger.", `floor(1.8) → 1`, math.Floor),
		whole("round", "The nearest integer; a half goes away from zero.", `round(1.5) → 2`, math.Round),
		extreme("min", "smallest", `min(3, 1, 2) → 1`, -1),
		extreme("max", "largest", `max([3, 1, 2]) → 3`, 1),
		average("mean", "The average of a list of numbers; nil when the list is empty.", `mean([1, 2]) → 1.5`, func(n []float64) float64 {
			sum := 0.0
			for _, x := range n {
				sum += x
			}
			return sum / float64(len(n))
		}),
		average("median", "The middle of a list of numbers; nil when the list is empty.", `median([9, 1, 2]) → 2.0`, median),
	}
}

func median(n []float64) float64 {
	slices.Sort(n)
	half := len(n) / 2
	if len(n)%2 == 1 {
		return n[half]
	}
	return (n[half-1] + n[half]) / 2
}

// convertShape is the result of int and float: nil is possible where the
// argument is a text, since not every text is a number.
func convertShape(name string, arg, to step.Shape) (step.Shape, error) {
	if err := wantShape(arg, name+" takes a number or a text, not "+article(arg), step.FormInt, step.FormNumber, step.FormText); err != nil {
		return unknown, err
	}
	if arg.Form == step.FormText || arg.Form == step.FormAny {
		return to.OrNil(), nil
	}
	return to, nil
}

// inferExtreme types min and max, of values or of one list.
func inferExtreme(name string) func(args []step.Shape) (step.Shape, error) {
	return func(args []step.Shape) (step.Shape, error) {
		result := args[0]
		if result.Form == step.FormList {
			if len(args) > 1 {
				return unknown, fmt.Errorf("%s takes one list, or values", name)
			}
			if err := noNilElements(name, result); err != nil {
				return unknown, err
			}
			result = result.Element().OrNil()
		}
		for _, a := range args[1:] {
			if !comparable(result, a) {
				return unknown, fmt.Errorf("%s cannot compare %s with %s", name, article(result.NotNil()), article(a))
			}
			result = join(result, a)
		}
		return result, wantShape(result, fmt.Sprintf("%s compares numbers, times and durations, not %s", name, plural(result.Form)),
			step.FormInt, step.FormNumber, step.FormTime, step.FormDuration)
	}
}

// spread is the values of one list, or the arguments themselves.
func spread(args []any) []any {
	if list, ok := args[0].([]any); ok && len(args) == 1 {
		return list
	}
	return args
}

func extremeOf(values []any, better int) (any, error) {
	var found any
	mixed := false
	for i, v := range values {
		_, isNumber := v.(float64)
		mixed = mixed || isNumber
		if i == 0 {
			found = v
			continue
		}
		n, err := compareValues(v, found)
		if err != nil {
			return nil, err
		}
		if n == better {
			found = v
		}
	}
	if n, ok := found.(int); ok && mixed {
		return float64(n), nil // integers beside numbers are numbers
	}
	return found, nil
}

func numberArg(v any) (float64, error) {
	switch x := v.(type) {
	case int:
		return float64(x), nil
	case float64:
		return x, nil
	}
	return 0, fmt.Errorf("a number is wanted, but it is %s", describeValue(v))
}

// integerOf is a whole number as an integer.
func integerOf(f float64) (any, error) {
	f = math.Trunc(f)
	if math.IsNaN(f) || f < -1<<63 || f >= 1<<63 {
		return nil, errNotFinite
	}
	return int(f), nil
}

// finite refuses what no message could show.
func finite(f float64) (any, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, errNotFinite
	}
	return f, nil
}

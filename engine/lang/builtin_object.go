package lang

import (
	"errors"
	"fmt"
	"slices"

	"github.com/flowrunner/flowrunner/engine/step"
)

func objectBuiltins() []Function {
	return []Function{
		{
			Name: "keys", Doc: "The names in an object, in alphabetical order.", Example: `keys({"b": 1, "a": 2}) → ["a", "b"]`,
			Params: []Param{objectParam()}, Result: step.ListOf(step.ShapeText),
			Call: onObject(func(m map[string]any, names []string) any {
				out := make([]any, len(names))
				for i, n := range names {
					out[i] = n
				}
				return out
			}),
		},
		{
			Name: "values", Doc: "The values in an object, in the order of their names.", Example: `values({"b": 1, "a": 2}) → [2, 1]`,
			Params: []Param{objectParam()},
			Infer:  func(args []step.Shape) (step.Shape, error) { return step.ListOf(valuesOf(args[0])), nil },
			Call: onObject(func(m map[string]any, names []string) any {
				out := make([]any, len(names))
				for i, n := range names {
					out[i] = m[n]
				}
				return evened(out)
			}),
		},
		{
			Name: "toPairs", Doc: "The names and values in an object as a list of records {key, value}, in the order of the names.",
			Example: `first(toPairs({"b": 1, "a": 2}))?.key → "a"`,
			Params:  []Param{objectParam()},
			Infer: func(args []step.Shape) (step.Shape, error) {
				return step.ListOf(step.ObjectOf(step.Field{Name: "key", Shape: step.ShapeText}, step.Field{Name: "value", Shape: valuesOf(args[0])})), nil
			},
			Call: onObject(func(m map[string]any, names []string) any {
				out := make([]any, len(names))
				for i, n := range names {
					out[i] = map[string]any{"key": n, "value": m[n]}
				}
				return out
			}),
		},
		{
			Name: "fromPairs", Doc: "An object of a list of records {key, value}; of equal keys the last wins.",
			Example: `fromPairs([{"key": "a", "value": 1}])?.a → 1`,
			Params:  []Param{listParam()}, Infer: inferFromPairs, Call: callFromPairs,
		},
	}
}

func objectParam() Param {
	return Param{Name: "object", Shape: step.Shape{Form: step.FormObject, Open: true}}
}

func onObject(f func(m map[string]any, names []string) any) func(Context, []any) (any, error) {
	return func(_ Context, args []any) (any, error) {
		m, err := arg[map[string]any](args, 0, "object", "an object")
		if err != nil {
			return nil, err
		}
		names := make([]string, 0, len(m))
		for n := range m {
			names = append(names, n)
		}
		slices.Sort(names)
		return f(m, names), nil
	}
}

// valuesOf is the shape that every value of an object has.
func valuesOf(s step.Shape) step.Shape {
	switch {
	case s.Elem != nil && s.Form == step.FormObject:
		return *s.Elem
	case s.Open || len(s.Fields) == 0:
		return step.ShapeAny
	}
	v := s.Fields[0].Shape
	for _, f := range s.Fields[1:] {
		v = join(v, f.Shape)
	}
	return v
}

// evened makes numbers of the integers of a list that holds nothing but integers
// and numbers.
func evened(list []any) []any {
	integers, numbers := 0, 0
	for _, v := range list {
		switch v.(type) {
		case int:
			integers++
		case float64:
			numbers++
		}
	}
	if integers == 0 || numbers == 0 || integers+numbers < len(list) {
		return list
	}
	for i, v := range list {
		if n, ok := v.(int); ok {
			list[i] = float64(n)
		}
	}
	return list
}

func inferFromPairs(args []step.Shape) (step.Shape, error) {
	elem := args[0].Element()
	if elem.Form == step.FormAny {
		return dictionary(step.ShapeAny), nil
	}
	key, hasKey := elem.Field("key")
	value, hasValue := elem.Field("value")
	if !hasKey || !hasValue || key.Shape.Form != step.FormText || key.Shape.Nullable || elem.Nullable {
		return unknown, errors.New(`fromPairs wants records with a text "key" and a "value", as in map(list, {{"key": .name, "value": .id}})`)
	}
	return dictionary(value.Shape), nil
}

func callFromPairs(_ Context, args []any) (any, error) {
	list, err := listArg(args)
	if err != nil {
		return nil, err
	}
	out := make(map[string]any, len(list))
	for i, v := range list {
		pair, _ := v.(map[string]any)
		key, ok := pair["key"].(string)
		if !ok {
			return nil, fmt.Errorf("fromPairs: element %d has no text key", i)
		}
		out[key] = pair["value"]
	}
	return out, nil
}

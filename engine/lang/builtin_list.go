package lang

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/flowrunner/flowrunner/engine/step"
)

func listBuiltins() []Function {
	onList := func(f func([]any) any) func(Context, []any) (any, error) {
		return func(_ Context, args []any) (any, error) {
			list, err := listArg(args)
			if err != nil {
				return nil, err
			}
			return f(list), nil
		}
	}
	return []Function{
		{
			Name: "first", Doc: "The first element of a list, nil when the list is empty.", Example: `first([3, 1, 2]) → 3`,
			Params: []Param{listParam()}, Infer: element,
			Call: onList(func(l []any) any {
				if len(l) == 0 {
					return nil
				}
				return l[0]
			}),
		},
		{
			Name: "last", Doc: "The last element of a list, nil when the list is empty.", Example: `last([3, 1, 2]) → 2`,
			Params: []Param{listParam()}, Infer: element,
			Call: onList(func(l []any) any {
				if len(l) == 0 {
					return nil
				}
				return l[len(l)-1]
			}),
		},
		{
			Name: "take", Doc: "The first elements of a list, at most this many.", Example: `take([3, 1, 2], 2) → [3, 1]`,
			Params: []Param{listParam(), {Name: "count", Shape: step.ShapeInt}}, Infer: same,
			Call: func(_ Context, args []any) (any, error) {
				list, err := listArg(args)
				if err != nil {
					return nil, err
				}
				n, err := intArg(args, 1, "count")
				return list[:min(max(n, 0), len(list))], err
			},
		},
		{
			Name: "reverse", Doc: "A list in reverse order.", Example: `reverse([3, 1, 2]) → [2, 1, 3]`,
			Params: []Param{listParam()}, Infer: same,
			Call: onList(func(l []any) any {
				l = slices.Clone(l)
				slices.Reverse(l)
				return l
			}),
		},
		{
			Name: "uniq", Doc: "A list without repeated elements; the first of equal ones stays.", Example: `uniq([3, 1, 3]) → [3, 1]`,
			Params: []Param{listParam()}, Infer: same,
			Call: onList(uniq),
		},
		{
			Name: "sort", Doc: `A list of integers, numbers, texts, times or durations in order; "desc" turns it round.`, Example: `sort([3, 1, 2], "desc") → [3, 2, 1]`,
			Params: []Param{listParam(), {Name: "order", Shape: step.ShapeText, Optional: true, Literal: readBy(descending)}},
			Infer:  inferSort,
			Call: func(_ Context, args []any) (any, error) {
				list, err := listArg(args)
				if err != nil {
					return nil, err
				}
				order := "asc"
				if len(args) > 1 {
					if order, err = textArg(args, 1, "order"); err != nil {
						return nil, err
					}
				}
				return sorted(list, list, order)
			},
		},
		{
			Name: "concat", Doc: "Several lists as one.", Example: `concat([1], [2, 3]) → [1, 2, 3]`,
			Params: []Param{listParam()}, Variadic: true,
			Infer: func(args []step.Shape) (step.Shape, error) {
				s := args[0]
				for _, a := range args[1:] {
					s = join(s, a)
				}
				return same([]step.Shape{s})
			},
			Call: func(_ Context, args []any) (any, error) {
				out := []any{}
				for i := range args {
					list, err := listArg(args[i:])
					if err != nil {
						return nil, err
					}
					out = append(out, list...)
				}
				return out, nil
			},
		},
		{
			Name: "flatten", Doc: "The elements of the lists in a list, however deep, as one list.", Example: `flatten([[1], [2, [3]]]) → [1, 2, 3]`,
			Params: []Param{listParam()},
			Infer: func(args []step.Shape) (step.Shape, error) {
				elem := args[0].Element()
				for elem.Form == step.FormList {
					if elem.Nullable {
						return elem, fmt.Errorf("the lists in it may be nil (%s): take those out first, flatten(filter(list, # != nil))", args[0])
					}
					if elem.Elem == nil {
						return step.ListOf(step.ShapeAny), nil
					}
					elem = *elem.Elem
				}
				return step.ListOf(elem), nil
			},
			Call: onList(func(l []any) any { return flatten([]any{}, l, new(int)) }),
		},
		{
			Name: "join", Doc: "The texts of a list as one text, with a separator between them.", Example: `join(["a", "b"], ", ") → "a, b"`,
			Params: []Param{listParam(), {Name: "separator", Shape: step.ShapeText, Optional: true}},
			Infer:  inferJoin,
			Call:   callJoin,
		},
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

func inferSort(args []step.Shape) (step.Shape, error) {
	if err := noNilElements("sort", args[0]); err != nil {
		return unknown, err
	}
	switch f := args[0].Element().Form; f {
	case step.FormObject, step.FormList, step.FormBool, step.FormSecret:
		return unknown, fmt.Errorf(`%s have no order: name what to compare, sortBy(list, .field)`, plural(f))
	}
	return same(args)
}

func plural(f step.Form) string {
	if f == step.FormObject {
		return "records"
	}
	return f.String() + "s"
}

func inferJoin(args []step.Shape) (step.Shape, error) {
	elem := args[0].Element()
	if args[0].Elem != nil && elem.Form != step.FormText && elem.Form != step.FormAny {
		return unknown, fmt.Errorf("join puts texts together, and the elements are %s: make texts of them, join(map(list, string(#)), \", \")", plural(elem.Form))
	}
	return step.ShapeText, noNilElements("join", args[0])
}

func callJoin(_ Context, args []any) (any, error) {
	list, err := listArg(args)
	if err != nil {
		return nil, err
	}
	separator, err := optionalText(args, 1, "separator")
	if err != nil {
		return nil, err
	}
	size := len(separator) * max(0, len(list)-1)
	parts := make([]string, len(list))
	for i, v := range list {
		s, ok := v.(string)
		if !ok {
			return nil, fmt.Errorf("join puts texts together, but element %d is %s", i, describeValue(v))
		}
		parts[i] = s
		size += len(s)
	}
	if size > maxResult {
		return nil, errTooLong
	}
	return strings.Join(parts, separator), nil
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

// flatten stops a little behind the cap, which is then reported: lists that
// share their parts can be larger than any memory.
func flatten(out, list []any, seen *int) []any {
	for _, v := range list {
		if *seen++; *seen > maxElements+1 || len(out) > maxElements {
			return append(out, make([]any, max(0, maxElements+1-len(out)))...)
		}
		if inner, ok := v.([]any); ok {
			out = flatten(out, inner, seen)
		} else {
			out = append(out, v)
		}
	}
	return out
}

// uniq keeps the first of equal elements. Scalars go through a map; records and
// lists are compared one by one.
func uniq(list []any) any {
	out := make([]any, 0, len(list))
	seen := make(map[any]bool, len(list))
	var composite []any
	for _, v := range list {
		switch x := v.(type) {
		case map[string]any, []any:
			if slices.ContainsFunc(composite, func(o any) bool { return reflect.DeepEqual(o, v) }) {
				continue
			}
			composite = append(composite, v)
		case time.Time:
			if k := x.UnixNano(); seen[[2]any{"time", k}] {
				continue
			} else {
				seen[[2]any{"time", k}] = true
			}
		default:
			if seen[v] {
				continue
			}
			seen[v] = true
		}
		out = append(out, v)
	}
	return out
}

func descending(order string) (bool, error) {
	switch order {
	case "asc":
		return false, nil
	case "desc":
		return true, nil
	}
	return false, fmt.Errorf(`%s is no order; write "asc" or "desc"`, quote(order))
}

// sorted gives list in the order of keys, equal ones as they stood.
func sorted(list, keys []any, order string) (any, error) {
	desc, err := descending(order)
	if err != nil {
		return nil, err
	}
	places := make([]int, len(list))
	for i := range places {
		places[i] = i
	}
	slices.SortStableFunc(places, func(i, j int) int {
		n, e := compareValues(keys[i], keys[j])
		if e != nil {
			err = e
		}
		if desc {
			return -n
		}
		return n
	})
	if err != nil {
		return nil, err
	}
	out := make([]any, len(list))
	for i, p := range places {
		out[i] = list[p]
	}
	return out, nil
}

// compareValues orders two values of one form.
func compareValues(a, b any) (int, error) {
	switch x := a.(type) {
	case int:
		switch y := b.(type) {
		case int:
			return compareOrdered(x, y), nil
		case float64:
			return compareOrdered(float64(x), y), nil
		}
	case float64:
		switch y := b.(type) {
		case int:
			return compareOrdered(x, float64(y)), nil
		case float64:
			return compareOrdered(x, y), nil
		}
	case string:
		if y, ok := b.(string); ok {
			return compareText(x, y), nil
		}
	case time.Time:
		if y, ok := b.(time.Time); ok {
			return x.Compare(y), nil
		}
	case time.Duration:
		if y, ok := b.(time.Duration); ok {
			return compareOrdered(x, y), nil
		}
	}
	return 0, fmt.Errorf("%s and %s have no order", describeValue(a), describeValue(b))
}

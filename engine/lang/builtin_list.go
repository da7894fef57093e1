package lang

import (
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
	}
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

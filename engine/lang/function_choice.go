package lang

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/flowrunner/flowrunner/engine/step"
)

// choiceFunctions pick one of several values.
func choiceFunctions() []Function {
	return []Function{
		{
			Name:    "default",
			Doc:     "The first value, or the second where the first is nil.",
			Example: `default(nil, "friend") → "friend"`,
			Params:  []Param{{Name: "value", Shape: step.ShapeAny, NilOK: true}, {Name: "otherwise", Shape: step.ShapeAny, NilOK: true}},
			Infer: func(args []step.Shape) (step.Shape, error) {
				if args[0].Form == step.FormNil {
					return args[1], nil
				}
				value := args[0]
				if value.Form != step.FormAny {
					value = value.NotNil()
				}
				return step.Join(value, args[1]), nil
			},
			Call: func(_ Context, args []any) (any, error) {
				value, otherwise := args[0], args[1]
				if value == nil {
					return otherwise, nil
				}
				if n, ok := value.(int); ok {
					if _, ok := otherwise.(float64); ok {
						return float64(n), nil // the two together are a number
					}
				}
				return value, nil
			},
		},
		edgeFunction("newest", "latest", `newest([date("2026-01-05"), date("2026-02-01")]) → date("2026-02-01")`,
			func(t, best time.Time) bool { return t.After(best) }),
		edgeFunction("oldest", "earliest", `oldest([{"id": 1, "at": now()}, {"id": 2, "at": date("2026-01-01")}], "at").id → 2`,
			func(t, best time.Time) bool { return t.Before(best) }),
		{
			Name:    "plural",
			Doc:     "The form of a noun that goes with a number: two forms for English and Spanish, three for Russian (1, 2, 5).",
			Example: `plural(3, "визит", "визита", "визитов") → "визита"`,
			Params: []Param{
				{Name: "number", Shape: step.ShapeNumber},
				{Name: "one", Shape: step.ShapeText},
				{Name: "few", Shape: step.ShapeText},
				{Name: "many", Shape: step.ShapeText, Optional: true},
			},
			Result: step.ShapeText,
			Call:   callPlural,
		},
	}
}

// callPlural follows CLDR: Russian with three forms, else "one" for exactly 1.
// A Russian fraction takes the genitive singular, which is the form of 2.
func callPlural(_ Context, args []any) (any, error) {
	n, whole, err := cardinal(args)
	if err != nil {
		return nil, err
	}
	var forms []string
	for i, name := range []string{"one", "few", "many"}[:min(3, len(args)-1)] {
		form, err := textArg(args, i+1, name)
		if err != nil {
			return nil, err
		}
		forms = append(forms, form)
	}
	switch len(forms) {
	case 2:
		if whole && n == 1 {
			return forms[0], nil
		}
		return forms[1], nil
	case 3:
		tens, ones := n%100, n%10
		switch {
		case !whole:
			return forms[1], nil
		case ones == 1 && tens != 11:
			return forms[0], nil
		case ones >= 2 && ones <= 4 && (tens < 12 || tens > 14):
			return forms[1], nil
		}
		return forms[2], nil
	}
	return nil, errors.New(`plural needs two forms ("visit", "visits") or three ("визит", "визита", "визитов")`)
}

// cardinal is the size of the number to count, without its sign.
func cardinal(args []any) (n uint64, whole bool, err error) {
	if len(args) > 0 {
		if i, ok := args[0].(int); ok {
			if i < 0 {
				return -uint64(i), true, nil
			}
			return uint64(i), true, nil
		}
	}
	f, err := arg[float64](args, 0, "number", "a number")
	if err != nil {
		return 0, false, err
	}
	f = math.Abs(f)
	if math.IsNaN(f) || f > 1<<53 || f != math.Trunc(f) {
		return 0, false, nil
	}
	return uint64(f), true, nil
}

// edgeFunction is newest or oldest.
func edgeFunction(name, word, example string, better func(t, best time.Time) bool) Function {
	return Function{
		Name: name,
		Doc: "The record of a list whose time is the " + word + ", nil when there is none; the field may be left out where the records have `created` or " +
			"a single time, and a list of times gives a time.",
		Example: example,
		Params:  []Param{{Name: "list", Shape: step.ListOf(step.ShapeAny)}, {Name: "field", Shape: step.ShapeText, Optional: true}},
		Infer: func(args []step.Shape) (step.Shape, error) {
			if err := checkEdge(name, args, nil); err != nil {
				return step.Shape{}, err
			}
			return args[0].Element().OrNil(), nil
		},
		Check: func(args []step.Shape, texts []*string) error { return checkEdge(name, args, texts) },
		Call: func(_ Context, args []any) (any, error) {
			list, err := arg[[]any](args, 0, "list", "a list")
			if err != nil {
				return nil, err
			}
			field, err := optionalText(args, 1, "field")
			if err != nil {
				return nil, err
			}
			return pickEdge(name, list, field, better)
		},
	}
}

// checkEdge finds at validate a field that the records do not have, or that
// newest and oldest cannot choose alone. texts is nil when unknown.
func checkEdge(name string, args []step.Shape, texts []*string) error {
	elem := args[0].Element()
	switch elem.Form {
	case step.FormAny, step.FormNil, step.FormTime:
		return nil
	case step.FormObject:
	default:
		return fmt.Errorf("%s wants a list of records or of times, not a %s", name, args[0].NotNil())
	}
	times := timeFields(elem)
	if len(args) < 2 {
		if len(elem.Fields) == 0 || elem.Open && len(times) == 0 {
			return nil // the run can tell
		}
		_, err := chooseField(name, times)
		return err
	}
	if len(texts) < 2 || texts[1] == nil {
		return nil
	}
	f, ok := elem.Field(*texts[1])
	switch {
	case !ok && elem.Open:
		return nil
	case !ok && len(times) == 0:
		return fmt.Errorf("the records have no field %s, and no field that is a time", quote(*texts[1]))
	case !ok:
		return fmt.Errorf("the records have no field %s; their times are: %s", quote(*texts[1]), strings.Join(times, ", "))
	case f.Shape.Form != step.FormTime && f.Shape.Form != step.FormAny:
		return fmt.Errorf("the field %s is no time but %s", quote(f.Name), f.Shape)
	}
	return nil
}

func timeFields(s step.Shape) []string {
	var names []string
	for _, f := range s.Fields {
		if f.Shape.Form == step.FormTime {
			names = append(names, f.Name)
		}
	}
	return names
}

// chooseField is the field that is meant when none is named.
func chooseField(name string, times []string) (string, error) {
	for _, usual := range []string{"created", "created_at", "at"} {
		if slices.Contains(times, usual) {
			return usual, nil
		}
	}
	switch len(times) {
	case 0:
		return "", fmt.Errorf("%s finds no time in the records: name the field, as in %s(list, \"created\")", name, name)
	case 1:
		return times[0], nil
	}
	return "", fmt.Errorf("the records have several times (%s): name one, as in %s(list, %q)", strings.Join(times, ", "), name, times[0])
}

// pickEdge passes over elements without a time. Of equal ones the first wins.
func pickEdge(name string, list []any, field string, better func(t, best time.Time) bool) (any, error) {
	if field == "" {
		var err error
		if field, err = fieldOfRecords(name, list); err != nil {
			return nil, err
		}
	}
	var found any
	var best time.Time
	for _, v := range list {
		when := v
		if record, ok := v.(map[string]any); ok {
			when = record[field]
		}
		if when == nil {
			continue
		}
		t, ok := when.(time.Time)
		if !ok {
			return nil, fmt.Errorf("%s compares times, but found %s", name, describeValue(when))
		}
		if found == nil || better(t, best) {
			found, best = v, t
		}
	}
	return found, nil
}

// fieldOfRecords does at run what checkEdge does at validate: a field counts as
// a time when it holds one somewhere, and a usual name also when it is nil
// everywhere.
func fieldOfRecords(name string, list []any) (string, error) {
	seen := map[string]bool{} // field → holds nothing but times and nil
	holds := map[string]bool{}
	for _, v := range list {
		record, ok := v.(map[string]any)
		if !ok {
			continue
		}
		for k, x := range record {
			_, isTime := x.(time.Time)
			if before, ok := seen[k]; !ok || before {
				seen[k] = isTime || x == nil
			}
			holds[k] = holds[k] || isTime
		}
	}
	var times []string
	for k, only := range seen {
		usual := k == "created" || k == "created_at" || k == "at"
		if only && (holds[k] || usual) {
			times = append(times, k)
		}
	}
	if len(times) == 0 {
		return "", nil // only nil, or no records at all: nothing is the newest
	}
	slices.Sort(times)
	return chooseField(name, times)
}

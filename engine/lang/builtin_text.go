package lang

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/flowrunner/flowrunner/engine/step"
)

func textBuiltins() []Function {
	text := textParam("text")
	two := func(f func(a, b string) (any, error)) func(Context, []any) (any, error) {
		return func(_ Context, args []any) (any, error) {
			a, err := textArg(args, 0, "text")
			if err != nil {
				return nil, err
			}
			b, err := textArg(args, 1, "second text")
			if err != nil {
				return nil, err
			}
			return f(a, b)
		}
	}
	trim := func(name, where, example string, f func(s, cut string) string, spaces func(string) string) Function {
		fn := Function{
			Name: name, Doc: "The text without " + where + ".", Example: example,
			Params: []Param{text, textParam("cut")}, Result: step.ShapeText,
			Call: two(func(a, b string) (any, error) { return f(a, b), nil }),
		}
		if spaces != nil {
			fn.Params[1].Optional = true
			cut := fn.Call
			fn.Call = func(c Context, args []any) (any, error) {
				if len(args) > 1 {
					return cut(c, args)
				}
				s, err := textArg(args, 0, "text")
				return spaces(s), err
			}
		}
		return fn
	}
	return []Function{
		trim("trim", "the spaces around it, or without these characters", `trim("  hi ") → "hi"`, strings.Trim, strings.TrimSpace),
		trim("trimPrefix", "this beginning", `trimPrefix("+7915", "+") → "7915"`, strings.TrimPrefix, nil),
		trim("trimSuffix", "this end", `trimSuffix("5 kg", " kg") → "5"`, strings.TrimSuffix, nil),
		{
			Name: "upper", Doc: "The text in capital letters.", Example: `upper("привет") → "ПРИВЕТ"`,
			Params: []Param{text}, Result: step.ShapeText, Call: onText(strings.ToUpper),
		},
		{
			Name: "lower", Doc: "The text in small letters.", Example: `lower("ПРИВЕТ") → "привет"`,
			Params: []Param{text}, Result: step.ShapeText, Call: onText(strings.ToLower),
		},
		{
			Name: "split", Doc: "The parts of a text between separators, at most this many.", Example: `split("a,b", ",") → ["a", "b"]`,
			Params: []Param{text, textParam("separator"), {Name: "parts", Shape: step.ShapeInt, Optional: true}},
			Result: step.ListOf(step.ShapeText), Call: callSplit(strings.SplitN),
		},
		{
			Name: "splitAfter", Doc: "Like split, but each part keeps its separator.", Example: `splitAfter("a,b", ",") → ["a,", "b"]`,
			Params: []Param{text, textParam("separator"), {Name: "parts", Shape: step.ShapeInt, Optional: true}},
			Result: step.ListOf(step.ShapeText), Call: callSplit(strings.SplitAfterN),
		},
		{
			Name: "replace", Doc: "The text with every occurrence of one text replaced by another.", Example: `replace("a-b", "-", "+") → "a+b"`,
			Params: []Param{text, textParam("old"), textParam("new")}, Result: step.ShapeText,
			Call: func(_ Context, args []any) (any, error) {
				s, err := textArg(args, 0, "text")
				if err != nil {
					return nil, err
				}
				before, err := textArg(args, 1, "old")
				if err != nil {
					return nil, err
				}
				after, err := textArg(args, 2, "new")
				if err != nil {
					return nil, err
				}
				if len(s)+strings.Count(s, before)*len(after) > maxResult {
					return nil, errTooLong
				}
				return strings.ReplaceAll(s, before, after), nil
			},
		},
		{
			Name: "repeat", Doc: "The text this many times.", Example: `repeat("ab", 2) → "abab"`,
			Params: []Param{text, {Name: "times", Shape: step.ShapeInt}}, Result: step.ShapeText,
			Call: func(_ Context, args []any) (any, error) {
				s, err := textArg(args, 0, "text")
				if err != nil {
					return nil, err
				}
				n, err := intArg(args, 1, "times")
				if err != nil {
					return nil, err
				}
				if n > maxResult || len(s)*max(n, 0) > maxResult {
					return nil, errTooLong
				}
				return strings.Repeat(s, max(n, 0)), nil
			},
		},
		{
			Name: "indexOf", Doc: "Where a text first occurs in another, in characters from 0; -1 when it does not.", Example: `indexOf("привет", "в") → 3`,
			Params: []Param{text, textParam("part")}, Result: step.ShapeInt,
			Call: two(func(a, b string) (any, error) { return runeIndex(a, strings.Index(a, b)), nil }),
		},
		{
			Name: "lastIndexOf", Doc: "Where a text last occurs in another, in characters from 0; -1 when it does not.", Example: `lastIndexOf("abab", "b") → 3`,
			Params: []Param{text, textParam("part")}, Result: step.ShapeInt,
			Call: two(func(a, b string) (any, error) { return runeIndex(a, strings.LastIndex(a, b)), nil }),
		},
		{
			Name: "hasPrefix", Doc: "Whether a text begins with another.", Example: `hasPrefix("+7915", "+7") → true`,
			Params: []Param{text, textParam("prefix")}, Result: step.ShapeBool,
			Call: two(func(a, b string) (any, error) { return strings.HasPrefix(a, b), nil }),
		},
		{
			Name: "hasSuffix", Doc: "Whether a text ends with another.", Example: `hasSuffix("a.csv", ".csv") → true`,
			Params: []Param{text, textParam("suffix")}, Result: step.ShapeBool,
			Call: two(func(a, b string) (any, error) { return strings.HasSuffix(a, b), nil }),
		},
		{
			Name: "len", Doc: "How many elements a list has, names an object, or characters a text.", Example: `len("привет") → 6`,
			Params: []Param{{Name: "value", Shape: step.ShapeAny}},
			Infer: func(args []step.Shape) (step.Shape, error) {
				return step.ShapeInt, wantShape(args[0], "len counts lists, objects and texts, not "+article(args[0]),
					step.FormList, step.FormText, step.FormObject)
			},
			Call: func(_ Context, args []any) (any, error) {
				switch x := args[0].(type) {
				case []any:
					return len(x), nil
				case string:
					return utf8.RuneCountInString(x), nil
				case map[string]any:
					return len(x), nil
				}
				return nil, fmt.Errorf("len counts lists, objects and texts, not %s", describeValue(args[0]))
			},
		},
		{
			Name: "string", Doc: "A text of an integer, a number or a boolean, as a message would show it.", Example: `string(12.50) → "12.5"`,
			Params: []Param{{Name: "value", Shape: step.ShapeAny}},
			Infer: func(args []step.Shape) (step.Shape, error) {
				if args[0].Form == step.FormBool {
					return step.ShapeText, nil
				}
				return step.ShapeText, notText(args[0])
			},
			Call: func(_ Context, args []any) (any, error) {
				if b, ok := args[0].(bool); ok {
					return fmt.Sprint(b), nil
				}
				s, err := plainText(args[0])
				return s, err
			},
		},
		{
			Name: "toJSON", Doc: "Any value as JSON on one line.", Example: `toJSON({"a": 1}) → "{\"a\":1}"`,
			Params: []Param{{Name: "value", Shape: step.ShapeAny, NilOK: true}}, Result: step.ShapeText,
			Call: func(_ Context, args []any) (any, error) {
				if weight(args[0], maxResult) > maxResult {
					return nil, fmt.Errorf("toJSON: %w", errTooLong)
				}
				b, err := json.Marshal(args[0])
				if err != nil {
					return nil, errors.New("toJSON: the value has no JSON form")
				}
				return string(b), nil
			},
		},
	}
}

// weight is the least size of a value's JSON, as far as most.
func weight(v any, most int) int {
	n := 1
	switch x := v.(type) {
	case string:
		n += len(x)
	case []any:
		for _, e := range x {
			if n > most {
				return n
			}
			n += weight(e, most-n)
		}
	case map[string]any:
		for k, e := range x {
			if n > most {
				return n
			}
			n += len(k) + weight(e, most-n)
		}
	}
	return n
}

func callSplit(split func(s, sep string, n int) []string) func(Context, []any) (any, error) {
	return func(_ Context, args []any) (any, error) {
		s, err := textArg(args, 0, "text")
		if err != nil {
			return nil, err
		}
		sep, err := textArg(args, 1, "separator")
		if err != nil {
			return nil, err
		}
		n := -1
		if len(args) > 2 {
			if n, err = intArg(args, 2, "parts"); err != nil {
				return nil, err
			}
		}
		parts := split(s, sep, n)
		out := make([]any, len(parts))
		for i, p := range parts {
			out[i] = p
		}
		return out, nil
	}
}

// runeIndex turns a place in bytes into one in characters.
func runeIndex(s string, at int) int {
	if at < 0 {
		return at
	}
	return utf8.RuneCountInString(s[:at])
}

package lang

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"

	"github.com/flowrunner/flowrunner/engine/phone"
	"github.com/flowrunner/flowrunner/engine/step"
)

// textFunctions shape texts. They count characters as people see them: an emoji
// of several code points is one.
func textFunctions() []Function {
	oneText := []Param{{Name: "text", Shape: step.ShapeText}}
	return []Function{
		{
			Name:    "truncate",
			Doc:     "The text, cut to at most so many characters; the last of them is then an ellipsis.",
			Example: `truncate("Добрый день", 7) → "Добрый…"`,
			Params:  append(oneText[:1:1], Param{Name: "length", Shape: step.ShapeInt}),
			Result:  step.ShapeText,
			Call: func(_ Context, args []any) (any, error) {
				text, err := textArg(args, 0, "text")
				if err != nil {
					return nil, err
				}
				n, err := intArg(args, 1, "length")
				return truncate(text, n), err
			},
		},
		{
			Name:    "mask",
			Doc:     "The text with its middle hidden, for reports: two characters at either end of a long text, the first of a short one.",
			Example: `mask("79001234567") → "79***67"`,
			Params:  oneText,
			Result:  step.ShapeText,
			Call:    onText(mask),
		},
		{
			Name:    "digits",
			Doc:     "Only the digits 0 to 9 of a text.",
			Example: `digits("+7 (900) 123-45-67") → "79001234567"`,
			Params:  oneText,
			Result:  step.ShapeText,
			Call: onText(func(text string) string {
				return strings.Map(func(r rune) rune {
					if r < '0' || r > '9' {
						return -1
					}
					return r
				}, text)
			}),
		},
		{
			Name:    "capitalize",
			Doc:     "The text with its first letter in upper case and the rest as it is.",
			Example: `capitalize("анна") → "Анна"`,
			Params:  oneText,
			Result:  step.ShapeText,
			Call: onText(func(text string) string {
				r, size := utf8.DecodeRuneInString(text)
				if r == utf8.RuneError {
					return text
				}
				return string(unicode.ToTitle(r)) + text[size:]
			}),
		},
		{
			Name: "phone",
			Doc: "A phone as Chat2Desk keeps it: country code and number, digits only; nil when it is no valid number. " +
				"The region reads numbers written without a country code; without it they must begin with one.",
			Example: `phone("8 (900) 123-45-67", "RU") → "79001234567"`,
			Params: []Param{
				{Name: "text", Shape: step.ShapeAny, NilOK: true},
				{Name: "region", Shape: step.ShapeText, Optional: true, Literal: readBy(regionOf)},
			},
			Infer: func(args []step.Shape) (step.Shape, error) {
				err := wantShape(args[0], fmt.Sprintf("a phone is a text or an integer, not %s", args[0]), step.FormText, step.FormInt)
				return step.ShapeText.OrNil(), err
			},
			Call: callPhone,
		},
	}
}

// onText is the Call of a function of one text.
func onText(f func(string) string) func(Context, []any) (any, error) {
	return func(_ Context, args []any) (any, error) {
		text, err := textArg(args, 0, "text")
		if err != nil {
			return nil, err
		}
		return f(text), nil
	}
}

// graphemes splits a text into the characters that people see.
func graphemes(text string) []string {
	var all []string
	for state := -1; text != ""; {
		var g string
		g, text, _, state = uniseg.FirstGraphemeClusterInString(text, state)
		all = append(all, g)
	}
	return all
}

func truncate(text string, n int) string {
	if n <= 0 {
		return ""
	}
	if len(text) <= n {
		return text
	}
	all := graphemes(text)
	if len(all) <= n {
		return text
	}
	return strings.TrimRight(strings.Join(all[:n-1], ""), " \t\r\n") + "…"
}

// mask hides the length too: what is between is always three stars.
func mask(text string) string {
	all := graphemes(text)
	switch n := len(all); {
	case n >= 6:
		return all[0] + all[1] + "***" + all[n-2] + all[n-1]
	case n >= 2:
		return all[0] + "***"
	case n == 1:
		return "***"
	}
	return ""
}

// callPhone never guesses a country: a number that is wrong for its region is
// nil, though it might be somebody's elsewhere.
func callPhone(_ Context, args []any) (any, error) {
	name, err := optionalText(args, 1, "region")
	if err != nil {
		return nil, err
	}
	var region string
	if name != "" || len(args) > 1 {
		if region, err = regionOf(name); err != nil {
			return nil, err
		}
	}
	var text string
	switch v := args[0].(type) {
	case nil:
		return nil, nil
	case int:
		text = fmt.Sprint(v)
	case string:
		text = strings.TrimSpace(v)
	default:
		return nil, fmt.Errorf("text must be a text or an integer, but it is %s", describeValue(v))
	}
	if region == "" && !strings.HasPrefix(text, "+") {
		text = "+" + text
	}
	number, ok := phone.Read(text, region)
	if !ok {
		return nil, nil
	}
	return number.Digits(), nil
}

// regionOf checks a country code of two letters.
func regionOf(text string) (string, error) {
	region := strings.ToUpper(strings.TrimSpace(text))
	if !phone.Known(region) {
		return "", fmt.Errorf("%s is no region: write the two letters of a country, such as RU, KZ, MX or ES", quote(text))
	}
	return region, nil
}

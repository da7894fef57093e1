package lang

import (
	"fmt"
	"strings"
	"time"

	"github.com/flowrunner/flowrunner/engine/step"
)

// formatFunctions write times, numbers and durations as people read them. They
// are three and not one, so that a pattern can be checked before the run for
// the very kind of value that it is for.
func formatFunctions() []Function {
	return []Function{
		{
			Name: "format",
			Doc: "A time as text, by pattern letters: d dd, M MM MMM MMMM, y yy yyyy, E EEEE, H HH, h hh with a, m mm, s ss; " +
				"other Latin letters stand in 'quotes'; the locale is en, ru or es.",
			Example: `format(date("2026-03-01 10:30"), "d MMMM, HH:mm", "ru") → "1 марта, 10:30"`,
			Params: []Param{
				{Name: "time", Shape: step.ShapeAny},
				{Name: "pattern", Shape: step.ShapeText, Literal: readBy(parseTimePattern)},
				localeParam(),
			},
			Infer:     inferFormat,
			NeedsZone: true,
			Call: func(c Context, args []any) (any, error) {
				t, err := timeArg(args, 0, "time")
				if err != nil {
					return nil, err
				}
				text, locale, err := localArgs(args, "pattern")
				if err != nil {
					return nil, err
				}
				pattern, err := parseTimePattern(text)
				if err != nil {
					return nil, err
				}
				return pattern.write(t.In(c.zone()), locale), nil
			},
		},
		{
			Name: "formatNumber",
			Doc: "A number as text, by a pattern such as \"0.00\", \"#,##0\" or \"# ##0.##\": 0 is a digit always shown, # one shown when needed, " +
				"the rest is copied; the locale is en, ru or es.",
			Example: `formatNumber(1234.5, "#,##0.00 ₽", "ru") → "1\u00a0234,50 ₽"`,
			Params: []Param{
				{Name: "number", Shape: step.ShapeNumber},
				{Name: "pattern", Shape: step.ShapeText, Literal: readBy(parseNumberPattern)},
				localeParam(),
			},
			Result: step.ShapeText,
			Call:   writesNumber("pattern", parseNumberPattern),
		},
		{
			Name:    "formatDuration",
			Doc:     "A duration as text, by the letters d, H HH, m mm, s ss; the largest of them takes all that is above it, what is below the smallest is dropped.",
			Example: `formatDuration(duration("26h5m"), "H:mm") → "26:05"`,
			Params: []Param{
				{Name: "duration", Shape: step.ShapeAny, Literal: readBy(ParseDuration)},
				{Name: "pattern", Shape: step.ShapeText, Literal: readBy(parseDurationPattern)},
			},
			Infer: func(args []step.Shape) (step.Shape, error) {
				return step.ShapeText, wantShape(args[0], fmt.Sprintf(`the duration must be a duration or a text such as "90m", not %s`, args[0]),
					step.FormDuration, step.FormText)
			},
			Call: func(_ Context, args []any) (any, error) {
				d, err := durationArg(args, 0, "duration")
				if err != nil {
					return nil, err
				}
				text, err := textArg(args, 1, "pattern")
				if err != nil {
					return nil, err
				}
				pattern, err := parseDurationPattern(text)
				if err != nil {
					return nil, err
				}
				return writeDuration(pattern, d), nil
			},
		},
	}
}

// inferFormat sends those who bring another kind of value to its function.
func inferFormat(args []step.Shape) (step.Shape, error) {
	switch args[0].Form {
	case step.FormTime, step.FormAny, step.FormNil:
		return step.ShapeText, nil
	case step.FormInt, step.FormNumber:
		return step.Shape{}, fmt.Errorf(`format writes times, and this is %s: write formatNumber(…, "0.00")`, args[0].NotNil())
	case step.FormDuration:
		return step.Shape{}, fmt.Errorf(`format writes times, and this is a duration: write formatDuration(…, "H:mm")`)
	case step.FormText:
		return step.Shape{}, fmt.Errorf(`format writes times, and this is a text: write format(date(…), "d MMMM")`)
	}
	return step.Shape{}, fmt.Errorf("format writes times, and this is %s", args[0].NotNil())
}

// localeParam is the language that a function writes in, English without it.
func localeParam() Param {
	return Param{Name: "locale", Shape: step.ShapeText, Optional: true, Literal: readBy(localeOf)}
}

// localArgs reads how something is to be written, argument 1, and the locale after
// it.
func localArgs(args []any, how string) (text string, l locale, err error) {
	if text, err = textArg(args, 1, how); err != nil {
		return "", locale{}, err
	}
	name := "en"
	if len(args) > 2 {
		if name, err = textArg(args, 2, "locale"); err != nil {
			return "", locale{}, err
		}
	}
	l, err = localeOf(name)
	return text, l, err
}

// writesNumber calls a function of a number, of how it is written, which parse
// reads, and of a locale.
func writesNumber[T interface {
	write(decimal string, l locale) string
}](how string, parse func(string) (T, error)) func(Context, []any) (any, error) {
	return func(_ Context, args []any) (any, error) {
		decimal, err := decimalArg(args)
		if err != nil {
			return nil, err
		}
		text, l, err := localArgs(args, how)
		if err != nil {
			return nil, err
		}
		form, err := parse(text)
		if err != nil {
			return nil, err
		}
		return form.write(decimal, l), nil
	}
}

// patternPart is a stretch of a pattern: a letter repeated, or text to copy.
type patternPart struct {
	letter byte // 0 for text
	count  int
	text   string
}

// splitPattern takes a pattern of Latin letters apart. Quotes keep letters from
// being read, two quotes are one; every other character stands for itself.
func splitPattern(pattern string) ([]patternPart, error) {
	const longest = 200
	if len(pattern) > longest {
		return nil, fmt.Errorf("the pattern is longer than %d bytes", longest)
	}
	var parts []patternPart
	literal := func(s string) {
		if n := len(parts); n > 0 && parts[n-1].letter == 0 {
			parts[n-1].text += s
			return
		}
		parts = append(parts, patternPart{text: s})
	}
	for i := 0; i < len(pattern); {
		switch b := pattern[i]; {
		case b == '\'':
			text, size, ok := quoted(pattern[i:])
			if !ok {
				return nil, fmt.Errorf("the pattern %s has a quote that is not closed; an apostrophe is written ''", quote(pattern))
			}
			literal(text)
			i += size
		case isLatin(b):
			n := 1
			for i+n < len(pattern) && pattern[i+n] == b {
				n++
			}
			parts = append(parts, patternPart{letter: b, count: n})
			i += n
		default:
			literal(pattern[i : i+1])
			i++
		}
	}
	return parts, nil
}

// quoted reads the quoted text that s begins with.
func quoted(s string) (text string, size int, ok bool) {
	if strings.HasPrefix(s, "''") {
		return "'", 2, true
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] != '\'':
			b.WriteByte(s[i])
		case i+1 < len(s) && s[i+1] == '\'':
			b.WriteByte('\'')
			i++
		default:
			return b.String(), i + 1, true
		}
	}
	return "", 0, false
}

func isLatin(b byte) bool { return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' }

// durationPattern is a checked pattern for durations.
type durationPattern []patternPart

// parseDurationPattern checks the letters of a pattern for durations.
func parseDurationPattern(pattern string) (durationPattern, error) {
	parts, err := splitPattern(pattern)
	if err != nil {
		return nil, err
	}
	letters := 0
	for _, p := range parts {
		if p.letter == 0 {
			continue
		}
		letters++
		if !strings.ContainsRune("dHms", rune(p.letter)) || p.count > 2 {
			return nil, fmt.Errorf("%s means nothing in the pattern %s: the letters for durations are d, H, HH, m, mm, s and ss; put other words in 'quotes'",
				quote(strings.Repeat(string(p.letter), p.count)), quote(pattern))
		}
	}
	if letters == 0 {
		return nil, fmt.Errorf(`the pattern %s shows no part of the duration: write for example "H:mm"`, quote(pattern))
	}
	return parts, nil
}

func writeDuration(pattern durationPattern, d time.Duration) string {
	// The rest is unsigned, since the smallest duration has no positive twin.
	rest := uint64(d)
	if d < 0 {
		rest = -rest
	}
	amounts := map[byte]uint64{}
	for _, unit := range []struct {
		letter byte
		length time.Duration
	}{{'d', 24 * time.Hour}, {'H', time.Hour}, {'m', time.Minute}, {'s', time.Second}} {
		for _, p := range pattern {
			if p.letter == unit.letter {
				amounts[p.letter] = rest / uint64(unit.length)
				rest %= uint64(unit.length)
				break
			}
		}
	}
	var b strings.Builder
	var shown uint64
	for _, p := range pattern {
		if p.letter == 0 {
			b.WriteString(p.text)
			continue
		}
		fmt.Fprintf(&b, "%0*d", p.count, amounts[p.letter])
		shown += amounts[p.letter]
	}
	if d < 0 && shown > 0 {
		return "-" + b.String()
	}
	return b.String()
}

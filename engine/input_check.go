package engine

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/flowrunner/flowrunner/engine/diag"
)

// check says what is wrong with a value, "" when nothing is.
func (in *Input) check(v any) string {
	if list, ok := v.([]any); ok {
		if p := in.checkLength(len(list), "item"); p != "" {
			return p
		}
		one := *in
		one.Min, one.Max = nil, nil
		for i, e := range list {
			if p := one.check(e); p != "" {
				return fmt.Sprintf("item %d %s", i+1, p)
			}
		}
		return ""
	}
	if in.Pattern != nil {
		if s, ok := v.(string); ok && !in.Pattern.MatchString(s) {
			src := in.Pattern.String()
			return fmt.Sprintf("is %q, which does not match the pattern %s", s, src[len("^(?:"):len(src)-len(")$")])
		}
	}
	if len(in.Enum) > 0 && !slices.ContainsFunc(in.Enum, func(e any) bool { return equalValue(e, v) }) {
		return in.notInEnum(v)
	}
	switch x := v.(type) {
	case string:
		return in.checkLength(utf8.RuneCountInString(x), "character")
	case int, float64:
		f := toFloat(x)
		if in.Min != nil && f < *in.Min {
			return fmt.Sprintf("is %s, but at least %s is allowed", shown(v), shown(*in.Min))
		}
		if in.Max != nil && f > *in.Max {
			return fmt.Sprintf("is %s, but at most %s is allowed", shown(v), shown(*in.Max))
		}
	}
	return ""
}

func (in *Input) notInEnum(v any) string {
	var words []string
	for _, e := range in.Enum {
		words = append(words, strings.Trim(shown(e), `"`))
	}
	problem := fmt.Sprintf("is %s, which is none of %s", shown(v), strings.Join(words, ", "))
	if s, ok := v.(string); ok {
		if near := diag.Closest(s, words); near != "" {
			problem += fmt.Sprintf(" (did you mean %q?)", near)
		}
	}
	return problem
}

func (in *Input) checkLength(n int, unit string) string {
	if n != 1 {
		unit += "s"
	}
	if in.Min != nil && float64(n) < *in.Min {
		return fmt.Sprintf("has %d %s, and must have at least %s", n, unit, shown(*in.Min))
	}
	if in.Max != nil && float64(n) > *in.Max {
		return fmt.Sprintf("has %d %s, and may have at most %s", n, unit, shown(*in.Max))
	}
	return ""
}

// shown is a value as a user would write it.
func shown(v any) string {
	switch x := v.(type) {
	case string:
		return strconv.Quote(x)
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64)
	case time.Duration:
		s := x.String() // 48h0m0s
		if strings.HasSuffix(s, "m0s") {
			s = strings.TrimSuffix(s, "0s")
		}
		if strings.HasSuffix(s, "h0m") {
			s = strings.TrimSuffix(s, "0m")
		}
		return s
	case time.Time:
		if h, m, s := x.Clock(); h == 0 && m == 0 && s == 0 {
			return x.Format("2006-01-02")
		}
		return x.Format("2006-01-02 15:04")
	}
	return fmt.Sprint(v)
}

func equalValue(a, b any) bool {
	if t, ok := a.(time.Time); ok {
		u, ok := b.(time.Time)
		return ok && t.Equal(u)
	}
	return a == b
}

func toFloat(v any) float64 {
	if n, ok := v.(int); ok {
		return float64(n)
	}
	f, _ := v.(float64)
	return f
}

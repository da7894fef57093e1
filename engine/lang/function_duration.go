package lang

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// durationUnit gives the length of a unit. A day is 24 hours and a week seven
// days; months and years have no fixed length and are no units.
func durationUnit(name string) (time.Duration, bool) {
	switch name {
	case "w":
		return 7 * 24 * time.Hour, true
	case "d":
		return 24 * time.Hour, true
	case "h":
		return time.Hour, true
	case "m":
		return time.Minute, true
	case "s":
		return time.Second, true
	case "ms":
		return time.Millisecond, true
	case "us", "µs", "μs":
		return time.Microsecond, true
	case "ns":
		return time.Nanosecond, true
	}
	return 0, false
}

// ParseDuration reads "90d", "1w", "1d12h", "1.5h", "-30m" and every other form
// of Go's. Spaces may stand between the parts. The error says what to write.
func ParseDuration(text string) (time.Duration, error) {
	rest := strings.TrimSpace(text)
	negative := strings.HasPrefix(rest, "-")
	rest = strings.TrimLeft(strings.TrimPrefix(rest, "-"), " ")
	if rest == "0" {
		return 0, nil
	}
	if rest == "" {
		return 0, fmt.Errorf("%s is no duration: write a number and a unit, such as 30d, 12h, 15m or 1d12h", quote(text))
	}
	var total time.Duration
	for rest != "" {
		number, after := cutWhile(rest, func(r rune) bool { return r >= '0' && r <= '9' || r == '.' })
		word, after := cutWhile(after, func(r rune) bool { return (r < '0' || r > '9') && r != '.' && r != '-' && r != '+' })
		unit, known := durationUnit(strings.Trim(word, " "))
		switch {
		case number == "":
			return 0, fmt.Errorf("%s is no duration: write a number and a unit, such as 30d, 12h, 15m or 1d12h", quote(text))
		case word == "":
			return 0, fmt.Errorf("%s is no duration: the unit is missing after %s; write %sd, %sh, %sm or %ss",
				quote(text), clip(number), clip(number), clip(number), clip(number), clip(number))
		case !known:
			return 0, fmt.Errorf("%s is no duration: %s", quote(text), unitAdvice(strings.TrimSpace(word)))
		}
		part, err := multiply(number, unit)
		if err != nil || total > math.MaxInt64-part {
			return 0, fmt.Errorf("%s is no duration: %s", quote(text), cmpText(err, "it is longer than 292 years"))
		}
		total += part
		rest = after
	}
	if negative {
		total = -total
	}
	return total, nil
}

// unitAdvice answers the units that people try.
func unitAdvice(word string) string {
	const units = "the units are w, d, h, m, s and ms"
	switch lower := strings.ToLower(word); {
	case lower == "mo" || lower == "y" || word == "M" || strings.HasPrefix(lower, "mon") || strings.HasPrefix(lower, "year"):
		return "months and years have no fixed length; write days, such as 30d or 365d"
	default:
		if word == "" {
			return units
		}
		return fmt.Sprintf("%s is no unit; %s", quote(word), units)
	}
}

// multiply is number × unit with a whole part that is exact.
func multiply(number string, unit time.Duration) (time.Duration, error) {
	whole, fraction, dotted := strings.Cut(number, ".")
	if dotted && (whole+fraction == "" || strings.Contains(fraction, ".")) {
		return 0, fmt.Errorf("%s is no number", quote(number))
	}
	var n int64
	if whole != "" {
		var err error
		if n, err = strconv.ParseInt(whole, 10, 64); err != nil || n > math.MaxInt64/int64(unit) {
			return 0, fmt.Errorf("it is longer than 292 years")
		}
	}
	d := time.Duration(n) * unit
	if fraction != "" {
		f, err := strconv.ParseFloat("0."+fraction, 64)
		if err != nil {
			return 0, fmt.Errorf("%s is no number", quote(number))
		}
		part := time.Duration(math.Round(f * float64(unit)))
		if d > math.MaxInt64-part {
			return 0, fmt.Errorf("it is longer than 292 years")
		}
		d += part
	}
	return d, nil
}

func cmpText(err error, otherwise string) string {
	if err != nil {
		return err.Error()
	}
	return otherwise
}

// cutWhile splits s behind its longest prefix whose characters all satisfy ok.
func cutWhile(s string, ok func(rune) bool) (prefix, rest string) {
	for i, r := range s {
		if !ok(r) {
			return s[:i], s[i:]
		}
	}
	return s, ""
}

// clip shortens a text for a message.
func clip(s string) string {
	const most = 40
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most-1]) + "…"
}

// quote shortens a text and puts it in quotes, so that a message stays one line
// whatever the text holds.
func quote(s string) string { return strconv.Quote(clip(s)) }

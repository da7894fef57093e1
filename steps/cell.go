package steps

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// cellReader turns the texts of a file into values.
type cellReader struct {
	zone    *time.Location
	decimal string // "." or ","
	layouts layouts
}

// cellError is a text that is no value of its column's type.
type cellError struct{ text, want string }

// Error reads `"abc" is no integer; …`.
func (e *cellError) Error() string {
	return fmt.Sprintf("%s is %s", strconv.Quote(cut(e.text)), e.want)
}

// read gives the value of a text, nil for an empty one. last remembers the form
// of date that fitted last in the same column.
func (r cellReader) read(text, kind string, last *int) (any, error) {
	if text == "" {
		return nil, nil
	}
	if kind == "string" || kind == "" {
		return text, nil
	}
	trimmed := strings.TrimSpace(text)
	if trimmed == "" {
		return nil, nil
	}
	bad := func(want string) (any, error) { return nil, &cellError{text, want} }
	switch kind {
	case "integer":
		n, err := strconv.Atoi(ungroup(trimmed))
		if err != nil {
			return bad("no integer")
		}
		return n, nil
	case "number":
		n, ok := r.number(ungroup(trimmed))
		if !ok {
			return bad(fmt.Sprintf("no number with the decimal sign %q", r.decimal))
		}
		return n, nil
	case "boolean":
		b, ok := booleans[strings.ToLower(trimmed)]
		if !ok {
			return bad("no boolean; allowed: true, false, yes, no, 1, 0, да, нет")
		}
		return b, nil
	case "duration":
		d, err := parseDuration(trimmed)
		if err != nil {
			return bad("no duration; write it as 90d, 36h or 1h30m")
		}
		return d, nil
	case "date":
		if t, ok := moment(trimmed, r.layouts.date, r.zone, last); ok {
			return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, r.zone), nil
		}
		return bad("no date; write it as 2026-01-31 or 31.01.2026, or set dateFormat")
	}
	if t, ok := moment(trimmed, r.layouts.time, r.zone, last); ok {
		return t.In(r.zone), nil
	}
	return bad("no time; write it as 2026-01-31 18:30 or 31.01.2026 18:30, or set dateFormat")
}

// moment reads a date or a time in the first form that fits. It begins with the
// form that fitted last, since a column mostly has one.
func moment(text string, forms []string, zone *time.Location, last *int) (time.Time, bool) {
	for i := range forms {
		n := (*last + i) % len(forms)
		if t, err := time.ParseInLocation(forms[n], text, zone); err == nil {
			*last = n
			return t, true
		}
	}
	return time.Time{}, false
}

var booleans = map[string]bool{
	"true": true, "yes": true, "1": true, "да": true,
	"false": false, "no": false, "0": false, "нет": false,
}

// blanks are what groups the digits of a number.
var blanks = strings.NewReplacer(" ", "", "\u00a0", "", "\u202f", "")

// ungroup removes the blanks that group the digits of a number.
func ungroup(s string) string { return blanks.Replace(s) }

// number reads plain decimal numbers only: no hexadecimal ones, no words.
func (r cellReader) number(s string) (float64, bool) {
	if r.decimal == "," {
		if strings.Contains(s, ".") {
			return 0, false
		}
		s = strings.Replace(s, ",", ".", 1)
	}
	if strings.Trim(s, "+-0123456789.eE") != "" {
		return 0, false
	}
	n, err := strconv.ParseFloat(s, 64)
	return n, err == nil
}

// parseDuration reads what package time reads, with days before it: 2d12h.
func parseDuration(s string) (time.Duration, error) {
	days, rest, found := strings.Cut(s, "d")
	if !found {
		return time.ParseDuration(s)
	}
	n, err := strconv.Atoi(days)
	if err != nil || n > math.MaxInt64/int(24*time.Hour) || n < 0 {
		return 0, fmt.Errorf("no number of days: %s", days)
	}
	d := time.Duration(n) * 24 * time.Hour
	if rest == "" {
		return d, nil
	}
	more, err := time.ParseDuration(rest)
	if more < 0 || d+more < d {
		return 0, fmt.Errorf("no duration: %s", s)
	}
	return d + more, err
}

// cut shortens a text for a message.
func cut(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}

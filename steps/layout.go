package steps

import (
	"fmt"
	"strings"
)

// layoutLetters are the parts of a date pattern, longest first, and what Go
// writes for them. One digit may stand where a pattern has two.
var layoutLetters = []struct{ pattern, layout string }{
	{"yyyy", "2006"},
	{"yy", "06"},
	{"MM", "1"},
	{"M", "1"},
	{"dd", "2"},
	{"d", "2"},
	{"HH", "15"},
	{"H", "15"},
	{"mm", "4"},
	{"m", "4"},
	{"ss", "5"},
	{"s", "5"},
}

// layoutOf turns a pattern such as dd.MM.yyyy HH:mm into a layout of package
// time. clock is where the time of day begins, -1 without one.
func layoutOf(pattern string) (layout string, clock int, err error) {
	clock = -1
	var b strings.Builder
	seen := map[byte]bool{}
next:
	for rest := pattern; rest != ""; {
		for _, l := range layoutLetters {
			if strings.HasPrefix(rest, l.pattern) {
				if l.pattern[0] == 'H' && clock < 0 {
					clock = b.Len()
				}
				seen[l.pattern[0]] = true
				b.WriteString(l.layout)
				rest = rest[len(l.pattern):]
				continue next
			}
		}
		c := rest[0]
		if c >= 'a' && c <= 'z' && c != 'T' || c >= 'A' && c <= 'Z' && c != 'T' || c >= '0' && c <= '9' || c == '_' {
			return "", 0, fmt.Errorf("has %q, which is no part of a date; allowed: yyyy yy MM M dd d HH H mm ss", string(c))
		}
		b.WriteByte(c)
		rest = rest[1:]
	}
	if !seen['y'] || !seen['M'] || !seen['d'] {
		return "", 0, fmt.Errorf("is %q; a date needs yyyy, MM and dd, as in dd.MM.yyyy", pattern)
	}
	return b.String(), clock, nil
}

// layouts are the forms in which dates and times are read.
type layouts struct{ date, time []string }

// standard forms are those that leave no doubt which number is the day.
var standard = layouts{
	date: []string{"2006-1-2", "2.1.2006"},
	time: []string{
		"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04",
		"2006-1-2 15:4:5", "2006-1-2 15:4", "2.1.2006 15:4:5", "2.1.2006 15:4",
		"2006-1-2", "2.1.2006",
	},
}

// layoutsFor gives the forms for a dateFormat; "" is the standard ones. A
// pattern with a time of day serves date columns with its first part, and one
// without serves time columns followed by HH:mm or HH:mm:ss.
func layoutsFor(pattern string) (layouts, error) {
	if pattern == "" {
		return standard, nil
	}
	layout, clock, err := layoutOf(pattern)
	if err != nil {
		return layouts{}, err
	}
	if clock < 0 {
		return layouts{date: []string{layout}, time: []string{layout, layout + " 15:4:5", layout + " 15:4"}}, nil
	}
	l := layouts{date: []string{layout}, time: []string{layout}}
	if day := strings.TrimRight(layout[:clock], " T,"); day != "" {
		l.date = append(l.date, day)
	}
	return l, nil
}

package lang

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// timePattern is a checked pattern for times.
type timePattern struct {
	parts  []patternPart
	hasDay bool // a month's name then stands in the genitive
}

// timeLetters is how often each letter may be repeated.
const timeLetters = "y:1,2,4 M:1,2,3,4 d:1,2 E:1,2,3,4 H:1,2 h:1,2 m:1,2 s:1,2 a:1"

// parseTimePattern checks a pattern for times: its letters, and the mix-ups that
// would write a wrong time into a message.
func parseTimePattern(pattern string) (timePattern, error) {
	parts, err := splitPattern(pattern)
	if err != nil {
		return timePattern{}, err
	}
	has := map[byte]bool{}
	for _, p := range parts {
		if p.letter == 0 {
			continue
		}
		if !allowsLetter(p) {
			return timePattern{}, fmt.Errorf("%s means nothing in the pattern %s: %s",
				quote(strings.Repeat(string(p.letter), p.count)), quote(pattern), letterAdvice(p))
		}
		has[p.letter] = true
	}
	switch {
	case len(has) == 0:
		err = fmt.Errorf(`the pattern %s shows no part of the time: write for example "d MMMM, HH:mm"`, quote(pattern))
	case has['h'] && !has['a']:
		err = fmt.Errorf("h in the pattern %s does not tell morning from evening: write HH, or add a", quote(pattern))
	case has['a'] && !has['h']:
		err = fmt.Errorf("a in the pattern %s is AM or PM and goes with h: write h for the hour, or put the word in 'quotes'", quote(pattern))
	case has['m'] && !has['H'] && !has['h'] && (has['d'] || has['y']):
		err = fmt.Errorf("m in the pattern %s is minutes: write M for the month", quote(pattern))
	case has['M'] && has['H'] && !has['d'] && !has['m']:
		err = fmt.Errorf("in the pattern %s M is the month: write m for minutes", quote(pattern))
	}
	return timePattern{parts: parts, hasDay: has['d']}, err
}

func allowsLetter(p patternPart) bool {
	for rule := range strings.FieldsSeq(timeLetters) {
		if rule[0] == p.letter {
			return p.count < 10 && strings.Contains(rule[2:], strconv.Itoa(p.count))
		}
	}
	return false
}

// letterAdvice knows the letters of other programs' patterns.
func letterAdvice(p patternPart) string {
	switch p.letter {
	case 'D':
		return "a day is d or dd"
	case 'Y':
		return "a year is yyyy or yy"
	case 'S':
		return "seconds are s or ss"
	case 'k', 'K':
		return "an hour is H or HH"
	case 'L':
		return "a month is M, MM, MMM or MMMM"
	case 'e', 'c':
		return "a weekday is E or EEEE; put words in 'quotes', as in d 'de' MMMM"
	}
	return "the letters are d, M, y, E, H, h with a, m and s; put other words in 'quotes', as in d 'de' MMMM"
}

// write renders t, which is in its zone already.
func (p timePattern) write(t time.Time, l locale) string {
	var b strings.Builder
	for _, part := range p.parts {
		if part.letter == 0 {
			b.WriteString(part.text)
			continue
		}
		b.WriteString(p.field(part, t, l))
	}
	return b.String()
}

func (p timePattern) field(part patternPart, t time.Time, l locale) string {
	number := func(n int) string { return fmt.Sprintf("%0*d", part.count, n) }
	switch part.letter {
	case 'y':
		if part.count == 2 {
			return number((t.Year()%100 + 100) % 100)
		}
		return number(t.Year())
	case 'M':
		switch month := t.Month() - 1; {
		case part.count < 3:
			return number(int(t.Month()))
		case part.count == 3 && p.hasDay:
			return l.short[month]
		case part.count == 3:
			return l.shortAlone[month]
		case p.hasDay:
			return l.months[month]
		default:
			return l.monthsAlone[month]
		}
	case 'd':
		return number(t.Day())
	case 'E':
		if part.count == 4 {
			return l.days[t.Weekday()]
		}
		return l.daysShort[t.Weekday()]
	case 'H':
		return number(t.Hour())
	case 'h':
		return number((t.Hour()+11)%12 + 1)
	case 'm':
		return number(t.Minute())
	case 's':
		return number(t.Second())
	default: // a
		return l.halves[t.Hour()/12]
	}
}

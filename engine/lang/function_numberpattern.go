package lang

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// numberPattern is a checked pattern for numbers: "#,##0.00 ₽".
type numberPattern struct {
	before, after string
	whole         int    // digits of the whole part always shown
	least, most   int    // digits of the fraction
	group         string // "" for none, "," for the locale's mark, else a no-break space
}

// mostDigits bounds a pattern's digits on either side of the decimal mark.
const mostDigits = 20

// parseNumberPattern reads a pattern for numbers. In it a comma or a space parts
// groups of three digits, and a dot begins the fraction, whatever the locale
// then writes.
func parseNumberPattern(pattern string) (numberPattern, error) {
	var p numberPattern
	fail := func(problem string) (numberPattern, error) {
		return numberPattern{}, fmt.Errorf(`%s is no pattern for numbers: %s; write for example "0.00", "#,##0" or "# ##0.##"`, quote(pattern), problem)
	}
	if len(pattern) > 200 {
		return fail("it is longer than 200 bytes")
	}
	from := strings.IndexAny(pattern, "#0")
	if from < 0 {
		return fail("it has no 0 or #")
	}
	p.before = pattern[:from]
	body := pattern[from:]
	core := body[:strings.LastIndexAny(body, "#0")+1]
	p.after = body[len(core):]

	whole, fraction, _ := strings.Cut(core, ".")
	if err := p.readWhole(whole); err != "" {
		return fail(err)
	}
	p.least = len(fraction) - len(strings.TrimLeft(fraction, "0"))
	p.most = len(fraction)
	if strings.Trim(fraction[p.least:], "#") != "" {
		return fail("behind the dot first 0 and then # may stand, and nothing else")
	}
	if p.whole > mostDigits || p.most > mostDigits {
		return fail("it has more than 20 digits")
	}
	return p, nil
}

// readWhole reads the part before the dot and says what is wrong with it.
func (p *numberPattern) readWhole(whole string) (problem string) {
	digits := ""
	sinceMark := 0
	for _, r := range whole {
		switch r {
		case '0', '#':
			digits += string(r)
			sinceMark++
		case ',', ' ', '\u00a0', '\u202f':
			mark := ","
			if r != ',' {
				mark = "\u00a0"
			}
			if p.group != "" && (p.group != mark || sinceMark != 3) {
				return "groups have three digits and one mark"
			}
			p.group, sinceMark = mark, 0
		default:
			return fmt.Sprintf("%q stands among its digits", r)
		}
	}
	if p.group != "" && sinceMark != 3 {
		return "groups have three digits and one mark"
	}
	zeros := strings.TrimLeft(digits, "#")
	if strings.Contains(zeros, "#") {
		return "before the dot first # and then 0 may stand"
	}
	p.whole = len(zeros)
	return ""
}

// decimalArg is the number as a plain decimal: "-1234.5".
func decimalArg(args []any) (string, error) {
	if len(args) > 0 {
		if n, ok := args[0].(int); ok {
			return strconv.Itoa(n), nil
		}
	}
	f, err := arg[float64](args, 0, "number", "a number")
	if err != nil {
		return "", err
	}
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return "", fmt.Errorf("number must be finite; was something divided by zero?")
	}
	return strconv.FormatFloat(f, 'f', -1, 64), nil
}

// write renders a plain decimal, rounded half away from zero, as money is.
func (p numberPattern) write(decimal string, l locale) string {
	unsigned, negative := strings.CutPrefix(decimal, "-")
	whole, fraction := roundDecimal(unsigned, p.most)
	whole = strings.TrimLeft(whole, "0")
	if n := p.whole - len(whole); n > 0 {
		whole = strings.Repeat("0", n) + whole
	}
	for len(fraction) > p.least && strings.HasSuffix(fraction, "0") {
		fraction = fraction[:len(fraction)-1]
	}
	if whole == "" {
		whole = "0" // ".5" looks like a mistake, whatever the pattern
	}
	var b strings.Builder
	if negative && strings.Trim(whole+fraction, "0") != "" {
		b.WriteByte('-')
	}
	b.WriteString(p.before)
	b.WriteString(p.grouped(whole, l))
	if fraction != "" {
		b.WriteString(l.decimal + fraction)
	}
	b.WriteString(p.after)
	return b.String()
}

func (p numberPattern) grouped(whole string, l locale) string {
	mark := p.group
	if mark == "," {
		mark = l.group
	}
	if mark == "" || len(whole) < l.groupFrom {
		return whole
	}
	first := (len(whole)-1)%3 + 1
	parts := []string{whole[:first]}
	for i := first; i < len(whole); i += 3 {
		parts = append(parts, whole[i:i+3])
	}
	return strings.Join(parts, mark)
}

// roundDecimal gives the digits of an unsigned decimal before and behind its
// dot, the latter exactly places long.
func roundDecimal(decimal string, places int) (whole, fraction string) {
	whole, fraction, _ = strings.Cut(decimal, ".")
	if len(fraction) <= places {
		return whole, fraction + strings.Repeat("0", places-len(fraction))
	}
	digits := []byte("0" + whole + fraction[:places])
	if fraction[places] >= '5' {
		for i := len(digits) - 1; ; i-- {
			if digits[i] != '9' {
				digits[i]++
				break
			}
			digits[i] = '0'
		}
	}
	cut := len(digits) - places
	return string(digits[:cut]), string(digits[cut:])
}

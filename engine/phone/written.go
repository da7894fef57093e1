package phone

import (
	"strings"
	"unicode"
)

// pluses begin a number with a country's code: the plus sign, and the wide one.
const pluses = "+＋"

// Parameters of a number that is written as a URI (RFC 3966).
const (
	scheme     = "tel:"
	context    = ";phone-context="
	subaddress = ";isub="
)

// cut finds the number within a text. ok is false where nothing looks like one.
func (t *table) cut(text string) (written string, ok bool) {
	switch at := strings.Index(text, context); {
	case at < 0:
		written = t.trimmed(text)
	default:
		prefix, _, _ := strings.Cut(text[at+len(context):], ";")
		if !t.context.matches(prefix) && !t.domain.matches(prefix) {
			return "", false
		}
		if at == 0 {
			written = t.trimmed(text)
			break
		}
		if strings.HasPrefix(prefix, "+") {
			written = prefix
		}
		number := text[:at]
		if _, after, ok := strings.Cut(number, scheme); ok {
			number = after
		}
		written += number
	}
	if at := strings.Index(written, subaddress); at > 0 {
		written = written[:at]
	}
	return written, len(written) >= minNational && t.viable.matches(written)
}

// trimmed takes away what stands before and after a number, and a second number.
func (t *table) trimmed(text string) string {
	at := t.start.place(text)
	if at == nil {
		return ""
	}
	text = text[at[0]:]
	for _, p := range []pattern{t.end, t.second} {
		if at := p.place(text); at != nil {
			text = text[:at[0]]
		}
	}
	return text
}

// withoutExtension takes away what is dialled when the call is connected.
func (t *table) withoutExtension(written string) string {
	at := t.extension.place(written)
	if at == nil || at[0] < minNational || !t.viable.matches(written[:at[0]]) {
		return written
	}
	return written[:at[0]]
}

// international takes away a plus sign, or what one dials in home before the code
// of another country, and gives the digits after it. abroad says that there was one.
func international(written string, home *plan) (digits string, abroad bool) {
	if rest := strings.TrimLeft(written, pluses); rest != written {
		return keypad(rest), true
	}
	digits = keypad(written)
	if home == nil {
		return digits, false
	}
	at := home.abroad.place(digits)
	if at == nil || strings.HasPrefix(digits[at[1]:], "0") {
		return digits, false // no country's code begins with a zero
	}
	return digits[at[1]:], true
}

// keypad gives a number's digits, and nothing else. Three letters make a number in which
// letters stand for the digits of their keys; fewer are slips.
func keypad(written string) string {
	letters := strings.Count(strings.Map(letterOr, written), "A") >= 3
	return strings.Map(func(r rune) rune {
		switch {
		case '0' <= r && r <= '9':
			return r
		case letters:
			return key(r)
		}
		return digit(r)
	}, written)
}

func letterOr(r rune) rune {
	if 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
		return 'A'
	}
	return -1
}

// key is the digit on whose key a letter stands (ITU-T E.161), -1 for no letter.
func key(r rune) rune {
	const keys = "22233344455566677778889999"
	if r = unicode.ToUpper(r); 'A' <= r && r <= 'Z' {
		return rune(keys[r-'A'])
	}
	return -1
}

// digit is the digit that another script writes, -1 for what is none.
func digit(r rune) rune {
	for _, zero := range []rune{'\uFF10', '\u0660', '\u06F0'} { // wide, Arabic, Persian
		if zero <= r && r <= zero+9 {
			return '0' + r - zero
		}
	}
	if unicode.IsDigit(r) {
		return r // one that no plan knows: the number is none
	}
	return -1
}

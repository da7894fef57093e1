package step

import (
	"errors"
	"regexp"
	"strings"
)

// PhoneForms gives the ways in which an account may have written a telephone
// number, the likeliest first: digits with the country's code, without the 00 of
// international calls, and with 7 for the 8 that Russians and Kazakhs dial. The
// address of a chat, such as "[tg] 807892", is given as it is. What has neither
// 7 to 15 digits nor such an address is an error that does not repeat it, and so is
// what has them and more: the fraction of a number, a second phone.
func PhoneForms(text string) ([]string, error) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "[") {
		return []string{text}, nil
	}
	switch {
	case fraction.MatchString(text):
		return nil, errFraction
	case twoPhones.MatchString(text):
		return nil, errTwoPhones
	}
	var b strings.Builder
	for _, r := range text {
		switch {
		case r >= '0' && r <= '9':
			b.WriteRune(r)
		case strings.ContainsRune(" \t+-–—‑()./\u00a0\u202f", r):
		default:
			return nil, errNoPhone
		}
	}
	digits, international := b.String(), strings.HasPrefix(text, "+")
	if rest, ok := strings.CutPrefix(digits, "00"); ok && !international {
		digits, international = rest, true
	}
	switch {
	case len(digits) < 7 || len(digits) > 15:
		return nil, errNoPhone
	case international || len(digits) != 11 || digits[0] != '8':
		return []string{digits}, nil
	case digits[1] == '9': // no country's code begins with 89
		return []string{"7" + digits[1:]}, nil
	}
	return []string{"7" + digits[1:], digits}, nil
}

var (
	errNoPhone   = errors.New("is no phone; write 7 to 15 digits with the country's code, as in +7 916 000-00-01")
	errFraction  = errors.New("is a number with a fraction and no phone; write it as text, without the zero behind it")
	errTwoPhones = errors.New("may be two phones; write one")

	// Spreadsheets and data frames that take phones for numbers write 79160000001.0.
	fraction = regexp.MustCompile(`^\+?\d+[.,]0{1,2}$`)
	// The end of another phone, as in 8 916 000-00-01/02.
	twoPhones = regexp.MustCompile(`,|/\d{1,2}$`)
)

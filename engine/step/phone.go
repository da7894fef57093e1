package step

import (
	"fmt"
	"strings"
)

// PhoneForms gives the ways in which an account may have written a telephone
// number, the likeliest first: digits with the country's code, without the 00 of
// international calls, and with 7 for the 8 that Russians and Kazakhs dial. The
// address of a chat, such as "[tg] 807892", is given as it is. What has neither
// 7 to 15 digits nor such an address is an error that does not repeat it.
func PhoneForms(text string) ([]string, error) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "[") {
		return []string{text}, nil
	}
	var b strings.Builder
	for _, r := range text {
		switch {
		case r >= '0' && r <= '9':
			b.WriteRune(r)
		case strings.ContainsRune(" \t+-–—‑().,/\u00a0\u202f", r):
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

var errNoPhone = fmt.Errorf("is no phone; write 7 to 15 digits with the country's code, as in +7 916 000-00-01")

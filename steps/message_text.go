package steps

import (
	"html"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// messageText is a text that was sent, ready to be found in a history. Instances
// give texts back with other line ends, in another Unicode form, without blanks
// around them, or escaped for HTML.
type messageText struct{ plain, letters string }

func sentText(text string) messageText {
	plain := normal(text)
	return messageText{plain, letters(plain)}
}

// is reports whether a text of the history is this one.
func (t messageText) is(have string) bool {
	return normal(have) == t.plain || normal(html.UnescapeString(have)) == t.plain
}

// like reports whether it is this one but for signs and blanks.
func (t messageText) like(have string) bool {
	if t.is(have) {
		return true
	}
	return t.letters != "" && letters(normal(html.UnescapeString(have))) == t.letters
}

func normal(text string) string {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	return strings.TrimSpace(norm.NFC.String(strings.ReplaceAll(text, "\r", "\n")))
}

// letters leaves of a text what no messenger changes.
func letters(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, text)
}

package guard

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Words finds words in what people write.
type Words struct {
	written []string // as the flow has them
	folded  []string
}

// NewWords prepares words; several words in one count as they stand, with any
// space between. A blank one is left out.
func NewWords(words []string) Words {
	var w Words
	for _, word := range words {
		if f := fold(word); f != "" {
			w.written, w.folded = append(w.written, word), append(w.folded, f)
		}
	}
	return w
}

// Len is how many words there are.
func (w Words) Len() int { return len(w.written) }

// Find gives the first of the words that stands in a text, whole and in any case:
// neither a letter, a digit nor _ stands before or after it. "" is none.
func (w Words) Find(text string) string {
	text = fold(text)
	for i, word := range w.folded {
		if whole(text, word) {
			return w.written[i]
		}
	}
	return ""
}

// fold makes texts comparable: one form of composed letters, one case, one space.
func fold(text string) string {
	text = strings.ToLower(strings.ToUpper(norm.NFC.String(text))) // both: some letters have two small forms
	return strings.Join(strings.Fields(text), " ")
}

func whole(text, word string) bool {
	for from := 0; ; {
		i := strings.Index(text[from:], word)
		if i < 0 {
			return false
		}
		before, _ := utf8.DecodeLastRuneInString(text[:from+i])
		after, _ := utf8.DecodeRuneInString(text[from+i+len(word):])
		if !inWord(before) && !inWord(after) {
			return true
		}
		_, size := utf8.DecodeRuneInString(text[from+i:])
		from += i + size
	}
}

func inWord(r rune) bool {
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) || r == '_')
}

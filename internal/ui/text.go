package ui

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/clipperhouse/displaywidth"
)

// pageWidth is the width, in columns, that every table and frame keeps to, however
// wide the terminal is.
const pageWidth = 80

// Safe makes a text of somebody else harmless in one line of a terminal:
// controls, escape sequences and marks that turn the direction of writing are
// shown as escapes instead of obeyed.
func Safe(s string) string {
	clean := true
	for _, r := range s {
		if r == utf8.RuneError || !harmless(r) {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		switch {
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case harmless(r):
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// harmless reports whether a terminal does nothing but draw r. The joiners stay:
// emoji and several scripts are written with them.
func harmless(r rune) bool {
	switch {
	case r == '\u200d', r == '\u200c':
		return true
	case unicode.IsControl(r):
		return false
	}
	return !unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Cs)
}

// Width is how many columns of a terminal s fills.
func Width(s string) int { return displaywidth.String(s) }

// Cut shortens s to so many columns, with an ellipsis for what is gone.
func Cut(s string, width int) string { return displaywidth.TruncateString(s, width, "…") }

// Pad fills s with spaces to so many columns.
func Pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-Width(s)))
}

// Wrap breaks a line into lines of so many columns, at spaces where it can.
func Wrap(s string, width int) []string {
	var out []string
	line := ""
	for _, word := range strings.SplitAfter(s, " ") {
		if line != "" && Width(line)+Width(strings.TrimRight(word, " ")) > width {
			out = append(out, strings.TrimRight(line, " "))
			line = ""
		}
		for Width(strings.TrimRight(word, " ")) > width {
			head := displaywidth.TruncateString(word, width, "")
			if head == "" {
				break // one character wider than the line
			}
			out = append(out, head)
			word = word[len(head):]
		}
		line += word
	}
	return append(out, strings.TrimRight(line, " "))
}

// Plural is "1 message" or "3 messages".
func Plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(n) + " " + many
}

// number groups digits, so that 12500 is not read as 1250.
func number(n int) string {
	s := fmt.Sprint(n)
	if n < 10_000 {
		return s
	}
	var b strings.Builder
	for i, d := range s {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}

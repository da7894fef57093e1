package ui

import (
	"strconv"
	"strings"
)

// cell is a text for a CSV file. One that a spreadsheet would run as a formula
// gets a ' in front; a number, so also a phone that begins with +, stays.
func cell(text string) string {
	if text == "" || !strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return text
	}
	if _, err := strconv.ParseFloat(text, 64); err == nil && strings.Trim(text, "+-.0123456789") == "" {
		return text
	}
	return "'" + text
}

// filled is a number for a CSV file: empty when there is none.
func filled(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

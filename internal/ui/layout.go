package ui

import (
	"fmt"
	"io"
	"strings"
)

// wrapped writes a text that may need several lines.
func (s Style) wrapped(w io.Writer, indent, text string) {
	for _, line := range Wrap(text, pageWidth-len(indent)) {
		fmt.Fprintf(w, "%s%s\n", indent, line)
	}
}

// hanging writes a text behind a lead that fills so many columns; further lines
// stand below the first one's text.
func hanging(w io.Writer, lead string, width int, text string) {
	for _, line := range Wrap(text, pageWidth-width) {
		fmt.Fprintf(w, "%s%s\n", lead, line)
		lead = strings.Repeat(" ", width)
	}
}

// closing writes what to type next, below a blank line.
func closing(w io.Writer, indent string, lines []string) {
	if len(lines) > 0 {
		fmt.Fprintln(w)
	}
	for _, line := range lines {
		fmt.Fprintf(w, "%s%s\n", indent, line)
	}
}

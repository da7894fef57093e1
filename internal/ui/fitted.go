package ui

import "strings"

// fitted breaks the lines of a text that are too long for the terminal when they
// stand behind so many columns. What somebody may copy stays whole: a line of YAML,
// what stands in braces or backticks, a command.
func (s Style) fitted(text string, indent int) string {
	width := s.Columns - indent
	if s.Columns < narrowest {
		return text
	}
	var out []string
	for line := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(line, " ") { // YAML
			out = append(out, line)
			continue
		}
		at := ""
		for _, unit := range unitsOf(line, width) {
			if at != "" && Width(at)+1+Width(unit) > width {
				out, at = append(out, at), ""
			}
			if at != "" {
				at += " "
			}
			at += unit
		}
		out = append(out, at)
	}
	return strings.Join(out, "\n")
}

// unitsOf takes a line apart at the spaces where it may be broken. A brace or a
// backtick that nothing closes is a character like any other.
func unitsOf(line string, width int) []string {
	var units []string
	depth, quoted, from := 0, false, 0
	for i, r := range line {
		switch r {
		case '`':
			quoted = !quoted && strings.Contains(line[i+1:], "`")
		case '{':
			if strings.Contains(line[i:], "}") {
				depth++
			}
		case '}':
			depth = max(0, depth-1)
		case ' ':
			if depth > 0 || quoted {
				continue
			}
			units, from = append(units, line[from:i]), i+1
			if rest := line[from:]; isCommand(rest, width) {
				return append(units, rest)
			}
		}
	}
	return append(units, line[from:])
}

// isCommand reports whether the rest of a line is a command to be copied: one with
// flags, or one that fits into a line of its own. Any other goes on as a sentence.
func isCommand(rest string, width int) bool {
	return strings.HasPrefix(rest, "flowrunner ") && (strings.Contains(rest, " --") || Width(rest) <= width)
}

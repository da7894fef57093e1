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
		from, filled := 0, 0
		units := unitsOf(line, width)
		for i, unit := range units {
			n := Width(unit)
			if filled > 0 && filled+1+n > width {
				out = append(out, strings.Join(units[from:i], " "))
				from, filled = i, 0
			}
			filled += n + min(1, i-from)
		}
		out = append(out, strings.Join(units[from:], " "))
	}
	return strings.Join(out, "\n")
}

// unitsOf takes a line apart at the spaces where it may be broken. A brace or a
// backtick that nothing closes is a character like any other.
func unitsOf(line string, width int) []string {
	if isCommand(line, width) {
		return []string{line}
	}
	var units []string
	depth, quoted, from := 0, false, 0
	lastBrace, lastTick := strings.LastIndexByte(line, '}'), strings.LastIndexByte(line, '`')
	for i, r := range line {
		switch r {
		case '`':
			quoted = !quoted && i < lastTick
		case '{':
			if i < lastBrace {
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

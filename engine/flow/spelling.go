package flow

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// otherBreaks are line breaks that texts of several lines keep as they are.
const otherBreaks = "\u0085\u2028\u2029"

// scalar writes a text in a block: its first line, and the others without their
// indentation. commented says that a comment follows.
func (p *printer) scalar(v *written, at *place, commented bool) []string {
	raw := string(p.src.text[v.from:v.to])
	if strings.ContainsAny(strings.ReplaceAll(raw, "\r\n", "\n"), "\r"+otherBreaks) && strings.ContainsAny(v.text, "\n"+otherBreaks) {
		return []string{escaped(v.text)}
	}
	switch {
	case v.style == Block:
		return p.block(v, raw)
	case strings.ContainsAny(raw, "\r\n"+otherBreaks):
		return trimmed(strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n").Replace(raw), v.style)
	case v.style == Plain:
		return []string{raw}
	case !commented && needsNoQuotes(v.text, raw, at):
		return []string{v.text}
	}
	return []string{quoted(v.text, raw)}
}

// trimmed splits a text of several lines, whose indentation means nothing.
func trimmed(raw string, style Style) []string {
	lines := strings.Split(raw, "\n")
	for i, line := range lines {
		if i > 0 {
			line = strings.TrimLeft(line, " \t")
		}
		if style == Plain {
			line = strings.TrimRight(line, " \t")
		}
		lines[i] = line
	}
	return lines
}

// inFlow writes a text between brackets; it fails for one of several lines.
func (p *printer) inFlow(v *written, at *place) (string, bool) {
	raw := string(p.src.text[v.from:v.to])
	switch {
	case strings.ContainsAny(raw, "\r\n"+otherBreaks):
		return "", false
	case v.style == Plain:
		return raw, true
	case flowWords.MatchString(v.text) && needsNoQuotes(v.text, raw, at):
		return v.text, true
	}
	return quoted(v.text, raw), true
}

// flowWords are texts that brackets cannot change.
var flowWords = regexp.MustCompile(`^\pL([\pL\pN_./ -]*[\pL\pN])?$`)

// needsNoQuotes reports whether a text in quotes says the same without. Only
// where nothing but a text can stand, or where an expression shows what is meant;
// never for what looks like a number, and never for what cannot be seen.
func needsNoQuotes(text, raw string, at *place) bool {
	expression := strings.Contains(text, "${{")
	if !expression && !at.words || isSpecialWord(text) {
		return false
	}
	if raw[0] == '"' && strings.Contains(strings.NewReplacer(`\"`, "", `\\`, "").Replace(raw), `\`) {
		return false
	}
	first, _ := utf8.DecodeRuneInString(text)
	if !unicode.IsLetter(first) && !strings.HasPrefix(text, "${{") && !strings.ContainsRune("_(/", first) && !isDotted(text) {
		return false
	}
	if strings.ContainsFunc(text, func(r rune) bool {
		return r == '\t' || r == 0xFEFF || r != ' ' && unicode.IsSpace(r) || unicode.IsControl(r)
	}) {
		return false
	}
	return !strings.Contains(text, ": ") && !strings.Contains(text, " #") && !strings.HasSuffix(text, ":") && !strings.HasSuffix(text, " ")
}

// quoted writes a text of one line in quotes: double ones, unless single ones
// spare it the backslashes.
func quoted(text, raw string) string {
	printable := !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
	switch {
	case raw[0] == '\'' && !strings.ContainsAny(text, `"\`) && printable:
		return `"` + text + `"`
	case raw[0] == '"' && strings.Contains(text, `"`) && !strings.Contains(text, "'") && printable &&
		!strings.Contains(strings.NewReplacer(`\"`, "", `\\`, "").Replace(raw), `\`):
		return "'" + text + "'"
	}
	return raw
}

// escaped writes any text in double quotes on one line.
func escaped(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r <= 0xFFFF:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			fmt.Fprintf(&b, `\U%08X`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// block writes a block scalar: its header and its lines.
func (p *printer) block(v *written, raw string) []string {
	if trim := strings.Trim(v.text, "\n"); strings.Trim(trim, " ") == "" && trim != "" {
		return []string{escaped(v.text)}
	}
	header, chomp := "|", ""
	if v.folded {
		header = ">"
	}
	head, _, _ := strings.Cut(raw, "\n")
	head, _, _ = strings.Cut(head, " ")
	switch {
	case strings.Contains(head, "-") || v.text != "" && !strings.HasSuffix(v.text, "\n"):
		chomp, v.keep = "-", false
	case v.keep:
		chomp = "+"
	}
	lines := p.blockLines(v)
	indicator := ""
	for _, line := range lines {
		if line != "" {
			if line[0] == ' ' || line[0] == '\t' {
				indicator = fmt.Sprint(indentStep)
				break
			}
			if strings.TrimLeft(line, " ") != "" {
				break
			}
		}
	}
	return append([]string{header + indicator + chomp}, lines...)
}

// blockLines are the lines of a block scalar without its indentation.
func (p *printer) blockLines(v *written) []string {
	trailing := 0
	if v.keep {
		trailing = len(v.text) - len(strings.TrimRight(v.text, "\n"))
	}
	if strings.Trim(v.text, "\n") == "" {
		return make([]string, trailing)
	}
	text := p.src.text
	head := p.src.lineEnd(v.from)
	body := head + breakAt(text, head)
	indent := firstSpaces(text, body) - firstSpaces([]byte(v.text), 0)
	var lines []string
	for _, line := range bytes.Split(text[body:v.to], []byte("\n")) {
		line = bytes.TrimSuffix(line, []byte("\r"))
		spaces := len(line) - len(bytes.TrimLeft(line, " "))
		if spaces < indent && spaces < len(line) {
			indent = spaces
		}
		lines = append(lines, string(line[min(indent, spaces):]))
	}
	if trailing > 1 {
		lines = append(lines, make([]string, trailing-1)...)
	}
	return lines
}

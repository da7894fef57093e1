package diag

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/clipperhouse/displaywidth"
)

// Format draws one Diagnostic for a person: place, severity, summary and code,
// the source line with a caret under the exact token, then detail and hint.
// source is the file's bytes; nil leaves the excerpt out.
//
//	broadcast.yaml:12:16: error: unknown parameter "tag" [unknown-parameter]
//	   12 |       with: { tag: 17 }
//	      |               ^^^
//	   the kind chat2desk_list_clients has no such parameter.
//	   fix: did you mean "tags"?
func Format(d Diagnostic, source []byte) string {
	return FormatEach(List{d}, source)[0]
}

// lines takes source apart; nil when there is none.
func lines(source []byte) []string {
	if source == nil {
		return nil
	}
	return strings.Split(strings.TrimPrefix(string(source), "\uFEFF"), "\n")
}

func format(d Diagnostic, lines []string, secrets []Span) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s: %s [%s]\n", d.Span, d.Severity, clean(d.Summary), d.Code)
	b.WriteString(excerpt(d.Span, lines, secrets))
	for line := range strings.Lines(d.Detail) {
		b.WriteString("   " + clean(strings.TrimRight(line, "\n")) + "\n")
	}
	if d.Hint != "" {
		b.WriteString("   fix: " + strings.ReplaceAll(clean(d.Hint), "\n", "\n        ") + "\n")
	}
	return b.String()
}

// FormatAll draws a whole list, a blank line between problems.
func FormatAll(l List, source []byte) string {
	return strings.Join(FormatEach(l, source), "\n")
}

// FormatEach draws each problem of a list. A secret that one of them has found
// shows in the excerpts of none.
func FormatEach(l List, source []byte) []string {
	var secrets []Span
	for _, d := range l {
		if d.Secret {
			secrets = append(secrets, d.Span)
		}
	}
	parts := make([]string, len(l))
	lines := lines(source)
	for i, d := range l {
		parts[i] = format(d, lines, secrets)
	}
	return parts
}

// mask hides what of a line of a file belongs to a secret.
func mask(line []rune, at Span, secrets []Span) {
	for _, s := range secrets {
		if s.File != at.File || at.Start.Line < s.Start.Line || at.Start.Line > s.End.Line {
			continue
		}
		from, to := 0, len(line)
		if at.Start.Line == s.Start.Line {
			from = s.Start.Col - 1
		}
		if at.Start.Line == s.End.Line {
			to = min(to, s.End.Col-1)
		}
		for i := max(0, from); i < to; i++ {
			line[i] = '*'
		}
	}
}

// maxExcerpt is how many columns of a source line are shown.
const maxExcerpt = 100

func excerpt(at Span, lines []string, secrets []Span) string {
	text := strings.TrimSuffix(at.Line, "\n")
	if at.Line == "" {
		if at.Start.Line < 1 || at.Start.Line > len(lines) {
			return ""
		}
		text = lines[at.Start.Line-1]
	}
	line := []rune(strings.TrimRight(text, "\r"))
	from := max(0, min(at.Start.Col-1, len(line)))
	to := from + 1
	if at.End.Line == at.Start.Line {
		to = max(to, at.End.Col-1)
	} else if at.End.Line > at.Start.Line {
		to = max(to, len(line))
	}
	to = min(to, max(len(line), from+1))

	mask(line, at, secrets)

	// A long line is cut to a window around the token.
	cut := 0
	if to > maxExcerpt {
		cut = max(0, from-maxExcerpt/2)
	}
	shown := line[cut:min(len(line), cut+maxExcerpt)]
	to = min(to, cut+maxExcerpt)

	width := func(r []rune) int { return displaywidth.String(visible(r)) }
	pad := width(shown[:min(from-cut, len(shown))])
	carets := max(1, width(shown[min(from-cut, len(shown)):min(to-cut, len(shown))]))
	gutter := fmt.Sprintf("%5d", at.Start.Line)
	return fmt.Sprintf("%s | %s\n%s | %s%s\n", gutter, strings.TrimRight(visible(shown), " "),
		strings.Repeat(" ", len(gutter)), strings.Repeat(" ", pad), strings.Repeat("^", carets))
}

// visible replaces what would move the terminal's cursor: a tab becomes one
// space, any other control or format character the replacement character.
func visible(r []rune) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c == '\t':
			return ' '
		case unicode.IsControl(c), unicode.Is(unicode.Cf, c) && c != '\u200d':
			return '\uFFFD'
		}
		return c
	}, string(r))
}

func clean(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = visible([]rune(l))
	}
	return strings.Join(lines, "\n")
}

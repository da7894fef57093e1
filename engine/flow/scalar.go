package flow

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"
)

// mark says that the decoded text from text on, until the next mark, stands at
// source[from:to]. When both are of one length they correspond byte by byte;
// otherwise the stretch is an escape or a folded line break.
type mark struct {
	text, from, to int
}

// tracer decodes a scalar anew from its source and notes where each stretch of
// its text stands. The YAML library gives a scalar's text and its first
// character only.
type tracer struct {
	src   *source
	text  []byte
	marks []mark
}

// copy takes source[from:to] as it is.
func (t *tracer) copy(from, to int) {
	if from == to {
		return
	}
	if n := len(t.marks); n > 0 {
		last := &t.marks[n-1]
		if last.to == from && last.to-last.from == len(t.text)-last.text {
			last.to = to
			t.text = append(t.text, t.src.text[from:to]...)
			return
		}
	}
	t.put(t.src.text[from:to], from, to)
}

// put takes decoded for source[from:to].
func (t *tracer) put(decoded []byte, from, to int) {
	if len(decoded) == 0 {
		return
	}
	t.marks = append(t.marks, mark{text: len(t.text), from: from, to: to})
	t.text = append(t.text, decoded...)
}

// fold takes the blanks and line breaks at i as plain and quoted scalars do: one
// line break is a space, more are one fewer. It returns where they end. With
// escaped, a backslash has already taken the first line break.
func (t *tracer) fold(i int, escaped bool) int {
	text := t.src.text
	end := t.src.skipBlanks(i)
	if breakAt(text, end) == 0 && !escaped {
		t.copy(i, end)
		return end
	}
	var first, more []byte
	broken := escaped
	for end < len(text) {
		if isBlank(text[end]) {
			end++
			continue
		}
		n := breakAt(text, end)
		if n == 0 {
			break
		}
		if broken {
			more = append(more, breakText(text, end, n)...)
		} else {
			first, broken = breakText(text, end, n), true
		}
		end += n
	}
	switch {
	case bytes.Equal(first, []byte("\n")) && len(more) == 0:
		t.put([]byte(" "), i, end)
	case bytes.Equal(first, []byte("\n")):
		t.put(more, i, end)
	default:
		t.put(append(bytes.Clone(first), more...), i, end)
	}
	return end
}

// plain traces an unquoted scalar at i whose text is known to be want, and
// returns where it ends.
func (t *tracer) plain(i int, want string) int {
	text := t.src.text
	for i < len(text) && len(t.text) < len(want) {
		if isSpaceAt(text, i) {
			i = t.fold(i, false)
			continue
		}
		begin := i
		limit := begin + len(want) - len(t.text)
		for i < len(text) && i < limit && !isSpaceAt(text, i) {
			i++
		}
		t.copy(begin, i)
	}
	return i
}

// quoted traces a scalar whose opening quote stands at i and returns where it
// ends, after the closing quote. bad is the first escape that is none, or -1;
// closed says whether the quote was closed.
func (t *tracer) quoted(i int) (end, bad int, closed bool) {
	text := t.src.text
	quote := text[i]
	bad = -1
	for i++; i < len(text); {
		c := text[i]
		switch {
		case isSpaceAt(text, i):
			i = t.fold(i, false)
		case c == quote && quote == '\'' && i+1 < len(text) && text[i+1] == '\'':
			t.put([]byte("'"), i, i+2)
			i += 2
		case c == quote:
			return i + 1, bad, true
		case c == '\\' && quote == '"':
			if n := breakAt(text, i+1); n > 0 {
				i = t.fold(i+1+n, true)
				continue
			}
			decoded, size := unescape(text[i:])
			if size == 0 {
				if bad < 0 {
					bad = i
				}
				size = min(2, len(text)-i)
			}
			t.put(decoded, i, i+size)
			i += size
		default:
			begin := i
			for i < len(text) && !isSpaceAt(text, i) && text[i] != quote && (text[i] != '\\' || quote == '\'') {
				i++
			}
			t.copy(begin, i)
		}
	}
	return i, bad, false
}

// escapes are the one-letter escapes of a double-quoted scalar.
var escapes = map[byte]string{
	'0': "\x00", 'a': "\a", 'b': "\b", 't': "\t", '\t': "\t", 'n': "\n", 'v': "\v", 'f': "\f",
	'r': "\r", 'e': "\x1b", ' ': " ", '"': `"`, '\'': "'", '\\': `\`,
	'N': "\u0085", '_': "\u00a0", 'L': "\u2028", 'P': "\u2029",
}

// unescape decodes the escape that text begins with; size is 0 when it is none.
func unescape(text []byte) (decoded []byte, size int) {
	if len(text) < 2 {
		return nil, 0
	}
	if s, ok := escapes[text[1]]; ok {
		return []byte(s), 2
	}
	digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[text[1]]
	if digits == 0 || len(text) < 2+digits {
		return nil, 0
	}
	r, err := strconv.ParseUint(string(text[2:2+digits]), 16, 32)
	if err != nil || r > utf8.MaxRune || r >= 0xD800 && r <= 0xDFFF {
		return nil, 0
	}
	return utf8.AppendRune(nil, rune(r)), 2 + digits
}

// block traces a literal or folded scalar at i whose text is known to be want.
func (t *tracer) block(i int, want string) (end int) {
	text := t.src.text
	folded := text[i] == '>'
	var chomp byte
	for i++; i < len(text) && !isSpaceAt(text, i); i++ {
		if text[i] == '+' || text[i] == '-' {
			chomp = text[i]
		}
	}
	head := t.src.lineEnd(i)
	body := head + breakAt(text, head)
	if strings.Trim(want, " \n") == "" {
		return head // no line of its own; what follows may be a comment
	}

	// The first line that is not blank stands in the source with the spaces
	// that it has in the text, and the indentation before them.
	inText := firstSpaces([]byte(want), 0)
	if inSource := firstSpaces(text, body); inSource >= inText {
		end = t.blockLines(head, body, inSource-inText, folded, chomp)
	}
	return max(end, head)
}

// firstSpaces counts the spaces before the first character of text[at:] that is
// neither space nor line break.
func firstSpaces(text []byte, at int) int {
	for {
		begin := at
		for at < len(text) && text[at] == ' ' {
			at++
		}
		n := breakAt(text, at)
		if n == 0 {
			return at - begin
		}
		at += n
	}
}

// blockLines traces the lines of a block scalar of a given indentation, and
// returns where its last line with text ends.
func (t *tracer) blockLines(end, at, indent int, folded bool, chomp byte) int {
	text := t.src.text
	type stretch struct{ from, to int }
	var lead stretch    // the line break before this line
	var blank []stretch // those of the blank lines between
	leadBlank := false

	putBreak := func(b stretch) {
		if b.to > b.from {
			t.put(breakText(text, b.from, b.to-b.from), b.from, b.to)
		}
	}
	skipIndent := func() (column int) {
		for {
			column = 0
			for at < len(text) && column < indent && text[at] == ' ' {
				at, column = at+1, column+1
			}
			n := breakAt(text, at)
			if n == 0 {
				return column
			}
			blank = append(blank, stretch{at, at + n})
			at += n
		}
	}
	for column := skipIndent(); column == indent && at < len(text); column = skipIndent() {
		isFirstBlank := isBlank(text[at])
		if folded && !leadBlank && !isFirstBlank && lead.to > lead.from && lead.to-lead.from < 3 {
			if len(blank) == 0 {
				t.put([]byte(" "), lead.from, at)
			}
		} else {
			putBreak(lead)
		}
		for _, b := range blank {
			putBreak(b)
		}
		blank = blank[:0]
		leadBlank = isFirstBlank
		end = t.src.lineEnd(at)
		t.copy(at, end)
		lead = stretch{end, end + breakAt(text, end)}
		at = lead.to
		if indent == 0 && at >= len(text) {
			break
		}
	}
	if chomp != '-' {
		putBreak(lead)
	}
	if chomp == '+' {
		for _, b := range blank {
			putBreak(b)
		}
	}
	return end
}

package flow

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
)

var (
	blockHead = regexp.MustCompile(`^[|>](?:[+-][1-9]?|[1-9][+-]?)?[ \t]*(?:#.*)?$`)
	aliasOnly = regexp.MustCompile(`^\*([A-Za-z0-9_-]+)[ \t]*(?:#.*)?$`)
	anchored  = regexp.MustCompile(`^&[A-Za-z0-9_-]+(?:[ \t]+|$)`)
)

// value looks at a value that begins at at, of a key (or of a list item, when
// key is empty) in a block at column parent. It returns the line to go on with.
func (t *traps) value(key string, at, parent int) int {
	text := t.src.text
	end := t.src.lineEnd(at)
	line := text[at:end]
	switch c := text[at]; c {
	case '"', '\'':
		return t.quoted(key, at)
	case '[', '{':
		return t.flowStyle(key, at)
	case '|', '>':
		if !blockHead.Match(line) {
			t.leading(key, at, "In YAML it announces a text on the lines below, so nothing may follow it on its own line.")
			return t.next(at)
		}
		return t.skipBlock(t.next(at), parent)
	case ']', '}':
		t.out.Add("unopened-bracket", t.src.span(at, at+1), "a %c closes nothing", c).
			WithHint("remove it, or open it with %c; a text that begins with %c goes in quotes", c-2, c)
		t.masks = append(t.masks, stretch{at, end})
	case '%':
		if key == "" && (at == 0 || text[at-1] == '\n') {
			t.out.Add("leading-character", t.src.span(at, end), "a line begins with %%").
				WithDetail("Here it would begin an instruction to YAML itself, which a flow never needs.").
				WithHint("remove this line")
			t.masks = append(t.masks, stretch{at, end})
			break
		}
		t.leading(key, at, "YAML reserves this character at the beginning of a value.")
	case '@', '`', ',':
		t.leading(key, at, "YAML reserves this character at the beginning of a value.")
	case '*':
		m := aliasOnly.FindSubmatch(line)
		if m == nil {
			t.leading(key, at, "In YAML a leading * repeats a value that &name marks further up.")
		} else if !t.anchors[string(m[1])] {
			unknownAlias(&t.out, t.src.span(at, at+1+len(m[1])), string(m[1]))
			t.masks = append(t.masks, stretch{at, end})
		}
	case '&':
		if m := anchored.Find(line); m == nil {
			t.leading(key, at, "In YAML a leading & names a value so that * can repeat it.")
		} else if len(m) < len(line) {
			return t.value(key, at+len(m), parent)
		} else {
			t.opened = true
		}
	case '!':
		rest := strings.TrimSpace(string(beforeComment(line)[1:]))
		t.out.Add("yaml-tag", t.src.span(at, at+1), "a value begins with !").
			WithDetail("In YAML a leading ! names a type, so the text after it would be lost. Types are declared, never tagged.").
			WithHint("%s", notHint(rest))
		t.masks = append(t.masks, stretch{at, end})
	default:
		if key == "" && c == '?' && isSpaceAt(text, at+1) {
			t.leading(key, at, "In YAML it announces a key of several lines, which a flow never needs.")
			break
		}
		if (c == '-' || c == '?' || c == ':') && isSpaceAt(text, at+1) {
			t.leading(key, at, "Here it would begin a list or a map, which goes on lines of its own.")
			break
		}
		t.plainValue(key, at, beforeComment(line))
		t.plain, t.key = parent, key
		t.cut = commentOf(line, at)
	}
	return t.next(at)
}

// leading reports a value whose first character means something else in YAML.
func (t *traps) leading(key string, at int, meaning string) {
	line := t.shown(at)
	t.out.Add("leading-character", t.src.span(at, at+1), "a value begins with %s", line[:1]).
		WithDetail("%s", meaning).
		WithHint("%s", quoteHint(key, string(t.shown(at))))
	t.masks = append(t.masks, stretch{at, at + len(line)})
}

// shown is the value at at as its writer meant it: up to the end of the line,
// without a comment that stands apart from it.
func (t *traps) shown(at int) []byte {
	line := bytes.TrimRight(t.src.text[at:t.src.lineEnd(at)], " \t")
	for i := 1; i+1 < len(line); i++ {
		if line[i] == '#' && isBlank(line[i-1]) && isBlank(line[i+1]) {
			return bytes.TrimRight(line[:i], " \t")
		}
	}
	return line
}

// maxQuoted is how long a value a hint repeats with quotes around it.
const maxQuoted = 60

func quoteHint(key, value string) string {
	switch {
	case len(value) > maxQuoted && key != "":
		return "put the whole value in quotes, or write it on the lines below " + key + ": |"
	case strings.ContainsAny(value, `"\`) && strings.Contains(value, "'") && key != "":
		return "write it on the line below, indented, after " + key + ": |"
	case len(value) > maxQuoted:
		return "put the whole value in quotes"
	case key != "":
		return "put it in quotes: " + key + ": " + quote(value)
	}
	return "put it in quotes: " + quote(value)
}

// notHint is the way out for a value !rest.
func notHint(rest string) string {
	if len(rest) > maxQuoted {
		return "put the whole value in quotes; an expression may also begin with not"
	}
	return "put the whole value in quotes: " + quote("!"+rest) + "\nor, in an expression, write: not " + rest
}

func (t *traps) plainValue(key string, at int, line []byte) {
	m := keyColon.FindIndex(line)
	if m == nil {
		return
	}
	t.out.Add("colon-in-text", t.src.span(at+m[0], at+m[0]+1), "a colon stands in an unquoted text").
		WithDetail("In YAML a colon and a space begin a value, so the text around it must be quoted.").
		WithHint("%s", quoteHint(key, string(t.shown(at))))
	t.masks = append(t.masks, stretch{at, at + len(line)})
}

// quoted looks at a value in quotes: it must be closed, with nothing after it.
func (t *traps) quoted(key string, at int) int {
	text := t.src.text
	tr := tracer{src: t.src}
	after, bad, closed := tr.quoted(at)
	line := beforeComment(text[at:t.src.lineEnd(at)])
	mask := stretch{at, at + len(line)}
	if bad >= 0 && bad < mask.to {
		t.out.Add("bad-escape", t.src.span(bad, min(bad+2, len(text))), "this escape means nothing").
			WithDetail("In double quotes a backslash begins an escape such as \\n, \\t, \\\" or \\\\.").
			WithHint("write the backslash twice, or use single quotes, where it means itself")
		t.masks = append(t.masks, mask)
		return t.next(at)
	}
	if !closed {
		t.out.Add("unclosed-quote", t.src.span(at, at+1), "a quote is not closed").
			WithDetail("The text that begins here runs to the end of the file.").
			WithHint("close it with %c at the end of the text", text[at])
		t.masks = append(t.masks, mask)
		return t.next(at)
	}
	tail := beforeComment(text[after:t.src.lineEnd(after)])
	rest := t.src.skipBlanks(after)
	if len(bytes.TrimSpace(tail)) == 0 || text[rest] == '#' && rest > after {
		return t.next(after)
	}
	first, last := t.src.pos(at).Line, t.src.pos(after).Line
	if first != last {
		t.out.Add("unclosed-quote", t.src.span(at, at+1), "a quote is not closed").
			WithDetail("The text that begins here ends only at line %d, in the middle of that line.", last).
			WithHint("close it with %c at the end of the text", text[at])
	} else {
		t.out.Add("text-after-quote", t.src.span(rest, mask.to), "text follows a closing quote").
			WithDetail("A value that begins with a quote ends where that quote is closed.").
			WithHint("%s", quoteHint(key, unquoted(string(t.shown(at)))))
	}
	t.masks = append(t.masks, mask)
	return t.next(at)
}

// unquoted takes the outer quotes off a template that uses the same ones inside.
func unquoted(value string) string {
	if n := len(value); n > 1 && value[0] == value[n-1] && strings.Contains(value, "${{") {
		return value[1 : n-1]
	}
	return value
}

// flowStyle looks at a value in brackets or braces, which may span lines.
func (t *traps) flowStyle(key string, at int) int {
	text := t.src.text
	var open []byte
	templates := 0
	var cut stretch // a comment that holds a closing bracket
	i := at
	for i < len(text) {
		c := text[i]
		switch {
		case c == '$' && bytes.HasPrefix(text[i:], []byte("${{")):
			i = t.templateInFlow(i)
			templates++
			continue
		case (c == '"' || c == '\'') && startsValue(text, i):
			tr := tracer{src: t.src}
			after, _, closed := tr.quoted(i)
			if !closed {
				return t.quoted(key, i)
			}
			i = after
			continue
		case c == '#' && isSpaceAt(text, i-1):
			end := t.src.lineEnd(i)
			if cut.to == 0 && bytes.ContainsAny(text[i:end], "]}") {
				cut = stretch{i, end}
			}
			i = end
			continue
		case c == '[' || c == '{':
			open = append(open, c+2) // the closing one in ASCII
		case c == ']' || c == '}':
			if c != open[len(open)-1] {
				t.out.Add("bracket-mismatch", t.src.span(i, i+1), "a closing %c meets an opening %c", c, open[len(open)-1]-2).
					WithHint("close what was opened last first: write %c here", open[len(open)-1])
				t.masks = append(t.masks, stretch{at, t.src.lineEnd(i)})
				return t.next(i)
			}
			open = open[:len(open)-1]
		}
		i++
		if len(open) == 0 {
			break
		}
	}
	if templates > 0 {
		if len(open) > 0 {
			i = t.src.lineEnd(at)
		}
		t.masks = append(t.masks, stretch{at, i})
		return t.next(i)
	}
	if len(open) > 0 && cut.to > 0 {
		t.out.Add("comment-cuts-text", t.src.span(cut.from, cut.to), "a comment cuts this value short").
			WithDetail("In unquoted YAML a space and # begin a comment, so the closing %c is part of the comment.", open[0]).
			WithHint("put the text with # in quotes\nif it is a comment, write it after the closing %c", open[0])
		t.masks = append(t.masks, stretch{at, cut.to})
		return t.next(cut.to)
	}
	if len(open) > 0 {
		t.out.Add("unclosed-bracket", t.src.span(at, at+1), "a %c is not closed", text[at]).
			WithDetail("The list or map that begins here runs to the end of the file. A text that begins with a bracket needs quotes.").
			WithHint("close it with %c, or put the text in quotes", open[0])
		t.masks = append(t.masks, stretch{at, t.src.lineEnd(at)})
		return t.next(at)
	}
	tail := beforeComment(text[i:t.src.lineEnd(i)])
	rest := t.src.skipBlanks(i)
	if len(bytes.TrimSpace(tail)) == 0 || text[rest] == '#' {
		return t.next(i)
	}
	end := i + len(tail)
	t.out.Add("text-after-bracket", t.src.span(rest, end), "text follows a closing bracket").
		WithDetail("A value that begins with %c is a %s, which ends at its closing bracket.", text[at], map[byte]string{'[': "list", '{': "map"}[text[at]]).
		WithHint("%s", quoteHint(key, string(text[at:end])))
	t.masks = append(t.masks, stretch{at, end})
	return t.next(i)
}

// startsValue reports whether a quote at i opens a quoted text, and is not an
// apostrophe inside a plain one.
func startsValue(text []byte, i int) bool {
	before := bytes.TrimRight(text[:i], " \t\r\n")
	return len(before) == 0 || strings.IndexByte("[{,:", before[len(before)-1]) >= 0
}

// templateInFlow reports the unquoted ${{ }} at i between brackets, and returns
// where it ends.
func (t *traps) templateInFlow(i int) int {
	hole := t.src.text[i:t.src.lineEnd(i)]
	if end := bytes.Index(hole, []byte("}}")); end >= 0 {
		hole = hole[:end+2]
	}
	t.out.Add("template-in-flow-style", t.src.span(i, i+len(hole)), "${{ }} stands between brackets without quotes").
		WithDetail("Between [ ] and { } YAML takes the braces of ${{ }} for its own.").
		WithHint("put it in quotes: %s\nor write each value on a line of its own", quoteShort(string(hole)))
	return i + len(hole)
}

func quoteShort(text string) string {
	if len(text) > maxQuoted {
		return `"${{ … }}"`
	}
	return quote(text)
}

// skipBlock moves over the lines of a block scalar below a block at column
// parent. Its first line sets the indentation; a line with less is reported.
func (t *traps) skipBlock(at, parent int) int {
	text := t.src.text
	indent := -1
	for at < len(text) {
		begin := at
		for at < len(text) && text[at] == ' ' {
			at++
		}
		column := at - begin
		if at >= len(text) || breakAt(text, at) > 0 {
			at = t.next(at)
			continue
		}
		if column <= parent {
			return begin
		}
		if indent < 0 {
			indent = column
		}
		end := t.src.lineEnd(at)
		if column < indent && text[at] != '#' {
			t.out.Add("bad-indent", t.src.span(at, end), "a line of a text is indented less than its first line").
				WithDetail("The first line of the text below | or > sets the indentation, here %s; this one has %d.", plural(indent, "space"), column).
				WithHint("give every line of the text at least as many spaces as the first")
			t.masks = append(t.masks, stretch{at, end})
			return t.next(at)
		}
		at = t.next(at)
	}
	return at
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

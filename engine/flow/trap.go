package flow

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"

	"github.com/flowrunner/flowrunner/engine/diag"
)

// traps walks a file that YAML refused, line by line, and recognises the usual
// reasons. It is no YAML parser: it knows block maps, lists and the beginnings
// of values, which is what people write.
type traps struct {
	src   *source
	out   diag.List
	masks []stretch // values to blank out, so that the rest can be read
	colon []int     // where to write a colon that is missing

	columns  []int // of the open maps and lists
	opened   bool  // the line before ends where a value is due
	plain    int   // column of the block whose plain value may continue; -1: none
	key      string
	cut      stretch // the comment at the end of the last line of that value
	anchors  map[string]bool
	indented bool // an indentation was reported; others follow from it
}

var anchorName = regexp.MustCompile(`(?:^|[\s\[,{])&([A-Za-z0-9_-]+)`)

// maxTraps is how many are looked for; each may read the file to its end.
const maxTraps = 100

func findTraps(s *source) *traps {
	t := &traps{src: s, opened: true, plain: -1, anchors: map[string]bool{}}
	if t.tabs() {
		return t
	}
	for _, m := range anchorName.FindAllSubmatch(s.text, -1) {
		t.anchors[string(m[1])] = true
	}
	for at := s.lines[0]; at < len(s.text) && len(t.out) < maxTraps; {
		at = t.line(at)
	}
	return t
}

// tabs reports the first line that a tab indents; nothing after it can be
// understood.
func (t *traps) tabs() bool {
	text := t.src.text
	for _, begin := range t.src.lines {
		end := t.src.skipBlanks(begin)
		tab := bytes.IndexByte(text[begin:end], '\t')
		if tab < 0 || end >= len(text) || breakAt(text, end) > 0 || text[end] == '#' {
			continue
		}
		if m := keyColon.FindIndex(text[end:t.src.lineEnd(end)]); m == nil && text[end] != '-' {
			continue // a tab inside of a text does no harm
		}
		t.out.Add("tab-indent", t.src.span(begin+tab, begin+tab+1), "a tab indents this line").
			WithDetail("YAML indents with spaces only.").
			WithHint("replace each tab at the beginning of the lines by two spaces, and set your editor to do so")
		return true
	}
	return false
}

// next is the beginning of the line after offset.
func (t *traps) next(offset int) int {
	end := t.src.lineEnd(offset)
	return end + max(breakAt(t.src.text, end), 1)
}

// keyColon ends a plain key.
var keyColon = regexp.MustCompile(`:(?:[ \t]|$)`)

// line looks at the line that begins at offset and returns where the next one to
// look at begins.
func (t *traps) line(begin int) int {
	text := t.src.text
	at := begin
	for at < len(text) && text[at] == ' ' {
		at++
	}
	end := t.src.lineEnd(at)
	if at == end || text[at] == '#' {
		return t.next(at)
	}
	if at == begin && documentMark.Match(text[begin:end]) {
		t.columns, t.opened, t.plain = nil, true, -1
		return t.next(at)
	}
	column := at - begin
	if t.plain >= 0 && column > t.plain {
		t.continuation(at, end)
		return t.next(at)
	}
	t.plain = -1
	below := -1 // the block in which this line may be the value of the line above
	if n := len(t.columns); t.opened && n > 0 && column > t.columns[n-1] {
		below = t.columns[n-1]
	}
	if !t.indent(at, column) {
		return t.next(at)
	}
	parent := column
	if below >= 0 {
		parent = below
	}
	dash := false
	for at < end && text[at] == '-' && isSpaceAt(text, at+1) {
		dash = true
		parent = at - begin
		at = t.src.skipBlanks(at + 1)
		if at < end && text[at] != '#' {
			t.columns = append(t.columns, at-begin)
		}
	}
	t.opened = at >= end || text[at] == '#'
	if t.opened {
		return t.next(at)
	}
	if t.bullet(at, end) {
		at = t.src.skipBlanks(at + 1)
		t.columns = append(t.columns, at-begin)
	}
	colon := t.keyEnd(at, end)
	switch {
	case colon >= 0:
		value := t.src.skipBlanks(colon + 1)
		if value >= end || text[value] == '#' {
			t.opened = true
			return t.next(at)
		}
		return t.value(string(text[at:colon]), value, at-begin)
	case (dash || below >= 0) && !t.glued(at, end, at-begin), strings.IndexByte(indicators, text[at]) >= 0:
		return t.value("", at, parent)
	}
	t.noColon(at, end)
	return t.next(at)
}

// indicators begin no plain text.
const indicators = "\"'[{]}|>@`%*&!?"

// bullet reports a list item that begins with a star, or with a dash that
// touches its key.
func (t *traps) bullet(at, end int) bool {
	line := beforeComment(t.src.text[at:end])
	switch {
	case gluedDash.Match(line):
		t.out.Add("missing-space", t.src.span(at, at+1), "a space is missing after the dash").
			WithHint("write: - %s", short(string(line[1:])))
	case starBullet.Match(line):
		t.out.Add("leading-character", t.src.span(at, at+1), "a line begins with *").
			WithDetail("An item of a list begins with a dash and a space.").
			WithHint("write: - %s", short(string(bytes.TrimLeft(line[1:], " \t"))))
	default:
		return false
	}
	return true
}

// glued reports whether a line without a key is one whose space or colon was
// forgotten, "limit:20": the line below it, in the same column, is a key or
// another such.
func (t *traps) glued(at, end, column int) bool {
	if !isAlmostKey(beforeComment(t.src.text[at:end])) {
		return false
	}
	begin := min(t.next(at), len(t.src.text))
	next := begin
	for next < len(t.src.text) && t.src.text[next] == ' ' {
		next++
	}
	line := beforeComment(t.src.text[next:t.src.lineEnd(next)])
	return next-begin == column && (keyColon.Match(line) || isAlmostKey(line))
}

// isAlmostKey recognises "limit:20" and "uses filter".
func isAlmostKey(line []byte) bool {
	m := spacedKey.FindSubmatch(line)
	return gluedKey.Match(line) || m != nil && contains(grammarKeys, string(m[1]))
}

// indent fits a line into the open blocks, and reports one that fits none.
func (t *traps) indent(at, column int) bool {
	levels := make([]string, len(t.columns))
	for i, c := range t.columns {
		levels[i] = strconv.Itoa(c)
	}
	popped := false
	for len(t.columns) > 0 && t.columns[len(t.columns)-1] > column {
		t.columns = t.columns[:len(t.columns)-1]
		popped = true
	}
	if len(t.columns) > 0 && t.columns[len(t.columns)-1] == column {
		return true
	}
	if t.opened && !popped {
		t.columns = append(t.columns, column)
		return true
	}
	if !t.indented {
		t.indented = true
		d := t.out.Add("bad-indent", t.src.span(at, t.src.lineEnd(at)), "the indentation fits no line above").
			WithHint("give keys that belong together the same number of spaces")
		if len(levels) > 0 {
			d.WithDetail("This line is indented by %s; the lines above it by %s.", plural(column, "space"), strings.Join(levels, ", "))
		}
	}
	return false
}

// keyEnd is where the colon of a key that begins at at stands, or -1.
func (t *traps) keyEnd(at, end int) int {
	text := t.src.text
	if c := text[at]; c == '"' || c == '\'' {
		tr := tracer{src: t.src}
		after, _, closed := tr.quoted(at)
		after = t.src.skipBlanks(after)
		if closed && after < end && text[after] == ':' && isSpaceAt(text, after+1) {
			return after
		}
		return -1
	}
	if strings.IndexByte("[{", text[at]) >= 0 {
		return -1
	}
	line := beforeComment(text[at:end])
	if m := keyColon.FindIndex(line); m != nil {
		return at + m[0]
	}
	return -1
}

// beforeComment cuts " # …" off a plain line.
func beforeComment(line []byte) []byte {
	for i := 1; i < len(line); i++ {
		if line[i] == '#' && isBlank(line[i-1]) {
			return bytes.TrimRight(line[:i], " \t")
		}
	}
	return bytes.TrimRight(line, " \t")
}

// commentOf is where the comment of a plain line stands, which begins at at.
func commentOf(line []byte, at int) stretch {
	before := len(beforeComment(line))
	if i := bytes.IndexByte(line[before:], '#'); i >= 0 {
		return stretch{at + before + i, at + len(line)}
	}
	return stretch{}
}

func orBelow(key string) string {
	if key == "" {
		return ""
	}
	return ", or write it on the lines below " + key + ": |"
}

// continuation looks at a line that goes on with a plain value.
func (t *traps) continuation(at, end int) {
	line := beforeComment(t.src.text[at:end])
	m := keyColon.FindIndex(line)
	if m == nil {
		if t.cut.to > 0 {
			t.out.Add("comment-cuts-text", t.src.span(t.cut.from, t.cut.to), "a comment cuts this value short").
				WithDetail("In unquoted YAML a space and # begin a comment, which ends the value, and the line below cannot go on with it.").
				WithHint("put the whole value in quotes%s\nif it is a comment, give it a line above the value", orBelow(t.key))
			t.masks = append(t.masks, stretch{at, at + len(line)})
		}
		t.cut = commentOf(t.src.text[at:end], at)
		return
	}
	t.out.Add("colon-in-text", t.src.span(at+m[0], at+m[0]+1), "a colon stands in an unquoted text").
		WithDetail("This line is indented below a value that has already begun, so it continues that text, where a colon and a space would begin a key.").
		WithHint("if it is a key, indent it like the key above; if it is text, put the whole text in quotes or below a |")
	t.masks = append(t.masks, stretch{at, at + len(line)})
}

// noColon reports a line that should be a key.
func (t *traps) noColon(at, end int) {
	line := beforeComment(t.src.text[at:end])
	if m := gluedKey.FindSubmatch(line); m != nil {
		t.out.Add("missing-space", t.src.span(at, at+len(m[1])+1), "a space is missing after the colon").
			WithHint("write: %s: %s", m[1], m[2])
		t.masks = append(t.masks, stretch{at + len(m[1]) + 1, at + len(line)})
		return
	}
	t.out.Add("missing-colon", t.src.span(at, at+len(line)), "a key or a colon is missing").
		WithDetail("Here a line of the form \"key: value\" is expected.").
		WithHint("write a colon and a space after the key; a text of several lines goes in quotes or below a |")
	if m := spacedKey.FindSubmatch(line); m != nil && contains(grammarKeys, string(m[1])) {
		t.out[len(t.out)-1].Hint = "write: " + short(string(m[1])+": "+string(m[2]))
		t.colon = append(t.colon, at+len(m[1]))
		t.masks = append(t.masks, stretch{at + len(m[1]) + 1, at + len(line)})
		return
	}
	if word.Match(line) {
		t.out[len(t.out)-1].Hint = "write: " + string(line) + ":"
		t.opened = true
	}
	t.masks = append(t.masks, stretch{at, at + len(line)})
}

var (
	gluedDash  = regexp.MustCompile(`^-[A-Za-z_][A-Za-z0-9_]*:(?:[ \t]|$)`)
	starBullet = regexp.MustCompile(`^\*[ \t]+[A-Za-z_][A-Za-z0-9_]*:(?:[ \t]|$)`)
	spacedKey  = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]*)[ \t]+(\S.*)$`)
	gluedKey   = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]*):([^\s/].*)$`)
	word       = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

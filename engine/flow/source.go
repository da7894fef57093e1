package flow

import (
	"bytes"
	"sort"
	"unicode/utf8"

	"github.com/flowrunner/flowrunner/engine/diag"
)

// source is the text of a file with an index of its lines and characters, so
// that a place is found in logarithmic time even when the file is one long line.
type source struct {
	file string
	text []byte

	lines     []int // where lines begin, as editors count them: after "\n"
	yamlLines []int // as YAML counts them: also after a lone CR, NEL, LS and PS
	runes     []int // characters before every runeStep-th byte

	// shown is the original of a text that was altered, byte for byte, to make
	// it readable. Places for people are those of the original.
	shown *source

	// carry lets every span hold the line that it begins in.
	carry bool
}

const runeStep = 64

var byteOrderMark = []byte("\uFEFF")

func newSource(file string, text []byte) *source {
	s := &source{file: file, text: text}
	begin := 0
	if bytes.HasPrefix(text, byteOrderMark) {
		begin = len(byteOrderMark)
	}
	s.lines, s.yamlLines = []int{begin}, []int{begin}
	count := 0
	for i := 0; i < len(text); i++ {
		if i%runeStep == 0 {
			s.runes = append(s.runes, count)
		}
		if utf8.RuneStart(text[i]) {
			count++
		}
		if text[i] == '\n' {
			s.lines = append(s.lines, i+1)
		}
	}
	for i := begin; i < len(text); {
		n := breakAt(text, i)
		if n > 0 {
			s.yamlLines = append(s.yamlLines, i+n)
		}
		i += max(n, 1)
	}
	return s
}

// runesBefore counts the characters of text[:offset].
func (s *source) runesBefore(offset int) int {
	if len(s.runes) == 0 {
		return 0
	}
	block := min(offset/runeStep, len(s.runes)-1)
	count := s.runes[block]
	for i := block * runeStep; i < offset; i++ {
		if utf8.RuneStart(s.text[i]) {
			count++
		}
	}
	return count
}

// offset is the byte at a line and column of the YAML library, which count from
// 1 and in characters. Places outside the text move to its nearest end.
func (s *source) offset(line, col int) int {
	if line < 1 || line > len(s.yamlLines) {
		return len(s.text)
	}
	begin := s.yamlLines[line-1]
	want := s.runesBefore(begin) + max(col, 1) - 1
	block := max(sort.SearchInts(s.runes, want+1)-1, 0)
	at := max(block*runeStep, begin)
	for count := s.runesBefore(at); at < len(s.text); at++ {
		if utf8.RuneStart(s.text[at]) {
			if count == want {
				return at
			}
			count++
		}
	}
	return len(s.text)
}

// pos is the place of a byte; inside a character, of that character.
func (s *source) pos(offset int) diag.Pos {
	if s.shown != nil {
		return s.shown.pos(offset)
	}
	offset = max(min(offset, len(s.text)), s.lines[0])
	for offset < len(s.text) && !utf8.RuneStart(s.text[offset]) {
		offset--
	}
	line := sort.SearchInts(s.lines, offset+1)
	col := s.runesBefore(offset) - s.runesBefore(s.lines[line-1]) + 1
	return diag.Pos{Line: line, Col: col, Offset: offset}
}

// span is the place of text[from:to]; a character begun is a character meant.
func (s *source) span(from, to int) diag.Span {
	if s.shown != nil {
		return s.shown.span(from, to)
	}
	to = max(from, min(to, len(s.text)))
	for to < len(s.text) && !utf8.RuneStart(s.text[to]) {
		to++
	}
	at := diag.Span{File: s.file, Start: s.pos(from), End: s.pos(to)}
	if s.carry {
		begin := s.lines[at.Start.Line-1]
		line, _, _ := bytes.Cut(s.text[begin:], []byte("\n"))
		at.Line = string(line) + "\n"
	}
	return at
}

// lineEnd is where the line of offset ends, before its line break.
func (s *source) lineEnd(offset int) int {
	for offset < len(s.text) && breakAt(s.text, offset) == 0 {
		offset++
	}
	return offset
}

// skipBlanks moves over spaces and tabs.
func (s *source) skipBlanks(offset int) int {
	for offset < len(s.text) && isBlank(s.text[offset]) {
		offset++
	}
	return offset
}

// skipSpace moves over blanks, line breaks and comments.
func (s *source) skipSpace(offset int) int {
	for {
		offset = s.skipBlanks(offset)
		if offset < len(s.text) && s.text[offset] == '#' && (offset == 0 || isSpaceAt(s.text, offset-1)) {
			offset = s.lineEnd(offset)
		}
		n := breakAt(s.text, offset)
		if n == 0 {
			return offset
		}
		offset += n
	}
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// isSpaceAt reports whether the byte at i is a blank or ends a line break.
func isSpaceAt(text []byte, i int) bool {
	return i >= len(text) || isBlank(text[i]) || breakAt(text, i) > 0
}

// breakAt is the length of the line break at text[i:], 0 when there is none.
func breakAt(text []byte, i int) int {
	if i >= len(text) {
		return 0
	}
	switch text[i] {
	case '\n':
		return 1
	case '\r':
		if i+1 < len(text) && text[i+1] == '\n' {
			return 2
		}
		return 1
	case 0xC2:
		if i+1 < len(text) && text[i+1] == 0x85 {
			return 2
		}
	case 0xE2:
		if i+2 < len(text) && text[i+1] == 0x80 && (text[i+2] == 0xA8 || text[i+2] == 0xA9) {
			return 3
		}
	}
	return 0
}

// breakText is what the line break text[i:i+n] becomes in a scalar.
func breakText(text []byte, i, n int) []byte {
	if n == 3 {
		return text[i : i+n]
	}
	return []byte("\n")
}

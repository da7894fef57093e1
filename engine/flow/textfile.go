package flow

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/flowrunner/flowrunner/engine/diag"
)

// MaxTextFile is how large a text beside a flow may be, in bytes.
const MaxTextFile = 64 << 10

// TextFile is the scalar that the text of a file is, as if it stood in the flow
// as a block: line breaks are \n, and each character keeps its place in the
// file. Its places carry the line that they point at, since whoever shows the
// flow's problems has the flow's text at hand, not this one. The Node is nil when
// the file is no text.
func TextFile(name string, text []byte) (*Node, diag.List) {
	var problems diag.List
	s := newSource(name, text)
	s.carry = true
	begin := s.lines[0]
	if len(text) > MaxTextFile {
		problems.Add("file-too-large", s.span(begin, begin), "the text file is too large").
			WithDetail("At most 64 KiB (%d bytes) are read.", MaxTextFile).WithHint("a message has 4,096 characters at most; shorten the text")
		return nil, problems
	}
	for i := begin; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			// What follows may be no text, so characters count up to here only.
			known := newSource(name, text[:i])
			known.carry = true
			problems.Add("not-utf8", known.span(i, i), "the file is not UTF-8").
				WithDetail("The byte 0x%02X here is no part of a UTF-8 character.", text[i]).
				WithHint("save the file as UTF-8; texts from older Windows programs are often in windows-1251")
			return nil, problems
		case !isAllowed(r):
			problems.Add("bad-character", s.span(i, i+size), "the file holds a control character").
				WithDetail("The character U+%04X here cannot be seen, and no message needs it.", r).WithHint("delete it")
			return nil, problems
		}
		i += size
	}
	if strings.TrimSpace(string(text[begin:])) == "" {
		problems.Add("empty-value", s.span(begin, begin), "the text file is empty").WithHint("write the text into it")
		return nil, problems
	}
	t := tracer{src: s}
	for i := begin; i < len(text); {
		n := bytes.Index(text[i:], []byte("\r\n"))
		if n < 0 {
			t.copy(i, len(text))
			break
		}
		t.copy(i, i+n)
		t.put([]byte("\n"), i+n, i+n+2)
		i += n + 2
	}
	return &Node{Kind: Scalar, Style: Block, Text: string(t.text), Span: s.span(begin, len(text)), src: s, marks: t.marks}, nil
}

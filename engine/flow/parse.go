package flow

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/flowrunner/flowrunner/engine/diag"
)

// Parse reads one flow. It never stops at the first problem: the Document is
// never nil and holds what could be read, and the List every problem of form,
// in the order of the file. file is only a name for messages.
func Parse(file string, source []byte) (*Document, diag.List) {
	return parse(newSource(file, source))
}

// ParseCalled reads a flow that another one uses. Its places carry the line that
// they point at, since whoever shows the problems of the calling flow has only
// that one's text at hand.
func ParseCalled(file string, text []byte) (*Document, diag.List) {
	s := newSource(file, text)
	s.carry = true
	return parse(s)
}

func parse(s *source) (*Document, diag.List) {
	sum := sha256.Sum256(s.text)
	doc := &Document{File: s.file, Source: s.text, Hash: hex.EncodeToString(sum[:])}
	root, problems := parseNode(s)
	if root != nil && !root.Broken {
		g := grammar{doc: doc, out: &problems, ids: map[string]*Node{}}
		g.document(root)
		checkComments(root, &problems)
	}
	problems.Sort()
	return doc, capped(problems, s.file)
}

// maxProblems is how many are worth reading at once.
const maxProblems = 1000

// capped keeps the first problems of a file in which nearly everything is one.
func capped(problems diag.List, file string) diag.List {
	more := len(problems) - maxProblems
	if more <= 0 {
		return problems
	}
	problems = problems[:maxProblems:maxProblems]
	problems.Add("too-many-problems", diag.Span{File: file}, "%d more problems are not shown", more).
		WithHint("correct the ones above first")
	return problems
}

// ParseNode reads any YAML file, such as a project or a variables file, under
// the same strictness and limits as a flow but without its grammar. The Node is
// nil when nothing could be read.
func ParseNode(file string, source []byte) (*Node, diag.List) {
	return parseNode(newSource(file, source))
}

func parseNode(s *source) (*Node, diag.List) {
	var problems diag.List
	if !readable(s, &problems) {
		return nil, problems
	}
	y, s, broken := decode(s, &problems)
	if y == nil {
		problems.Sort()
		return nil, problems
	}
	b := builder{src: s, out: &problems, broken: broken, anchors: map[*yaml.Node]*anchor{}}
	root := b.build(y, 1)
	if b.limited {
		root.node.Broken = true // what was not read would only look like mistakes
	} else {
		b.unusedAnchors()
	}
	problems.Sort()
	return root.node, problems
}

// readable refuses what is no text, and text too long to be a flow.
func readable(s *source, out *diag.List) bool {
	whole := diag.Span{File: s.file}
	if len(s.text) > maxBytes {
		out.Add("file-too-large", whole, "the file is too large").
			WithDetail("It has %d bytes; at most 1 MiB (%d bytes) is read.", len(s.text), maxBytes).
			WithHint("keep data in a CSV or JSON file and read it with read_csv or read_json")
		return false
	}
	if bytes.HasPrefix(s.text, []byte{0xFF, 0xFE}) || bytes.HasPrefix(s.text, []byte{0xFE, 0xFF}) {
		out.Add("not-utf8", whole, "the file is not UTF-8").
			WithDetail("It begins like UTF-16, which some Windows programs write.").
			WithHint("save the file as UTF-8")
		return false
	}
	// What follows a bad byte may be no text, so characters count up to it only.
	known := func(end int) *source {
		part := newSource(s.file, s.text[:end])
		part.carry = s.carry
		return part
	}
	for i := s.lines[0]; i < len(s.text); {
		r, size := utf8.DecodeRune(s.text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			out.Add("not-utf8", known(i).span(i, i), "the file is not UTF-8").
				WithDetail("The byte 0x%02X here is no part of a UTF-8 character.", s.text[i]).
				WithHint("save the file as UTF-8; texts from older Windows programs are often in windows-1251")
			return false
		case !isAllowed(r):
			out.Add("bad-character", known(i+size).span(i, i+size), "the file holds a control character").
				WithDetail("The character U+%04X here cannot be seen and has no meaning in a flow.", r).
				WithHint(`delete it; if it is needed in a text, write it in double quotes as "\u%04X"`, r)
			return false
		}
		i += size
	}
	if strings.TrimSpace(string(s.text[s.lines[0]:])) == "" {
		emptyFile(s, out)
		return false
	}
	return true
}

// isAllowed reports whether YAML allows a character in a file.
func isAllowed(r rune) bool {
	switch {
	case r == '\t', r == '\n', r == '\r', r == 0x85:
		return true
	case r < 0x20, r >= 0x7F && r < 0xA0, r == 0xFFFE, r == 0xFFFF:
		return false
	}
	return true
}

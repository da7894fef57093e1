package flow

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"
	yamlv3 "gopkg.in/yaml.v3"

	"github.com/flowrunner/flowrunner/engine/diag"
)

// decode reads the one document of s. Where YAML itself fails it reports the
// traps that it finds, blanks their values out and reads the rest, so that one
// broken line does not hide the problems of the others. The source returned is
// the text that was read in the end, with the places of the original.
func decode(s *source, out *diag.List) (root *yamlv3.Node, read *source, broken []stretch) {
	root, more, err := load(s.text)
	if err != nil {
		traps := findTraps(s)
		if len(traps.out) == 0 {
			generalSyntax(s, err, out)
			return nil, nil, nil
		}
		*out = append(*out, traps.out...)
		if len(traps.masks) == 0 {
			return nil, nil, nil
		}
		s, broken = s.masked(traps), traps.masks
		if root, more, err = load(s.text); err != nil {
			return nil, nil, nil
		}
	}
	if root == nil {
		if broken == nil {
			emptyFile(s, out)
		}
		return nil, nil, nil
	}
	if more {
		secondDocument(s, out)
	}
	return root, s, broken
}

// load decodes the first document of text and says whether another follows. The
// library panics on a few malformed inputs; that is an error like any other.
func load(text []byte) (root *yamlv3.Node, more bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			root, err = nil, fmt.Errorf("yaml: %v", p)
		}
	}()
	d := yamlv3.NewDecoder(bytes.NewReader(text))
	var doc yamlv3.Node
	if err := d.Decode(&doc); errors.Is(err, io.EOF) || err == nil && len(doc.Content) == 0 {
		return nil, false, nil
	} else if err != nil {
		return nil, false, err
	}
	var next yamlv3.Node
	more = !errors.Is(d.Decode(&next), io.EOF)
	return doc.Content[0], more, nil
}

// masked is s with the traps' values blanked out, so that each becomes a null,
// and their colons written.
func (s *source) masked(t *traps) *source {
	text := bytes.Clone(s.text)
	for _, m := range t.masks {
		for i := m.from; i < m.to; i++ {
			if text[i] != '\n' && text[i] != '\r' {
				text[i] = ' '
			}
		}
		if m.to-m.from > 1 && m.from > 0 && isBlank(text[m.from-1]) {
			text[m.from] = '~'
		}
	}
	for _, i := range t.colon {
		text[i] = ':'
		text[i+1] = ' '
	}
	masked := newSource(s.file, text)
	masked.shown = s
	return masked
}

func emptyFile(s *source, out *diag.List) {
	out.Add("empty-file", diag.Span{File: s.file}, "the file is empty").
		WithDetail("A flow has at least a name and one step.").
		WithHint("begin with:\nflow: hello\nsteps:\n  - id: clients\n    uses: chat2desk_list_clients")
}

var documentMark = regexp.MustCompile(`(?m)^(---|\.\.\.)([ \t].*)?\r?$`)

// secondDocument points at the line that ends the first document.
func secondDocument(s *source, out *diag.List) {
	at := diag.Span{File: s.file}
	begun := false
	for _, m := range documentMark.FindAllIndex(s.text, -1) {
		before := s.skipSpace(s.lines[0])
		if begun = begun || before < m[0]; begun {
			at = s.span(m[0], m[0]+3)
			break
		}
	}
	out.Add("second-document", at, "the file holds a second document").
		WithDetail("One file is one flow; a line of three dashes begins another document, which would be ignored.").
		WithHint("remove this line, or move what follows into a file of its own")
}

var (
	lineOf   = regexp.MustCompile(`line ([0-9]+)`)
	unknownA = regexp.MustCompile(`unknown anchor '([^']*)'`)
)

// generalSyntax reports a syntax error that is none of the known traps.
func generalSyntax(s *source, err error, out *diag.List) {
	if m := unknownA.FindStringSubmatch(err.Error()); m != nil {
		if i := bytes.Index(s.text, []byte("*"+m[1])); i >= 0 {
			unknownAlias(out, s.span(i, i+1+len(m[1])), m[1])
			return
		}
	}
	from := len(s.text)
	if at, ok := locate(s); ok {
		from = at
	} else if m := lineOf.FindStringSubmatch(err.Error()); m != nil {
		line, _ := strconv.Atoi(m[1])
		from = s.skipBlanks(s.offset(line, 1))
	}
	if from >= len(s.text) { // the last line with text is a better place than none
		from = len(bytes.TrimRight(s.text, " \t\r\n"))
		for from > s.lines[0] && breakAt(s.text, from-1) == 0 {
			from--
		}
		from = s.skipBlanks(from)
	}
	out.Add("yaml-syntax", s.span(from, s.lineEnd(from)), "this is not valid YAML").
		WithDetail("The file could be read up to here; this line does not fit the lines above it.").
		WithHint("look at the indentation, the colons, quotes and brackets of this line and of the one above it")
}

func unknownAlias(out *diag.List, at diag.Span, name string) {
	out.Add("unknown-alias", at, "a value begins with *").
		WithDetail("In YAML a leading * repeats a value that &%s named further up, and there is none.", name).
		WithHint("if it is meant as text, put the whole value in quotes")
}

// locate asks a second YAML library where the syntax error is; the first one
// gives a line only, and often not the right one.
func locate(s *source) (offset int, ok bool) {
	if !isModest(s) {
		return 0, false
	}
	defer func() {
		if recover() != nil {
			offset, ok = 0, false
		}
	}()
	_, err := parser.ParseBytes(s.text[s.lines[0]:], 0)
	var syntax *yaml.SyntaxError
	if !errors.As(err, &syntax) || syntax.Token == nil || syntax.Token.Position == nil {
		return 0, false
	}
	p := syntax.Token.Position
	return s.offset(p.Line, p.Column), true
}

// isModest reports whether a file is small and shallow enough for the second
// library, whose cost grows steeply with both.
func isModest(s *source) bool {
	const maxSize, maxLine, maxOpen = 128 << 10, 4 << 10, 256
	if len(s.text) > maxSize {
		return false
	}
	for i, begin := range s.lines {
		end := len(s.text)
		if i+1 < len(s.lines) {
			end = s.lines[i+1]
		}
		line := s.text[begin:end]
		if len(line) > maxLine || bytes.Count(line, []byte("- ")) > maxOpen || bytes.Count(line, []byte("? ")) > maxOpen ||
			bytes.Count(line, []byte("[")) > maxOpen || bytes.Count(line, []byte("{")) > maxOpen {
			return false
		}
	}
	return true
}

package flow

import (
	"sort"

	"gopkg.in/yaml.v3"
)

// written is a value as it stands in a file. Where a Node says what is meant,
// with aliases resolved, this is what somebody typed, with the comments around.
type written struct {
	kind     NodeKind
	from, to int // in the source, without the anchor before it

	anchor string // the name after &
	alias  string // the name after *, and nothing else is set

	style  Style
	text   string // of a scalar
	folded bool   // of a block scalar: > instead of |
	keep   bool   // of a block scalar: its trailing blank lines count
	keepTo int    // where those end

	brackets bool // a list or map in flow style
	entries  []*line
	foot     []remark // comments of their own after the last entry
	spread   bool     // brackets that cannot stay, since comments stand in them
}

// line is one entry of a map or one item of a list.
type line struct {
	key   *written // nil for an item
	value *written
	from  int // where it begins; for an item in a block, the dash

	blank bool // a blank line stands before it
	head  []remark
	tail  *remark // a comment behind the value, or behind the colon of a block
}

// remark is a comment.
type remark struct {
	text  string // from # to the end of its line
	at    int
	own   bool // nothing but blanks stands before it on its line
	col   int  // characters before it on its line
	blank bool // a blank line stands before it
}

// isBlock reports whether a value has entries, each on a line of its own.
func (w *written) isBlock() bool { return w.kind != Scalar && !w.brackets && len(w.entries) > 0 }

// script reads a file as it is written.
type script struct {
	src        *source
	properties builder    // finds what stands before a value
	leaves     []*written // the texts and aliases, in the order of the file
	anchored   bool
}

// read makes the written form of y. The file is known to be free of errors.
func (s *script) read(y *yaml.Node) *written {
	at := s.src.offset(y.Line, y.Column)
	if y.Kind == yaml.AliasNode {
		s.anchored = true
		w := &written{alias: y.Value, from: at, to: at + 1 + len(y.Value)}
		s.leaves = append(s.leaves, w)
		return w
	}
	w := &written{anchor: y.Anchor}
	if y.Anchor != "" {
		s.anchored = true
		at, _, _ = s.properties.properties(at, y)
	}
	w.from, w.to = at, at+1
	w.brackets = y.Style&yaml.FlowStyle != 0
	switch y.Kind {
	case yaml.MappingNode:
		w.kind = Map
		for i := 0; i+1 < len(y.Content); i += 2 {
			l := &line{key: s.read(y.Content[i])}
			l.from = l.key.from
			if l.key.anchor != "" {
				l.from = s.src.offset(y.Content[i].Line, y.Content[i].Column)
			}
			l.value = s.read(y.Content[i+1])
			s.add(w, l)
		}
	case yaml.SequenceNode:
		w.kind = List
		for _, c := range y.Content {
			l := &line{}
			end := w.to
			if len(w.entries) == 0 {
				end = w.from
			}
			l.value = s.read(c)
			l.from = l.value.from
			if !w.brackets {
				l.from = s.src.skipSpace(end)
			}
			s.add(w, l)
		}
	default:
		s.scalar(w, y)
		return w
	}
	if w.brackets {
		s.close(w)
	}
	return w
}

func (s *script) add(w *written, l *line) {
	begin := s.lineBegin(l.from)
	l.blank = s.src.skipBlanks(begin) == l.from && s.blankAbove(begin)
	w.to = max(w.to, l.value.to)
	if l.key != nil {
		w.to = max(w.to, l.key.to)
	}
	w.entries = append(w.entries, l)
}

// close finds the bracket that ends a list or map in flow style.
func (s *script) close(w *written) {
	for w.to = s.src.skipSpace(w.to); w.to < len(s.src.text); w.to = s.src.skipSpace(w.to + 1) {
		if c := s.src.text[w.to]; c == ']' || c == '}' {
			w.to++
			return
		}
	}
}

func (s *script) scalar(w *written, y *yaml.Node) {
	w.kind, w.text = Scalar, y.Value
	t := tracer{src: s.src}
	switch {
	case y.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		w.style = Quoted
		w.to, _, _ = t.quoted(w.from)
	case y.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		w.style = Block
		w.to = t.block(w.from, y.Value)
		w.folded = y.Style&yaml.FoldedStyle != 0
		for i := w.from; i < len(s.src.text) && !isSpaceAt(s.src.text, i); i++ {
			w.keep = w.keep || s.src.text[i] == '+'
		}
		w.keepTo = w.to
		for next := w.to; w.keep && s.src.skipBlanks(next) < len(s.src.text); {
			next = s.src.skipBlanks(next)
			n := breakAt(s.src.text, next)
			if n == 0 {
				break
			}
			next += n
			w.keepTo = next
		}
	default:
		w.to = t.plain(w.from, y.Value)
	}
	if w.to > w.from {
		s.leaves = append(s.leaves, w)
	}
}

// lineOf is the number of an offset's line, from 0, as YAML counts them.
func (s *script) lineOf(offset int) int {
	return max(sort.SearchInts(s.src.yamlLines, offset+1)-1, 0)
}

// lineBegin is where the line of an offset begins.
func (s *script) lineBegin(offset int) int { return s.src.yamlLines[s.lineOf(offset)] }

// blankAbove reports whether the line before the one of an offset is blank, and
// is not part of a text.
func (s *script) blankAbove(offset int) bool {
	n := s.lineOf(offset)
	if n == 0 {
		return false
	}
	above := s.src.yamlLines[n-1]
	if breakAt(s.src.text, s.src.skipBlanks(above)) == 0 {
		return false
	}
	after := sort.Search(len(s.leaves), func(i int) bool { return s.leaves[i].from >= above })
	return after == 0 || !s.leaves[after-1].keep || above >= s.leaves[after-1].keepTo
}

package flow

import (
	"regexp"
	"sort"
	"strconv"

	"github.com/flowrunner/flowrunner/engine/diag"
)

// NodeKind is what a Node holds.
type NodeKind uint8

// The kinds of Node.
const (
	Scalar NodeKind = iota
	Map
	List
)

// Style is how a scalar was written.
type Style uint8

// The styles.
const (
	Plain Style = iota
	Quoted
	Block // | or >
)

// Node is one YAML value with its place. Aliases and merge keys are resolved.
type Node struct {
	Kind  NodeKind
	Span  diag.Span
	Style Style // of a scalar

	Text    string  // of a scalar: the decoded text
	Null    bool    // of a scalar: ~, null or nothing
	Entries []Entry // of a map, in written order
	Items   []*Node // of a list

	// Broken says that what stands here could not be read, which Parse has
	// already reported: expect nothing of it.
	Broken bool

	src   *source
	marks []mark // where stretches of Text stand in the file
}

// Entry is one key of a map.
type Entry struct {
	Key   *Node // always a scalar
	Value *Node
}

// At is the place of Text[from:to], both byte offsets of the decoded text. It is
// exact inside plain, quoted and block scalars alike; in an escape sequence it
// is the place of the whole sequence. Of a node without text, or one that was
// not read from a file, it is the Span.
func (n *Node) At(from, to int) diag.Span {
	if len(n.marks) == 0 {
		return n.Span
	}
	from = max(0, min(from, len(n.Text)))
	to = max(from, min(to, len(n.Text)))
	begin, beginEnd := n.place(from)
	if from == to {
		if from == len(n.Text) {
			_, begin = n.place(from - 1)
		}
		return n.src.span(begin, begin)
	}
	end := beginEnd
	if to-1 > from {
		_, end = n.place(to - 1)
	}
	return n.src.span(begin, end)
}

// place is where the byte Text[i] stands in the source.
func (n *Node) place(i int) (from, to int) {
	k := sort.Search(len(n.marks), func(k int) bool { return n.marks[k].text > i }) - 1
	m, next := n.marks[k], len(n.Text)
	if k+1 < len(n.marks) {
		next = n.marks[k+1].text
	}
	if m.to-m.from != next-m.text {
		return m.from, m.to
	}
	return m.from + i - m.text, m.from + i - m.text + 1
}

// Get finds the value of a key of a map, nil when there is none.
func (n *Node) Get(key string) *Node {
	if n == nil {
		return nil
	}
	for _, e := range n.Entries {
		if e.Key.Text == key {
			return e.Value
		}
	}
	return nil
}

var number = regexp.MustCompile(`^[-+]?[0-9]+(\.[0-9]+)?$`)

// maxShown is how many characters of a text a message repeats.
const maxShown = 40

// String says what n is, for "found …" in a message: a list, a map, nothing,
// the number 17, text "abc".
func (n *Node) String() string {
	switch {
	case n == nil || n.Kind == Scalar && n.Null:
		return "nothing"
	case n.Kind == Map:
		return "a map"
	case n.Kind == List:
		return "a list"
	case n.Style == Plain && len(n.Text) <= maxShown && number.MatchString(n.Text):
		return "the number " + n.Text
	}
	text := []rune(n.Text)
	if len(text) > maxShown {
		text = append(text[:maxShown-1], '…')
	}
	return "text " + strconv.Quote(string(text))
}

// Data is the node as plain data: maps, lists, nil for nothing, and for each
// other scalar what of makes of it; a nil of keeps its text.
func (n *Node) Data(of func(*Node) any) any {
	switch {
	case n == nil || n.Kind == Scalar && n.Null:
		return nil
	case n.Kind == Map:
		m := make(map[string]any, len(n.Entries))
		for _, e := range n.Entries {
			m[e.Key.Text] = e.Value.Data(of)
		}
		return m
	case n.Kind == List:
		list := make([]any, len(n.Items))
		for i, item := range n.Items {
			list[i] = item.Data(of)
		}
		return list
	case of == nil:
		return n.Text
	}
	return of(n)
}

package flow

import "github.com/flowrunner/flowrunner/engine/diag"

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

	marks []mark // where stretches of Text stand in the file
}

// Entry is one key of a map.
type Entry struct {
	Key   *Node // always a scalar
	Value *Node
}

// mark says that Text[text:] stands at pos, until the next mark.
type mark struct {
	text int
	pos  diag.Pos
}

// At is the place of Text[from:to], both byte offsets of the decoded text. It is
// exact inside plain, quoted and block scalars alike; in an escape sequence it
// is the place of the whole sequence.
func (n *Node) At(from, to int) diag.Span {
	panic("to be written")
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

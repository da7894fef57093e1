package flow

// TextNode is a scalar that is a whole text, such as an expression typed in a
// terminal, with the place of each of its characters. name stands where a
// file's name would.
func TextNode(name, text string) *Node {
	s := newSource(name, []byte(text))
	n := &Node{Kind: Scalar, Style: Plain, Text: text, Span: s.span(0, len(text)), src: s}
	if text != "" {
		n.marks = []mark{{0, 0, len(text)}}
	}
	return n
}

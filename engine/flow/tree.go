package flow

import (
	"bytes"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/flowrunner/flowrunner/engine/diag"
)

// The limits of a file. They are far above any flow that a person writes and
// keep a hostile one from costing more than a moment.
const (
	maxBytes   = 1 << 20
	maxDepth   = 64
	maxSteps   = 1000
	maxAliased = 20_000 // values that come in by aliases and merges
)

// builder makes Nodes of what the YAML library read.
type builder struct {
	src     *source
	out     *diag.List
	broken  []stretch              // what was blanked out to read the rest
	anchors map[*yaml.Node]*anchor // by the node that they name
	order   []*anchor
	aliased int
	limited bool // a limit was reported; once is enough
}

// stretch is source[from:to].
type stretch struct{ from, to int }

// anchor is a value with a name, &name, that aliases repeat.
type anchor struct {
	name stretch
	tree *tree // nil until the value is complete
	used bool
}

// tree is a Node with what the limits need to know of it.
type tree struct {
	node   *Node
	end    int // where it ends in the source
	size   int // nodes in it, aliases counted out
	height int
}

func (b *builder) limit(at diag.Span, code, summary, hint string) {
	if !b.limited {
		b.limited = true
		b.out.Add(code, at, "%s", summary).WithHint("%s", hint)
	}
}

// build makes the tree of y, which stands depth levels deep.
func (b *builder) build(y *yaml.Node, depth int) *tree {
	if y.Kind == yaml.AliasNode {
		return b.alias(y, depth)
	}
	at := b.src.offset(y.Line, y.Column)
	at, name, tagged := b.properties(at, y)
	if depth > maxDepth {
		return b.tooDeep(at)
	}
	var a *anchor
	if y.Anchor != "" {
		a = &anchor{name: name}
		b.anchors[y] = a
		b.order = append(b.order, a)
	}
	var t *tree
	switch y.Kind {
	case yaml.MappingNode:
		t = b.mapping(y, at, depth)
	case yaml.SequenceNode:
		t = b.sequence(y, at, depth)
	default:
		t = b.scalar(y, at)
	}
	t.node.Broken = t.node.Broken || tagged
	if a != nil {
		a.tree = t
	}
	return t
}

func (b *builder) tooDeep(at int) *tree {
	span := b.src.span(at, at)
	b.limit(span, "too-deep", "the file is nested too deeply", "flatten it: at most 64 levels are read")
	return &tree{node: &Node{Span: span, Null: true, Broken: true}, end: at, size: 1}
}

// properties moves over an anchor and a tag before a value, refuses the tag, and
// returns where the value begins and the anchor stands. What was tagged is broken:
// the tag may well have been meant as text.
func (b *builder) properties(at int, y *yaml.Node) (value int, name stretch, tagged bool) {
	text := b.src.text
	for range 2 { // one of each at most
		if at >= len(text) || text[at] != '&' && text[at] != '!' {
			break
		}
		end := at
		for end < len(text) && !isSpaceAt(text, end) && (end == at || text[at] == '!' || !bytes.ContainsRune([]byte(",[]{}"), rune(text[end]))) {
			end++
		}
		if text[at] == '&' {
			name = stretch{at, end}
		} else {
			b.tag(at, end, y)
			tagged = true
		}
		at = end
		if y.Kind == yaml.ScalarNode && y.Value == "" && y.Style&^yaml.TaggedStyle == 0 {
			if next := b.src.skipBlanks(at); next >= len(text) || text[next] != '&' && text[next] != '!' {
				break // nothing follows; do not run into the next line
			}
		}
		at = b.src.skipSpace(at)
	}
	return at, name, tagged
}

func (b *builder) tag(from, to int, y *yaml.Node) {
	end := to
	for end < from+2*maxQuoted && end < len(b.src.text) && breakAt(b.src.text, end) == 0 {
		end++ // a longer rest is not repeated in the hint
	}
	rest := string(bytes.TrimSpace(beforeComment(b.src.text[from+1 : end])))
	d := b.out.Add("yaml-tag", b.src.span(from, to), "a value begins with !").
		WithDetail("In YAML a leading ! names a type, so the text after it would be lost. Types are declared, never tagged.")
	switch {
	case y.Kind == yaml.ScalarNode && rest != "" && to-from > 1 && b.src.text[from+1] != '!':
		d.WithHint("%s", notHint(rest))
	default:
		d.WithHint("remove the tag, or put the whole value in quotes")
	}
}

// alias is the value that *name repeats: the very same Node, not a copy.
func (b *builder) alias(y *yaml.Node, depth int) *tree {
	at := b.src.offset(y.Line, y.Column)
	end := at + 1 + len(y.Value)
	nothing := func() *tree {
		return &tree{node: &Node{Span: b.src.span(at, end), Null: true, Broken: true}, end: end, size: 1}
	}
	a := b.anchors[y.Alias]
	switch {
	case a == nil: // its own anchor was too deep
		return nothing()
	case a.tree == nil:
		a.used = true
		b.out.Add("alias-cycle", b.src.span(at, end), "the alias *%s stands inside its own value", y.Value).
			WithDetail("A value cannot contain itself.").
			WithHint("write the value out here")
		return nothing()
	}
	a.used = true
	if depth+a.tree.height > maxDepth {
		return b.tooDeep(at)
	}
	if b.aliased += a.tree.size; b.aliased > maxAliased {
		b.limit(b.src.span(at, end), "too-many-aliases", "aliases repeat too much",
			"write fewer aliases: together they may stand for at most 20,000 values")
		return nothing()
	}
	return &tree{node: a.tree.node, end: end, size: a.tree.size, height: a.tree.height}
}

func (b *builder) scalar(y *yaml.Node, at int) *tree {
	n := &Node{Text: y.Value, src: b.src}
	t := tracer{src: b.src}
	var end int
	switch {
	case y.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		n.Style = Quoted
		end, _, _ = t.quoted(at)
	case y.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		n.Style = Block
		end = t.block(at, y.Value)
	default:
		end = t.plain(at, y.Value)
		n.Null = isNull(y.Value)
		n.Broken = b.isBrokenBelow(at, end)
	}
	if string(t.text) == y.Value {
		n.marks = t.marks
	}
	n.Span = b.src.span(at, end)
	n.Broken = n.Broken || b.isBroken(at)
	return &tree{node: n, end: end, size: 1}
}

func isNull(text string) bool {
	switch text {
	case "", "~", "null", "Null", "NULL":
		return true
	}
	return false
}

// isBroken reports whether a value at this place was blanked out.
func (b *builder) isBroken(at int) bool {
	for _, s := range b.broken {
		if s.from <= at && at <= s.from+1 {
			return true
		}
	}
	return false
}

// isBrokenBelow reports whether a later line of a plain value was blanked out.
func (b *builder) isBrokenBelow(at, end int) bool {
	return slices.ContainsFunc(b.broken, func(s stretch) bool { return at < s.from && s.from < end })
}

func (b *builder) sequence(y *yaml.Node, at, depth int) *tree {
	t := &tree{node: &Node{Kind: List, src: b.src}, end: at + 1, size: 1}
	for _, c := range y.Content {
		b.grow(t, b.build(c, depth+1), func(n *Node) { t.node.Items = append(t.node.Items, n) })
	}
	b.finish(t, y, at)
	return t
}

// grow counts child into t and passes its node on.
func (b *builder) grow(t, child *tree, add func(*Node)) {
	t.end = max(t.end, child.end)
	t.size += child.size
	t.height = max(t.height, child.height+1)
	add(child.node)
}

// finish places a map or list, with the closing bracket of one in flow style.
func (b *builder) finish(t *tree, y *yaml.Node, at int) {
	if y.Style&yaml.FlowStyle != 0 {
		for t.end = b.src.skipSpace(t.end); t.end < len(b.src.text); t.end = b.src.skipSpace(t.end + 1) {
			if c := b.src.text[t.end]; c == ']' || c == '}' {
				t.end++
				break
			}
		}
	}
	t.node.Span = b.src.span(at, t.end)
}

func (b *builder) mapping(y *yaml.Node, at, depth int) *tree {
	t := &tree{node: &Node{Kind: Map, src: b.src}, end: at + 1, size: 1}
	seen := make(map[string]*Node, len(y.Content)/2)
	var merges []*Node
	for i := 0; i+1 < len(y.Content); i += 2 {
		var key, value *Node
		b.grow(t, b.build(y.Content[i], depth+1), func(n *Node) { key = n })
		b.grow(t, b.build(y.Content[i+1], depth+1), func(n *Node) { value = n })
		if y.Content[i].Tag == "!!merge" {
			merges = append(merges, value)
			continue
		}
		if !b.isKey(key) {
			continue
		}
		if y.Style&yaml.FlowStyle != 0 && value.Null && value.Text == "" && !b.hasColon(key) {
			b.commaInText(key)
			value.Broken = true
		}
		if first, ok := seen[key.Text]; ok {
			b.out.Add("duplicate-key", key.Span, "the key %q is written twice", short(key.Text)).
				WithDetail("It stands already at line %d, column %d. Only one of them could count.", first.Span.Start.Line, first.Span.Start.Col).
				WithHint("keep one of the two, or rename this one")
			continue
		}
		seen[key.Text] = key
		t.node.Entries = append(t.node.Entries, Entry{Key: key, Value: value})
	}
	for _, m := range merges {
		b.merge(t.node, m, seen)
	}
	b.finish(t, y, at)
	return t
}

func (b *builder) isKey(key *Node) bool {
	switch {
	case key.Broken:
		return false
	case key.Kind != Scalar:
		b.out.Add("wrong-shape", key.Span, "%s stands where a key belongs", key).
			WithDetail("A key is a name, followed by a colon.").
			WithHint("if this is a value, put it in quotes or after its key")
		return false
	case key.Text == "":
		b.out.Add("empty-key", key.Span, "a key is empty").
			WithDetail("There is a colon with no name before it.").
			WithHint("write a name before the colon, or put the whole value in quotes")
		return false
	}
	if r, size := utf8.DecodeRuneInString(key.Text); key.Style == Plain && r != ' ' && unicode.IsSpace(r) {
		from := key.Span.Start.Offset
		b.out.Add("bad-character", b.src.span(from, from+size), "a space that is none indents this line").
			WithDetail("U+%04X looks like a space, but YAML takes it for a letter; it comes along when text is copied from a page.", r).
			WithHint("replace it and those beside it by spaces")
		return false
	}
	return true
}

// hasColon reports whether a colon follows a key between braces.
func (b *builder) hasColon(key *Node) bool {
	at := b.src.skipSpace(key.Span.End.Offset)
	return at < len(b.src.text) && b.src.text[at] == ':'
}

func (b *builder) commaInText(key *Node) {
	b.out.Add("comma-in-text", key.Span, "%q has no value", short(key.Text)).
		WithDetail("Between { } a comma ends a value, and what follows is the next key. Here that key has no colon.").
		WithHint("if this goes on with the text before it, put the whole text in quotes; if it is a key, write a colon and a value")
}

// merge adds to n the entries of <<: that n does not have itself.
func (b *builder) merge(n, from *Node, seen map[string]*Node) {
	switch {
	case from.Broken:
	case from.Kind == Map:
		for _, e := range from.Entries {
			if seen[e.Key.Text] == nil {
				seen[e.Key.Text] = e.Key
				n.Entries = append(n.Entries, e)
			}
		}
	case from.Kind == List:
		for _, item := range from.Items {
			if item.Kind == List {
				b.badMerge(item)
				continue
			}
			b.merge(n, item, seen)
		}
	default:
		b.badMerge(from)
	}
}

func (b *builder) badMerge(n *Node) {
	b.out.Add("wrong-shape", n.Span, "<< takes a map").
		WithDetail("<< merges the keys of another map into this one; here stands %s.", n).
		WithHint("write <<: *name, where &name marks a map further up")
}

// unusedAnchors reports texts such as "&Co is open", of which YAML would make
// the anchor &Co and lose it.
func (b *builder) unusedAnchors() {
	for _, a := range b.order {
		if !a.used {
			b.out.Add("unused-anchor", b.src.span(a.name.from, a.name.to), "a value begins with &, and nothing repeats it").
				WithDetail("In YAML a leading & names a value so that * can repeat it, and the name itself is lost.").
				WithHint("if it is meant as text, put the whole value in quotes; if not, remove the &name")
		}
	}
}

// quote writes a text as a YAML value that means exactly it.
func quote(text string) string {
	if !strings.ContainsAny(text, `"\`) {
		return `"` + text + `"`
	}
	return "'" + strings.ReplaceAll(text, "'", "''") + "'"
}

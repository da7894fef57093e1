package flow

import (
	"bytes"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/flowrunner/flowrunner/engine/diag"
)

// Format writes a flow in its one canonical form: keys in the order of the
// language, two spaces a level, quotes only where they are needed. Comments,
// single blank lines, block texts and short lists and maps in brackets stay as
// they are written; a longer one gets a line for each value. The marks --- and
// ... of a document go.
//
// The flow means the same before and after, and formatting twice is formatting
// once. A file with errors of form is not formatted: the List says why. A file
// that uses &anchors keeps the order of its keys, since what a * repeats must
// stand above it.
func Format(file string, source []byte) ([]byte, diag.List) {
	_, problems := Parse(file, source)
	return format(file, source, problems, flowPlace, func(text []byte) diag.List {
		_, problems := Parse(file, text)
		return problems
	})
}

// FormatNode formats any YAML file, such as a project file or a test, as
// ParseNode reads it: the same form, but the order of the keys is the author's.
func FormatNode(file string, source []byte) ([]byte, diag.List) {
	_, problems := ParseNode(file, source)
	return format(file, source, problems, plainPlace, func(text []byte) diag.List {
		_, problems := ParseNode(file, text)
		return problems
	})
}

func format(file string, source []byte, problems diag.List, at *place, check func([]byte) diag.List) ([]byte, diag.List) {
	if problems.HasErrors() {
		return nil, problems
	}
	formatted, ok := reformat(file, source, at)
	if !ok || check(formatted).HasErrors() || !means(file, source, formatted) {
		problems.Add("not-formattable", diag.Span{File: file}, "this file cannot be formatted without a risk to its meaning").
			WithDetail("It is left as it is. Nothing is wrong with it; the formatter does not follow one of its unusual spellings.").
			WithHint("write keys and values in simpler YAML, and please report the file")
		return nil, problems
	}
	return formatted, problems
}

// reformat writes the file anew, without a proof that it still means the same.
func reformat(file string, source []byte, at *place) (formatted []byte, ok bool) {
	src := newSource(file, source)
	y, _, err := load(source)
	if err != nil || y == nil {
		return nil, false
	}
	s := script{src: src, properties: builder{src: src, out: &diag.List{}}}
	root := s.read(y)
	if len(root.entries) == 0 {
		return nil, false
	}
	s.place(root)
	p := printer{src: src}
	p.head(root.entries[0].head, 0) // what stands at the top of a file speaks of the file
	root.entries[0].head = nil
	root.spread = true
	if !s.anchored {
		order(root, at, true)
	}
	p.lay(root, at, 0, true)
	p.entries(root, at, 0, false)
	text := p.out.Bytes()
	if crlf := bytes.IndexByte(source, '\n'); crlf > 0 && source[crlf-1] == '\r' {
		text = bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n"))
	}
	return append(bytes.Clone(source[:src.lines[0]]), text...), true
}

// means reports whether two files are one flow with the same comments.
func means(file string, before, after []byte) bool {
	a, problems := ParseNode(file, before)
	if problems.HasErrors() {
		return false
	}
	b, problems := ParseNode(file, after)
	if problems.HasErrors() {
		return false
	}
	return alike(a, b, map[*Node]*Node{}) && slices.Equal(comments(before), comments(after))
}

// alike compares what two values mean: all but their places, the spelling of
// texts and the order of keys. seen spares repeated values.
func alike(a, b *Node, seen map[*Node]*Node) bool {
	if a.Kind != b.Kind || a.Null != b.Null || a.Text != b.Text || len(a.Items) != len(b.Items) || len(a.Entries) != len(b.Entries) {
		return false
	}
	if a.Kind == Scalar {
		return (a.Style == Plain) == (b.Style == Plain) || !isSpecialWord(a.Text)
	}
	if seen[a] == b {
		return true
	}
	seen[a] = b
	for i, item := range a.Items {
		if !alike(item, b.Items[i], seen) {
			return false
		}
	}
	others := make(map[string]*Node, len(b.Entries))
	for _, e := range b.Entries {
		others[e.Key.Text] = e.Value
	}
	for _, e := range a.Entries {
		if other := others[e.Key.Text]; other == nil || !alike(e.Value, other, seen) {
			return false
		}
	}
	return true
}

// comments lists the comments of a file, sorted.
func comments(source []byte) []string {
	src := newSource("", source)
	y, _, err := load(source)
	if err != nil || y == nil {
		return nil
	}
	s := script{src: src, properties: builder{src: src, out: &diag.List{}, anchors: map[*yaml.Node]*anchor{}}}
	s.read(y)
	var texts []string
	for _, r := range s.remarks() {
		texts = append(texts, r.text)
	}
	slices.Sort(texts)
	return texts
}

// isSpecialWord reports whether a text without quotes could be anything but a
// text: to this language, or to another reader of YAML.
func isSpecialWord(text string) bool {
	if text == "" || strings.IndexByte("0123456789+-.~=<", text[0]) >= 0 && !isDotted(text) {
		return true
	}
	switch strings.ToLower(text) {
	case "y", "n", "yes", "no", "on", "off", "true", "false", "null", ".inf", ".nan":
		return true
	}
	return false
}

// isDotted reports whether a text begins with a dot and a letter, as .field does.
func isDotted(text string) bool {
	return len(text) > 1 && text[0] == '.' && (text[1]|0x20 >= 'a' && text[1]|0x20 <= 'z' || text[1] == '_') &&
		!strings.EqualFold(text, ".inf") && !strings.EqualFold(text, ".nan")
}

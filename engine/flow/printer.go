package flow

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// indentStep is how much deeper a value stands than its key.
const indentStep = 2

// printer writes a file anew.
type printer struct {
	src   *source
	out   bytes.Buffer
	begun int  // where the line being written begins
	kept  bool // what was written last takes blank lines for its own
}

func (p *printer) newline() {
	p.out.WriteByte('\n')
	p.begun = p.out.Len()
}

func (p *printer) indent(n int) { p.out.WriteString(strings.Repeat(" ", n)) }

// blank writes a blank line, except at the beginning.
func (p *printer) blank(wanted bool) {
	if wanted && p.out.Len() > 0 && !p.kept {
		p.newline()
	}
	p.kept = false
}

// head writes comments, each on a line of its own.
func (p *printer) head(list []remark, indent int) {
	for _, r := range list {
		p.blank(r.blank)
		p.indent(indent)
		p.out.WriteString(r.text)
		p.newline()
	}
}

// entries writes a list or map, a line for each entry. With inline the first one
// goes on with the line being written.
func (p *printer) entries(w *written, at *place, indent int, inline bool) {
	for i, l := range w.entries {
		if i > 0 || !inline {
			p.head(l.head, indent)
			p.blank(l.blank)
			p.indent(indent)
		}
		p.entry(l, at.of(l), indent)
	}
	p.head(w.foot, indent)
}

func (p *printer) entry(l *line, at *place, indent int) {
	if l.key == nil {
		p.out.WriteByte('-')
	} else {
		p.out.WriteString(p.keyText(l.key))
	}
	v := l.value
	if v.anchor != "" {
		p.out.WriteString(" &" + v.anchor)
	}
	var rest []string // of a text of several lines
	block := false
	switch {
	case v.alias != "":
		p.out.WriteString(" *" + v.alias)
	case v.isSpread():
		if l.key == nil && v.anchor == "" {
			p.out.WriteByte(' ')
			p.entries(v, at, indent+indentStep, true)
			return
		}
		p.tail(l)
		p.newline()
		p.entries(v, at, indent+indentStep, false)
		return
	case v.kind != Scalar:
		text, _ := p.inline(v, at)
		p.out.WriteString(" " + text)
	case v.from == v.to: // nothing is written
	default:
		lines := p.scalar(v, at, l.tail != nil)
		p.out.WriteString(" " + lines[0])
		rest, block = lines[1:], v.style == Block
	}
	if block {
		p.tail(l)
	}
	for _, line := range rest {
		p.newline()
		if line != "" {
			p.indent(indent + indentStep)
			p.out.WriteString(line)
		}
	}
	if !block {
		p.tail(l)
	}
	p.newline()
	p.kept = block && v.keep
}

// tail writes the comment behind a line, in the column where it was if the line
// leaves room.
func (p *printer) tail(l *line) {
	if l.tail == nil {
		return
	}
	col := utf8.RuneCount(p.out.Bytes()[p.begun:])
	p.indent(max(1, l.tail.col-col))
	p.out.WriteString(l.tail.text)
}

// keyText writes a key with its colon.
func (p *printer) keyText(k *written) string {
	text := ""
	if k.anchor != "" {
		text = "&" + k.anchor + " "
	}
	if k.alias != "" {
		return text + "*" + k.alias + " :"
	}
	raw := string(p.src.text[k.from:k.to])
	switch {
	case k.style == Quoted && plainName.MatchString(k.text) && !isSpecialWord(k.text):
		return text + k.text + ":"
	case k.style == Block || strings.ContainsAny(raw, "\r\n\u0085\u2028\u2029"):
		return text + escaped(k.text) + ":"
	}
	return text + raw + ":"
}

package flow

import (
	"strings"
	"unicode/utf8"
)

// maxFlowLine is how long a line may be, in characters, for a list or map on it
// to stay in brackets.
const maxFlowLine = 100

// isSpread reports whether each entry of a value gets a line of its own.
func (w *written) isSpread() bool {
	return w.kind != Scalar && w.alias == "" && len(w.entries) > 0 && (!w.brackets || w.spread)
}

// lay decides for everything below w which brackets go, and moves the comments
// to where the new lines leave room for them. indent is that of w's entries.
func (p *printer) lay(w *written, at *place, indent int, root bool) {
	if !root {
		*w.entries[0].above() = false // no blank line below a colon
	}
	for _, l := range w.entries {
		q, v := at.of(l), l.value
		if v.brackets && len(v.entries) > 0 && !v.spread {
			text, fits := p.inline(v, q)
			before := indent + len("- ")
			if l.key != nil {
				before = indent + utf8.RuneCountInString(p.keyText(l.key)+" ")
			}
			v.spread = q.block || !fits || before+utf8.RuneCountInString(text) > maxFlowLine
		}
		if !v.isSpread() {
			continue
		}
		p.lay(v, q, indent+indentStep, false)
		if l.key == nil {
			p.lift(l)
		}
	}
}

// lift moves the comments above an item that begin on its own line: behind the
// dash is no room for them.
func (p *printer) lift(l *line) {
	add := func(list []remark) {
		list[0].blank = l.blank
		l.head = append(l.head, list...)
		l.blank = false
	}
	if l.tail != nil {
		add([]remark{{text: l.tail.text}})
		l.tail = nil
	}
	first := l.value.entries[0]
	if l.value.anchor != "" || len(first.head) == 0 {
		return
	}
	add(first.head)
	l.blank, first.head = first.blank, nil
}

// inline writes a value on one line, as between brackets. It fails for texts of
// several lines and where comments stand between.
func (p *printer) inline(v *written, at *place) (text string, ok bool) {
	prefix := ""
	if v.anchor != "" {
		prefix = "&" + v.anchor
	}
	switch {
	case v.alias != "":
		return "*" + v.alias, true
	case v.kind == Scalar && v.from == v.to:
		return prefix, true
	case v.kind == Scalar:
		if prefix != "" {
			prefix += " "
		}
		text, ok = p.inFlow(v, at)
		return prefix + text, ok
	case v.spread || !v.brackets && len(v.entries) > 0:
		return "", false
	}
	var parts []string
	for _, l := range v.entries {
		part, fits := p.inline(l.value, at.of(l))
		if !fits {
			return "", false
		}
		if l.value.anchor != "" && l.value.kind != Scalar {
			part = "&" + l.value.anchor + " " + part
		}
		if l.key != nil {
			part = p.keyText(l.key) + " " + part
		}
		parts = append(parts, part)
	}
	inner := strings.TrimRight(strings.Join(parts, ", "), " ")
	switch {
	case v.kind == List:
		return "[" + inner + "]", true
	case inner == "":
		return "{}", true
	case strings.HasSuffix(inner, ","):
		return "", false
	}
	return "{ " + inner + " }", true
}

package flow

import (
	"bytes"
	"slices"
)

// remarks lists the comments of a file that was read: whatever begins with #
// where no value stands.
func (s *script) remarks() []remark {
	text, leaves := s.src.text, s.leaves
	var out []remark
	for i := s.src.lines[0]; i < len(text); {
		if len(leaves) > 0 && i == leaves[0].from {
			l := leaves[0]
			leaves = leaves[1:]
			if l.style == Block {
				head := s.src.lineEnd(i)
				if n := bytes.IndexByte(text[i:head], '#'); n >= 0 {
					out = append(out, s.remark(i+n))
				}
			}
			i = max(l.to, i+1)
			continue
		}
		switch {
		case text[i] == '#':
			r := s.remark(i)
			out = append(out, r)
			i += len(r.text)
			i = s.src.lineEnd(i)
		case text[i] == '%' && i == s.lineBegin(i): // a directive
			i = s.src.lineEnd(i)
		default:
			i++
		}
	}
	return out
}

func (s *script) remark(at int) remark {
	begin := s.lineBegin(at)
	return remark{
		text:  string(bytes.TrimRight(s.src.text[at:s.src.lineEnd(at)], " \t")),
		at:    at,
		own:   s.src.skipBlanks(begin) == at,
		col:   s.src.runesBefore(at) - s.src.runesBefore(begin),
		blank: s.blankAbove(begin),
	}
}

// place gives each comment of the file to what it speaks of. The root has entries.
func (s *script) place(root *written) {
	all := s.remarks()
	after := len(all)
	if root.brackets {
		for after = 0; after < len(all) && all[after].at < root.to; {
			after++
		}
	}
	s.inside(root, all[:after])
	root.foot = append(root.foot, all[after:]...)
}

// inside shares out the comments that belong to a list or map with entries. A
// comment of its own goes with the entry below it, unless its indentation says
// that it ends a value above.
func (s *script) inside(w *written, all []remark) {
	col := w.entries[0].from - s.lineBegin(w.entries[0].from)
	own := make([][]remark, len(w.entries)) // by the entry that holds them
	next := 0                               // the entry below
	taken := false                          // comments since the last entry are for the one below
	for _, r := range all {
		for next < len(w.entries) && w.entries[next].from < r.at {
			next, taken = next+1, false
		}
		if next == 0 {
			w.entries[0].head = append(w.entries[0].head, r)
			continue
		}
		above := w.entries[next-1]
		switch {
		case !taken && (!r.own || r.at < above.value.to || above.value.isBlock() && !w.brackets && r.col > col):
			own[next-1] = append(own[next-1], r)
		case next < len(w.entries):
			taken = true
			w.entries[next].head = append(w.entries[next].head, r)
		default:
			taken = true
			w.foot = append(w.foot, r)
		}
	}
	for i, l := range w.entries {
		s.within(l, own[i])
	}
}

// within shares out the comments that stand in one entry, from its begin on.
func (s *script) within(l *line, all []remark) {
	v := l.value
	if len(v.entries) == 0 {
		for _, r := range all {
			l.remark(r, r.at >= v.from)
		}
		return
	}
	var inner []remark
	first := v.entries[0].from
	for _, r := range all {
		switch {
		case v.brackets && r.at >= v.to:
			l.remark(r, true)
		case v.brackets && r.at < v.from:
			l.remark(r, false)
		case r.at < first && l.key == nil:
			l.remark(r, false)
		case r.at < first && !r.own && l.tail == nil:
			l.remark(r, true)
		default:
			inner = append(inner, r)
		}
	}
	v.spread = v.brackets && slices.ContainsFunc(all, func(r remark) bool { return v.from < r.at && r.at < v.to })
	s.inside(v, inner)
}

// remark puts a comment behind the line, or above it when there is one already.
func (l *line) remark(r remark, behind bool) {
	if behind && l.tail == nil {
		l.tail = &r
		return
	}
	r.blank = r.blank && r.own
	l.head = append(l.head, r)
}

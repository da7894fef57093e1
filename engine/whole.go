package engine

// wholeOf gives the streams of a step that are read to their end, unless something
// fails. It errs on the side of too few: what is fetched early of a stream that
// nobody reads on are calls of the account.
func (p *Program) wholeOf(st *Step) map[string]bool {
	var whole map[string]bool
	for _, o := range st.Outs {
		if o.Shape.Stream && p.whole(streamRef{st.ID, o.Name}) {
			if whole == nil {
				whole = map[string]bool{}
			}
			whole[o.Name] = true
		}
	}
	return whole
}

// whole reports whether a stream is read to its end: to be kept, by a loop, or by a
// step that passes what it makes of it to somebody who reads to the end.
func (p *Program) whole(ref streamRef) bool {
	u := p.usage[ref]
	switch {
	case u == nil:
		return false // nobody reads it
	case !u.passes():
		return true
	}
	for _, r := range u.readers {
		switch {
		case r.step == nil:
			return false
		case r.param == "":
		case r.step.Kind == nil || r.step.Kind.Stops:
			return false
		case !p.passesWhole(r.step):
			return false
		}
	}
	return len(u.readers) > 0
}

// passesWhole reports whether all that a step makes of its streams is read to the
// end.
func (p *Program) passesWhole(st *Step) bool {
	for _, o := range st.Outs {
		if o.Shape.Stream && !p.whole(streamRef{st.ID, o.Name}) {
			return false
		}
	}
	return true
}

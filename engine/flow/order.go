package flow

import "slices"

// place is what the formatter knows of a value by where it stands.
type place struct {
	keys  []string          // the order of a section's keys
	inner map[string]*place // by key
	each  *place            // of the values of a table or the items of a list
	block bool              // never in brackets
	words bool              // quotes say nothing here: a text is a text
}

// flowOrder is the order of a flow's keys: what it is called and remembered by,
// what it is given, how it may act, what it does.
var flowOrder = []string{
	"flow", "description", "campaign", "class", "oncePer", "schedule", "moved", "inputs", "env",
	"connection", "guard", "delivery", "steps", "finally", "outputs",
}

// stepOrder is the order of a step's keys: what it is called, how often and for
// whom it runs, what it does.
var stepOrder = []string{
	"id", "name", "forEach", "as", "concurrency", "if", "else", "uses", "key", "oncePer",
	"retry", "timeout", "onError", "with", "steps", "outputs",
}

// plainPlace is the place of a file without a grammar.
var plainPlace = &place{}

// flowPlace is the place of a whole flow.
var flowPlace = func() *place {
	words := &place{words: true}
	stepPlace := placeOf(stepShape)
	stepPlace.keys, stepPlace.block = stepOrder, true
	list := &place{each: stepPlace, block: true}
	stepPlace.inner["steps"] = list
	stepPlace.inner["with"] = &place{each: words}
	input := placeOf(inputShape)
	p := placeOf(flowShape)
	p.keys, p.block = flowOrder, true
	p.inner["steps"], p.inner["finally"] = list, list
	p.inner["inputs"] = &place{each: input}
	p.inner["moved"] = &place{each: placeOf(movedShape)}
	return p
}()

func placeOf(s shape) *place {
	if s.is != section {
		return &place{words: s.is == text || s.is == textsOr, each: &place{words: s.is == names || s.is == textsOr}}
	}
	p := &place{keys: s.keys, inner: map[string]*place{}}
	for _, k := range s.keys {
		p.inner[k] = placeOf(s.inner[k])
	}
	return p
}

// of is the place of an entry.
func (p *place) of(l *line) *place {
	var q *place
	if l.key != nil && p.inner != nil {
		q = p.inner[l.key.text]
	} else {
		q = p.each
	}
	if q == nil {
		return &place{}
	}
	return q
}

// order sorts the keys of every section. A map whose keys the author chose stays
// as it is, and so does one that merges another.
func order(w *written, p *place, root bool) {
	if len(w.entries) == 0 {
		return
	}
	first := w.entries[0]
	if p.keys != nil && w.kind == Map {
		slices.SortStableFunc(w.entries, func(a, b *line) int {
			return slices.Index(p.keys, a.key.text) - slices.Index(p.keys, b.key.text)
		})
	}
	if now := w.entries[0]; now != first {
		a, b := first.above(), now.above()
		*a, *b = *b && root, *a
	}
	for _, l := range w.entries {
		order(l.value, p.of(l), false)
	}
}

// above is whether a blank line stands above an entry and its comments.
func (l *line) above() *bool {
	if len(l.head) > 0 {
		return &l.head[0].blank
	}
	return &l.blank
}

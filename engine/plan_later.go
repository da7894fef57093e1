package engine

import "github.com/flowrunner/flowrunner/engine/lang"

// upTo bounds the sends of a step in a later stage: the product of what the loops
// around it can have. 0 is no bound.
func (p *planner) upTo(send *Step) int {
	n := 1
	for st := send; st != nil; st = st.Loop {
		if !st.IsLoop() {
			continue
		}
		most, ok := p.bound(st.ForEach)
		if !ok {
			return 0
		}
		n *= most
	}
	return n
}

// bound is how many records a list can have, as far as this stage knows.
func (p *planner) bound(v *lang.Value) (int, bool) {
	if lit, ok := v.Literal(); ok {
		list, ok := lit.([]any)
		return len(list), ok
	}
	r, ok := v.Reference()
	if !ok {
		return 0, false
	}
	if list, ok := p.root.lookup(r.Path).([]any); ok {
		return len(list), true
	}
	ref, field, rest := p.p.streamOf(r)
	if field == nil || len(rest) > 0 {
		return 0, false
	}
	st := p.p.byID[ref.step]
	if n, ok := p.root.lookup([]string{"steps", st.ID, "outputs", "count"}).(int); ok {
		return n, true
	}
	if st.IsLoop() {
		return p.bound(st.ForEach)
	}
	// A computing kind gives at most what it takes.
	for _, a := range st.Args {
		if a.Value != nil && a.Field.Shape.Stream {
			return p.bound(a.Value)
		}
	}
	return 0, false
}

package engine

import (
	"maps"
	"slices"

	"github.com/flowrunner/flowrunner/engine/lang"
	"github.com/flowrunner/flowrunner/engine/step"
)

// findWanted finds for each stream which fields of its records the flow reads,
// so that a kind need not read the others. It errs on the side of too many: a
// stream of which anything takes whole records, or does what is not understood
// here, is left out, and then all its fields are wanted.
func (p *Program) findWanted() {
	p.wanted = map[string]map[string][]string{}
	for ref := range p.usage {
		names := map[string]bool{}
		if !p.wants(ref, names) {
			continue
		}
		if p.wanted[ref.step] == nil {
			p.wanted[ref.step] = map[string][]string{}
		}
		fields := slices.AppendSeq([]string{}, maps.Keys(names))
		slices.Sort(fields)
		p.wanted[ref.step][ref.output] = fields // not nil, even if it is none
	}
}

// wants adds the fields that are read of a stream's records to names; false is
// all of them.
func (p *Program) wants(ref streamRef, names map[string]bool) bool {
	u := p.usage[ref]
	if u == nil {
		return true // nobody reads it
	}
	if u.list {
		return false
	}
	for _, r := range u.readers {
		switch {
		case r.step == nil:
			return false
		case r.param == "":
			if !fieldsOf(allRefs(r.step), r.step.As, names) {
				return false
			}
			for _, name := range p.factFields(r.step) {
				names[name] = true
			}
		case !p.paramWants(r.step, r.param, names):
			return false
		}
	}
	return true
}

// paramWants adds what a step reads of the records of a parameter: by itself, by
// its expressions over item, and by whoever reads the records that it passes on.
func (p *Program) paramWants(st *Step, param string, names map[string]bool) bool {
	if st.Kind == nil || st.Kind.Reads == nil {
		return false
	}
	own, known := st.Kind.Reads(st.call, param)
	if !known {
		return false
	}
	for _, name := range own {
		names[name] = true
	}
	for _, a := range st.Args {
		if a.Field.Item == param && !fieldsOf(a.refs(), "item", names) {
			return false
		}
	}
	for _, output := range st.Kind.Passes(param) {
		if !p.wants(streamRef{st.ID, output}, names) {
			return false
		}
	}
	return true
}

// fieldsOf adds the fields that references read of a record; false when one of
// them takes it whole.
func fieldsOf(refs []lang.Ref, record string, names map[string]bool) bool {
	for _, r := range refs {
		if r.Path[0] != record {
			continue
		}
		if len(r.Path) < 2 {
			return false
		}
		names[r.Path[1]] = true
	}
	return true
}

// asRecorded is the shape of a stream in a plan that was kept, whose records
// hold the wanted fields alone.
func (p *Program) asRecorded(ref streamRef, s step.Shape) step.Shape {
	elem := s.Element()
	from, ok := p.origin(ref)
	wanted, partly := p.wanted[from.step][from.output]
	if !ok || !partly || elem.Form != step.FormObject {
		return s
	}
	elem.Fields = slices.DeleteFunc(slices.Clone(elem.Fields), func(f step.Field) bool { return !slices.Contains(wanted, f.Name) })
	s.Elem = &elem
	return s
}

// origin is the stream whose kind made the records of a stream; false where they
// are made of others.
func (p *Program) origin(ref streamRef) (streamRef, bool) {
	st := p.byID[ref.step]
	if st == nil || st.Kind == nil || st.IsLoop() {
		return ref, false
	}
	for _, a := range st.Args {
		if a.Value == nil || !slices.Contains(st.Kind.Passes(a.Field.Name), ref.output) {
			continue
		}
		r, ok := a.Value.Reference()
		if !ok {
			return ref, false
		}
		from, field, rest := p.streamOf(r)
		if field == nil || len(rest) > 0 {
			return ref, false
		}
		return p.origin(from)
	}
	return ref, st.Kind.Narrows(ref.output)
}

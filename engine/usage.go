package engine

import (
	"time"

	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/lang"
	"github.com/flowrunner/flowrunner/engine/step"
)

// defaultBackoff is the pause before the second try of a read.
const defaultBackoff = time.Second

// streamRef names one stream: an output of a step.
type streamRef struct{ step, output string }

// usage is how a stream is consumed, counted over the whole program. It decides
// whether the stream flows through, is spooled once, or is collected.
type usage struct {
	direct  int       // whole uses as a parameter or a forEach
	here    bool      // one of them is in the stage that makes it
	list    bool      // an expression needs the whole list
	at      diag.Span // the first of them
	counted bool      // its count is read
	later   bool      // its rows are used in a later stage, in finally or in outputs
	readers []reader
}

// reader is who takes a stream whole: a parameter of a step, or its forEach. The
// zero reader may do anything with it.
type reader struct {
	step  *Step
	param string // "" is forEach
}

// passes reports whether a stream at top level may go to its only reader as it
// comes. Else it is read to its end first: it has several readers, or its count is
// wanted before they read.
func (u *usage) passes() bool { return u.direct <= 1 && !u.counted && !u.later && !u.list }

// spooled reports whether what was read must be kept for readers in this stage.
// Those of later ones have the plan.
func (u *usage) spooled() bool { return u.here || u.list }

// whole notes an expression that needs the whole list.
func (u *usage) whole(r lang.Ref) {
	if !u.list {
		u.list, u.at = true, r.Span
	}
}

// countUses walks every reference of the program.
func (p *Program) countUses() {
	p.Walk(func(s *Step) {
		stage := s.Stage
		if s.inFinal {
			stage = p.Stages
		}
		if s.ForEach != nil {
			p.countValue(s.ForEach, s.Loop, stage, reader{step: s})
		}
		around := s.Loop
		if s.IsLoop() {
			around = s
		}
		if s.If != nil {
			p.countRefs(s.If.Refs(), stage)
		}
		if s.Key != nil {
			p.countRefs(s.Key.Refs(), stage)
		}
		if s.Zone != nil {
			p.countRefs(s.Zone.Refs(), stage)
		}
		if s.Person != nil {
			p.countRefs(s.Person.Refs(), stage)
		}
		if s.Else != nil {
			p.countValue(s.Else, around, stage, reader{})
		}
		for _, a := range s.Args {
			if a.Value != nil {
				p.countValue(a.Value, around, stage, reader{s, a.Field.Name})
			} else {
				p.countRefs(a.refs(), stage)
			}
		}
		for _, o := range s.gives() {
			if o.Outcome && s.Loop == nil {
				p.countRefs(o.Value.Refs(), stage+1) // evaluated when the stage has settled
			} else {
				p.countRefs(o.Value.Refs(), stage)
			}
		}
		if s.IsLoop() {
			for _, o := range s.Items {
				p.countRefs(o.Value.Refs(), stage)
			}
		}
	})
	for _, o := range p.Outputs {
		p.countRefs(o.Value.Refs(), p.Stages)
	}
	p.findWanted()
}

// countValue counts a value that may pass a stream through untouched. A use
// inside a loop that the stream stands outside of happens many times.
func (p *Program) countValue(v *lang.Value, around *Step, stage int, by reader) {
	r, ok := v.Reference()
	if !ok {
		p.countRefs(v.Refs(), stage)
		return
	}
	ref, field, rest := p.streamOf(r)
	if field == nil || len(rest) > 0 || field.Shape.Form != step.FormList || !field.Shape.Stream {
		p.countRefs([]lang.Ref{r}, stage)
		return
	}
	u := p.use(ref, stage)
	u.direct++
	u.here = u.here || stage <= p.byID[ref.step].Stage
	u.readers = append(u.readers, by)
	if around != p.byID[ref.step].Loop {
		u.direct++
	}
}

func (p *Program) countRefs(refs []lang.Ref, stage int) {
	for _, r := range refs {
		if len(r.Path) >= 2 && r.Path[0] == "steps" && len(r.Path) <= 3 {
			// steps.x or steps.x.outputs as a whole: everything of it is needed.
			if s, ok := p.byID[r.Path[1]]; ok && (len(r.Path) < 3 || r.Path[2] == "outputs") {
				for _, f := range s.Outs {
					if f.Shape.Stream {
						p.use(streamRef{s.ID, f.Name}, stage).whole(r)
					}
				}
			}
			continue
		}
		ref, field, _ := p.streamOf(r)
		switch {
		case field == nil:
		case field.Shape.Stream:
			p.use(ref, stage).whole(r)
		case field.Count != "":
			// The count itself is recorded with the step, so that a later stage needs no rows.
			p.use(streamRef{ref.step, field.Count}, 0).counted = true
		}
	}
}

// streamOf resolves steps.<id>.outputs.<name>….
func (p *Program) streamOf(r lang.Ref) (streamRef, *step.Field, []string) {
	if len(r.Path) < 4 || r.Path[0] != "steps" || r.Path[2] != "outputs" {
		return streamRef{}, nil, nil
	}
	s, ok := p.byID[r.Path[1]]
	if !ok {
		return streamRef{}, nil, nil
	}
	for i, f := range s.Outs {
		if f.Name == r.Path[3] {
			return streamRef{s.ID, f.Name}, &s.Outs[i], r.Path[4:]
		}
	}
	return streamRef{}, nil, nil
}

func (p *Program) use(ref streamRef, stage int) *usage {
	u := p.usage[ref]
	if u == nil {
		u = &usage{}
		p.usage[ref] = u
	}
	if s := p.byID[ref.step]; s != nil && stage > s.Stage {
		u.later = true
	}
	return u
}

package engine

import (
	"cmp"
	"slices"
	"strings"

	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/lang"
	"github.com/flowrunner/flowrunner/engine/step"
)

// Held is something as long as an audience that a flow holds in memory, where all
// else streams.
type Held struct {
	By   string    // steps.matched, or "an expression"
	What string    // the parameter, or the list: steps.clients.outputs.clients
	UpTo string    // how much it may be, "1,000,000 records"; more is an error of the run
	Span diag.Span // where it is read
}

// Held lists what the program holds in memory, file by file in the order of the text.
// Lists that are read inside a loop are left out: each is one recipient's.
func (p *Program) Held() []Held {
	var all []Held
	for ref, u := range p.usage {
		if s := p.byID[ref.step]; u.list && s != nil && s.Loop == nil {
			all = append(all, Held{"an expression", "steps." + s.Local() + ".outputs." + ref.output, heldByExpression, u.at})
		}
	}
	p.Walk(func(s *Step) {
		for _, a := range s.Args {
			upTo := a.Field.Held
			if a.Field.Shape.Form == step.FormList && !a.Field.Shape.Stream {
				upTo = step.HeldByList
			}
			if upTo != "" && a.Value != nil && (a.Field.Shape.Form == step.FormText || p.passesStream(a.Value)) {
				all = append(all, Held{"steps." + s.Local(), a.Field.Name, upTo, a.Value.Span()})
			}
		}
	})
	slices.SortFunc(all, func(a, b Held) int {
		return cmp.Or(strings.Compare(a.Span.File, b.Span.File),
			cmp.Compare(a.Span.Start.Line, b.Span.Start.Line), cmp.Compare(a.Span.Start.Col, b.Span.Start.Col),
			strings.Compare(a.What, b.What))
	})
	return slices.Compact(all) // of a flow that is called twice
}

// passesStream reports whether a value is a stream of a step outside of loops,
// and nothing else.
func (p *Program) passesStream(v *lang.Value) bool {
	r, ok := v.Reference()
	return ok && p.isStream(r)
}

// isStream reports whether a path is a stream of a step outside of loops; those
// inside are read once for each record and small.
func (p *Program) isStream(r lang.Ref) bool {
	ref, f, rest := p.streamOf(r)
	if f == nil || len(rest) > 0 || f.Shape.Form != step.FormList || !f.Shape.Stream {
		return false
	}
	return p.byID[ref.step].Loop == nil
}

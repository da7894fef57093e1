package engine

import (
	"slices"

	"github.com/flowrunner/flowrunner/engine/lang"
	"github.com/flowrunner/flowrunner/engine/step"
)

// Reading is one use of a read kind that a mock may answer.
type Reading struct {
	Step string
	Item []int // the iteration, from 0, outermost loop first
	Args map[string]any
}

// IfVerdict is what the `if` of a step said.
type IfVerdict uint8

// The verdicts.
const (
	IfNone IfVerdict = iota // the step has none, or was not asked
	IfTrue
	IfFalse
)

// Visit is one decision of planning: a step that ran, one whose `if` was false,
// or a send that was left out.
type Visit struct {
	Step    string
	Item    []int // the iteration, from 0, outermost loop first
	If      IfVerdict
	Ran     bool
	LeftOut bool // a send that does not happen
	Reason  string
	Contact int // of a send left out, where its arguments tell; else 0
}

func (s *session) visit(v Visit) {
	if s.o.Visit == nil {
		return
	}
	s.eventMu.Lock()
	defer s.eventMu.Unlock()
	s.o.Visit(v)
}

// ran tells of a step that runs.
func (p *planner) ran(st *Step, f *frame) {
	v := Visit{Step: st.ID, Item: f.item, Ran: true}
	if st.If != nil {
		v.If = IfTrue
	}
	p.visit(v)
}

// left tells of a send that is left out. Its arguments were never promised to be
// there, so whom it was for is known only where they happen to say it.
func (p *planner) left(send *Step, f *frame, reason string) {
	if p.o.Visit == nil {
		return
	}
	v := Visit{Step: send.ID, Item: f.item, LeftOut: true, Reason: reason}
	args := map[string]any{}
	for _, a := range send.Args {
		if _, bad := f.missing(needsOf(a.refs())); bad || a.Value == nil {
			continue
		}
		if x, err := a.Value.Eval(f.env); err == nil {
			args[a.Field.Name] = x
		}
	}
	if prep, err := send.Kind.Prepare(args); err == nil {
		v.Contact = prep.Recipient.Contact
	}
	p.visit(v)
}

// mocked is the answer of a mock, its lists as streams where the kind gives
// streams.
func (p *planner) mocked(st *Step, f *frame, args map[string]any) (map[string]any, bool, error) {
	if p.o.Mock == nil || st.Kind.Effect != step.EffectRead {
		return nil, false, nil
	}
	given, ok, err := p.o.Mock(Reading{Step: st.ID, Item: f.item, Args: args})
	if !ok || err != nil {
		return nil, ok, err
	}
	outs := make(map[string]any, len(given))
	for name, v := range given {
		outs[name] = v
	}
	for _, field := range st.Kind.Outputs() {
		if list, ok := outs[field.Name].([]any); ok && field.Shape.Stream {
			outs[field.Name] = step.StreamList(list)
		}
	}
	return outs, true, nil
}

// Reads reports whether any expression of the flow reads an output of a step: a
// mock need not give the others.
func (p *Program) Reads(id, output string) bool {
	var refs []lang.Ref
	for _, s := range p.Steps {
		refs = append(refs, allRefs(s)...)
	}
	for _, s := range p.Finally {
		refs = append(refs, allRefs(s)...)
	}
	for _, o := range p.Outputs {
		refs = append(refs, o.Value.Refs()...)
	}
	path := []string{"steps", id, "outputs", output}
	return slices.ContainsFunc(refs, func(r lang.Ref) bool {
		n := min(len(r.Path), len(path))
		return slices.Equal(r.Path[:n], path[:n])
	})
}

package engine

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/lang"
	"github.com/flowrunner/flowrunner/engine/planfile"
	"github.com/flowrunner/flowrunner/engine/step"
)

// Place is where in a flow an expression is asked: the zero Place is after all
// steps. With an Item it is inside that iteration of the loop of Step, or, of a
// step that gives a list, beside that record, which is called item.
type Place struct {
	Step string
	Item []int // from 0, outermost loop first
}

// PlaceError is a Place that the flow does not have.
type PlaceError struct{ Reason, Hint string }

// Error is the reason.
func (e *PlaceError) Error() string { return e.Reason }

// Static knows the types of everything at a place, and the values of nothing
// but inputs, environment and run. why says what would give the rest a value.
func (p *Program) Static(known *Evaluator, at Place, why string) (*Evaluator, error) {
	sc, _, err := p.scopeAt(known.scope, at, asDeclared)
	if err != nil {
		return nil, err
	}
	return &Evaluator{scope: sc, env: known.env, why: why}, nil
}

// asDeclared is the shape of a stream as its step gives it.
func asDeclared(_ streamRef, s step.Shape) step.Shape { return s }

// scopeAt is the scope of a place, and the step that it names. Inside a called
// flow the names are those of that flow. as gives the shape that a stream has
// here.
func (p *Program) scopeAt(sc *lang.Scope, at Place, as func(streamRef, step.Shape) step.Shape) (*lang.Scope, *Step, error) {
	list, prefix := p.Steps, ""
	if st, ok := p.byID[at.Step]; ok && st.scope() != "" {
		prefix = st.scope()
		call := p.byID[strings.TrimSuffix(prefix, "/")]
		list, sc = call.Body, call.Called.base
	}
	top := newView(prefix)
	top.addAll(list, as)
	top.settle()
	if at.Step == "" {
		if len(at.Item) > 0 {
			return nil, nil, &PlaceError{"an item belongs to a step, and none is named", "add --step with the id of a step"}
		}
		return sc.With("steps", top.shape()).With("run", runShape(true)), nil, nil
	}
	st, ok := p.byID[at.Step]
	if !ok {
		return nil, nil, &PlaceError{fmt.Sprintf("the flow has no step %q", at.Step), diag.DidYouMean(at.Step, slices.Sorted(maps.Keys(p.byID)))}
	}
	loops := loopsOf(st)
	switch {
	case len(at.Item) == 0:
		return sc.With("steps", top.shape()), st, nil
	case len(loops) == 0:
		f, ok := listOutput(st)
		if !ok || len(at.Item) != 1 {
			return nil, nil, &PlaceError{fmt.Sprintf("the step %s gives no list, so it has no item", st.ID), "name a step that loops or gives a list"}
		}
		return sc.With("steps", top.shape()).With("item", as(streamRef{st.ID, f.Name}, f.Shape).Element()), st, nil
	case len(loops) != len(at.Item):
		return nil, nil, &PlaceError{
			fmt.Sprintf("the step %s stands in %d loops, but the item has %d numbers", st.ID, len(loops), len(at.Item)),
			"write one number for each loop, outermost first, with points between them: 3.2",
		}
	}
	for _, l := range loops {
		if l.scope() != prefix {
			continue // a loop around the call, or one whose iteration the call is
		}
		top.addAll(l.Body, as)
		list := l.ForEach.Shape()
		if r, ok := l.ForEach.Reference(); ok {
			if ref, field, rest := p.streamOf(r); field != nil && len(rest) == 0 {
				list = as(ref, list)
			}
		}
		sc = sc.With(l.As, list.Element()).With("index", step.ShapeInt)
	}
	top.settle()
	return sc.With("steps", top.shape()), st, nil
}

// addAll adds steps, and those of plain blocks, which hide nothing.
func (v *view) addAll(list []*Step, as func(streamRef, step.Shape) step.Shape) {
	for _, s := range list {
		if !s.IsLoop() && s.Called == nil {
			v.addAll(s.Body, as)
		}
		own := *s
		own.Outs = slices.Clone(s.Outs)
		for i, f := range own.Outs {
			own.Outs[i].Shape = as(streamRef{s.ID, f.Name}, f.Shape)
		}
		v.add(&own)
	}
}

// loopsOf are the loops that a step stands in or is, outermost first.
func loopsOf(st *Step) []*Step {
	var loops []*Step
	if st.IsLoop() {
		loops = append(loops, st)
	}
	for l := st.Loop; l != nil; l = l.Loop {
		if l != st {
			loops = append(loops, l)
		}
	}
	slices.Reverse(loops)
	return loops
}

// listOutput is the first list that a step gives.
func listOutput(st *Step) (step.Field, bool) {
	i := slices.IndexFunc(st.Outs, func(f step.Field) bool { return f.Shape.Form == step.FormList })
	if i < 0 {
		return step.Field{}, false
	}
	return st.Outs[i], true
}

// focus remembers the scope of one iteration.
type focus struct {
	loop  string
	item  []int
	frame *frame
}

// focused keeps the scope of the iteration that is looked at.
func (p *planner) focused(st *Step, f *frame) {
	if x := p.focus; x != nil && x.loop == st.ID && slices.Equal(x.item, f.item) {
		x.frame = f
	}
}

// Explore plans the first stage with every list at hand, sends nothing, and
// gives what an expression at a place can read. An error that comes with an
// Evaluator is what ended the planning early; what came before is known.
func (p *Program) Explore(ctx context.Context, o Options, at Place) (*Evaluator, error) {
	sc, st, err := p.scopeAt(p.base, at, asDeclared)
	if err != nil {
		return nil, err
	}
	q := *p
	q.usage, q.wanted = map[streamRef]*usage{}, nil
	q.Walk(func(s *Step) {
		for _, f := range s.Outs {
			if f.Shape.Form == step.FormList {
				q.usage[streamRef{s.ID, f.Name}] = &usage{list: true, direct: 1}
			}
		}
	})
	now := o.clock()
	s, err := newSession(&q, o, NewRunID(now), now)
	if err != nil {
		return nil, err
	}
	defer s.close()
	env, err := s.environment()
	if err != nil {
		return nil, err
	}
	if err := s.setInputs(o.Inputs, env); err != nil {
		return nil, err
	}
	if loops := loopsWanted(st, at); len(loops) > 0 {
		s.focus = &focus{loop: loops[len(loops)-1].ID, item: at.Item}
	}
	_, err = s.planStage(ctx, 0, env, nil)
	var guard *GuardError
	if errors.As(err, &guard) {
		err = nil // nothing is sent here
	}
	e := &Evaluator{scope: sc, env: s.root.env, why: "it is planned only when what comes before has been sent"}
	if err != nil {
		e.why = "planning ended before it"
	}
	if s.focus != nil {
		if s.focus.frame == nil && err == nil {
			return nil, &PlaceError{fmt.Sprintf("the loop %s has no item %s", s.focus.loop, strings.TrimPrefix(rowName(at.Item), "row ")), "items count from 1"}
		}
		if s.focus.frame != nil {
			e.env = s.focus.frame.env
		}
		return e, err
	}
	return e.beside(st, at, err)
}

func loopsWanted(st *Step, at Place) []*Step {
	if st == nil || len(at.Item) == 0 {
		return nil
	}
	return loopsOf(st)
}

// beside adds the record that a place without a loop stands beside.
func (e *Evaluator) beside(st *Step, at Place, before error) (*Evaluator, error) {
	if st == nil || len(at.Item) == 0 {
		return e, before
	}
	f, _ := listOutput(st)
	steps, _ := e.env["steps"].(map[string]any)
	got, _ := steps[st.ID].(map[string]any)
	outs, _ := got["outputs"].(map[string]any)
	list, _ := outs[f.Name].([]any)
	if at.Item[0] >= len(list) {
		if before != nil {
			return e, before
		}
		return nil, &PlaceError{fmt.Sprintf("steps.%s.outputs.%s has %d records here, so there is no item %d", st.ID, f.Name, len(list), at.Item[0]+1), "items count from 1"}
	}
	c := *e
	c.env = maps.Clone(e.env)
	c.env["item"] = list[at.Item[0]]
	return &c, before
}

// ReadsEach reports whether a step that sends nothing stands in a loop that reads
// something for each of its items: no plan records that.
func (p *Program) ReadsEach(id string) bool {
	st := p.byID[id]
	if st == nil || len(st.Sends) > 0 {
		return false
	}
	if !st.IsLoop() {
		st = st.Loop
	}
	return st != nil && contains(st, step.EffectRead)
}

// InputsOf are the inputs that a plan was made with.
func (p *Program) InputsOf(head planfile.Header) map[string]any {
	inputs := map[string]any{}
	for name, v := range head.Inputs {
		inputs[name] = planfile.InZone(v, p.Zone)
	}
	return inputs
}

// Recorded gives what an expression at a place can read of the plans of a run, stage by stage, as they were kept:
// inputs, the outputs of steps, and the lists and iterations that the plan has
// recorded since something later reads them. p is compiled from the plan's text.
func (p *Program) Recorded(paths []string, at Place) (*Evaluator, error) {
	plan, err := planfile.Check(paths[0])
	if err != nil {
		return nil, err
	}
	sc, st, err := p.scopeAt(p.base, at, p.asRecorded)
	if err != nil {
		return nil, err
	}
	inputs := p.InputsOf(plan.Head)
	f := newFrame()
	maps.Copy(f.env, p.Evaluator(inputs, plan.Head.Env, plan.Head.Run, plan.Head.Now).env)
	e := &Evaluator{scope: sc, env: f.env, long: map[string]bool{}, why: "the plan of this run has not recorded it, since it keeps what is sent and what later stages need; --flow FILE --sandbox tries it on made-up people"}
	loops := loopsWanted(st, at)
	lists, found := map[string][]any{}, len(loops) == 0
	for rec, err := range recordsOf(paths) {
		if err != nil {
			return nil, err
		}
		switch r := rec.(type) {
		case planfile.Row:
			if len(lists[r.Stream]) == maxCollected || e.long[r.Stream] {
				e.long[r.Stream] = true
				delete(lists, r.Stream)
				continue
			}
			lists[r.Stream] = append(lists[r.Stream], planfile.InZone(r.Value.V, p.Zone))
		case planfile.Step:
			outs := map[string]any{}
			for name, v := range r.Outputs {
				outs[name] = planfile.InZone(v, p.Zone)
			}
			f.set(r.Step, r.Status, outs)
			p.restoreInputs(r, f)
		case planfile.Item:
			if len(loops) == 0 || r.Loop != loops[len(loops)-1].ID || !slices.Equal(r.Item, at.Item) {
				continue
			}
			found = true
			for name, v := range r.Scope {
				f.put(strings.Split(name, "."), planfile.InZone(v, p.Zone))
			}
		case planfile.Send:
			if len(loops) > 0 && r.Step == at.Step && slices.Equal(r.Item, at.Item) {
				found = true
				args := map[string]any{}
				for name, v := range r.Args {
					args[name] = planfile.InZone(v, p.Zone)
				}
				e.scope = e.scope.With("with", step.Shape{Form: step.FormObject, Open: true})
				f.env["with"] = args
			}
		}
	}
	p.publishLists(f, lists)
	if !found {
		return nil, &PlaceError{
			fmt.Sprintf("the plan of run %s records no item %s of the step %s", plan.Head.Run, strings.TrimPrefix(rowName(at.Item), "row "), at.Step),
			"items count from 1, and only loops that send are recorded one by one",
		}
	}
	for i, l := range loops {
		f.env["index"] = at.Item[i]
		if r, ok := l.ForEach.Reference(); ok && i == 0 {
			if list, ok := f.lookup(r.Path).([]any); ok && at.Item[0] < len(list) {
				f.env[l.As] = list[at.Item[0]]
			}
		}
	}
	return e.beside(besideStep(st, loops), at, nil)
}

// recordsOf reads the plans of several stages one after another. One that was not
// finished, since the run ended while it was made, is passed over.
func recordsOf(paths []string) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		for i, path := range paths {
			if _, err := planfile.Check(path); err != nil && i > 0 {
				return
			}
			for rec, err := range planfile.Records(path) {
				if !yield(rec, err) {
					return
				}
			}
		}
	}
}

func besideStep(st *Step, loops []*Step) *Step {
	if len(loops) > 0 {
		return nil
	}
	return st
}

// publishLists puts recorded lists where expressions find them.
func (p *Program) publishLists(f *frame, lists map[string][]any) {
	for stream, list := range lists {
		id, name, ok := strings.Cut(stream, ".")
		if !ok {
			continue // an argument of a local step
		}
		if _, known := f.steps[id]; known {
			f.put([]string{"steps", id, "outputs", name}, list)
		}
	}
}

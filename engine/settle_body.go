package engine

import (
	"maps"
	"slices"
	"strings"

	"github.com/flowrunner/flowrunner/engine/planfile"
	"github.com/flowrunner/flowrunner/engine/step"
)

// settleBlock evaluates what the blocks and calls at or below a step outside of
// loops give, now that their sends have settled: those inside come first.
func (a *applier) settleBlock(st *Step, parts map[string]*part) error {
	if st.IsLoop() || st.Kind != nil {
		return nil
	}
	for _, b := range st.Body {
		if err := a.settleBlock(b, parts); err != nil {
			return err
		}
	}
	counts := map[string]int{}
	if l := parts[st.ID]; l != nil {
		counts = l.counts
	}
	return a.settleOutputs(a.root, st, counts, nil)
}

// settleOutputs gives a frame what a block or a call became: its status by its
// sends, and its outputs. What planning has given stays.
func (a *applier) settleOutputs(f *frame, st *Step, counts map[string]int, item []int) error {
	got, _ := f.steps[st.ID].(map[string]any)
	if _, gone := f.absent[st.ID]; gone || got == nil {
		return nil
	}
	known, _ := got["outputs"].(map[string]any)
	outs := map[string]any{}
	for _, o := range st.gives() {
		if v, ok := known[o.Name]; ok && !o.Outcome {
			outs[o.Name] = v
			continue
		}
		v, err := a.settledOutput(f, st, o, item)
		if err != nil {
			return err
		}
		outs[o.Name] = v
	}
	f.set(st.ID, worst(counts), outs)
	return nil
}

// settledOutput evaluates one output; nil when a step that it reads did not run.
func (a *applier) settledOutput(f *frame, st *Step, o Output, item []int) (any, error) {
	if _, bad := f.missing(o.needs); bad {
		return nil, nil
	}
	v, err := o.Value.Eval(f.env)
	if in, ok := v.(step.Stream[any]); ok && err == nil {
		v, err = collect(streamRef{st.ID, o.Name}, in)
	}
	if err != nil {
		return nil, &StepError{Step: st.ID, Item: item, Doing: "its output " + o.Name, Span: o.Value.Span(), Err: err}
	}
	return v, nil
}

// iterationSettler makes the final records of iterations. The records of a plan
// come in order, those of loops inside before that of the iteration around them.
type iterationSettler struct {
	a     *applier
	sends []final          // since the last iteration of an outermost loop
	inner map[string][]any // items of loops inside the iteration that is under way
}

// item makes the final record of one iteration, if somebody reads it.
func (it *iterationSettler) item(parts map[string]*part, r planfile.Item) error {
	st := it.a.p.byID[r.Loop]
	if st == nil {
		return nil
	}
	l, err := it.a.part(parts, st)
	if err != nil {
		return err
	}
	if l.sp != nil || st.Loop != nil && it.a.p.lateItems(st) {
		item, err := it.record(st, r)
		if err != nil {
			return err
		}
		if l.sp != nil {
			err = l.sp.add(item)
		} else {
			if it.inner == nil {
				it.inner = map[string][]any{}
			}
			it.inner[st.ID] = append(it.inner[st.ID], item)
		}
		if err != nil {
			return err
		}
	}
	if len(r.Item) == 1 {
		it.sends = it.sends[:0]
	}
	maps.DeleteFunc(it.inner, func(id string, _ []any) bool { return isAround(st, it.a.p.byID[id]) })
	return nil
}

// isAround reports whether st is a loop around the other.
func isAround(st, other *Step) bool {
	for l := other.Loop; l != nil; l = l.Loop {
		if l == st {
			return true
		}
	}
	return false
}

// record is the final record of one iteration.
func (it *iterationSettler) record(st *Step, r planfile.Item) (map[string]any, error) {
	var mine []final
	for _, f := range it.sends {
		if len(f.send.Item) >= len(r.Item) && slices.Equal(f.send.Item[:len(r.Item)], r.Item) {
			mine = append(mine, f)
		}
	}
	if len(st.Items) == 0 {
		return sendItemOf(r, mine), nil
	}
	f := it.frame(st, r)
	if err := it.steps(f, st, r, mine); err != nil {
		return nil, err
	}
	item := map[string]any{}
	for _, o := range st.Items {
		if !o.Outcome {
			item[o.Name] = planfile.InZone(r.Outputs[o.Name], it.a.p.Zone)
			continue
		}
		v, err := it.a.settledOutput(f, st, o, r.Item)
		if err != nil {
			return nil, err
		}
		item[o.Name] = v
	}
	return item, nil
}

// frame is the scope of an iteration, with what the plan has kept of it.
func (it *iterationSettler) frame(st *Step, r planfile.Item) *frame {
	f := newFrame()
	maps.Copy(f.env, it.a.root.env)
	f.env["steps"] = f.steps
	for path, v := range r.Scope {
		f.put(strings.Split(path, "."), planfile.InZone(v, it.a.p.Zone))
	}
	for _, path := range st.capture {
		if _, kept := r.Scope[strings.Join(path, ".")]; !kept {
			for _, id := range needsOfPath(path) {
				f.drop(id, planfile.StatusSkipped, r.Reason)
			}
		}
	}
	return f
}

// steps gives the frame of an iteration what its sends became, the loops inside it, its
// blocks and the flows that it calls.
func (it *iterationSettler) steps(f *frame, st *Step, r planfile.Item, mine []final) error {
	list := st.Body
	if len(list) == 0 {
		list = []*Step{st}
	}
	for _, b := range list {
		var below []final
		for _, x := range mine {
			if slices.ContainsFunc(b.Sends, func(send *Step) bool { return send.ID == x.send.Step }) {
				below = append(below, x)
			}
		}
		switch {
		case b.Kind != nil && b.Kind.Effect == step.EffectLocal:
			f.drop(b.ID, "ok", "") // its outputs are kept only outside of loops
		case len(b.Sends) == 0:
		case b.IsLoop() && b != st:
			it.loop(f, b, below)
		case b.Kind != nil:
			f.drop(b.ID, planfile.StatusLeftOut, r.Reason)
			for _, x := range below {
				x.put(f)
			}
		default:
			if err := it.steps(f, b, r, below); err != nil {
				return err
			}
			if err := it.a.settleOutputs(f, b, counted(below), r.Item); err != nil {
				return err
			}
		}
	}
	if st.Called != nil && st.IsLoop() {
		return it.a.settleOutputs(f, st, counted(mine), r.Item)
	}
	return nil
}

// loop gives a frame what a loop inside the iteration became.
func (it *iterationSettler) loop(f *frame, st *Step, below []final) {
	got, _ := f.steps[st.ID].(map[string]any)
	outs, _ := got["outputs"].(map[string]any)
	outs = maps.Clone(outs)
	if outs == nil {
		outs = map[string]any{}
	}
	c := counted(below)
	for _, status := range []string{planfile.StatusSent, planfile.StatusFailed, planfile.StatusUnknown, planfile.StatusSkipped} {
		outs[status] = c[status]
	}
	outs["planned"] = c[planfile.StatusSent] + c[planfile.StatusFailed] + c[planfile.StatusUnknown] + c[planfile.StatusSkipped]
	outs["leftOut"], outs["alreadySent"], outs["duplicates"] = c[planfile.StatusLeftOut], c[planfile.StatusAlreadySent], c[planfile.StatusDuplicate]
	if it.a.p.lateItems(st) {
		items := it.inner[st.ID]
		if items == nil {
			items = []any{}
		}
		outs["items"] = items
	}
	f.set(st.ID, worst(c), outs)
}

// counted counts sends by what became of them.
func counted(sends []final) map[string]int {
	counts := map[string]int{}
	for _, f := range sends {
		counts[f.status]++
	}
	return counts
}

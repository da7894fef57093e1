package engine

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"strings"

	"github.com/flowrunner/flowrunner/engine/planfile"
	"github.com/flowrunner/flowrunner/engine/step"
)

// loop plans every iteration of a forEach, in order.
func (p *planner) loop(ctx context.Context, st *Step, f *frame) ([]any, error) {
	v, err := st.ForEach.Eval(f.env)
	if err != nil {
		return nil, p.fail(st, f, err)
	}
	var in iter.Seq2[any, error]
	switch x := v.(type) {
	case step.Stream[any]:
		in = x.All()
	case []any:
		in = step.StreamList(x).All()
	default:
		return nil, p.fail(st, f, errors.New("forEach is nil, but a list is wanted"))
	}
	ref := streamRef{st.ID, "items"}
	out, err := p.itemsOut(st, f, ref)
	if err != nil {
		return nil, err
	}
	before, base := p.counts, p.unit
	var recs []any
	count, width, told := 0, p.width(st), 1
	if !contains(st, step.EffectRead) {
		told = 64 // such iterations take microseconds
	}
	var spent *frame
	err = ordered(ctx, in, width, func(ctx context.Context, i int, record any) (iteration, error) {
		inner := f.iteration(st, i, record, spent)
		if width == 1 && p.focus == nil {
			spent = inner // when the next one begins
		}
		if f.item == nil {
			inner.unit = base + int64(i) + 1
		}
		return p.iterate(ctx, st, inner, i)
	}, func(i int, it iteration) error {
		count++
		if f.item == nil {
			p.counts.Iterations++
			if count%told == 0 {
				p.emit(Event{Kind: EventProgress, Stage: p.stage, Step: st.ID, Done: count})
			}
			if err := p.flush(ctx, it.recs); err != nil {
				return err
			}
		} else {
			recs = append(recs, it.recs...)
		}
		return out.add(it.item)
	})
	if err != nil {
		return nil, p.fail(st, f, err)
	}
	outs, err := out.end()
	if err != nil {
		return nil, p.fail(st, f, err)
	}
	outs["count"] = count
	if len(st.Sends) > 0 && f.item == nil {
		c := minus(p.counts, before)
		// What an earlier run left unknown or refused is still unknown or failed.
		outs["planned"], outs["leftOut"] = c.Planned+c.Unknown+c.Refused, c.LeftOut
		outs["alreadySent"], outs["duplicates"] = c.AlreadySent, c.Duplicate
	}
	f.set(st.ID, "ok", outs)
	return recs, nil
}

// width is how many iterations are planned side by side. Where nothing is read,
// side by side gains nothing.
func (p *planner) width(st *Step) int {
	if p.final != nil || !contains(st, step.EffectRead) {
		return 1
	}
	return st.Concurrency
}

// iteration is what one iteration gives to the plan and to the loop's items.
type iteration struct {
	recs []any
	item map[string]any
}

// iterate plans one iteration.
func (p *planner) iterate(ctx context.Context, st *Step, f *frame, i int) (iteration, error) {
	status, reason := "ok", ""
	recs, err := p.once(ctx, st, f)
	p.focused(st, f)
	var left *leftOutError
	switch {
	case errors.As(err, &left):
		status, reason = "left_out", left.reason
		recs = p.leave(st, f, "skipped", reason)
		p.countLeftOut(left.step, reason, 1)
	case err != nil:
		return iteration{}, p.fail(st, f, err)
	default:
		if why, gone := f.absent[st.ID]; gone {
			status, reason = "left_out", why
		}
	}
	it := iteration{recs: recs}
	if it.item, err = p.item(st, f, i, status); err != nil {
		return it, p.fail(st, f, err)
	}
	if len(st.Sends) > 0 {
		rec := planfile.Item{Type: "item", Loop: st.ID, Unit: f.unit, Item: f.item, Reason: reason, Outputs: it.item}
		if status != "ok" {
			rec.Status = status
		}
		if len(st.capture) > 0 {
			rec.Scope = make(planfile.Members, len(st.capture))
		}
		for _, path := range st.capture {
			if _, bad := f.missing(needsOfPath(path)); !bad {
				rec.Scope[strings.Join(path, ".")] = f.lookup(path)
			}
		}
		it.recs = append(it.recs, rec)
	}
	return it, nil
}

func needsOfPath(path []string) []string {
	if len(path) > 1 && path[0] == "steps" {
		return path[1:2]
	}
	return nil
}

// item is the loop's record of an iteration, as far as it is known at plan.
func (p *planner) item(st *Step, f *frame, i int, status string) (map[string]any, error) {
	if len(st.Items) > 0 {
		return p.outputs(st.Items, f, false)
	}
	if len(st.Sends) > 0 {
		return nil, nil // made from the sends when they have settled
	}
	if st.Kind != nil && st.Kind.Effect != step.EffectLocal {
		got, _ := f.steps[st.ID].(map[string]any)
		outs := maps.Clone(got["outputs"].(map[string]any))
		for _, o := range st.Kind.Outputs() {
			v := outs[o.Name]
			if in, ok := v.(step.Stream[any]); ok {
				var err error
				if v, err = collect(streamRef{st.ID, o.Name}, in); err != nil {
					return nil, err
				}
			}
			outs[o.Name] = v
		}
		return outs, nil
	}
	return map[string]any{"index": i, "status": status}, nil
}

// itemsOut takes the records of a loop as far as anybody reads them at plan.
func (p *planner) itemsOut(st *Step, f *frame, ref streamRef) (*itemsOut, error) {
	out := &itemsOut{u: p.p.usage[ref], nested: f.item != nil}
	items, _ := step.ObjectOf(st.Outs...).Field("items")
	if items.Shape.HasOutcome() {
		out.u = nil // known when the sends have settled
	}
	if out.u != nil && !out.nested {
		var err error
		out.kept, err = p.keeping(ref, out.u)
		return out, err
	}
	return out, nil
}

// itemsOut is where a loop's records go.
type itemsOut struct {
	u      *usage
	nested bool
	kept   *keeping
	list   []any
}

func (o *itemsOut) add(item map[string]any) error {
	switch {
	case o.u == nil:
		return nil
	case o.nested:
		if len(o.list) == maxCollected {
			return fmt.Errorf("a loop inside a loop gives at most %d items to its outputs", maxCollected)
		}
		o.list = append(o.list, any(item))
		return nil
	}
	return o.kept.add(item)
}

func (o *itemsOut) end() (map[string]any, error) {
	outs := map[string]any{}
	switch {
	case o.u == nil:
	case o.nested:
		if o.list == nil {
			o.list = []any{}
		}
		outs["items"] = o.list
	default:
		if err := o.kept.give("", outs); err != nil {
			return nil, err
		}
	}
	return outs, nil
}

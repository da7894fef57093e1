package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/flowrunner/flowrunner/engine/planfile"
	"github.com/flowrunner/flowrunner/engine/step"
)

// blame makes an error of a lazy stream name the step that gives it, not the
// one that happens to read.
func (p *planner) blame(st *Step, f *frame, in step.Stream[any]) step.Stream[any] {
	return step.StreamOf(func(yield func(any, error) bool) {
		for v, err := range in.All() {
			if err != nil {
				yield(nil, p.fail(st, f, err))
				return
			}
			if !yield(v, nil) {
				return
			}
		}
	})
}

// consume lets a stream flow through, or spools or collects it, by the ways in
// which the program uses it.
func (p *planner) consume(ctx context.Context, st *Step, f *frame, name string, in step.Stream[any], outs map[string]any) error {
	ref := streamRef{st.ID, name}
	u := p.p.usage[ref]
	count := countField(st.Kind.Outputs, name)
	switch {
	case u == nil:
		outs[name] = in // nobody reads it, so nothing more is fetched
		return nil
	case f.item != nil:
		// Inside an iteration lists are small, or the limit says so.
		if u.direct == 1 && !u.list && !u.counted {
			outs[name] = in
			return nil
		}
		list, err := collect(ref, in)
		if err != nil {
			return err
		}
		outs[name] = list
		if count != "" {
			outs[count] = len(list)
		}
		return nil
	case u.list && !u.later:
		list, err := collect(ref, in)
		if err != nil {
			return err
		}
		outs[name] = list
		if count != "" {
			outs[count] = len(list)
		}
		return nil
	case !u.spooled() && !u.list:
		outs[name] = in
		return nil
	}
	sp, err := p.newSpool(ref)
	if err != nil {
		return err
	}
	for v, err := range in.All() {
		if err == nil {
			err = context.Cause(ctx)
		}
		if err == nil {
			err = sp.add(v)
		}
		if err == nil && u.later && p.w != nil {
			err = p.w.Write(planfile.Row{Type: "row", Stream: ref.step + "." + ref.output, Value: planfile.Value{V: v}})
		}
		if err != nil {
			return errors.Join(err, sp.done())
		}
		p.emit(Event{Kind: EventProgress, Stage: p.stage, Step: st.ID, Done: sp.count})
	}
	if err := sp.done(); err != nil {
		return err
	}
	return p.readSpool(ref, sp, u, count, outs)
}

// readSpool gives what reads a finished spool.
func (p *planner) readSpool(ref streamRef, sp *spool, u *usage, count string, outs map[string]any) error {
	outs[ref.output] = sp.stream()
	if count != "" {
		outs[count] = sp.count
	}
	if u.list {
		list, err := collect(ref, sp.stream())
		if err != nil {
			return err
		}
		outs[ref.output] = list
	}
	return nil
}

// countField finds the output that counts a stream.
func countField(fields []step.Field, stream string) string {
	for _, f := range fields {
		if f.Count == stream {
			return f.Name
		}
	}
	return ""
}

func streamName(id, param string, item []int) string {
	name := id + "/" + param
	for _, i := range item {
		name += fmt.Sprintf("/%d", i)
	}
	return name
}

// recordStream writes a stream into the plan. In an iteration, where records
// wait for their turn, it is collected instead.
func (p *planner) recordStream(ctx context.Context, mark planfile.StreamMark, f *frame, in step.Stream[any]) (any, error) {
	if f.item != nil {
		return collect(streamRef{string(mark), "rows"}, in)
	}
	for v, err := range in.All() {
		if err == nil {
			err = context.Cause(ctx)
		}
		if err == nil {
			err = p.w.Write(planfile.Row{Type: "row", Stream: string(mark), Value: planfile.Value{V: v}})
		}
		if err != nil {
			return nil, err
		}
	}
	return mark, nil
}

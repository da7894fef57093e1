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
	count := countField(st.Kind.Outputs(), name)
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
	case u.passes():
		outs[name] = in
		return nil
	}
	kept, err := p.keeping(ref, u)
	if err != nil {
		return err
	}
	for v, err := range in.All() {
		if err == nil {
			err = context.Cause(ctx)
		}
		if err == nil {
			err = kept.add(v)
		}
		if err != nil {
			return errors.Join(err, kept.done())
		}
		p.emit(Event{Kind: EventProgress, Stage: p.stage, Step: st.ID, Done: kept.count})
	}
	return kept.give(count, outs)
}

// keeping is a stream on its way to several readers, or to later ones. Those of
// this stage read a spool; those of later stages, of finally and of outputs read
// the plan.
type keeping struct {
	p     *planner
	ref   streamRef
	u     *usage
	sp    *spool // nil: nobody in this stage reads it
	count int
}

func (p *planner) keeping(ref streamRef, u *usage) (k *keeping, err error) {
	k = &keeping{p: p, ref: ref, u: u}
	if u.spooled() {
		k.sp, err = p.newSpool(ref)
	}
	return k, err
}

// add keeps one record.
func (k *keeping) add(v any) error {
	k.count++
	if k.u.later && k.p.w != nil {
		row := planfile.Row{Type: "row", Stream: k.ref.step + "." + k.ref.output, Value: planfile.Value{V: v}}
		if err := k.p.w.write(row); err != nil {
			return err
		}
	}
	if k.sp == nil {
		return nil
	}
	return k.sp.add(v)
}

// done ends the writing.
func (k *keeping) done() error {
	if k.sp == nil {
		return nil
	}
	return k.sp.done()
}

// give ends the writing and gives what reads the stream. count, if not "", is the
// output that says how many records it has.
func (k *keeping) give(count string, outs map[string]any) error {
	if err := k.done(); err != nil {
		return err
	}
	if count != "" {
		outs[count] = k.count
	}
	if k.sp == nil {
		outs[k.ref.output] = unread
		return nil
	}
	outs[k.ref.output] = k.sp.stream()
	if k.u.list {
		list, err := collect(k.ref, k.sp.stream())
		if err != nil {
			return err
		}
		outs[k.ref.output] = list
	}
	return nil
}

// unread stands in a frame for a stream that nobody of its stage reads.
var unread = step.StreamOf(func(yield func(any, error) bool) {
	yield(nil, errors.New("this stream is read in a later stage only"))
})

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
			err = p.w.write(planfile.Row{Type: "row", Stream: string(mark), Value: planfile.Value{V: v}})
		}
		if err != nil {
			return nil, err
		}
	}
	return mark, nil
}

package engine

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/flowrunner/flowrunner/engine/lang"
	"github.com/flowrunner/flowrunner/engine/planfile"
	"github.com/flowrunner/flowrunner/engine/step"
)

// reason renders why something was left out.
func (p *planner) reason(st *Step, f *frame) string {
	if st.Else != nil {
		if _, bad := f.missing(needsOf(st.Else.Refs())); !bad {
			if v, err := st.Else.Eval(f.env); err == nil {
				if s, ok := v.(string); ok && s != "" {
					return s
				}
			}
		}
	}
	return "if was false: " + strings.Join(strings.Fields(st.If.Source()), " ")
}

// step plans one step in a frame and returns the records that it adds to the
// plan. A loop at top level writes its own records as it goes.
func (p *planner) step(ctx context.Context, st *Step, f *frame) ([]any, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	if id, bad := f.missing(st.needs); bad {
		return p.leave(st, f, "skipped", "needs "+id), nil
	}
	if p.halted != "" && (contains(st, step.EffectRead) || len(st.Sends) > 0) {
		dropAll(st, f, "skipped", "the run stopped: "+p.halted)
		return nil, nil // nobody was left out: the stage is planned anew when the run goes on
	}
	if st.IsLoop() {
		return p.loop(ctx, st, f)
	}
	return p.once(ctx, st, f)
}

// once plans one execution of a step: a step without forEach, or one iteration.
func (p *planner) once(ctx context.Context, st *Step, f *frame) ([]any, error) {
	if st.If != nil {
		v, err := st.If.Eval(f.env)
		if err != nil {
			return nil, p.fail(st, f, err)
		}
		if v != true {
			reason := p.reason(st, f)
			p.visit(Visit{Step: st.ID, Item: f.item, If: IfFalse, Reason: reason})
			return p.leave(st, f, "skipped", reason), nil
		}
	}
	p.ran(st, f)
	if st.Kind == nil {
		if st.Called != nil {
			if err := p.enter(st, f); err != nil {
				return nil, p.fail(st, f, err)
			}
		}
		recs, err := p.body(ctx, st, f)
		if err != nil || st.IsLoop() && st.Called == nil {
			return recs, err
		}
		outs, err := p.outputs(st.gives(), f, false)
		if err != nil {
			return nil, p.fail(st, f, err)
		}
		f.set(st.ID, "ok", outs)
		return recs, nil
	}
	switch st.Kind.Effect {
	case step.EffectSend:
		return p.send(ctx, st, f)
	case step.EffectLocal:
		return p.local(ctx, st, f)
	}
	return nil, p.use(ctx, st, f)
}

func (p *planner) body(ctx context.Context, st *Step, f *frame) ([]any, error) {
	var recs []any
	for _, b := range st.Body {
		more, err := p.step(ctx, b, f)
		if err != nil {
			return nil, err
		}
		if f.item == nil {
			// Outside loops nothing waits for an iteration's end.
			if err := p.flush(ctx, more); err != nil {
				return nil, err
			}
			continue
		}
		recs = append(recs, more...)
	}
	return recs, nil
}

// leave records that a step and everything below it does not happen.
func (p *planner) leave(st *Step, f *frame, status, reason string) []any {
	dropAll(st, f, status, reason)
	var recs []any
	for _, send := range st.Sends {
		p.left(send, f, reason)
		recs = append(recs, &planfile.Send{
			Type: "send", Step: send.ID, Unit: f.unit, Item: f.item, Status: planfile.StatusLeftOut, Reason: reason, Contact: contactOf(send, f),
		})
	}
	return recs
}

// contactOf is the contact of a send that does not happen, 0 where that cannot
// be known: the send is in a loop that was not begun, or its contact comes from
// a step that did not run.
func contactOf(send *Step, f *frame) int {
	loops := 0
	for st := send; st != nil; st = st.Loop {
		if st.IsLoop() {
			loops++
		}
	}
	i := slices.IndexFunc(send.Args, func(a Arg) bool { return a.Field.Name == contactParam })
	if i < 0 || loops != len(f.item) || send.Args[i].Value == nil {
		return 0
	}
	x := send.Args[i].Value
	if _, bad := f.missing(needsOf(x.Refs())); bad {
		return 0
	}
	v, err := x.Eval(f.env)
	if err != nil {
		return 0 // it would have been this row's problem, had the row happened
	}
	contact, _ := v.(int)
	return contact
}

func dropAll(st *Step, f *frame, status, reason string) {
	f.drop(st.ID, status, reason)
	for _, b := range st.Body {
		dropAll(b, f, status, reason)
	}
}

// fail dresses an error with the step and the row.
func (p *planner) fail(st *Step, f *frame, err error) error {
	var se *StepError
	if errors.As(err, &se) || errors.Is(err, context.Canceled) {
		return err
	}
	out := &StepError{Step: st.ID, Item: f.item, Span: st.placeOf(err), Err: err}
	var ee *lang.EvalError
	if errors.As(err, &ee) {
		out.Span = ee.Span
	}
	return out
}

// outputs evaluates named expressions; those that need a step that did not run
// are nil, as are, unless late, those that wait for an outcome.
func (p *planner) outputs(list []Output, f *frame, late bool) (map[string]any, error) {
	outs := make(map[string]any, len(list))
	for _, o := range list {
		outs[o.Name] = nil
		if _, bad := f.missing(o.needs); bad || o.Outcome && !late {
			continue
		}
		v, err := o.Value.Eval(f.env)
		if err != nil {
			return nil, err
		}
		if in, ok := v.(step.Stream[any]); ok {
			if v, err = collect(streamRef{"", o.Name}, in); err != nil {
				return nil, err
			}
		}
		outs[o.Name] = v
	}
	return outs, nil
}

// use runs a compute or read kind.
func (p *planner) use(ctx context.Context, st *Step, f *frame) error {
	args, err := f.args(st, nil)
	if err != nil {
		return p.fail(st, f, err)
	}
	outs, err := p.runKind(ctx, st, f, args)
	if err != nil {
		err = p.fail(st, f, err)
		var stops *step.Failure
		if st.OnError == OnErrorContinue && !(errors.As(err, &stops) && stops.Stops()) && context.Cause(ctx) == nil {
			var assert *step.AssertError
			if errors.As(err, &assert) && f.item != nil {
				return &leftOutError{step: st.ID, reason: assert.Message}
			}
			p.emit(Event{Kind: EventWarning, Step: st.ID, Text: withoutStep(err)})
			f.drop(st.ID, "failed", err.Error())
			return nil
		}
		return err
	}
	f.set(st.ID, "ok", outs)
	return nil
}

// leftOutError leaves one iteration out.
type leftOutError struct{ step, reason string }

func (e *leftOutError) Error() string { return e.reason }

// runKind calls a kind and settles how each stream that it gives is consumed.
func (p *planner) runKind(ctx context.Context, st *Step, f *frame, args map[string]any) (map[string]any, error) {
	h := &host{s: p.session, st: st, leftOut: func(reason string, n int) { p.countLeftOut(st.ID, reason, n) }}
	if outs, ok, err := p.mocked(st, f, args); ok || err != nil {
		if err != nil {
			return nil, err
		}
		return outs, p.consumeAll(ctx, st, f, outs, func(in step.Stream[any]) step.Stream[any] { return in })
	}
	if st.Kind.Connected {
		var err error
		if h.conn, err = p.connection(st); err != nil {
			return nil, err
		}
	}
	if err := p.secretArgs(st, f.env, args); err != nil {
		return nil, err
	}
	if p.o.Sandbox != nil {
		ctx = step.Offline(ctx)
	}
	call := st.call
	call.Wanted, call.Whole = p.p.wanted[st.ID], p.p.wholeOf(st)
	ctx, watch := watched(step.WithCall(step.WithHost(ctx, h), call), st.Timeout)
	outs, err := st.Kind.Run(ctx, args)
	watch.pause()
	if err != nil {
		watch.end()
		return nil, watch.explain(err)
	}
	streams := 0
	err = p.consumeAll(ctx, st, f, outs, func(in step.Stream[any]) step.Stream[any] {
		streams++
		return watch.stream(p.blame(st, f, in))
	})
	if err != nil {
		return nil, err
	}
	if streams == 0 {
		watch.end()
	}
	return outs, nil
}

// consumeAll settles how each stream of outs is consumed; watched dresses it
// first.
func (p *planner) consumeAll(ctx context.Context, st *Step, f *frame, outs map[string]any, watched func(step.Stream[any]) step.Stream[any]) error {
	for _, field := range st.Kind.Outputs() {
		if in, ok := outs[field.Name].(step.Stream[any]); ok {
			if err := p.consume(ctx, st, f, field.Name, watched(in), outs); err != nil {
				return err
			}
		}
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// maxReasons is how many reasons of one step a plan counts apart from each other: an
// `else` may name another one for each record. Each row keeps its own.
const maxReasons = 100

func (p *planner) countLeftOut(id, reason string, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	k := leftOutKey{id, reason}
	if p.leftOut[k] == 0 {
		if p.reasons[id]++; p.reasons[id] > maxReasons {
			k.reason = "other reasons"
		}
	}
	if p.leftOut[k] == 0 {
		p.order = append(p.order, k)
	}
	p.leftOut[k] += n
}

// local plans a local step: its arguments are settled now, it happens in apply.
func (p *planner) local(ctx context.Context, st *Step, f *frame) ([]any, error) {
	args, err := f.args(st, nil)
	if err != nil {
		return nil, p.fail(st, f, err)
	}
	if p.final != nil {
		return nil, p.final.localNow(ctx, st, f, args)
	}
	rec := planfile.Local{Type: "local", Step: st.ID, Unit: f.unit, Item: f.item, Args: args}
	for name, v := range args {
		if in, ok := v.(step.Stream[any]); ok {
			// Its rows go into the plan, so that apply needs nothing else.
			mark := planfile.StreamMark(streamName(st.ID, name, f.item))
			if v, err = p.recordStream(ctx, mark, f, in); err != nil {
				return nil, p.fail(st, f, err)
			}
			args[name] = v
		}
	}
	outs := map[string]any{}
	for _, o := range st.Kind.Outputs() {
		outs[o.Name] = nil
	}
	f.set(st.ID, "ok", outs)
	return []any{rec}, nil
}

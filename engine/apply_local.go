package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/flowrunner/flowrunner/engine/planfile"
	"github.com/flowrunner/flowrunner/engine/step"
)

// localNow performs a local step of finally.
func (a *applier) localNow(ctx context.Context, st *Step, f *frame, args map[string]any) error {
	outs, err := a.runLocal(ctx, st, args)
	if err != nil {
		a.localFailed(st, f.item, err)
		f.drop(st.ID, "failed", err.Error())
		return nil
	}
	f.set(st.ID, "ok", outs)
	return nil
}

// local performs a local step of the plan, once over all lives of the run; that of a
// plan which holds for one life alone, once in that. After the second interrupt
// nothing is performed.
func (a *applier) local(ctx context.Context, r planfile.Local, rows *planRows) {
	st := a.p.byID[r.Step]
	switch {
	case st == nil:
		return
	case a.done.has(r.Seq):
		if r.Unit == 0 {
			a.root.set(st.ID, "ok", a.gave[r.Seq])
		}
		return
	case ctx.Err() != nil:
		if r.Unit == 0 {
			a.root.drop(st.ID, "skipped", "the run stopped: "+a.stopReason())
		}
		return
	}
	args := map[string]any{}
	for name, v := range r.Args {
		args[name] = planfile.InZone(v, a.p.Zone)
		if mark, ok := v.(planfile.StreamMark); ok && rows != nil {
			args[name] = rows.stream(string(mark))
		}
	}
	outs, err := a.runLocal(ctx, st, args)
	if err != nil {
		a.localFailed(st, r.Item, err)
		if r.Unit == 0 {
			a.root.drop(st.ID, "failed", err.Error())
		}
		return
	}
	mark := map[string]any{"seq": int(r.Seq)}
	if r.Unit == 0 {
		a.root.set(st.ID, "ok", outs)
		mark["outputs"] = outs
	}
	if !a.halted {
		a.markDone(mark)
	}
}

func (a *applier) runLocal(ctx context.Context, st *Step, args map[string]any) (map[string]any, error) {
	h := &host{s: a.session, st: st}
	ctx = step.WithCall(step.WithHost(context.WithoutCancel(ctx), h), st.call)
	outs, err := st.Kind.Run(ctx, args)
	if err == nil {
		a.emit(Event{Kind: EventLocal, Step: st.ID})
	}
	return outs, err
}

func (a *applier) localFailed(st *Step, item []int, err error) {
	se := &StepError{Step: st.ID, Item: item, Span: st.Span, Err: err}
	if st.OnError == OnErrorContinue {
		a.emit(Event{Kind: EventWarning, Step: st.ID, Text: withoutStep(se)})
		return
	}
	a.stop(CauseStep, se.Error(), "")
}

// markDone remembers that a local step was performed and what it gave, so that resume
// does not perform it again. A crash between the two performs it twice.
func (a *applier) markDone(mark map[string]any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	line, err := planfile.Value{V: mark}.AppendLine(nil)
	if err == nil {
		err = appendDurably(a.donePath(), line)
	}
	if err != nil {
		a.result.Warnings = append(a.result.Warnings, "a finished local step could not be remembered: "+err.Error())
	}
}

func (a *applier) donePath() string { return filepath.Join(a.dir, "done.jsonl") }

func appendDurably(path string, line []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(line)
	return errors.Join(err, f.Sync(), f.Close())
}

// readDone reads what markDone wrote. A mark that was cut off is taken away, or the
// next one would be written into it.
func (a *applier) readDone() error {
	b, err := os.ReadFile(a.donePath())
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	whole := b[:bytes.LastIndexByte(b, '\n')+1]
	if err == nil && len(whole) < len(b) {
		err = os.Truncate(a.donePath(), int64(len(whole)))
	}
	if err != nil {
		return fmt.Errorf("read what was done: %w", err)
	}
	for v, err := range planfile.Values(bytes.NewReader(whole)) {
		mark, _ := v.(map[string]any)
		seq, ok := mark["seq"].(int)
		if err != nil || !ok {
			return fmt.Errorf("read what was done: %s was changed", a.donePath())
		}
		a.done.add(int64(seq))
		if outs, ok := mark["outputs"].(map[string]any); ok {
			planfile.InZone(outs, a.p.Zone)
			a.gave[int64(seq)] = outs
		}
	}
	return nil
}

// finally runs finally and outputs. They are not run after the second Ctrl-C.
func (a *applier) finally(ctx context.Context) {
	if ctx.Err() != nil {
		return
	}
	p := &planner{session: a.session, stage: a.p.Stages, final: a, leftOut: map[leftOutKey]int{}, reasons: map[string]int{}}
	for _, st := range a.p.Finally {
		if _, err := p.step(ctx, st, a.root); err != nil {
			a.stop(CauseOf(err), err.Error(), Hint(err))
			a.root.drop(st.ID, "failed", err.Error())
		}
	}
	outs, err := p.outputs(a.p.Outputs, a.root, true)
	if err != nil {
		a.stop(CauseStep, "outputs: "+err.Error(), "")
		return
	}
	for _, o := range a.p.Outputs {
		a.result.Outputs = append(a.result.Outputs, NamedValue{o.Name, outs[o.Name]})
	}
}

package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

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

// local performs a local step of the plan, once over all lives of the run.
func (a *applier) local(ctx context.Context, r planfile.Local, rows *planRows) {
	st := a.p.byID[r.Step]
	if st == nil || a.done[r.Seq] {
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
	if r.Unit == 0 {
		a.root.set(st.ID, "ok", outs)
	}
	a.markDone(r.Seq)
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

// markDone remembers that a local step was performed, so that resume does not
// perform it again. A crash between the two performs it twice.
func (a *applier) markDone(seq int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f, err := os.OpenFile(filepath.Join(a.dir, "done.jsonl"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = fmt.Fprintf(f, "%d\n", seq)
		err = errors.Join(err, f.Sync(), f.Close())
	}
	if err != nil {
		a.result.Warnings = append(a.result.Warnings, "a finished local step could not be remembered: "+err.Error())
	}
}

func (a *applier) readDone() error {
	b, err := os.ReadFile(filepath.Join(a.dir, "done.jsonl"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read what was done: %w", err)
	}
	for line := range strings.SplitSeq(string(b), "\n") {
		var seq int64
		if json.Unmarshal([]byte(line), &seq) == nil {
			a.done[seq] = true
		}
	}
	return nil
}

// finally runs finally and outputs. They are not run after the second Ctrl-C.
func (a *applier) finally(ctx context.Context) {
	if ctx.Err() != nil {
		return
	}
	p := &planner{session: a.session, stage: a.p.Stages, final: a, leftOut: map[leftOutKey]int{}}
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

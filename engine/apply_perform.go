package engine

import (
	"context"
	"fmt"
	"strings"

	"github.com/flowrunner/flowrunner/engine/guard"
	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/planfile"
	"github.com/flowrunner/flowrunner/engine/step"
)

// unit is what must happen in order: the sends and local steps of one
// iteration.
type unit struct {
	id      int64
	actions []action
}

// action is either a send or a local step.
type action struct {
	send  *planfile.Send
	local *planfile.Local
}

// perform reads one plan as a stream and performs it.
func (a *applier) perform(ctx context.Context, plan planfile.Plan) error {
	err := a.suppressed.comparable(plan)
	if err == nil {
		err = a.remember(ctx, plan)
	}
	if err != nil {
		return err
	}
	a.halted = plan.Head.Halted != ""
	a.result.Warnings = append(a.result.Warnings, plan.End.Warnings...)
	a.rails = guard.NewRails(plan.End.Counts.Planned, a.p.Guard.StopIf)
	rows := newPlanRows(a.session, plan.Path)
	pool := &pool{do: func(u unit) { a.unit(ctx, u) }}
	defer pool.end()
	var current unit
	submit := func() {
		a.submit(pool, current)
		current = unit{}
	}
	settle := func() error {
		submit()
		return a.afterTheRest(ctx, plan.Path, pool)
	}
	for line, err := range planfile.Lines(plan.Path) {
		var rec any
		switch {
		case err != nil:
		case line.Type == "row":
			err = rows.add(line)
		case line.Type != "item": // an iteration is looked at once it has settled
			rec, err = line.Record()
		}
		if err != nil {
			return err
		}
		switch r := rec.(type) {
		case planfile.Send:
			a.lastSeq, a.lastUnit = r.Seq, max(a.lastUnit, r.Unit)
			if err := a.renew(ctx, &r); err != nil {
				return err
			}
			a.planned(&r)
			if r.Status != planfile.StatusPlanned {
				r.Args = nil
			}
			if r.Unit == 0 {
				if err := settle(); err != nil {
					return err
				}
			}
			if r.Unit == 0 || r.Unit != current.id {
				submit()
				a.widen(pool, r.Step)
				current.id = r.Unit
			}
			current.actions = append(current.actions, action{send: &r})
			if r.Unit == 0 {
				submit()
				pool.wait()
			}
		case planfile.Local:
			a.lastSeq, a.lastUnit = r.Seq, max(a.lastUnit, r.Unit)
			if r.Unit != 0 {
				if r.Unit != current.id {
					submit()
					a.widen(pool, r.Step)
					current.id = r.Unit
				}
				current.actions = append(current.actions, action{local: &r})
				continue
			}
			if err := settle(); err != nil {
				return err
			}
			a.local(ctx, r, rows)
		case planfile.Step:
			if err := settle(); err != nil {
				return err
			}
			a.restore(r)
		case planfile.LeftOut:
			a.result.LeftOut = append(a.result.LeftOut, r)
		case planfile.End:
			a.result.Later = r.Later
		}
	}
	if err := settle(); err != nil {
		return err
	}
	return rows.publish(a.root)
}

// width is how many units of a step's outermost loop go side by side.
func (p *Program) width(id string) int {
	n := 1
	for s := p.byID[id]; s != nil; s = s.Loop {
		if s.IsLoop() {
			n = s.Concurrency
		}
	}
	return n
}

// planned counts what the plan says of a send.
func (a *applier) planned(r *planfile.Send) {
	a.mu.Lock()
	defer a.mu.Unlock()
	c := a.stepCounts(r.Step)
	for _, to := range []*ledger.Counts{&a.counts, &c.Counts} {
		switch r.Status {
		case planfile.StatusPlanned:
			to.Planned++
		case planfile.StatusAlreadySent:
			to.AlreadySent++
		case planfile.StatusDuplicate:
			to.Duplicate++
		case planfile.StatusLeftOut:
			to.LeftOut++
		}
	}
	switch r.Status {
	case planfile.StatusUnknown:
		a.result.StillUnknown++
	case planfile.StatusRefused:
		a.result.StillRefused++
	}
}

func (a *applier) stepCounts(id string) *StepCounts {
	c := a.steps[id]
	if c == nil {
		c = &StepCounts{Step: id}
		a.steps[id] = c
		a.result.Steps = append(a.result.Steps, c)
	}
	return c
}

// restore puts back what planning knew of a step.
func (a *applier) restore(r planfile.Step) {
	st := a.p.byID[r.Step]
	if st == nil {
		return
	}
	a.p.restoreInputs(r, a.root)
	if _, gone := a.root.absent[r.Step]; gone && st.Effect() == step.EffectLocal && st.Kind != nil && !st.IsLoop() {
		return // a local step that failed when it was performed
	}
	if r.Reason != "" || r.Status == "skipped" || r.Status == "failed" {
		a.root.drop(r.Step, r.Status, r.Reason)
		return
	}
	outs := map[string]any{}
	if got, ok := a.root.steps[r.Step].(map[string]any); ok && st.Effect() == step.EffectLocal && st.Kind != nil && !st.IsLoop() {
		// A local step has given its outputs when it was performed.
		outs, _ = got["outputs"].(map[string]any)
	}
	for name, v := range r.Outputs {
		if _, ok := outs[name]; !ok {
			outs[name] = planfile.InZone(v, a.p.Zone)
		}
	}
	a.root.set(r.Step, r.Status, outs)
}

// unit performs one iteration in order.
func (a *applier) unit(ctx context.Context, u unit) {
	waits := false // for hours: what comes after it in the iteration does too
	u.walk(func(r *planfile.Send, why string) string {
		switch {
		case r.Status != planfile.StatusPlanned:
			return r.Status
		case waits && why == "":
			a.later.put(r.Seq, nil)
			return statusDeferred
		}
		status := a.send(ctx, r, why)
		waits = waits || status == statusDeferred
		return status
	}, func(r planfile.Local) {
		switch {
		case a.stopReason() != "":
		case waits:
			a.later.put(r.Seq, nil)
		default:
			a.local(ctx, r, nil)
		}
	})
}

// walk goes through an iteration in order. It tells each send what keeps it back,
// "" when nothing does, and learns what became of it.
func (u unit) walk(send func(r *planfile.Send, why string) string, local func(planfile.Local)) {
	type gone struct {
		item   []int
		reason string
	}
	var blocked []gone
	for _, act := range u.actions {
		r := act.send
		if r == nil {
			local(*act.local)
			continue
		}
		why := ""
		for _, b := range blocked {
			if planfile.SameIteration(b.item, r.Item) {
				why = b.reason
				break
			}
		}
		switch status := send(r, why); status {
		case planfile.StatusSent, planfile.StatusAlreadySent:
		case statusDeferred:
		case planfile.StatusLeftOut:
			// Its own `if` said no: that is a choice, not a failure.
		default:
			if why == "" {
				why = fmt.Sprintf("%s was not sent (%s)", r.Step, strings.ReplaceAll(status, "_", " "))
			}
			blocked = append(blocked, gone{r.Item, why})
		}
	}
}

package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/flowrunner/flowrunner/engine/guard"
	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/planfile"
	"github.com/flowrunner/flowrunner/engine/step"
)

// How often and how long a send that surely did not go out is tried again.
const (
	maxTries    = 5
	maxTrying   = 10 * time.Minute
	firstPause  = time.Second
	maxPause    = time.Minute
	intentFence = 10 * time.Second // an intent older than this is dropped, not sent
)

// send brings one planned send to an outcome and returns its status. why, when
// not empty, is what keeps it from being tried.
func (a *applier) send(ctx context.Context, r *planfile.Send, why string) string {
	if why != "" {
		return a.notTried(r, why)
	}
	st := a.p.byID[r.Step]
	id, err := ledger.ParseIdentity(r.Identity)
	if err != nil || st == nil || st.Kind == nil || st.Kind.Effect != step.EffectSend {
		a.stop(CauseStep, fmt.Sprintf("row %d of the plan is no send of this flow", r.Seq), "plan again")
		return planfile.StatusSkipped
	}
	conn, err := a.connection(st)
	if err != nil {
		a.stop(CauseOf(err), err.Error(), Hint(err))
		return planfile.StatusSkipped
	}
	args := make(map[string]any, len(r.Args))
	for name, v := range r.Args {
		args[name] = v.V
	}
	ctx = step.WithHost(ctx, &host{s: a.session, st: st, conn: conn})
	t := try{a: a, r: r, st: st, id: id, args: args}
	return t.run(ctx)
}

// notTried records a planned send that an earlier one of its iteration keeps
// from being tried.
func (a *applier) notTried(r *planfile.Send, why string) string {
	a.settled(r, planfile.StatusSkipped, why, 0)
	a.mu.Lock()
	a.behind[r.Seq] = true
	a.mu.Unlock()
	return planfile.StatusSkipped
}

// try is one send on its way: gate, intent, fence, one attempt, outcome.
type try struct {
	a    *applier
	r    *planfile.Send
	st   *Step
	id   ledger.Identity
	args map[string]any
	lane lane // from before the intent until the answer
}

func (t *try) run(ctx context.Context) string {
	a, began, pause := t.a, t.a.o.clock(), firstPause
	if rec, ok := t.decided(ctx); ok {
		return t.known(rec)
	}
	if status, ok := t.open(); !ok {
		return status
	}
	if !a.canary.enter() {
		return planfile.StatusSkipped
	}
	defer a.canary.leave()
	t.lane = a.enter()
	defer t.lane.leave()
	for n := 1; ; n++ {
		if a.stopReason() != "" {
			return planfile.StatusSkipped
		}
		if status, ok := t.open(); !ok {
			return status
		}
		ready, err := a.gate(ctx)
		if err != nil || a.stopReason() != "" {
			return planfile.StatusSkipped
		}
		if t.closedNow() {
			n-- // it was not tried
			continue
		}
		if why := t.refused(ctx); why != "" {
			return a.notTried(t.r, why)
		}
		status, again, wait := t.once(ready)
		if again == nil {
			return status
		}
		// It surely did not go out.
		why := "the API could not be reached: " + again.Reason
		if again.Reason == stoodStillReason {
			// The time that the machine slept was no time of trying.
			began, why = a.o.clock(), again.Reason
		}
		if n >= maxTries || a.o.clock().Sub(began) > maxTrying {
			a.stop(CauseOf(again), why, again.Hint)
			return planfile.StatusSkipped
		}
		a.emit(Event{Kind: EventWaiting, Step: t.r.Step, Seq: t.r.Seq, Text: again.Reason})
		if err := a.sleep(max(wait, pause)); err != nil {
			return planfile.StatusSkipped
		}
		pause = min(2*pause, maxPause)
	}
}

// decided is the outcome that an earlier life of the run has brought. It needs no
// call, so no rail looks at it.
func (t *try) decided(ctx context.Context) (rec ledger.Record, ok bool) {
	if !t.a.o.Resume {
		return rec, false
	}
	rec, ok, err := t.a.o.Store.Find(ctx, t.id)
	return rec, err == nil && ok && (rec.State == ledger.Sent || rec.State == ledger.Refused)
}

// gate waits for leave to make one call. A wait ends early when the run is being
// stopped: nothing has been written down yet.
func (a *applier) gate(ctx context.Context) (context.Context, error) {
	if why := a.monthSpent(); why != "" {
		a.stop(CauseGuard, why, monthHint)
		return nil, errMonthSpent
	}
	if a.o.Gate == nil {
		return ctx, nil
	}
	ready, err := a.o.Gate(detached{Context: a.patience, values: ctx})
	if err != nil {
		if a.stopReason() == "" && ctx.Err() == nil {
			a.stop(CauseOf(err), err.Error(), Hint(err))
		}
		return nil, err
	}
	// The leave counts on after the drain began; the wait's end does not.
	return detached{Context: ctx, values: ready}, nil
}

// detached is a context with the values of another.
type detached struct {
	context.Context
	values context.Context
}

// Value looks in the other context.
func (d detached) Value(key any) any { return d.values.Value(key) }

// sleep ends early when the run is being stopped.
func (a *applier) sleep(d time.Duration) error { return a.o.sleep(a.patience, d) }

// untilDrained ends with ctx or with drain, whichever comes first.
func untilDrained(ctx, drain context.Context) (context.Context, func()) {
	wait, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(drain, func() { cancel(context.Cause(drain)) })
	return wait, func() { stop(); cancel(nil) }
}

// once makes one attempt. A failure is returned only when the send surely did
// not go out and may be tried again.
func (t *try) once(ctx context.Context) (status string, again *step.Failure, wait time.Duration) {
	a, at := t.a, t.a.o.clock()
	content, err := ledger.ParseIdentity(t.r.Content)
	if err == nil {
		err = a.o.Store.Intend(ctx, ledger.Intention{
			Identity: t.id, Run: a.result.Run.ID, Seq: t.r.Seq, Step: t.r.Remembered(), Period: t.r.Period,
			Contact: t.r.Contact, Person: personOf(t.r.Person), Class: a.p.classOf(t.r.Internal),
			Account: t.r.Account, Caps: a.caps(), ContentHash: content, At: at,
		})
	}
	if err != nil {
		return t.notIntended(ctx, err), nil, 0
	}
	if stoodStill(at, a.o.clock()) > intentFence {
		f := &step.Failure{Delivery: step.NotSent, Reason: stoodStillReason}
		t.settle(ledger.NotSent, f.Reason, 0)
		return "", f, 0
	}
	outs, err := t.st.Kind.Do(ctx, t.args, step.Attempt{ExternalID: t.id.ExternalID(), At: at})
	if err == nil {
		t.lane.leave() // the next one needs its own intent, not this one's outcome
		id, _ := outs["messageId"].(int)
		return t.outcome(ledger.Sent, "", id), nil, 0
	}
	f := failureOf(err)
	//exhaustive:enforce
	switch f.Delivery {
	case step.NotSent:
	case step.Refused:
		if !f.Stops() {
			status := t.outcome(ledger.Refused, f.Reason, 0)
			if t.st.OnError == OnErrorStop {
				a.stop(CauseStep, fmt.Sprintf("step %s: %s", t.st.ID, f.Reason), f.Hint)
			}
			return status, nil, 0
		}
	case step.Unknown:
		status := t.outcome(ledger.Unknown, f.Reason, 0)
		if f.Stops() {
			a.stop(CauseOf(f), f.Reason, f.Hint)
		}
		return status, nil, 0
	}
	t.settle(ledger.NotSent, f.Reason, 0)
	if f.Stops() {
		a.stop(CauseOf(f), f.Reason, f.Hint)
		return planfile.StatusSkipped, nil, 0
	}
	return "", f, f.RetryAfter
}

// notIntended is what becomes of a send whose intent the ledger has not taken.
func (t *try) notIntended(ctx context.Context, err error) (status string) {
	var conflict *ledger.ConflictError
	var capped *ledger.CapError
	switch {
	case errors.As(err, &capped):
		return t.a.notTried(t.r, capped.Cap.Reason)
	case errors.As(err, &conflict):
		return t.known(conflict.Record)
	case ctx.Err() == nil:
		t.a.stop(CauseStep, err.Error(), "")
	}
	return planfile.StatusSkipped
}

// stoodStillReason is why an intent was dropped that had become too old.
const stoodStillReason = "this process stood still between its intent and the send"

// stoodStill is how long ago an intent was made, by whichever of the two clocks
// saw more: the monotonic one does not go on while a machine sleeps, and the wall
// clock may be set back. Too much costs another intent; too little, an old message.
func stoodStill(at, now time.Time) time.Duration {
	return max(now.Sub(at), now.Round(0).Sub(at.Round(0)))
}

// failureOf reads a classified error. What nobody classified is unknown.
func failureOf(err error) *step.Failure {
	var f *step.Failure
	if errors.As(err, &f) {
		return f
	}
	return &step.Failure{Delivery: step.Unknown, Reason: err.Error(), Err: err}
}

// known is the outcome that another attempt has left in the ledger. It is this
// run's own when the run goes on after an interruption.
func (t *try) known(rec ledger.Record) string {
	status, reason := planfile.StatusUnknown, rec.Reason
	//exhaustive:enforce
	switch rec.State {
	case ledger.Sent:
		status, reason = planfile.StatusSent, ""
	case ledger.Refused:
		status = planfile.StatusFailed
	case ledger.Intent, ledger.Unknown:
	case ledger.Planned, ledger.NotSent:
		// The ledger refuses no attempt from these; if it did, nobody would know.
	}
	if rec.Run != t.a.result.Run.ID {
		reason = "settled by run " + rec.Run
	}
	t.a.settled(t.r, status, reason, rec.MessageID)
	return status
}

// settle records an outcome durably.
func (t *try) settle(state ledger.State, reason string, message int) bool {
	o := ledger.Outcome{
		Identity: t.id, Run: t.a.result.Run.ID, State: state, MessageID: message, Reason: reason, At: t.a.o.clock(),
	}
	err := t.a.o.Store.Settle(context.Background(), o)
	if err == nil {
		return true
	}
	var claimed *ledger.ClaimedError
	if errors.As(err, &claimed) {
		// Two sends have never one message: which of the two went out, nobody knows.
		o.State, o.MessageID, o.Reason = ledger.Unknown, 0, claimed.Error()
		if t.a.o.Store.Settle(context.Background(), o) == nil {
			return false
		}
	}
	t.a.stop(CauseStep, "the outcome of a send could not be recorded: "+err.Error(), "")
	return false
}

// outcome records an outcome and counts it. What could not be recorded is
// unknown, whatever was seen: the ledger's word is the one that counts.
func (t *try) outcome(state ledger.State, reason string, message int) string {
	if !t.settle(state, reason, message) {
		state, reason, message = ledger.Unknown, "its outcome could not be recorded as what it was", 0
	}
	status, verdict := planfile.StatusUnknown, guard.Unknown
	//exhaustive:enforce
	switch state {
	case ledger.Sent:
		status, verdict = planfile.StatusSent, guard.Sent
	case ledger.Refused:
		status, verdict = planfile.StatusFailed, guard.Failed
	case ledger.Unknown, ledger.Intent, ledger.Planned, ledger.NotSent:
	}
	t.a.settled(t.r, status, reason, message)
	t.a.canary.note(t.st, state, message)
	if why := t.a.rails.Count(verdict); why != "" {
		t.a.stop(CauseGuard, why, "look at `flowrunner runs show`; the same command goes on where this run stopped")
	}
	return status
}

// settled counts and reports a send that has its final status for this run.
func (a *applier) settled(r *planfile.Send, status, reason string, message int) {
	a.mu.Lock()
	c := a.stepCounts(r.Step)
	for _, to := range []*ledger.Counts{&a.counts, &c.Counts} {
		switch status {
		case planfile.StatusSent:
			to.Sent++
		case planfile.StatusFailed:
			to.Failed++
		case planfile.StatusUnknown:
			to.Unknown++
		}
	}
	if status == planfile.StatusSkipped {
		a.blocked[r.Seq] = reason
	}
	done := a.counts.Sent + a.counts.Failed + a.counts.Unknown
	total := a.counts.Planned
	if status != planfile.StatusSent && len(a.result.Problems) < maxProblems {
		a.result.Problems = append(a.result.Problems, Problem{Step: r.Step, Contact: r.Contact, Status: status, Reason: reason, seq: r.Seq})
	}
	e := Event{
		At: a.o.clock(), Kind: EventSettled, Step: r.Step, Seq: r.Seq, Contact: r.Contact, Status: status,
		Message: message, Text: reason,
	}
	a.log.write(e)
	a.mu.Unlock()
	e.Done, e.Total = done, total
	a.emit(e)
}

// tell says what happens to the run as a whole, and writes it down.
func (a *applier) tell(e Event) {
	e.At = a.o.clock()
	a.mu.Lock()
	a.log.write(e)
	a.mu.Unlock()
	a.emit(e)
}

// divert sends a few of the planned messages to one contact. Nothing of it
// touches the identities of the people it was planned for.
func (a *applier) divert(ctx context.Context, path string) (*Result, error) {
	a.rails = guard.NewRails(a.o.Divert.Sample, nil)
	n := 0
	for rec, err := range planfile.Records(path) {
		if err != nil {
			return nil, err
		}
		r, ok := rec.(planfile.Send)
		if !ok || r.Status != planfile.StatusPlanned || n == a.o.Divert.Sample {
			continue
		}
		st := a.p.byID[r.Step]
		if _, ok := st.Kind.Param(contactParam); !ok {
			continue
		}
		n++
		r.Args[contactParam] = planfile.Value{V: a.o.Divert.Contact}
		r.Contact, r.Internal, r.Person = a.o.Divert.Contact, true, "" // a look at the texts: it counts for nobody
		r.Identity = ledger.Key{
			Account: r.Account, Flow: a.head.Flow, Campaign: divertCampaign(a.head.Run), Step: r.Step, Key: fmt.Sprint(n),
		}.Identity().String()
		a.planned(&r)
		a.send(ctx, &r, "")
	}
	return a.finish(ctx)
}

const contactParam = step.ContactParam

func divertCampaign(run string) string { return "divert/" + run }

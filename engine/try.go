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

// try is one send on its way: gate, intent, fence, one attempt, outcome. The intent
// of a spare comes before the gate.
type try struct {
	a        *applier
	r        *planfile.Send
	st       *Step
	id       ledger.Identity
	args     map[string]any
	lane     lane
	intended time.Time // when the intent was made that no attempt has followed yet; zero: there is none
	leave    bool      // of the gate, not given back yet
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
	t.lane = a.lanes.enter()
	defer t.lane.leave()
	defer t.giveLeave()
	for n := 1; ; n++ {
		if a.stopReason() != "" {
			return planfile.StatusSkipped
		}
		if status, ok := t.open(); !ok {
			return status
		}
		if status, ok := t.mayCall(ctx); !ok {
			return status
		}
		ready, err := t.gate(ctx)
		if err != nil || a.stopReason() != "" {
			t.withdraw(tooEarlyReason)
			return planfile.StatusSkipped
		}
		if t.closedNow() {
			t.withdraw(tooEarlyReason)
			n-- // it was not tried
			continue
		}
		if t.old(spareLife) {
			t.withdraw(tooEarlyReason)
		}
		if t.intended.IsZero() {
			if status, ok := t.intend(ready); !ok {
				return status
			}
		}
		status, again, wait := t.once(ready)
		t.giveLeave()
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

// mayCall waits for leave to call, as far as the lanes are concerned. A spare makes
// its intent meanwhile, and takes it back when that takes long or the run is being
// stopped.
func (t *try) mayCall(ctx context.Context) (status string, ok bool) {
	if t.lane.calling {
		return "", true
	}
	if t.lane.early() {
		if status, ok := t.intend(ctx); !ok {
			return status, false
		}
		if t.lane.call(t.a.patience, spareLife) {
			return "", true
		}
		t.withdraw(tooEarlyReason)
	}
	return planfile.StatusSkipped, t.lane.call(t.a.patience, 0)
}

// withdraw takes back the intent that no attempt has followed, if there is one.
func (t *try) withdraw(why string) {
	if !t.intended.IsZero() {
		t.intended = time.Time{}
		t.settle(ledger.NotSent, why, 0)
	}
}

// tooEarlyReason is why the intent of a spare was taken back.
const tooEarlyReason = "its turn to be sent did not come in time"

// old reports whether the intent is older than that.
func (t *try) old(most time.Duration) bool {
	return !t.intended.IsZero() && stoodStill(t.intended, t.a.o.clock()) > most
}

// gate waits for leave to make a call.
func (t *try) gate(ctx context.Context) (context.Context, error) {
	t.giveLeave()
	began := time.Now()
	ready, err := t.a.gate(ctx)
	t.leave = err == nil
	t.lane.of.paced.Store(time.Since(began) >= paceWait)
	return ready, err
}

// giveLeave gives back the leave of the gate, if there is one.
func (t *try) giveLeave() {
	if t.leave {
		t.leave = false
		t.a.giveCall()
	}
}

// intend writes down that the send is about to be made, unless something speaks
// against it; then the status is what became of it.
func (t *try) intend(ctx context.Context) (status string, ok bool) {
	if why := t.refused(ctx); why != "" {
		return t.a.notTried(t.r, why), false
	}
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
		return t.notIntended(ctx, err), false
	}
	t.intended = at
	return "", true
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

// once makes one attempt on the word of the intent. A failure is returned only when
// the send surely did not go out and may be tried again.
func (t *try) once(ctx context.Context) (status string, again *step.Failure, wait time.Duration) {
	if t.old(intentFence) {
		t.withdraw(stoodStillReason)
		return "", &step.Failure{Delivery: step.NotSent, Reason: stoodStillReason}, 0
	}
	a, at := t.a, t.intended
	t.intended = time.Time{}
	message, err := t.st.Kind.Do(ctx, t.args, step.Attempt{ExternalID: t.id.ExternalID(), At: at})
	if err == nil {
		t.lane.leave() // the next one needs its own intent, not this one's outcome
		return t.outcome(ledger.Sent, "", message), nil, 0
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

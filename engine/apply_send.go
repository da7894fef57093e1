package engine

import (
	"context"
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
	ctx = step.WithHost(ctx, &host{s: a.session, st: st, conn: conn})
	t := try{a: a, r: r, st: st, id: id, args: r.Args}
	return t.run(ctx)
}

// notTried records a planned send that an earlier one of its iteration keeps
// from being tried.
func (a *applier) notTried(r *planfile.Send, why string) string {
	a.settled(r, planfile.StatusSkipped, why, 0)
	a.mu.Lock()
	a.behind.add(r.Seq)
	a.mu.Unlock()
	return planfile.StatusSkipped
}

// gate waits for leave to make one call, which giveCall gives back when it was made or
// is not. A wait ends early when the run is being stopped: nothing has been written
// down yet.
func (a *applier) gate(ctx context.Context) (context.Context, error) {
	if err := a.takeCall(); err != nil {
		return nil, err
	}
	if a.o.Gate == nil {
		return ctx, nil
	}
	ready, err := a.o.Gate(detached{Context: a.patience, values: ctx})
	if err != nil {
		a.giveCall()
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
		if a.blocked[reason] == nil {
			a.blocked[reason] = rowSet{}
		}
		a.blocked[reason].add(r.Seq)
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
		r.Args[contactParam] = a.o.Divert.Contact
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

package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/planfile"
	"github.com/flowrunner/flowrunner/engine/step"
)

// unit goes through one iteration that has an unknown send. One that turns out to
// be sent lets those go on that it has kept back, in their order.
func (v *verifier) unit(ctx context.Context, u unit) {
	waits := false // for hours: what comes after it in the iteration does too
	u.walk(func(r *planfile.Send, why string) string {
		status := v.send(ctx, r, why, waits)
		waits = waits || status == statusDeferred
		return status
	}, func(planfile.Local) {})
}

// send says what a send of the unit is, and finds out where that is unknown. One
// that was kept back and is not any more is tried, or deferred with those before
// it.
func (v *verifier) send(ctx context.Context, r *planfile.Send, why string, waits bool) (status string) {
	if r.Status != planfile.StatusPlanned && r.Status != planfile.StatusUnknown {
		return r.Status
	}
	a := v.a
	id, err := ledger.ParseIdentity(r.Identity)
	var rec ledger.Record
	if err == nil {
		rec, _, err = a.o.Store.Find(ctx, id)
	}
	if err != nil {
		v.fail(ctx, err)
		return planfile.StatusUnknown
	}
	//exhaustive:enforce
	switch rec.State {
	case ledger.Sent:
		return planfile.StatusSent
	case ledger.Refused:
		return planfile.StatusFailed
	case ledger.Intent:
		return planfile.StatusUnknown // its own process is at work, or nobody is: the next run's word
	case ledger.Unknown:
		return v.find(ctx, r, rec)
	case ledger.Planned, ledger.NotSent:
	}
	if why != "" || a.stopReason() != "" || !a.free(r) {
		return planfile.StatusSkipped
	}
	if waits {
		a.later.put(r.Seq, nil)
		return statusDeferred
	}
	status = a.send(ctx, r, "")
	v.sentAgain(r.Seq, note{}, status)
	return status
}

// fail ends the run, unless it is being ended already.
func (v *verifier) fail(ctx context.Context, err error) {
	if ctx.Err() == nil && v.a.stopReason() == "" {
		v.a.stop(CauseOf(err), err.Error(), Hint(err))
	}
}

// find looks for one unknown send and draws the conclusion.
func (v *verifier) find(ctx context.Context, r *planfile.Send, rec ledger.Record) (status string) {
	a := v.a
	n, err := v.notes.get(r.Seq)
	if err != nil {
		v.fail(ctx, err)
		return planfile.StatusUnknown
	}
	if n.left {
		return planfile.StatusUnknown
	}
	if !n.seen {
		n.seen, n.born = true, v.elapsed-a.ageOf(rec)
	}
	st := a.p.byID[r.Step]
	if st == nil || st.Kind == nil {
		return planfile.StatusUnknown
	}
	reading, err := v.read(st, r, rec)
	v.told()
	switch {
	case reading.Finding != step.Happened && v.interrupted(ctx):
		return planfile.StatusUnknown
	case err != nil && stopsReading(err):
		v.fail(ctx, err)
		return planfile.StatusUnknown
	case reading.Finding == step.Happened:
		return v.happened(ctx, r, rec, reading)
	}
	next := v.judge(&n, st.Kind, reading, err)
	if next == lookAgain && a.stopReason() == "" {
		v.again(v.dueOf(n))
	}
	if next == leaveIt {
		n.left = true
		a.leftUnknown(r, rec, doubtOf(reading, err))
	}
	if err := v.notes.put(r.Seq, n); err != nil {
		v.fail(ctx, err)
		return planfile.StatusUnknown
	}
	if next != sendAgain || a.stopReason() != "" {
		return planfile.StatusUnknown
	}
	return v.resend(ctx, r, rec, n, doubtOf(reading, err))
}

// doubtOf is why a look has not found a send.
func doubtOf(r step.Reading, err error) string {
	if err != nil {
		return "the chat could not be read: " + err.Error()
	}
	return r.Evidence
}

// stopsReading reports whether an error of one look will be that of all others.
func stopsReading(err error) bool {
	var f *step.Failure
	return errors.As(err, &f) && (f.Class == step.ClassToken || f.Class == step.ClassQuota)
}

// verdict is what a look that found nothing leads to.
type verdict uint8

const (
	lookAgain verdict = iota
	leaveIt
	sendAgain
)

// judge is the table of docs/adr/0008: what a look that has not found the send
// means under each policy.
func (v *verifier) judge(n *note, k *step.Kind, r step.Reading, err error) verdict {
	settled := v.elapsed-n.born >= v.settle
	if err != nil {
		if n.unread++; n.unread < maxUnreadable {
			return lookAgain
		}
		return leaveIt
	}
	n.unread = 0
	switch {
	case !k.CanSettle() && v.policy != Resend:
		return leaveIt
	case !settled:
		return lookAgain // what came late may still show
	case v.policy == NeverResend || n.resends >= maxResends:
		return leaveIt
	case v.policy == Resend:
		return sendAgain
	case r.Finding != step.NotThere:
		return leaveIt
	case n.denied && v.elapsed-n.deniedAt >= v.settle:
		return sendAgain
	case !n.denied:
		n.denied, n.deniedAt = true, v.elapsed
	}
	return lookAgain
}

// dueOf is when the next look at a send can bring something.
func (v *verifier) dueOf(n note) time.Duration {
	switch {
	case n.unread > 0:
		return max(v.elapsed+min(unreadPause, v.settle), n.born+v.settle)
	case n.denied:
		return n.deniedAt + v.settle
	}
	return n.born + v.settle
}

// read looks once, at the pace of the connection.
func (v *verifier) read(st *Step, r *planfile.Send, rec ledger.Record) (step.Reading, error) {
	a := v.a
	if !st.Kind.CanSettle() {
		return step.Reading{Evidence: "sends of this kind cannot be read back"}, nil
	}
	conn, err := a.connection(st)
	if err != nil {
		return step.Reading{}, err
	}
	ctx, err := a.gate(step.WithHost(a.patience, &host{s: a.session, st: st, conn: conn}))
	if err != nil {
		return step.Reading{}, err
	}
	defer a.giveCall()
	age := a.ageOf(rec)
	if a.o.clock().Before(rec.Attempted) {
		age = -1
	}
	return st.Kind.Settle(ctx, r.Args, step.Attempt{
		ExternalID: rec.Identity.ExternalID(), At: rec.Attempted, Age: age,
		Changed: fmt.Sprintf("%x", rec.ContentHash) != r.Content,
		Claimed: func(message int) (bool, error) {
			holder, claimed, err := a.o.Store.Claimed(ctx, rec.Contact, message)
			return claimed && holder != rec.Identity, err
		},
	})
}

// happened records a send that was found. A message that another send has claimed
// meanwhile is not its proof: it is looked for again.
func (v *verifier) happened(ctx context.Context, r *planfile.Send, rec ledger.Record, reading step.Reading) (status string) {
	a := v.a
	err := a.o.Store.Settle(ctx, ledger.Outcome{
		Identity: rec.Identity, Run: a.result.Run.ID, State: ledger.Sent, MessageID: reading.MessageID,
		Reason: "found in the chat: " + reading.Evidence, At: a.o.clock(),
	})
	var claimed *ledger.ClaimedError
	switch {
	case errors.As(err, &claimed):
		v.again(v.elapsed)
		return planfile.StatusUnknown
	case err != nil:
		v.fail(ctx, err)
		return planfile.StatusUnknown
	}
	a.foundSent(r, rec, reading.MessageID)
	return planfile.StatusSent
}

// resend sends again what surely did not go out, or what the flow wants sent
// whether it did or not, through all gates.
func (v *verifier) resend(ctx context.Context, r *planfile.Send, rec ledger.Record, n note, why string) (status string) {
	a := v.a
	against, ours := "", rec.Run == a.result.Run.ID
	switch {
	case !ours && r.Rail != "":
		against = r.Rail + " speaks against it"
	case !ours && !a.takeRoom(r):
		against = fmt.Sprintf("guard.maxSends allows %d in this run", a.most())
	}
	if against != "" {
		n.left = true
		a.leftUnknown(r, rec, why+"; it is not sent again, since "+against)
		if err := v.notes.put(r.Seq, n); err != nil {
			v.fail(ctx, err)
		}
		return planfile.StatusUnknown
	}
	err := a.o.Store.Settle(ctx, ledger.Outcome{
		Identity: rec.Identity, Run: a.result.Run.ID, State: ledger.NotSent, Reason: why, At: a.o.clock(),
	})
	if err != nil {
		if !ours {
			a.giveRoomBack(r)
		}
		v.fail(ctx, err)
		return planfile.StatusUnknown
	}
	a.foundMissing(r, rec)
	status = a.send(ctx, r, "")
	v.sentAgain(r.Seq, n, status)
	return status
}

// sentAgain begins a new look for a send whose new attempt is unknown too.
func (v *verifier) sentAgain(seq int64, n note, status string) {
	if status != planfile.StatusUnknown || v.a.stopReason() != "" {
		return
	}
	n = note{seen: true, born: v.elapsed, resends: n.resends + 1}
	if err := v.notes.put(seq, n); err != nil {
		v.fail(context.Background(), err)
		return
	}
	v.again(v.dueOf(n))
}

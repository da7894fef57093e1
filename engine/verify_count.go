package engine

import (
	"context"
	"slices"
	"time"

	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/planfile"
)

// ReadBack is what became of the sends that a run has read back.
type ReadBack struct {
	Sent   int `json:"sent"`   // found in the chat
	Resent int `json:"resent"` // not found, and sent again
}

// ageOf is how old an attempt is, at least. Of an attempt that this process may
// have made its own time is believed and not the clock's; one that is still to
// come is new.
func (a *applier) ageOf(rec ledger.Record) time.Duration {
	now := a.o.clock()
	age := now.Sub(rec.Attempted)
	if !rec.Attempted.Before(a.started) {
		age = min(age, now.Sub(a.started))
	}
	return max(age, 0)
}

// renew brings a row that an earlier run left unknown up to date: an earlier life
// of this run, or a person, may have settled it since it was planned.
func (a *applier) renew(ctx context.Context, r *planfile.Send) error {
	if r.Status != planfile.StatusUnknown {
		return nil
	}
	id, err := ledger.ParseIdentity(r.Identity)
	if err != nil {
		return err
	}
	rec, known, err := a.o.Store.Find(ctx, id)
	if err != nil || !known {
		return err
	}
	at := rec.At
	switch {
	case rec.State == ledger.NotSent && rec.Run != a.result.Run.ID && r.Rail != "":
		r.Status, r.Reason, r.Since = planfile.StatusLeftOut, r.Rail+" speaks against sending it again", nil
	case rec.Run == a.result.Run.ID || rec.State == ledger.NotSent:
		r.Status, r.Reason, r.Since = planfile.StatusPlanned, "", nil // it is this run's now
	case rec.State == ledger.Sent:
		r.Status, r.Reason, r.Message, r.Since = planfile.StatusAlreadySent, "", rec.MessageID, &at
	case rec.State == ledger.Refused:
		r.Status, r.Reason, r.Since = planfile.StatusRefused, rec.Reason, &at
	}
	return nil
}

// count changes the balance of a send's step and of the run.
func (a *applier) count(r *planfile.Send, change func(*ledger.Counts)) {
	change(&a.counts)
	change(&a.stepCounts(r.Step).Counts)
}

// forget takes a send off the problems: it has none any more, or another.
func (a *applier) forget(seq int64) {
	for _, rows := range a.blocked {
		rows.remove(seq)
	}
	a.behind.remove(seq)
	a.result.Problems = slices.DeleteFunc(a.result.Problems, func(p Problem) bool { return p.seq == seq })
}

// free lets a send be tried that an earlier one has kept back. It reports whether
// that was what kept it back.
func (a *applier) free(r *planfile.Send) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.behind.has(r.Seq) {
		return false
	}
	a.forget(r.Seq)
	return true
}

// foundSent counts a send that was unknown as sent. What an earlier run has made
// was sent before this one.
func (a *applier) foundSent(r *planfile.Send, rec ledger.Record, message int) {
	a.mu.Lock()
	a.forget(r.Seq)
	a.result.ReadBack.Sent++
	if rec.Run == a.result.Run.ID {
		a.count(r, func(c *ledger.Counts) { c.Unknown--; c.Sent++ })
		a.rails.Found()
	} else {
		a.result.StillUnknown--
		a.count(r, func(c *ledger.Counts) { c.AlreadySent++ })
	}
	done, total := a.counts.Sent+a.counts.Failed+a.counts.Unknown, a.counts.Planned
	e := Event{
		At: a.o.clock(), Kind: EventSettled, Step: r.Step, Seq: r.Seq, Contact: r.Contact, Status: planfile.StatusSent,
		Message: message, Text: "found in the chat",
	}
	a.log.write(e)
	a.mu.Unlock()
	e.Done, e.Total = done, total
	a.emit(e)
}

// foundMissing makes a send that was unknown one that is still to be sent, by
// this run.
func (a *applier) foundMissing(r *planfile.Send, rec ledger.Record) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.forget(r.Seq)
	a.result.ReadBack.Resent++
	if rec.Run == a.result.Run.ID {
		a.count(r, func(c *ledger.Counts) { c.Unknown-- })
		a.rails.Missing()
		return
	}
	a.result.StillUnknown--
}

// takeRoom counts a send as planned that the plan does not count, if the cap leaves
// room for it. Both are one step: several sends are read back side by side.
func (a *applier) takeRoom(r *planfile.Send) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.counts.Planned >= a.most() {
		return false
	}
	a.count(r, func(c *ledger.Counts) { c.Planned++ })
	return true
}

// giveRoomBack takes back what takeRoom has counted.
func (a *applier) giveRoomBack(r *planfile.Send) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.count(r, func(c *ledger.Counts) { c.Planned-- })
}

// leftUnknown reports a send that stays unknown, with what reading back has
// shown.
func (a *applier) leftUnknown(r *planfile.Send, rec ledger.Record, why string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.forget(r.Seq)
	reason := why
	if rec.Reason != "" {
		reason = rec.Reason + "; " + why
	}
	if len(a.result.Problems) < maxProblems {
		a.result.Problems = append(a.result.Problems, Problem{Step: r.Step, Contact: r.Contact, Status: planfile.StatusUnknown, Reason: reason, seq: r.Seq})
	}
}

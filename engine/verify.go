package engine

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/planfile"
)

// How often the outcome of one send is looked for before it stays unknown.
const (
	maxResends    = 5                // sends again after two clean negatives, in one process
	maxUnreadable = 3                // looks in a row that failed
	unreadPause   = 15 * time.Second // after a look that failed, or the settle time where that is shorter
	verifyWidth   = 8                // iterations that are read back side by side
)

// verify finds out what became of the stage's sends of unknown outcome: those of
// this run, of its earlier lives, and of earlier runs. Every look is a pass over
// the plan; between two passes lies one wait for all of them. Nothing of it holds
// a list of sends: the ledger says which are unknown, the plan what they are, and
// notes, a file, what was seen of each.
//
// A run that was stopped sends nothing again and waits for nothing. After the
// token or the quota it asks nothing either.
func (a *applier) verify(ctx context.Context, path string) error {
	if a.unknowns() == 0 || ctx.Err() != nil || a.stopReason() != "" && !a.mayAsk() {
		return nil
	}
	notes, err := openNotes(a.dir)
	if err != nil {
		return err
	}
	defer notes.close()
	v := &verifier{a: a, notes: notes, policy: a.p.Delivery.Unknown, settle: a.p.settleOf(a.head, a.o.Options)}
	for {
		if err := v.pass(ctx, path); err != nil || ctx.Err() != nil {
			return err
		}
		if v.pending == 0 && !v.cut {
			return nil
		}
		if a.stopReason() != "" {
			return nil
		}
		if v.wait(ctx) != nil {
			a.stopReason() // an interrupt is the reason why they stay unknown
			return nil
		}
	}
}

// mayAsk reports whether a run that was stopped may still read.
func (a *applier) mayAsk() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.stopBy == CauseGuard || a.stopBy == CauseStep
}

// unknowns is how many sends of this stage, and of those before it, are unknown.
func (a *applier) unknowns() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.counts.Unknown + a.result.StillUnknown
}

// verifier reads back the unknown sends of one stage.
type verifier struct {
	a      *applier
	notes  *notes
	policy UnknownPolicy
	settle time.Duration

	// elapsed is how long all waits together have taken. Every age is counted by it:
	// no clock that is set forward makes a send look older.
	elapsed time.Duration

	mu      sync.Mutex
	looked  int           // sends that this pass has looked for
	total   int           // sends that were unknown when it began
	pending int           // sends that another pass may settle
	due     time.Duration // of the last of them, in elapsed
	cut     bool          // the run was interrupted before the pass had ended
}

// again notes that a send is worth another look, from due on.
func (v *verifier) again(due time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.pending++
	v.due = max(v.due, due)
}

// told reports how far a pass has come.
func (v *verifier) told() {
	v.mu.Lock()
	v.looked++
	e := Event{Kind: EventReading, Done: v.looked, Total: max(v.total, v.looked)}
	v.mu.Unlock()
	v.a.emit(e)
}

// interrupted reports whether looking has to end now, and remembers it.
func (v *verifier) interrupted(ctx context.Context) bool {
	if ctx.Err() == nil && v.a.o.Drain.Err() == nil {
		return false
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.cut = true
	return true
}

// wait waits once for all that are pending. It ends early when the run is being
// stopped.
func (v *verifier) wait(ctx context.Context) error {
	d := v.due - v.elapsed
	if d <= 0 {
		return nil
	}
	what := "1 send whose outcome is not known; Ctrl-C leaves it unknown"
	if v.pending > 1 {
		what = fmt.Sprintf("%d sends whose outcome is not known; Ctrl-C leaves them unknown", v.pending)
	}
	v.a.waiting(v.a.o.clock().Add(d), fmt.Sprintf("%s for %s", spellWait(d), what))
	if err := v.a.sleep(d); err != nil {
		return err
	}
	v.elapsed += d
	return nil
}

// spellWait writes a wait in whole seconds, or what is shorter as it is.
func spellWait(d time.Duration) string {
	if d < time.Second {
		return d.String()
	}
	return fmt.Sprintf("%d s", int(d.Round(time.Second).Seconds()))
}

// pass looks once for every send of the stage that is unknown.
func (v *verifier) pass(ctx context.Context, path string) error {
	v.pending, v.due = 0, v.elapsed
	v.looked, v.total = 0, v.a.unknowns()
	open := v.unknown(ctx)
	defer open.stop()
	pool := &pool{do: func(u unit) { v.unit(ctx, u) }}
	defer pool.end()
	pool.allow(verifyWidth)
	v.a.lanes = newLanes(verifyWidth, false)
	var current unit
	wanted := false
	submit := func() {
		if wanted {
			pool.begin(current)
		}
		current, wanted = unit{}, false
	}
	for rec, err := range planfile.Records(path) {
		if err != nil {
			return err
		}
		r, ok := rec.(planfile.Send)
		if !ok {
			continue
		}
		if v.interrupted(ctx) {
			return nil
		}
		if r.Unit == 0 || r.Unit != current.id {
			submit()
			current.id = r.Unit
		}
		current.actions = append(current.actions, action{send: &r})
		unknown, err := open.has(r.Seq)
		if err != nil {
			return err
		}
		wanted = wanted || unknown || r.Status == planfile.StatusUnknown
	}
	submit()
	pool.wait()
	return v.afterHours(ctx, path, pool)
}

// afterHours brings those to an outcome whose recipients' hours were closed, as
// after the sends of a stage.
func (v *verifier) afterHours(ctx context.Context, path string, p *pool) error {
	if !v.a.later.any() {
		return nil
	}
	p.do = func(u unit) { v.a.unit(ctx, u) }
	if err := v.a.afterTheRest(ctx, path, p); err != nil {
		return err
	}
	if v.a.unknowns() > 0 && v.a.stopReason() == "" {
		v.again(v.elapsed + v.settle)
	}
	return nil
}

// unknown are the rows of this run's plan whose outcome is unknown, in order.
func (v *verifier) unknown(ctx context.Context) *openRows {
	next, stop := iter.Pull2(v.a.o.Store.Records(ctx, ledger.Filter{Run: v.a.result.Run.ID, States: []ledger.State{ledger.Unknown}}))
	return &openRows{next: next, stop: stop}
}

// openRows joins a plan with what the ledger says is unknown.
type openRows struct {
	next func() (ledger.Record, error, bool)
	stop func()
	head int64
	end  bool
}

// has reports whether the row is among them. Rows are asked for in order.
func (o *openRows) has(seq int64) (bool, error) {
	for !o.end && o.head < seq {
		rec, err, ok := o.next()
		if err != nil {
			return false, err
		}
		o.head, o.end = rec.Seq, !ok
	}
	return !o.end && o.head == seq, nil
}

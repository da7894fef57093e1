package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/flowrunner/flowrunner/engine/guard"
	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/planfile"
)

// ApplyOptions is what applying needs beside Options.
type ApplyOptions struct {
	Options
	Drain  context.Context // when it ends, no new send begins; those under way are waited for; its cause becomes the reason
	Resume bool            // go on with a run that was begun and did not end
	Divert *Divert
	Canary *Canary // nil sends to everybody at once
}

// Divert sends a few of the planned messages to one contact instead.
type Divert struct {
	Contact int
	Sample  int // how many at most
}

// Apply performs a plan that Plan has written: its sends through the ledger, its
// local steps, the later stages, finally and outputs. The caller holds the
// flow's lock, and has checked the plan since. p is compiled from the plan's own text.
//
// The error is what kept it from beginning (*StaleError, of the ledger, the cause of
// Drain); once begun, everything that happened is in the Result.
func (p *Program) Apply(ctx context.Context, plan planfile.Plan, o ApplyOptions) (*Result, error) {
	head := plan.Head
	if o.Drain == nil {
		o.Drain = context.Background()
	}
	o.Only = head.Only
	s, err := newSession(p, o.Options, head.Run, head.Now)
	if err != nil {
		return nil, err
	}
	defer s.close()
	if head.Slot != nil {
		slot := head.Slot.In(p.Zone)
		s.slot = &slot
	}
	if err := s.setInputs(p.InputsOf(head), head.Env); err != nil {
		return nil, err
	}
	if err := s.hideAsPlanned(plan.End); err != nil {
		return nil, err
	}
	a := &applier{
		session: s, o: o, head: head, done: rowSet{}, gave: map[int64]map[string]any{}, blocked: map[string]rowSet{}, behind: rowSet{},
		started: o.clock(), steps: map[string]*StepCounts{}, lanes: newLanes(1, false), month: newMonthCalls(),
	}
	if o.Divert == nil {
		a.result.Fingerprint = plan.End.Fingerprint()
	}
	var done func()
	a.patience, done = untilDrained(ctx, o.Drain)
	defer done()
	a.canary = newCanary(a, o.Canary)
	if err := a.fits(a.patience, plan.End); err != nil {
		return nil, err
	}
	if len(p.Guard.Suppress) > 0 && o.Divert == nil {
		if a.suppressed, err = s.suppressing(a.patience); err == nil {
			err = a.suppressed.comparable(plan)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := context.Cause(a.patience); err != nil {
		return nil, err
	}
	if err := a.begin(ctx, plan.End.Hash); err != nil {
		return nil, err
	}
	if a.log, err = openEventLog(filepath.Join(s.dir, "events.jsonl")); err != nil {
		return nil, err
	}
	defer a.log.close()
	run, _ := s.root.env["run"].(map[string]any)
	run["startedAt"] = a.started.In(p.Zone)
	if o.Divert != nil {
		return a.divert(ctx, plan.Path)
	}
	a.stages(ctx, plan)
	a.dropUnplanned()
	a.finally(ctx)
	return a.finish(ctx)
}

// applier applies the plans of one run.
type applier struct {
	*session
	o          ApplyOptions
	head       planfile.Header
	started    time.Time
	log        *eventLog
	rails      *guard.Rails
	suppressed *suppression // as it is now; nil: nobody is
	result     Result

	patience          context.Context // of waits: ends with the run, or with Drain
	lanes             *lanes          // of the sends that may be on their way
	month             monthCalls
	later             deferred
	canary            *canary
	lastSeq, lastUnit int64
	halted            bool                     // the plan at hand was made when the run had stopped, and holds for this life alone
	done              rowSet                   // locals performed by an earlier life of this run
	gave              map[int64]map[string]any // what of these those outside of loops gave

	audit     ledger.Counts // of the planned sends, by the ledger
	unsettled bool          // the audit is not whole
	whole     bool          // every stage was planned and performed

	stopping atomic.Bool // stopAs is not empty

	mu      sync.Mutex
	counts  ledger.Counts
	steps   map[string]*StepCounts
	waits   time.Time         // until when the run as a whole waits
	blocked map[string]rowSet // by what kept them back, planned sends that were not tried; of reasons there are few kinds
	behind  rowSet            // of these, who waits for an earlier one of their iteration
	stopBy  Cause
	stopAs  string
	hint    string
}

// most is how many messages the run may send over all its stages and lives: what
// held when it was planned, and what is stated now.
func (a *applier) most() int {
	if a.p.Guard.MaxSends == nil {
		return a.head.MaxSends
	}
	return min(a.head.MaxSends, a.p.Guard.Most())
}

// sameAccount checks that each send of the plan goes to the account that it was
// planned for.
func (a *applier) sameAccount(ctx context.Context) error {
	for _, st := range a.p.Steps {
		for _, send := range st.Sends {
			if st.Stage != 0 {
				continue
			}
			conn, err := a.connection(send)
			if err != nil {
				return err
			}
			name, err := a.account(ctx, send)
			if err != nil {
				return err
			}
			if _, err := a.monthOf(ctx, send); err != nil {
				return err
			}
			if want := a.head.Accounts[a.accountHost(conn.BaseURL)]; want != name {
				return &StaleError{
					Hint:   "set the token and the base URL of the plan's account, or plan again",
					Reason: fmt.Sprintf("the plan is for the account %s, but the token belongs to %s", cmp.Or(want, "of another host"), name),
				}
			}
		}
	}
	return nil
}

// begin records the run, durably, before anything of it happens.
func (a *applier) begin(ctx context.Context, planHash string) error {
	run := a.record()
	run.PlanHash, run.State = planHash, ledger.Running
	if a.o.Divert != nil {
		run.ID, run.PlanHash, run.Campaign = run.ID+"-divert", planHash+"-divert", divertCampaign(run.ID)
	}
	a.result.Run = run
	if a.o.Resume {
		if _, err := a.o.Store.Recover(ctx, run.ID, "the process ended while it was being sent"); err != nil {
			return err
		}
		if err := a.o.Store.Reopen(ctx, run.ID); err != nil {
			return err
		}
		return a.readDone()
	}
	return a.o.Store.Begin(ctx, run)
}

func (a *applier) record() ledger.Run {
	account := ""
	for _, name := range a.head.Accounts {
		account = name
	}
	return ledger.Run{
		ID: a.head.Run, Flow: a.head.Flow, Campaign: a.head.Campaign, File: a.head.File,
		FlowHash: a.head.FlowHash, InputsHash: a.head.InputsHash, Account: account, Started: a.started,
	}
}

// stages applies the first plan, and plans and applies each later one.
func (a *applier) stages(ctx context.Context, plan planfile.Plan) {
	for stage := 0; ; stage++ {
		a.emit(Event{Kind: EventApplying, Stage: stage})
		if err := a.perform(ctx, plan); err != nil {
			a.stop(CauseOf(err), err.Error(), Hint(err))
		}
		if err := a.verify(ctx, plan.Path); err != nil {
			a.stop(CauseOf(err), err.Error(), Hint(err))
		}
		if err := a.settleStage(context.WithoutCancel(ctx), plan.Path); err != nil {
			a.unsettled = true
			a.stop(CauseOf(err), err.Error(), Hint(err))
			return
		}
		if stage+1 >= a.p.Stages {
			a.whole = true
			return
		}
		if ctx.Err() != nil {
			return
		}
		if kept, ok := a.keptPlan(stage + 1); ok {
			if err := a.hideAsPlanned(kept.End); err != nil {
				a.stopAt(err)
				return
			}
			// What it says still holds, and so do the rails.
			if err := withinMaxSends(a.counts.Planned+kept.End.Counts.Planned, a.most()); err != nil {
				a.stop(CauseGuard, err.Error(), Hint(err))
			}
			plan = kept
			continue
		}
		planning := a.patience
		if a.stopReason() != "" {
			planning = ctx // nothing is read any more that an interrupt would have to end
		}
		sum, err := a.planStage(planning, stage+1, a.head.Env, a)
		a.stopAt(err)
		if sum == nil { // with a summary, a rail at most has stopped the run
			return
		}
		plan = sum.Plan
	}
}

// keptPlan is the plan that an earlier life of the run has made of a stage.
func (a *applier) keptPlan(stage int) (plan planfile.Plan, ok bool) {
	if !a.o.Resume {
		return plan, false
	}
	plan, err := planfile.Check(a.planPath(stage))
	return plan, err == nil && plan.Head.Halted == ""
}

// dropUnplanned gives the steps of stages that were never planned the status that
// finally and outputs find of them.
func (a *applier) dropUnplanned() {
	for _, st := range a.p.Steps {
		if _, known := a.root.steps[st.ID]; !known {
			dropAll(st, a.root, "skipped", "the run stopped: "+a.stopReason())
		}
	}
}

// stopAt ends the run early where planning a stage has failed, unless it has ended
// for another reason already.
func (a *applier) stopAt(err error) {
	if err != nil && a.stopReason() == "" {
		a.stop(CauseOf(err), err.Error(), Hint(err))
	}
}

// stop ends the run early: no new send begins. The first reason is kept.
func (a *applier) stop(c Cause, reason, hint string) {
	a.mu.Lock()
	first := a.stopAs == ""
	if first {
		a.stopBy, a.stopAs, a.hint = c, reason, hint
		a.stopping.Store(true)
	}
	a.result.Causes = append(a.result.Causes, c)
	a.mu.Unlock()
	if first {
		a.emit(Event{Kind: EventStopping, Text: reason})
	}
}

// stopReason is why no new send may begin, "" when one may.
func (a *applier) stopReason() string {
	if !a.stopping.Load() && a.o.Drain.Err() == nil {
		return ""
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stopAs == "" && a.o.Drain.Err() != nil {
		a.stopBy, a.stopAs = CauseInterrupted, "interrupted"
		if why := context.Cause(a.o.Drain); !errors.Is(why, context.Canceled) {
			a.stopAs = why.Error()
		}
		a.result.Causes = append(a.result.Causes, CauseInterrupted)
		a.stopping.Store(true)
	}
	return a.stopAs
}

// balance holds what this process has counted against what the ledger says. The
// two are made apart from each other; where they differ, the ledger is right.
func (a *applier) balance() {
	seen, said := a.result.Counts, a.audit
	if a.o.Divert != nil || a.unsettled {
		return
	}
	if seen.Sent == said.Sent && seen.Failed == said.Failed && seen.Unknown == said.Unknown && seen.Skipped == said.Skipped {
		return
	}
	a.result.Warnings = append(a.result.Warnings, fmt.Sprintf(
		"the counts do not add up: this run saw %d sent, %d failed, %d unknown, %d skipped; the ledger holds %d, %d, %d, %d, which is what counts",
		seen.Sent, seen.Failed, seen.Unknown, seen.Skipped, said.Sent, said.Failed, said.Unknown, said.Skipped))
	a.result.Counts.Sent, a.result.Counts.Failed, a.result.Counts.Unknown, a.result.Counts.Skipped = said.Sent, said.Failed, said.Unknown, said.Skipped
	a.result.Causes = append(a.result.Causes, CauseStep)
}

// finish records how the run ended.
func (a *applier) finish(ctx context.Context) (*Result, error) {
	if a.o.Divert != nil || a.counts.Planned > a.counts.Sent+a.counts.Failed+a.counts.Unknown {
		a.stopReason() // an interrupt that kept something from being sent
	}
	r := &a.result
	r.Counts = a.counts
	r.Counts.Skipped = r.Counts.Planned - r.Counts.Sent - r.Counts.Failed - r.Counts.Unknown
	for _, c := range r.Steps {
		c.Skipped = c.Planned - c.Sent - c.Failed - c.Unknown
	}
	a.balance()
	slices.SortStableFunc(r.Problems, func(x, y Problem) int { return cmp.Compare(x.seq, y.seq) })
	r.Reason, r.Hint = a.stopAs, a.hint
	if r.Counts.Failed > 0 {
		r.Causes = append(r.Causes, CauseRecipients)
	}
	if r.Counts.Unknown > 0 || r.StillUnknown > 0 {
		r.Causes = append(r.Causes, CauseUnknown)
	}
	r.Calls = a.calls()
	run := r.Run
	run.Finished, run.Counts, run.Reason = a.o.clock(), r.Counts, a.stopAs
	switch {
	case ctx.Err() != nil || a.stopBy == CauseInterrupted:
		run.State = ledger.Interrupted
	case a.stopAs != "" && (r.Counts.Skipped > 0 || !a.whole && a.stopBy != CauseStep):
		run.State = ledger.Stopped
	case a.stopAs != "" || r.Counts.Failed > 0:
		run.State = ledger.Failed
	default:
		run.State = ledger.Finished
	}
	r.Run = run
	if err := a.o.Store.Finish(context.WithoutCancel(ctx), run); err != nil {
		return r, err
	}
	return r, nil
}

package engine

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"slices"
	"sync"
	"time"

	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/planfile"
	"github.com/flowrunner/flowrunner/engine/step"
)

// planLife is how long a saved plan may wait for its apply. People read chats
// and clients come and go; a plan of yesterday is a plan for other people.
const planLife = 24 * time.Hour

// DefaultCampaign names the occasion when nothing else does.
const DefaultCampaign = "default"

// CampaignOf is the campaign of a run.
func (p *Program) CampaignOf(o Options) string {
	return cmp.Or(o.Campaign, p.Campaign, DefaultCampaign)
}

// Plan runs the flow's reads and computes, renders every send of the first stage
// and writes all of it to the plan file of a new run, of which it returns the summary.
// It sends nothing and changes nothing but files of that run.
//
// Errors are *StepError, *ConflictError, *SecretError, or of the ledger or the
// file system. A *GuardError comes with the summary: the plan is there to be looked
// at, but may not be applied.
func (p *Program) Plan(ctx context.Context, o Options) (*Summary, error) {
	now := o.clock().Truncate(time.Millisecond)
	s, err := newSession(p, o, cmp.Or(o.Run, NewRunID(now)), now)
	if err != nil {
		return nil, err
	}
	defer s.close()
	if s.slot, err = p.serving(o.Slot, s.now); err != nil {
		return nil, err
	}
	if err := s.noOrphans(ctx); err != nil {
		return nil, err
	}
	env, err := s.environment()
	if err != nil {
		return nil, err
	}
	if err := s.setInputs(o.Inputs, env); err != nil {
		return nil, err
	}
	return s.planStage(ctx, 0, env, nil)
}

// planner plans one stage.
type planner struct {
	*session
	stage   int
	w       *opening     // nil in finally, which plans nothing
	drafted ledger.Draft // of the sends so far; nil until there is one
	seq     int64
	unit    int64
	counts  planfile.Counts
	planned hash.Hash // of the planned sends, see planfile.End
	both    []byte    // reused: what one of them gives to it
	written sync.Pool // candidates that stand in the plan, to be used again
	final   *applier  // not nil: this is finally, locals are performed at once
	halted  string    // not "": the run stopped; nothing is read or sent any more

	asked      map[clientID]step.Facts // whom the rails had to ask about
	held       held                    // what the rails have left out of the iteration at hand
	suppressed *suppression            // nil: nobody is
	heard      heard
	shared     shared // people with several contacts
	railCalls  int64  // calls that the rails have made
	unasked    int    // planned sends whose rows do not say what phones their contacts have

	mu      sync.Mutex
	leftOut map[leftOutKey]int
	reasons map[string]int // by step: those of leftOut
	order   []leftOutKey
}

type leftOutKey struct{ step, reason string }

// planPath is where the plan of a stage stands.
func (s *session) planPath(stage int) string {
	return planfile.PathOf(s.dir, stage)
}

// planStage plans one stage into its file. before is nil for the first stage,
// else what has been applied so far.
func (s *session) planStage(ctx context.Context, stage int, env map[string]string, before *applier) (*Summary, error) {
	p := &planner{session: s, stage: stage, planned: sha256.New(), leftOut: map[leftOutKey]int{}, reasons: map[string]int{}, asked: map[clientID]step.Facts{}}
	if before != nil {
		p.seq, p.unit, p.halted = before.lastSeq, before.lastUnit, before.stopReason()
	}
	s.emit(Event{Kind: EventPlanning, Stage: stage})
	var err error
	if len(s.p.Guard.Suppress) > 0 && s.p.HasSends() && p.halted == "" {
		if p.suppressed, err = s.suppressing(ctx); err != nil {
			return nil, err
		}
	}
	path := s.planPath(stage)
	if p.w, err = p.open(ctx, path, env); err != nil {
		return nil, err
	}
	defer p.w.abort()
	defer p.noDraft()
	for _, st := range s.p.Steps {
		if st.Stage != stage {
			continue
		}
		s.emit(Event{Kind: EventStep, Stage: stage, Step: st.ID, Text: st.Title})
		if err := p.top(p.w.ctx, st); err != nil {
			return nil, p.w.fault(err)
		}
		s.emit(Event{Kind: EventStepDone, Stage: stage, Step: st.ID})
	}
	if err := p.w.begin(); err != nil {
		return nil, err
	}
	for _, k := range p.order {
		if err := p.w.write(planfile.LeftOut{Type: "leftOut", Step: k.step, Reason: k.reason, Count: p.leftOut[k]}); err != nil {
			return nil, err
		}
	}
	end := planfile.End{Counts: p.counts, Calls: s.calls(), Asked: p.railCalls, Unasked: p.unasked, Warnings: p.railWarnings(), Hidden: s.hidden.texts, Recipients: hex.EncodeToString(p.planned.Sum(nil))}
	for _, st := range s.p.Steps {
		if st.Stage > stage || st.Stage == stage && p.halted != "" {
			for _, send := range st.Sends {
				end.Later = append(end.Later, planfile.Later{Step: send.ID, UpTo: p.upTo(send)})
			}
		}
	}
	sum, err := p.w.close(end)
	if err != nil {
		return nil, err
	}
	s.emit(Event{Kind: EventPlanned, Stage: stage, Total: p.counts.Planned})
	earlier := 0
	if before != nil {
		earlier = before.counts.Planned
	}
	if err := withinMaxSends(earlier+p.counts.Planned, p.w.head.MaxSends); err != nil {
		return sum, err
	}
	return sum, s.withinMonth(p.counts.Planned)
}

// draft is what the ledger is asked for each planned send. It is opened for the first one,
// while the API is reading what comes after it.
func (p *planner) draft(ctx context.Context) (ledger.Draft, error) {
	var err error
	if p.drafted == nil {
		p.drafted, err = p.o.Store.Draft(ctx, p.p.Name, p.p.CampaignOf(p.o))
	}
	return p.drafted, err
}

func (p *planner) noDraft() {
	if p.drafted != nil {
		_ = p.drafted.Close()
	}
}

// withinMaxSends is the first rail: more planned than the cap, and nothing is
// sent.
func withinMaxSends(planned, most int) error {
	if planned <= most {
		return nil
	}
	return &GuardError{
		Rail:   "guard.maxSends",
		Reason: fmt.Sprintf("%d messages are planned, but at most %d are allowed; nothing is sent", planned, most),
		Hint:   "if so many are meant, raise maxSends under guard: in the flow",
	}
}

// top plans a top-level step and writes down what later stages may read of it.
func (p *planner) top(ctx context.Context, st *Step) error {
	before := p.counts
	recs, err := p.step(ctx, st, p.root)
	if err == nil {
		err = p.flush(ctx, recs)
	}
	if err != nil {
		return err
	}
	if p.w == nil {
		return nil
	}
	var record func(*Step) error
	record = func(st *Step) error {
		if !st.IsLoop() {
			for _, b := range st.Body {
				if err := record(b); err != nil {
					return err
				}
			}
		}
		rec := planfile.Step{Type: "step", Step: st.ID, Status: "ok", Outputs: planfile.Members{}, Inputs: p.recordedInputs(st)}
		got, _ := p.root.steps[st.ID].(map[string]any)
		if got == nil {
			return nil
		}
		rec.Status, _ = got["status"].(string)
		rec.Reason = p.root.absent[st.ID]
		outs, _ := got["outputs"].(map[string]any)
		for name, v := range outs {
			if _, isStream := v.(step.Stream[any]); isStream || p.p.usage[streamRef{st.ID, name}] != nil {
				continue // recorded row by row where it is needed
			}
			rec.Outputs[name] = v
		}
		if st.Loop == nil && slices.Contains(p.p.Steps, st) {
			rec.Sends = minus(p.counts, before)
		}
		return p.w.write(rec)
	}
	return record(st)
}

func minus(a, b planfile.Counts) planfile.Counts {
	return planfile.Counts{
		Iterations: a.Iterations - b.Iterations, Planned: a.Planned - b.Planned, AlreadySent: a.AlreadySent - b.AlreadySent,
		LeftOut: a.LeftOut - b.LeftOut, Duplicate: a.Duplicate - b.Duplicate, Unknown: a.Unknown - b.Unknown,
		Refused: a.Refused - b.Refused, Changed: a.Changed - b.Changed,
	}
}

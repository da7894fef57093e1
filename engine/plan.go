package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/flowrunner/flowrunner/engine/lang"
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
// and writes all of it to the plan file of a new run, whose path it returns. It
// sends nothing and changes nothing but files of that run.
//
// Errors are *StepError, *ConflictError, *SecretError, or of the ledger or the
// file system. A *GuardError comes with the path: the plan is there to be looked
// at, but may not be applied.
func (p *Program) Plan(ctx context.Context, o Options) (string, error) {
	now := time.Now()
	if o.Now != nil {
		now = o.Now()
	}
	now = now.Truncate(time.Millisecond)
	s, err := newSession(p, o, NewRunID(now), now)
	if err != nil {
		return "", err
	}
	defer s.close()
	env := s.environment()
	s.setInputs(o.Inputs, env)
	return s.planStage(ctx, 0, env, nil)
}

// planner plans one stage.
type planner struct {
	*session
	stage  int
	w      *planfile.Writer
	draft  ledger.Draft
	head   planfile.Header
	seq    int64
	unit   int64
	counts planfile.Counts
	final  *applier // not nil: this is finally, locals are performed at once
	halted string   // not "": the run stopped; nothing is read or sent any more

	mu      sync.Mutex
	leftOut map[leftOutKey]int
	order   []leftOutKey
	spools  map[streamRef]*spool // being written, of loops
}

type leftOutKey struct{ step, reason string }

// planPath is where the plan of a stage stands.
func (s *session) planPath(stage int) string {
	if stage == 0 {
		return filepath.Join(s.dir, "plan.jsonl")
	}
	return filepath.Join(s.dir, fmt.Sprintf("plan-%d.jsonl", stage))
}

// planStage plans one stage into its file. before is nil for the first stage,
// else what has been applied so far.
func (s *session) planStage(ctx context.Context, stage int, env map[string]string, before *applier) (string, error) {
	p := &planner{session: s, stage: stage, leftOut: map[leftOutKey]int{}, spools: map[streamRef]*spool{}}
	if before != nil {
		p.seq, p.unit, p.halted = before.lastSeq, before.lastUnit, before.stopReason()
	}
	s.emit(Event{Kind: EventPlanning, Stage: stage})
	var err error
	if p.head, err = p.header(ctx, env); err != nil {
		return "", err
	}
	path := s.planPath(stage)
	if p.w, err = planfile.Create(path); err != nil {
		return "", err
	}
	defer p.w.Abort()
	if err := p.w.Write(p.head); err != nil {
		return "", err
	}
	if p.draft, err = s.o.Store.Draft(ctx); err != nil {
		return "", err
	}
	defer p.draft.Close()
	for _, st := range s.p.Steps {
		if st.Stage != stage {
			continue
		}
		s.emit(Event{Kind: EventStep, Stage: stage, Step: st.ID, Text: st.Title})
		if err := p.top(ctx, st); err != nil {
			return "", err
		}
		s.emit(Event{Kind: EventStepDone, Stage: stage, Step: st.ID})
	}
	for _, k := range p.order {
		if err := p.w.Write(planfile.LeftOut{Type: "leftOut", Step: k.step, Reason: k.reason, Count: p.leftOut[k]}); err != nil {
			return "", err
		}
	}
	end := planfile.End{Counts: p.counts, Calls: s.calls()}
	for _, st := range s.p.Steps {
		if st.Stage > stage {
			for _, send := range st.Sends {
				end.Later = append(end.Later, send.ID)
			}
		}
	}
	if _, err := p.w.Close(end); err != nil {
		return "", err
	}
	s.emit(Event{Kind: EventPlanned, Stage: stage, Total: p.counts.Planned})
	earlier := 0
	if before != nil {
		earlier = before.counts.Planned
	}
	return path, withinMaxSends(earlier+p.counts.Planned, p.head.MaxSends)
}

// header binds the plan.
func (p *planner) header(ctx context.Context, env map[string]string) (planfile.Header, error) {
	h := planfile.Header{
		Type: "header", Version: planfile.Version, Run: p.run, Stage: p.stage, Stages: p.p.Stages,
		Now: p.now, Expires: p.now.Add(planLife),
		Flow: p.p.Name, File: p.p.Doc.File, FlowHash: p.p.Doc.Hash, FlowText: string(p.p.Doc.Source),
		Inputs: map[string]planfile.Value{}, Env: env, Campaign: p.p.CampaignOf(p.o),
		Lineage: p.o.Store.Lineage(), MaxSends: p.p.MaxSends(p.o), Sandbox: p.o.Sandbox != nil,
	}
	inputs, _ := p.root.env["inputs"].(map[string]any)
	for name, v := range inputs {
		h.Inputs[name] = planfile.Value{V: v}
	}
	var err error
	if h.InputsHash, err = hashOf(inputs); err != nil {
		return h, err
	}
	if h.Serial, err = p.o.Store.Serial(ctx, h.Flow, h.Campaign); err != nil {
		return h, err
	}
	for _, st := range p.p.Steps {
		for _, send := range st.Sends {
			if st.Stage != p.stage || p.halted != "" {
				continue
			}
			conn, err := p.connection(send)
			if err != nil {
				return h, err
			}
			name, err := p.account(ctx, send)
			if err != nil {
				return h, err
			}
			if h.Accounts == nil {
				h.Accounts = map[string]string{}
			}
			h.Accounts[p.accountHost(conn.BaseURL)] = name
		}
	}
	return h, nil
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

// MaxSends is the cap that holds: the tightest of those set.
func (p *Program) MaxSends(o Options) int {
	if o.MaxSends == nil {
		return p.Guard.MaxSends
	}
	if p.Guard.MaxSendsSet {
		return min(p.Guard.MaxSends, *o.MaxSends)
	}
	return *o.MaxSends
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
		rec := planfile.Step{Type: "step", Step: st.ID, Status: "ok", Outputs: map[string]planfile.Value{}}
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
			rec.Outputs[name] = planfile.Value{V: v}
		}
		if st.Loop == nil && slices.Contains(p.p.Steps, st) {
			rec.Sends = minus(p.counts, before)
		}
		return p.w.Write(rec)
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

// reason renders why something was left out.
func (p *planner) reason(st *Step, f *frame) string {
	if st.Else != nil {
		if _, bad := f.missing(needsOf(st.Else.Refs())); !bad {
			if v, err := st.Else.Eval(f.env); err == nil {
				if s, ok := v.(string); ok && s != "" {
					return s
				}
			}
		}
	}
	return "if was false: " + strings.Join(strings.Fields(st.If.Source()), " ")
}

// step plans one step in a frame and returns the records that it adds to the
// plan. A loop at top level writes its own records as it goes.
func (p *planner) step(ctx context.Context, st *Step, f *frame) ([]any, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	if id, bad := f.missing(st.needs); bad {
		return p.leave(st, f, "skipped", "needs "+id), nil
	}
	if p.halted != "" && (contains(st, step.EffectRead) || len(st.Sends) > 0) {
		return p.leave(st, f, "skipped", "the run stopped: "+p.halted), nil
	}
	if st.IsLoop() {
		return p.loop(ctx, st, f)
	}
	return p.once(ctx, st, f)
}

// once plans one execution of a step: a step without forEach, or one iteration.
func (p *planner) once(ctx context.Context, st *Step, f *frame) ([]any, error) {
	if st.If != nil {
		v, err := st.If.Eval(f.env)
		if err != nil {
			return nil, p.fail(st, f, err)
		}
		if v != true {
			return p.leave(st, f, "skipped", p.reason(st, f)), nil
		}
	}
	if st.Kind == nil {
		recs, err := p.body(ctx, st, f)
		if err != nil || st.IsLoop() {
			return recs, err
		}
		outs, err := p.outputs(st.Items, f, false)
		if err != nil {
			return nil, p.fail(st, f, err)
		}
		f.set(st.ID, "ok", outs)
		return recs, nil
	}
	switch st.Kind.Effect {
	case step.EffectSend:
		return p.send(ctx, st, f)
	case step.EffectLocal:
		return p.local(ctx, st, f)
	}
	return nil, p.use(ctx, st, f)
}

func (p *planner) body(ctx context.Context, st *Step, f *frame) ([]any, error) {
	var recs []any
	for _, b := range st.Body {
		more, err := p.step(ctx, b, f)
		if err != nil {
			return nil, err
		}
		if f.item == nil {
			// Outside loops nothing waits for an iteration's end.
			if err := p.flush(ctx, more); err != nil {
				return nil, err
			}
			continue
		}
		recs = append(recs, more...)
	}
	return recs, nil
}

// leave records that a step and everything below it does not happen.
func (p *planner) leave(st *Step, f *frame, status, reason string) []any {
	f.drop(st.ID, status, reason)
	if !st.IsLoop() {
		for _, b := range st.Body {
			dropAll(b, f, status, reason)
		}
	}
	var recs []any
	for _, send := range st.Sends {
		recs = append(recs, planfile.Send{
			Type: "send", Step: send.ID, Unit: f.unit, Item: f.item, Status: planfile.StatusLeftOut, Reason: reason,
		})
	}
	return recs
}

func dropAll(st *Step, f *frame, status, reason string) {
	f.drop(st.ID, status, reason)
	if !st.IsLoop() {
		for _, b := range st.Body {
			dropAll(b, f, status, reason)
		}
	}
}

// fail dresses an error with the step and the row.
func (p *planner) fail(st *Step, f *frame, err error) error {
	var se *StepError
	if errors.As(err, &se) || errors.Is(err, context.Canceled) {
		return err
	}
	out := &StepError{Step: st.ID, Item: f.item, Span: st.Span, Err: err}
	var ee *lang.EvalError
	if errors.As(err, &ee) {
		out.Span = ee.Span
	}
	return out
}

// outputs evaluates named expressions; those that need a step that did not run
// are nil, as are, unless late, those that wait for an outcome.
func (p *planner) outputs(list []Output, f *frame, late bool) (map[string]any, error) {
	outs := make(map[string]any, len(list))
	for _, o := range list {
		outs[o.Name] = nil
		if _, bad := f.missing(o.needs); bad || o.Outcome && !late {
			continue
		}
		v, err := o.Value.Eval(f.env)
		if err != nil {
			return nil, err
		}
		if in, ok := v.(step.Stream[any]); ok {
			if v, err = collect(streamRef{"", o.Name}, in); err != nil {
				return nil, err
			}
		}
		outs[o.Name] = v
	}
	return outs, nil
}

// use runs a compute or read kind.
func (p *planner) use(ctx context.Context, st *Step, f *frame) error {
	args, err := f.args(st)
	if err != nil {
		return p.fail(st, f, err)
	}
	outs, err := p.runKind(ctx, st, f, args)
	if err != nil {
		err = p.fail(st, f, err)
		var stops *step.Failure
		if st.OnError == OnErrorContinue && !(errors.As(err, &stops) && stops.Stops()) && context.Cause(ctx) == nil {
			var assert *step.AssertError
			if errors.As(err, &assert) && f.item != nil {
				return &leftOutError{step: st.ID, reason: assert.Message}
			}
			p.emit(Event{Kind: EventWarning, Step: st.ID, Text: err.Error()})
			f.drop(st.ID, "failed", err.Error())
			return nil
		}
		return err
	}
	f.set(st.ID, "ok", outs)
	return nil
}

// leftOutError leaves one iteration out.
type leftOutError struct{ step, reason string }

func (e *leftOutError) Error() string { return e.reason }

// runKind calls a kind and settles how each stream that it gives is consumed.
func (p *planner) runKind(ctx context.Context, st *Step, f *frame, args map[string]any) (map[string]any, error) {
	h := &host{s: p.session, st: st, leftOut: func(reason string, n int) { p.countLeftOut(st.ID, reason, n) }}
	if st.Kind.Connected {
		var err error
		if h.conn, err = p.connection(st); err != nil {
			return nil, err
		}
	}
	ctx, watch := watched(step.WithHost(ctx, h), st.Timeout)
	outs, err := st.Kind.Run(ctx, args)
	watch.pause()
	if err != nil {
		watch.end()
		return nil, watch.explain(err)
	}
	streams := 0
	for _, field := range st.Kind.Outputs {
		if in, ok := outs[field.Name].(step.Stream[any]); ok {
			streams++
			live := watch.stream(p.blame(st, f, in))
			if err := p.consume(ctx, st, f, field.Name, live, outs); err != nil {
				return nil, err
			}
		}
	}
	if streams == 0 {
		watch.end()
	}
	return outs, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// blame makes an error of a lazy stream name the step that gives it, not the
// one that happens to read.
func (p *planner) blame(st *Step, f *frame, in step.Stream[any]) step.Stream[any] {
	return step.StreamOf(func(yield func(any, error) bool) {
		for v, err := range in.All() {
			if err != nil {
				yield(nil, p.fail(st, f, err))
				return
			}
			if !yield(v, nil) {
				return
			}
		}
	})
}

// consume lets a stream flow through, or spools or collects it, by the ways in
// which the program uses it.
func (p *planner) consume(ctx context.Context, st *Step, f *frame, name string, in step.Stream[any], outs map[string]any) error {
	ref := streamRef{st.ID, name}
	u := p.p.usage[ref]
	count := countField(st.Kind.Outputs, name)
	switch {
	case u == nil:
		outs[name] = in // nobody reads it, so nothing more is fetched
		return nil
	case f.item != nil:
		// Inside an iteration lists are small, or the limit says so.
		if u.direct == 1 && !u.list && !u.counted {
			outs[name] = in
			return nil
		}
		list, err := collect(ref, in)
		if err != nil {
			return err
		}
		outs[name] = list
		if count != "" {
			outs[count] = len(list)
		}
		return nil
	case u.list && !u.later:
		list, err := collect(ref, in)
		if err != nil {
			return err
		}
		outs[name] = list
		if count != "" {
			outs[count] = len(list)
		}
		return nil
	case !u.spooled() && !u.list:
		outs[name] = in
		return nil
	}
	sp, err := p.newSpool(ref)
	if err != nil {
		return err
	}
	for v, err := range in.All() {
		if err == nil {
			err = context.Cause(ctx)
		}
		if err == nil {
			err = sp.add(v)
		}
		if err == nil && u.later && p.w != nil {
			err = p.w.Write(planfile.Row{Type: "row", Stream: ref.step + "." + ref.output, Value: planfile.Value{V: v}})
		}
		if err != nil {
			return errors.Join(err, sp.done())
		}
		p.emit(Event{Kind: EventProgress, Stage: p.stage, Step: st.ID, Done: sp.count})
	}
	if err := sp.done(); err != nil {
		return err
	}
	return p.readSpool(ref, sp, u, count, outs)
}

// readSpool gives what reads a finished spool.
func (p *planner) readSpool(ref streamRef, sp *spool, u *usage, count string, outs map[string]any) error {
	outs[ref.output] = sp.stream()
	if count != "" {
		outs[count] = sp.count
	}
	if u.list {
		list, err := collect(ref, sp.stream())
		if err != nil {
			return err
		}
		outs[ref.output] = list
	}
	return nil
}

// countField finds the output that counts a stream.
func countField(fields []step.Field, stream string) string {
	for _, f := range fields {
		if f.Count == stream {
			return f.Name
		}
	}
	return ""
}

func (p *planner) countLeftOut(id, reason string, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	k := leftOutKey{id, reason}
	if _, ok := p.leftOut[k]; !ok {
		p.order = append(p.order, k)
	}
	p.leftOut[k] += n
}

// local plans a local step: its arguments are settled now, it happens in apply.
func (p *planner) local(ctx context.Context, st *Step, f *frame) ([]any, error) {
	args, err := f.args(st)
	if err != nil {
		return nil, p.fail(st, f, err)
	}
	if p.final != nil {
		return nil, p.final.localNow(ctx, st, f, args)
	}
	rec := planfile.Local{Type: "local", Step: st.ID, Unit: f.unit, Item: f.item, Args: map[string]planfile.Value{}}
	for name, v := range args {
		if in, ok := v.(step.Stream[any]); ok {
			// Its rows go into the plan, so that apply needs nothing else.
			mark := planfile.StreamMark(streamName(st.ID, name, f.item))
			if v, err = p.recordStream(ctx, mark, in); err != nil {
				return nil, p.fail(st, f, err)
			}
		}
		rec.Args[name] = planfile.Value{V: v}
	}
	outs := map[string]any{}
	for _, o := range st.Kind.Outputs {
		outs[o.Name] = nil
	}
	f.set(st.ID, "ok", outs)
	return []any{rec}, nil
}

func streamName(id, param string, item []int) string {
	name := id + "/" + param
	for _, i := range item {
		name += fmt.Sprintf("/%d", i)
	}
	return name
}

// recordStream writes a stream into the plan. In an iteration, where records
// wait for their turn, it is collected instead.
func (p *planner) recordStream(ctx context.Context, mark planfile.StreamMark, in step.Stream[any]) (any, error) {
	if strings.Count(string(mark), "/") > 1 {
		return collect(streamRef{string(mark), "rows"}, in)
	}
	for v, err := range in.All() {
		if err == nil {
			err = context.Cause(ctx)
		}
		if err == nil {
			err = p.w.Write(planfile.Row{Type: "row", Stream: string(mark), Value: planfile.Value{V: v}})
		}
		if err != nil {
			return nil, err
		}
	}
	return mark, nil
}

// send renders one send completely.
func (p *planner) send(ctx context.Context, st *Step, f *frame) ([]any, error) {
	rec := planfile.Send{Type: "send", Step: st.ID, Unit: f.unit, Item: f.item, Status: planfile.StatusPlanned}
	args, err := f.args(st)
	if err != nil {
		return nil, p.fail(st, f, err)
	}
	prep, err := st.Kind.Prepare(args)
	if err != nil {
		return nil, p.fail(st, f, err)
	}
	rec.Key, rec.Contact = prep.Key, prep.Recipient.Contact
	if st.Key != nil {
		v, err := st.Key.Eval(f.env)
		if err != nil {
			return nil, p.fail(st, f, err)
		}
		switch k := v.(type) {
		case int:
			rec.Key = fmt.Sprint(k)
		case string:
			rec.Key = k
		default:
			rec.Key = ""
		}
		if strings.TrimSpace(rec.Key) == "" {
			return nil, p.fail(st, f, errors.New("key is empty; it must name the occasion, else everybody would share one"))
		}
	}
	rec.Period = p.periodOf(st)
	if rec.Account, err = p.account(ctx, st); err != nil {
		return nil, err
	}
	if rec.Content, err = hashOf(args); err != nil {
		return nil, p.fail(st, f, err)
	}
	rec.Identity = ledger.Key{
		Account: rec.Account, Flow: p.p.Name, Campaign: p.head.Campaign, Step: st.ID, Key: rec.Key, Period: rec.Period,
	}.Identity().String()
	rec.Args = make(map[string]planfile.Value, len(args))
	for name, v := range args {
		rec.Args[name] = planfile.Value{V: v}
	}
	f.set(st.ID, planfile.StatusPlanned, map[string]any{})
	return []any{rec}, nil
}

// periodOf is the calendar period of a send, "" for the whole campaign.
func (p *planner) periodOf(st *Step) string {
	switch cmp.Or(st.OncePer, p.p.OncePer, "campaign") {
	case "month":
		return p.now.Format("2006-01")
	case "week":
		year, week := p.now.ISOWeek()
		return fmt.Sprintf("%04d-W%02d", year, week)
	case "day":
		return p.now.Format("2006-01-02")
	case "run":
		return p.run
	}
	return ""
}

// loop plans every iteration of a forEach, in order.
func (p *planner) loop(ctx context.Context, st *Step, f *frame) ([]any, error) {
	v, err := st.ForEach.Eval(f.env)
	if err != nil {
		return nil, p.fail(st, f, err)
	}
	var in iter.Seq2[any, error]
	switch x := v.(type) {
	case step.Stream[any]:
		in = x.All()
	case []any:
		in = step.StreamList(x).All()
	default:
		return nil, p.fail(st, f, errors.New("forEach is nil, but a list is wanted"))
	}
	ref := streamRef{st.ID, "items"}
	out, err := p.itemsOut(st, f, ref)
	if err != nil {
		return nil, err
	}
	before, base := p.counts, p.unit
	var recs []any
	count := 0
	err = ordered(ctx, in, p.width(st), func(ctx context.Context, i int, record any) (iteration, error) {
		inner := f.iteration(st, i, record)
		if f.item == nil {
			inner.unit = base + int64(i) + 1
		}
		return p.iterate(ctx, st, inner, i)
	}, func(i int, it iteration) error {
		count++
		if f.item == nil {
			p.counts.Iterations++
			p.emit(Event{Kind: EventProgress, Stage: p.stage, Step: st.ID, Done: count})
			if err := p.flush(ctx, it.recs); err != nil {
				return err
			}
		} else {
			recs = append(recs, it.recs...)
		}
		return out.add(it.item)
	})
	if err != nil {
		return nil, p.fail(st, f, err)
	}
	outs, err := out.end()
	if err != nil {
		return nil, p.fail(st, f, err)
	}
	outs["count"] = count
	if len(st.Sends) > 0 && f.item == nil {
		c := minus(p.counts, before)
		// What an earlier run left unknown or refused is still unknown or failed.
		outs["planned"], outs["leftOut"] = c.Planned+c.Unknown+c.Refused, c.LeftOut
		outs["alreadySent"], outs["duplicates"] = c.AlreadySent, c.Duplicate
	}
	f.set(st.ID, "ok", outs)
	return recs, nil
}

// width is how many iterations are planned side by side. Where nothing is read,
// side by side gains nothing.
func (p *planner) width(st *Step) int {
	if p.final != nil || !contains(st, step.EffectRead) {
		return 1
	}
	return st.Concurrency
}

// iteration is what one iteration gives to the plan and to the loop's items.
type iteration struct {
	recs []any
	item map[string]any
}

// iterate plans one iteration.
func (p *planner) iterate(ctx context.Context, st *Step, f *frame, i int) (iteration, error) {
	status, reason := "ok", ""
	recs, err := p.once(ctx, st, f)
	var left *leftOutError
	switch {
	case errors.As(err, &left):
		status, reason = "left_out", left.reason
		recs = p.leave(st, f, "skipped", reason)
		p.countLeftOut(left.step, reason, 1)
	case err != nil:
		return iteration{}, p.fail(st, f, err)
	default:
		if why, gone := f.absent[st.ID]; gone {
			status, reason = "left_out", why
		}
	}
	it := iteration{recs: recs}
	if it.item, err = p.item(st, f, i, status); err != nil {
		return it, p.fail(st, f, err)
	}
	if len(st.Sends) > 0 {
		rec := planfile.Item{Type: "item", Loop: st.ID, Unit: f.unit, Item: f.item, Reason: reason}
		if status != "ok" {
			rec.Status = status
		}
		rec.Outputs, rec.Scope = map[string]planfile.Value{}, map[string]planfile.Value{}
		for name, v := range it.item {
			rec.Outputs[name] = planfile.Value{V: v}
		}
		for _, path := range st.capture {
			if _, bad := f.missing(needsOfPath(path)); !bad {
				rec.Scope[strings.Join(path, ".")] = planfile.Value{V: f.lookup(path)}
			}
		}
		it.recs = append(it.recs, rec)
	}
	return it, nil
}

func needsOfPath(path []string) []string {
	if len(path) > 1 && path[0] == "steps" {
		return path[1:2]
	}
	return nil
}

// item is the loop's record of an iteration, as far as it is known at plan.
func (p *planner) item(st *Step, f *frame, i int, status string) (map[string]any, error) {
	if len(st.Items) > 0 {
		return p.outputs(st.Items, f, false)
	}
	if len(st.Sends) > 0 {
		return nil, nil // made from the sends when they have settled
	}
	if st.Kind != nil && st.Kind.Effect != step.EffectLocal {
		got, _ := f.steps[st.ID].(map[string]any)
		outs := maps.Clone(got["outputs"].(map[string]any))
		for _, o := range st.Kind.Outputs {
			v := outs[o.Name]
			if in, ok := v.(step.Stream[any]); ok {
				var err error
				if v, err = collect(streamRef{st.ID, o.Name}, in); err != nil {
					return nil, err
				}
			}
			outs[o.Name] = v
		}
		return outs, nil
	}
	return map[string]any{"index": i, "status": status}, nil
}

// itemsOut takes the records of a loop as far as anybody reads them at plan.
func (p *planner) itemsOut(st *Step, f *frame, ref streamRef) (*itemsOut, error) {
	out := &itemsOut{p: p, ref: ref, u: p.p.usage[ref], nested: f.item != nil}
	items, _ := step.ObjectOf(st.Outs...).Field("items")
	if items.Shape.HasOutcome() {
		out.u = nil // known when the sends have settled
	}
	if out.u != nil && !out.nested {
		var err error
		out.sp, err = p.newSpool(ref)
		return out, err
	}
	return out, nil
}

// itemsOut is where a loop's records go.
type itemsOut struct {
	p      *planner
	ref    streamRef
	u      *usage
	nested bool
	sp     *spool
	list   []any
}

func (o *itemsOut) add(item map[string]any) error {
	switch {
	case o.u == nil:
		return nil
	case o.nested:
		if len(o.list) == maxCollected {
			return fmt.Errorf("a loop inside a loop gives at most %d items to its outputs", maxCollected)
		}
		o.list = append(o.list, any(item))
		return nil
	}
	if o.u.later && o.p.w != nil {
		row := planfile.Row{Type: "row", Stream: o.ref.step + "." + o.ref.output, Value: planfile.Value{V: item}}
		if err := o.p.w.Write(row); err != nil {
			return err
		}
	}
	return o.sp.add(item)
}

func (o *itemsOut) end() (map[string]any, error) {
	outs := map[string]any{}
	switch {
	case o.u == nil:
	case o.nested:
		if o.list == nil {
			o.list = []any{}
		}
		outs["items"] = o.list
	default:
		if err := o.sp.done(); err != nil {
			return nil, err
		}
		if err := o.p.readSpool(o.ref, o.sp, o.u, "", outs); err != nil {
			return nil, err
		}
	}
	return outs, nil
}

// flush writes records in plan order. Only here is it known whether a send was
// sent before, or stands in this plan already.
func (p *planner) flush(ctx context.Context, recs []any) error {
	for _, rec := range recs {
		switch r := rec.(type) {
		case planfile.Send:
			p.seq++
			r.Seq = p.seq
			if r.Status == planfile.StatusPlanned {
				if err := p.known(ctx, &r); err != nil {
					return err
				}
			} else {
				p.countLeftOut(r.Step, r.Reason, 1)
			}
			p.counts.Add(r.Status)
			if r.Changed {
				p.counts.Changed++
			}
			p.unit = max(p.unit, r.Unit)
			rec = r
		case planfile.Local:
			p.seq++
			r.Seq = p.seq
			p.unit = max(p.unit, r.Unit)
			rec = r
		}
		if p.w == nil {
			return errors.New("nothing can be planned in finally")
		}
		if err := p.w.Write(rec); err != nil {
			return err
		}
	}
	return nil
}

// known asks the draft and the ledger about a send.
func (p *planner) known(ctx context.Context, r *planfile.Send) error {
	id, err := ledger.ParseIdentity(r.Identity)
	if err != nil {
		return err
	}
	content, err := ledger.ParseIdentity(r.Content) // the same form: 32 bytes in hex
	if err != nil {
		return err
	}
	seen, err := p.draft.Add(ctx, id, content, r.Seq)
	if err != nil {
		return err
	}
	if seen.Prior >= 0 {
		if !seen.SameContent {
			return &ConflictError{Step: r.Step, Key: r.Key, First: seen.Prior, Second: r.Seq}
		}
		r.Status, r.Reason, r.Args = planfile.StatusDuplicate, fmt.Sprintf("the same message as row %d", seen.Prior), nil
		return nil
	}
	if seen.Record == nil {
		return nil
	}
	at := seen.Record.At
	switch seen.Record.State {
	case ledger.Sent:
		r.Status, r.Message, r.Since = planfile.StatusAlreadySent, seen.Record.MessageID, &at
		r.Changed = seen.Record.ContentHash != content
	case ledger.Unknown:
		r.Status, r.Since = planfile.StatusUnknown, &at
		r.Reason = fmt.Sprintf("run %s could not tell whether it went out; it is not sent again", seen.Record.Run)
	case ledger.Intent:
		r.Status, r.Since = planfile.StatusUnknown, &at
		r.Reason = fmt.Sprintf("run %s is sending it, or ended while it did", seen.Record.Run)
	case ledger.Refused:
		r.Status, r.Since = planfile.StatusRefused, &at
		r.Reason = cmp.Or(seen.Record.Reason, "the API refused it for good")
	default:
		return nil
	}
	r.Args = nil
	return nil
}

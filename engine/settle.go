package engine

import (
	"context"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/flowrunner/flowrunner/engine/lang"
	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/planfile"
	"github.com/flowrunner/flowrunner/engine/step"
)

// final is what became of one send of a plan.
type final struct {
	send    planfile.Send
	status  string
	reason  string
	message int
	at      *time.Time
	ours    bool // this run's to make, and so counted
}

// settleStage gives every later expression the outcomes of a stage: what each
// send became, each loop's items and counters, what blocks and called flows give.
func (a *applier) settleStage(ctx context.Context, path string) error {
	if agrees, err := a.tallied(ctx); agrees || err != nil {
		return err
	}
	next, stop := iter.Pull2(a.o.Store.Records(ctx, ledger.Filter{Run: a.result.Run.ID}))
	defer stop()
	outcomes := &outcomeReader{a: a, next: next}
	parts := map[string]*part{}
	it := iterationSettler{a: a}
	stage := 0
	for rec, err := range planfile.Records(path) {
		if err != nil {
			return err
		}
		switch r := rec.(type) {
		case planfile.Header:
			stage = r.Stage
		case planfile.Send:
			f, err := outcomes.of(r)
			if err != nil {
				return err
			}
			if f.ours {
				a.tally(f.status)
			}
			if err := a.countAround(parts, f); err != nil {
				return err
			}
			if len(r.Item) == 0 {
				a.topSend(f)
				continue
			}
			it.sends = append(it.sends, f)
		case planfile.Item:
			if err := it.item(parts, r); err != nil {
				return err
			}
		case planfile.Step:
			// A loop over nothing has no sends and no items, but it has settled too.
			if st := a.p.byID[r.Step]; st != nil && st.IsLoop() && len(st.Sends) > 0 {
				if _, err := a.part(parts, st); err != nil {
					return err
				}
			}
		}
	}
	for id, l := range parts {
		if err := l.end(a, a.p.byID[id]); err != nil {
			return err
		}
	}
	for _, st := range a.p.Steps {
		if st.Stage == stage {
			if err := a.settleBlock(st, parts); err != nil {
				return err
			}
		}
	}
	return nil
}

// tallied audits a run of which nothing reads what became of its sends by the
// ledger's counts alone. It is false where the sends must be looked at one by one:
// something reads their outcomes, or the counts are not what this run has seen.
func (a *applier) tallied(ctx context.Context) (bool, error) {
	if a.p.Stages > 1 || a.p.readsOutcomes() {
		return false, nil
	}
	n, err := a.o.Store.Tally(ctx, a.result.Run.ID)
	if err != nil {
		return false, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	said := ledger.Counts{Sent: n[ledger.Sent], Failed: n[ledger.Refused], Unknown: n[ledger.Unknown] + n[ledger.Intent]}
	if said.Sent != a.counts.Sent || said.Failed != a.counts.Failed || said.Unknown != a.counts.Unknown {
		return false, nil
	}
	a.audit = said
	a.audit.Skipped = a.counts.Planned - said.Sent - said.Failed - said.Unknown
	return true, nil
}

// readsOutcomes reports whether finally or outputs read anything of a step that
// sends.
func (p *Program) readsOutcomes() bool {
	var refs []lang.Ref
	for _, st := range p.Finally {
		refs = append(refs, allRefs(st)...)
	}
	for _, o := range p.Outputs {
		refs = append(refs, o.Value.Refs()...)
	}
	return slices.ContainsFunc(refs, func(r lang.Ref) bool {
		if r.Path[0] != "steps" {
			return false
		}
		if len(r.Path) < 2 {
			return true
		}
		st := p.byID[r.Path[1]]
		return st == nil || st.Effect() == step.EffectSend || !slices.Contains(p.Finally, st) && st.Effect() == step.EffectLocal
	})
}

// tally counts what the ledger says of a planned send.
func (a *applier) tally(status string) {
	switch status {
	case planfile.StatusSent:
		a.audit.Sent++
	case planfile.StatusFailed:
		a.audit.Failed++
	case planfile.StatusUnknown:
		a.audit.Unknown++
	default:
		a.audit.Skipped++
	}
}

// outcomeReader joins the sends of a plan with the ledger's records of the run;
// both are in the order of Seq.
type outcomeReader struct {
	a    *applier
	next func() (ledger.Record, error, bool)
	head ledger.Record
	have bool
	end  bool
}

func (o *outcomeReader) of(r planfile.Send) (final, error) {
	f := final{send: r, status: r.Status, reason: r.Reason, message: r.Message, at: r.Since}
	switch r.Status {
	case planfile.StatusRefused:
		f.status = planfile.StatusFailed
		return f, nil
	case planfile.StatusPlanned, planfile.StatusUnknown:
	default:
		return f, nil
	}
	f.ours = r.Status == planfile.StatusPlanned
	for !o.end && (!o.have || o.head.Seq < r.Seq) {
		rec, err, ok := o.next()
		if err != nil {
			return f, err
		}
		o.head, o.have, o.end = rec, ok, !ok
	}
	f.status, f.reason = planfile.StatusSkipped, o.a.skipReason(r.Seq)
	rec, ok := o.head, o.have && o.head.Seq == r.Seq
	if !ok || rec.Identity.String() != r.Identity {
		// Another run may have settled it between plan and apply.
		id, err := ledger.ParseIdentity(r.Identity)
		if err != nil {
			return f, err
		}
		if rec, ok, err = o.a.o.Store.Find(context.Background(), id); err != nil || !ok {
			return f, err
		}
	}
	// One that an earlier run left unknown is this run's as soon as it surely did
	// not go out.
	f.ours = f.ours || rec.Run == o.a.result.Run.ID || rec.State == ledger.NotSent && r.Rail == ""
	at := rec.At
	//exhaustive:enforce
	switch rec.State {
	case ledger.Planned, ledger.NotSent:
		// Tried, surely not sent, and not tried again: skipped.
	case ledger.Sent:
		f.status, f.reason, f.message, f.at = planfile.StatusSent, "", rec.MessageID, &at
	case ledger.Refused:
		f.status, f.reason, f.at = planfile.StatusFailed, rec.Reason, &at
	case ledger.Unknown, ledger.Intent:
		f.status, f.reason, f.at = planfile.StatusUnknown, rec.Reason, &at
	}
	return f, nil
}

// skipReason says why a planned send was not tried.
func (a *applier) skipReason(seq int64) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	for why, rows := range a.blocked {
		if rows.has(seq) {
			return why
		}
	}
	if a.stopAs != "" {
		return a.stopAs
	}
	return "not tried"
}

// put gives a frame what the send became.
func (f final) put(to *frame) {
	id := f.send.Step
	switch f.status {
	case planfile.StatusSent, planfile.StatusAlreadySent:
		outs := map[string]any{"success": true, "messageId": nil}
		if f.message != 0 {
			outs["messageId"] = f.message
		}
		to.set(id, f.status, outs)
	default:
		to.drop(id, f.status, f.reason)
	}
}

// topSend gives a send outside all loops its result. One that was skipped with
// its reason at plan keeps that.
func (a *applier) topSend(f final) {
	if _, gone := a.root.absent[f.send.Step]; !gone {
		f.put(a.root)
	}
}

// part gathers what a loop, a block or a call gives once its sends have settled.
type part struct {
	counts map[string]int // sends in it, by what became of them
	sp     *spool         // of a loop outside of loops whose items somebody reads
}

func (a *applier) part(parts map[string]*part, st *Step) (*part, error) {
	l := parts[st.ID]
	if l != nil {
		return l, nil
	}
	l = &part{counts: map[string]int{}}
	parts[st.ID] = l
	if !a.p.lateItems(st) || st.Loop != nil {
		return l, nil
	}
	var err error
	l.sp, err = a.newSpool(streamRef{st.ID, "items"})
	return l, err
}

// lateItems reports whether somebody reads the items of a loop, and they wait for
// what becomes of its sends.
func (p *Program) lateItems(st *Step) bool {
	items, _ := step.ObjectOf(st.Outs...).Field("items")
	return st.IsLoop() && p.usage[streamRef{st.ID, "items"}] != nil && items.Shape.HasOutcome()
}

// countAround counts a send in everything that it stands in.
func (a *applier) countAround(parts map[string]*part, f final) error {
	send := a.p.byID[f.send.Step]
	for st := send; st != nil; st = st.in {
		if st == send && !st.IsLoop() {
			continue
		}
		l, err := a.part(parts, st)
		if err != nil {
			return err
		}
		l.counts[f.status]++
	}
	return nil
}

// rank orders the statuses of an iteration's sends: the first is what the
// iteration as a whole became.
var rank = []string{
	planfile.StatusUnknown, planfile.StatusFailed, planfile.StatusSkipped, planfile.StatusSent,
	planfile.StatusAlreadySent, planfile.StatusDuplicate, planfile.StatusLeftOut,
}

// sendItemOf is the record of an iteration in a loop that names no outputs.
func sendItemOf(r planfile.Item, sends []final) map[string]any {
	item := map[string]any{
		"index": r.Item[len(r.Item)-1], "key": nil, "contactId": nil, "status": planfile.StatusLeftOut,
		"reason": textOrNil(r.Reason), "messageId": nil, "at": nil,
	}
	if len(sends) == 0 {
		return item
	}
	worst := slices.MinFunc(sends, func(x, y final) int {
		return slices.Index(rank, x.status) - slices.Index(rank, y.status)
	})
	item["status"], item["key"] = worst.status, textOrNil(worst.send.Key)
	if worst.send.Contact != 0 {
		item["contactId"] = worst.send.Contact
	}
	item["reason"] = textOrNil(worst.reason)
	if worst.message != 0 {
		item["messageId"] = worst.message
	}
	if worst.at != nil {
		item["at"] = *worst.at
	}
	return item
}

func textOrNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// end gives a finished loop's outputs to what comes later.
func (l *part) end(a *applier, st *Step) error {
	if st == nil || st.Loop != nil || !st.IsLoop() {
		return nil
	}
	if _, gone := a.root.absent[st.ID]; gone {
		return nil
	}
	outs := map[string]any{}
	if got, ok := a.root.steps[st.ID].(map[string]any); ok {
		known, _ := got["outputs"].(map[string]any)
		maps.Copy(outs, known)
	}
	for _, status := range []string{planfile.StatusSent, planfile.StatusFailed, planfile.StatusUnknown, planfile.StatusSkipped} {
		outs[status] = l.counts[status]
	}
	if l.sp != nil {
		if err := l.sp.done(); err != nil {
			return err
		}
		ref := streamRef{st.ID, "items"}
		outs["items"] = l.sp.stream()
		if a.p.usage[ref].list {
			list, err := collect(ref, l.sp.stream())
			if err != nil {
				return err
			}
			outs["items"] = list
		}
	}
	a.root.set(st.ID, worst(l.counts), outs)
	return nil
}

// worst is what several sends became as a whole.
func worst(counts map[string]int) string {
	for _, status := range rank {
		if counts[status] > 0 {
			return status
		}
	}
	return "ok"
}

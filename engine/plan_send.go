package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/planfile"
	"github.com/flowrunner/flowrunner/engine/step"
)

// candidate is a send on its way into the plan, with what the rails must know of
// it and the plan must not hold.
type candidate struct {
	planfile.Send
	st        *Step
	id        ledger.Identity   // as Identity
	content   [32]byte          // as Content
	contact   ledger.Person     // the contact as a person of its own
	former    []ledger.Identity // what it is under the ids that its step once had
	recipient step.Recipient
	preview   step.Preview
	facts     *step.Facts // nil until somebody has told
	named     string      // what person: gave
	person    ledger.Person
	unsettled string         // the earlier run that could not tell what became of it
	record    step.Facts     // facts, where its record in the flow told them
	form      []byte         // reused: what content is the hash of
	args      map[string]any // reused: Args
}

// candidate gives an empty candidate. Those that stand in the plan are used again, by
// whichever iteration is planned next.
func (p *planner) candidate(st *Step, f *frame) *candidate {
	c, ok := p.written.Get().(*candidate)
	if !ok {
		c = &candidate{}
	}
	*c = candidate{st: st, form: c.form[:0], args: c.args}
	c.Send = planfile.Send{Type: "send", Step: st.ID, Unit: f.unit, Item: f.item, Status: planfile.StatusPlanned}
	return c
}

// send renders one send completely.
func (p *planner) send(ctx context.Context, st *Step, f *frame) ([]any, error) {
	rec := p.candidate(st, f)
	args, err := f.args(st, rec.args)
	if err != nil {
		return nil, p.fail(st, f, err)
	}
	prep, err := st.Kind.Prepare(args)
	if err != nil {
		return nil, p.fail(st, f, err)
	}
	rec.Key, rec.Contact, rec.TextHash = prep.Key, prep.Recipient.Contact, planfile.TextHash(prep.Preview.Text)
	rec.recipient, rec.preview = prep.Recipient, prep.Preview
	if p.told(st, f, &rec.record) {
		rec.facts = &rec.record
	}
	if st.Person != nil {
		v, err := st.Person.Eval(f.env)
		if err != nil {
			return nil, p.fail(st, f, err)
		}
		if v != nil {
			rec.named = strings.TrimSpace(fmt.Sprint(v))
		}
	}
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
	if st.Zone != nil {
		v, err := st.Zone.Eval(f.env)
		if err != nil {
			return nil, p.fail(st, f, err)
		}
		rec.Zone, _ = v.(string)
	}
	rec.Period = p.p.periodOf(st, p.run, p.now, p.slot)
	if rec.Account, err = p.account(ctx, st); err != nil {
		return nil, err
	}
	if rec.content, rec.form, err = sumOf(rec.form, args); err != nil {
		return nil, p.fail(st, f, err)
	}
	key := p.p.keyOf(st, rec.Account, p.p.CampaignOf(p.o), rec.Key, rec.Period)
	rec.id = key.Identity()
	rec.Identity, rec.Content = rec.id.String(), ledger.Identity(rec.content).String()
	for _, id := range p.p.formerly(st) {
		key.Step = id
		rec.former = append(rec.former, key.Identity())
	}
	rec.Args, rec.args = args, args
	f.give(st.ID, st.planned)
	return []any{rec}, nil
}

// keyOf is what a send is remembered by.
func (p *Program) keyOf(send *Step, account, campaign, key, period string) ledger.Key {
	return ledger.Key{Account: account, Flow: p.Name, Campaign: campaign, Step: send.ID, Key: key, Period: period}
}

// SandboxKey is what a send that a run made at a moment, to a sandbox's company,
// is remembered by.
func (p *Program) SandboxKey(send *Step, company, campaign, key, run string, at time.Time) ledger.Key {
	slot, err := p.slotOf(at)
	if err != nil {
		slot = nil // no run of the schedule has planned it
	}
	return p.keyOf(send, sandboxHost+"/"+company, campaign, key, p.periodOf(send, run, at.In(p.Zone), slot))
}

// oncePer is how often one recipient may get a send.
func (p *Program) oncePer(send *Step) string { return cmp.Or(send.OncePer, p.OncePer, "campaign") }

// periodOf is the calendar period of a send, "" for the whole campaign. It is
// that of the slot, however late the run is; a slot is also what a run serves.
func (p *Program) periodOf(st *Step, run string, now time.Time, slot *time.Time) string {
	if slot != nil {
		now, run = *slot, slot.Format(slotForm)
	}
	switch p.oncePer(st) {
	case "month":
		return now.Format("2006-01")
	case "week":
		year, week := now.ISOWeek()
		return fmt.Sprintf("%04d-W%02d", year, week)
	case "day":
		return now.Format("2006-01-02")
	case "run":
		return run
	}
	return ""
}

// flush writes records in plan order. Only here is it known whether a send was
// sent before, or stands in this plan already.
func (p *planner) flush(ctx context.Context, recs []any) error {
	for _, rec := range recs {
		c, _ := rec.(*candidate)
		switch r := rec.(type) {
		case *candidate:
			p.seq++
			r.Seq = p.seq
			if err := p.decide(ctx, r); err != nil {
				return err
			}
			p.count(&r.Send)
			rec = &r.Send
		case *planfile.Send:
			p.seq++
			r.Seq = p.seq
			p.count(r)
		case planfile.Local:
			p.seq++
			r.Seq = p.seq
			p.unit = max(p.unit, r.Unit)
			rec = r
		}
		if p.w == nil {
			return errors.New("nothing can be planned in finally")
		}
		if err := p.w.write(rec); err != nil {
			return err
		}
		if c != nil {
			p.written.Put(c)
		}
	}
	return nil
}

// count counts a send that is decided about.
func (p *planner) count(r *planfile.Send) {
	if r.Status == planfile.StatusLeftOut {
		p.countLeftOut(r.Step, r.Reason, 1)
	}
	if r.Status == planfile.StatusPlanned {
		// Both are of fixed length.
		p.both = append(append(p.both[:0], r.Identity...), r.Content...)
		p.planned.Write(p.both)
	}
	p.counts.Add(r.Status)
	if r.Changed {
		p.counts.Changed++
	}
	p.unit = max(p.unit, r.Unit)
}

// decide settles what becomes of a send: first by what the draft and the ledger
// know, then by the rails.
func (p *planner) decide(ctx context.Context, c *candidate) error {
	if p.notMeant(c) {
		return nil
	}
	err := p.known(ctx, c)
	switch {
	case err != nil:
		return err
	case c.Status == planfile.StatusUnknown:
		return p.railedAgain(ctx, c)
	case c.Status == planfile.StatusPlanned:
		return p.railed(ctx, c)
	}
	return nil
}

// railedAgain asks the rails about a send that an earlier run has left unknown: it
// is read back in any case, and where a rail speaks against it, it is not sent
// again, whatever the chat has.
func (p *planner) railedAgain(ctx context.Context, c *candidate) error {
	reason, args := c.Reason, c.Args
	err := p.railed(ctx, c)
	c.Status, c.Reason, c.Args = planfile.StatusUnknown, reason, args
	return err
}

// known asks the draft and the ledger about a send.
func (p *planner) known(ctx context.Context, c *candidate) error {
	r := &c.Send
	draft, err := p.draft(ctx)
	if err != nil {
		return err
	}
	seen, err := draft.Add(ctx, c.id, c.content, r.Seq, c.former...)
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
	if seen.Record.Identity != c.id {
		// One send has one identity for good: whatever follows, another attempt,
		// reading back, a person's word, is about the one that the ledger has.
		r.Identity, r.Former = seen.Record.Identity.String(), seen.Record.Step
	}
	at := seen.Record.At
	switch seen.Record.State {
	case ledger.Sent:
		r.Status, r.Message, r.Since = planfile.StatusAlreadySent, seen.Record.MessageID, &at
		r.Changed = seen.Record.ContentHash != c.content
	case ledger.Unknown:
		r.Status, r.Since, c.unsettled = planfile.StatusUnknown, &at, seen.Record.Run
		r.Reason = fmt.Sprintf("run %s could not tell whether it went out; the chat is read back before anything is sent again", seen.Record.Run)
		return nil
	case ledger.Intent:
		r.Status, r.Since, c.unsettled = planfile.StatusUnknown, &at, seen.Record.Run
		r.Reason = fmt.Sprintf("run %s is sending it, or ended while it did", seen.Record.Run)
		return nil
	case ledger.Refused:
		r.Status, r.Since = planfile.StatusRefused, &at
		r.Reason = cmp.Or(seen.Record.Reason, "the API refused it for good")
	default:
		return nil
	}
	r.Args = nil
	return nil
}

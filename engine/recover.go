package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/planfile"
	"github.com/flowrunner/flowrunner/engine/step"
)

// Recovered is what reading the histories of a plan's contacts has brought into
// a ledger that knew nothing of them.
type Recovered struct {
	Run      ledger.Run
	Looked   int // sends that were looked for
	Found    int // of these, recorded as sent
	Missing  int // read and not there: recorded as not sent
	Doubtful int // whose history does not tell: unknown
	Causes   []Cause
	Reason   string // why it ended early
	Hint     string
}

// Recover looks in the chats for the planned sends of a plan, as far as since
// back, and records those that it finds as sent. It sends nothing.
//
// First every send of which the ledger knows nothing becomes an intent: until its
// chat was read it may have gone out, and when Recover ends early or is killed it
// is unknown, so that no run makes it before somebody knows. Then each chat is
// read, and those that did not have the message once more when a settle time has
// passed: nobody knows how long ago the lost run ended. What both looks did not
// show is recorded as not sent, and the next run makes it; a send of which the chat
// does not tell stays unknown. One that was unknown before can only turn out to be
// sent. The next Recover goes on with the rest. The caller holds the flow's lock.
func (p *Program) Recover(ctx context.Context, path string, since time.Duration, o Options) (*Recovered, error) {
	plan, err := planfile.Check(path)
	if err != nil {
		return nil, err
	}
	s, err := newSession(p, o, cmp.Or(o.Run, NewRunID(o.clock())), plan.Head.Now)
	if err != nil {
		return nil, err
	}
	defer s.close()
	r := &recovery{session: s, since: since}
	r.result.Run = ledger.Run{
		ID: s.run, Flow: plan.Head.Flow, Campaign: plan.Head.Campaign, File: plan.Head.File, FlowHash: plan.Head.FlowHash, InputsHash: plan.Head.InputsHash,
		State: ledger.Running, Started: o.clock(), Reason: "it looked in the chats for what was sent before",
	}
	for _, account := range plan.Head.Accounts {
		r.result.Run.Account = account
	}
	if err := o.Store.Begin(ctx, r.result.Run); err != nil {
		return nil, err
	}
	err = r.each(ctx, path, r.doubt)
	if err == nil {
		err = r.each(ctx, path, r.first)
	}
	if err == nil && r.denied > 0 {
		if err = r.wait(ctx, p.settleOf(plan.Head, o)); err == nil {
			err = r.each(ctx, path, r.second)
		}
	}
	if err != nil {
		r.result.Causes = append(r.result.Causes, CauseOf(err))
		r.result.Reason, r.result.Hint = err.Error(), Hint(err)
	}
	if r.result.Doubtful > 0 {
		r.result.Causes = append(r.result.Causes, CauseUnknown)
	}
	run := &r.result.Run
	// It is over in any case: there is no plan to go on with.
	run.State, run.Finished = ledger.Failed, o.clock()
	if err == nil {
		run.State = ledger.Finished
	}
	run.Counts = ledger.Counts{Planned: r.result.Found + r.result.Missing + r.result.Doubtful, Sent: r.result.Found, Unknown: r.result.Doubtful, Skipped: r.result.Missing}
	late := context.WithoutCancel(ctx)
	if _, lost := o.Store.Recover(late, run.ID, "its chat was not read any more"); lost != nil {
		return &r.result, lost
	}
	return &r.result, o.Store.Finish(late, *run)
}

// recovery is one Recover under way.
type recovery struct {
	*session
	since  time.Duration
	denied int // intents that the first look did not find: they are intents still
	result Recovered
}

// wait waits until no send that was not found can be accepted any more.
func (r *recovery) wait(ctx context.Context, settle time.Duration) error {
	what := "1 send that its chat does not show, which may still arrive late"
	if r.denied > 1 {
		what = fmt.Sprintf("%d sends that their chats do not show, which may still arrive late", r.denied)
	}
	r.emit(Event{Kind: EventWaiting, Text: spellWait(settle) + " for " + what, Until: r.o.clock().Add(settle)})
	return r.o.sleep(ctx, settle)
}

// each calls do for every send of the plan that the ledger does not know, or
// knows as unknown.
func (r *recovery) each(ctx context.Context, path string, do func(context.Context, planfile.Send, ledger.Identity) error) error {
	for rec, err := range planfile.Records(path) {
		if err == nil {
			err = context.Cause(ctx)
		}
		if err != nil {
			return err
		}
		s, ok := rec.(planfile.Send)
		if !ok || s.Status != planfile.StatusPlanned && s.Status != planfile.StatusUnknown || len(s.Args) == 0 {
			continue
		}
		id, err := ledger.ParseIdentity(s.Identity)
		if err == nil {
			err = do(ctx, s, id)
		}
		if err != nil {
			return fmt.Errorf("row %d, contact %d: %w", s.Seq, s.Contact, err)
		}
	}
	return nil
}

// doubt makes a send of which the ledger knows nothing an intent. It dates from
// as far back as chats are read, so that a later look goes as far.
func (r *recovery) doubt(ctx context.Context, s planfile.Send, id ledger.Identity) error {
	known, ok, err := r.o.Store.Find(ctx, id)
	if err != nil || ok && known.State != ledger.NotSent {
		return err
	}
	content, err := ledger.ParseIdentity(s.Content) // the same form: 32 bytes in hex
	if err != nil {
		return err
	}
	return r.o.Store.Intend(ctx, ledger.Intention{
		Identity: id, Run: r.run, Seq: s.Seq, Step: s.Remembered(), Period: s.Period, Contact: s.Contact,
		Person: personOf(s.Person), Class: r.p.classOf(s.Internal), Account: s.Account, ContentHash: content, At: r.o.clock().Add(-r.since),
	})
}

// first looks for one send and records what the chat tells. One that the chat does
// not show stays an intent until the second look.
func (r *recovery) first(ctx context.Context, s planfile.Send, id ledger.Identity) error {
	known, _, err := r.o.Store.Find(ctx, id)
	if err != nil || known.State != ledger.Intent && known.State != ledger.Unknown {
		return err
	}
	reading, err := r.look(ctx, s, id)
	if err != nil {
		return err
	}
	r.result.Looked++
	r.emit(Event{Kind: EventProgress, Step: s.Step, Done: r.result.Looked})
	ours := known.State == ledger.Intent
	switch {
	case reading.Finding == step.Happened:
		return r.happened(ctx, id, reading, ours)
	case !ours:
		r.result.Doubtful++ // what was unknown before is for the looks of a run
		return nil
	case reading.Finding == step.NotThere:
		r.denied++
		return nil
	}
	return r.doubtful(ctx, id, reading)
}

// second looks once more for what the first look did not find.
func (r *recovery) second(ctx context.Context, s planfile.Send, id ledger.Identity) error {
	known, _, err := r.o.Store.Find(ctx, id)
	if err != nil || known.State != ledger.Intent {
		return err
	}
	reading, err := r.look(ctx, s, id)
	switch {
	case err != nil:
		return err
	case reading.Finding == step.Happened:
		return r.happened(ctx, id, reading, true)
	case reading.Finding == step.NotThere:
		r.result.Missing++
		return r.settle(ctx, id, ledger.NotSent, 0, reading.Evidence)
	}
	return r.doubtful(ctx, id, reading)
}

func (r *recovery) doubtful(ctx context.Context, id ledger.Identity, reading step.Reading) error {
	r.result.Doubtful++
	return r.settle(ctx, id, ledger.Unknown, 0, "the chat does not tell: "+reading.Evidence)
}

// happened records a send that was found. A message that proves another send by
// now proves nothing here.
func (r *recovery) happened(ctx context.Context, id ledger.Identity, reading step.Reading, ours bool) error {
	err := r.settle(ctx, id, ledger.Sent, reading.MessageID, "found in the chat: "+reading.Evidence)
	var claimed *ledger.ClaimedError
	if !errors.As(err, &claimed) {
		if err == nil {
			r.result.Found++
		}
		return err
	}
	r.result.Doubtful++
	if !ours {
		return nil
	}
	return r.settle(ctx, id, ledger.Unknown, 0, "the message that looks like it proves another send")
}

func (r *recovery) settle(ctx context.Context, id ledger.Identity, state ledger.State, message int, reason string) error {
	return r.o.Store.Settle(ctx, ledger.Outcome{Identity: id, Run: r.run, State: state, MessageID: message, Reason: reason, At: r.o.clock()})
}

// look reads the chat of one send. Of a kind that cannot be read back it tells
// nothing.
func (r *recovery) look(ctx context.Context, s planfile.Send, id ledger.Identity) (step.Reading, error) {
	st := r.p.byID[s.Step]
	if st == nil || st.Kind == nil || !st.Kind.CanSettle() {
		return step.Reading{Evidence: "sends of this kind cannot be read back"}, nil
	}
	conn, err := r.connection(st)
	if err != nil {
		return step.Reading{}, err
	}
	ctx = step.WithHost(ctx, &host{s: r.session, st: st, conn: conn})
	if r.o.Gate != nil {
		if ctx, err = r.o.Gate(ctx); err != nil {
			return step.Reading{}, err
		}
	}
	return st.Kind.Settle(ctx, s.Args, step.Attempt{
		ExternalID: id.ExternalID(), At: r.o.clock().Add(-r.since), Age: r.since,
		Claimed: func(message int) (bool, error) {
			holder, claimed, err := r.o.Store.Claimed(ctx, s.Contact, message)
			return claimed && holder != id, err
		},
	})
}

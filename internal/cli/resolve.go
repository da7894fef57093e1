package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/ledger/sqlite"
	"github.com/flowrunner/flowrunner/engine/planfile"
	"github.com/flowrunner/flowrunner/internal/ui"
)

// resolveOptions are the flags of runs resolve.
type resolveOptions struct {
	stateFlags
	contact  int
	seq      int64
	identity string
	all      bool
	as       string
	message  int
	reason   string
	yes      bool
}

func newResolve(a *app) *cobra.Command {
	o := &resolveOptions{}
	cmd := &cobra.Command{
		Use:   "resolve RUN",
		Short: "Record what a person found out about unknown sends",
		Long: "resolve records a decision about sends of which the runner could not tell\n" +
			"whether they went out. Look at the chat in Chat2Desk first. A send that is\n" +
			"decided as sent is never made again; one that is not sent is made by the\n" +
			"next run. Who decided what, when and why stays in the ledger.",
		Example: "  flowrunner runs resolve last --contact 9 --as not-sent --reason \"not there\"\n" +
			"  flowrunner runs resolve last --contact 9 --as sent --reason \"seen in the chat\"\n" +
			"  flowrunner runs resolve last --all --as not-sent --reason \"ticket 4711\"",
		Args: exactly(1, "the id of one RUN, the beginning of one, or last"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(cmd); err != nil {
				return err
			}
			return resolve(a, o, args[0])
		},
	}
	f := cmd.Flags()
	o.register(f)
	outputFlag(a, f)
	f.IntVar(&o.contact, "contact", 0, "the contact, by its `id`, whose send is meant")
	f.Int64Var(&o.seq, "seq", 0, "the row of the run's plan")
	f.StringVar(&o.identity, "identity", "", "the identity of the send, in `hex`")
	f.BoolVar(&o.all, "all", false, "every unknown send of the run")
	f.Var(choiceOf(&o.as, "", "sent", "not-sent"), "as", "what became of it")
	f.IntVar(&o.message, "message-id", 0, "the `id` of the message that was found, with --as sent")
	f.StringVar(&o.reason, "reason", "", "how you know, a `text` in one line and without personal data")
	f.BoolVar(&o.yes, "yes", false, "record without asking")
	return cmd
}

// check refuses flags that do not say what is meant.
func (o *resolveOptions) check(cmd *cobra.Command) error {
	which := 0
	for _, name := range []string{"contact", "seq", "identity", "all"} {
		if cmd.Flags().Changed(name) {
			which++
		}
	}
	o.reason = strings.TrimSpace(o.reason)
	switch {
	case which != 1:
		return &usageError{"say which sends are meant, in one way", "give --contact N, --seq N, --identity HEX or --all"}
	case o.as == "":
		return &usageError{"say what became of them", "give --as sent or --as not-sent"}
	case o.reason == "":
		return &usageError{"say how you know", `give --reason "nothing in the chat", say; it stays in the ledger`}
	case strings.ContainsFunc(o.reason, unicode.IsControl):
		return &usageError{"--reason has more than one line", "write one line of plain text"}
	case cmd.Flags().Changed("message-id") && (o.as != "sent" || o.all || o.message < 1):
		return &usageError{"--message-id is the id of one message that was sent", "give it with --as sent and one send, or leave it out"}
	}
	return nil
}

// becomes is what the sends become.
func (o *resolveOptions) becomes() ledger.State {
	if o.as == "sent" {
		return ledger.Sent
	}
	return ledger.NotSent
}

// unknownSend is a send that a person may decide about.
type unknownSend struct {
	seq int64 // in the plan of the run that was named
	ledger.Record
}

func resolve(a *app, o *resolveOptions, id string) error {
	ctx := a.signals.drain
	st, err := stateHere(o.stateFlags)
	if err != nil {
		return err
	}
	if !st.hasLedger() {
		_, err := st.read(ctx)
		return err
	}
	store, err := st.open(ctx, sqlite.Options{MustExist: true})
	if err != nil {
		return err
	}
	defer store.Close()
	run, err := findRun(ctx, store, st, id)
	if err != nil {
		return err
	}
	sends, err := unknownSends(ctx, store, st, run)
	if err == nil {
		sends, err = o.choose(st, run, sends)
	}
	if err != nil {
		return err
	}
	// Intents whose process is gone are nobody's any more; whose process lives are
	// not for us.
	if slices.ContainsFunc(sends, func(u unknownSend) bool { return u.State == ledger.Intent }) {
		held, err := a.takeOver(ctx, store, st, sends)
		if err != nil {
			return err
		}
		defer held.release(a)
	}
	a.showUnknown(st, run, sends)
	if err := o.confirm(a, len(sends)); err != nil {
		return err
	}
	return o.record(ctx, a, store, st, run, sends)
}

// unknownSends are the sends that runs show calls unknown for a run: its own,
// and those that its plan found unknown and that still are.
func unknownSends(ctx context.Context, store ledger.Store, st state, run ledger.Run) ([]unknownSend, error) {
	open := func(r ledger.Record) bool { return r.State == ledger.Unknown || r.State == ledger.Intent }
	var all []unknownSend
	seen := map[ledger.Identity]bool{}
	for rec, err := range store.Records(ctx, ledger.Filter{Run: run.ID}) {
		if err != nil {
			return nil, err
		}
		if open(rec) {
			seen[rec.Identity] = true
			all = append(all, unknownSend{rec.Seq, rec})
		}
	}
	for _, path := range planFiles(st, run.ID) {
		for rec, err := range planfile.Records(path) {
			if err != nil {
				return nil, err
			}
			send, ok := rec.(planfile.Send)
			if !ok || send.Status != planfile.StatusUnknown {
				continue
			}
			id, err := ledger.ParseIdentity(send.Identity)
			if err != nil || seen[id] {
				continue
			}
			known, ok, err := store.Find(ctx, id)
			if err != nil {
				return nil, err
			}
			if ok && open(known) {
				seen[id] = true
				all = append(all, unknownSend{send.Seq, known})
			}
		}
	}
	slices.SortFunc(all, func(a, b unknownSend) int { return cmp.Compare(a.seq, b.seq) })
	return all, nil
}

// choose keeps the sends that were named.
func (o *resolveOptions) choose(st state, run ledger.Run, all []unknownSend) ([]unknownSend, error) {
	show := "flowrunner runs show " + run.ID + st.flags() + " lists what is unknown"
	if len(all) == 0 {
		return nil, &usageError{fmt.Sprintf("run %s has no unknown sends; there is nothing to decide", run.ID), show}
	}
	var what string
	var mine func(unknownSend) bool
	switch {
	case o.all:
		return all, nil
	case o.identity != "":
		id, err := ledger.ParseIdentity(o.identity)
		if err != nil {
			return nil, &usageError{"--identity " + o.identity + ": " + err.Error(), "copy it from flowrunner why CONTACT -o json"}
		}
		what, mine = "of the identity "+o.identity, func(u unknownSend) bool { return u.Identity == id }
	case o.seq != 0:
		what, mine = fmt.Sprintf("in row %d", o.seq), func(u unknownSend) bool { return u.seq == o.seq }
	default:
		what, mine = fmt.Sprintf("to contact %d", o.contact), func(u unknownSend) bool { return u.Contact == o.contact }
	}
	chosen := slices.DeleteFunc(slices.Clone(all), func(u unknownSend) bool { return !mine(u) })
	if len(chosen) == 0 {
		return nil, &usageError{fmt.Sprintf("run %s has no unknown send %s", run.ID, what), show}
	}
	if len(chosen) > 1 {
		var rows []string
		for _, u := range chosen {
			rows = append(rows, fmt.Sprintf("--seq %d (step %s)", u.seq, u.Step))
		}
		return nil, &usageError{fmt.Sprintf("run %s has %d unknown sends %s", run.ID, len(chosen), what), "choose one: " + strings.Join(rows, ", ")}
	}
	return chosen, nil
}

// takeOver takes the locks of the runs that left intents behind, so that none of
// them is at work, and calls those intents unknown.
func (a *app) takeOver(ctx context.Context, store ledger.Store, st state, sends []unknownSend) (held heldLocks, err error) {
	held = heldLocks{}
	defer func() {
		if err != nil {
			held.release(a)
		}
	}()
	runs := map[string]bool{}
	for i, u := range sends {
		if u.State != ledger.Intent {
			continue
		}
		if err := held.take(a, st, scopeOf(u.Flow, u.Campaign)); err != nil {
			return held, err
		}
		if !runs[u.Run] {
			runs[u.Run] = true
			if _, err := store.Recover(ctx, u.Run, "the process ended while it was being sent"); err != nil {
				return held, err
			}
		}
		now, _, err := store.Find(ctx, u.Identity)
		if err != nil {
			return held, err
		}
		sends[i].Record = now
	}
	return held, nil
}

// showUnknown shows what the decision is about.
func (a *app) showUnknown(st state, run ledger.Run, sends []unknownSend) {
	if a.json {
		return
	}
	var records []ledger.Record
	var rows []ui.UnknownSend
	for i, u := range sends {
		if i < rowsShown {
			records = append(records, u.Record)
			rows = append(rows, ui.UnknownSend{Seq: u.seq, Record: u.Record})
		}
	}
	texts := a.textsOf(st, records)
	for i := range rows {
		rows[i].Text = texts[rows[i].Identity]
	}
	a.errStyle().Unknown(a.stderr, run, rows, len(sends))
}

func (o *resolveOptions) confirm(a *app, n int) error {
	what, means := ui.Plural(n, "send", "sends"), "It is"
	if n > 1 {
		means = "They are"
	}
	if o.yes {
		return nil
	}
	if !a.terminal {
		return &usageError{fmt.Sprintf("a decision about %s is to be recorded and nobody can be asked; nothing was recorded", what), "give --yes if it is meant so"}
	}
	question := fmt.Sprintf("%s never sent again. Record %s as sent?", means, what)
	if o.becomes() == ledger.NotSent {
		question = fmt.Sprintf("%s sent again by the next run. Record %s as not sent?", means, what)
	}
	return a.confirm(question, "nothing was recorded")
}

// record writes the decisions, one after another: each is whole by itself.
func (o *resolveOptions) record(ctx context.Context, a *app, store ledger.Store, st state, run ledger.Run, sends []unknownSend) error {
	who := ledger.ThisProcess()
	a.doc.Decisions = []ui.DecisionDocument{}
	for n, u := range sends {
		d := ledger.Decision{Identity: u.Identity, State: o.becomes(), MessageID: o.message, By: strings.Trim(who.User+"@"+who.Host, "@"), Reason: o.reason, At: time.Now()}
		if err := store.Resolve(ctx, d); err != nil {
			return notResolved(err, n)
		}
		a.doc.Decisions = append(a.doc.Decisions, ui.DecisionOf(ledger.Decided{Decision: d, From: ledger.Unknown}, u.seq, u.Step, u.Contact))
	}
	if a.json {
		return nil
	}
	then := "never made again."
	switch {
	case o.becomes() == ledger.Sent:
	case run.Open():
		then = "made by: flowrunner resume " + run.ID + st.flags()
	default:
		then = "made by the next run."
	}
	fmt.Fprintf(a.stdout, "Recorded: %s %s, and %s\n", ui.Plural(len(sends), "send is", "sends are"), o.becomes(), then)
	return nil
}

// notResolved says why a decision was not recorded, after so many that were.
func notResolved(err error, before int) error {
	var claimed *ledger.ClaimedError
	var changed *ledger.ConflictError
	done := ""
	if before > 0 {
		done = fmt.Sprintf(" (%d before it were recorded)", before)
	}
	switch {
	case errors.As(err, &claimed):
		return &usageError{err.Error() + done, "look at the number of the message again, or leave --message-id out"}
	case errors.As(err, &changed):
		return &engine.StaleError{Reason: err.Error() + done, Hint: "flowrunner runs show tells what is known now"}
	}
	return err
}

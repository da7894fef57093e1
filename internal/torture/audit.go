package torture

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/ledger/sqlite"
	"github.com/flowrunner/flowrunner/engine/planfile"
)

// audit holds every message that the sandbox has accepted against every send
// that the program has planned, in the runs that it began.
func (b *broadcast) audit(ctx context.Context) error {
	store, err := b.ledger(ctx)
	if err != nil {
		return err
	}
	defer store.Close()
	a := &auditor{v: &b.verdict, store: store, accepted: map[string][]sandbox.Accepted{}, seen: map[string]bool{}}
	for _, m := range b.api.Accepted() {
		a.v.Accepted++
		a.accepted[m.ExternalID] = append(a.accepted[m.ExternalID], m)
	}
	for run, err := range store.Runs(ctx) {
		if err != nil {
			return err
		}
		for _, path := range planfile.Stages(filepath.Join(b.state(), "runs", run.ID)) {
			if err := a.plan(ctx, run, path); err != nil {
				return err
			}
		}
	}
	a.strays()
	return nil
}

type auditor struct {
	v        *Verdict
	store    *sqlite.Store
	accepted map[string][]sandbox.Accepted // by external id, until a send is found for them
	seen     map[string]bool               // identities
	unit     int64                         // of the send before
	held     bool                          // an earlier send of this unit is not surely sent
}

// The arguments of a send that reach the sandbox's log.
const (
	externalArg = "externalId"
	textArg     = "message"
)

// messages takes out of the log what was accepted of a planned send. Our own
// external id is that of one send alone; one that the flow gives need not be, so
// of that only one message to the same contact with the same text is taken.
func (a *auditor) messages(r planfile.Send, id ledger.Identity) int {
	external, _ := r.Args[externalArg].(string)
	if external == "" {
		n := len(a.accepted[id.ExternalID()])
		delete(a.accepted, id.ExternalID())
		return n
	}
	text, _ := r.Args[textArg].(string)
	list := a.accepted[external]
	i := slices.IndexFunc(list, func(m sandbox.Accepted) bool { return m.ClientID == int64(r.Contact) && m.Text == text })
	if i < 0 {
		return 0
	}
	a.accepted[external] = slices.Delete(list, i, i+1)
	return 1
}

// plan judges the planned sends of one plan. One that an earlier run's plan has
// too is judged once, since the ledger holds its last word.
func (a *auditor) plan(ctx context.Context, run ledger.Run, path string) error {
	for rec, err := range planfile.Records(path) {
		if err != nil {
			return fmt.Errorf("read %s: %w", path, err)
		}
		r, ok := rec.(planfile.Send)
		if !ok {
			continue
		}
		if r.Unit == 0 || r.Unit != a.unit {
			a.unit, a.held = r.Unit, false
		}
		if r.Status != planfile.StatusPlanned {
			a.held = a.held || r.Status != planfile.StatusAlreadySent && r.Status != planfile.StatusLeftOut
			continue
		}
		id, err := ledger.ParseIdentity(r.Identity)
		if err != nil {
			return fmt.Errorf("read %s: %w", path, err)
		}
		record, known, err := a.store.Find(ctx, id)
		if err != nil {
			return err
		}
		if !a.seen[r.Identity] {
			a.seen[r.Identity] = true
			a.judge(run, r, id, record, known)
		}
		a.held = a.held || record.State != ledger.Sent
	}
	return nil
}

// judge compares one planned send with what the sandbox has accepted.
func (a *auditor) judge(run ledger.Run, r planfile.Send, id ledger.Identity, record ledger.Record, known bool) {
	v, n := a.v, a.messages(r, id)
	v.Planned++
	if n > 1 {
		v.find(&v.Doubled, "contact %d got %d messages of step %s", r.Contact, n, r.Step)
	}
	if !known {
		v.NotTried++
		if n > 0 {
			v.find(&v.Lost, "contact %d got a message of step %s of which the ledger knows nothing", r.Contact, r.Step)
		} else if !a.held && run.Reason == "" {
			v.find(&v.Lost, "contact %d, step %s: never tried, and nothing says why", r.Contact, r.Step)
		}
		return
	}
	//exhaustive:enforce
	switch record.State {
	case ledger.Sent:
		v.Sent++
		if n == 0 {
			v.find(&v.Lost, "contact %d, step %s: sent, says the ledger, but no message was accepted", r.Contact, r.Step)
		}
	case ledger.NotSent, ledger.Refused:
		v.NotSent++
		if n > 0 {
			v.find(&v.Lost, "contact %d, step %s: %s, says the ledger, but a message was accepted", r.Contact, r.Step, record.State)
		} else if record.Reason == "" {
			v.find(&v.Lost, "contact %d, step %s: %s without a reason", r.Contact, r.Step, record.State)
		}
	case ledger.Unknown:
		v.Unknown++
		if n > 0 {
			v.UnknownAccepted++
		}
	case ledger.Planned, ledger.Intent:
		v.find(&v.Lost, "contact %d, step %s: left as %s", r.Contact, r.Step, record.State)
	}
}

// strays are messages that belong to no planned send, or are one more than it.
func (a *auditor) strays() {
	for _, list := range a.accepted {
		for _, m := range list {
			a.v.find(&a.v.Doubled, "contact %d got a message (%s) that no send of a plan accounts for", m.ClientID, m.ExternalID)
		}
	}
}

package history

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/planfile"
)

// Lost is a run whose ledger is lost, and of which only the plans are left.
type Lost struct {
	Run   ledger.Run // as it is to be remembered
	Plans []string   // its plans, stage by stage
	Now   time.Time
}

// Export writes what store does not know of a lost run in the form of an
// exported ledger, for store to import: each planned send may have gone out, so
// it is unknown. What store knows to be sent, refused or unknown stays out, and so
// does what it knows to be not sent by a person's word. Any other "not sent" may
// have been tried again by the lost run since.
func (l Lost) Export(ctx context.Context, store ledger.Store, w io.Writer) error {
	e, err := ledger.NewExporter(w, ledger.ExportHead{Lineage: store.Lineage()})
	if err != nil {
		return err
	}
	if err := e.Run(l.Run); err != nil {
		return err
	}
	for _, path := range l.Plans {
		for rec, err := range planfile.Records(path) {
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				return err
			}
			s, ok := rec.(planfile.Send)
			if !ok || s.Status != planfile.StatusPlanned {
				continue
			}
			r, err := l.record(s)
			if err != nil {
				return err
			}
			known, err := decidedOrKnown(ctx, store, r.Identity)
			if err == nil && !known {
				err = e.Send(r)
			}
			if err != nil {
				return err
			}
		}
	}
	return e.Close()
}

// record is what is known of a send by its plan alone.
func (l Lost) record(s planfile.Send) (ledger.Record, error) {
	r := ledger.Record{
		State: ledger.Unknown, Run: l.Run.ID, Seq: s.Seq, Flow: l.Run.Flow, Campaign: l.Run.Campaign, Step: s.Remembered(), Period: s.Period, Contact: s.Contact,
		Reason: "the ledger of its run is lost; its plan was imported", Attempts: 1, Attempted: l.Run.Started, At: l.Now,
	}
	var err error
	if r.Identity, err = ledger.ParseIdentity(s.Identity); err != nil {
		return r, fmt.Errorf("import plan: row %d: %w", s.Seq, err)
	}
	content, err := ledger.ParseIdentity(s.Content) // the same form: 32 bytes in hex
	if err != nil {
		return r, fmt.Errorf("import plan: row %d: %w", s.Seq, err)
	}
	r.ContentHash = content
	if s.Person != "" {
		if r.Person, err = ledger.ParsePerson(s.Person); err != nil {
			return r, fmt.Errorf("import plan: row %d: %w", s.Seq, err)
		}
	}
	return r, nil
}

// decidedOrKnown reports whether a ledger needs nobody's word about a send.
func decidedOrKnown(ctx context.Context, store ledger.Store, id ledger.Identity) (bool, error) {
	known, ok, err := store.Find(ctx, id)
	if err != nil || !ok {
		return false, err
	}
	if known.State != ledger.NotSent {
		return true, nil
	}
	for _, err := range store.Decisions(ctx, id) {
		return true, err
	}
	return false, nil
}

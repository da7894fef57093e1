package history

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/planfile"
)

// Told is what the plans of a run say beside their rows. A func that is nil is
// told nothing.
type Told struct {
	LeftOut func(planfile.LeftOut) // records that a step did not pass on: a plan counts them, and names nobody
	End     func(planfile.End)     // the end of each stage's plan
}

// tell passes on what a record says beside the rows.
func (t Told) tell(rec any) {
	switch r := rec.(type) {
	case planfile.LeftOut:
		if t.LeftOut != nil {
			t.LeftOut(r)
		}
	case planfile.End:
		if t.End != nil {
			t.End(r)
		}
	}
}

// Rows ranges over the rows of a run: those of its plans, stage by stage, with
// what the ledger knows. Without plans it gives what the ledger alone knows,
// which is every row that was tried.
func Rows(ctx context.Context, store ledger.Store, run ledger.Run, plans []string, told Told) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		next, stop := iter.Pull2(store.Records(ctx, ledger.Filter{Run: run.ID}))
		defer stop()
		j := &join{store: store, run: run, next: next}
		if len(plans) == 0 {
			for rec, err := range store.Records(ctx, ledger.Filter{Run: run.ID}) {
				if !yield(j.alone(rec), err) || err != nil {
					return
				}
			}
			return
		}
		for _, path := range plans {
			for rec, err := range planfile.Records(path) {
				if err == nil {
					err = ctx.Err()
				}
				if err != nil {
					yield(Row{}, err)
					return
				}
				s, ok := rec.(planfile.Send)
				if !ok {
					told.tell(rec)
					continue
				}
				row, err := j.row(ctx, s)
				if !yield(row, err) || err != nil {
					return
				}
			}
		}
	}
}

// Of gives the rows of one contact in a run's plans, and counts whom the steps
// left out without naming anybody.
func Of(ctx context.Context, store ledger.Store, run ledger.Run, plans []string, contact int) (rows []Row, leftOut []planfile.LeftOut, err error) {
	j := &join{store: store, run: run, end: true}
	for _, path := range plans {
		for rec, err := range planfile.Records(path) {
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				return nil, nil, err
			}
			switch r := rec.(type) {
			case planfile.LeftOut:
				leftOut = append(leftOut, r)
			case planfile.Send:
				if r.Contact != contact {
					continue
				}
				row, err := j.row(ctx, r)
				if err != nil {
					return nil, nil, err
				}
				rows = append(rows, row)
			}
		}
	}
	return rows, leftOut, nil
}

// join reads the ledger's records of the run beside the plan: both are in the
// order of Seq. One that has read to the end looks each send up.
type join struct {
	store ledger.Store
	run   ledger.Run
	next  func() (ledger.Record, error, bool)
	head  ledger.Record
	have  bool
	end   bool
	unit  int64  // of the row before
	gone  []held // sends of this unit that keep later ones back
}

// held is a send that is not sent.
type held struct {
	item   []int
	reason string
}

// own is the record of this run's row, when it made the last attempt.
func (j *join) own(seq int64) (ledger.Record, bool, error) {
	for !j.end && (!j.have || j.head.Seq < seq) {
		rec, err, ok := j.next()
		if err != nil {
			return rec, false, err
		}
		j.head, j.have, j.end = rec, ok, !ok
	}
	return j.head, j.have && j.head.Seq == seq, nil
}

func (j *join) row(ctx context.Context, s planfile.Send) (Row, error) {
	r := planned(s)
	switch s.Status {
	case planfile.StatusPlanned, planfile.StatusUnknown:
	default:
		j.keptBack(s, &r)
		return r, nil
	}
	rec, known, err := j.own(s.Seq)
	if err == nil && !(known && rec.Identity.String() == s.Identity) {
		known = false
		var id ledger.Identity
		if id, err = ledger.ParseIdentity(s.Identity); err == nil {
			rec, known, err = j.store.Find(ctx, id)
		}
	}
	switch {
	case err != nil:
		return r, err
	case known && s.Status == planfile.StatusUnknown && (rec.State == ledger.Unknown || rec.State == ledger.Intent):
		r.By, r.Attempts = rec.Run, rec.Attempts // the plan's words say which run left it so
	case known:
		r.settle(rec)
		if rec.Run != j.run.ID && rec.State == ledger.NotSent {
			r.Reason = "not sent; the next run sends it"
		}
	case s.Status == planfile.StatusPlanned:
		r.Status = planfile.StatusSkipped
	}
	j.keptBack(s, &r)
	j.explain(&r)
	return r, nil
}

// keptBack gives a row that was not tried the reason that apply gave it: an
// earlier send of its iteration is not sent.
func (j *join) keptBack(s planfile.Send, r *Row) {
	if s.Unit != j.unit {
		j.unit, j.gone = s.Unit, j.gone[:0]
	}
	switch r.Status {
	case planfile.StatusSent, planfile.StatusAlreadySent, planfile.StatusLeftOut:
		return
	}
	why := fmt.Sprintf("%s was not sent (%s)", s.Step, strings.ReplaceAll(r.Status, "_", " "))
	for _, g := range j.gone {
		if !planfile.SameIteration(g.item, s.Item) {
			continue
		}
		why = g.reason
		if r.Status == planfile.StatusSkipped && r.Reason == "" {
			r.Reason = g.reason
		}
		break
	}
	j.gone = append(j.gone, held{s.Item, why})
}

// explain gives a row that was not tried the reason that the run stopped for.
func (j *join) explain(r *Row) {
	if r.Status != planfile.StatusSkipped || r.Reason != "" {
		return
	}
	r.Reason = "not tried"
	if j.run.Reason != "" {
		r.Reason += ": " + j.run.Reason
	}
}

// alone is a row whose plan is gone.
func (j *join) alone(rec ledger.Record) Row {
	r := Row{Seq: rec.Seq, Step: rec.Step, Contact: rec.Contact, Identity: rec.Identity.String(), Planned: true}
	r.settle(rec)
	j.explain(&r)
	return r
}

package sqlite

import (
	"context"
	"fmt"
	"io"

	"github.com/flowrunner/flowrunner/engine/ledger"
)

// Export writes the whole ledger, as it is at one moment.
func (s *Store) Export(ctx context.Context, w io.Writer) (err error) {
	t, err := s.reader.BeginTx(ctx, nil)
	if err != nil {
		return s.reading(err)
	}
	defer func() { _ = t.Rollback() }() // it has only read
	head, err := s.head(ctx, t)
	if err != nil {
		return err
	}
	e, err := ledger.NewExporter(w, head)
	if err != nil {
		return err
	}
	for r, err := range scanAll(ctx, s, t, scanRunAlone, selectRuns+` ORDER BY r.started, r.id`) {
		if err == nil {
			err = e.Run(r)
		}
		if err != nil {
			return err
		}
	}
	for r, err := range scanAll(ctx, s, t, scanRecord, selectAnywhere+` ORDER BY s.identity`) {
		if err == nil {
			err = e.Send(r)
		}
		if err != nil {
			return err
		}
	}
	for d, err := range scanAll(ctx, s, t, scanDecision, selectDecisions+` ORDER BY at, id`) {
		if err == nil {
			err = e.Decision(d)
		}
		if err != nil {
			return err
		}
	}
	for o, err := range scanAll(ctx, s, t, scanOptOut, selectOptOuts+` ORDER BY at, id`) {
		if err == nil {
			err = e.OptOut(o)
		}
		if err != nil {
			return err
		}
	}
	return e.Close()
}

func (s *Store) head(ctx context.Context, q querier) (ledger.ExportHead, error) {
	h := ledger.ExportHead{Lineage: s.lineage}
	for scope, err := range scanAll(ctx, s, q, scanScope, `SELECT flow, campaign, serial FROM scopes ORDER BY flow, campaign`) {
		if err != nil {
			return h, err
		}
		h.Serial += scope.Serial
		if scope.Flow != ofNoFlow {
			h.Scopes = append(h.Scopes, scope)
		}
	}
	for m, err := range scanAll(ctx, s, q, scanMerged, selectMerged) {
		if err != nil {
			return h, err
		}
		h.Merged = append(h.Merged, m)
	}
	return h, nil
}

// Changes counts all changes of the ledger.
func (s *Store) Changes(ctx context.Context) (int64, error) { return s.total(ctx) }

const selectMerged = `SELECT lineage, serial FROM merged ORDER BY lineage`

// Merged lists the ledgers that were merged into this one.
func (s *Store) Merged(ctx context.Context) (all []ledger.Merged, err error) {
	for m, err := range scanAll(ctx, s, s.reader, scanMerged, selectMerged) {
		if err != nil {
			return nil, fmt.Errorf("list merged ledgers: %w", err)
		}
		all = append(all, m)
	}
	return all, nil
}

func scanMerged(row scanner) (m ledger.Merged, err error) {
	err = row.Scan(&m.Lineage, &m.Serial)
	return m, badScan(err)
}

func scanScope(row scanner) (c ledger.ScopeSerial, err error) {
	err = row.Scan(&c.Flow, &c.Campaign, &c.Serial)
	return c, badScan(err)
}

func scanRunAlone(row scanner) (ledger.Run, error) {
	r, _, err := scanRun(row)
	return r, err
}

func scanRecord(row scanner) (ledger.Record, error) {
	found, err := scanSend(row)
	return found.Record, err
}

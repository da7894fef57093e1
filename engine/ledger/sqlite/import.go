package sqlite

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"

	"github.com/flowrunner/flowrunner/engine/ledger"
)

// Import merges an exported ledger into this one. The file is read to its end
// and proved before the first change, so it is kept aside meanwhile; the merge is
// one transaction.
func (s *Store) Import(ctx context.Context, r io.Reader) (ledger.ImportResult, error) {
	if s.writer == nil {
		return ledger.ImportResult{}, ledger.ErrReadOnly
	}
	aside, err := os.CreateTemp(filepath.Dir(s.path), filepath.Base(s.path)+".import-*") // 0600
	if err != nil {
		return ledger.ImportResult{}, fmt.Errorf("import ledger: %w", err)
	}
	defer func() {
		_ = aside.Close()
		_ = os.Remove(aside.Name())
	}()
	if err := prove(ctx, r, aside); err != nil {
		return ledger.ImportResult{}, err
	}
	var m *merge
	err = s.writeMarked(ctx, func(t *tx) error {
		m = &merge{tx: t, own: s.lineage}
		return t.whole(func() error { return m.all(ctx, aside) })
	})
	if err != nil {
		return ledger.ImportResult{}, err
	}
	return m.result, nil
}

// prove reads the file to its end, keeps it aside, and goes back to its
// beginning.
func prove(ctx context.Context, r io.Reader, aside *os.File) error {
	w := bufio.NewWriterSize(aside, 64<<10)
	for _, err := range ledger.ReadExport(io.TeeReader(r, w)) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
	}
	err := w.Flush()
	if err == nil {
		_, err = aside.Seek(0, io.SeekStart)
	}
	if err != nil {
		return fmt.Errorf("import ledger: keep it aside: %w", err)
	}
	return nil
}

// whole makes the writes of body all or none, apart from the rest of the batch,
// which goes on whatever the error.
func (t *tx) whole(body func() error) error {
	touched, runs := maps.Clone(t.touched), maps.Clone(t.runs)
	if _, err := t.conn.ExecContext(t.ctx, `SAVEPOINT whole`); err != nil {
		return err
	}
	err := body()
	end := `RELEASE whole`
	if err != nil {
		t.touched, t.runs = touched, runs
		end = `ROLLBACK TO whole; RELEASE whole`
	}
	if _, endErr := t.conn.ExecContext(t.ctx, end); endErr != nil {
		return errors.Join(err, endErr)
	}
	if err != nil && code(err) == 0 && !errors.Is(err, errBadRow) {
		return rejection{err}
	}
	return err
}

// merge is one import under way.
type merge struct {
	*tx
	own    string // lineage of the ledger that is merged into
	result ledger.ImportResult
}

func (m *merge) all(ctx context.Context, r io.Reader) error {
	for entry, err := range ledger.ReadExport(r) {
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = m.one(entry)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (m *merge) one(e ledger.Entry) error {
	switch {
	case e.Head != nil:
		m.result.Lineage, m.result.Serial = e.Head.Lineage, e.Head.Serial
		return m.lineages(append(e.Head.Merged, ledger.Merged{Lineage: e.Head.Lineage, Serial: e.Head.Serial}))
	case e.Run != nil:
		return m.run(*e.Run)
	case e.Send != nil:
		return m.send(*e.Send)
	case e.OptOut != nil:
		added, err := m.addOptOut(*e.OptOut)
		note(&m.result.OptOuts, added, false)
		return err
	}
	added, err := m.addDecision(*e.Decision)
	note(&m.result.Decisions, added, false)
	return err
}

// lineages remembers whose knowledge this is, and how much of it.
func (m *merge) lineages(all []ledger.Merged) error {
	for _, l := range all {
		if l.Lineage == m.own {
			continue
		}
		if _, err := m.stmt.addMerged.ExecContext(m.ctx, l.Lineage, l.Serial); err != nil {
			return err
		}
	}
	return nil
}

func (m *merge) run(r ledger.Run) error {
	now, n, err := scanRun(m.stmt.wholeRun.QueryRowContext(m.ctx, r.ID))
	known := err == nil
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if known && !r.Over(now) {
		note(&m.result.Runs, false, false)
		return nil
	}
	plan := sql.NullString{String: r.PlanHash, Valid: r.PlanHash != ""}
	var other string
	switch err := m.stmt.planOwner.QueryRowContext(m.ctx, plan, r.ID).Scan(&other); {
	case err == nil:
		return fmt.Errorf("import ledger: run %q applied the plan of run %q, which is in this ledger (nothing was changed)", r.ID, other)
	case !errors.Is(err, sql.ErrNoRows):
		return err
	}
	counts, err := json.Marshal(r.Counts)
	if err != nil {
		return err
	}
	scope, err := m.scope(r.Flow, r.Campaign)
	if err != nil {
		return err
	}
	m.touched[scope] = true
	delete(m.runs, r.ID)
	note(&m.result.Runs, !known, known)
	values := []any{scope, plan, r.File, r.FlowHash, r.InputsHash, r.Account, int(r.State), nanos(r.Started), nanos(r.Finished), string(counts), r.ExitCode, r.Reason}
	if known {
		_, err = m.stmt.setRun.ExecContext(m.ctx, append(values, n)...)
	} else {
		_, err = m.stmt.addRun.ExecContext(m.ctx, append([]any{r.ID}, values...)...)
	}
	return err
}

func (m *merge) send(r ledger.Record) error {
	now, known, err := m.tx.send(r.Identity)
	if err != nil {
		return err
	}
	if known && !r.Over(now.Record) {
		note(&m.result.Sends, false, false)
		return nil
	}
	run, err := m.tx.run(r.Run)
	if err != nil {
		return err
	}
	m.touched[run.scope] = true
	note(&m.result.Sends, !known, known)
	return m.put(&send{n: now.n, run: run.n, Record: r})
}

func note(c *ledger.ImportCount, added, raised bool) {
	c.Read++
	if added {
		c.Added++
	}
	if raised {
		c.Raised++
	}
}

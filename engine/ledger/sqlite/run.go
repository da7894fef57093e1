package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/flowrunner/flowrunner/engine/ledger"
)

const selectRuns = `
SELECT r.n, r.id, c.flow, c.campaign, r.plan_hash, r.file, r.flow_hash, r.inputs_hash, r.account,
	r.state, r.started, r.finished, r.counts, r.exit_code, r.reason
FROM runs r LEFT JOIN scopes c ON c.id = r.scope`

func scanRun(row scanner) (r ledger.Run, n int64, err error) {
	var flow, campaign, plan sql.NullString
	var state, started, finished int64
	var counts []byte
	err = row.Scan(&n, &r.ID, &flow, &campaign, &plan, &r.File, &r.FlowHash, &r.InputsHash, &r.Account,
		&state, &started, &finished, &counts, &r.ExitCode, &r.Reason)
	if err != nil {
		return ledger.Run{}, 0, badScan(err)
	}
	r.Flow, r.Campaign, r.PlanHash = flow.String, campaign.String, plan.String
	r.State, r.Started, r.Finished = ledger.RunState(state), fromNanos(started), fromNanos(finished)
	if err := json.Unmarshal(counts, &r.Counts); err != nil || !flow.Valid || int64(r.State) != state || !r.State.Valid() {
		return ledger.Run{}, 0, fmt.Errorf("%w: the run %q", errBadRow, r.ID)
	}
	return r, n, nil
}

// write hands a change to the writer that needs to know nothing of the tail.
func (s *Store) write(ctx context.Context, apply func(*tx) error) error {
	return s.writeTail(ctx, func(t *tx) error {
		if err := t.fold(); err != nil {
			return err
		}
		defer clear(t.runs)
		t.known.end()
		return apply(t)
	})
}

// writeTail hands a change to the writer.
func (s *Store) writeTail(ctx context.Context, apply func(*tx) error) error {
	if s.writer == nil {
		return ledger.ErrReadOnly
	}
	return s.writer.do(ctx, apply)
}

// writeMarked hands a change to the writer and has the mark that knows of it synced,
// for which nobody waits: a power cut within that millisecond leaves a lower one. A mark
// that could not be written takes nothing from the change: Close reports it.
func (s *Store) writeMarked(ctx context.Context, apply func(*tx) error) error {
	err := s.write(ctx, apply)
	if err == nil {
		s.marker.sync()
	}
	return err
}

// Begin records a new run and takes over from earlier ones.
func (s *Store) Begin(ctx context.Context, r ledger.Run) error {
	counts, err := json.Marshal(r.Counts)
	if err != nil {
		return fmt.Errorf("begin run %s: %w", r.ID, err)
	}
	return s.writeMarked(ctx, func(t *tx) error {
		plan := sql.NullString{String: r.PlanHash, Valid: r.PlanHash != ""}
		earlier, _, err := scanRun(t.stmt.appliedRun.QueryRowContext(t.ctx, r.ID, plan))
		switch {
		case err == nil:
			return rejection{&ledger.AppliedError{Run: earlier}}
		case !errors.Is(err, sql.ErrNoRows):
			return err
		}
		scope, err := t.scope(r.Flow, r.Campaign)
		if err != nil {
			return err
		}
		if err := t.takeOver(scope, r.ID, r.Started); err != nil {
			return err
		}
		t.touched[scope] = true
		_, err = t.stmt.addRun.ExecContext(t.ctx, r.ID, scope, plan, r.File, r.FlowHash, r.InputsHash, r.Account,
			int(ledger.Running), nanos(r.Started), int64(0), string(counts), r.ExitCode, r.Reason)
		return err
	})
}

func (t *tx) scope(flow, campaign string) (id int64, err error) {
	if _, err := t.stmt.addScope.ExecContext(t.ctx, flow, campaign); err != nil {
		return 0, err
	}
	err = t.stmt.findScope.QueryRowContext(t.ctx, flow, campaign).Scan(&id)
	return id, err
}

// takeOver ends the open runs of a scope.
func (t *tx) takeOver(scope int64, by string, at time.Time) error {
	rows, err := t.stmt.openRuns.QueryContext(t.ctx, scope)
	if err != nil {
		return err
	}
	defer rows.Close()
	open := map[int64]ledger.Run{}
	for rows.Next() {
		r, n, err := scanRun(rows)
		if err != nil {
			return err
		}
		open[n] = r
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for n, r := range open {
		reason := "run " + by + " took over"
		if _, err := t.unsettle(n, reason, at); err != nil {
			return err
		}
		if r.Finished.IsZero() {
			r.Finished = at
		}
		r.State, r.Reason = ledger.Abandoned, reason
		if err := t.end(n, r); err != nil {
			return err
		}
	}
	return nil
}

// unsettle turns the open intents of a run into unknown.
func (t *tx) unsettle(run int64, reason string, at time.Time) (int, error) {
	open, err := collectSends(t.stmt.openSends.QueryContext(t.ctx, run))
	if err != nil {
		return 0, err
	}
	for _, found := range open {
		found.State, found.Reason, found.At = ledger.Unknown, reason, at
		if err := t.settle(&found); err != nil {
			return 0, err
		}
	}
	return len(open), nil
}

func (t *tx) end(n int64, r ledger.Run) error {
	counts, err := json.Marshal(r.Counts)
	if err != nil {
		return err
	}
	_, err = t.stmt.endRun.ExecContext(t.ctx, int(r.State), nanos(r.Finished), string(counts), r.ExitCode, r.Reason, n)
	return err
}

// Finish records how a run ended.
func (s *Store) Finish(ctx context.Context, r ledger.Run) error {
	return s.writeMarked(context.WithoutCancel(ctx), func(t *tx) error {
		run, err := t.run(r.ID)
		if err != nil {
			return err
		}
		if !run.state.Open() {
			return rejection{&ledger.EndedError{Run: r.ID, Known: true, State: run.state}}
		}
		t.touched[run.scope] = true
		return t.end(run.n, r)
	})
}

// Reopen lets an open run go on.
func (s *Store) Reopen(ctx context.Context, id string) error {
	return s.write(ctx, func(t *tx) error {
		run, err := t.run(id)
		if err != nil {
			return err
		}
		if !run.state.Open() {
			return rejection{&ledger.EndedError{Run: id, Known: true, State: run.state}}
		}
		t.touched[run.scope] = true
		_, err = t.stmt.reopenRun.ExecContext(t.ctx, run.n)
		return err
	})
}

// Recover turns the open intents of a dead run into unknown.
func (s *Store) Recover(ctx context.Context, run, reason string) (n int, err error) {
	err = s.write(context.WithoutCancel(ctx), func(t *tx) error {
		ref, err := t.run(run)
		if err != nil {
			return err
		}
		if n, err = t.unsettle(ref.n, reason, s.now()); n > 0 {
			t.touched[ref.scope] = true
		}
		return err
	})
	return n, err
}

// Serial is how often this flow and campaign has changed.
func (s *Store) Serial(ctx context.Context, flow, campaign string) (serial int64, err error) {
	err = s.reader.QueryRowContext(ctx, `SELECT serial FROM scopes WHERE flow = ? AND campaign = ?`, flow, campaign).Scan(&serial)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return serial, s.reading(err)
}

// Runs ranges over all runs, newest first.
func (s *Store) Runs(ctx context.Context) iter.Seq2[ledger.Run, error] {
	return s.runs(ctx, ` ORDER BY r.started DESC, r.n DESC`)
}

func (s *Store) runs(ctx context.Context, clause string, args ...any) iter.Seq2[ledger.Run, error] {
	return scanAll(ctx, s, s.reader, scanRunAlone, selectRuns+clause, args...)
}

// maxNamed bounds how many runs an AmbiguousError names.
const maxNamed = 5

// FindRun finds a run by its id, a unique beginning of one, or "last".
func (s *Store) FindRun(ctx context.Context, id string) (ledger.Run, bool, error) {
	if id == "" {
		return ledger.Run{}, false, nil
	}
	if id == "last" {
		return first(s.runs(ctx, ` ORDER BY r.started DESC, r.n DESC LIMIT 1`))
	}
	var found []ledger.Run
	for r, err := range s.runs(ctx, ` WHERE substr(r.id, 1, length(?1)) = ?1 ORDER BY r.id = ?1 DESC, r.started DESC, r.n DESC LIMIT ?2`, id, maxNamed) {
		if err != nil {
			return ledger.Run{}, false, err
		}
		if r.ID == id {
			return r, true, nil
		}
		found = append(found, r)
	}
	switch len(found) {
	case 0:
		return ledger.Run{}, false, nil
	case 1:
		return found[0], true, nil
	}
	e := &ledger.AmbiguousError{Prefix: id}
	for _, r := range found {
		e.IDs = append(e.IDs, r.ID)
	}
	return ledger.Run{}, false, e
}

// Unfinished finds the open run of a flow and campaign.
func (s *Store) Unfinished(ctx context.Context, flow, campaign string) (ledger.Run, bool, error) {
	return first(s.runs(ctx, ` WHERE c.flow = ? AND c.campaign = ? AND r.state IN (0, 2, 4) AND r.plan_hash IS NOT NULL ORDER BY r.started DESC, r.n DESC LIMIT 1`, flow, campaign))
}

func first(runs iter.Seq2[ledger.Run, error]) (ledger.Run, bool, error) {
	for r, err := range runs {
		return r, err == nil, err
	}
	return ledger.Run{}, false, nil
}

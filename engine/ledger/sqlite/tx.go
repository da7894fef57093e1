package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"github.com/flowrunner/flowrunner/engine/ledger"
)

// statements are prepared once, on the writer's connection.
type statements struct {
	findSend, addSend, setSend, settleSend *sql.Stmt
	addIdentity, openSends                 *sql.Stmt
	settleIntent                           *sql.Stmt
	findRun, appliedRun, addRun, endRun    *sql.Stmt
	openRuns, addScope, findScope          *sql.Stmt
	reopenRun, claimant, refusedSends      *sql.Stmt
	refusedOfRun, interruptRun             *sql.Stmt
	addDecision, addMerged, addOptOut      *sql.Stmt
	wholeRun, setRun, planOwner            *sql.Stmt
	identities                             *sql.Stmt
}

func (s *statements) each() map[**sql.Stmt]string {
	return map[**sql.Stmt]string{
		&s.findSend:    selectByIdentity + ` WHERE s.identity = ?`,
		&s.addSend:     `INSERT INTO sends (` + sendColumns + `) VALUES ` + sendValues,
		&s.setSend:     `UPDATE sends SET (` + sendColumns + `) = ` + sendValues + ` WHERE n = ?`,
		&s.addIdentity: `INSERT INTO new_identities (identity, n) VALUES (?, ?)`,
		&s.settleIntent: `UPDATE sends SET state = ?, message = ?, reason = ?, at = ?, sum = ? WHERE n = (SELECT n FROM identities WHERE identity = ?) AND state = 1 AND run = ? AND sum = ?
			AND NOT EXISTS (SELECT 1 FROM sends WHERE message <> 0 AND message = ?2 AND contact = ? AND state = 2)`,
		&s.settleSend: `UPDATE sends SET state = ?, message = ?, reason = ?, at = ?, sum = ? WHERE n = ?`,
		&s.openSends:  selectSends + ` WHERE s.run = ? AND s.state = 1`,
		&s.findRun:    `SELECT n, scope, state FROM runs WHERE id = ?`,
		&s.appliedRun: selectRuns + ` WHERE r.id = ? OR r.plan_hash = ? LIMIT 1`,
		&s.addRun: `INSERT INTO runs (id, scope, plan_hash, file, flow_hash, inputs_hash, account, state, started, finished, counts, exit_code, reason)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		&s.endRun:       `UPDATE runs SET state = ?, finished = ?, counts = ?, exit_code = ?, reason = ? WHERE n = ?`,
		&s.reopenRun:    `UPDATE runs SET state = 0, finished = 0, exit_code = 0, reason = '' WHERE n = ?`,
		&s.openRuns:     selectRuns + ` WHERE r.scope = ? AND r.state IN (0, 2, 4) ORDER BY r.n`,
		&s.addScope:     `INSERT OR IGNORE INTO scopes (flow, campaign, serial) VALUES (?, ?, 0)`,
		&s.findScope:    `SELECT id FROM scopes WHERE flow = ? AND campaign = ?`,
		&s.claimant:     selectClaimant + ` AND identity <> ?`,
		&s.refusedSends: selectSends + ` WHERE s.run IN (SELECT n FROM runs WHERE scope = ?) AND s.state = 4`,
		&s.refusedOfRun: selectSends + ` WHERE s.run = ? AND s.state = 4`,
		&s.interruptRun: `UPDATE runs SET state = 2 WHERE n = ?`,
		&s.addDecision:  `INSERT OR IGNORE INTO decisions (id, identity, was, state, message, who, reason, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		&s.addMerged: `INSERT INTO merged (lineage, serial) VALUES (?, ?)
			ON CONFLICT (lineage) DO UPDATE SET serial = max(serial, excluded.serial)`,
		&s.identities: `SELECT s.identity FROM every_send s WHERE s.run IN (SELECT n FROM runs WHERE scope = ?)`,
		&s.addOptOut:  `INSERT OR IGNORE INTO optouts (id, account, contact, person, word, message, at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		&s.wholeRun:   selectRuns + ` WHERE r.id = ?`,
		&s.planOwner:  `SELECT id FROM runs WHERE plan_hash = ? AND id <> ?`,
		&s.setRun: `UPDATE runs SET scope = ?, plan_hash = ?, file = ?, flow_hash = ?, inputs_hash = ?, account = ?, state = ?, started = ?,
			finished = ?, counts = ?, exit_code = ?, reason = ? WHERE n = ?`,
	}
}

func (s *statements) prepare(ctx context.Context, conn *sql.Conn) error {
	for stmt, query := range s.each() {
		var err error
		if *stmt, err = conn.PrepareContext(ctx, query); err != nil {
			return err
		}
	}
	return nil
}

func (s *statements) close() error {
	var errs []error
	for stmt := range s.each() {
		if *stmt != nil {
			errs = append(errs, (*stmt).Close())
		}
	}
	return errors.Join(errs...)
}

// tx is one batch's transaction.
type tx struct {
	ctx     context.Context
	conn    *sql.Conn
	stmt    *statements
	direct  *directs
	runs    map[string]runRef
	touched map[int64]bool // scopes whose serial rises
	open    *intents
	tail    *tail
	known   *known
	room    []byte // for checksums
}

type runRef struct {
	n, scope int64
	state    ledger.RunState
}

// run resolves a run id. Its state is read again after each change that is not a
// send's, and after those of other processes, so that a run which was taken over can
// intend nothing more.
func (t *tx) run(id string) (runRef, error) {
	if r, ok := t.runs[id]; ok {
		return r, nil
	}
	var r runRef
	err := t.stmt.findRun.QueryRowContext(t.ctx, id).Scan(&r.n, &r.scope, &r.state)
	if errors.Is(err, sql.ErrNoRows) {
		return r, rejection{&ledger.EndedError{Run: id}}
	}
	if err == nil {
		t.runs[id] = r
	}
	return r, err
}

func (t *tx) send(id ledger.Identity) (send, bool, error) {
	rec, err := scanSend(t.stmt.findSend.QueryRowContext(t.ctx, id[:]))
	if errors.Is(err, sql.ErrNoRows) {
		return send{}, false, nil
	}
	return rec, err == nil, err
}

// put writes a send over its row, or into a new one.
func (t *tx) put(s *send) error {
	if s.n != 0 {
		_, err := t.stmt.setSend.ExecContext(t.ctx, append(s.columns(), s.n)...)
		return err
	}
	added, err := t.stmt.addSend.ExecContext(t.ctx, s.columns()...)
	if err == nil {
		s.n, err = added.LastInsertId()
	}
	if err == nil {
		_, err = t.stmt.addIdentity.ExecContext(t.ctx, s.Identity[:], s.n)
	}
	if err != nil {
		return err
	}
	return t.age(s.n-1, s.n)
}

// sendColumns are those of the two tables of sends, but for the number of the row, and
// sendValues are as many.
const (
	sendColumns = `identity, state, run, seq, step, period, contact, content, message, reason, attempts, attempted, at, sum, person, class`
	sendValues  = `(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
)

// columns are the values of a row, in the order of sendColumns.
func (s *send) columns() []any {
	return []any{
		s.Identity[:], int64(s.State), s.run, s.Seq, s.Step, s.Period, int64(s.Contact), s.ContentHash[:],
		int64(s.MessageID), s.Reason, int64(s.Attempts), nanos(s.Attempted), nanos(s.At), int64(s.sum()),
		personBytes(&s.Person), int64(s.Class),
	}
}

// settleIntent settles an open intent if its row still is what it was, to the
// checksum, and its message is nobody else's; settled is false when it is not.
func (t *tx) settleIntent(was, now *send) (settled bool, err error) {
	if n, ok := t.tail.rows[was.Identity]; ok {
		return t.settleInTail(n, was, now)
	}
	if t.tail.messages[now.MessageID] {
		return false, nil
	}
	t.tail.highest = unlooked
	return changed(t.stmt.settleIntent.ExecContext(t.ctx, int(now.State), now.MessageID, now.Reason, nanos(now.At), int64(now.sum()),
		was.Identity[:], was.run, int64(was.sum()), was.Contact))
}

// changed reports whether a statement changed a row.
func changed(done sql.Result, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	n, err := done.RowsAffected()
	return n > 0, err
}

func (t *tx) settle(s *send) error {
	_, err := t.stmt.settleSend.ExecContext(t.ctx, int(s.State), s.MessageID, s.Reason, nanos(s.At), int64(s.sum()), s.n)
	return err
}

func (t *tx) bumpSerials() (total int64, err error) {
	for scope := range t.touched {
		if _, err := t.direct.bumpScope.exec(scope); err != nil {
			return 0, err
		}
	}
	if len(t.touched) > 0 {
		total, _, err = t.direct.total.number()
	}
	return total, err
}

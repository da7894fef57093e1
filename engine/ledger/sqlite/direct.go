package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
)

// direct is a statement on the writer's connection that is run without
// database/sql, whose share of a short statement is as large as SQLite's. It
// belongs to the writer's goroutine.
type direct struct {
	conn *sql.Conn
	stmt driver.Stmt
	args []driver.NamedValue
}

// directs are prepared once. What is done for each commit and each send goes
// through them; anything rarer is an ordinary statement.
type directs struct {
	begin, commit, version, bumpScope, total *direct
	firstOfTail, addToTail, settleInTail     *direct
	addUnknown                               *direct
	foldTail, emptyTail, highestMessage      *direct
	lastSend, addIdentities                  *direct
	moveIdentities, dropIdentities           *direct
	occasions                                *direct
}

// firstIntent is a row of the tail when it is written: one attempt, no message and no
// reason yet.
const firstIntent = `?, ?, 1, ?, ?, ?, ?, ?, ?, 0, '', 1, ?, ?, ?, ?, ?`

func (d *directs) each() map[**direct]string {
	return map[**direct]string{
		&d.begin:     `BEGIN IMMEDIATE`,
		&d.commit:    `COMMIT`,
		&d.version:   `PRAGMA data_version`,
		&d.bumpScope: `UPDATE scopes SET serial = serial + 1 WHERE id = ?`,
		&d.total:     selectTotal,

		&d.firstOfTail:    selectFirstOfTail,
		&d.addUnknown:     `INSERT INTO tail (n, ` + sendColumns + `) VALUES (` + firstIntent + `)`,
		&d.addToTail:      `INSERT INTO tail (n, ` + sendColumns + `) SELECT ` + firstIntent + ` WHERE NOT EXISTS (SELECT 1 FROM identities WHERE identity = ?2)`,
		&d.settleInTail:   `UPDATE tail SET state = ?, message = ?, reason = ?, at = ?, sum = ? WHERE n = ? AND state = 1 AND sum = ?`,
		&d.foldTail:       `INSERT OR ROLLBACK INTO sends (` + sendColumns + `) SELECT ` + sendColumns + ` FROM tail ORDER BY n`,
		&d.emptyTail:      `DELETE FROM tail`,
		&d.highestMessage: `SELECT coalesce(max(message), 0) FROM sends WHERE message <> 0`,

		&d.occasions: occasionsQuery(`sends`),

		&d.lastSend:       `SELECT coalesce(max(n), 0) FROM sends`,
		&d.addIdentities:  `INSERT OR ROLLBACK INTO new_identities (identity, n) SELECT identity, n FROM sends WHERE n > ? ORDER BY identity`,
		&d.moveIdentities: `INSERT OR ROLLBACK INTO old_identities (identity, n) SELECT identity, n FROM new_identities WHERE identity BETWEEN ? AND ?`,
		&d.dropIdentities: `DELETE FROM new_identities WHERE identity BETWEEN ? AND ?`,
	}
}

func (d *directs) prepare(ctx context.Context, conn *sql.Conn) error {
	for statement, query := range d.each() {
		prepared := &direct{conn: conn}
		err := conn.Raw(func(c any) (err error) {
			prepared.stmt, err = c.(driver.ConnPrepareContext).PrepareContext(ctx, query)
			return err
		})
		if err != nil {
			return err
		}
		*statement = prepared
	}
	return nil
}

func (d *directs) close() error {
	var errs []error
	for statement := range d.each() {
		if prepared := *statement; prepared != nil {
			errs = append(errs, prepared.conn.Raw(func(any) error { return prepared.stmt.Close() }))
		}
	}
	return errors.Join(errs...)
}

// bind puts the values, which are int64, string or []byte, where the driver reads
// them.
func (d *direct) bind(values []any) {
	d.args = d.args[:0]
	for i, value := range values {
		d.args = append(d.args, driver.NamedValue{Ordinal: i + 1, Value: value})
	}
}

// exec runs the statement and says how many rows it changed.
func (d *direct) exec(values ...any) (changed int64, err error) {
	d.bind(values)
	err = d.conn.Raw(func(any) error {
		done, err := d.stmt.(driver.StmtExecContext).ExecContext(context.Background(), d.args)
		if err == nil {
			changed, err = done.RowsAffected()
		}
		return err
	})
	return changed, err
}

// number runs a query for one number; found is false when there is no row.
func (d *direct) number(values ...any) (n int64, found bool, err error) {
	d.bind(values)
	err = d.conn.Raw(func(any) error {
		rows, err := d.stmt.(driver.StmtQueryContext).QueryContext(context.Background(), d.args)
		if err != nil {
			return err
		}
		var row [1]driver.Value
		err = rows.Next(row[:])
		if errors.Is(err, io.EOF) {
			return rows.Close()
		}
		n, found = row[0].(int64)
		return errors.Join(err, rows.Close())
	})
	return n, found && err == nil, err
}

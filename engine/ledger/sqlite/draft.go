package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/flowrunner/flowrunner/engine/ledger"
)

// draft keeps a plan's identities in a database that SQLite makes for itself: in
// memory while small, then in a temporary file that nobody else can open and
// that goes away with its process.
type draft struct {
	store *Store
	db    *sql.DB
	add   *sql.Stmt
	prior *sql.Stmt
}

// Draft opens a scratch set for one plan.
func (s *Store) Draft(ctx context.Context) (ledger.Draft, error) {
	db, err := sql.Open("sqlite", "file:?_pragma=journal_mode(OFF)&_pragma=synchronous(OFF)")
	if err != nil {
		return nil, fmt.Errorf("open draft: %w", err)
	}
	db.SetMaxOpenConns(1) // another connection would be another database
	d := &draft{store: s, db: db}
	_, err = db.ExecContext(ctx, `CREATE TABLE seen (identity BLOB PRIMARY KEY, content BLOB NOT NULL, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID`)
	if err == nil {
		d.add, err = db.PrepareContext(ctx, `INSERT OR IGNORE INTO seen (identity, content, seq) VALUES (?, ?, ?)`)
	}
	if err == nil {
		d.prior, err = db.PrepareContext(ctx, `SELECT seq, content = ? FROM seen WHERE identity = ?`)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open draft: %w", err), db.Close())
	}
	return d, nil
}

// Add registers a planned send.
func (d *draft) Add(ctx context.Context, id ledger.Identity, contentHash [32]byte, seq int64) (ledger.Seen, error) {
	seen := ledger.Seen{Prior: -1}
	done, err := d.add.ExecContext(ctx, id[:], contentHash[:], seq)
	if err != nil {
		return seen, fmt.Errorf("add to draft: %w", err)
	}
	added, err := done.RowsAffected()
	if err != nil {
		return seen, fmt.Errorf("add to draft: %w", err)
	}
	if added == 0 {
		if err := d.prior.QueryRowContext(ctx, contentHash[:], id[:]).Scan(&seen.Prior, &seen.SameContent); err != nil {
			return seen, fmt.Errorf("add to draft: %w", err)
		}
	}
	record, found, err := d.store.Find(ctx, id)
	if found {
		seen.Record = &record
	}
	return seen, err
}

// Close throws the draft away.
func (d *draft) Close() error {
	if err := d.db.Close(); err != nil {
		return fmt.Errorf("close draft: %w", err)
	}
	return nil
}

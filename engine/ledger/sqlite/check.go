package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/flowrunner/flowrunner/engine/ledger"
)

// smallBytes is the size up to which a ledger is checked at every opening: about
// ten thousand sends, some ten milliseconds.
const smallBytes = 4 << 20

// Check reads the whole ledger and says what is damaged. Opening a ledger that was
// not closed well does the same.
func (s *Store) Check(ctx context.Context) error { return s.check(ctx, false) }

// check reads the whole ledger. SQLite checks the structure, and of a small
// ledger all indexes too; each send is compared with its checksum.
func (s *Store) check(ctx context.Context, small bool) error {
	pragmas := []string{
		`PRAGMA quick_check(3)`, `PRAGMA integrity_check('runs')`, `PRAGMA integrity_check('scopes')`,
		`PRAGMA integrity_check('decisions')`, `PRAGMA integrity_check('merged')`, `PRAGMA integrity_check('optouts')`, `PRAGMA integrity_check('tail')`,
	}
	if small {
		pragmas = []string{`PRAGMA integrity_check(3)`}
	}
	for _, pragma := range pragmas {
		if err := s.checkStructure(ctx, pragma); err != nil {
			return err
		}
	}
	if err := errors.Join(s.checkSends(ctx), s.checkTail(ctx)); err != nil {
		return err
	}
	for _, err := range s.Runs(ctx) {
		if err != nil {
			return err
		}
	}
	for _, err := range s.Decisions(ctx, ledger.Identity{}) {
		if err != nil {
			return err
		}
	}
	for _, err := range s.OptOuts(ctx, nil) {
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) checkStructure(ctx context.Context, pragma string) error {
	rows, err := s.reader.QueryContext(ctx, pragma)
	if err != nil {
		return err
	}
	defer rows.Close()
	var found []error
	for rows.Next() {
		var finding string
		if err := rows.Scan(&finding); err != nil {
			return err
		}
		if finding != "ok" {
			found = append(found, fmt.Errorf("%w: %q", errBadRow, finding))
		}
	}
	return errors.Join(append(found, rows.Err())...)
}

// checkSends walks the table, whose rows have checksums, and then the index of
// identities, by which sends are found: both must hold the same ones, each once.
// What others write meanwhile is not looked at.
func (s *Store) checkSends(ctx context.Context) error {
	t, err := s.reader.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = t.Rollback() }() // it has only read
	var table, index census
	for row, err := range scanAll(ctx, s, t, scanSend, selectSends+` ORDER BY s.n`) {
		if err != nil {
			return err
		}
		table.count(row.Identity, row.n)
	}
	var last ledger.Identity
	for e, err := range scanAll(ctx, s, t, scanEntry, selectIdentities) {
		if err != nil {
			return err
		}
		if index.rows > 0 && bytes.Compare(last[:], e.identity[:]) >= 0 {
			return fmt.Errorf("%w: the send %s is out of order", errBadRow, e.identity)
		}
		index.count(e.identity, e.n)
		last = e.identity
	}
	if table != index {
		return fmt.Errorf("%w: the index of sends is not that of their table", errBadRow)
	}
	return nil
}

// selectTwice finds sends that do not stand in one table alone, once.
const selectTwice = `
SELECT identity FROM tail GROUP BY identity HAVING count(*) > 1 UNION ALL
SELECT l.identity FROM tail l JOIN identities i ON i.identity = l.identity`

// checkTail reads the tail, whose rows have checksums, and holds it against the
// table of sends. It is small, and is checked at every opening.
func (s *Store) checkTail(ctx context.Context) error {
	empty := true
	for _, err := range scanAll(ctx, s, s.reader, scanSend, selectTail) {
		if err != nil {
			return err
		}
		empty = false
	}
	if empty {
		return nil
	}
	for id, err := range scanAll(ctx, s, s.reader, scanIdentity, selectTwice) {
		if err == nil {
			err = fmt.Errorf("%w: the send %s is there twice", errBadRow, id)
		}
		return err
	}
	return nil
}

// census tells two sets of identities and the numbers of their rows apart, whatever their
// order. Identities are hashes, so their sum is one; each counts an odd number of times
// that is its row's own.
type census struct {
	rows int
	sum  [4]uint64
}

func (c *census) count(id ledger.Identity, n int64) {
	c.rows++
	for i := range c.sum {
		c.sum[i] += binary.BigEndian.Uint64(id[8*i:]) * uint64(2*n+1)
	}
}

// checkGap looks at the entries of the index on both sides of where an identity
// would stand, in each of its tables, when the sends perhaps have it and the index does
// not: an entry that was damaged stands there under another name, and its send would be
// made again. A large ledger is not read through at every opening, so this is where it is
// noticed.
func (s *Store) checkGap(ctx context.Context, id ledger.Identity) error {
	for _, table := range []string{`new_identities`, `old_identities`} {
		for _, side := range []string{`identity > ? ORDER BY identity`, `identity < ? ORDER BY identity DESC`} {
			e, err := scanEntry(s.reader.QueryRowContext(ctx, `SELECT identity, n FROM `+table+` WHERE `+side+` LIMIT 1`, id[:]))
			if errors.Is(err, sql.ErrNoRows) {
				continue
			}
			if err != nil {
				return s.reading(err)
			}
			row, err := scanSend(s.reader.QueryRowContext(ctx, selectSends+` WHERE s.n = ?`, e.n))
			if err == nil && row.Identity != e.identity {
				err = fmt.Errorf("%w: the index has %s for the send %s", errBadRow, e.identity, row.Identity)
			}
			if err != nil {
				return s.reading(err)
			}
		}
	}
	return nil
}

package sqlite

import (
	"bytes"
	"context"
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
		`PRAGMA integrity_check('decisions')`, `PRAGMA integrity_check('merged')`, `PRAGMA integrity_check('optouts')`,
	}
	if small {
		pragmas = []string{`PRAGMA integrity_check(3)`}
	}
	for _, pragma := range pragmas {
		if err := s.checkStructure(ctx, pragma); err != nil {
			return err
		}
	}
	if err := s.checkSends(ctx); err != nil {
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

// checkSends walks the table itself, in its own order: by way of an index, a
// row that is out of place would be passed over.
func (s *Store) checkSends(ctx context.Context) error {
	rows, err := s.reader.QueryContext(ctx, selectSends+` ORDER BY s.identity`)
	if err != nil {
		return err
	}
	defer rows.Close()
	var last ledger.Identity
	for first := true; rows.Next(); first = false {
		row, err := scanSend(rows)
		if err != nil {
			return err
		}
		if !first && bytes.Compare(last[:], row.Identity[:]) >= 0 {
			return fmt.Errorf("%w: the send %s is out of order", errBadRow, row.Identity)
		}
		last = row.Identity
	}
	return rows.Err()
}

// checkGap looks at the rows on both sides of where an identity would stand, when
// the index by run perhaps has it and the table does not: a send whose identity
// was damaged stands there under another name, and would be made again. A large
// ledger is not read through at every opening, so this is where it is noticed.
func (s *Store) checkGap(ctx context.Context, id ledger.Identity) error {
	for _, side := range []string{
		` WHERE s.identity > ? ORDER BY s.identity LIMIT 1`,
		` WHERE s.identity < ? ORDER BY s.identity DESC LIMIT 1`,
	} {
		for _, err := range scanAll(ctx, s, s.reader, scanSend, selectSends+side, id[:]) {
			if err != nil {
				return err
			}
		}
	}
	return nil
}

package sqlite

import (
	"context"
	"errors"
	"fmt"
)

// smallBytes is the size up to which a ledger is checked at every opening: about
// ten thousand sends, some ten milliseconds.
const smallBytes = 4 << 20

// check reads the whole ledger: the structure with SQLite's own check, each send
// with its checksum, and the runs against their indexes.
func (s *Store) check(ctx context.Context) error {
	for _, q := range []string{`PRAGMA quick_check(3)`, `PRAGMA integrity_check('runs')`, `PRAGMA integrity_check('scopes')`} {
		if err := s.checkStructure(ctx, q); err != nil {
			return err
		}
	}
	rows, err := s.reader.QueryContext(ctx, selectSends)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if _, err := scanSend(rows); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, err := range s.Runs(ctx) {
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) checkStructure(ctx context.Context, query string) error {
	rows, err := s.reader.QueryContext(ctx, query)
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
			found = append(found, fmt.Errorf("check: %q", finding))
		}
	}
	return errors.Join(append(found, rows.Err())...)
}

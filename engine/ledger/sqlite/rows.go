package sqlite

import (
	"context"
	"database/sql"
	"iter"
)

// querier is a database, or a transaction of one.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// scanAll ranges over the rows of a query. It ends after the first error.
func scanAll[T any](ctx context.Context, s *Store, q querier, scan func(scanner) (T, error), query string, args ...any) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		rows, err := q.QueryContext(ctx, query, args...)
		if err != nil {
			yield(none, s.reading(err))
			return
		}
		defer rows.Close()
		for rows.Next() {
			found, err := scan(rows)
			if err != nil {
				yield(none, s.reading(err))
				return
			}
			if !yield(found, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(none, s.reading(err))
		}
	}
}

// collectSends reads a query of sends to its end, since rows must not change
// under a query that is still being read.
func collectSends(rows *sql.Rows, err error) ([]send, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []send
	for rows.Next() {
		found, err := scanSend(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, found)
	}
	return all, rows.Err()
}

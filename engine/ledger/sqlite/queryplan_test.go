package sqlite

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/ledger"
)

// planOf is how SQLite goes about a query, a line for each step.
func planOf(t *testing.T, s *Store, query string, args ...any) string {
	t.Helper()
	if n := strings.Count(query, "?"); args == nil {
		args = make([]any, n) // no value is looked at
	}
	rows, err := s.reader.QueryContext(t.Context(), `EXPLAIN QUERY PLAN `+query, args...)
	require.NoError(t, err, query)
	defer rows.Close()
	var steps []string
	for rows.Next() {
		var id, parent, unused sql.NullInt64
		var detail string
		require.NoError(t, rows.Scan(&id, &parent, &unused, &detail))
		steps = append(steps, detail)
	}
	require.NoError(t, rows.Err())
	return strings.Join(steps, "\n")
}

// No statement of the writer reads all sends: each is as fast with ten million of
// them as with none.
func TestNoStatementScansTheSends(t *testing.T) {
	s := openNew(t)
	for _, query := range s.writer.stmt.each() {
		plan := planOf(t, s, query)
		for _, scan := range []string{"SCAN s", "SCAN sends"} {
			for line := range strings.Lines(plan + "\n") {
				line = strings.TrimSpace(line)
				require.False(t, line == scan || strings.HasPrefix(line, scan+" "), "%s\n%s", query, plan)
			}
		}
	}
}

// What is looked for while chats are read back is found by an index that holds
// nothing else, and what is looked for after a crash by its run.
func TestOpenSendsAreFoundByAnIndex(t *testing.T) {
	s := openNew(t)
	var stmt statements
	for field, query := range stmt.each() {
		if field == &stmt.openSends {
			require.Contains(t, planOf(t, s, query), "SEARCH s USING INDEX sends_by_run (run=?)")
		}
	}
	for _, c := range []struct {
		filter ledger.Filter
		index  string
	}{
		{ledger.Filter{Run: "r1", States: []ledger.State{ledger.Unknown}}, "SEARCH s USING INDEX sends_unknown (run=?)"},
		{ledger.Filter{States: []ledger.State{ledger.Unknown}}, "SCAN s USING INDEX sends_unknown"},
		{ledger.Filter{Run: "r1"}, "SEARCH s USING INDEX sends_by_run (run=?)"},
		{ledger.Filter{Run: "r1", States: []ledger.State{ledger.Sent, ledger.Refused}}, "SEARCH s USING INDEX sends_by_run (run=?)"},
		{ledger.Filter{Contact: 7, Flow: "spring"}, "SEARCH s USING INDEX sends_by_contact (contact=?)"},
	} {
		query, args := recordsQuery(c.filter)
		plan := planOf(t, s, query, args...)
		require.Contains(t, plan, c.index)
		if c.filter.Contact == 0 {
			require.NotContains(t, plan, "TEMP B-TREE", "they come in order")
		}
	}
}

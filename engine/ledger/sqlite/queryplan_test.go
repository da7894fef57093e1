package sqlite

import (
	"database/sql"
	"maps"
	"slices"
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

// openIndexed opens a ledger that has all indexes. How a query would go about is told by
// what a connection knew when it was opened.
func openIndexed(t *testing.T) *Store {
	s := openNew(t)
	require.NoError(t, s.people.index(t.Context(), s))
	return reopen(t, s.path)
}

// No statement of the writer reads all sends: each is as fast with ten million of
// them as with none.
func TestNoStatementScansTheSends(t *testing.T) {
	s := openIndexed(t)
	queries := slices.Collect(maps.Values(s.writer.stmt.each()))
	queries = slices.AppendSeq(queries, maps.Values(s.writer.direct.each()))
	for _, query := range queries {
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
	s := openIndexed(t)
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
		{ledger.Filter{Run: "r1", States: []ledger.State{ledger.Unknown}}, "SEARCH sends USING INDEX sends_unknown (run=?)"},
		{ledger.Filter{States: []ledger.State{ledger.Unknown}}, "SCAN sends USING INDEX sends_unknown"},
		{ledger.Filter{Run: "r1"}, "SEARCH sends USING INDEX sends_by_run (run=?)"},
		{ledger.Filter{Run: "r1", States: []ledger.State{ledger.Sent, ledger.Refused}}, "SEARCH sends USING INDEX sends_by_run (run=?)"},
		{ledger.Filter{Contact: 7, Flow: "spring"}, "SEARCH sends USING INDEX sends_by_contact (contact=?)"},
	} {
		query, args := recordsQuery(c.filter)
		plan := planOf(t, s, query, args...)
		sends, tail, merged := strings.Cut(plan, "\nRIGHT\n")
		require.True(t, merged, "what both tables give is merged: %s", plan)
		require.Contains(t, sends, c.index)
		require.Contains(t, tail, "SCAN tail")
		if c.filter.Contact == 0 {
			require.NotContains(t, sends, "TEMP B-TREE", "they come in order")
		}
	}
}

// What is read of both tables reads the large one by an index.
func TestBothTablesAreReadByAnIndex(t *testing.T) {
	s := openIndexed(t)
	for query, index := range map[string]string{
		selectEveryClaimant:          "SEARCH sends USING INDEX sends_by_message (message=?)",
		selectRemembered:             "SEARCH sends USING INDEX sends_by_run (run=?)",
		selectSteps:                  "SEARCH sends USING INDEX sends_by_run (run=?)",
		selectTally:                  "SEARCH sends USING INDEX sends_by_run (run=?)",
		occasionsQuery(`every_send`): "SEARCH sends USING INDEX sends_by_person (person=? AND attempted>?)",
	} {
		plan := planOf(t, s, query)
		require.Contains(t, plan, index, query)
		require.NotRegexp(t, `SCAN sends\b`, plan, query)
	}
	require.Contains(t, planOf(t, s, occasionsQuery(`every_send`)), "SEARCH sends USING INDEX sends_by_contact (contact=?)")
}

// What looks for an identity looks into both tables of the index, and what wants all of
// them in order merges these and sorts nothing but the tail.
func TestIdentitiesAreFoundByTheirIndex(t *testing.T) {
	s := openIndexed(t)
	both := []string{"SEARCH i USING PRIMARY KEY (identity=?)\nSEARCH s USING INTEGER PRIMARY KEY (rowid=?)", "SEARCH new_identities USING PRIMARY KEY (identity=?)"}
	for query, want := range map[string]string{
		selectByIdentity + ` WHERE s.identity = ?`: both[0],
		findHinted:   both[0],
		findAnywhere: both[0],
		selectTwice:  both[1],
		s.writer.direct.each()[&s.writer.direct.addToTail]:      both[1],
		s.writer.stmt.each()[&s.writer.stmt.settleIntent]:       both[1],
		s.writer.direct.each()[&s.writer.direct.lastSend]:       "SEARCH sends",
		s.writer.direct.each()[&s.writer.direct.addIdentities]:  "SEARCH sends USING INTEGER PRIMARY KEY (rowid>?)",
		s.writer.direct.each()[&s.writer.direct.moveIdentities]: "SEARCH new_identities USING PRIMARY KEY (identity>? AND identity<?)",
		s.writer.direct.each()[&s.writer.direct.dropIdentities]: "SEARCH new_identities USING PRIMARY KEY (identity>? AND identity<?)",
	} {
		plan := planOf(t, s, query)
		require.Contains(t, plan, want, query)
		if slices.Contains(both, want) {
			require.Equal(t, 2, strings.Count(strings.ReplaceAll(plan, "old_identities", "new_identities"), want), "%s\n%s", query, plan)
		}
		require.NotRegexp(t, `SCAN (i|s|sends|new_identities|old_identities)\b`, plan, query)
	}
	for query, sorted := range map[string]int{selectIdentities: 0, selectAnywhere + ` ORDER BY s.identity`: 1} {
		plan := planOf(t, s, query)
		require.Contains(t, plan, "MERGE (UNION ALL)", query)
		require.Equal(t, sorted, strings.Count(plan, "TEMP B-TREE"), "%s\n%s", query, plan)
	}
}

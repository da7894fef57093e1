package ledger_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/ledger"
)

// What each error tells a person; the texts are part of the program's surface.
func TestErrorTexts(t *testing.T) {
	cause := errors.New("disk I/O error")
	id := ledger.Key{}.Identity()
	tests := []struct {
		err  error
		want string
	}{
		{&ledger.NotFoundError{Path: "s/ledger.db"}, "open ledger s/ledger.db: there is none"},
		{
			&ledger.NotFoundError{Path: "s/ledger.db", Mark: "s/ledger.mark", Lineage: "ABC", Serial: 7},
			"open ledger s/ledger.db: there is none, but s/ledger.mark says that one was here (ABC, with 7 changes): put it back, or remove that mark, knowing that everybody may be written to again",
		},
		{
			&ledger.NotFoundError{Path: "s/ledger.db", Mark: "s/ledger.mark"},
			"open ledger s/ledger.db: there is none, but s/ledger.mark says that one was here: put it back, or remove that mark, knowing that everybody may be written to again",
		},
		{
			&ledger.RolledBackError{Path: "s/ledger.db", Lineage: "ABC", Serial: 5, Mark: "s/ledger.mark", MarkLineage: "ABC", MarkSerial: 7},
			"open ledger s/ledger.db: it holds 5 changes, but s/ledger.mark says that 7 were here: it is an older copy, or its log (s/ledger.db-wal) was lost (nothing was changed); put the newer one back, or remove that mark, knowing that whoever only the newer one knew may be written to again",
		},
		{
			&ledger.NotFoundError{Path: "s/ledger.db", Mark: "s/ledger.mark", Lineage: "A\x1b[2J", Serial: 7},
			"open ledger s/ledger.db: there is none, but s/ledger.mark says that one was here (A\uFFFD[2J, with 7 changes): put it back, or remove that mark, knowing that everybody may be written to again",
		},
		{
			&ledger.RolledBackError{Path: "s/ledger.db", Lineage: "ABC", Serial: 5, Mark: "s/ledger.mark", MarkLineage: "DEF", MarkSerial: 7},
			"open ledger s/ledger.db: it is the ledger ABC, but s/ledger.mark says that DEF was here, with 7 changes (nothing was changed); put the newer one back, or remove that mark, knowing that whoever only the newer one knew may be written to again",
		},
		{
			&ledger.MarkError{Path: "s/ledger.mark", Err: cause},
			"open ledger: its mark s/ledger.mark cannot be read: disk I/O error: remove the mark if the ledger beside it is surely the newest copy",
		},
		{
			&ledger.UnreadableError{Path: "s/ledger.db", Err: cause},
			"open ledger s/ledger.db: the file is damaged or is no ledger: disk I/O error (nothing was changed; put back a copy of it, or move it away knowing that everybody may be written to again)",
		},
		{
			&ledger.VersionError{Path: "s/ledger.db", Found: 3, Known: 1},
			"open ledger s/ledger.db: it has format 3, made by a newer flowrunner; this one knows up to 1: update flowrunner",
		},
		{
			&ledger.VersionError{Path: "s/ledger.db", Found: 1, Known: 2},
			"open ledger s/ledger.db: it has the older format 1; reading alone cannot bring it to 2: the next plan or run will",
		},
		{&ledger.FailedError{Path: "s/ledger.db", Err: cause}, "write ledger s/ledger.db: disk I/O error (nothing more is sent)"},
		{&ledger.FailedError{Path: "s/ledger.db", Err: cause, Hint: "make room"}, "write ledger s/ledger.db: disk I/O error (nothing more is sent): make room"},
		{&ledger.BusyError{Path: "s/ledger.db"}, "write ledger s/ledger.db: another process keeps it busy: try again when that has ended"},
		{
			&ledger.AppliedError{Run: ledger.Run{ID: "r1", State: ledger.Finished, Started: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)}},
			"apply: this plan was already applied by run r1, started 2026-03-01T09:00:00Z, now finished",
		},
		{&ledger.ConflictError{Wanted: ledger.Sent, Record: ledger.Record{Identity: id}}, "record sent of send " + id.String() + ": there is no intent"},
		{
			&ledger.ConflictError{Wanted: ledger.Intent, Run: "r2", Record: ledger.Record{Identity: id, State: ledger.Unknown, Run: "r1"}},
			"record intent of send " + id.String() + " for run r2: it is already unknown by run r1",
		},
		{
			&ledger.ConflictError{Wanted: ledger.Sent, Record: ledger.Record{Identity: id, State: ledger.Refused, Run: "r1"}},
			"record sent of send " + id.String() + ": it is already refused by run r1",
		},
		{
			&ledger.ClaimedError{Contact: 7, MessageID: 500, Wanted: id, Holder: ledger.Key{Flow: "x"}.Identity()},
			"record sent of send " + id.String() + ": message 500 of contact 7 is already that of send " + ledger.Key{Flow: "x"}.Identity().String(),
		},
		{&ledger.EndedError{Run: "r1"}, "run r1: was never begun"},
		{&ledger.EndedError{Run: "r1", Known: true, State: ledger.Abandoned}, "run r1: is abandoned and can send nothing more"},
		{&ledger.AmbiguousError{Prefix: "20", IDs: []string{"202", "201"}}, "run 20: several begin so: 202, 201"},
	}
	for _, tt := range tests {
		require.EqualError(t, tt.err, tt.want)
	}
	require.ErrorIs(t, &ledger.UnreadableError{Err: cause}, cause)
	require.ErrorIs(t, &ledger.MarkError{Err: cause}, cause)
	require.ErrorIs(t, &ledger.FailedError{Err: cause}, cause)
}

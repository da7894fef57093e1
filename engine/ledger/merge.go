package ledger

import (
	"bytes"
	"cmp"
	"encoding/json"
	"time"
)

// Merging two ledgers keeps, of each send and each run, the greater of what both
// know. The order below is total, so the outcome is the same whichever ledger is
// merged into which, in whatever order, and however often.

// stateRank orders what is known of a send by how surely it forbids another one:
// sent over unknown over intent, and those over what surely did not go out. Of
// the latter, refused is the greater: it forbids more than not sent. So a
// decision that made an unknown not sent here is doubted again when a ledger is
// merged where nobody has decided: it may be given again, but a message may not.
var stateRank = [...]int{Planned: 0, NotSent: 1, Refused: 2, Intent: 3, Unknown: 4, Sent: 5}

// Forbids orders states by how surely they forbid another attempt; a greater one
// forbids more.
func (s State) Forbids() int { return rank(stateRank[:], int(s)) }

// Over reports whether r is kept when another ledger knows o of the same send:
// by state, and among equal states the one with a message, the later one, or the
// one that is written greater.
func (r Record) Over(o Record) bool {
	return cmp.Or(
		cmp.Compare(r.State.Forbids(), o.State.Forbids()),
		cmp.Compare(min(r.MessageID, 1), min(o.MessageID, 1)),
		compareTimes(r.At, o.At),
		compareTimes(r.Attempted, o.Attempted),
		cmp.Compare(r.Attempts, o.Attempts),
		bytes.Compare(r.Person[:], o.Person[:]), // one that is known over none
		compareWritten(wireSend(r), wireSend(o)),
	) > 0
}

// runRank puts what ended over what is open, and its own end over being given up.
var runRank = [...]int{Running: 0, Interrupted: 1, Stopped: 1, Abandoned: 2, Failed: 3, Finished: 3}

// Over reports whether r is kept when another ledger knows o of the same run.
func (r Run) Over(o Run) bool {
	return cmp.Or(
		cmp.Compare(rank(runRank[:], int(r.State)), rank(runRank[:], int(o.State))),
		compareTimes(r.Finished, o.Finished),
		compareTimes(r.Started, o.Started),
		compareWritten(wireRun(r), wireRun(o)),
	) > 0
}

// rank is -1 for what is no state.
func rank(ranks []int, state int) int {
	if state >= len(ranks) {
		return -1
	}
	return ranks[state]
}

func compareTimes(a, b time.Time) int { return a.Compare(b) }

// compareWritten compares the exported forms, and nothing that they leave out.
func compareWritten(a, b any) int {
	x, _ := json.Marshal(a) // plain data: it cannot fail
	y, _ := json.Marshal(b)
	return bytes.Compare(x, y)
}

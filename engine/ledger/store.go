package ledger

import (
	"context"
	"io"
	"iter"
)

// Store keeps runs and sends. It is safe for use from many goroutines, and
// several processes may share one. What a method has written is durable when it
// returns nil: it survives a kill and a power cut.
//
// After a write has failed, the store refuses every later write with the same
// *FailedError, so that nothing is sent on the word of a ledger that cannot
// remember it. Reading goes on.
type Store interface {
	// Lineage is a random id made when the ledger was made. Another lineage is
	// another memory.
	Lineage() string

	// Serial grows with every change that concerns this flow and campaign. It is 0
	// while there is none.
	Serial(ctx context.Context, flow, campaign string) (int64, error)

	// Begin records a new run and marks its plan as applied, both or neither. A run
	// id or plan hash seen before gives *AppliedError. Earlier open runs of the same
	// flow and campaign end as abandoned and their open intents become unknown: the
	// caller holds the flow's lock, so their processes are gone.
	Begin(ctx context.Context, r Run) error

	// Reopen lets an open run go on after its process ended, under the same id. A
	// run that is not open gives *EndedError. Recover it first.
	Reopen(ctx context.Context, run string) error

	// Finish records how a run ended: its State, Finished, Counts, ExitCode and
	// Reason. It does not heed ctx's cancellation.
	Finish(ctx context.Context, r Run) error

	// Runs ranges over all runs, newest first.
	Runs(ctx context.Context) iter.Seq2[Run, error]

	// FindRun finds a run by its id, by the unique beginning of one, or by "last".
	// Several that begin so give *AmbiguousError.
	FindRun(ctx context.Context, id string) (Run, bool, error)

	// Unfinished finds the newest run of this flow and campaign that is still open
	// and has a plan to go on with. There is at most one, see Begin, unless others were imported.
	Unfinished(ctx context.Context, flow, campaign string) (Run, bool, error)

	// Intend makes an intent durable. Only when it returns nil may the caller send,
	// once; on any error it must not. An identity from whose state no new attempt
	// may start gives *ConflictError. The check and the write are one transaction,
	// so of two runners one gets nil. So is that of the Caps, which gives *CapError. A
	// run that is not running any more, because a
	// later one took over, gives *EndedError. A caller canceled while its intent
	// was still waiting gets ctx's error and has intended nothing.
	Intend(ctx context.Context, in Intention) error

	// Settle records an outcome. An open intent can be settled only by the run that
	// made it, and as anything but sent not by a process of it whose own intent was an
	// earlier one; an unknown one by any; anything else gives *ConflictError. It does
	// not heed ctx's cancellation: what happened is worth recording during a stop.
	// Sent with a message id that another send of the same contact holds gives
	// *ClaimedError, checked and written in one transaction.
	Settle(ctx context.Context, o Outcome) error

	// Recover turns the open intents of a run into unknown, with reason, and says
	// how many. The caller knows that the run's process is gone. It does not heed
	// ctx's cancellation.
	Recover(ctx context.Context, run, reason string) (int, error)

	// Resolve records a person's decision about an unknown send, and remembers who
	// decided what and when. A send in any other state gives *ConflictError, a
	// message id that stands for another send *ClaimedError.
	Resolve(ctx context.Context, d Decision) error

	// Decisions ranges over the decisions about one send, oldest first; the zero
	// Identity chooses those about all sends.
	Decisions(ctx context.Context, id Identity) iter.Seq2[Decided, error]

	// Reconsider makes the refused sends of a flow and campaign not sent, so that
	// the next run tries them again, and says how many. It is the one way out of
	// refused, and only a person's word (--retry-failed) opens it.
	Reconsider(ctx context.Context, flow, campaign string) (int, error)

	// Occasions counts the occasions in the past of a person.
	Occasions(ctx context.Context, p Past) (int, error)

	// OptOut remembers that somebody asked for peace, for good. Twice is once.
	OptOut(ctx context.Context, o OptOut) error

	// OptOuts ranges over the opt-outs of whom, oldest first; a nil chooses all.
	OptOuts(ctx context.Context, whom *Whom) iter.Seq2[OptOut, error]

	// Retry opens a run that has ended, and makes its refused sends not sent, so that
	// going on with it tries again whatever surely did not go out; it says how many
	// had been refused. A run that is at work or was given up gives *EndedError. The
	// caller holds the flow's lock.
	Retry(ctx context.Context, run string) (int, error)

	// Claimed finds the send whose message this is, so that no message of a
	// contact's history is taken as the proof of two. A message id of 0 is nobody's.
	Claimed(ctx context.Context, contact, messageID int) (Identity, bool, error)

	// Find returns what is known of one identity.
	Find(ctx context.Context, id Identity) (Record, bool, error)

	// Records ranges over the records that f chooses, by run and then by Seq.
	Records(ctx context.Context, f Filter) iter.Seq2[Record, error]

	// Remembered tells under which steps the ledger remembers sends of a flow and
	// campaign that are not to be made again. Runs up to the newest one of the flow
	// flowHash are left out: the same flow was asked about them before it ran.
	Remembered(ctx context.Context, flow, campaign, flowHash string) ([]RememberedStep, error)

	// Tally counts the sends of a run by their state.
	Tally(ctx context.Context, run string) (map[State]int, error)

	// Draft opens a scratch set for one plan of a flow and campaign.
	Draft(ctx context.Context, flow, campaign string) (Draft, error)

	// Export writes everything that the ledger knows, as it is at one moment, in
	// lines of JSON that ReadExport reads.
	Export(ctx context.Context, w io.Writer) error

	// Import merges an exported ledger into this one, in one transaction: of each
	// send and run it keeps what Over says, of decisions all. Knowledge only grows,
	// and neither the order of several imports nor their number matters. A file that
	// is not whole and unchanged gives *ImportError and changes nothing.
	//
	// This ledger keeps its lineage and remembers the other's. Runs that were open
	// there are open here: the next run of their flow takes over from them, and
	// their open intents become unknown. The caller holds the locks.
	Import(ctx context.Context, r io.Reader) (ImportResult, error)

	// Merged lists the ledgers that were merged into this one, directly or as part
	// of another.
	Merged(ctx context.Context) ([]Merged, error)

	// Close ends all writing and releases the ledger.
	Close() error
}

// Draft finds duplicates within one plan, and what the ledger knew of each of its
// sends when the draft was opened, in memory that does not grow with the plan.
// Only sends of its flow and campaign are known; apply looks again at each before
// it goes out. Nothing of a draft is kept. It serves one goroutine.
type Draft interface {
	// Add registers a planned send. seq rises from call to call.
	// former are identities that the send had under earlier ids of its step; of
	// all that the ledger knows of them, Seen has the record that forbids another
	// attempt most surely.
	Add(ctx context.Context, id Identity, contentHash [32]byte, seq int64, former ...Identity) (Seen, error)

	// Others counts the other contacts of a person that the plan writes to so far, and
	// gives Seq of the first of those rows. contact is PersonOfContact's.
	Others(ctx context.Context, person, contact Person) (n int, first int64, err error)

	// Writes registers that the plan writes to a contact of a person.
	Writes(ctx context.Context, person, contact Person, seq int64) error

	// Close throws the draft away.
	Close() error
}

// Seen is what is known of a planned send.
type Seen struct {
	Prior       int64   // Seq of the first row of this plan with the same identity; -1 when this is it
	SameContent bool    // whether that row has the same content
	Record      *Record // the ledger's record; nil when there is none
}

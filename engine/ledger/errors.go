package ledger

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrClosed is returned by every method after Close.
var ErrClosed = errors.New("ledger: is closed")

// ErrReadOnly is returned by every write to a ledger that was opened to read.
var ErrReadOnly = errors.New("ledger: was opened for reading only")

// NotFoundError says that there is no ledger where one must be. With a Mark
// there surely was one.
type NotFoundError struct {
	Path    string
	Mark    string // path of the mark that an earlier ledger left; empty when there is none
	Lineage string // that ledger's, empty when the mark cannot be read
	Serial  int64  // its changes by then, at least
}

func (e *NotFoundError) Error() string {
	s := fmt.Sprintf("open ledger %s: there is none", e.Path)
	if e.Mark == "" {
		return s
	}
	what := ""
	if e.Lineage != "" {
		what = fmt.Sprintf(" (%s, with %d changes)", printable(e.Lineage), e.Serial)
	}
	return fmt.Sprintf("%s, but %s says that one was here%s: put it back, or remove that mark, knowing that everybody may be written to again", s, e.Mark, what)
}

// RolledBackError says that the ledger is not the newest that was here: an older
// copy, a file whose log was lost, or another ledger. Whoever only the newer one
// knows would look never written to.
type RolledBackError struct {
	Path        string
	Lineage     string
	Serial      int64  // changes that the ledger holds
	Mark        string // path of the mark
	MarkLineage string
	MarkSerial  int64 // changes that were here by then, at least
}

func (e *RolledBackError) Error() string {
	found := fmt.Sprintf("it holds %d changes, but %s says that %d were here: it is an older copy, or its log (%s-wal) was lost", e.Serial, e.Mark, e.MarkSerial, e.Path)
	if e.Lineage != e.MarkLineage {
		found = fmt.Sprintf("it is the ledger %s, but %s says that %s was here, with %d changes", printable(e.Lineage), e.Mark, printable(e.MarkLineage), e.MarkSerial)
	}
	return fmt.Sprintf("open ledger %s: %s (nothing was changed); put the newer one back, or remove that mark, knowing that whoever only the newer one knew may be written to again", e.Path, found)
}

// MarkError says that the mark beside a ledger cannot be read, so that nobody
// knows whether the ledger is the newest.
type MarkError struct {
	Path string // of the mark
	Err  error
}

func (e *MarkError) Error() string {
	return fmt.Sprintf("open ledger: its mark %s cannot be read: %v: remove the mark if the ledger beside it is surely the newest copy", e.Path, e.Err)
}

// Unwrap gives the cause.
func (e *MarkError) Unwrap() error { return e.Err }

// UnreadableError says that the file is there and is no sound ledger. It is
// never repaired or replaced without a person: an empty ledger would mean
// writing to everybody again.
type UnreadableError struct {
	Path string
	Err  error
}

func (e *UnreadableError) Error() string {
	return fmt.Sprintf("open ledger %s: the file is damaged or is no ledger: %v (nothing was changed; put back a copy of it, or move it away knowing that everybody may be written to again)", e.Path, e.Err)
}

// Unwrap gives the cause.
func (e *UnreadableError) Unwrap() error { return e.Err }

// VersionError says that the ledger was written by another flowrunner than this
// one can serve.
type VersionError struct {
	Path         string
	Found, Known int
}

func (e *VersionError) Error() string {
	if e.Found > e.Known {
		return fmt.Sprintf("open ledger %s: it has format %d, made by a newer flowrunner; this one knows up to %d: update flowrunner", e.Path, e.Found, e.Known)
	}
	return fmt.Sprintf("open ledger %s: it has the older format %d; reading alone cannot bring it to %d: the next plan or run will", e.Path, e.Found, e.Known)
}

// FailedError says that the ledger could not be written, and that it takes no
// more writes until it is opened again.
type FailedError struct {
	Path string
	Hint string // what to do; may be empty
	Err  error
}

func (e *FailedError) Error() string {
	s := fmt.Sprintf("write ledger %s: %v (nothing more is sent)", e.Path, e.Err)
	if e.Hint != "" {
		s += ": " + e.Hint
	}
	return s
}

// Unwrap gives the cause.
func (e *FailedError) Unwrap() error { return e.Err }

// BusyError says that another process kept the ledger for longer than we wait.
// Nothing was written; the same call may succeed later.
type BusyError struct{ Path string }

func (e *BusyError) Error() string {
	return fmt.Sprintf("write ledger %s: another process keeps it busy: try again when that has ended", e.Path)
}

// AppliedError says that a plan was applied before. A plan applies once.
type AppliedError struct{ Run Run }

func (e *AppliedError) Error() string {
	return fmt.Sprintf("apply: this plan was already applied by run %s, started %s, now %s", e.Run.ID, e.Run.Started.Format(time.RFC3339), e.Run.State)
}

// ConflictError says that the state machine does not allow a change. Record is
// what the ledger holds.
type ConflictError struct {
	Wanted State
	Run    string // who wanted it; empty for a person
	Record Record
}

func (e *ConflictError) Error() string {
	if e.Record.State == Planned {
		return fmt.Sprintf("record %s of send %s: there is no intent", e.Wanted, e.Record.Identity)
	}
	by := ""
	if e.Run != "" {
		by = " for run " + e.Run
	}
	return fmt.Sprintf("record %s of send %s%s: it is already %s by run %s", e.Wanted, e.Record.Identity, by, e.Record.State, e.Record.Run)
}

// ClaimedError says that a message of a contact's history already stands for
// another send: one message cannot be the proof of two. Nothing was recorded.
type ClaimedError struct {
	Contact   int
	MessageID int
	Wanted    Identity // who wanted the message
	Holder    Identity // whose it is
}

func (e *ClaimedError) Error() string {
	return fmt.Sprintf("record sent of send %s: message %d of contact %d is already that of send %s", e.Wanted, e.MessageID, e.Contact, e.Holder)
}

// EndedError says that a run may not write (any more): it was never begun, has
// ended, or a later run took over.
type EndedError struct {
	Run   string
	Known bool // whether it was ever begun
	State RunState
}

func (e *EndedError) Error() string {
	if !e.Known {
		return fmt.Sprintf("run %s: was never begun", e.Run)
	}
	return fmt.Sprintf("run %s: is %s and can send nothing more", e.Run, e.State)
}

// AmbiguousError says that several runs begin with what was typed.
type AmbiguousError struct {
	Prefix string
	IDs    []string // newest first, a few of them
}

func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("run %s: several begin so: %s", e.Prefix, strings.Join(e.IDs, ", "))
}

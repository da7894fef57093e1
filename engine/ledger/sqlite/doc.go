// Package sqlite is the embedded ledger.Store: one SQLite file in WAL mode with
// synchronous=FULL, written by one goroutine that lets everybody who waits share
// a transaction and its fsync. New sends are appended to a table without indexes,
// the tail, and moved to that of all sends thousands at a time; readers see both.
//
// It owns the file: making it, checking it, bringing it to the present format,
// and the mark beside it, which gives away an older copy put in its place and a
// lost log. A whole folder that was set back shows nothing. What a send may
// become is ledger's business. Start at Open; writer holds the group commit,
// tail what waits to be moved, marker the mark.
package sqlite

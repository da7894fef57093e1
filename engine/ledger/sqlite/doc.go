// Package sqlite is the embedded ledger.Store: one SQLite file in WAL mode with
// synchronous=FULL, written by one goroutine that lets everybody who waits share
// a transaction and its fsync.
//
// It owns the file: making it, checking it, bringing it to the present format.
// What a send may become is ledger's business. It notices damage; it cannot yet
// notice that somebody put back an older copy, or removed the log that a crash
// left beside the file. Start at Open; writer holds the group commit.
package sqlite

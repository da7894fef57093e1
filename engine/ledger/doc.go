// Package ledger is what flowrunner remembers: who was sent what, in which run,
// and what became of it. It owns a send's Identity, the states that a send may
// pass through, the Store that keeps them durable, the form in which a ledger
// travels and the order by which two become one, and the lock that keeps two
// runners apart.
//
// It holds no message text, knows no step kind and makes no call. Start at Key,
// State and Store; ledger/sqlite is the embedded Store.
package ledger

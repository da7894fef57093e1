// Package history tells what became of each row of a run's plan: the rows as
// the plan has them, joined with what the ledger knows of them now. Both are
// read as streams, in the order of the plan, in memory that does not grow.
//
// It draws nothing and changes nothing. Start at Rows.
package history

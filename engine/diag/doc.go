// Package diag is the one form of every problem that a user sees: a stable
// code, the exact place, what was found, what is allowed and what to type next.
//
// It is a leaf: it knows nothing of flows, steps or terminals. Start at
// Diagnostic; List collects them and Format draws them with a caret excerpt.
package diag

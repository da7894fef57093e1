// Package guard holds the rails: what stops a run whatever its steps say. It
// takes compiled predicates and compiles none; it knows nothing of YAML, plans
// or the ledger. Start at Rails.
package guard

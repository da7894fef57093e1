// Package planfile is the intermediate form between planning and applying: the
// versioned record types of plan.jsonl, one JSON object a line, and a writer and
// a reader that stream them. A plan file is whole in itself: it embeds the flow
// and the inputs, lists every send with everything that it needs, and ends with
// the hash of all that stands before.
//
// It knows nothing of programs, kinds or the ledger. Start at Header and Send.
package planfile

// Package engine compiles a flow document to a Program, plans it and applies
// the plan. It works in one direction, each part only from what the one before
// wrote down:
//
//	flow.Document ─Compile→ Program ─Plan→ plan file ─Apply→ ledger and Result
//
// Compile touches no network. Plan runs compute and read kinds and renders every
// send. Apply performs the sends that the plan lists and evaluates none of them
// again. The engine knows kinds only through package step; it never imports
// steps, chat2desk or anything of the terminal. Start at Compile.
package engine

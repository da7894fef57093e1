// Package torture puts the promise of delivery to the test with a flow of the
// user's own: it runs the real program against a sandbox with faults, ends its
// process at random moments, lets the same command go on until it is done, and
// holds what the sandbox has accepted against what the ledger says.
//
// A Trial describes the test, Run performs it, and a Report says what was found.
// A broadcast that breaks the promise leaves its folder behind: the ledger, the
// plans, the accepted messages and what each life of the process said.
package torture

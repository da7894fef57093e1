// Package flowtest runs the tests that stand beside flows: `*_test.yaml` files
// whose cases give a world, a moment and inputs, and say who must get which
// text, who must not and why, and how the run must end.
//
// It owns the form of such files, mocks, the throw-away world of a case, the
// comparison and the coverage. It knows the engine, the sandbox and the ledger,
// but neither commands nor kinds: the kinds, the account lookup and the exit
// codes are handed to it by whoever wires the program. Nothing that a case does
// leaves the machine or stays on it.
//
// Start at Load, which reads one file, and (*Suite).Run.
package flowtest

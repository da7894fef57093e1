// Package golden compares what a test got with a file that somebody has looked at
// once. `go test -update` writes the files anew; git then shows what has changed.
//
// It owns that flag and the comparison. Only tests import it, and it knows nothing
// of what they test.
package golden

// Package steps holds the built-in step kinds, one file each. A file declares
// its parameters and outputs as Go structs and hands them, with a function, to
// declare; Registry gives them all to the engine.
//
// It knows the step contract and the Chat2Desk client, and nothing of flows,
// expressions or plans. A new kind is one new file: limit.go is the shortest
// example of a stream, assert.go of a plain value.
package steps

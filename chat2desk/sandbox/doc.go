// Package sandbox is a fake Chat2Desk: an http.Handler with a believable world
// behind it, the shapes and the quirks of the real API, faults on demand, and
// a log of every message that it accepted, which is the truth that tests
// compare with.
//
// A World is plain data: Generate makes one from a seed, FromSeed reads one
// from the generic value of a seed file. People of a generated world and their
// histories are computed when they are asked for, so a million of them cost
// nothing at the start. The same seed and the same moment give the same bytes.
//
// It speaks only the HTTP of the real API: it knows nothing of flows, and
// nothing of the client package. Start at New and Options.
package sandbox

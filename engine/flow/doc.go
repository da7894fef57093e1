// Package flow turns the bytes of a YAML file into a Document in which every
// scalar keeps its position, and collects every problem of form on the way:
// syntax, unknown and doubled keys, YAML's traps, limits.
//
// It knows nothing of kinds, types or expressions; those are checked by
// engine.Compile. It is the only importer of a YAML library. Start at Parse.
package flow

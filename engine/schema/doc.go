// Package schema describes the flow language: from the grammar of engine/flow
// and the kinds of a registry it makes a JSON Schema (draft-07) for editors and
// the reference page of the kinds for people.
//
// It checks nothing itself; `flowrunner validate` knows far more, types above
// all. The caller brings the registry. Start at JSON and Kinds.
package schema

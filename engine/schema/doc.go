// Package schema describes the flow language to editors: from the grammar of
// engine/flow and the kinds of a registry it makes a JSON Schema (draft-07).
//
// It checks nothing itself; `flowrunner validate` knows far more, types above
// all. The caller brings the registry. Start at JSON.
package schema

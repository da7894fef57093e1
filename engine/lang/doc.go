// Package lang is the expression language of flows: what stands in `if`,
// `where` and ${{ }} is parsed, typed and compiled here before anything runs.
//
// Parsing and the virtual machine are expr's; the types are ours (step.Shape),
// with nil, element types and spelling checked by a pass over expr's syntax
// tree. The rule that the pass keeps: what it accepts never fails on nil or on
// empty data. It is the only importer of expr, and knows nothing of kinds,
// plans or YAML.
//
// Start at CompileExpr and CompileValue; Scope says which names are known, and
// Functions which functions there are.
package lang

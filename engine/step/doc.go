// Package step is the contract between the engine and a step kind: what a kind
// takes and gives (Shape), what it does to the world (Effect), and how the
// engine calls it (Kind). One declaration, step.Compute, step.Read, step.Local
// or step.Send, gives decoding, static types, JSON Schema, reference pages and
// redaction.
//
// No kind lives here and nothing of YAML or of the expression library is known
// here. Start at Kind.
package step

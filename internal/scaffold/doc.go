// Package scaffold makes the files of a new project: the project file, a flow
// with its test and its data, the schema for editors, what git must ignore, and
// a CI workflow.
//
// It writes nothing and knows neither commands nor the engine: what a project
// must be told, such as the id of its ledger, is handed to it. The flows are
// those of package examples. Start at Templates and (Template).Files.
package scaffold

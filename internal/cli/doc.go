// Package cli is the flowrunner command: its commands and flags, exit codes, and
// the wiring of everything else. It is the only package that knows all others,
// and nobody imports it but the command.
//
// A command is an options struct that its flags fill, and a run function that
// takes it; what a run needs of the outside (streams, environment, signals)
// comes in through app. Errors are returned up to Main, where exitCode turns
// them into the code and app.finish into text or JSON. Start at Main.
package cli

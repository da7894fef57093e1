// Package main measures flowrunner against the loop that an expert would write
// by hand for the same job, with and without a durable intent before each send:
//
//	go run ./internal/bench        (or: make bench)
//
// It builds the programs, runs them as processes of their own against a sandbox
// in a third process, in turns and on fresh state, checks that each sent exactly
// the right messages, and prints medians and ratios as Markdown. Everything
// stays on loopback. Start at bench.run in bench.go.
package main

// Package main is flowrunner with a profiler around it, for `go run
// ./internal/bench -profile`: FLOWRUNNER_CPU_PROFILE and FLOWRUNNER_HEAP_PROFILE
// name the files that profiles are written to. No user ever sees it.
package main

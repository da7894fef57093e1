// Package main is the yardstick of the benchmarks: the program that an expert
// would write by hand for the one job that a flow of internal/bench does, over
// net/http with typed structs and nothing else.
//
// With -journal it makes an intent durable before each send, many at a time,
// which is the least that any program must pay that keeps what it sends. It
// knows nothing of flowrunner. Start at run in main.go.
package main

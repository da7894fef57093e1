// Command flowrunner plans and sends customer messages through Chat2Desk.
package main

import (
	"os"
	_ "time/tzdata" // zones of flows, wherever the binary runs

	"github.com/flowrunner/flowrunner/internal/cli"
	"github.com/flowrunner/flowrunner/internal/heap"
)

func main() {
	heap.Steady()
	os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Environ()))
}

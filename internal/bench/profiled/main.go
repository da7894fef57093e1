package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	_ "time/tzdata" // as the real program

	"github.com/flowrunner/flowrunner/internal/cli"
	"github.com/flowrunner/flowrunner/internal/heap"
)

func main() {
	heap.Steady()
	os.Exit(run(os.Args[1:])) //nolint:forbidigo // this is main
}

// run is the real program, watched.
func run(args []string) int {
	stop, err := watchCPU(os.Getenv("FLOWRUNNER_CPU_PROFILE"))
	code := 1
	if err == nil {
		code = cli.Main(args, os.Stdin, os.Stdout, os.Stderr, os.Environ())
		err = errors.Join(stop(), writeHeap(os.Getenv("FLOWRUNNER_HEAP_PROFILE")))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "profile:", err)
		return 1
	}
	return code
}

func watchCPU(path string) (stop func() error, err error) {
	if path == "" {
		return func() error { return nil }, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		return f.Close()
	}, nil
}

// writeHeap writes what was allocated in all, and what is still held.
func writeHeap(path string) error {
	if path == "" {
		return nil
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	runtime.GC()
	return errors.Join(pprof.Lookup("allocs").WriteTo(f, 0), f.Close())
}

package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"
)

// bench is one call of this command.
type bench struct {
	options
	work       string   // a folder for everything
	flags      []string // of go build
	flowrunner string   // the binary as it is released
	programs   []program
	progress   io.Writer
}

// job is what the programs are measured with.
type job struct {
	name    string // start, broadcast or export
	clients int
	latency time.Duration

	perSecond int // more calls than this are answered 429; 0 is no limit
}

// check says whether a run did what it had to.
func (j job) check(folder, accepted string) error {
	switch j.name {
	case "broadcast":
		return checkAccepted(accepted, j.clients)
	case "export":
		return checkExport(folder, j.clients)
	}
	return nil
}

// result are the runs of one program, one a round.
type result struct {
	name string
	runs []cost
}

// rounds runs the programs in turns, so that what else the machine does meets
// all of them; the turn begins with another one each round.
func (b *bench) rounds(ctx context.Context, j job, programs []program, n int) ([]result, error) {
	results := make([]result, len(programs))
	for i, p := range programs {
		results[i].name = p.name
	}
	for round := range n {
		for k := range programs {
			i := (k + round) % len(programs)
			c, err := b.measure(ctx, programs[i], j)
			if err != nil {
				return nil, err
			}
			results[i].runs = append(results[i].runs, c)
			fmt.Fprintf(b.progress, "%s, %d clients, round %d: %s %s\n", j.name, j.clients, round+1, programs[i].name, seconds(c.wall))
		}
	}
	return results, nil
}

// median of one thing over the runs.
func (r result) median(of func(cost) float64) float64 {
	all := make([]float64, len(r.runs))
	for i, c := range r.runs {
		all[i] = of(c)
	}
	return median(all)
}

// against is the median of the ratios of each round to another's same round:
// what slowed one round down slowed both.
func (r result) against(base result, of func(cost) float64) float64 {
	all := make([]float64, len(r.runs))
	for i, c := range r.runs {
		all[i] = of(c) / of(base.runs[i])
	}
	return median(all)
}

func median(all []float64) float64 {
	all = slices.Sorted(slices.Values(all))
	n := len(all)
	if n == 0 {
		return 0
	}
	return (all[n/2] + all[(n-1)/2]) / 2
}

func wall(c cost) float64  { return c.wall.Seconds() }
func cpu(c cost) float64   { return c.cpu.Seconds() }
func most(c cost) float64  { return float64(c.peak) }
func share(c cost) float64 { return c.sandbox.Seconds() / (c.sandbox + c.cpu).Seconds() }

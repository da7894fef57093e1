package main

import (
	"context"
	"io"
	"time"
)

// wallTable is a broadcast to a server that lets so many calls a second through and
// answers 429 to the others, by programs that do not know how many. The loop waits
// with each call as long as the answer says, as a loop by hand would.
func wallTable(ctx context.Context, b *bench, out io.Writer) error {
	j := job{name: "broadcast", clients: b.walled, perSecond: b.wall}
	results, err := b.rounds(ctx, j, append([]program{b.programs[0]}, b.programs[2:]...), b.times)
	if err != nil {
		return err
	}
	title(out, "A wall of 429: %d calls a second, %s clients, %d in flight, no rate (median of %d)", j.perSecond, thousands(j.clients), b.inflight, b.times)
	row(out, "program", "wall", "× the shortest possible", "calls", "of them refused")
	rule(out, 5)
	for _, r := range results {
		row(out, r.name, seconds(time.Duration(r.median(wall)*1e9)), ratio(r.median(j.overIdeal)),
			thousands(int(r.median(calls))), percent(r.median(wasted)))
	}
	return nil
}

// overIdeal is a run's time in that of a program that makes exactly as many calls a
// second as get through, and none in vain.
func (j job) overIdeal(c cost) float64 {
	return c.wall.Seconds() * float64(j.perSecond) / float64(c.calls-c.refused)
}

func calls(c cost) float64  { return float64(c.calls) }
func wasted(c cost) float64 { return float64(c.refused) / float64(c.calls) }

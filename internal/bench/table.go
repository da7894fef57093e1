package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

// table is one of those that the report has.
type table struct {
	name string
	make func(ctx context.Context, b *bench, out io.Writer) error
}

var tables = []table{
	{"start", startTable},
	{"broadcast", broadcastTable},
	{"latency", latencyTable},
	{"export", exportTable},
	{"wall429", wallTable},
	{"growth", growthTable},
	{"memory", memoryTable},
	{"churn", churnTable},
}

func tableNames() []string {
	var names []string
	for _, t := range tables {
		names = append(names, t.name)
	}
	return names
}

// startTable is from start to exit of the smallest job, and the size.
func startTable(ctx context.Context, b *bench, out io.Writer) error {
	bare := []program{b.programs[0]} // the journal has no part in it
	bare = append(bare, b.programs[2:]...)
	results, err := b.rounds(ctx, job{name: "start", clients: 100}, bare, b.starts)
	if err != nil {
		return err
	}
	title(out, "Start to exit, one GET (median of %d)", b.starts)
	row(out, "program", "wall", "CPU", "peak memory", "binary, stripped")
	rule(out, 5)
	for i, r := range results {
		path := bare[i].path
		if r.name == "flowrunner" {
			path = b.flowrunner
		}
		size, err := os.Stat(path)
		if err != nil {
			return err
		}
		row(out, r.name, milliseconds(r.median(wall)), milliseconds(r.median(cpu)), megabytes(r.median(most)), megabytes(float64(size.Size())))
	}
	return nil
}

func broadcastTable(ctx context.Context, b *bench, out io.Writer) error {
	return b.compare(ctx, out, job{name: "broadcast", clients: b.clients}, b.programs, "Broadcast")
}

func latencyTable(ctx context.Context, b *bench, out io.Writer) error {
	return b.compare(ctx, out, job{name: "broadcast", clients: b.slow, latency: b.latency}, b.programs, "Broadcast, "+b.latency.String()+" a call")
}

func exportTable(ctx context.Context, b *bench, out io.Writer) error {
	bare := append([]program{b.programs[0]}, b.programs[2:]...)
	return b.compare(ctx, out, job{name: "export", clients: b.clients}, bare, "List, filter, count, CSV")
}

// compare is a table of all programs on one job.
func (b *bench) compare(ctx context.Context, out io.Writer, j job, programs []program, name string) error {
	results, err := b.rounds(ctx, j, programs, b.times)
	if err != nil {
		return err
	}
	title(out, "%s: %s clients, %d in flight (median of %d)", name, thousands(j.clients), b.inflight, b.times)
	row(out, "program", "wall", "× loop", "CPU", "× loop", "sandbox's share of the CPU", "peak memory")
	rule(out, 7)
	for _, r := range results {
		row(out, r.name, seconds(time.Duration(r.median(wall)*1e9)), ratio(r.against(results[0], wall)),
			seconds(time.Duration(r.median(cpu)*1e9)), ratio(r.against(results[0], cpu)), percent(r.median(share)), megabytes(r.median(most)))
	}
	if results[1].name == "fsync loop" {
		for _, r := range results[2:] {
			fmt.Fprintf(out, "\n%s takes %s × the wall time of the fsync loop, and %s × its CPU.\n",
				r.name, ratio(r.against(results[1], wall)), ratio(r.against(results[1], cpu)))
		}
	}
	return nil
}

// growthTable shows how time and memory grow with the audience.
func growthTable(ctx context.Context, b *bench, out io.Writer) error {
	sizes := []int{1_000, 10_000, 100_000}
	if b.million {
		sizes = append(sizes, 1_000_000)
	}
	title(out, "Growth, %d in flight", b.inflight)
	row(out, "clients", "loop", "fsync loop", "flowrunner", "× fsync loop", "flowrunner for 1,000 clients", "loop's memory", "flowrunner's memory")
	rule(out, 8)
	for _, n := range sizes {
		rounds := b.times
		if n >= 1_000_000 {
			rounds = 1
		}
		results, err := b.rounds(ctx, job{name: "broadcast", clients: n}, b.programs[:3], rounds)
		if err != nil {
			return err
		}
		own := results[2].median(wall)
		row(out, thousands(n), seconds(time.Duration(results[0].median(wall)*1e9)), seconds(time.Duration(results[1].median(wall)*1e9)),
			seconds(time.Duration(own*1e9)), ratio(results[2].against(results[1], wall)), milliseconds(own/float64(n)*1000),
			megabytes(results[0].median(most)), megabytes(results[2].median(most)))
	}
	return nil
}

func title(out io.Writer, format string, args ...any) {
	fmt.Fprintf(out, "\n### "+format+"\n\n", args...)
}

func row(out io.Writer, cells ...string) { fmt.Fprintf(out, "| %s |\n", strings.Join(cells, " | ")) }

func rule(out io.Writer, n int) { fmt.Fprintf(out, "|---%s|\n", strings.Repeat("|--:", n-1)) }

func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 2, 64) + " s" }

func milliseconds(s float64) string { return strconv.FormatFloat(s*1000, 'f', 1, 64) + " ms" }

func megabytes(n float64) string {
	if n == 0 {
		return "–"
	}
	return strconv.FormatFloat(n/1e6, 'f', 0, 64) + " MB"
}

func ratio(x float64) string { return strconv.FormatFloat(x, 'f', 2, 64) }

func percent(x float64) string { return strconv.FormatFloat(x*100, 'f', 0, 64) + " %" }

func thousands(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// deeds are the commands of a broadcast's life, one after the other, in a folder of
// their own.
var deeds = []struct {
	name string
	args func(folder string) []string
}{
	{"plan", func(in string) []string {
		return []string{"plan", filepath.Join(in, "flow.yaml"), "--out", filepath.Join(in, "kept.plan"), "--new-ledger", "--progress", "none"}
	}},
	{"plan show", func(in string) []string { return []string{"plan", "show", filepath.Join(in, "kept.plan")} }},
	{"apply", func(in string) []string {
		return []string{"apply", filepath.Join(in, "kept.plan"), "--yes", "--progress", "none"}
	}},
	{"runs show --all", func(string) []string { return []string{"runs", "show", "--all"} }},
	{"runs export", func(in string) []string { return []string{"runs", "export", "--out", filepath.Join(in, "run.jsonl")} }},
	{"ledger export", func(in string) []string { return []string{"ledger", "export", filepath.Join(in, "ledger.jsonl")} }},
}

// memoryTable is what each command takes, and how that grows with the audience.
func memoryTable(ctx context.Context, b *bench, out io.Writer) error {
	sizes := []int{max(b.clients/100, 2), b.clients}
	if b.million {
		sizes = append(sizes, 1_000_000)
	}
	programs := b.programs[2:]
	title(out, "Memory: the peak of each command, and its time (one run each)")
	head := []string{"command"}
	for _, n := range sizes {
		for _, p := range programs {
			head = append(head, fmt.Sprintf("%s, %s clients", p.name, thousands(n)))
		}
	}
	row(out, head...)
	rule(out, len(head))
	table := make([][]string, len(deeds))
	for i, d := range deeds {
		table[i] = []string{"`" + d.name + "`"}
	}
	for _, n := range sizes {
		for _, p := range programs {
			costs, err := b.life(ctx, p, job{name: "broadcast", clients: n})
			if err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
			for i, c := range costs {
				table[i] = append(table[i], megabytes(most(c))+", "+seconds(c.wall))
			}
		}
	}
	for _, cells := range table {
		row(out, cells...)
	}
	return nil
}

// life measures every deed of one broadcast.
func (b *bench) life(ctx context.Context, p program, j job) (all []cost, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	folder, err := os.MkdirTemp(b.work, "life-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	if err := b.writeFlow(j.name, folder); err != nil {
		return nil, err
	}
	api, err := b.serve(ctx, folder, j)
	if err != nil {
		return nil, err
	}
	for _, d := range deeds {
		one := p
		one.args = func(_ *bench, _, folder string) []string {
			return append(d.args(folder), "--state", filepath.Join(folder, "state"))
		}
		c, doErr := b.spawn(ctx, one, "memory", folder, api)
		if err = doErr; err != nil {
			err = fmt.Errorf("%s: %w", d.name, err)
			break
		}
		all = append(all, c)
		fmt.Fprintf(b.progress, "memory, %d clients: %s %s %s\n", j.clients, p.name, d.name, c.wall.Round(time.Millisecond))
	}
	_, stopErr := api.stop()
	if err = errors.Join(err, stopErr); err == nil {
		err = j.check(folder, api.accepted)
	}
	return all, err
}

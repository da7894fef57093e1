package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1) //nolint:forbidigo // this is main
	}
}

// stripped is what releases are built with, and CGO_ENABLED=0: a file that needs no
// other.
var stripped = []string{"-trimpath", "-ldflags=-s -w"}

// options are the flags.
type options struct {
	clients  int
	inflight int
	latency  time.Duration
	slow     int
	times    int
	starts   int
	wall     int
	walled   int
	million  bool
	only     []string
	dir      string
	into     string
	profile  string
	binary   string
}

func parse(args []string) (options, error) {
	var o options
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.IntVar(&o.clients, "clients", 100_000, "how many clients the account has; about half get a message")
	f.IntVar(&o.inflight, "inflight", 64, "how many sends go side by side")
	f.DurationVar(&o.latency, "latency", 50*time.Millisecond, "how long each call takes in the table latency")
	f.IntVar(&o.slow, "slow-clients", 4000, "how many clients the table latency has")
	f.IntVar(&o.times, "rounds", 3, "how often each program runs; the table has medians")
	f.IntVar(&o.starts, "starts", 21, "how often each program runs in the table start")
	f.IntVar(&o.wall, "wall", 50, "how many calls a second get through in the table wall429")
	f.IntVar(&o.walled, "wall-clients", 4000, "how many clients the table wall429 has")
	f.BoolVar(&o.million, "million", false, "let the tables growth and memory go on to 1,000,000 clients")
	f.StringVar(&o.dir, "dir", "", "where state is made: a folder on the disk to measure (default a temporary one)")
	f.StringVar(&o.into, "into", "", "put each table between its marks in this Markdown file as well, such as docs/performance.md")
	f.StringVar(&o.profile, "profile", "", "write CPU and heap profiles of flowrunner to this folder")
	f.StringVar(&o.binary, "flowrunner", "", "measure this binary as well, as \"other\"")
	only := f.String("only", "", "tables to make, with commas between: "+strings.Join(tableNames(), ","))
	if err := f.Parse(args); err != nil {
		return o, err
	}
	o.only = tableNames()
	if *only != "" {
		o.only = strings.Split(*only, ",")
	}
	for _, name := range o.only {
		if !slices.Contains(tableNames(), name) {
			return o, fmt.Errorf("-only %s: there are the tables %s", name, strings.Join(tableNames(), ", "))
		}
	}
	switch {
	case f.NArg() > 0:
		return o, fmt.Errorf("%s: there are only flags", f.Arg(0))
	case o.clients < 1 || o.clients > 5_000_000 || o.slow < 1 || o.slow > 100_000:
		return o, fmt.Errorf("-clients takes 1 to 5,000,000, -slow-clients 1 to 100,000")
	case o.inflight < 1 || o.inflight > 256 || o.times < 1 || o.times > 100 || o.starts < 1 || o.starts > 1000:
		return o, fmt.Errorf("-inflight takes 1 to 256, -rounds 1 to 100, -starts 1 to 1000")
	case o.wall < 1 || o.wall > 10_000 || o.walled < 1 || o.walled > 1_000_000:
		return o, fmt.Errorf("-wall takes 1 to 10,000, -wall-clients 1 to 1,000,000")
	case o.latency < 0 || o.latency > time.Second:
		return o, fmt.Errorf("-latency takes 0s to 1s")
	}
	return o, nil
}

func run(ctx context.Context, args []string, out, progress io.Writer) (err error) {
	o, err := parse(args)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(o.dir, "flowrunner-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{options: o, work: dir, flags: stripped, progress: progress}
	if err := b.build(ctx); err != nil {
		return err
	}
	head := headOf(args)
	fmt.Fprintln(out, head)
	return b.report(ctx, out, head)
}

// report makes the tables that were asked for, each as soon as it can.
func (b *bench) report(ctx context.Context, out io.Writer, head string) error {
	for _, t := range tables {
		if !slices.Contains(b.only, t.name) {
			continue
		}
		var text bytes.Buffer
		err := t.make(ctx, b, &text)
		if err == nil && b.into != "" {
			err = insert(b.into, t.name, strings.TrimLeft(text.String(), "\n")+"\n"+head)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
		if _, err := out.Write(text.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "loop:", err)
		os.Exit(1) //nolint:forbidigo // this is main
	}
}

// run does one job: start (one call), broadcast or export.
func run(ctx context.Context, args []string, out io.Writer) error {
	f := flag.NewFlagSet("loop", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	job := f.String("job", "broadcast", "start, broadcast or export")
	base := f.String("base-url", os.Getenv("CHAT2DESK_BASE_URL"), "scheme and host of the API")
	inflight := f.Int("inflight", 64, "how many sends go side by side")
	path := f.String("journal", "", "make an intent durable in this file before each send")
	csv := f.String("csv", "out.csv", "the file that export writes")
	if err := f.Parse(args); err != nil {
		return err
	}
	a := newAPI(*base, os.Getenv("CHAT2DESK_API_TOKEN"), *inflight)
	switch *job {
	case "start":
		page, err := a.page(ctx, 1, 0)
		if err != nil {
			return err
		}
		fmt.Fprintln(out, page.Meta.Total)
		return nil
	case "broadcast":
		sent, err := broadcast(ctx, a, *inflight, *path)
		if err != nil {
			return err
		}
		fmt.Fprintln(out, sent, "sent")
		return nil
	case "export":
		rows, err := export(ctx, a, *csv)
		if err != nil {
			return err
		}
		fmt.Fprintln(out, rows, "rows")
		return nil
	}
	return fmt.Errorf("-job %s: use start, broadcast or export", *job)
}

package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
)

// each gives every wanted client, page by page.
func each(ctx context.Context, a *api, yield func(client) error) error {
	for offset := 0; ; offset += pageSize {
		page, err := a.page(ctx, pageSize, offset)
		if err != nil {
			return err
		}
		for _, c := range page.Data {
			if c.ID%2 != 0 {
				continue
			}
			if err := yield(c); err != nil {
				return err
			}
		}
		if len(page.Data) == 0 || offset+len(page.Data) >= page.Meta.Total {
			return nil
		}
	}
}

// render is the text for one client.
func render(c client) string {
	name := c.Name
	if name == "" || name == "unknown" {
		name = "friend"
	}
	return "Hello " + name + "! The code SPRING15 gives you 15% until Sunday."
}

// broadcast sends one message to each wanted client, inflight of them side by
// side, while the next page is read.
func broadcast(ctx context.Context, a *api, inflight int, path string) (int64, error) {
	keep := func(_ client, send func() (int64, error)) error {
		_, err := send()
		return err
	}
	if path != "" {
		j, err := openJournal(path)
		if err != nil {
			return 0, err
		}
		defer j.close()
		keep = j.around
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var sent atomic.Int64
	var workers sync.WaitGroup
	work := make(chan client, inflight)
	for range inflight {
		workers.Go(func() {
			for c := range work {
				err := keep(c, func() (int64, error) { return a.send(ctx, message{c.ID, render(c)}) })
				if err != nil {
					cancel(err)
					continue
				}
				sent.Add(1)
			}
		})
	}
	err := each(ctx, a, func(c client) error {
		select {
		case work <- c:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	})
	close(work)
	workers.Wait()
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	return sent.Load(), err
}

// export writes the wanted clients to a CSV file and counts them.
func export(ctx context.Context, a *api, path string) (int, error) {
	f, err := os.Create(path)
	if err != nil {
		return 0, err
	}
	buf := bufio.NewWriter(f)
	w := csv.NewWriter(buf)
	err = w.Write([]string{"id", "phone"})
	rows := 0
	if err == nil {
		err = each(ctx, a, func(c client) error {
			rows++
			return w.Write([]string{strconv.FormatInt(c.ID, 10), c.Phone})
		})
	}
	w.Flush()
	return rows, errors.Join(err, w.Error(), buf.Flush(), f.Close())
}

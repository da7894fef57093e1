package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
)

// churns are the ways in which an account changes while all of its clients are
// listed.
var churns = []struct {
	name string
	rule sandbox.Churn
}{
	{"nobody comes or goes", sandbox.Churn{}},
	{"50 a second are deleted, and 50 come in", sandbox.Churn{Delete: 1, Insert: 1, PerSecond: 50}},
	{"one is deleted and one comes in after each page", sandbox.Churn{Delete: 1, Insert: 1}},
}

// churnTable lists all clients while others come and go, and holds what was given
// against those who were there throughout. The sandbox is in this process, which
// thus knows who that is, and is too large itself for peaks to mean anything.
func churnTable(ctx context.Context, b *bench, out io.Writer) error {
	clients := b.clients
	if b.million {
		clients = 1_000_000
	}
	title(out, "Listing %s clients while they change", thousands(clients))
	row(out, "meanwhile", "wall", "pages", "changes a second", "there throughout", "of them missed", "given twice")
	rule(out, 7)
	for _, x := range churns {
		world := sandbox.Options{World: newCrowd(clients).world, Token: "bench-token", Churn: x.rule}
		l, err := b.list(ctx, world, clients, nil)
		if err != nil {
			return fmt.Errorf("%s: %w", x.name, err)
		}
		if l.missed > 0 || l.twice > 0 {
			return fmt.Errorf("%s: %d clients were missed, %d given twice", x.name, l.missed, l.twice)
		}
		perSecond := float64(l.deleted+l.inserted) / l.wall.Seconds()
		row(out, x.name, seconds(l.wall), thousands(l.pages), fmt.Sprintf("%.0f", perSecond),
			thousands(clients-l.deleted), thousands(l.missed), thousands(l.twice))
	}
	return b.deadOffset(ctx, out, clients)
}

// deadOffset lists the clients of an instance that gives the first page whatever the
// offset.
func (b *bench) deadOffset(ctx context.Context, out io.Writer, clients int) error {
	world := sandbox.Options{World: newCrowd(clients).world, Token: "bench-token"}
	l, err := b.list(ctx, world, clients, func(r *http.Request) {
		q := r.URL.Query()
		q.Del("offset")
		r.URL.RawQuery = q.Encode()
	})
	if err == nil || !strings.Contains(err.Error(), "ignores offset") {
		return fmt.Errorf("an instance that gives the first page again and again: %w", errors.Join(errors.New("it was not noticed"), err))
	}
	if l.pages > maxRepeated {
		return fmt.Errorf("an instance that gives the first page again and again was noticed after %d pages", l.pages)
	}
	fmt.Fprintf(out, "\nAn instance that gives the first page again and again is noticed with page %d.\n", l.pages)
	return nil
}

// maxRepeated is with which page it must be noticed at the latest.
const maxRepeated = 3

// listing is what came of one list.
type listing struct {
	cost
	pages             int
	deleted, inserted int
	missed, twice     int
}

// list runs the flow against a sandbox in this process. spoil, if not nil, changes
// each request for clients before it is answered.
func (b *bench) list(ctx context.Context, o sandbox.Options, clients int, spoil func(*http.Request)) (l listing, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	folder, err := os.MkdirTemp(b.work, "churn-")
	if err != nil {
		return l, err
	}
	defer os.RemoveAll(folder)
	if err := b.writeFlow("churn", folder); err != nil {
		return l, err
	}
	api := sandbox.New(o)
	defer api.Close()
	var pages atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/clients" {
			pages.Add(1)
			if spoil != nil {
				spoil(r)
			}
		}
		api.ServeHTTP(w, r)
	}))
	defer srv.Close()
	l.cost, err = b.spawn(ctx, b.programs[2], "churn", folder, &fake{base: srv.URL, token: o.Token})
	l.pages = int(pages.Load())
	if err != nil {
		return l, err
	}
	fmt.Fprintf(b.progress, "churn, %d clients: %s\n", clients, l.wall.Round(time.Millisecond))
	return l, l.audit(folder, clients, api)
}

// audit holds the clients that were given against those who were there throughout.
func (l *listing) audit(folder string, clients int, api *sandbox.Server) error {
	f, err := os.Open(filepath.Join(folder, "out.csv"))
	if err != nil {
		return err
	}
	defer f.Close()
	seen, c := make(ticks, clients/64+1), newCrowd(clients)
	came := map[int64]bool{} // of those who came in meanwhile
	r := csv.NewReader(bufio.NewReader(f))
	r.ReuseRecord = true
	if _, err := r.Read(); err != nil {
		return err // the names of the columns
	}
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		var id int64
		if _, err := fmt.Sscan(cells[0], &id); err != nil {
			return fmt.Errorf("%q is no id", cells[0])
		}
		_, i, old := c.place(id)
		again := came[id]
		if old {
			again = seen.set(i)
		} else {
			came[id] = true
		}
		if again {
			l.twice++
		}
	}
	stayed := api.PresentThroughout()
	for _, id := range stayed {
		if _, i, _ := c.place(id); !seen.has(i) {
			l.missed++
		}
	}
	l.deleted = clients - len(stayed)
	l.inserted = l.deleted
	return nil
}

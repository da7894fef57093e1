package main

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
)

// seed makes the people of every run.
const seed = 1

// crowd are the people of the sandbox, computed anew and one at a time: what was
// sent is held against them, not against what a program has read.
type crowd struct {
	world sandbox.World
	count int
}

func newCrowd(count int) crowd {
	w := sandbox.Generate(seed, count, time.Now().UTC())
	w.Company.Timezone = "UTC" // a zone from a file would be read for each person
	return crowd{w, count}
}

// place finds the person of an id. Ids rise evenly, so a guess is close.
func (c crowd) place(id int64) (sandbox.Contact, int, bool) {
	lo, hi := 0, c.count-1
	for lo <= hi {
		first, last := c.world.Contact(lo).ID, c.world.Contact(hi).ID
		if id < first || id > last {
			break
		}
		at := lo
		if last > first {
			at = lo + int((id-first)*int64(hi-lo)/(last-first))
		}
		who := c.world.Contact(at)
		switch {
		case who.ID == id:
			return who, at, true
		case who.ID < id:
			lo = at + 1
		default:
			hi = at - 1
		}
	}
	return sandbox.Contact{}, 0, false
}

// wanted says who is to be reached.
func wanted(c sandbox.Contact) bool { return c.ID%2 == 0 }

func textFor(c sandbox.Contact) string {
	name := c.Name
	if name == "" || name == "unknown" {
		name = "friend"
	}
	return "Hello " + name + "! The code SPRING15 gives you 15% until Sunday."
}

// ticks are the people seen so far, one bit each.
type ticks []uint64

func (t ticks) set(i int) (again bool) {
	again = t.has(i)
	t[i/64] |= 1 << (i % 64)
	return again
}

func (t ticks) has(i int) bool { return t[i/64]&(1<<(i%64)) != 0 }

// missed finds somebody who was wanted and is not ticked, or the other way round.
func (c crowd) missed(seen ticks) error {
	for i := range c.count {
		if who := c.world.Contact(i); wanted(who) != seen.has(i) {
			return fmt.Errorf("client %d: wanted %t, reached %t", who.ID, wanted(who), seen.has(i))
		}
	}
	return nil
}

// checkAccepted holds the messages that the sandbox accepted against those that
// had to be sent: each once, each with its text, and no other.
func checkAccepted(path string, clients int) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	c, seen := newCrowd(clients), make(ticks, clients/64+1)
	in := json.NewDecoder(bufio.NewReader(f))
	for {
		var a sandbox.Accepted
		err := in.Decode(&a)
		if errors.Is(err, io.EOF) {
			return c.missed(seen)
		}
		if err != nil {
			return fmt.Errorf("read accepted messages: %w", err)
		}
		who, i, ok := c.place(a.ClientID)
		switch {
		case !ok:
			return fmt.Errorf("a message went to client %d, whom nobody knows", a.ClientID)
		case seen.set(i):
			return fmt.Errorf("client %d got two messages", a.ClientID)
		case a.Text != textFor(who):
			return fmt.Errorf("client %d got %q, not %q", a.ClientID, a.Text, textFor(who))
		}
	}
}

// checkExport holds out.csv against the people.
func checkExport(folder string, clients int) error {
	f, err := os.Open(filepath.Join(folder, "out.csv"))
	if err != nil {
		return err
	}
	defer f.Close()
	c, seen := newCrowd(clients), make(ticks, clients/64+1)
	r := csv.NewReader(bufio.NewReader(f))
	r.ReuseRecord = true
	for row := 0; ; row++ {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			return c.missed(seen)
		}
		if err != nil {
			return err
		}
		if row == 0 {
			continue
		}
		var id int64
		if _, err := fmt.Sscan(cells[0], &id); err != nil {
			return fmt.Errorf("row %d: %q is no id", row, cells[0])
		}
		who, i, ok := c.place(id)
		if !ok || seen.set(i) || len(cells) != 2 || cells[1] != who.Phone {
			return fmt.Errorf("row %d is %q, which is not as it should be", row, cells)
		}
	}
}

package engine

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/step"
)

// Canary sends to a few, and then to the others only if nothing is wrong with
// those few after a while.
type Canary struct {
	Sends int           // how many, from 1 on
	Hold  time.Duration // how long they are watched

	// GoOn is asked when nothing was wrong, with what came of them; an error ends the
	// run, and so does the end of ctx. Nil goes on.
	GoOn func(ctx context.Context, text string) error
}

// canaryHint is the way on after a canary that was not well.
const canaryHint = "look at what came of them before you go on; the command below writes to the others, and to nobody twice"

// canary is the gate that Canary describes. The zero value, and one without a
// Canary, lets everybody pass.
//
// Who was let through and then not tried, since a rail speaks against it or its
// hours are closed, is no canary: the place goes to the next one.
type canary struct {
	Canary
	a *applier

	mu      sync.Mutex
	changed *sync.Cond // of what follows
	under   int        // sends that were let through and are on their way
	bad     int        // of the canary, those that are not sent
	sent    []accepted // of the canary, those that the API accepted
	holding bool
	over    bool // the hold is; everybody passes
}

// accepted is a message of the canary, to be read back.
type accepted struct {
	st      *Step
	message int
}

func newCanary(a *applier, c *Canary) *canary {
	if c == nil || a.o.Divert != nil {
		return &canary{}
	}
	k := &canary{Canary: *c, a: a}
	k.changed = sync.NewCond(&k.mu)
	return k
}

// enter lets a send pass, or holds it until the canary is over. It reports whether
// it may go on; then leave follows.
func (c *canary) enter() bool {
	if c.a == nil {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.over {
		switch {
		case c.holding:
		case len(c.sent)+c.bad+c.under < c.Sends:
			c.under++
			return true
		case c.under == 0:
			c.holding = true
			c.mu.Unlock()
			c.hold()
			c.mu.Lock()
			c.over = true
			c.changed.Broadcast()
			continue
		}
		c.changed.Wait()
	}
	return c.a.stopReason() == ""
}

// leave ends what enter let through.
func (c *canary) leave() {
	if c.a == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.under == 0 {
		return // one of the others, after the hold
	}
	c.under--
	c.changed.Broadcast()
}

// note takes the outcome of one send.
func (c *canary) note(st *Step, state ledger.State, message int) {
	if c.a == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.under == 0:
	case state == ledger.Sent:
		c.sent = append(c.sent, accepted{st, message})
	default:
		c.bad++
	}
}

// hold watches the canary, and stops the run when something is wrong with it.
func (c *canary) hold() {
	a, n := c.a, len(c.sent)+c.bad
	if a.stopReason() != "" {
		return
	}
	if c.bad > 0 {
		a.stop(CauseGuard, fmt.Sprintf("the canary is not well: %d of %d messages were refused, or nobody knows; the others were not tried", c.bad, n), canaryHint)
		return
	}
	until := a.o.clock().Add(c.Hold)
	a.tell(Event{Kind: EventCanary, Until: until, Done: n, Text: fmt.Sprintf("%d sent; holding until %s before the others", n, moment(until, a.p.Zone))})
	if err := a.sleepUntil(until); err != nil || a.stopReason() != "" {
		return
	}
	failed, unread := c.readBack(a.patience)
	if a.stopReason() != "" {
		return
	}
	if failed > 0 {
		a.stop(CauseGuard, fmt.Sprintf("the canary is not well: %d of %d messages were accepted and then not delivered; the others were not tried", failed, n), canaryHint)
		return
	}
	text := fmt.Sprintf("%d sent, and none is known to have failed", n)
	if unread > 0 {
		text += fmt.Sprintf("; %d could not be read back", unread)
	}
	a.tell(Event{Kind: EventCanary, Done: n, Text: text + "; going on"})
	if c.GoOn == nil {
		return
	}
	if err := c.GoOn(a.patience, "The canary: "+text+"."); err != nil && a.stopReason() == "" {
		a.stop(CauseGuard, "nobody said yes after the canary; the others were not tried", canaryHint)
	}
}

// failedStatus is that of a message that was accepted and not delivered, as the
// instances that are known give it.
const failedStatus = "failed"

// readBack asks what became of the messages that the API accepted. Accepted is not
// delivered, and a number that receives nothing shows only here.
func (c *canary) readBack(ctx context.Context) (failed, unread int) {
	a := c.a
	if a.o.MessageStatus == nil {
		return 0, len(c.sent)
	}
	for _, m := range c.sent {
		conn, err := a.connection(m.st)
		status := ""
		if err == nil {
			status, err = a.o.MessageStatus(step.WithHost(ctx, &host{s: a.session, st: m.st, conn: conn}), m.message)
		}
		switch {
		case err != nil:
			unread++
		case strings.EqualFold(status, failedStatus):
			failed++
		}
	}
	return failed, unread
}

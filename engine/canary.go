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
type canary struct {
	Canary
	a *applier

	mu      sync.Mutex
	passed  int           // sends that were let through
	under   int           // of these, those without an outcome
	bad     int           // of these, those that are not sent
	sent    []accepted    // of these, those that the API accepted
	idle    chan struct{} // closed when the last of them has an outcome
	holding bool
	over    chan struct{} // closed when the hold is
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
	return &canary{Canary: *c, a: a, idle: make(chan struct{}), over: make(chan struct{})}
}

// enter lets a send pass, or holds it until the canary is over. It reports whether
// it may go on; then leave follows.
func (c *canary) enter() bool {
	if c.a == nil {
		return true
	}
	c.mu.Lock()
	if c.passed < c.Sends {
		c.passed, c.under = c.passed+1, c.under+1
		c.mu.Unlock()
		return true
	}
	first := !c.holding
	c.holding = true
	if first && c.under == 0 {
		close(c.idle)
	}
	c.mu.Unlock()
	if first {
		<-c.idle
		c.hold()
		close(c.over)
	}
	<-c.over
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
	if c.under--; c.under == 0 && c.holding {
		close(c.idle)
	}
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

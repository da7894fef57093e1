package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/flowrunner/flowrunner/engine/planfile"
)

// statusDeferred is that of a send whose recipient's hours are closed while those
// of others are not: it comes after them. No plan and no ledger holds it.
const statusDeferred = "deferred"

// open waits for the hours of a send, as the rail says. It reports whether the
// send may go on; else the status is what became of it.
func (t *try) open() (status string, ok bool) {
	a := t.a
	for a.o.Divert == nil && !t.r.Internal {
		now := a.o.clock()
		c, err := a.hours.at(t.r.Zone, now)
		switch {
		case err != nil:
			a.stop(CauseStep, "guard.hours: "+err.Error(), "plan again")
			return planfile.StatusSkipped, false
		case c == nil:
			return "", true
		case c.rule.Otherwise == OtherwiseSkip, c.opens.IsZero():
			a.settled(t.r, planfile.StatusSkipped, c.why(a.p.Zone), 0)
			return planfile.StatusSkipped, false
		case c.own && t.r.Unit != 0:
			a.later.put(t.r.Seq, c)
			return statusDeferred, false
		case !a.await(c):
			return planfile.StatusSkipped, false
		}
	}
	return "", true
}

// zoneTold leaves those out whose hours nobody can know. When they are open is
// looked at when the send is due.
func (p *planner) zoneTold(_ context.Context, c *candidate) (reason string, err error) {
	if c.st.Zone == nil {
		return "", nil
	}
	if _, err := p.hours.at(c.Zone, p.now); err != nil {
		return "nothing tells the recipient's time zone", nil
	}
	return "", nil
}

// closedNow reports whether hours have ended while a send waited for its turn.
func (t *try) closedNow() bool {
	if t.a.o.Divert != nil || t.r.Internal {
		return false
	}
	c, err := t.a.hours.at(t.r.Zone, t.a.o.clock())
	return c != nil || err != nil
}

// await waits for hours that are closed, or stops the run where it may not wait.
// It reports whether they have opened.
func (a *applier) await(c *closed) bool {
	wait := c.opens.Sub(a.o.clock())
	if c.rule.Otherwise == OtherwiseStop || wait > c.rule.MaxWait {
		why := c.why(a.p.Zone)
		if c.rule.Otherwise == OtherwiseWait {
			why += fmt.Sprintf(", in %s, and at most %s are waited", spell(wait), spell(c.rule.MaxWait))
		}
		a.stop(CauseGuard, why, "go on then with the command below; whoever got the message gets none again")
		return false
	}
	a.waiting(c.opens, fmt.Sprintf("for guard.hours, %s, until %s", c.rule, moment(c.opens, a.p.Zone)))
	return a.sleepUntil(c.opens) == nil && a.stopReason() == ""
}

// waiting tells once that the run as a whole waits until a moment.
func (a *applier) waiting(until time.Time, text string) {
	a.mu.Lock()
	told := a.waits.Equal(until)
	a.waits = until
	a.mu.Unlock()
	if !told {
		a.tell(Event{Kind: EventWaiting, Text: text, Until: until})
	}
}

// longestNap bounds a sleep: a machine that was suspended, or whose clock was
// set, looks at its clock again after that.
const longestNap = 10 * time.Second

// sleepUntil ends at a moment of the run's clock, or early when the run is being
// stopped.
func (a *applier) sleepUntil(until time.Time) error {
	for {
		left := until.Sub(a.o.clock())
		if left <= 0 {
			return nil
		}
		if err := a.sleep(min(left, longestNap)); err != nil {
			return err
		}
	}
}

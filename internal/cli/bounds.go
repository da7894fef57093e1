package cli

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/flowrunner/flowrunner/chat2desk"
	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/internal/ui"
)

// bounds are the rails of one command, beside those of the flow and the project.
type bounds struct {
	expect   expectation
	maxCalls allowance
	canary   int
	hold     time.Duration
}

// defaultHold is how long a canary is watched when the command does not say.
const defaultHold = 10 * time.Minute

func (b *bounds) register(f *pflag.FlagSet) {
	f.Var(&b.expect, "expect", "how many messages are to be planned, such as 950 or 900..1000; else nothing is sent")
	b.registerCalls(f)
}

func (b *bounds) registerCalls(f *pflag.FlagSet) {
	f.Var(&b.maxCalls, "max-calls", "how many calls to the API the command may make; what is planned must fit in")
}

func (b *bounds) registerCanary(f *pflag.FlagSet) {
	f.IntVar(&b.canary, "canary", 0, "send so many first, watch them, and send to the others only if nothing is wrong")
	f.DurationVar(&b.hold, "hold", defaultHold, "how long --canary watches the first ones")
}

// checkCanary refuses flags that mean nothing together.
func (b *bounds) checkCanary(f *pflag.FlagSet) error {
	switch {
	case f.Changed("canary") && b.canary < 1:
		return &usageError{"--canary takes a number from 1 on", "write --canary 20 --hold 10m"}
	case f.Changed("hold") && b.canary == 0:
		return &usageError{"--hold says how long a canary is watched, and means nothing without --canary", "add --canary 20, or leave it out"}
	case b.hold < 0:
		return &usageError{"--hold is less than nothing", "write --hold 10m"}
	case b.canary > 0 && f.Changed("divert"):
		return &usageError{"--divert writes to one contact only, so --canary means nothing", "leave one of the two out"}
	}
	return nil
}

// canary is the canary of the flags; nil for none. Where somebody can be asked,
// they are, unless they have said yes to everything.
func (j *job) canary(tell io.Writer) *engine.Canary {
	b := &j.o.bounds
	if b.canary == 0 {
		return nil
	}
	c := &engine.Canary{Sends: b.canary, Hold: b.hold}
	if j.o.mayAsk(j.a) && !j.o.yes {
		c.GoOn = func(ctx context.Context, text string) error {
			return j.a.ask(ctx, tell, text+" Send to the others?", "the others were not tried")
		}
	}
	return c
}

// within gives the context in which the command's calls are counted.
func (b *bounds) within(ctx context.Context) context.Context {
	if b.maxCalls.a == nil {
		return ctx
	}
	return chat2desk.Within(ctx, b.maxCalls.a)
}

// check holds a plan that is about to be sent against the bounds. How much of a
// begun run is left to be sent is not known here: its calls are bounded one by one.
func (b *bounds) check(planned int, begun bool) error {
	if e := b.expect; e.given && (planned < e.least || planned > e.most) {
		return &engine.GuardError{
			Rail:   "--expect " + e.String(),
			Reason: fmt.Sprintf("%s planned; nothing is sent", ui.Plural(planned, "message is", "messages are")),
			Hint:   "look at the plan: who is in it, and who is left out; give --expect the number that is right",
		}
	}
	if a := b.maxCalls.a; a != nil && !begun && a.Left() < planned {
		return &engine.GuardError{
			Rail:   "--max-calls " + b.maxCalls.String(),
			Reason: fmt.Sprintf("sending needs %d calls, and %d are left after planning; nothing is sent", planned, a.Left()),
			Hint:   "raise --max-calls, or plan fewer messages",
		}
	}
	return nil
}

// expectation is a number, or two with dots between.
type expectation struct {
	least, most int
	given       bool
}

func (e *expectation) Type() string { return "n" }

func (e *expectation) String() string {
	switch {
	case !e.given:
		return ""
	case e.least == e.most:
		return strconv.Itoa(e.least)
	}
	return fmt.Sprintf("%d..%d", e.least, e.most)
}

// Set reads what --expect takes.
func (e *expectation) Set(text string) error {
	from, to, isRange := strings.Cut(text, "..")
	if !isRange {
		to = from
	}
	least, err := strconv.Atoi(strings.TrimSpace(from))
	most, err2 := strconv.Atoi(strings.TrimSpace(to))
	if err != nil || err2 != nil || least < 0 || most < least {
		return fmt.Errorf("%q is no number of messages; write 950 or 900..1000", text)
	}
	e.least, e.most, e.given = least, most, true
	return nil
}

// allowance is a number of calls; nil bounds nothing.
type allowance struct {
	n int
	a *chat2desk.Allowance
}

func (l *allowance) Type() string { return "n" }

func (l *allowance) String() string {
	if l.a == nil {
		return ""
	}
	return strconv.Itoa(l.n)
}

// Set reads what --max-calls takes.
func (l *allowance) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return fmt.Errorf("%q is no number of calls; write one from 1 on", text)
	}
	l.n, l.a = n, chat2desk.NewAllowance(n)
	return nil
}

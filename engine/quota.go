package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/flowrunner/flowrunner/engine/step"
)

// errMonthSpent ends a send whose call the account may not make any more.
var errMonthSpent = errors.New("guard.monthlyCalls is used up")

const monthHint = "wait for the next month, or raise monthlyCalls under guard: when the account's plan allows more"

// monthOf is how many calls the account of a step has made this month, before these
// links; nil where nobody tells. A cap that cannot be held stops the run: what is
// written and not held is worse than none.
func (s *session) monthOf(ctx context.Context, st *Step) (*int, error) {
	account, err := s.account(ctx, st)
	if err != nil || s.o.CallsThisMonth == nil {
		return nil, err
	}
	s.links.mu.Lock()
	used, ok := s.links.month[account]
	s.links.mu.Unlock()
	if ok {
		return used, nil
	}
	conn, err := s.connection(st)
	if err != nil {
		return nil, err
	}
	used, err = s.o.CallsThisMonth(step.WithHost(ctx, &host{s: s, conn: conn}))
	if err != nil {
		return nil, &StepError{Step: st.ID, Doing: "asking how many calls the account has made", Span: st.Span, Err: err}
	}
	if used == nil && s.p.Guard.MonthlyCalls != nil {
		return nil, &GuardError{
			Rail:   "guard.monthlyCalls",
			Reason: "the account does not say how many calls it has made this month, so they cannot be bounded; nothing is sent",
			Hint:   "take monthlyCalls out, and bound what one command may call with --max-calls",
		}
	}
	s.links.mu.Lock()
	s.links.month[account] = used
	s.links.mu.Unlock()
	return used, nil
}

// monthLeft is how many calls of the month are left to the account that has made
// the most; ok is false where no cap is stated or no account was asked.
func (s *session) monthLeft() (left int, ok bool) {
	most := s.p.Guard.MonthlyCalls
	if most == nil {
		return 0, false
	}
	made := int(s.links.calls())
	s.links.mu.Lock()
	defer s.links.mu.Unlock()
	left = most.N
	for _, used := range s.links.month {
		if used != nil {
			left, ok = min(left, most.N-*used-made), true
		}
	}
	return max(0, left), ok
}

// withinMonth is the rail before the first send: what is planned must fit into
// what is left of the month.
func (s *session) withinMonth(planned int) error {
	left, ok := s.monthLeft()
	if !ok || planned <= left {
		return nil
	}
	return &GuardError{
		Rail:   "guard.monthlyCalls",
		Reason: fmt.Sprintf("%d messages are planned, a call each, but %d of the %d calls of this month are left; nothing is sent", planned, left, s.p.Guard.MonthlyCalls.N),
		Hint:   monthHint,
	}
}

// monthCalls are the calls of an apply that have leave and may not be counted yet. So
// however many are made side by side, the last of the month is made once.
type monthCalls struct {
	*sync.Cond     // of under
	under      int // with leave, and not given back
}

func newMonthCalls() monthCalls { return monthCalls{Cond: sync.NewCond(new(sync.Mutex))} }

// takeCall gives leave for one call, while guard.monthlyCalls has one left for it. It
// waits for calls under way where these may be the last ones; each gives its leave back
// (giveCall) once it was made, or will not be. The error is that none is left, which
// has stopped the run.
func (a *applier) takeCall() error {
	m := &a.month
	if a.p.Guard.MonthlyCalls == nil {
		return nil
	}
	m.L.Lock()
	defer m.L.Unlock()
	for {
		left, ok := a.monthLeft()
		switch {
		case !ok || left > m.under:
			m.under++
			return nil
		case m.under == 0:
			a.stop(CauseGuard, fmt.Sprintf("guard.monthlyCalls: all %d calls of this month are made", a.p.Guard.MonthlyCalls.N), monthHint)
			return errMonthSpent
		}
		m.Wait()
	}
}

// giveCall gives back the leave of takeCall.
func (a *applier) giveCall() {
	if a.p.Guard.MonthlyCalls == nil {
		return
	}
	a.month.L.Lock()
	a.month.under--
	a.month.L.Unlock()
	a.month.Broadcast()
}

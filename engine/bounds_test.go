package engine_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/chat2desk"
	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/steps"
)

// A stage that was planned above the cap stays unsent, however often the run is
// gone on with.
func TestMaxSendsHoldsOverResumes(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(3)})
	p := b.compile(strings.Replace(stages, "steps:", "guard: { maxSends: 3 }\nsteps:", 1))
	path := b.plan(p, nil)
	r := b.apply(p, path)
	require.Contains(t, r.Causes, engine.CauseGuard)
	require.Equal(t, 2, r.Counts.Sent)
	for range 2 {
		r, err := applyFile(t.Context(), p, path, engine.ApplyOptions{Options: b.options(p, nil), Resume: true})
		require.NoError(t, err)
		require.Contains(t, r.Causes, engine.CauseGuard)
		require.Contains(t, r.Reason, "4 messages are planned, but at most 3 are allowed")
		require.Equal(t, ledger.Stopped, r.Run.State)
		require.Len(t, b.api.Accepted(), 2)
	}
}

// What the project allows now holds for a plan that was made when it allowed more.
func TestMaxSendsIsThatOfNow(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(3)})
	p := b.compile(twoSends)
	path := b.plan(p, nil)
	tight, _ := p.Under(projectOf(t, "guard: { maxSends: 2 }"))
	var g *engine.GuardError
	_, err := applyFile(t.Context(), tight, path, engine.ApplyOptions{Options: b.options(p, nil)})
	require.ErrorAs(t, err, &g)
	require.Empty(t, b.api.Accepted())
	r := b.drained(p, path, 1)
	require.Contains(t, r.Causes, engine.CauseInterrupted)
	sent := len(b.api.Accepted())
	_, err = applyFile(t.Context(), tight, path, engine.ApplyOptions{Options: b.options(p, nil), Resume: true})
	require.ErrorAs(t, err, &g)
	require.Len(t, b.api.Accepted(), sent)
}

func TestTheMonthIsLookedAtBeforeTheFirstSend(t *testing.T) {
	w := smallWorld(3)
	w.Company.RequestsThisMonth = 1000
	for _, tt := range []struct {
		most int
		err  string
	}{
		{1006, "guard.monthlyCalls: 5 messages are planned, a call each, but 3 of the 1006 calls of this month are left; nothing is sent"},
		{1008, ""},
	} {
		b := newBench(t, sandbox.Options{World: w})
		p := b.compile(strings.Replace(twoSends, "steps:", fmt.Sprintf("guard: { monthlyCalls: %d }\nsteps:", tt.most), 1))
		o := b.options(p, nil)
		o.CallsThisMonth = steps.CallsThisMonth
		path, err := planFile(t.Context(), p, o)
		require.NotEmpty(t, path)
		if tt.err != "" {
			require.EqualError(t, err, tt.err)
			continue
		}
		require.NoError(t, err)
		s, err := p.Summarize(path, 1)
		require.NoError(t, err)
		require.Equal(t, 5, *s.Left)

		// Others have called in between: apply asks again, and sends nothing.
		_, err = applyFile(t.Context(), p, path, engine.ApplyOptions{Options: o})
		require.ErrorContains(t, err, "guard.monthlyCalls: 5 messages are planned")
		require.Empty(t, b.api.Accepted())
	}
}

// Where apply goes on over the links of the plan nobody is asked twice, and what the
// plan has called counts.
func TestAPlanAndItsApplyShareLinks(t *testing.T) {
	w := smallWorld(3)
	w.Company.RequestsThisMonth = 1000
	for most, want := range map[int]int{1007: 0, 1008: 5} {
		b := newBench(t, sandbox.Options{World: w})
		p := b.compile(strings.Replace(twoSends, "steps:", fmt.Sprintf("guard: { monthlyCalls: %d }\nsteps:", most), 1))
		o := b.options(p, nil)
		o.CallsThisMonth, o.Links = steps.CallsThisMonth, engine.NewLinks()
		path, err := planFile(t.Context(), p, o)
		var g *engine.GuardError
		if want == 0 {
			require.ErrorAs(t, err, &g)
		} else {
			require.NoError(t, err)
		}
		r, err := applyFile(t.Context(), p, path, engine.ApplyOptions{Options: o})
		if want == 0 {
			require.ErrorAs(t, err, &g, "no calls are left for apply either")
		} else {
			require.NoError(t, err)
			require.EqualValues(t, want, r.Calls, "its own, and none to ask for the account")
		}
		require.Len(t, b.api.Accepted(), want)
		require.NoError(t, o.Links.Close())
	}
}

// A cap is met in the middle where the sends take more calls than one each.
func TestTheMonthEndsInTheMiddle(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(3)})
	p := b.compile(strings.Replace(twoSends, "steps:", "guard: { monthlyCalls: 1010 }\nsteps:", 1))
	used := 1000
	o := b.options(p, nil)
	o.CallsThisMonth = func(context.Context) (*int, error) { return &used, nil }
	path, err := planFile(t.Context(), p, o)
	require.NoError(t, err)
	used = 1004 // one call asks for the account, five are left
	n := 0
	o.Gate = func(ctx context.Context) (context.Context, error) {
		if n++; n == 3 {
			used += 2
		}
		return steps.WaitTurn(ctx)
	}
	r, err := applyFile(t.Context(), p, path, engine.ApplyOptions{Options: o})
	require.NoError(t, err)
	require.Contains(t, r.Causes, engine.CauseGuard)
	require.Equal(t, "guard.monthlyCalls: all 1010 calls of this month are made", r.Reason)
	require.Equal(t, 3, r.Counts.Sent)
	require.Equal(t, ledger.Stopped, r.Run.State)
	used = 0
	r, err = applyFile(t.Context(), p, path, engine.ApplyOptions{Options: o, Resume: true})
	require.NoError(t, err)
	require.Empty(t, r.Causes, r.Reason)
	require.Len(t, b.api.Accepted(), 5)
}

// A month that nobody tells cannot be bounded: the cap would be a promise only.
func TestAMonthThatNobodyTells(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(3)})
	unknown := func(context.Context) (*int, error) { return nil, nil }
	p := b.compile(strings.Replace(twoSends, "steps:", "guard: { monthlyCalls: 1000 }\nsteps:", 1))
	o := b.options(p, nil)
	o.CallsThisMonth = unknown
	_, err := p.Plan(t.Context(), o)
	var g *engine.GuardError
	require.ErrorAs(t, err, &g)
	require.Contains(t, g.Reason, "cannot be bounded")
	p = b.compile(twoSends)
	o = b.options(p, nil)
	o.CallsThisMonth = unknown
	path, err := planFile(t.Context(), p, o)
	require.NoError(t, err)
	s, err := p.Summarize(path, 1)
	require.NoError(t, err)
	require.Nil(t, s.Left)
}

func TestAnAllowanceStopsPlanAndApply(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(3)})
	p := b.compile(twoSends)
	_, err := p.Plan(chat2desk.Within(t.Context(), chat2desk.NewAllowance(1)), b.options(p, nil))
	require.Equal(t, engine.CauseGuard, engine.CauseOf(err))
	path := b.plan(p, nil)
	r, err := applyFile(chat2desk.Within(t.Context(), chat2desk.NewAllowance(3)), p, path, engine.ApplyOptions{Options: b.options(p, nil)})
	require.NoError(t, err)
	require.Contains(t, r.Causes, engine.CauseGuard)
	require.Equal(t, 2, r.Counts.Sent)
	require.Equal(t, 3, r.Counts.Skipped)
	require.Zero(t, r.Counts.Unknown)
	require.Equal(t, ledger.Stopped, r.Run.State)
	r, err = applyFile(t.Context(), p, path, engine.ApplyOptions{Options: b.options(p, nil), Resume: true})
	require.NoError(t, err)
	require.Empty(t, r.Causes)
	require.Len(t, b.api.Accepted(), 5)
}

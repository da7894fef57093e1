package engine_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/chat2desk"
	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/planfile"
	"github.com/flowrunner/flowrunner/steps"
)

var (
	railPlans = flag.Int("rails.plans", 100, "how many random plans TestNoRailIsEverBroken makes")
	railSeed  = flag.Uint64("rails.seed", 1, "the first seed of TestNoRailIsEverBroken")
)

// allRails are those that the random plans meet: each of them has kept something
// back at least once.
var allRails = []string{
	"maxSends", "hours", "perContact", "stopIf", "canary", "window", "suppress: in ", "suppress: has the tag", "suppress: wrote",
	"only", "monthlyCalls", "max-calls", "looser-than-project",
}

// TestNoRailIsEverBroken makes random flows, projects, people, clocks and
// histories, sends, interrupts and resumes, and holds what the sandbox accepted
// against a model of each rail that shares no code with the engine. All 10,000:
//
//	TMPDIR=/dev/shm go test ./engine -run TestNoRailIsEverBroken -rails.plans 10000 -timeout 3h -v
//
// Most of its time goes into syncs of the ledger, which cost nothing in memory.
func TestNoRailIsEverBroken(t *testing.T) {
	seed := *railSeed
	t.Logf("seeds from %d on", seed)
	acted := map[string]int{} // how often each rail had something to do
	plans, sent := 0, 0
	for plans < *railPlans {
		ok := t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			r := newRailed(t, seed)
			for range 1 + r.dice.IntN(4) {
				r.pass(time.Duration(r.dice.IntN(48*60)) * time.Minute)
				r.run(r.oneIn(6))
			}
			plans += r.runs
			sent += len(r.log)
			for rail, n := range r.acted {
				acted[rail] += n
			}
		})
		if !ok {
			t.Fatalf("again with: go test ./engine -run TestNoRailIsEverBroken -rails.plans 1 -rails.seed %d", seed)
		}
		seed++
	}
	t.Logf("%d plans, seeds up to %d, %d messages accepted; what each rail kept back: %v", plans, seed-1, sent, acted)
	if *railPlans < 100 {
		return // too few to meet all of them
	}
	for _, rail := range allRails {
		n := 0
		for what, times := range acted {
			if strings.HasPrefix(what, rail) {
				n += times
			}
		}
		require.Positive(t, n, "no plan has met %s", rail)
	}
}

// run plans and sends once, with what interrupts it, and checks all rails. Where it
// is overtaken, another flow is planned and sent while the plan waits.
func (r *railed) run(overtaken bool) {
	t, d := r.t, r.dice
	r.others += d.IntN(20)
	x := r.plot()
	p := r.program(x)
	o := r.b.options(p, nil)
	o.Now, o.People, o.MessageStatus, o.Only, o.Events = r.now, steps.People{}, steps.MessageStatus, x.only, nil
	o.ProjectDir = r.b.dir + "/project"
	o.CallsThisMonth = func(ctx context.Context) (*int, error) {
		used, err := steps.CallsThisMonth(ctx)
		if used != nil {
			*used += r.others
		}
		return used, err
	}
	o.Sleep = func(ctx context.Context, nap time.Duration) error {
		r.pass(nap)
		return ctx.Err()
	}
	jumpy := !x.wide && d.IntN(2) == 0 // time passes between two sends
	o.Gate = func(ctx context.Context) (context.Context, error) {
		if jumpy {
			r.pass(time.Duration(d.IntN(40)) * time.Minute)
		}
		return steps.WaitTurn(ctx)
	}
	r.rewriteLists(x)
	x.listed = r.entries(x)
	before, calls := len(r.b.api.Accepted()), r.calls.Load()
	path, err := planFile(x.within(t.Context()), p, o)
	require.Len(t, r.b.api.Accepted(), before, "plan has sent something")
	spent := int(r.calls.Load() - calls)
	if x.allowed > 0 {
		require.LessOrEqual(t, spent, x.allowed, "--max-calls")
		if err != nil && strings.Contains(err.Error(), "calls were allowed") {
			require.Equal(t, engine.CauseGuard, engine.CauseOf(err))
			r.acted["max-calls"]++
			return
		}
	}
	planned := r.checkPlan(path, x)
	if planned > x.maxSends() || planned > 0 && r.used()+planned > x.monthly() {
		var rail *engine.GuardError
		require.ErrorAs(t, err, &rail, "%d planned, %d calls of the month are made, under %s", planned, r.used(), x)
		_, err = applyFile(t.Context(), p, path, engine.ApplyOptions{Options: o})
		require.ErrorAs(t, err, &rail, "%d planned, %d calls of the month are made, under %s", planned, r.used(), x)
		require.Len(t, r.b.api.Accepted(), before)
		r.acted[strings.TrimPrefix(rail.Rail, "guard.")]++
		return
	}
	if err != nil { // each call of planning is taken for one of others too, to be sure
		require.ErrorContains(t, err, "guard.monthlyCalls")
		require.Greater(t, r.used()+spent+planned, x.monthly())
		r.acted["monthlyCalls"]++
		return
	}
	r.pass(time.Duration(d.IntN(10*60)) * time.Minute)
	if overtaken {
		r.run(false)
	}
	if d.IntN(3) == 0 {
		r.rewriteLists(x)
	}
	r.others += d.IntN(6)
	before = len(r.b.api.Accepted())
	begun := false
	for range 3 {
		res := r.life(p, path, o, x, begun)
		for _, a := range r.b.api.Accepted()[len(r.log):] {
			m := sentTo{a, x.n, x.told(), x.counts()}
			r.log = append(r.log, m)
			r.check(x, m)
		}
		require.LessOrEqual(t, len(r.log)-before, min(planned, x.maxSends()))
		if res == nil {
			r.pass(time.Duration(d.IntN(4*60)) * time.Minute) // the plan does not expire
			continue
		}
		begun = true
		require.Equal(t, res.Counts.Sent, len(r.log)-before, "what the run says, and what the API has")
		if !res.Run.State.Open() {
			return
		}
		r.pass(time.Duration(d.IntN(20*60)) * time.Minute)
	}
}

// life is one apply or resume, perhaps interrupted; nil where it could not begin.
func (r *railed) life(p *engine.Program, path string, o engine.Options, x *plot, resume bool) *engine.Result {
	t, d := r.t, r.dice
	drain, stop := context.WithCancelCause(t.Context())
	defer stop(nil)
	end, settled, failed, skips := d.IntN(30), 0, 0, 0
	o.Events = func(e engine.Event) {
		if e.Kind != engine.EventSettled {
			return
		}
		switch e.Status {
		case planfile.StatusFailed:
			failed++
		case planfile.StatusSkipped:
			require.NotEmpty(t, e.Text, "contact %d is skipped without a reason", e.Contact)
			r.keptBack(e.Text)
			skips++
		}
		if settled++; settled == end {
			stop(errors.New("somebody has asked to stop"))
		}
	}
	ao := engine.ApplyOptions{Options: o, Drain: drain, Resume: resume}
	if x.canary > 0 {
		ao.Canary = &engine.Canary{Sends: x.canary, Hold: time.Minute}
	}
	x.now = r.entries(x)
	before, calls := len(r.b.api.Accepted()), r.calls.Load()
	res, err := applyFile(x.within(t.Context()), p, path, ao)
	sent := len(r.b.api.Accepted()) - before
	if x.allowed > 0 {
		require.LessOrEqual(t, int(r.calls.Load()-calls), x.allowed, "--max-calls")
	}
	if sent > 0 {
		require.LessOrEqual(t, r.base+r.others+int(r.atLastSend.Load()), x.monthly(), "monthlyCalls")
	}
	if engine.CauseOf(err) == engine.CauseStale {
		require.True(t, hasPhones(x.now) && !hasPhones(x.listed) || r.now().After(x.at.Add(24*time.Hour)), "%v", err)
		require.Zero(t, sent)
		r.acted["stale"]++
		return nil
	}
	if err != nil {
		require.Equal(t, engine.CauseGuard, engine.CauseOf(err), "%v", err)
		require.Zero(t, sent)
		r.keptBack(err.Error())
		return nil
	}
	for _, out := range records[planfile.OptOut](t, path) {
		r.optOuts = append(r.optOuts, optOut{int64(out.Contact), x.told()})
	}
	c := res.Counts
	require.Equal(t, c.Planned, c.Sent+c.Failed+c.Unknown+c.Skipped)
	require.Zero(t, c.Unknown)
	if res.Reason == "" {
		require.Equal(t, c.Skipped, skips, "who is not named was not passed over")
	}
	r.keptBack(res.Reason)
	if !resume {
		require.LessOrEqual(t, failed, x.failed(), "stopIf")
		if failed == x.failed() {
			require.Contains(t, res.Causes, engine.CauseGuard)
			r.acted["stopIf"]++
		}
		if strings.Contains(res.Reason, "the canary is not well") {
			require.LessOrEqual(t, sent+failed, x.canary)
			r.acted["canary"]++
		}
	}
	if res.Run.State == ledger.Stopped {
		require.NotEmpty(t, res.Reason)
		require.NotEmpty(t, res.Hint)
	}
	return res
}

// keptBack counts a rail by what it says.
func (r *railed) keptBack(reason string) {
	for _, rail := range []string{"guard.hours", "guard.monthlyCalls", "suppress: in ", "suppress: wrote", "suppress: has the tag", "perContact", "window"} {
		if strings.Contains(reason, rail) {
			r.acted[strings.TrimPrefix(rail, "guard.")]++
		}
	}
	if strings.Contains(reason, "calls were allowed") || strings.Contains(reason, "no more calls") {
		r.acted["max-calls"]++
	}
}

// checkPlan counts a plan by hand, holds who is left out against the model, and
// gives how many the plan would send.
func (r *railed) checkPlan(path string, x *plot) int {
	t := r.t
	plan, err := planfile.Check(path)
	require.NoError(t, err)
	planned, all := 0, 0
	for _, s := range records[planfile.Send](t, path) {
		all++
		switch s.Status {
		case planfile.StatusPlanned:
			planned++
			require.True(t, x.meant(s.Contact), "contact %d is not meant", s.Contact)
		case planfile.StatusLeftOut:
			require.NotEmpty(t, s.Reason, "contact %d is left out without a reason", s.Contact)
			require.NotEmpty(t, s.Rail)
			r.acted[s.Rail]++
			r.keptBack(s.Reason)
			r.checkLeftOut(s, x)
		}
	}
	leftOut := 0
	for _, l := range records[planfile.LeftOut](t, path) {
		require.NotEmpty(t, l.Reason)
		leftOut += l.Count
	}
	c := plan.End.Counts
	rows := len(r.people)
	if !x.chats {
		rows += r.missing
	}
	if x.twice {
		rows *= 2
	}
	require.Equal(t, rows, all)
	require.Equal(t, c.Planned, planned)
	require.Equal(t, c.LeftOut, leftOut)
	require.Equal(t, all, c.Planned+c.AlreadySent+c.LeftOut+c.Duplicate+c.Unknown+c.Refused)
	return planned
}

// checkLeftOut holds somebody who is left out against the model: a rail that keeps
// everybody back breaks no rail, and is no good either.
func (r *railed) checkLeftOut(s planfile.Send, x *plot) {
	if s.Contact > r.people[len(r.people)-1].id {
		return // nobody whom the API knows
	}
	p := r.people[s.Contact-101]
	because := false
	switch s.Rail {
	case "only":
		because = !x.meant(s.Contact)
	case "suppress":
		because = x.isListed(p, x.listed) || x.tagged(p) || x.words() && (p.asks || r.optedOut(p, true))
	case "window":
		because = x.window() && !(x.template && strings.HasSuffix(s.Step, "send")) && !p.open(r.now()) && x.mayBeWhatsApp(p)
	case "perContact":
		because = x.counts() && (len(r.log) > 0 || len(r.people) > 1)
	}
	require.True(r.t, because, "contact %d is left out by %s: %s, under %s", s.Contact, s.Rail, s.Reason, x)
}

// check holds one accepted message against the rails of its run.
func (r *railed) check(x *plot, m sentTo) {
	t := r.t
	p := r.people[m.ClientID-101]
	require.True(t, x.meant(p.id), "contact %d is not meant by %s", p.id, x)
	if m.Text == again {
		first := false
		for _, other := range r.log {
			first = first || other.run == m.run && other.ClientID == m.ClientID && other.Text != again
		}
		require.True(t, first, "contact %d got the second message and not the first", p.id)
	}
	if x.comment {
		return // for the operators: no rail about hours or people means it
	}
	for _, g := range x.rules {
		require.True(t, g.inHours(m.At, p), "contact %d in %v got a message at %s under %s", p.id, p.zones, m.At, x)
	}
	require.False(t, x.isListed(p, x.listed) || x.isListed(p, x.now), "contact %d of %v is in a file of %s: %v, %v", p.id, p, x, x.listed, x.now)
	require.False(t, x.tagged(p), "contact %d has a tag of %s", p.id, x)
	if x.words() {
		require.False(t, p.asks, "contact %d asked for peace, under %s", p.id, x)
		require.False(t, r.optedOut(p, x.told()), "contact %d is known to have asked for peace, under %s", p.id, x)
	}
	if x.window() && !strings.HasPrefix(m.Text, "@HSM@") && x.byWhatsApp(p) {
		require.True(t, p.open(m.At), "contact %d last wrote at %v and got a text at %s under %s", p.id, p.wrote, m.At, x)
	}
	if !x.counts() {
		return
	}
	for _, g := range x.rules {
		occasions := map[[2]int64]bool{}
		for _, other := range r.log {
			same := other.ClientID == m.ClientID || other.known && r.people[other.ClientID-101].who == p.who
			if g.most > 0 && other.counts && same && m.At.Sub(other.At) < g.per {
				occasions[[2]int64{int64(other.run), other.ClientID}] = true
			}
		}
		require.LessOrEqual(t, len(occasions), g.most, "contact %d at %s in run %d under %s: %v of %v", p.id, m.At, m.run, x, occasions, r.people)
	}
}

// sentTo is one accepted message, with the run that sent it. Who is behind a
// contact of a file is asked only where a rule of the flow wants to know: another
// flow counts what it was sent for the contact alone (docs/guards.md).
type sentTo struct {
	sandbox.Accepted
	run           int
	known, counts bool
}

// within bounds the calls of one command.
func (x *plot) within(ctx context.Context) context.Context {
	if x.allowed == 0 {
		return ctx
	}
	return chat2desk.Within(ctx, chat2desk.NewAllowance(x.allowed))
}

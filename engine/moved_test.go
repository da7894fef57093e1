package engine_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/planfile"
)

// movedFlow is a flow whose send is called id, with a line of moves.
func movedFlow(id, moved, text string) string {
	if moved != "" {
		moved = "moved: [" + moved + "]\n"
	}
	return "flow: moved\n" + moved + `steps:
  - id: clients
    uses: chat2desk_list_clients
  - id: ` + id + `
    forEach: ${{ steps.clients.outputs.clients }}
    uses: chat2desk_send_message
    with: { contactId: "${{ item.id }}", message: "` + text + `" }
`
}

// lossy is the fate of calls of which sends are lost in some way. As long as it
// holds, nobody can read a chat.
func lossy(sends func() fate) func(call) fate {
	return func(c call) fate {
		switch {
		case c.sends():
			return sends()
		case c.path == "/v1/messages":
			return lostBefore
		}
		return served
	}
}

func statuses(t *testing.T, path string) (all []string) {
	for _, s := range records[planfile.Send](t, path) {
		all = append(all, s.Status)
	}
	return all
}

// Whatever a send has become under the id that its step once had, it is that
// under the new one, over any number of renames; and whoever has none yet is
// neither lost nor written to twice.
func TestARenamedStepRemembers(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(4)})
	n := 0
	api := b.front(lossy(func() fate {
		n++
		return map[int]fate{2: lostAfter, 3: lostBefore}[n]
	}))
	b.apply(b.compile(movedFlow("outreach", "", "hi")), b.plan(b.compile(movedFlow("outreach", "", "hi")), nil))
	api.become(nil)
	for rec := range b.remembered(ledger.Filter{Contact: 103}) {
		require.NoError(t, b.store.Resolve(t.Context(), ledger.Decision{Identity: rec.Identity, State: ledger.NotSent, By: "anna", Reason: "not there", At: b.now}))
	}

	// 101 and 104 have it, 102 is unknown, 103 surely has not.
	const twice = "{ from: outreach, to: hello }, { from: hello, to: send }"
	p := b.compile(movedFlow("send", twice, "hi, again"))
	path := b.plan(p, nil)
	require.Equal(t, []string{planfile.StatusAlreadySent, planfile.StatusUnknown, planfile.StatusPlanned, planfile.StatusAlreadySent}, statuses(t, path))
	sends := records[planfile.Send](t, path)
	require.True(t, sends[0].Changed, "the text is another")
	for _, s := range sends {
		require.Equal(t, "outreach", s.Former)
		require.Equal(t, "send", s.Step)
		require.Equal(t, ledger.Key{
			Account: s.Account, Flow: "moved", Campaign: "default", Step: "outreach", Key: fmt.Sprint(s.Contact),
		}.Identity().String(), s.Identity, "the identity is the one that the ledger has, and so is its external id")
	}
	r := b.apply(p, path)
	require.Equal(t, 1, r.Counts.Sent)
	require.Equal(t, map[int64][]string{101: {"hi"}, 102: {"hi"}, 103: {"hi, again"}, 104: {"hi"}}, b.texts())

	// The unknown one is settled under its own identity, and that holds as well.
	for rec := range b.remembered(ledger.Filter{Contact: 102}) {
		require.Equal(t, "outreach", rec.Step)
		require.Equal(t, ledger.Sent, rec.State, "its chat was read")
	}
	b.now = b.now.Add(time.Minute)
	require.Equal(t, 4, records[planfile.End](t, b.plan(p, nil))[0].Counts.AlreadySent)

	// Somebody new is remembered under the new id, and the move may not be taken out:
	// the others are still remembered under the old one.
	b.now = b.now.Add(time.Minute)
	_, err := b.compile(movedFlow("send", "", "hi")).Plan(t.Context(), b.options(b.compile(movedFlow("send", "", "hi")), nil))
	require.ErrorContains(t, err, "outreach (4 sends")
}

// Two steps that became one: whoever got the message of either has it.
func TestTwoStepsBecomeOne(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(2)})
	two := `flow: moved
steps:
  - id: first_one
    uses: chat2desk_send_message
    with: { contactId: 101, message: a }
  - id: second_one
    uses: chat2desk_send_message
    with: { contactId: 102, message: b }
`
	b.run(two, nil)
	p := b.compile(movedFlow("send", "{ from: first_one, to: send }, { from: second_one, to: send }", "c"))
	b.now = b.now.Add(time.Minute)
	require.Equal(t, []string{planfile.StatusAlreadySent, planfile.StatusAlreadySent}, statuses(t, b.plan(p, nil)))
}

// A flow whose step was renamed is not planned until somebody says what that
// means; each of the ways named opens it.
func TestOrphansStopThePlan(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(3)})
	api := b.front(nil)
	b.run(movedFlow("outreach_send", "", "hi"), nil)
	renamed := movedFlow("send", "", "hi")
	p := b.compile(renamed)
	o := b.options(p, nil)
	calls := api.calls
	_, err := p.Plan(t.Context(), o)
	var stale *engine.StaleError
	require.ErrorAs(t, err, &stale)
	require.Equal(t, engine.CauseStale, engine.CauseOf(err))
	require.Equal(t, "sends of moved (campaign default) are remembered under a step that the flow no longer has: outreach_send (3 sends, the last one 2026-11-22 12:01); nothing was sent", stale.Reason)
	require.Contains(t, stale.Hint, "moved: [{ from: outreach_send, to: send }]")
	require.Contains(t, stale.Hint, "--accept-orphans")
	require.Equal(t, calls, api.calls, "nothing was asked before")

	// A new occasion.
	o.Campaign = "june"
	path, err := planFile(t.Context(), p, o)
	require.NoError(t, err)
	require.Equal(t, 3, records[planfile.End](t, path)[0].Counts.Planned)

	// The rename, written down.
	moved := b.compile(movedFlow("send", "{ from: outreach_send, to: send }", "hi"))
	require.Equal(t, 3, records[planfile.End](t, b.plan(moved, nil))[0].Counts.AlreadySent)

	// Accepted once, it is accepted as long as the flow stays as it is.
	o = b.options(p, nil)
	o.Orphans = true
	b.now = b.now.Add(time.Minute)
	path, err = planFile(t.Context(), p, o)
	require.NoError(t, err)
	require.Equal(t, 3, b.apply(p, path).Counts.Sent)
	b.now = b.now.Add(time.Minute)
	require.Equal(t, 3, records[planfile.End](t, b.plan(p, nil))[0].Counts.AlreadySent)

	// The old flow again finds the new one's sends, and is stopped in its turn.
	old := b.compile(movedFlow("outreach_send", "", "hi"))
	_, err = old.Plan(t.Context(), b.options(old, nil))
	require.ErrorContains(t, err, "no longer has: send (3 sends")
}

// Nothing is in the way of a flow that only reads, and of steps that never got a
// message out.
func TestOrphansThatStopNothing(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(1)})
	api := b.front(lossy(func() fate { return lostBefore }))
	b.run(movedFlow("outreach", "", "hi"), nil)
	api.become(nil)
	p := b.compile(movedFlow("send", "", "hi"))
	_, err := p.Plan(t.Context(), b.options(p, nil))
	require.ErrorContains(t, err, "outreach (1 send,", "an unknown one may have gone out")
	b.plan(b.compile("flow: moved\nsteps:\n  - id: clients\n    uses: chat2desk_list_clients\n"), nil)
	for rec := range b.remembered(ledger.Filter{}) {
		require.NoError(t, b.store.Resolve(t.Context(), ledger.Decision{Identity: rec.Identity, State: ledger.NotSent, By: "anna", Reason: "no", At: b.now}))
	}
	require.Equal(t, 1, records[planfile.End](t, b.plan(p, nil))[0].Counts.Planned)
}

// TestRenamesUnderFaults renames the step again and again while replies are lost,
// processes die and people decide: nobody is written to twice, and in the end
// everybody once.
func TestRenamesUnderFaults(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			dice := rand.New(rand.NewPCG(seed, 11))
			b := newBench(t, sandbox.Options{World: smallWorld(7)})
			fates := []fate{lostAfter, lostBefore, served, served, served}
			api := b.front(lossy(func() fate { return fates[dice.IntN(len(fates))] }))
			names, moves := []string{"name0"}, []string(nil)
			for round := range 14 {
				if dice.IntN(2) == 0 {
					next := fmt.Sprintf("name%d", round+1)
					moves = append(moves, fmt.Sprintf("{ from: %s, to: %s }", names[len(names)-1], next))
					names = append(names, next)
				}
				calm := round > 10
				if calm {
					api.become(nil)
				}
				b.now = b.now.Add(time.Hour)
				p := b.compile(movedFlow(names[len(names)-1], strings.Join(moves, ", "), "hi"))
				path := b.plan(p, nil)
				o := b.options(p, nil)
				if !calm && dice.IntN(2) == 0 {
					o.Store = &mortalStore{Store: b.store, left: 1 + dice.IntN(12), after: dice.IntN(2) == 0}
				}
				_, err := applyFile(context.Background(), p, path, engine.ApplyOptions{Options: o})
				if o.Store == b.store {
					require.NoError(t, err)
				}
				b.decide(dice, calm)
			}
			for id, texts := range b.texts() {
				require.Len(t, texts, 1, "contact %d", id)
			}
			require.Len(t, b.texts(), 7)
		})
	}
}

// decide is a person who looks at the chats of some unknown sends, or of all.
func (b *bench) decide(dice *rand.Rand, all bool) {
	has := b.texts()
	for rec := range b.remembered(ledger.Filter{States: []ledger.State{ledger.Unknown}}) {
		if !all && dice.IntN(3) > 0 {
			continue
		}
		d := ledger.Decision{Identity: rec.Identity, State: ledger.NotSent, By: "anna", Reason: "looked", At: b.now}
		if len(has[int64(rec.Contact)]) > 0 {
			d.State = ledger.Sent
		}
		require.NoError(b.t, b.store.Resolve(b.t.Context(), d))
	}
}

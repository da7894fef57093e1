package engine_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/planfile"
)

// byTry is the fate of sends that depends on whom they are for and how often they
// were tried, never on the order of the requests.
func byTry(of func(client, try int) fate) func(call) fate {
	tries := map[string]int{} // by external id
	return sendsAre(func(c call) fate {
		tries[c.externalID]++
		return of(c.client, tries[c.externalID])
	})
}

// lost is the fate of sends that nobody hears of.
func lost(call) fate { return lostBefore }

// interrupted is an apply that is ended when it begins to wait, so that all that is
// unknown stays so.
func (b *bench) interrupted(p *engine.Program, path string) *engine.Result {
	b.t.Helper()
	drain, stop := context.WithCancel(b.t.Context())
	defer stop()
	o := b.options(p, nil)
	o.Sleep = func(ctx context.Context, _ time.Duration) error {
		stop()
		<-ctx.Done()
		return context.Cause(ctx)
	}
	r, err := applyFile(b.t.Context(), p, path, engine.ApplyOptions{Options: o, Drain: drain})
	require.NoError(b.t, err)
	return r
}

// readBackStorm is a run of which every send is unknown after its first try: of a
// third the message is there, and of the others not; of those, half are unknown
// again when they are sent again, this way and that.
func readBackStorm(t *testing.T, clients int) *storm {
	t.Helper()
	b := newBench(t, sandbox.Options{World: smallWorld(clients)})
	b.front(byTry(func(client, try int) fate {
		switch {
		case try == 1 && client%3 == 0:
			return lostAfter
		case try == 1, try == 2 && client%4 == 0:
			return lostBefore
		case try == 2 && client%4 == 1:
			return lostAfter
		}
		return served
	}))
	s := &storm{t: t, b: b, p: b.compile(fmt.Sprintf(crashFlow, 2)), clients: clients}
	s.adjust = func(o *engine.Options) {
		var waits []time.Duration
		*o = b.clocked(*o, &waits)
	}
	s.path = b.plan(s.p, nil)
	r := b.interrupted(s.p, s.path)
	require.Contains(t, r.Causes, engine.CauseInterrupted)
	require.Zero(t, r.Counts.Sent-r.ReadBack.Sent, "each first try is lost")
	return s
}

// While chats are read back and sends are made again, the process dies before and
// after each single write: nobody gets two, and in the end everybody has one.
func TestDyingAtEveryWriteOfReadingBack(t *testing.T) {
	const clients, most = 7, 1 << 20
	writes := 0
	for n := 1; n == 1 || n <= writes; n++ {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("write %d after %v", n, after), func(t *testing.T) {
				if n == 1 && !after { // how many there are
					s := readBackStorm(t, clients)
					store := &mortalStore{Store: s.b.store, left: most}
					_, err := s.apply(t.Context(), store, true)
					require.NoError(t, err)
					writes = most - store.left
					require.Greater(t, writes, 3*clients)
				}
				s := readBackStorm(t, clients)
				store := &mortalStore{Store: s.b.store, left: n, after: after}
				_, _ = s.apply(t.Context(), store, true)
				require.Zero(t, store.left, "it died")
				s.settle()
				require.Len(t, s.b.api.Accepted(), clients+clients/3)
			})
		}
	}
}

// However the clock of this machine is set while chats are read back, nothing is
// sent again before two settle times have been waited; an attempt that is still to
// come by the clock proves nothing. Set forward before the first look, where only
// the clock can say how old an attempt of a dead process is, it costs one of the
// two: between the looks lies a settle time that was really waited.
func TestAClockThatIsSetSendsNothingEarly(t *testing.T) {
	const settle = 2 * time.Minute
	for name, c := range map[string]struct {
		before time.Duration   // the first look
		waits  []time.Duration // while each wait lasts
		least  time.Duration
		sent   int
	}{
		"forward":                       {0, []time.Duration{48 * time.Hour}, 2 * settle, 4},
		"back":                          {0, []time.Duration{-48 * time.Hour}, 2 * settle, 0},
		"back and forward":              {0, []time.Duration{-3 * time.Hour, 6 * time.Hour}, 2 * settle, 0},
		"forward and back, a bit":       {0, []time.Duration{24 * time.Hour, -24*time.Hour - time.Minute}, 2 * settle, 4},
		"forward, before the first one": {72 * time.Hour, nil, settle, 4},
		"back, before the first one":    {-72 * time.Hour, nil, 2 * settle, 0},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, sandbox.Options{World: smallWorld(4)})
			api := b.front(sendsAre(lost))
			p := b.compile(recoverable)
			path := b.plan(p, nil)
			b.interrupted(p, path)
			b.now = b.now.Add(c.before)

			waited, again := time.Duration(0), map[int]time.Duration{}
			api.become(sendsAre(func(c call) fate { again[c.client] = waited; return served }))
			var waits []time.Duration
			o := b.clocked(b.options(p, nil), &waits)
			o.Sleep = func(_ context.Context, d time.Duration) error {
				waited += d
				b.now = b.now.Add(d)
				if len(waits) < len(c.waits) {
					b.now = b.now.Add(c.waits[len(waits)])
				}
				waits = append(waits, d)
				return nil
			}
			r, err := applyFile(t.Context(), p, path, engine.ApplyOptions{Options: o, Resume: true})
			require.NoError(t, err)
			require.Len(t, b.api.Accepted(), c.sent)
			require.Equal(t, 4, r.Counts.Sent+r.Counts.Unknown)
			require.Len(t, again, c.sent)
			for client, at := range again {
				require.GreaterOrEqual(t, at, c.least, "client %d", client)
			}
			for _, p := range r.Problems {
				require.Contains(t, p.Reason, "clock")
			}
		})
	}
}

// earlier leaves n unknown sends of an earlier run behind, an hour old, of which
// nothing was accepted.
func earlier(t *testing.T, n int, flow string) *bench {
	t.Helper()
	b := newBench(t, sandbox.Options{World: smallWorld(n)})
	api := b.front(sendsAre(lost))
	p := b.compile(flow)
	r := b.interrupted(p, b.plan(p, nil))
	require.Equal(t, n, r.Counts.Unknown)
	require.NoError(t, b.store.Finish(t.Context(), ledger.Run{ID: r.Run.ID, State: ledger.Abandoned}))
	api.become(nil)
	b.now = b.now.Add(time.Hour)
	return b
}

// What an earlier run has left unknown and both looks do not show is sent under
// this run, once, also where the step has another id by now.
func TestUnknownsOfAnEarlierRunAreSentByThisOne(t *testing.T) {
	for name, flow := range map[string]string{
		"the same step": movedFlow("outreach", "", "hi"),
		"a moved step":  movedFlow("send", "{ from: outreach, to: send }", "hi"),
	} {
		t.Run(name, func(t *testing.T) {
			b := earlier(t, 3, movedFlow("outreach", "", "hi"))
			p := b.compile(flow)
			var waits []time.Duration
			r, err := applyFile(t.Context(), p, b.plan(p, nil), engine.ApplyOptions{Options: b.clocked(b.options(p, nil), &waits)})
			require.NoError(t, err)
			require.Empty(t, r.Causes, "%v", r.Problems)
			require.Equal(t, []time.Duration{2 * time.Minute}, waits, "their attempts are an hour old")
			require.Equal(t, 3, r.ReadBack.Resent)
			require.Equal(t, 3, r.Counts.Planned)
			require.Equal(t, 3, r.Counts.Sent)
			require.Len(t, b.api.Accepted(), 3)
			for rec := range b.remembered(ledger.Filter{}) {
				require.Equal(t, r.Run.ID, rec.Run)
				require.Equal(t, ledger.Sent, rec.State)
				require.Equal(t, "outreach", rec.Step, "it is remembered as what it was")
			}
			b.now = b.now.Add(time.Minute)
			require.Equal(t, 3, records[planfile.End](t, b.plan(p, nil))[0].Counts.AlreadySent)
		})
	}
}

// Sends of an earlier run that would be too many stay unknown, and say so; the next
// run has room again.
func TestUnknownsOfAnEarlierRunWithinMaxSends(t *testing.T) {
	for _, c := range []struct{ id, moved string }{{"outreach", ""}, {"send", "{ from: outreach, to: send }"}} {
		b := earlier(t, 3, movedFlow("outreach", "", "hi"))
		p := b.compile("guard: { maxSends: 2 }\n" + movedFlow(c.id, c.moved, "hi"))
		var waits []time.Duration
		r, err := applyFile(t.Context(), p, b.plan(p, nil), engine.ApplyOptions{Options: b.clocked(b.options(p, nil), &waits)})
		require.NoError(t, err)
		require.Equal(t, 2, r.Counts.Sent)
		require.Equal(t, 1, r.StillUnknown)
		require.Contains(t, r.Causes, engine.CauseUnknown)
		require.Len(t, b.api.Accepted(), 2)
		require.Len(t, r.Problems, 1)
		require.Contains(t, r.Problems[0].Reason, "it is not sent again, since guard.maxSends allows 2 in this run")
		require.Equal(t, map[ledger.State]int{ledger.Sent: 2, ledger.Unknown: 1}, b.states())

		b.now = b.now.Add(time.Hour)
		r, err = applyFile(t.Context(), p, b.plan(p, nil), engine.ApplyOptions{Options: b.clocked(b.options(p, nil), &waits)})
		require.NoError(t, err)
		require.Equal(t, 1, r.Counts.Sent)
		require.Len(t, b.api.Accepted(), 3)
	}
}

// What the project allows now holds for them too, when the plan was made before.
func TestUnknownsOfAnEarlierRunWithinMaxSendsOfNow(t *testing.T) {
	b := earlier(t, 3, movedFlow("outreach", "", "hi"))
	p := b.compile(movedFlow("outreach", "", "hi"))
	path := b.plan(p, nil)
	tight, _ := p.Under(projectOf(t, "guard: { maxSends: 2 }"))
	var waits []time.Duration
	r, err := applyFile(t.Context(), tight, path, engine.ApplyOptions{Options: b.clocked(b.options(p, nil), &waits)})
	require.NoError(t, err)
	require.Len(t, b.api.Accepted(), 2)
	require.Equal(t, 1, r.StillUnknown)
	require.Len(t, r.Problems, 1)
	require.Contains(t, r.Problems[0].Reason, "guard.maxSends allows 2 in this run")
}

// A rail that would keep a message from being planned keeps an unknown one from
// being sent again, and says so; one whose message is there is sent all the same.
func TestARailSpeaksAgainstSendingAgain(t *testing.T) {
	for name, c := range map[string]struct{ guard, by string }{
		"suppress":   {"suppress: { files: [out.csv] }", "suppress"},
		"perContact": {"perContact: 1 per 7d", "perContact"},
	} {
		for _, how := range []byte{'a', 'b'} {
			for _, id := range []string{"outreach", "send"} {
				t.Run(fmt.Sprintf("%s %c %s", name, how, id), func(t *testing.T) {
					b := earlier(t, 2, movedFlow("outreach", "", "hi"))
					if how == 'a' { // it was accepted after all
						b.deliver()
					}
					if name == "perContact" {
						b.run("flow: other\nsteps:\n  - id: greet\n    uses: chat2desk_send_message\n    with: { contactId: 101, message: other }\n", nil)
					}
					b.write("out.csv", "contactId\n101\n")
					before := len(b.api.Accepted())
					moved := ""
					if id == "send" {
						moved = "{ from: outreach, to: send }"
					}
					p := b.compile("guard: { " + c.guard + " }\n" + movedFlow(id, moved, "hi"))
					var waits []time.Duration
					r, err := applyFile(t.Context(), p, b.plan(p, nil), engine.ApplyOptions{Options: b.clocked(b.options(p, nil), &waits)})
					require.NoError(t, err)
					if how == 'a' {
						require.Equal(t, 2, r.ReadBack.Sent)
						require.Empty(t, r.Causes)
						require.Len(t, b.api.Accepted(), before)
						return
					}
					require.Equal(t, 1, r.Counts.Sent, "%v", r.Problems)
					require.Equal(t, 1, r.StillUnknown)
					require.Contains(t, r.Causes, engine.CauseUnknown)
					require.Len(t, b.api.Accepted(), before+1)
					require.Len(t, r.Problems, 1)
					require.Equal(t, 101, r.Problems[0].Contact)
					require.Contains(t, r.Problems[0].Reason, "it is not sent again, since "+c.by+" speaks against it")
				})
			}
		}
	}
}

// deliver has the API accept what is unknown after all.
func (b *bench) deliver() {
	b.t.Helper()
	for rec := range b.remembered(ledger.Filter{States: []ledger.State{ledger.Unknown}}) {
		body, err := json.Marshal(map[string]any{"client_id": rec.Contact, "text": "hi", "external_id": rec.Identity.ExternalID()})
		require.NoError(b.t, err)
		req := httptest.NewRequest(http.MethodPost, "/v1/messages", bytes.NewReader(body))
		req.Header.Set("Authorization", b.env["CHAT2DESK_API_TOKEN"])
		req.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		b.api.ServeHTTP(w, req)
		require.Equal(b.t, http.StatusOK, w.Code, w.Body.String())
	}
}

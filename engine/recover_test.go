package engine_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/planfile"
)

const recoverable = `
flow: recoverable
steps:
  - id: clients
    uses: chat2desk_list_clients
  - id: send
    forEach: ${{ steps.clients.outputs.clients }}
    as: client
    uses: chat2desk_send_message
    with:
      contactId: ${{ client.id }}
      message: Hello number ${{ client.id }}
`

// lose takes the ledger away, and everything else that the runner remembers.
func (b *bench) lose() {
	require.NoError(b.t, b.store.Close())
	found, err := filepath.Glob(filepath.Join(b.dir, "*ledger*"))
	require.NoError(b.t, err)
	require.NotEmpty(b.t, found)
	for _, path := range found {
		require.NoError(b.t, os.RemoveAll(path))
	}
	b.open()
}

func (b *bench) states() map[ledger.State]int {
	n := map[ledger.State]int{}
	for rec := range b.remembered(ledger.Filter{}) {
		n[rec.State]++
	}
	return n
}

// A Recover that ends early, at every look, leaves nobody who could be written to
// twice; the next one goes on.
func TestRecoverThatEndsEarly(t *testing.T) {
	const people = 5
	for stop := range people {
		b := newBench(t, sandbox.Options{World: smallWorld(people)})
		p := b.compile(recoverable)
		r := b.apply(p, b.plan(p, nil))
		require.Equal(t, people, r.Counts.Sent)
		b.lose()

		ctx, cancel := context.WithCancelCause(t.Context())
		o := b.options(p, nil)
		looks := 0
		o.Events = func(e engine.Event) {
			if looks++; looks > stop {
				cancel(errors.New("enough"))
			}
		}
		got, err := p.Recover(ctx, b.plan(p, nil), 24*time.Hour, o)
		require.NoError(t, err)
		require.Equal(t, stop+1, got.Found)
		states := b.states()
		require.Equal(t, stop+1, states[ledger.Sent])
		require.Equal(t, people-stop-1, states[ledger.Unknown])

		path := b.plan(p, nil)
		for _, s := range records[planfile.Send](t, path) {
			require.NotEqual(t, planfile.StatusPlanned, s.Status, "a run would send it")
		}
		got, err = p.Recover(t.Context(), path, 24*time.Hour, b.options(p, nil))
		require.NoError(t, err)
		require.Empty(t, got.Causes)
		require.Equal(t, people-stop-1, got.Found)
		require.Equal(t, map[ledger.State]int{ledger.Sent: people}, b.states())
		require.Len(t, b.api.Accepted(), people)
		cancel(nil)
	}
}

// The lost run has ended a moment ago, and its messages arrive between the looks:
// nobody is said to have none.
func TestRecoverWaitsForWhatArrivesLate(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(4)})
	late := b.front(sendsAre(func(call) fate { return held }))
	p := b.compile(recoverable)
	require.Equal(t, 4, b.interrupted(p, b.plan(p, nil)).Counts.Unknown)
	b.lose()

	o := b.options(p, nil)
	var waited []time.Duration
	o.Sleep = func(_ context.Context, d time.Duration) error {
		require.Equal(t, map[ledger.State]int{ledger.Intent: 4}, b.states(), "nobody is missing after one look")
		waited = append(waited, d)
		late.arrive()
		return nil
	}
	got, err := p.Recover(t.Context(), b.plan(p, nil), 24*time.Hour, o)
	require.NoError(t, err)
	require.Equal(t, []time.Duration{b.settle}, waited)
	require.Equal(t, 4, got.Looked)
	require.Equal(t, 4, got.Found)
	require.Equal(t, map[ledger.State]int{ledger.Sent: 4}, b.states())
	b.apply(p, b.plan(p, nil))
	require.Len(t, b.api.Accepted(), 4)
}

// A Recover that is ended between its two looks leaves unknown what it has not
// found, and a run looks twice again.
func TestRecoverThatEndsBetweenItsLooks(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(3)})
	p := b.compile(recoverable)
	ctx, cancel := context.WithCancelCause(t.Context())
	o := b.options(p, nil)
	o.Sleep = func(ctx context.Context, _ time.Duration) error {
		cancel(errors.New("enough"))
		return context.Cause(ctx)
	}
	got, err := p.Recover(ctx, b.plan(p, nil), 24*time.Hour, o)
	require.NoError(t, err)
	require.Zero(t, got.Missing)
	require.Equal(t, "enough", got.Reason)
	require.Equal(t, map[ledger.State]int{ledger.Unknown: 3}, b.states())

	var waits []time.Duration
	r, err := applyFile(t.Context(), p, b.plan(p, nil), engine.ApplyOptions{Options: b.clocked(b.options(p, nil), &waits)})
	require.NoError(t, err)
	require.Equal(t, 3, r.Counts.Sent)
	require.Equal(t, []time.Duration{2 * time.Minute}, waits)
	require.Len(t, b.api.Accepted(), 3)
}

// Whoever got nothing is sent to by the next run, and one message proves one send.
func TestRecoverTellsWhoGotNothing(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(3)})
	p := b.compile(recoverable)
	got, err := p.Recover(t.Context(), b.plan(p, nil), 24*time.Hour, b.options(p, nil))
	require.NoError(t, err)
	require.Equal(t, 3, got.Missing)
	require.Equal(t, map[ledger.State]int{ledger.NotSent: 3}, b.states())
	r := b.apply(p, b.plan(p, nil))
	require.Equal(t, 3, r.Counts.Sent)
	require.Len(t, b.api.Accepted(), 3)

	_, err = p.Recover(t.Context(), filepath.Join(b.dir, "none.jsonl"), time.Hour, b.options(p, nil))
	require.Error(t, err)
}

package engine_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/ledger"
)

// sleepyStore is a ledger on a machine that sleeps for a while right after an
// intent became durable, the first time for each send.
type sleepyStore struct {
	ledger.Store
	bench *bench
	slept map[ledger.Identity]bool
	sleep time.Duration
}

func (s *sleepyStore) Intend(ctx context.Context, in ledger.Intention) error {
	err := s.Store.Intend(ctx, in)
	if err == nil && !s.slept[in.Identity] {
		s.slept[in.Identity] = true
		s.bench.now = s.bench.now.Add(s.sleep)
	}
	return err
}

// An intent that is too old when its turn comes is dropped, and the send is made
// on the word of a new one. A clock that is set back drops nothing.
func TestTheFenceDropsOldIntents(t *testing.T) {
	for _, tt := range []struct {
		sleep    time.Duration
		attempts int
	}{
		{time.Hour, 2},
		{11 * time.Second, 2},
		{9 * time.Second, 1},
		{-time.Hour, 1},
	} {
		t.Run(fmt.Sprint(tt.sleep), func(t *testing.T) {
			b := newBench(t, sandbox.Options{World: smallWorld(1)})
			p := b.compile(fmt.Sprintf(crashFlow, 1))
			path := b.plan(p, nil)
			o := b.options(p, nil)
			o.Store = &sleepyStore{Store: b.store, bench: b, slept: map[ledger.Identity]bool{}, sleep: tt.sleep}
			r, err := applyFile(t.Context(), p, path, engine.ApplyOptions{Options: o})
			require.NoError(t, err)
			require.Equal(t, ledger.Finished, r.Run.State, "%+v", r)
			require.Len(t, b.api.Accepted(), r.Counts.Sent)
			for rec, err := range b.store.Records(t.Context(), ledger.Filter{}) {
				require.NoError(t, err)
				require.Equal(t, ledger.Sent, rec.State)
				require.Equal(t, tt.attempts, rec.Attempts)
			}
		})
	}
}

// A clock that is set forward between a send and the looks at its chat makes no
// send old: messages that are accepted late are found, and none is made again.
func TestAClockSetForwardResendsNothing(t *testing.T) {
	faults, err := sandbox.ParseFaults("late:100%")
	require.NoError(t, err)
	faults.LateBy = 150 * time.Millisecond
	for _, jump := range []time.Duration{time.Hour, -time.Hour} {
		t.Run(fmt.Sprint(jump), func(t *testing.T) {
			b := newBench(t, sandbox.Options{World: smallWorld(3), Faults: faults})
			p := b.compile(fmt.Sprintf(crashFlow, 1))
			path := b.plan(p, nil)
			o := b.options(p, nil)
			settle := time.Second
			o.Settle = &settle
			began, ahead := time.Now(), atomic.Int64{}
			o.Now = func() time.Time { return b.now.Add(time.Since(began) + time.Duration(ahead.Load())) }
			o.Events = func(e engine.Event) {
				if e.Kind == engine.EventSettled {
					ahead.Add(int64(jump))
				}
			}
			r, err := applyFile(t.Context(), p, path, engine.ApplyOptions{Options: o})
			require.NoError(t, err)
			b.api.Close()
			seen := map[string]int{}
			for _, a := range b.api.Accepted() {
				seen[a.ExternalID]++
				require.Equal(t, 1, seen[a.ExternalID], "client %d", a.ClientID)
			}
			require.Len(t, seen, 4)
			require.Equal(t, 4, r.Counts.Sent, "%+v", r)
		})
	}
}

package engine_test

import (
	"context"
	"fmt"
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
			r, err := p.Apply(t.Context(), path, engine.ApplyOptions{Options: o})
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

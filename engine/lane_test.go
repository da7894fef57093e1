package engine_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/ledger"
)

// slowStore is a ledger that writes no outcome down until as many sends as are
// awaited wait for theirs.
type slowStore struct {
	ledger.Store
	awaited int

	mu      sync.Mutex
	open    int // intents without an outcome
	most    int // of them at a time
	waiting int
	enough  chan struct{}
}

func (s *slowStore) Intend(ctx context.Context, in ledger.Intention) error {
	err := s.Store.Intend(ctx, in)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.open++
		s.most = max(s.most, s.open)
	}
	return err
}

func (s *slowStore) Settle(ctx context.Context, o ledger.Outcome) error {
	s.mu.Lock()
	if s.waiting++; s.waiting == s.awaited {
		close(s.enough)
	}
	s.mu.Unlock()
	<-s.enough
	s.mu.Lock()
	s.open--
	s.mu.Unlock()
	return s.Store.Settle(ctx, o)
}

// Others are sent while the outcome of an accepted message is written down, and
// nobody is as long as something else came of a send, or goes alone. One more may
// have its intent, and where calls are quick some more.
func TestAnAcceptedMessageGivesWay(t *testing.T) {
	for _, tt := range []struct {
		concurrency int
		fault       string
		awaited     int // outcomes that are being written down, at most
		most        int // intents without an outcome
	}{
		{1, "", 1, 1},
		{4, "", 7, 2*4 - 1 + 2*2*4},
		{1, "500-after:100%", 1, 1},
		{4, "500-after:100%", 4, 4 + 1 + 2*4},
	} {
		t.Run(fmt.Sprint(tt.concurrency, tt.fault), func(t *testing.T) {
			faults, err := sandbox.ParseFaults(tt.fault)
			require.NoError(t, err)
			b := newBench(t, sandbox.Options{World: smallWorld(30), Faults: faults})
			p := b.compile(fmt.Sprintf(crashFlow, tt.concurrency))
			path := b.plan(p, nil)
			o := b.options(p, nil)
			s := &slowStore{Store: b.store, awaited: tt.awaited, enough: make(chan struct{})}
			o.Store = s
			r, err := applyFile(t.Context(), p, path, engine.ApplyOptions{Options: o})
			require.NoError(t, err)
			require.LessOrEqual(t, s.most, tt.most, "%+v", r.Counts)
			require.Equal(t, r.Counts.Planned, r.Counts.Sent+r.Counts.Failed+r.Counts.Skipped, "%+v", r.Counts)
			if tt.fault == "" {
				require.Len(t, b.api.Accepted(), 40)
				require.Equal(t, 40, r.Counts.Sent)
			}
		})
	}
}

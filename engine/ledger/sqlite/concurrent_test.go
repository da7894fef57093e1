package sqlite

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/ledger"
)

// 64 callers over two open stores of one file, as two processes would be, race
// for each identity: exactly one may send.
func TestExactlyOneIntentWins(t *testing.T) {
	const callers, identities = 64, 40
	path := filepath.Join(t.TempDir(), "ledger.db")
	stores := []*Store{reopen(t, path), reopen(t, path)}
	begin(t, stores[0], "r1")

	var wins [identities]atomic.Int32
	var group sync.WaitGroup
	failures := make(chan error, callers)
	for c := range callers {
		group.Go(func() {
			for i := range identities {
				n := (i + c) % identities
				err := stores[c%2].Intend(t.Context(), intention(n, "r1"))
				var conflict *ledger.ConflictError
				switch {
				case err == nil:
					wins[n].Add(1)
				case !errors.As(err, &conflict) || conflict.Record.State != ledger.Intent:
					failures <- err
					return
				}
			}
		})
	}
	group.Wait()
	close(failures)
	for err := range failures {
		require.NoError(t, err)
	}
	for n := range wins {
		require.Equal(t, int32(1), wins[n].Load(), "identity %d", n)
	}
}

// hold keeps the writer at work until the returned function is called, so that
// what comes meanwhile queues up.
func hold(t *testing.T, w *writer) (release func()) {
	t.Helper()
	working, free := make(chan struct{}), make(chan struct{})
	result := make(chan error, 1)
	go func() {
		result <- w.do(context.Background(), func(*tx) error {
			close(working)
			<-free
			return nil
		})
	}()
	<-working
	return func() {
		close(free)
		require.NoError(t, <-result)
	}
}

func (w *writer) waiting() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.queue)
}

func TestWaitersShareACommit(t *testing.T) {
	s := openNew(t)
	begin(t, s, "r1")
	before, err := s.Serial(t.Context(), "spring", "default")
	require.NoError(t, err)
	release := hold(t, s.writer)
	const callers = 50
	results := make(chan error, callers)
	for n := range callers {
		go func() { results <- s.Intend(context.Background(), intention(n, "r1")) }()
	}
	require.Eventually(t, func() bool { return s.writer.waiting() == callers }, eventually, tick)
	release()
	for range callers {
		require.NoError(t, <-results)
	}
	after, err := s.Serial(t.Context(), "spring", "default")
	require.NoError(t, err)
	require.Equal(t, before+1, after, "the serial rises once a transaction, and all were in one")
}

func TestCanceledWhileWaiting(t *testing.T) {
	s := openNew(t)
	begin(t, s, "r1")
	release := hold(t, s.writer)
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() { result <- s.Intend(ctx, intention(1, "r1")) }()
	require.Eventually(t, func() bool { return s.writer.waiting() == 1 }, eventually, tick)
	cancel()
	require.ErrorIs(t, <-result, context.Canceled)
	release()

	require.ErrorIs(t, s.Intend(ctx, intention(1, "r1")), context.Canceled)
	_, found, err := s.Find(t.Context(), identity(1))
	require.NoError(t, err)
	require.False(t, found, "nothing was intended")

	require.NoError(t, s.Intend(t.Context(), intention(1, "r1")))
	require.NoError(t, s.Settle(ctx, ledger.Outcome{Identity: identity(1), Run: "r1", State: ledger.Sent}), "an outcome is recorded all the same")
}

// A caller canceled after the writer took its intent learns the truth.
func TestCanceledTooLate(t *testing.T) {
	s := openNew(t)
	begin(t, s, "r1")
	ctx, cancel := context.WithCancel(t.Context())
	err := s.writer.do(ctx, func(*tx) error {
		cancel()
		return nil
	})
	require.NoError(t, err)
}

func TestCloseWritesWhatWaits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	s, err := Open(t.Context(), path, Options{})
	require.NoError(t, err)
	begin(t, s, "r1")
	release := hold(t, s.writer)
	result := make(chan error, 1)
	go func() { result <- s.Intend(context.Background(), intention(1, "r1")) }()
	require.Eventually(t, func() bool { return s.writer.waiting() == 1 }, eventually, tick)
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	require.Eventually(t, func() bool { return s.writer.refuses() }, eventually, tick)
	release()
	require.NoError(t, <-result)
	require.NoError(t, <-closed)
	require.ErrorIs(t, s.Intend(t.Context(), intention(2, "r1")), ledger.ErrClosed)
	require.NoError(t, s.Close(), "closing twice is harmless")

	_, found, err := reopen(t, path).Find(t.Context(), identity(1))
	require.NoError(t, err)
	require.True(t, found)
}

func (w *writer) refuses() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failed != nil
}

// After an error in the middle of a transaction nobody's change is kept, those
// who wait are turned away, and so is everybody later.
func TestFailureIsForGood(t *testing.T) {
	s := openNew(t)
	begin(t, s, "r1")
	require.NoError(t, s.Intend(t.Context(), intention(1, "r1")))
	release := hold(t, s.writer)
	cause := errors.New("the disk is gone")
	results := make(chan error, 3)
	queue := func(apply func(*tx) error) {
		waiting := s.writer.waiting()
		go func() { results <- s.writer.do(context.Background(), apply) }()
		require.Eventually(t, func() bool { return s.writer.waiting() > waiting }, eventually, tick)
	}
	var stored send
	queue(func(t *tx) (err error) {
		if stored, _, err = t.send(identity(1)); err != nil {
			return err
		}
		stored.n, stored.Identity = 0, identity(2)
		return t.put(&stored)
	})
	queue(func(*tx) error { return cause })
	queue(func(*tx) error { return nil })
	release()
	for range cap(results) {
		err := <-results
		var failed *ledger.FailedError
		require.ErrorAs(t, err, &failed)
		require.ErrorIs(t, err, cause)
		require.ErrorContains(t, err, s.path)
	}
	_, found, err := s.Find(t.Context(), identity(2))
	require.NoError(t, err, "reading goes on")
	require.False(t, found)
	require.ErrorIs(t, s.Intend(t.Context(), intention(3, "r1")), cause)
	require.ErrorIs(t, s.Settle(t.Context(), ledger.Outcome{Identity: identity(1), Run: "r1", State: ledger.Sent}), cause)
}

func TestBatchIsBounded(t *testing.T) {
	w := &writer{}
	for range maxBatch + 3 {
		w.queue = append(w.queue, &op{})
	}
	w.queue[1].taken.Store(true)
	batch, _ := w.next()
	require.Len(t, batch, maxBatch)
	batch, closed := w.next()
	require.Len(t, batch, 2)
	require.False(t, closed)
}

// BenchmarkIntend measures durable intents a second with 64 callers waiting.
func BenchmarkIntend(b *testing.B) {
	s := openNew(b)
	begin(b, s, "r1")
	var n atomic.Int64
	var group sync.WaitGroup
	b.ResetTimer()
	for range 64 {
		group.Go(func() {
			for i := n.Add(1); i <= int64(b.N); i = n.Add(1) {
				in := intention(int(i), "r1")
				if err := s.Intend(context.Background(), in); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "intents/s")
}

// BenchmarkSend is what the ledger does for one send, 64 side by side: an intent
// and its outcome, both durable.
func BenchmarkSend(b *testing.B) {
	s := openNew(b)
	begin(b, s, "r1")
	var n atomic.Int64
	var group sync.WaitGroup
	b.ResetTimer()
	for range 64 {
		group.Go(func() {
			for i := int(n.Add(1)); i <= b.N; i = int(n.Add(1)) {
				in := intention(i, "r1")
				err := s.Intend(context.Background(), in)
				if err == nil {
					err = s.Settle(context.Background(), ledger.Outcome{Identity: in.Identity, Run: "r1", State: ledger.Sent, MessageID: 1_000_000 + i, At: noon})
				}
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
}

// BenchmarkDraft measures how many rows a second a plan can look up.
func BenchmarkDraft(b *testing.B) {
	s := openNew(b)
	begin(b, s, "r1")
	d, err := s.Draft(b.Context(), "spring", "default")
	require.NoError(b, err)
	b.ResetTimer()
	for n := range b.N {
		if _, err := d.Add(b.Context(), ledger.Key{Key: fmt.Sprint(n)}.Identity(), [32]byte{}, int64(n)); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	require.NoError(b, d.Close())
}

// BenchmarkOccasions asks what planning asks of each send where guard.perContact counts,
// of a ledger that has written to half of those whom it is asked of.
func BenchmarkOccasions(b *testing.B) {
	const people = 10_000
	s := openNew(b)
	begin(b, s, "r1")
	var done sync.WaitGroup
	for worker := range 64 {
		done.Go(func() {
			for n := worker; n < people; n += 2 * 64 {
				in := intention(n, "r1")
				in.Person = ledger.PersonNamed(fmt.Sprint(n))
				if err := s.Intend(context.Background(), in); err != nil {
					b.Error(err)
				}
			}
		})
	}
	done.Wait()
	b.ResetTimer()
	for n := range b.N {
		past := ledger.Past{Person: ledger.PersonNamed(fmt.Sprint(n % people)), Account: "test", Contact: 1000 + n%people, Since: noon.Add(-time.Hour), But: "r2"}
		if _, err := s.Occasions(b.Context(), past); err != nil {
			b.Fatal(err)
		}
	}
}

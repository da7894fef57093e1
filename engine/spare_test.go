package engine_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/planfile"
)

// fourAtATime is a run with four calls at a time, and so with one spare, at an API
// that answers no send before it is let go.
type fourAtATime struct {
	*storm
	store *watchedStore

	goOn        chan struct{} // lets one send go on to the sandbox each, and all once closed
	mu          sync.Mutex
	under, most int // calls under way, now and at most
}

func newFourAtATime(t *testing.T) *fourAtATime {
	t.Helper()
	const clients = 18 // 24 sends
	f := &fourAtATime{goOn: make(chan struct{})}
	b := newBench(t, sandbox.Options{World: smallWorld(clients)})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			f.count(1)
			defer f.count(-1)
			<-f.goOn
		}
		b.api.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	b.env["CHAT2DESK_BASE_URL"] = srv.URL
	f.storm = &storm{t: t, b: b, p: b.compile(fmt.Sprintf(crashFlow, 4)), clients: clients}
	f.path = b.plan(f.p, nil)
	f.store = &watchedStore{Store: b.store}
	return f
}

func (f *fourAtATime) count(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.under += n
	f.most = max(f.most, f.under)
}

func (f *fourAtATime) calls() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.under
}

// begin applies, until four calls are under way and the spare has its intent.
func (f *fourAtATime) begin(o engine.ApplyOptions) (ended <-chan *engine.Result) {
	f.t.Helper()
	results := make(chan *engine.Result, 1)
	ctx := f.t.Context()
	go func() {
		r, _ := applyFile(ctx, f.p, f.path, o)
		results <- r
	}()
	f.await(func() bool { return f.calls() == 4 && f.store.open() == 5 })
	return results
}

func (f *fourAtATime) options() engine.ApplyOptions {
	o := engine.ApplyOptions{Options: f.b.options(f.p, nil)}
	o.Store = f.store
	return o
}

func (f *fourAtATime) await(is func() bool) {
	f.t.Helper()
	require.Eventually(f.t, is, time.Minute, time.Millisecond)
}

// sent checks that all were sent, each by one attempt and one more for each intent that
// was taken back.
func (f *fourAtATime) sent(r *engine.Result) {
	f.t.Helper()
	require.Equal(f.t, 24, r.Counts.Sent, "%+v", r)
	require.Equal(f.t, ledger.Finished, r.Run.State)
	attempts := 0
	for rec, err := range f.b.store.Records(f.t.Context(), ledger.Filter{}) {
		require.NoError(f.t, err)
		require.Equal(f.t, ledger.Sent, rec.State)
		attempts += rec.Attempts
	}
	require.Equal(f.t, 24+f.store.taken(), attempts)
	require.LessOrEqual(f.t, f.most, 4)
	f.check()
}

// watchedStore knows how many intents are open, and how many were withdrawn.
type watchedStore struct {
	ledger.Store
	dead atomic.Bool // the process is

	mu        sync.Mutex
	intents   int
	withdrawn int
}

func (s *watchedStore) Intend(ctx context.Context, in ledger.Intention) error {
	if s.dead.Load() {
		return errDead
	}
	err := s.Store.Intend(ctx, in)
	if err == nil {
		s.mu.Lock()
		s.intents++
		s.mu.Unlock()
	}
	return err
}

func (s *watchedStore) Settle(ctx context.Context, o ledger.Outcome) error {
	if s.dead.Load() {
		return errDead
	}
	err := s.Store.Settle(ctx, o)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.intents--
	if o.State == ledger.NotSent {
		s.withdrawn++
	}
	return err
}

func (s *watchedStore) Finish(ctx context.Context, r ledger.Run) error {
	if s.dead.Load() {
		return errDead
	}
	return s.Store.Finish(ctx, r)
}

func (s *watchedStore) open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.intents
}

func (s *watchedStore) taken() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.withdrawn
}

// A spare has its intent, and no more calls are under way than the flow says.
func TestASpareDoesNotCall(t *testing.T) {
	f := newFourAtATime(t)
	ended := f.begin(f.options())
	close(f.goOn)
	f.sent(<-ended)
	require.Equal(t, 4, f.most)
}

// A spare whose process is killed has called nobody. The next life cannot know, and
// reads its chat too before it writes.
func TestKilledWhileASpareWaits(t *testing.T) {
	for _, arrived := range []int{0, 2, 4} {
		t.Run(fmt.Sprint(arrived, " of the calls have arrived"), func(t *testing.T) {
			f := newFourAtATime(t)
			killed, kill := context.WithCancel(t.Context())
			o := f.options()
			results := make(chan struct{})
			go func() {
				_, _ = applyFile(killed, f.p, f.path, o)
				close(results)
			}()
			f.await(func() bool { return f.calls() == 4 && f.store.open() == 5 })
			f.store.dead.Store(true)
			for range arrived {
				f.goOn <- struct{}{}
			}
			f.await(func() bool { return len(f.b.api.Accepted()) == arrived })
			kill()
			<-results
			close(f.goOn) // those that hang arrive late
			f.await(func() bool { return f.calls() == 0 })

			open := 0
			for rec, err := range f.b.store.Records(t.Context(), ledger.Filter{States: []ledger.State{ledger.Intent}}) {
				require.NoError(t, err)
				require.Equal(t, 1, rec.Attempts)
				open++
			}
			require.GreaterOrEqual(t, open, 5)
			require.LessOrEqual(t, open, 7)
			f.settle()
		})
	}
}

// A run that is stopped reports its spare as not sent, and the same command goes on
// with it.
func TestStoppedWhileASpareWaits(t *testing.T) {
	f := newFourAtATime(t)
	drain, stop := context.WithCancel(t.Context())
	o := f.options()
	o.Drain = drain
	ended := f.begin(o)
	stop()
	f.await(func() bool { return f.store.taken() == 1 })
	require.Equal(t, 4, f.calls(), "those under way are waited for")
	close(f.goOn)
	r := <-ended
	require.Equal(t, ledger.Interrupted, r.Run.State)
	require.Equal(t, 4, r.Counts.Sent)
	require.Zero(t, r.Counts.Unknown)
	require.Equal(t, 20, r.Counts.Skipped)
	require.Len(t, f.b.api.Accepted(), 4)

	o = f.options()
	o.Resume = true
	r, err := applyFile(t.Context(), f.p, f.path, o)
	require.NoError(t, err)
	f.sent(r)
}

// While the API hangs the spare takes its intent back, and makes no other: nothing
// that nobody has begun grows old in the ledger.
func TestASpareGivesUpOnAnAPIThatHangs(t *testing.T) {
	f := newFourAtATime(t)
	ended := f.begin(f.options())
	f.await(func() bool { return f.store.taken() == 1 })
	require.Equal(t, 4, f.store.open())
	require.Equal(t, 4, f.calls())
	close(f.goOn)
	f.sent(<-ended)
}

// A spare asks for the rate once it may call: a pause after a 429 holds it too, and
// an intent that has grown old meanwhile is made anew.
func TestASpareWaitsForTheRate(t *testing.T) {
	for _, pause := range []time.Duration{500 * time.Millisecond, 2 * time.Second} {
		t.Run(pause.String(), func(t *testing.T) {
			f := newFourAtATime(t)
			var paused atomic.Pointer[chan struct{}]
			var held atomic.Int32
			var ahead atomic.Int64
			began := f.b.now
			o := f.options()
			o.Now = func() time.Time { return began.Add(time.Duration(ahead.Load())) }
			o.Gate = func(ctx context.Context) (context.Context, error) {
				if over := paused.Load(); over != nil {
					held.Add(1)
					<-*over
				}
				return ctx, nil
			}
			ended := f.begin(o)
			over := make(chan struct{})
			paused.Store(&over)
			f.goOn <- struct{}{} // its place is the spare's
			f.await(func() bool { return held.Load() == 1 && len(f.b.api.Accepted()) == 1 })
			require.Equal(t, 3, f.calls())
			taken := f.store.taken()
			ahead.Store(int64(pause))
			paused.Store(nil)
			close(over)
			f.await(func() bool { return f.calls() == 4 })
			if pause > time.Second {
				require.Greater(t, f.store.taken(), taken)
			}
			close(f.goOn)
			f.sent(<-ended)
		})
	}
}

// With a canary, and one at a time, there are no spares.
func TestNoSpares(t *testing.T) {
	for name, tt := range map[string]struct {
		concurrency int
		canary      *engine.Canary
	}{
		"one at a time": {1, nil},
		"a canary":      {4, &engine.Canary{Sends: 100}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFourAtATime(t)
			f.p = f.b.compile(fmt.Sprintf(crashFlow, tt.concurrency))
			f.path = f.b.plan(f.p, nil)
			o := f.options()
			o.Canary = tt.canary
			ended := make(chan *engine.Result, 1)
			go func() {
				r, _ := applyFile(t.Context(), f.p, f.path, o)
				ended <- r
			}()
			for range records[planfile.Send](t, f.path) {
				select {
				case f.goOn <- struct{}{}:
				case r := <-ended:
					ended <- r
				}
				require.LessOrEqual(t, f.store.open(), tt.concurrency)
			}
			r := <-ended
			require.Equal(t, 24, r.Counts.Sent, "%+v", r)
		})
	}
}

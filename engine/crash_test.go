package engine_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/planfile"
	"github.com/flowrunner/flowrunner/engine/step"
	"github.com/flowrunner/flowrunner/steps"
)

// errDead is what a store says after its process has died.
var errDead = errors.New("the process is dead")

// mortalStore is a ledger whose process dies at its n-th write, before or after
// it: from then on nothing is written, so nothing may be sent either.
type mortalStore struct {
	ledger.Store
	mu    sync.Mutex
	left  int
	after bool
}

func (m *mortalStore) write(do func() error) error {
	m.mu.Lock()
	if m.left <= 0 {
		m.mu.Unlock()
		return errDead
	}
	m.left--
	dies := m.left == 0
	m.mu.Unlock()
	if dies && !m.after {
		return errDead
	}
	if err := do(); err != nil || !dies {
		return err
	}
	return errDead
}

func (m *mortalStore) Begin(ctx context.Context, r ledger.Run) error {
	return m.write(func() error { return m.Store.Begin(ctx, r) })
}

func (m *mortalStore) Intend(ctx context.Context, in ledger.Intention) error {
	return m.write(func() error { return m.Store.Intend(ctx, in) })
}

func (m *mortalStore) Settle(ctx context.Context, o ledger.Outcome) error {
	return m.write(func() error { return m.Store.Settle(ctx, o) })
}

func (m *mortalStore) Finish(ctx context.Context, r ledger.Run) error {
	return m.write(func() error { return m.Store.Finish(ctx, r) })
}

const crashFlow = `flow: crash
steps:
  - id: clients
    uses: chat2desk_list_clients
  - id: each
    forEach: ${{ steps.clients.outputs.clients }}
    concurrency: %d
    steps:
      - id: hello
        uses: chat2desk_send_message
        with: { contactId: "${{ item.id }}", message: hello }
      - id: more
        if: item.id %% 3 == 0
        uses: chat2desk_send_message
        with: { contactId: "${{ item.id }}", message: more }
`

// storm is one account under faults and one flow that must survive them.
type storm struct {
	t       *testing.T
	b       *bench
	p       *engine.Program
	path    string
	clients int
	left    int                   // sends that are unknown at the end
	adjust  func(*engine.Options) // of each life; may be nil
}

func newStorm(t *testing.T, clients, concurrency int, faults sandbox.Faults) *storm {
	t.Helper()
	faults.LateBy = 20 * time.Millisecond
	b := newBench(t, sandbox.Options{World: smallWorld(clients), Faults: faults})
	s := &storm{t: t, b: b, p: b.compile(fmt.Sprintf(crashFlow, concurrency)), clients: clients}
	s.path = b.plan(s.p, nil)
	return s
}

// apply is one life of the run; resume says that it is not the first.
func (s *storm) apply(ctx context.Context, store ledger.Store, resume bool) (*engine.Result, error) {
	o := s.b.options(s.p, nil)
	o.Store = store
	if s.adjust != nil {
		s.adjust(&o)
	}
	return applyFile(ctx, s.p, s.path, engine.ApplyOptions{Options: o, Resume: resume})
}

// settle goes on with the run until it has ended, and checks the promise: the
// history can be read, so nothing stays unknown.
func (s *storm) settle() {
	s.t.Helper()
	s.finish()
	s.check()
	require.Zero(s.t, s.left, "nothing may stay unknown")
}

// finish goes on with the run until it has ended.
func (s *storm) finish() {
	s.t.Helper()
	for range 50 {
		run, open, err := s.b.store.Unfinished(s.t.Context(), "crash", "default")
		require.NoError(s.t, err)
		if !open {
			_, known, err := s.b.store.FindRun(s.t.Context(), "last")
			require.NoError(s.t, err)
			if known {
				break
			}
		}
		_, err = s.apply(s.t.Context(), s.b.store, open)
		require.NoError(s.t, err, run.ID)
	}
}

// check compares what the API accepted with what the ledger says.
func (s *storm) check() {
	s.t.Helper()
	s.b.api.Close() // waits for late accepts
	accepted := map[string]int{}
	for _, a := range s.b.api.Accepted() {
		accepted[a.ExternalID]++
		require.LessOrEqual(s.t, accepted[a.ExternalID], 1, "client %d was written to twice", a.ClientID)
	}
	rows := 0
	for _, r := range records[planfile.Send](s.t, s.path) {
		if r.Status != planfile.StatusPlanned {
			continue
		}
		rows++
		id, err := ledger.ParseIdentity(r.Identity)
		require.NoError(s.t, err)
		rec, known, err := s.b.store.Find(s.t.Context(), id)
		require.NoError(s.t, err)
		n := accepted[id.ExternalID()]
		switch {
		case !known:
			require.Zero(s.t, n, "row %d is lost: the API has it, the ledger does not", r.Seq)
		case rec.State == ledger.Sent:
			require.Equal(s.t, 1, n, "row %d is said to be sent", r.Seq)
		case rec.State == ledger.NotSent, rec.State == ledger.Refused:
			require.Zero(s.t, n, "row %d is said not to be sent", r.Seq)
		default:
			require.Equal(s.t, ledger.Unknown, rec.State, "row %d is left open", r.Seq)
			s.left++
		}
		if !known {
			// Only a send that waits for an unknown one of its iteration may be untried.
			require.Equal(s.t, "more", r.Step, "row %d was never tried", r.Seq)
		}
	}
	require.Equal(s.t, s.clients+s.clients/3, rows)
}

// Dying before and after each single write, the run ends with nobody doubled
// and nobody lost.
func TestDyingAtEveryWrite(t *testing.T) {
	const clients = 6
	for _, concurrency := range []int{1, 4} {
		for _, after := range []bool{false, true} {
			for n := 1; n <= 2*(clients+2)+2; n++ {
				t.Run(fmt.Sprintf("%d at a time, write %d after %v", concurrency, n, after), func(t *testing.T) {
					s := newStorm(t, clients, concurrency, sandbox.Faults{})
					_, _ = s.apply(t.Context(), &mortalStore{Store: s.b.store, left: n, after: after}, false)
					s.settle()
				})
			}
		}
	}
}

const stormFaults = "429:3%,500-before:4%,500-after:3%,reset-before:3%,reset-after:3%,html:2%,truncate:2%,late:2%,200-error:1%"

// Random faults and random deaths, several times over in one run.
func TestStorm(t *testing.T) {
	rounds := 12
	if testing.Short() {
		rounds = 4
	}
	for round := range rounds {
		seed := uint64(round + 1)
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			faults, err := sandbox.ParseFaults(stormFaults)
			require.NoError(t, err)
			for name := range faults.Share {
				if name == "429" {
					delete(faults.Share, name) // its waits are tested with a clock of their own
				}
			}
			faults.Seed = seed
			s := newStorm(t, 45, 4, faults)
			rnd := rand.New(rand.NewPCG(seed, 7))
			for life := range 4 {
				_, open, err := s.b.store.Unfinished(t.Context(), "crash", "default")
				require.NoError(t, err)
				if life > 0 && !open {
					break
				}
				store := &mortalStore{Store: s.b.store, left: 1 + rnd.IntN(60), after: rnd.IntN(2) == 0}
				if life > 0 {
					store.left++
				}
				ctx, cancel := context.WithCancel(t.Context())
				if rnd.IntN(3) == 0 { // the second Ctrl-C
					time.AfterFunc(time.Duration(rnd.IntN(40))*time.Millisecond, cancel)
				}
				_, _ = s.apply(ctx, store, open)
				cancel()
			}
			s.settle()
		})
	}
}

// The same harness notices what it is there to notice: a sender that tries again
// after a lost reply doubles, and the check fails.
func TestTheStormNoticesANaiveRetry(t *testing.T) {
	faults, err := sandbox.ParseFaults("500-after:30%")
	require.NoError(t, err)
	b := newBench(t, sandbox.Options{World: smallWorld(30), Faults: faults})
	doubled := naiveRegistry(t)
	doc, ds := flow.Parse("flow.yaml", fmt.Appendf(nil, crashFlow, 1))
	require.Empty(t, ds)
	p, ds := engine.Compile(doc, doubled, nil)
	require.Empty(t, ds)
	b.apply(p, b.plan(p, nil))
	most := 0
	seen := map[string]int{}
	for _, a := range b.api.Accepted() {
		seen[a.ExternalID]++
		most = max(most, seen[a.ExternalID])
	}
	require.Greater(t, most, 1, "the naive sender must double, else the storm proves nothing")
}

type naiveOut struct {
	MessageID int `flow:"messageId" doc:"The id."`
}

func (o naiveOut) Message() int { return o.MessageID }

// naiveRegistry has a send that tries again by itself, as most tools do.
func naiveRegistry(t *testing.T) *step.Registry {
	t.Helper()
	real, ok := steps.Registry().Kind("chat2desk_send_message")
	require.True(t, ok)
	type in struct {
		ContactID int    `flow:"contactId" doc:"The client."`
		Message   string `flow:"message" doc:"The text."`
	}
	naive := step.Send(step.Doc{Name: "chat2desk_send_message", Summary: "Naive.", Connected: true},
		func(x in) string { return fmt.Sprint(x.ContactID) },
		func(x in) step.Recipient { return step.Recipient{Contact: x.ContactID} },
		func(x in) (step.Preview, error) { return step.Preview{Text: x.Message}, nil },
		func(ctx context.Context, x in, a step.Attempt) (naiveOut, error) {
			var err error
			for range 3 {
				var message int
				message, err = real.Do(ctx, map[string]any{"contactId": x.ContactID, "message": x.Message}, a)
				if err == nil {
					return naiveOut{message}, nil
				}
			}
			return naiveOut{}, err
		}, step.NoSettle[in]())
	kinds := []step.Kind{naive}
	for _, k := range steps.Registry().Kinds() {
		if k.Name != naive.Name {
			kinds = append(kinds, k)
		}
	}
	reg, err := step.NewRegistry(steps.Registry().Host, kinds...)
	require.NoError(t, err)
	return reg
}

// An API that stops answering for good ends the run as resumable.
func TestAnApiThatGoesAway(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(4)})
	p := b.compile(fmt.Sprintf(crashFlow, 1))
	path := b.plan(p, nil)
	o := b.options(p, nil)
	o.Account = func(context.Context) (string, error) { return "4711", nil }
	first := true
	o.Gate = func(ctx context.Context) (context.Context, error) {
		if first {
			first = false
			return ctx, nil
		}
		return ctx, &step.Failure{Class: step.ClassUnreachable, Delivery: step.NotSent, Reason: "no connection", Hint: "try later"}
	}
	plan, err := planfile.Check(path)
	require.NoError(t, err)
	for _, name := range plan.Head.Accounts {
		o.Account = func(context.Context) (string, error) { return filepath.Base(name), nil }
	}
	r, err := applyFile(t.Context(), p, path, engine.ApplyOptions{Options: o})
	require.NoError(t, err)
	require.Equal(t, 1, r.Counts.Sent)
	require.Contains(t, r.Causes, engine.CauseUnreachable)
	require.Equal(t, ledger.Stopped, r.Run.State)
	require.Equal(t, "try later", r.Hint)
}

package sqlite

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/ledger"
)

// model is a ledger as one would write it without a file: one run at a time, and
// what is known of each send. Its errors are those of ledger.Store, as far as they
// tell one refusal from another.
type model struct {
	run   string
	state ledger.RunState
	sends map[ledger.Identity]ledger.Record
}

func (m *model) intend(in ledger.Intention) error {
	if in.Run != m.run || m.state != ledger.Running {
		return &ledger.EndedError{}
	}
	for _, c := range in.Caps {
		if in.Class == ledger.Marketing && m.occasions(in, c.Since) >= c.Most {
			return &ledger.CapError{}
		}
	}
	now, known := m.sends[in.Identity]
	if known && !now.State.May(ledger.Intent) {
		return &ledger.ConflictError{Record: now}
	}
	m.sends[in.Identity] = ledger.Record{
		Identity: in.Identity, State: ledger.Intent, Run: in.Run, Seq: in.Seq, Flow: "spring", Campaign: "default", Step: in.Step, Period: in.Period,
		Contact: in.Contact, Person: in.Person, Class: in.Class, ContentHash: in.ContentHash, Attempts: now.Attempts + 1, Attempted: in.At, At: in.At,
	}
	return nil
}

func (m *model) occasions(in ledger.Intention, since time.Time) int {
	type occasion struct {
		run     string
		contact int
	}
	had := map[occasion]bool{}
	for _, r := range m.sends {
		same := !in.Person.IsZero() && r.Person == in.Person || r.Contact == in.Contact
		counts := r.State == ledger.Intent || r.State == ledger.Sent || r.State == ledger.Unknown
		if same && counts && r.Class == ledger.Marketing && r.Attempted.After(since) && (r.Contact != in.Contact || r.Run != in.Run) {
			had[occasion{r.Run, r.Contact}] = true
		}
	}
	return len(had)
}

func (m *model) settle(o ledger.Outcome) error {
	now, known := m.sends[o.Identity]
	if !known || !now.State.May(o.State) || now.State == ledger.Intent && now.Run != o.Run {
		return &ledger.ConflictError{Record: now}
	}
	return m.become(now, o)
}

func (m *model) become(now ledger.Record, o ledger.Outcome) error {
	for id, r := range m.sends {
		if o.State == ledger.Sent && o.MessageID != 0 && id != now.Identity && r.State == ledger.Sent && r.MessageID == o.MessageID && r.Contact == now.Contact {
			return &ledger.ClaimedError{Holder: id}
		}
	}
	now.State, now.MessageID, now.Reason, now.At = o.State, o.MessageID, o.Reason, o.At
	m.sends[now.Identity] = now
	return nil
}

// unsettle makes what is open unknown.
func (m *model) unsettle(reason string, at time.Time) (n int) {
	for id, r := range m.sends {
		if r.State == ledger.Intent {
			r.State, r.Reason, r.At = ledger.Unknown, reason, at
			m.sends[id] = r
			n++
		}
	}
	return n
}

func (m *model) reconsider(at time.Time) (n int) {
	for id, r := range m.sends {
		if r.State == ledger.Refused {
			r.State, r.At = ledger.NotSent, at
			if r.Reason != "" {
				r.Reason = "was refused: " + r.Reason
			}
			m.sends[id] = r
			n++
		}
	}
	return n
}

func (m *model) claimed(contact, message int) (id ledger.Identity, found bool) {
	for id, r := range m.sends {
		if r.State == ledger.Sent && r.MessageID == message && message != 0 && r.Contact == contact {
			return id, true
		}
	}
	return id, false
}

// same holds an error of a store against that of the model.
func same(t *testing.T, want, got error, what string) {
	t.Helper()
	if want == nil {
		require.NoError(t, got, what)
		return
	}
	var conflict, wantConflict *ledger.ConflictError
	var claimed, wantClaimed *ledger.ClaimedError
	switch {
	case errors.As(want, &wantConflict):
		require.ErrorAs(t, got, &conflict, what)
		conflict.Record.Identity = wantConflict.Record.Identity
		require.Equal(t, wantConflict.Record, conflict.Record, what)
	case errors.As(want, &wantClaimed):
		require.ErrorAs(t, got, &claimed, what)
		require.Equal(t, wantClaimed.Holder, claimed.Holder, what)
	default:
		require.IsType(t, want, got, what)
	}
}

// TestStoreFollowsAModel does anything at random, through two open stores of one
// file, and compares each answer with that of the model.
func TestStoreFollowsAModel(t *testing.T) {
	seed := rand.Uint64()
	rounds := 12
	if *long {
		rounds = 400
	}
	folded := 0
	for round := range rounds {
		folded += followModel(t, seed, uint64(round))
	}
	require.Positive(t, folded, "seed %d: the tail was folded in the middle, too", seed)
}

// followModel makes one ledger, and says how often it was seen with a tail.
func followModel(t *testing.T, seed, round uint64) (tails int) {
	random := rand.New(rand.NewPCG(seed, round))
	path := filepath.Join(t.TempDir(), "ledger.db")
	clock := noon
	open := func() *Store {
		s, err := Open(t.Context(), path, Options{Now: func() time.Time { return clock }})
		require.NoError(t, err)
		require.NoError(t, s.limitTail(1+random.IntN(40)))
		return s
	}
	stores := []*Store{open(), open()}
	m := &model{run: "r0", state: ledger.Running, sends: map[ledger.Identity]ledger.Record{}}
	begin(t, stores[0], m.run)
	runs := 1
	lone := random.IntN(2) == 0 // mostly one of the two writes

	// Message ids mostly rise; a few come again, as those of another send.
	message := func(step int) int {
		if random.IntN(2) == 0 {
			return 1000 + step - random.IntN(20)
		}
		return random.IntN(15)
	}
	const window, contacts = 12, 5
	for step := range 400 {
		which := 0
		if !lone || random.IntN(40) == 0 {
			which = random.IntN(len(stores))
		}
		s, reader := stores[which], stores[random.IntN(len(stores))]
		clock = clock.Add(time.Second)
		n := step/3 + random.IntN(window) // what has reached an end is left behind
		op := random.IntN(100)
		if random.IntN(8) > 0 { // mostly new sends and their outcomes, by turns
			op = step % 2 * 40
			for range 3 * window {
				if state := m.sends[identity(n)].State; state == ledger.State(step%2) {
					break
				}
				n = step/3 + random.IntN(window)
			}
		}
		what := fmt.Sprintf("seed %d, round %d, step %d, store %d, send %d", seed, round, step, which, n)
		switch {
		case op < 40:
			in := intention(n, m.run)
			in.At, in.Contact, in.Class = clock, 1000+n%contacts, ledger.Class(random.IntN(8)/7)
			if random.IntN(3) > 0 {
				in.Person = ledger.PersonOfNumber(fmt.Sprint(n % 7))
			}
			if random.IntN(20) == 0 {
				in.Run = "r99"
			}
			if random.IntN(12) == 0 {
				in.Account = "test"
				in.Caps = []ledger.Cap{{Most: 1 + random.IntN(3), Since: clock.Add(-time.Duration(random.IntN(200)) * time.Second)}}
			}
			same(t, m.intend(in), s.Intend(t.Context(), in), what+": intend")
		case op < 80:
			o := ledger.Outcome{Identity: identity(n), Run: m.run, State: ledger.State(2 + random.IntN(4)), At: clock}
			if random.IntN(2) == 0 {
				o.State = ledger.Sent
			}
			if o.State == ledger.Sent {
				o.MessageID = message(step)
			} else {
				o.Reason = "because"
			}
			if random.IntN(10) == 0 {
				o.Run = "r99"
			}
			// A process knows its own intents: what became of an earlier one says nothing
			// about that of the other. The model has no processes.
			if stores[which].lateFor(o) {
				continue
			}
			same(t, m.settle(o), s.Settle(t.Context(), o), what+": settle")
		case op < 82:
			got, err := s.Recover(t.Context(), m.run, "died")
			require.NoError(t, err, what)
			require.Equal(t, m.unsettle("died", clock), got, what)
		case op < 84:
			d := ledger.Decision{Identity: identity(n), State: ledger.NotSent, By: "anna", Reason: "looked", At: clock}
			now := m.sends[d.Identity]
			if random.IntN(2) == 0 {
				d.State, d.MessageID = ledger.Sent, message(step)
			}
			var want error = &ledger.ConflictError{Record: now}
			if now.State == ledger.Unknown {
				want = m.become(now, ledger.Outcome{State: d.State, MessageID: d.MessageID, Reason: d.Reason, At: d.At})
			}
			same(t, want, s.Resolve(t.Context(), d), what+": resolve")
		case op < 85:
			got, err := s.Reconsider(t.Context(), "spring", "default")
			require.NoError(t, err, what)
			require.Equal(t, m.reconsider(clock), got, what)
		case op < 87:
			m.run, m.state = fmt.Sprintf("r%d", runs), ledger.Running
			runs++
			require.NoError(t, s.Begin(t.Context(), ledger.Run{ID: m.run, Flow: "spring", Campaign: "default", PlanHash: m.run, Account: "test", Started: clock}), what)
			m.unsettle("run "+m.run+" took over", clock)
		case op < 88:
			require.NoError(t, s.Close(), what)
			stores[which] = open()
		case op < 92:
			got, found, err := reader.Find(t.Context(), identity(n))
			require.NoError(t, err, what)
			want, known := m.sends[identity(n)]
			require.Equal(t, known, found, what)
			require.Equal(t, want, got, what)
		case op < 95:
			contact, message := 1000+n%contacts, message(step)
			id, found, err := reader.Claimed(t.Context(), contact, message)
			require.NoError(t, err, what)
			want, known := m.claimed(contact, message)
			require.Equal(t, known, found, what)
			require.Equal(t, want, id, what)
		default:
			var got []ledger.Record
			for r, err := range reader.Records(t.Context(), ledger.Filter{}) {
				require.NoError(t, err, what)
				got = append(got, r)
			}
			require.ElementsMatch(t, slices.Collect(maps.Values(m.sends)), got, what)
		}
		if inTail(t, stores[which]) > 0 {
			tails++
		}
	}
	for _, s := range stores {
		require.NoError(t, s.Check(t.Context()))
		require.NoError(t, s.Close())
	}
	s := reopen(t, path)
	require.Zero(t, inTail(t, s))
	for id, want := range m.sends {
		got, _, err := s.Find(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	return tails
}

// lateFor reports whether this process has made an intent of the send that the
// outcome is not about.
func (s *Store) lateFor(o ledger.Outcome) bool {
	was, mine := s.writer.open[o.Identity]
	if !mine {
		return false
	}
	record, _, err := s.Find(context.Background(), o.Identity)
	return err != nil || record.Attempts != was.Attempts
}

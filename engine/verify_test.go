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
	"github.com/flowrunner/flowrunner/engine/planfile"
)

// clocked lets a bench's settle times pass at once, and notes when messages were
// accepted.
func (b *bench) clocked(o engine.Options, waits *[]time.Duration) engine.Options {
	settle := 2 * time.Minute
	o.Settle = &settle
	o.Sleep = func(_ context.Context, d time.Duration) error {
		*waits = append(*waits, d)
		b.now = b.now.Add(d)
		return nil
	}
	return o
}

func losing(t *testing.T, text string) sandbox.Faults {
	t.Helper()
	f, err := sandbox.ParseFaults(text)
	require.NoError(t, err)
	f.LateBy = 20 * time.Millisecond
	return f
}

// What was accepted is found at once and waits for nothing; the send that the
// unknown one kept back goes on.
func TestALostAnswerIsFound(t *testing.T) {
	for _, echo := range []bool{true, false} {
		b := newBench(t, sandbox.Options{World: smallWorld(3), Faults: losing(t, "500-after:100%"), NoExternalID: !echo})
		p := b.compile(twoSends)
		var waits []time.Duration
		r, err := applyFile(t.Context(), p, b.plan(p, nil), engine.ApplyOptions{Options: b.clocked(b.options(p, nil), &waits)})
		require.NoError(t, err)
		require.Empty(t, r.Causes, r.Reason)
		require.Equal(t, 5, r.Counts.Sent)
		require.Zero(t, r.Counts.Unknown+r.Counts.Skipped)
		require.Equal(t, 5, r.ReadBack.Sent)
		require.Empty(t, r.Problems)
		require.Equal(t, map[int64][]string{101: {"one", "two"}, 102: {"one"}, 103: {"one", "two"}}, b.texts())
	}
}

// What is not there is sent again after two settle times and not before, five
// times at most; then it stays unknown.
func TestNothingIsSentAgainBeforeTwoSettleTimes(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(1), Faults: losing(t, "500-before:100%")})
	p := b.compile("flow: f\nsteps:\n  - id: send\n    uses: chat2desk_send_message\n    with: { contactId: 101, message: hi }\n")
	var waits []time.Duration
	o := b.clocked(b.options(p, nil), &waits)
	began := b.now
	var attempts []time.Duration
	o.Events = func(e engine.Event) {
		if e.Kind == engine.EventSettled {
			attempts = append(attempts, b.now.Sub(began))
		}
	}
	r, err := applyFile(t.Context(), p, b.plan(p, nil), engine.ApplyOptions{Options: o})
	require.NoError(t, err)
	require.Contains(t, r.Causes, engine.CauseUnknown)
	require.Equal(t, 1, r.Counts.Unknown)
	require.Len(t, attempts, 6)
	for i := 1; i < len(attempts); i++ {
		require.Equal(t, 4*time.Minute, attempts[i]-attempts[i-1])
	}
	require.Empty(t, b.api.Accepted())
	require.Contains(t, r.Problems[0].Reason, "does not have it")
}

// A harness without the settle time doubles what is accepted late, and with it
// does not.
func TestTheStormNoticesAMissingSettleTime(t *testing.T) {
	most := func(settle time.Duration) int {
		b := newBench(t, sandbox.Options{World: smallWorld(30), Faults: losing(t, "late:40%")})
		b.settle = settle
		p := b.compile(fmt.Sprintf(crashFlow, 4))
		b.apply(p, b.plan(p, nil))
		b.api.Close()
		seen, most := map[string]int{}, 0
		for _, a := range b.api.Accepted() {
			seen[a.ExternalID]++
			most = max(most, seen[a.ExternalID])
		}
		return most
	}
	doubled := false
	for range 30 { // on a busy machine the chat may be read only after the late accept
		if doubled = most(0) > 1; doubled {
			break
		}
	}
	require.True(t, doubled, "without a settle time a late accept doubles, else the storm proves nothing")
	require.Equal(t, 1, most(time.Second))
}

// One message is never the proof of two sends with one text.
func TestTwoSendsWithOneTextNeverClaimOneMessage(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(1), Faults: losing(t, "500-before:20%,500-after:50%"), NoExternalID: true})
	b.write("rows.csv", "n\n1\n2\n3\n4\n5\n6\n")
	r := b.run(`flow: same
steps:
  - id: rows
    uses: read_csv
    with: { path: rows.csv, columns: { n: integer } }
  - id: send
    forEach: ${{ steps.rows.outputs.rows }}
    concurrency: 6
    key: string(item.n ?? 0)
    uses: chat2desk_send_message
    with: { contactId: 101, message: same }
`, nil)
	require.Empty(t, r.Causes, "%v", r.Problems)
	require.Equal(t, 6, r.Counts.Sent)
	require.Len(t, b.api.Accepted(), 6)
	claimed := map[int]bool{}
	for rec := range b.remembered(ledger.Filter{Contact: 101}) {
		require.Equal(t, ledger.Sent, rec.State)
		require.False(t, claimed[rec.MessageID], "message %d stands for two sends", rec.MessageID)
		claimed[rec.MessageID] = true
	}
}

func TestThePoliciesOfUnknown(t *testing.T) {
	const src = "flow: f\ndelivery: { unknown: %s }\nsteps:\n  - id: send\n    uses: chat2desk_send_message\n    with: { contactId: 101, message: %q }\n"
	for _, c := range []struct {
		policy, text, faults string
		waits                int
		unknown, sentTries   int
	}{
		{"never-resend", "hi", "500-before:100%", 1, 1, 0},
		{"never-resend", "hi", "500-after:100%", 0, 0, 1},
		{"verify", "@HSM@\nx|ru", "500-before:100%", 1, 1, 0},
		{"resend", "@HSM@\nx|ru", "500-before:100%", 6, 1, 0},
		{"resend", "hi", "500-after:100%,no-history:100%", 2, 1, 1},
	} {
		t.Run(c.policy+" "+c.faults, func(t *testing.T) {
			b := newBench(t, sandbox.Options{World: smallWorld(1), Faults: losing(t, c.faults)})
			p := b.compile(fmt.Sprintf(src, c.policy, c.text))
			var waits []time.Duration
			r, err := applyFile(t.Context(), p, b.plan(p, nil), engine.ApplyOptions{Options: b.clocked(b.options(p, nil), &waits)})
			require.NoError(t, err)
			require.Len(t, waits, c.waits)
			require.Equal(t, c.unknown, r.Counts.Unknown)
			require.Len(t, b.api.Accepted(), c.sentTries)
		})
	}
}

// An interrupt of the wait leaves the sends unknown and the run to be gone on with;
// a later plan keeps what reading them back needs.
func TestAnInterruptLeavesThemUnknown(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(3), Faults: losing(t, "500-before:100%")})
	p := b.compile(twoSends)
	r := b.interrupted(p, b.plan(p, nil))
	require.Contains(t, r.Causes, engine.CauseInterrupted)
	require.Equal(t, ledger.Interrupted, r.Run.State)
	require.Equal(t, 3, r.Counts.Unknown)
	require.NoError(t, b.store.Finish(t.Context(), ledger.Run{ID: r.Run.ID, State: ledger.Abandoned}))

	b.now = b.now.Add(time.Hour)
	second := b.plan(p, nil)
	require.Equal(t, 3, records[planfile.End](t, second)[0].Counts.Unknown)
}

package ledger_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/ledger"
)

func TestMoreIsKnown(t *testing.T) {
	rising := []ledger.State{ledger.NotSent, ledger.Refused, ledger.Intent, ledger.Unknown, ledger.Sent}
	for i, less := range rising {
		late := ledger.Record{State: less, At: noon.Add(time.Hour), Attempts: 9}
		require.False(t, late.Over(late))
		for _, more := range rising[i+1:] {
			require.True(t, ledger.Record{State: more}.Over(late), "%s over %s", more, less)
		}
	}
	proved := ledger.Record{State: ledger.Sent, MessageID: 5}
	require.True(t, proved.Over(ledger.Record{State: ledger.Sent, At: noon}), "with the message it is surer")
	require.False(t, ledger.Record{Flow: "x"}.Over(ledger.Record{}), "the flow is the run's to say")

	for _, pair := range [][2]ledger.RunState{
		{ledger.Interrupted, ledger.Running},
		{ledger.Stopped, ledger.Running},
		{ledger.Abandoned, ledger.Stopped},
		{ledger.Failed, ledger.Abandoned},
		{ledger.Finished, ledger.Abandoned},
	} {
		more, less := ledger.Run{State: pair[0]}, ledger.Run{State: pair[1], Finished: noon}
		require.True(t, more.Over(less), "%s over %s", pair[0], pair[1])
		require.False(t, less.Over(more))
	}
}

// The order is total and has no rings: of any three, exactly one stays, whichever
// two are met first.
func TestOverIsAnOrder(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	at := func() time.Time { return noon.Add(time.Duration(r.IntN(2)) * time.Hour) }
	record := func() ledger.Record {
		return ledger.Record{
			State: ledger.State(r.IntN(7)), Run: string(rune('a' + r.IntN(2))), MessageID: r.IntN(3), At: at(), Attempted: at(), Attempts: r.IntN(2), Reason: string(rune('a' + r.IntN(2))),
			Person: ledger.Person{byte(r.IntN(2))}, Class: ledger.Class(r.IntN(3)),
		}
	}
	run := func() ledger.Run {
		return ledger.Run{State: ledger.RunState(r.IntN(7)), Finished: at(), Started: at(), Reason: string(rune('a' + r.IntN(2)))}
	}
	for range 3000 {
		checkOrder(t, [3]ledger.Record{record(), record(), record()})
		checkOrder(t, [3]ledger.Run{run(), run(), run()})
	}
}

func checkOrder[T interface {
	comparable
	Over(T) bool
}](t *testing.T, x [3]T,
) {
	t.Helper()
	keep := func(a, b T) T {
		if b.Over(a) {
			return b
		}
		return a
	}
	for i := range x {
		a, b, c := x[i], x[(i+1)%3], x[(i+2)%3]
		require.Equal(t, a != b, a.Over(b) != b.Over(a), "%+v\n%+v", a, b)
		require.Equal(t, keep(keep(x[0], x[1]), x[2]), keep(a, keep(c, b)))
	}
}

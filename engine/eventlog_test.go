package engine

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// FuzzEvent holds what is written of an event against what its tags say.
func FuzzEvent(f *testing.F) {
	f.Add(int64(1_790_000_000_000_000_000), "settled", "send", "sent", "Ann \"<b>\"\n\u2028\x00", 3, int64(7), false)
	f.Add(int64(0), "", "", "", "\xff", -1, int64(-1), true)
	f.Fuzz(func(t *testing.T, at int64, kind, step, status, text string, n int, seq int64, until bool) {
		e := Event{
			At: time.Unix(0, at).In(time.FixedZone("", 3*3600)), Kind: EventKind(kind), Step: step, Status: status, Text: text,
			Stage: n, Done: n + 1, Total: n * 2, Contact: n, Message: n, Seq: seq,
		}
		if until {
			e.Until = e.At.Add(time.Hour)
		}
		line := e.appendJSON(nil)
		require.NotContains(t, string(line), "\n", "one event, one line")
		usual, err := json.Marshal(e)
		require.NoError(t, err)
		var want, got Event
		require.NoError(t, json.Unmarshal(usual, &want))
		require.NoError(t, json.Unmarshal(line, &got))
		require.Equal(t, want, got)
	})
}

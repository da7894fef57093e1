package engine_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/planfile"
)

const scheduled = `flow: scheduled
oncePer: %s
connection: { timezone: Asia/Almaty }
schedule: { cron: "%s" }
steps:
  - id: send
    uses: chat2desk_send_message
    with: { contactId: 101, message: hi }
`

// A period is that of the slot, however late the run that serves it.
func TestThePeriodIsThatOfTheSlot(t *testing.T) {
	for _, c := range []struct{ once, cron, at, period string }{
		{"day", "50 23 * * *", "2026-11-30T19:20:00Z", "2026-11-30"}, // 00:20 of the next day in Almaty
		{"month", "50 23 * * *", "2026-11-30T19:20:00Z", "2026-11"},
		{"week", "0 10 * * 1", "2026-11-22T12:00:00Z", "2026-W47"}, // a Sunday: Monday's slot
		{"week", "0 10 * * 1", "2026-11-23T04:59:00Z", "2026-W47"}, // Monday, a minute early
		{"week", "0 10 * * 1", "2026-11-23T05:00:00Z", "2026-W48"}, // Monday, on the dot
		{"run", "0 10 * * 1", "2026-11-25T05:00:00Z", "2026-11-23T10:00"},
		{"campaign", "0 10 * * 1", "2026-11-25T05:00:00Z", ""},
	} {
		t.Run(c.once+" at "+c.at, func(t *testing.T) {
			b := newBench(t, sandbox.Options{World: smallWorld(1)})
			at, err := time.Parse(time.RFC3339, c.at)
			require.NoError(t, err)
			b.now = at
			path := b.plan(b.compile(fmt.Sprintf(scheduled, c.once, c.cron)), nil)
			require.Equal(t, c.period, records[planfile.Send](t, path)[0].Period)
			require.NotNil(t, records[planfile.Header](t, path)[0].Slot)
		})
	}
}

// Cron that begins a flow twice, late, or by hand in between, serves each slot
// once; a run that goes on stays with the slot that it was planned for.
func TestASlotIsServedOnce(t *testing.T) {
	for _, once := range []string{"run", "day", "week"} {
		b := newBench(t, sandbox.Options{World: smallWorld(1)})
		p := b.compile(fmt.Sprintf(scheduled, once, "0 10 * * 1"))
		sent := 0
		for day := range 21 {
			for _, hour := range []int{4, 5, 20} {
				b.now = time.Date(2026, 11, 23+day, hour, 0, 0, 0, time.UTC)
				sent += b.apply(p, b.plan(p, nil)).Counts.Sent
			}
		}
		// The Monday before at 09:00, and three Mondays.
		require.Equal(t, 4, sent, once)
		require.Len(t, b.api.Accepted(), 4)
	}
}

func TestAPlanForAnotherSlot(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(1)})
	p := b.compile(fmt.Sprintf(scheduled, "week", "0 10 * * 1"))
	o := b.options(p, nil)
	next := time.Date(2026, 11, 23, 5, 0, 0, 0, time.UTC)
	o.Slot = &next
	path, err := planFile(t.Context(), p, o)
	require.NoError(t, err)
	require.Equal(t, "2026-W48", records[planfile.Send](t, path)[0].Period)
	sum, err := p.Summarize(path, 1)
	require.NoError(t, err)
	require.Equal(t, "2026-11-30T10:00:00+05:00", sum.Next.Format(time.RFC3339))
	require.Equal(t, "2026-11-23T10:00:00+05:00", sum.Head.Slot.Format(time.RFC3339))

	wrong := next.Add(time.Hour)
	o.Slot = &wrong
	_, err = p.Plan(t.Context(), o)
	var slot *engine.SlotError
	require.ErrorAs(t, err, &slot)
	require.Equal(t, engine.CauseUsage, engine.CauseOf(err))
	_, err = b.compile("flow: f\nsteps:\n  - id: x\n    uses: set\n    with: { a: 1 }\n").Plan(t.Context(), o)
	require.ErrorContains(t, err, "the flow has no schedule")
}

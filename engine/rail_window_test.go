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

// chats is a world of people who wrote at different times, by different ways.
func chats(t *testing.T) sandbox.World {
	t.Helper()
	w, err := sandbox.FromSeed(map[string]any{
		"now": "2026-11-22T12:00:00 UTC",
		"channels": []any{
			map[string]any{"id": 21, "name": "WhatsApp", "transports": []any{"wa_dialog"}},
			map[string]any{"id": 22, "name": "Telegram", "transports": []any{"telegram"}},
		},
		"clients": []any{
			map[string]any{"id": 11, "phone": "79160000011", "channels": []any{21}, "last_client_message": "2h ago"},
			map[string]any{"id": 12, "phone": "79160000012", "channels": []any{21}, "last_client_message": "25h ago"},
			map[string]any{"id": 13, "phone": "79160000013", "channels": []any{22}, "last_client_message": "25h ago"},
			map[string]any{"id": 14, "phone": "79160000014", "channels": []any{21, 22}, "last_client_message": "25h ago"},
		},
	})
	require.NoError(t, err)
	return w
}

const openWindow = "guard: { window: whatsapp }"

func TestWindow(t *testing.T) {
	for name, c := range map[string]struct {
		with  string
		want  []string // of 11, 12, 13, 14
		asked int64
	}{
		"no transport is named": {"", []string{"planned", "left_out by window", "planned", "left_out by window"}, 3},
		"WhatsApp":              {"          transport: wa_dialog\n", []string{"planned", "left_out by window", "left_out by window", "left_out by window"}, 0},
		"another transport":     {"          transport: telegram\n", []string{"planned", "planned", "planned", "planned"}, 0},
		"another channel":       {"          channelId: 22\n", []string{"planned", "left_out by window", "planned", "planned"}, 3},
		"an internal note":      {"          type: comment\n", []string{"planned", "planned", "planned", "planned"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, sandbox.Options{World: chats(t)})
			path := b.plan(b.compile(toAll("spring", openWindow, c.with)), nil)
			var want []string
			for i, status := range c.want {
				want = append(want, fmt.Sprintf("%d send: %s", 11+i, status))
			}
			require.Equal(t, want, rows(t, path))
			plan, err := planfile.Check(path)
			require.NoError(t, err)
			require.Equal(t, c.asked, plan.End.Asked)
		})
	}
}

func TestTemplatesPassTheWindow(t *testing.T) {
	b := newBench(t, sandbox.Options{World: chats(t)})
	src := fmt.Sprintf(`flow: hook
%s
steps:
  - id: clients
    uses: chat2desk_list_clients
  - id: send
    forEach: ${{ steps.clients.outputs.clients }}
    as: client
    uses: chat2desk_send_message
    with:
      contactId: ${{ client.id }}
      transport: wa_dialog
      message: |
        @HSM@
        claims_13|ru
        Anna
`, openWindow)
	require.Equal(t, 4, b.run(src, nil).Counts.Planned)
}

func TestWindowMayCloseUntilApply(t *testing.T) {
	b := newBench(t, sandbox.Options{World: chats(t)})
	p := b.compile(toAll("spring", openWindow, "          transport: wa_dialog\n"))
	path := b.plan(p, nil)
	b.now = b.now.Add(22*time.Hour + time.Minute)
	r := b.apply(p, path)
	require.Equal(t, 1, r.Counts.Planned)
	require.Equal(t, 1, r.Counts.Skipped)
	require.Contains(t, r.Problems[0].Reason, "window: ")
	require.Empty(t, b.api.Accepted())
}

func TestWindowOfTheProject(t *testing.T) {
	b := newBench(t, sandbox.Options{World: chats(t)})
	p, problems := b.compile(toAll("spring", "", "          transport: wa_dialog\n")).Under(projectOf(t, openWindow))
	require.Empty(t, problems)
	path := b.plan(p, nil)
	require.Contains(t, rows(t, path), "12 send: left_out by window")
	plan, err := planfile.Check(path)
	require.NoError(t, err)
	require.Zero(t, plan.End.Asked, "the records are read with what the project's rails want")
}

// A plan whose rows nobody asked about is none for a project that has a window by
// then.
func TestAWindowThatComesAfterThePlan(t *testing.T) {
	b := newBench(t, sandbox.Options{World: chats(t)})
	p := b.compile(toAll("spring", "", ""))
	path := b.plan(p, nil)
	under, looser := p.Under(projectOf(t, openWindow))
	require.Empty(t, looser)
	_, err := applyFile(t.Context(), under, path, engine.ApplyOptions{Options: b.options(under, nil)})
	require.Equal(t, engine.CauseStale, engine.CauseOf(err))
	require.ErrorContains(t, err, "guard.window holds now")
	require.Empty(t, b.api.Accepted())
}

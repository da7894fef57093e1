package engine_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
	"github.com/flowrunner/flowrunner/engine"
)

const broadcast = `flow: spring
inputs:
  promo: { type: string, required: true, pattern: "^[A-Z0-9]{4,12}$" }
steps:
  - id: clients
    uses: chat2desk_list_clients
  - id: some
    uses: filter
    with:
      items: ${{ steps.clients.outputs.clients }}
      where: item.id != 103
      else: is number 103
  - id: outreach
    forEach: ${{ steps.some.outputs.items }}
    as: client
    concurrency: 4
    steps:
      - id: history
        uses: chat2desk_list_messages
        with:
          contactId: ${{ client.id }}
          limit: 20
      - id: send
        if: client.id != 104 and none(steps.history.outputs.messages, .type == "from_client" and lower(.text ?? "") contains "stop")
        else: is number 104
        uses: chat2desk_send_message
        with:
          contactId: ${{ client.id }}
          message: |
            Hello ${{ client.name ?? "friend" }}!
            The code ${{ inputs.promo }}.
outputs:
  sent: ${{ steps.outreach.outputs.sent }}
  count: ${{ steps.outreach.outputs.count }}
`

func TestBroadcast(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(10)})
	r := b.run(broadcast, map[string]any{"promo": "SPRING"})
	require.Empty(t, r.Causes, r.Reason)
	require.Equal(t, 8, r.Counts.Sent)
	require.Equal(t, 8, r.Counts.Planned)
	require.Equal(t, 1, r.Counts.LeftOut)
	require.Equal(t, []engine.NamedValue{{Name: "sent", Value: 8}, {Name: "count", Value: 9}}, r.Outputs)
	texts := b.texts()
	require.Len(t, texts, 8)
	require.Equal(t, []string{"Hello Client A!\nThe code SPRING."}, texts[101])

	again := b.run(broadcast, map[string]any{"promo": "SPRING"})
	require.Empty(t, again.Causes)
	require.Zero(t, again.Counts.Sent)
	require.Equal(t, 8, again.Counts.AlreadySent)
	require.Len(t, b.api.Accepted(), 8)
}

package engine_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
	"github.com/flowrunner/flowrunner/engine/planfile"
)

// However many reasons an `else` names, a plan counts a hundred of them apart from
// each other, and every row still has its own.
func TestReasonsWithoutEnd(t *testing.T) {
	const clients = 150
	b := newBench(t, sandbox.Options{World: smallWorld(clients)})
	path := b.plan(b.compile(`flow: reasons
steps:
  - id: clients
    uses: chat2desk_list_clients
  - id: send
    forEach: ${{ steps.clients.outputs.clients }}
    if: item.id == 101
    else: it is ${{ item.id }}
    uses: chat2desk_send_message
    with: { contactId: "${{ item.id }}", message: hi }
`), nil)
	counted := records[planfile.LeftOut](t, path)
	require.Len(t, counted, 101)
	require.Equal(t, "it is 102", counted[0].Reason)
	require.Equal(t, planfile.LeftOut{Type: "leftOut", Step: "send", Reason: "other reasons", Count: clients - 101}, counted[100])
	sends := records[planfile.Send](t, path)
	require.Len(t, sends, clients)
	require.Equal(t, "it is 250", sends[clients-1].Reason)
}

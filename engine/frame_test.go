package engine_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
)

// TestAnIterationSeesNothingOfTheOneBefore has steps that every other iteration
// leaves out, after one that has set them.
func TestAnIterationSeesNothingOfTheOneBefore(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(4)})
	r := b.run(`flow: fresh
steps:
  - id: clients
    uses: chat2desk_list_clients
  - id: outreach
    forEach: ${{ steps.clients.outputs.clients }}
    as: client
    outputs:
      id: ${{ client.id }}
      index: ${{ index }}
      word: ${{ steps.mark.outputs.word }}
      mark: ${{ steps.mark.status }}
      inner: ${{ steps.inner.outputs.items }}
      sent: ${{ steps.send.status }}
    steps:
      - id: mark
        if: client.id % 2 == 1
        uses: set
        with:
          word: word of ${{ client.id }}
      - id: check
        uses: assert
        onError: continue
        with:
          that: client.id != 104
          message: nobody writes to the last one
      - id: inner
        if: client.id != 103
        forEach: ${{ [1, 2] }}
        as: n
        outputs:
          both: ${{ client.id * 10 + n }}
          odd: ${{ steps.odd.outputs.n }}
        steps:
          - id: odd
            if: n == 1
            uses: set
            with:
              n: ${{ n }}
      - id: send
        uses: chat2desk_send_message
        with:
          contactId: ${{ client.id }}
          message: ${{ steps.mark.outputs.word }}
outputs:
  items: ${{ steps.outreach.outputs.items }}
`, nil)
	require.Empty(t, r.Causes, r.Reason)
	inner := func(id int, odd any) []any {
		return []any{map[string]any{"both": id*10 + 1, "odd": odd}, map[string]any{"both": id*10 + 2, "odd": nil}}
	}
	require.Equal(t, []any{
		map[string]any{"id": 101, "index": 0, "word": "word of 101", "mark": "ok", "inner": inner(101, 1), "sent": "sent"},
		map[string]any{"id": 102, "index": 1, "word": nil, "mark": "skipped", "inner": inner(102, 1), "sent": "left_out"},
		map[string]any{"id": 103, "index": 2, "word": "word of 103", "mark": "ok", "inner": inner(103, nil), "sent": "sent"},
		map[string]any{"id": 104, "index": 3, "word": nil, "mark": "skipped", "inner": nil, "sent": "left_out"},
	}, r.Outputs[0].Value)
	require.Equal(t, map[int64][]string{101: {"word of 101"}, 103: {"word of 103"}}, b.texts())
}

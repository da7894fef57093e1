package engine_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/steps"
)

func TestNeedsNameWhatFlowsBetweenSteps(t *testing.T) {
	doc, problems := flow.Parse("f", []byte(`flow: needs
steps:
  - id: clients
    uses: chat2desk_list_clients
  - id: each
    forEach: ${{ steps.clients.outputs.clients }}
    as: client
    if: steps.clients.outputs.total > 1 and steps.clients.outputs.total < 9
    steps:
      - id: text
        uses: set
        with: { id: "${{ client.id }}" }
    outputs:
      id: ${{ steps.text.outputs.id }}
  - id: show
    uses: print
    with: { message: "${{ len(steps.each.outputs.items) }} ${{ steps.clients.status }}" }
outputs:
  all: ${{ steps.each.outputs.count }}
`))
	require.Empty(t, problems)
	p, problems := engine.Compile(doc, steps.Registry(), nil)
	require.False(t, problems.HasErrors(), "%v", problems)

	needs := map[string][]engine.Need{}
	p.Walk(func(s *engine.Step) { needs[s.ID] = s.Needs() })
	require.Empty(t, needs["clients"])
	require.Empty(t, needs["text"], "a loop's item is no step")
	require.ElementsMatch(t, []engine.Need{{Step: "clients", Name: "total"}, {Step: "clients", Name: "clients"}, {Step: "text", Name: "id"}}, needs["each"])
	require.Equal(t, []engine.Need{{Step: "each", Name: "items"}, {Step: "clients", Name: "status"}}, needs["show"])
	require.Equal(t, []engine.Need{{Step: "each", Name: "count"}}, p.Needs())
}

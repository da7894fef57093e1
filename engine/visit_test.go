package engine_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/planfile"
	"github.com/flowrunner/flowrunner/engine/step"
)

// visited is a flow in which every sort of decision is made.
const visited = `flow: visited
guard: { maxSends: 10 }
steps:
  - id: clients
    uses: chat2desk_list_clients
  - id: nobody
    if: steps.clients.outputs.total > 1000
    else: a small account
    uses: chat2desk_list_clients
  - id: later
    uses: filter
    with: { items: "${{ steps.nobody.outputs.clients }}", where: "true" }
  - id: each
    forEach: ${{ steps.clients.outputs.clients }}
    as: client
    steps:
      - id: history
        uses: chat2desk_list_messages
        with: { contactId: "${{ client.id }}" }
      - id: send
        if: len(steps.history.outputs.messages) > 0
        else: never wrote
        uses: chat2desk_send_message
        with: { contactId: "${{ client.id }}", message: Hello }
outputs:
  sent: ${{ steps.each.outputs.sent }}
  all: ${{ len(steps.each.outputs.items) }}
`

func TestVisitsTellEveryDecision(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(2)})
	p := b.compile(visited)
	o := b.options(p, nil)
	var got []string
	o.Run = "a-run"
	o.Visit = func(v engine.Visit) {
		got = append(got, fmt.Sprint(v.Step, v.Item, " if=", v.If, " ran=", v.Ran, " left=", v.LeftOut, " ", v.Contact, " ", v.Reason))
	}
	o.Mock = func(q engine.Reading) (map[string]any, bool, error) {
		if q.Step != "history" {
			return nil, false, nil
		}
		if q.Args["contactId"] == 101 {
			return map[string]any{"messages": []any{}}, true, nil
		}
		return map[string]any{"messages": []any{map[string]any{"id": 1}}}, true, nil
	}
	path, err := planFile(t.Context(), p, o)
	require.NoError(t, err)
	require.Equal(t, []string{
		"clients[] if=0 ran=true left=false 0 ",
		"nobody[] if=2 ran=false left=false 0 a small account",
		"each[0] if=0 ran=true left=false 0 ",
		"history[0] if=0 ran=true left=false 0 ",
		"send[0] if=2 ran=false left=false 0 never wrote",
		"send[0] if=0 ran=false left=true 101 never wrote",
		"each[1] if=0 ran=true left=false 0 ",
		"history[1] if=0 ran=true left=false 0 ",
		"send[1] if=1 ran=true left=false 0 ",
	}, got)
	require.Equal(t, "a-run", records[planfile.Header](t, path)[0].Run)
	for path, want := range map[[2]string]bool{
		{"clients", "total"}: true, {"clients", "clients"}: true, {"nobody", "total"}: false, {"each", "items"}: true, {"each", "failed"}: false,
	} {
		require.Equal(t, want, p.Reads(path[0], path[1]), "%s", path)
	}
}

func TestMockThatFailsStopsThePlan(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(2)})
	p := b.compile(visited)
	o := b.options(p, nil)
	o.Mock = func(engine.Reading) (map[string]any, bool, error) {
		return nil, true, &step.Failure{Class: step.ClassToken, Reason: "no"}
	}
	_, err := p.Plan(t.Context(), o)
	require.EqualError(t, err, "step clients: no")
	require.Equal(t, engine.CauseToken, engine.CauseOf(err))
}

// TestLoopOverNothingHasCounts: a loop without an iteration has settled too.
func TestLoopOverNothingHasCounts(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(0)})
	r := b.run(visited, nil)
	require.Equal(t, []engine.NamedValue{{Name: "sent", Value: 0}, {Name: "all", Value: 0}}, r.Outputs)
}

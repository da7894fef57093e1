package steps

import (
	"context"
	"fmt"

	"github.com/flowrunner/flowrunner/engine/step"
)

type limitIn struct {
	Items step.Stream[step.Any] `flow:"items" doc:"The records to pass on."`
	Count int                   `flow:"count" min:"1" doc:"How many records to pass on at most."`
}

type limitOut struct {
	Items step.Stream[step.Any] `flow:"items" like:"items" doc:"The first records, at most count of them."`
}

var _ = declare(step.Compute(step.Doc{
	Name:    "limit",
	Summary: "Pass on the first records only.",
	Detail: "What comes after the limit is not read, which saves API calls, so it is not counted either: plan shows one record " +
		"as left out to say that there was more.",
	Since: since,
	Reads: itemsOnly,
	Stops: true,
	Example: `flow: example-limit
steps:
  - id: clients
    uses: chat2desk_list_clients
  - id: few
    uses: limit
    with:
      items: ${{ steps.clients.outputs.clients }}
      count: 10
outputs:
  clients: ${{ steps.few.outputs.items }}
`,
}, limit))

func limit(ctx context.Context, in limitIn) (limitOut, error) {
	return limitOut{Items: step.StreamOf(func(yield func(step.Any, error) bool) {
		n := 0
		for rec, err := range in.Items.All() {
			if n == in.Count {
				// All that was asked for has been given, so an error here is nobody's.
				if err == nil {
					step.HostOf(ctx).LeaveOut(fmt.Sprintf("beyond the limit of %d (what follows was not read)", in.Count), 1)
				}
				return
			}
			n++
			if !yield(rec, err) || err != nil {
				return
			}
		}
	})}, nil
}

package steps

import (
	"context"
	"fmt"

	"github.com/flowrunner/flowrunner/engine/step"
)

type filterIn struct {
	Items step.Stream[step.Any] `flow:"items" doc:"The records to choose from."`
	Where step.Predicate        `flow:"where" item:"items" doc:"The condition that a record, called item, must meet to be passed on."`
	Else  string                `flow:"else" optional:"true" default:"did not match where" doc:"The reason that plan shows for the records left out."`
}

type filterOut struct {
	Items step.Stream[step.Any] `flow:"items" like:"items" doc:"The records that met the condition, in their order."`
	Count int                   `flow:"count" count:"items" doc:"How many records met the condition."`
}

var _ = declare(step.Compute(step.Doc{
	Name:    "filter",
	Summary: "Pass on the records that meet a condition.",
	Detail: "Records stream through one by one. Those left out are counted, and plan shows their number with the reason in else. " +
		"The result of where must be true or false: a possibly-nil field needs a default, as in (item.name ?? \"\") != \"\".",
	Since: since,
	Reads: itemsOnly,
	Example: `flow: example-filter
steps:
  - id: clients
    uses: chat2desk_list_clients
    with:
      limit: 50
  - id: recent
    uses: filter
    with:
      items: ${{ steps.clients.outputs.clients }}
      where: within(item.last_client_message, "90d")
      else: silent for more than 90 days
outputs:
  recent: ${{ steps.recent.outputs.count }}
`,
}, filter))

func filter(ctx context.Context, in filterIn) (filterOut, error) {
	reason := in.Else
	if reason == "" {
		reason = "did not match where"
	}
	return filterOut{Items: step.StreamOf(func(yield func(step.Any, error) bool) {
		n, left := 0, 0
		defer leaveOut(ctx, reason, &left)
		for rec, err := range in.Items.All() {
			if err == nil {
				err = alive(ctx, n)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			n++
			keep, err := in.Where.Test(rec)
			if err != nil {
				yield(nil, fmt.Errorf("where, record %d: %w", n, err))
				return
			}
			if !keep {
				left++
				continue
			}
			if !yield(rec, nil) {
				return
			}
		}
	})}, nil
}

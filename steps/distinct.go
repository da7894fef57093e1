package steps

import (
	"context"

	"github.com/flowrunner/flowrunner/engine/step"
)

// maxKeys is how many different keys distinct remembers. Keys are small where
// records are not, so it may hold more of them than other kinds of records.
const maxKeys = 5_000_000

type distinctIn struct {
	Items step.Stream[step.Any] `flow:"items" doc:"The records, some of them perhaps the same."`
	By    step.Expr             `flow:"by" item:"items" optional:"true" doc:"The value of the record item that tells records apart; without it the whole record does."`
}

type distinctOut struct {
	Items step.Stream[step.Any] `flow:"items" like:"items" doc:"The first record of each value, in their order, and every record whose value is nil."`
}

var _ = declare(step.Compute(step.Doc{
	Name:    "distinct",
	Summary: "Pass on each record once.",
	Detail: "The first record of each value is kept; the others are counted as left out. A record whose value is nil is never " +
		"taken for another one, so people without a phone are all kept by `by: item.phone`. Up to 5,000,000 different values are remembered.",
	Since: since,
	Reads: func(c step.Call, _ string) ([]string, bool) { _, by := c.Shapes["by"]; return nil, by },
	Example: `flow: example-distinct
steps:
  - id: clients
    uses: chat2desk_list_clients
    with:
      limit: 50
  - id: once
    uses: distinct
    with:
      items: ${{ steps.clients.outputs.clients }}
      by: item.phone
outputs:
  clients: ${{ steps.once.outputs.items }}
`,
}, func(ctx context.Context, in distinctIn) (distinctOut, error) { return distinct(ctx, in, maxKeys) }))

func distinct(ctx context.Context, in distinctIn, limit int) (distinctOut, error) {
	return distinctOut{Items: step.StreamOf(func(yield func(step.Any, error) bool) {
		n, left := 0, 0
		defer leaveOut(ctx, "the same as an earlier record", &left)
		seen := map[any]bool{}
		for rec, err := range in.Items.All() {
			if err == nil {
				err = alive(ctx, n)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			n++
			value := rec
			if in.By != nil {
				if value, err = evaluate(in.By, "by", rec, n); err != nil {
					yield(nil, err)
					return
				}
			}
			if value != nil {
				key := keyOf(value)
				if seen[key] {
					left++
					continue
				}
				if len(seen) == limit {
					yield(nil, tooMany("items", limit, "split the list with filter and take distinct of each part"))
					return
				}
				seen[key] = true
			}
			if !yield(rec, nil) {
				return
			}
		}
	})}, nil
}

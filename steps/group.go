package steps

import (
	"context"

	"github.com/flowrunner/flowrunner/engine/step"
)

type groupIn struct {
	Items step.Stream[step.Any] `flow:"items" doc:"The records to put into groups."`
	By    step.Expr             `flow:"by" item:"items" doc:"The value that the records of one group, each called item, have in common."`
}

// bundle is one result of group.
type bundle struct {
	Key   any   `flow:"key" doc:"The value that the records have in common."`
	Count int   `flow:"count" doc:"How many records the group holds."`
	Items []any `flow:"items" doc:"The records, in their order."`
}

type groupOut struct {
	Groups step.Stream[bundle] `flow:"groups" doc:"One {key, count, items} for each value, in the order in which the values first came."`
}

var _ = declare(step.Compute(step.Doc{
	Name:    "group",
	Summary: "Put records that have a value in common together.",
	Detail: "Records whose value is nil form a group of their own, with the key nil. The list is held in memory, up to " +
		"1,000,000 records; make it smaller first with filter.",
	Since: since,
	Example: `flow: example-group
steps:
  - id: transfers
    uses: chat2desk_list_transfers
    with:
      limit: 200
  - id: operators
    uses: group
    with:
      items: ${{ steps.transfers.outputs.transfers }}
      by: item.from_operator_name
outputs:
  operators: ${{ steps.operators.outputs.groups }}
connection:
  timezone: Europe/Moscow
`,
	Infer: inferGroup,
}, group))

func inferGroup(c step.Call) ([]step.Field, error) {
	by, elem := c.Shapes["by"], c.Shapes["items"].Element()
	g := step.ShapeOf[bundle]()
	g.Fields[0].Shape, g.Fields[2].Shape = by, step.ListOf(elem)
	return outputs[groupOut](map[string]step.Shape{"groups": step.StreamShape(g)}), nil
}

func group(ctx context.Context, in groupIn) (groupOut, error) {
	return groupOut{Groups: step.StreamOf(func(yield func(bundle, error) bool) {
		all, err := collect(ctx, in.Items, "items", in.By, "by", "make the list smaller with filter before group")
		if err != nil {
			yield(bundle{}, err)
			return
		}
		var groups []*bundle
		places := map[any]*bundle{}
		for _, k := range all {
			key := keyOf(k.key)
			g := places[key]
			if g == nil {
				g = &bundle{Key: k.key}
				places[key] = g
				groups = append(groups, g)
			}
			g.Items = append(g.Items, k.rec)
			g.Count++
		}
		for _, g := range groups {
			if !yield(*g, nil) {
				return
			}
		}
	})}, nil
}

package steps

import (
	"cmp"
	"context"

	"github.com/flowrunner/flowrunner/engine/step"
)

type groupIn struct {
	Items step.Stream[step.Any] `flow:"items" doc:"The records to put into groups." held:"1,000,000 records a group"`
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
	Detail: "Records whose value is nil form a group of their own, with the key nil. Long lists are put aside on the disk of the " +
		"run's folder; what is held in memory is one group at a time, up to 1,000,000 records a group.",
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
}, func(ctx context.Context, in groupIn) (groupOut, error) { return group(ctx, in, maxCollected) }))

func inferGroup(c step.Call) ([]step.Field, error) {
	by, elem := c.Shapes["by"], c.Shapes["items"].Element()
	g := step.ShapeOf[bundle]()
	g.Fields[0].Shape, g.Fields[2].Shape = by, step.ListOf(elem)
	return outputs[groupOut](map[string]step.Shape{"groups": step.StreamShape(g)}), nil
}

func group(ctx context.Context, in groupIn, most int) (groupOut, error) {
	return groupOut{Groups: step.StreamOf(func(yield func(bundle, error) bool) {
		if err := groups(ctx, in, most, yield); err != nil {
			yield(bundle{}, err)
		}
	})}, nil
}

// groups brings the records of each group together, by the first of each.
func groups(ctx context.Context, in groupIn, most int, yield func(bundle, error) bool) error {
	o, err := newOrder(ctx, func(a, b any) int { return cmp.Compare(a.(int), b.(int)) })
	if err != nil {
		return err
	}
	defer o.Close()
	for r, err := range firsts(ctx, keyed(ctx, in.Items, in.By, "by"), byValue) {
		if err == nil {
			err = o.Add(r)
		}
		if err != nil {
			return err
		}
	}
	var g bundle
	first := 0
	for r, err := range o.rows() {
		if err == nil && r.key != first {
			if first != 0 && !yield(g, nil) {
				return nil
			}
			first = r.key.(int)
			g = bundle{}
			g.Key, err = evaluate(in.By, "by", r.rec, r.n)
		}
		if err == nil && g.Count == most {
			err = tooMany("a group", most, "make the list smaller with filter before group")
		}
		if err != nil {
			return err
		}
		g.Items = append(g.Items, r.rec)
		g.Count++
	}
	if first != 0 {
		yield(g, nil)
	}
	return nil
}

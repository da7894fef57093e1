package steps

import (
	"context"
	"fmt"

	"github.com/flowrunner/flowrunner/engine/step"
)

type mapIn struct {
	Items step.Stream[step.Any] `flow:"items" doc:"The records to change."`
	To    step.Named[step.Expr] `flow:"to" item:"items" optional:"false" doc:"The fields of each new record, by name; in their values the old record is item."`
}

type mapOut struct {
	Items step.Stream[step.Any] `flow:"items" doc:"The new records, with exactly the fields of to."`
}

var _ = declare(step.Compute(step.Doc{
	Name:    "map",
	Summary: "Make a new record of each record.",
	Detail:  "A value of to is text, or an expression in ${{ }} that may read item. Columns of a CSV file keep the order written here.",
	Since:   since,
	Reads:   itemsOnly,
	Example: `flow: example-map
steps:
  - id: clients
    uses: chat2desk_list_clients
    with:
      limit: 50
  - id: rows
    uses: map
    with:
      items: ${{ steps.clients.outputs.clients }}
      to:
        client: ${{ item.id }}
        name: ${{ item.assigned_name ?? item.name ?? "unnamed" }}
finally:
  - id: save
    uses: write_csv
    with:
      path: out/clients.csv
      rows: ${{ steps.rows.outputs.items }}
`,
	Infer: inferMap,
}, mapRecords))

func inferMap(c step.Call) ([]step.Field, error) {
	to := c.Shapes["to"]
	if to.Form == step.FormObject && len(to.Fields) == 0 && !to.Open {
		return nil, &step.ArgError{Param: "to", Problem: "has no names; write at least one field, as in `name: ${{ item.name }}`"}
	}
	record := step.ObjectOf(to.Fields...)
	record.Open = to.Open || to.Form != step.FormObject
	return outputs[mapOut](map[string]step.Shape{"items": step.StreamShape(record)}), nil
}

func mapRecords(ctx context.Context, in mapIn) (mapOut, error) {
	return mapOut{Items: step.StreamOf(func(yield func(step.Any, error) bool) {
		n := 0
		for rec, err := range in.Items.All() {
			if err == nil {
				err = alive(ctx, n)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			n++
			out := make(map[string]any, len(in.To))
			for _, f := range in.To {
				v, err := f.Value.Eval(rec)
				if err != nil {
					yield(nil, fmt.Errorf("to.%s, record %d: %w", f.Name, n, err))
					return
				}
				out[f.Name] = v
			}
			if !yield(out, nil) {
				return
			}
		}
	})}, nil
}

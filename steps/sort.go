package steps

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/flowrunner/flowrunner/engine/step"
)

type sortIn struct {
	Items step.Stream[step.Any] `flow:"items" doc:"The records to bring into order."`
	By    step.Expr             `flow:"by" item:"items" doc:"The value to sort by: a number, a text, a time or a duration of the record item."`
	Order string                `flow:"order" optional:"true" enum:"asc,desc" default:"asc" doc:"Whether the smallest (asc) or the greatest (desc) comes first."`
}

type sortOut struct {
	Items step.Stream[step.Any] `flow:"items" like:"items" doc:"The records in order; equal ones keep their order, and those whose value is nil come last."`
}

var _ = declare(step.Compute(step.Doc{
	Name:    "sort",
	Summary: "Bring records into order.",
	Detail: "Records whose value is nil come last in either order. Texts compare character by character, capitals before small " +
		"letters: sort by lower(…) to mix them. Long lists are put aside on the disk of the run's folder, so they take no more memory than short ones.",
	Since: since,
	Reads: itemsOnly,
	Example: `flow: example-sort
steps:
  - id: clients
    uses: chat2desk_list_clients
    with:
      limit: 50
  - id: newest
    uses: sort
    with:
      items: ${{ steps.clients.outputs.clients }}
      by: item.last_client_message
      order: desc
  - id: top
    uses: limit
    with:
      items: ${{ steps.newest.outputs.items }}
      count: 10
outputs:
  clients: ${{ steps.top.outputs.items }}
`,
	Infer: inferSort,
}, sortRecords))

func inferSort(c step.Call) ([]step.Field, error) {
	switch by := c.Shapes["by"]; by.Form {
	case step.FormAny, step.FormInt, step.FormNumber, step.FormText, step.FormTime, step.FormDuration:
	default:
		return nil, &step.ArgError{Param: "by", Problem: fmt.Sprintf(
			"is %s, which has no order; allowed: integer, number, text, time, duration", by)}
	}
	return outputs[sortOut](map[string]step.Shape{"items": step.StreamShape(c.Shapes["items"].Element())}), nil
}

func sortRecords(ctx context.Context, in sortIn) (sortOut, error) {
	sign := 1
	if in.Order == "desc" {
		sign = -1
	}
	by := func(a, b any) int {
		switch {
		case a == nil && b == nil:
			return 0
		case a == nil:
			return 1
		case b == nil:
			return -1
		}
		return sign * compare(a, b)
	}
	return sortOut{Items: step.StreamOf(func(yield func(step.Any, error) bool) {
		o, err := newOrder(ctx, by)
		if err != nil {
			yield(nil, err)
			return
		}
		defer o.Close()
		family := ""
		for r, err := range keyed(ctx, in.Items, in.By, "by") {
			if err == nil {
				err = orderable(r, &family)
			}
			if err == nil {
				err = o.Add(r)
			}
			if err != nil {
				yield(nil, err)
				return
			}
		}
		for r, err := range o.rows() {
			if !yield(r.rec, err) || err != nil {
				return
			}
		}
	})}, nil
}

// orderable makes sure that all keys but nil can be compared with each other. before is the
// family of those before.
func orderable(r row, before *string) error {
	if r.key == nil {
		return nil
	}
	f := family(r.key)
	switch {
	case f == "":
		return fmt.Errorf("by, record %d: the value has no order; allowed: integer, number, text, time, duration", r.n)
	case *before != "" && f != *before:
		return fmt.Errorf("by, record %d: is a %s, but the records before it gave a %s; values of one kind can be ordered", r.n, f, *before)
	}
	*before = f
	return nil
}

// family names the values that compare with each other; "" has no order.
func family(v any) string {
	switch v.(type) {
	case int, float64:
		return "number"
	case string:
		return "text"
	case time.Time:
		return "time"
	case time.Duration:
		return "duration"
	}
	return ""
}

// compare orders two values of one family.
func compare(a, b any) int {
	switch x := a.(type) {
	case int:
		if y, ok := b.(int); ok {
			return cmp.Compare(x, y)
		}
		return cmp.Compare(float64(x), b.(float64))
	case float64:
		if y, ok := b.(int); ok {
			return cmp.Compare(x, float64(y))
		}
		return cmp.Compare(x, b.(float64))
	case string:
		return strings.Compare(x, b.(string))
	case time.Time:
		return x.Compare(b.(time.Time))
	}
	return cmp.Compare(a.(time.Duration), b.(time.Duration))
}

package steps

import (
	"context"
	"fmt"

	"github.com/flowrunner/flowrunner/engine/step"
)

type joinIn struct {
	Left     step.Stream[step.Any] `flow:"left" doc:"The records to find partners for; they stream."`
	Right    step.Stream[step.Any] `flow:"right" doc:"The partners; they are held in memory, so put the smaller list here." held:"1,000,000 records"`
	LeftKey  step.Expr             `flow:"leftKey" item:"left" doc:"The value of a left record, called item, that is compared."`
	RightKey step.Expr             `flow:"rightKey" item:"right" doc:"The value of a right record, called item, that is compared."`
	Kind     string                `flow:"kind" optional:"true" enum:"inner,left,anti" default:"inner" doc:"Which left records to give: those with a partner (inner), all (left), those without (anti)."`
}

// pair is one result of join: left as it came, right nil where there is none.
type pair struct {
	Left  any `flow:"left" doc:"The left record."`
	Right any `flow:"right" doc:"Its partner, nil where there is none."`
}

type joinOut struct {
	Items step.Stream[pair] `flow:"items" doc:"One {left, right} for each left record and each of its partners, in the order of left."`
}

var _ = declare(step.Compute(step.Doc{
	Name:    "join",
	Summary: "Bring the records of two lists together by a key.",
	Detail: "A nil key never matches anything. A left record with several partners is given once with each. " +
		"The right list is held in memory, up to 1,000,000 records; the left one streams.",
	Since: since,
	Example: `flow: example-join
steps:
  - id: segment
    uses: read_csv
    with:
      path: segment.csv
      columns: { phone: string, offer: string }
  - id: clients
    uses: chat2desk_list_clients
    with:
      limit: 50
  - id: matched
    uses: join
    with:
      left: ${{ steps.clients.outputs.clients }}
      right: ${{ steps.segment.outputs.rows }}
      leftKey: item.phone
      rightKey: item.phone
outputs:
  matched: ${{ steps.matched.outputs.items }}
`,
	Files: map[string]string{"segment.csv": "phone,offer\n79160000001,15%\n79160000002,20%\n"},
	Infer: inferJoin,
}, join))

func inferJoin(c step.Call) ([]step.Field, error) {
	l, r := c.Shapes["leftKey"], c.Shapes["rightKey"]
	if !l.Accepts(r) && !r.Accepts(l) {
		return nil, &step.ArgError{Param: "rightKey", Problem: fmt.Sprintf(
			"is %s and leftKey is %s: they can never be equal; convert one with string() or int()", r.NotNil(), l.NotNil())}
	}
	right := c.Shapes["right"].Element()
	if kind, ok := c.Literals["kind"]; !ok && c.Shapes["kind"].Form != step.FormAny || ok && kind != "inner" {
		right = right.OrNil()
	}
	item := step.ShapeOf[pair]()
	item.Fields[0].Shape, item.Fields[1].Shape = c.Shapes["left"].Element(), right
	return outputs[joinOut](map[string]step.Shape{"items": step.StreamShape(item)}), nil
}

func join(ctx context.Context, in joinIn) (joinOut, error) {
	return joinOut{Items: step.StreamOf(func(yield func(pair, error) bool) {
		partners, err := partnersOf(ctx, in)
		if err != nil {
			yield(pair{}, err)
			return
		}
		n, left := 0, 0
		reason := "no partner in right"
		if in.Kind == "anti" {
			reason = "has a partner in right"
		}
		defer leaveOut(ctx, reason, &left)
		for rec, err := range in.Left.All() {
			if err == nil {
				err = alive(ctx, n)
			}
			n++
			var key any
			if err == nil {
				key, err = evaluate(in.LeftKey, "leftKey", rec, n)
			}
			if err != nil {
				yield(pair{}, err)
				return
			}
			var found []any
			if key != nil {
				found = partners[keyOf(key)]
			}
			switch {
			case in.Kind == "anti" && len(found) > 0, len(found) == 0 && in.Kind != "anti" && in.Kind != "left":
				left++
				continue
			case len(found) == 0:
				found = []any{nil}
			}
			for _, partner := range found {
				if !yield(pair{rec, partner}, nil) {
					return
				}
			}
		}
	})}, nil
}

// partnersOf reads the right list into a table by key.
func partnersOf(ctx context.Context, in joinIn) (map[any][]any, error) {
	partners := map[any][]any{}
	for r, err := range keyed(ctx, in.Right, in.RightKey, "rightKey") {
		if err == nil && r.n > maxCollected {
			err = tooMany("right", maxCollected, "give the longer list as left, which streams, or make this one smaller with filter")
		}
		if err != nil {
			return nil, err
		}
		if r.key != nil {
			key := keyOf(r.key)
			partners[key] = append(partners[key], r.rec)
		}
	}
	return partners, nil
}

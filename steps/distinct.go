package steps

import (
	"context"
	"iter"
	"strconv"

	"github.com/flowrunner/flowrunner/engine/step"
)

// maxKnown is how many different values distinct holds in memory, 16 bytes of each. What
// comes after so many is put aside and sorted.
const maxKnown = 100_000

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
		"taken for another one, so people without a phone are all kept by `by: item.phone`. After 100,000 different values the rest of " +
		"the list is put aside on the disk of the run's folder, and read to its end.",
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
}, func(ctx context.Context, in distinctIn) (distinctOut, error) { return distinct(ctx, in, maxKnown) }))

func distinct(ctx context.Context, in distinctIn, most int) (distinctOut, error) {
	by := in.By
	if by == nil {
		by = itself{}
	}
	return distinctOut{Items: step.StreamOf(func(yield func(step.Any, error) bool) {
		left := 0
		defer leaveOut(ctx, "the same as an earlier record", &left)
		next, stop := iter.Pull2(keyed(ctx, in.Items, by, "by"))
		defer stop()

		known := map[[16]byte]bool{}
		fresh := func(r row) bool { // also while nobody can be remembered any more
			if r.key == nil {
				return true
			}
			f := fingerprint(r.key)
			if known[f] {
				left++
				return false
			}
			if len(known) < most {
				known[f] = true
			}
			return true
		}
		for len(known) < most {
			r, err, more := next()
			if !more {
				return
			}
			if err == nil && !fresh(r) {
				continue
			}
			if !yield(r.rec, err) || err != nil {
				return
			}
		}
		rest := func(yield func(row, error) bool) {
			for r, err, more := next(); more; r, err, more = next() {
				if err == nil && !fresh(r) {
					continue
				}
				if !yield(r, err) || err != nil {
					return
				}
			}
		}
		for r, err := range firsts(ctx, rest, byValueButNil) {
			if err == nil && r.key != r.n {
				left++
				continue
			}
			if !yield(r.rec, err) || err != nil {
				return
			}
		}
	})}, nil
}

// itself is a record as its own value.
type itself struct{}

func (itself) Eval(item any) (any, error) { return item, nil }

// byValueButNil is byValue, where no nil is the same as another.
func byValueButNil(r row) string {
	if r.key == nil {
		return "nil " + strconv.Itoa(r.n)
	}
	return byValue(r)
}

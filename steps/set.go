package steps

import (
	"context"

	"github.com/flowrunner/flowrunner/engine/step"
)

var _ = declare(step.Compute(step.Doc{
	Name:    "set",
	Summary: "Give names to values that later steps use.",
	Detail:  "Every name under with is a parameter, and an output of the same name and type.",
	Since:   since,
	Example: `flow: example-set
steps:
  - id: offer
    uses: set
    with:
      code: SPRING15
      percent: 15
  - id: check
    uses: assert
    with:
      that: steps.offer.outputs.percent <= 20
      message: ${{ steps.offer.outputs.code }} gives more than 20%
outputs:
  code: ${{ steps.offer.outputs.code }}
`,
	OpenParams: true,
}, func(_ context.Context, values map[string]any) (map[string]any, error) { return values, nil }))

package steps

import (
	"context"

	"github.com/flowrunner/flowrunner/engine/step"
)

type assertIn struct {
	That    bool   `flow:"that" bare:"true" doc:"The condition that must be true for the flow to go on."`
	Message string `flow:"message" optional:"true" default:"the condition in that is false" doc:"What to say when it is false."`
}

type assertOut struct{}

var _ = declare(step.Compute(step.Doc{
	Name:    "assert",
	Summary: "Stop the flow unless a condition is true.",
	Detail: "A condition that is false in plan sends nothing and ends with exit code 1. In an iteration with `onError: continue` " +
		"it leaves that one out, with the message as the reason.",
	Since: since,
	Example: `flow: example-assert
steps:
  - id: clients
    uses: chat2desk_list_clients
    with:
      limit: 50
  - id: enough
    uses: assert
    with:
      that: steps.clients.outputs.total > 0
      message: the account has no clients
`,
}, func(_ context.Context, in assertIn) (assertOut, error) {
	switch {
	case in.That:
		return assertOut{}, nil
	case in.Message == "":
		return assertOut{}, &step.AssertError{Message: "the condition in that is false"}
	}
	return assertOut{}, &step.AssertError{Message: in.Message}
}))

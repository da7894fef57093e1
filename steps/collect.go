package steps

import (
	"context"
	"fmt"

	"github.com/flowrunner/flowrunner/engine/step"
)

// maxCollected is how many records a kind holds in memory at once.
const maxCollected = 1_000_000

// tooMany says that a kind would hold too much. way names how to go on.
func tooMany(param string, limit int, way string) error {
	return fmt.Errorf("%s: more than %d records, which is all that is kept in memory; %s", param, limit, way)
}

// checkEvery is how many records may pass between two looks at the context.
const checkEvery = 1024

// alive gives the context's error, looked up once in checkEvery records: a long
// computation ends soon after Ctrl-C and a short one does not pay for it.
func alive(ctx context.Context, n int) error {
	if n%checkEvery != 0 {
		return nil
	}
	return context.Cause(ctx)
}

// evaluate gives the value of an expression for record n, which counts from 1.
func evaluate(e step.Expr, name string, rec any, n int) (any, error) {
	v, err := e.Eval(rec)
	if err != nil {
		return nil, fmt.Errorf("%s, record %d: %w", name, n, err)
	}
	return v, nil
}

// leaveOut tells the host how many records were not passed on, once the stream
// has ended or was left.
func leaveOut(ctx context.Context, reason string, n *int) {
	if *n > 0 {
		step.HostOf(ctx).LeaveOut(reason, *n)
	}
}

package engine

import (
	"context"

	"github.com/flowrunner/flowrunner/engine/planfile"
)

// rail looks at one send that would be made, and says in words of no more than a
// few kinds why it is not: reasons are counted.
type rail struct {
	name string // as the flow's guard has it
	look func(p *planner, ctx context.Context, c *candidate) (reason string, err error)
}

// planRails are the rails about one send each, in the order in which they look:
// those that cost nothing first.
var planRails = []rail{
	{"hours", (*planner).zoneTold},
}

// railed asks the rails about a send that is still planned. The first that
// refuses leaves it out; the next run asks again.
func (p *planner) railed(ctx context.Context, c *candidate) error {
	if c.recipient.Contact == 0 || c.recipient.Internal {
		return nil
	}
	for _, r := range planRails {
		reason, err := r.look(p, ctx, c)
		if err != nil {
			return err
		}
		if reason != "" {
			c.Status, c.Rail, c.Reason, c.Args = planfile.StatusLeftOut, r.name, reason, nil
			return nil
		}
	}
	return nil
}

package engine

import (
	"context"
	"fmt"
	"slices"

	"github.com/flowrunner/flowrunner/engine/ledger"
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
	{"suppress", (*planner).suppress},
	{"window", (*planner).window},
	{"perContact", (*planner).perContact},
}

// railed asks the rails about a send that is still planned. The first that
// refuses leaves it out, with what follows it in its iteration; the next run asks
// again.
func (p *planner) railed(ctx context.Context, c *candidate) error {
	if why := p.follows(c); why != "" {
		c.leaveOut(p.held.rail, why)
		return nil
	}
	if c.recipient.Contact == 0 {
		return nil
	}
	if err := p.identify(ctx, c); err != nil || c.recipient.Internal {
		return err
	}
	for _, r := range planRails {
		reason, err := r.look(p, ctx, c)
		if err != nil {
			return err
		}
		if reason != "" {
			c.leaveOut(r.name, reason)
			p.hold(c)
			return nil
		}
	}
	if p.suppressed == nil || c.facts == nil {
		p.unasked++
	} else {
		c.acquaintances() // a later rail may have asked
	}
	return p.meet(ctx, c)
}

// leaveOut is a rail's refusal.
func (c *candidate) leaveOut(rail, reason string) {
	c.Status, c.Rail, c.Reason, c.Args = planfile.StatusLeftOut, rail, reason, nil
}

// held are the sends of one iteration that a rail has left out.
type held struct {
	unit  int64
	rail  string // the first one's
	items [][]int
	steps []string
}

func (p *planner) hold(c *candidate) {
	if c.Unit == 0 {
		return // outside of loops nothing follows from it
	}
	if p.held.unit != c.Unit {
		p.held = held{unit: c.Unit, rail: c.Rail}
	}
	p.held.items = append(p.held.items, c.Item)
	p.held.steps = append(p.held.steps, c.Step)
}

// follows says which send that a rail left out the candidate would follow in its
// iteration.
func (p *planner) follows(c *candidate) string {
	if c.Unit == 0 || p.held.unit != c.Unit {
		return ""
	}
	i := slices.IndexFunc(p.held.items, func(item []int) bool { return planfile.SameIteration(item, c.Item) })
	if i < 0 {
		return ""
	}
	return fmt.Sprintf("%s was left out (%s)", p.held.steps[i], p.held.rail)
}

// notMeant leaves out whom --only does not name.
func (p *planner) notMeant(c *candidate) bool {
	if len(p.o.Only) == 0 || slices.Contains(p.o.Only, c.Contact) {
		return false
	}
	c.leaveOut("only", "--only names other contacts")
	return true
}

// class is what a send is to its recipient.
func (p *Program) classOf(internal bool) ledger.Class {
	if internal {
		return ledger.Internal
	}
	return p.Class
}

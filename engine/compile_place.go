package engine

import (
	"fmt"

	"github.com/flowrunner/flowrunner/engine/flow"
)

// placed is where a step stands in its document.
type placed struct {
	id    *flow.Node
	loop  string // the nearest loop around it
	final bool   // in finally
}

// places finds where each step of the document stands.
func places(d *flow.Document) map[string]placed {
	all := map[string]placed{}
	var walk func(list []*flow.Step, at placed)
	walk = func(list []*flow.Step, at placed) {
		for _, s := range list {
			if s.ID == nil {
				continue
			}
			at.id = s.ID
			all[s.ID.Text] = at
			inner := at
			if s.ForEach != nil {
				inner.loop = s.ID.Text
			}
			walk(s.Steps, inner)
		}
	}
	walk(d.Steps, placed{})
	walk(d.Finally, placed{final: true})
	return all
}

// forbidden is why a step cannot be named from where it is not visible.
type forbidden struct{ code, why, hint string }

// forbidden gives the reason why a step of the document cannot be named from the
// place that is being compiled; false for what is no step of it.
func (c *compiler) forbidden(id string) (forbidden, bool) {
	if c.placed == nil {
		c.placed = places(c.doc)
	}
	at, ok := c.placed[id]
	switch {
	case !ok:
		return forbidden{}, false
	case c.open[id]:
		return forbidden{
			code: "step-used-before",
			why:  fmt.Sprintf("This place belongs to the step %s itself, and nothing of it is known before it has run.", id),
			hint: "name a step that stands above " + id,
		}, true
	case at.final && !c.final:
		return forbidden{
			code: "step-used-before",
			why:  fmt.Sprintf("The step %s stands in finally, which runs after everything else.", id),
			hint: "move the step " + id + " to steps, above this one",
		}, true
	case at.loop != "" && c.seen.has[id]:
		return forbidden{
			code: "step-inside-loop",
			why:  fmt.Sprintf("The step %s stands inside the loop %s and has one result for each iteration; outside the loop it has none.", id, at.loop),
			hint: fmt.Sprintf("give the loop `outputs:` and use steps.%s.outputs.items", at.loop),
		}, true
	}
	return forbidden{
		code: "step-used-before",
		why:  fmt.Sprintf("The step %s is defined at line %d, and nothing of it is known before it has run.", id, at.id.Span.Start.Line),
		hint: "move the step " + id + " above this one",
	}, true
}

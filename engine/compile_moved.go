package engine

import (
	"slices"
	"strings"

	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/flow"
)

// move is one item of `moved:`: a send that once had another step id.
type move struct{ from, to *flow.Node }

// moved compiles `moved:`. Every step is known. What cannot be followed is an
// error: a rename that is not understood would write to everybody again.
func (c *compiler) moved() {
	var moves []move
	by := map[string]move{} // by the old id
	if c.doc.Moved == nil {
		return
	}
	for _, n := range c.doc.Moved.Items {
		m := move{n.Get("from"), n.Get("to")}
		if m.from == nil || m.to == nil {
			continue // flow.Parse has said so
		}
		if first, ok := by[m.from.Text]; ok {
			c.diags.Add("moved-twice", m.from.Span, "%q was moved twice", m.from.Text).
				WithDetail("Line %d says that it is now %s. Each send is followed to one step, or it could be made by two.", first.from.Span.Start.Line, first.to.Text).
				WithHint("keep one of the two")
			continue
		}
		by[m.from.Text] = m
		moves = append(moves, m)
	}
	sends := c.p.sendIDs()
	circle := map[string]bool{} // ids of a circle that is reported
	for _, m := range moves {
		if slices.Contains(sends, m.from.Text) {
			c.diags.Add("moved-from-exists", m.from.Span, "the step %q is still there and sends", m.from.Text).
				WithDetail("What it has sent is remembered under its own id, and it would be made again if another step took that over.").
				WithHint("delete this line, or rename the step")
			continue
		}
		c.p.former = append(c.p.former, formerStep{m.from.Text, c.follow(m, by, sends, circle)})
	}
}

// follow finds the send of the flow that a move leads to, "" with a problem where
// it leads to none.
func (c *compiler) follow(m move, by map[string]move, sends []string, circle map[string]bool) string {
	path := []string{m.from.Text}
	for at := m; ; {
		to := at.to.Text
		if slices.Contains(sends, to) {
			return to
		}
		if circle[to] {
			return ""
		}
		if slices.Contains(path, to) {
			for _, id := range path {
				circle[id] = true
			}
			c.diags.Add("moved-in-a-circle", m.to.Span, "%q was moved in a circle", m.from.Text).
				WithDetail("The moves lead %s, and to no step that sends.", strings.Join(append(path, to), " → ")).
				WithHint("end the chain at the id that the step has now")
			return ""
		}
		if c.broken.has["steps."+to] {
			return "" // nobody knows whether it sends; what is wrong with it is reported
		}
		next, ok := by[to]
		if !ok {
			if at == m { // a chain is reported where it breaks, once
				d := c.diags.Add("moved-to-unknown", m.to.Span, "no step %q sends", to).
					WithDetail("A move ends at the id that a send has now. %s", sendsOf(sends))
				if c.p.byID[to] != nil {
					d.Summary = "the step \"" + to + "\" sends nothing"
				}
				if near := diag.DidYouMean(to, sends); near != "" {
					d.WithHint("%s", near)
				} else {
					d.WithHint("write the id of the step that sends, or delete the line")
				}
			}
			return ""
		}
		path = append(path, to)
		at = next
	}
}

func sendsOf(sends []string) string {
	if len(sends) == 0 {
		return "This flow sends nothing."
	}
	return "Those that send are " + strings.Join(sends, ", ") + "."
}

// formerStep is an id that a send once had, and the one that it has now.
type formerStep struct{ id, now string }

// sendIDs lists the sends of all stages by what they are remembered under.
func (p *Program) sendIDs() []string {
	var ids []string
	for _, s := range p.Steps {
		for _, send := range s.Sends {
			ids = append(ids, send.ID)
		}
	}
	return ids
}

// formerly lists the ids that a send once had.
func (p *Program) formerly(send *Step) []string {
	var ids []string
	for _, f := range p.former {
		if f.now == send.ID {
			ids = append(ids, f.id)
		}
	}
	return ids
}

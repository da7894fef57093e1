package engine

import (
	"time"

	"github.com/flowrunner/flowrunner/engine/planfile"
	"github.com/flowrunner/flowrunner/engine/step"
)

// UnknownPolicy says what becomes of a send of which nobody knows whether it
// went out.
type UnknownPolicy string

// The policies of delivery.unknown (docs/adr/0008).
const (
	Verify      UnknownPolicy = "verify"       // read back; sent again after two clean negatives
	NeverResend UnknownPolicy = "never-resend" // read back; never sent again
	Resend      UnknownPolicy = "resend"       // read back; sent again unless it is found
)

// Delivery is what the flow says of unknown outcomes.
type Delivery struct {
	Unknown UnknownPolicy
	Settle  time.Duration // how long an accept may come late
}

const (
	// DefaultSettle is the settle time of a flow that sets none. Nothing public
	// says how late the API may accept a message whose answer was lost; two minutes
	// are longer than any gateway in front of it waits.
	DefaultSettle = 2 * time.Minute

	// SandboxSettle is that of the sandbox, whose latest accept is known.
	SandboxSettle = 3 * time.Second

	// ShortSettle is below what a real API should be given: a settle time shorter
	// than the latest accept doubles messages.
	ShortSettle = 30 * time.Second
)

// SettleOf is the settle time that a plan made with o has: that of --settle, else
// the sandbox's or the flow's.
func (p *Program) SettleOf(o Options) time.Duration {
	switch {
	case o.Settle != nil:
		return *o.Settle
	case o.Sandbox != nil:
		return SandboxSettle
	}
	return p.Delivery.Settle
}

// settleOf is the settle time of what works by a plan: that of --settle, else the
// plan's.
func (p *Program) settleOf(head planfile.Header, o Options) time.Duration {
	if d := head.Delivery; d != nil && o.Settle == nil {
		return d.Settle
	}
	return p.SettleOf(o)
}

func (p *Program) deliveryOf(o Options) *planfile.Delivery {
	if !p.HasSends() {
		return nil
	}
	return &planfile.Delivery{Unknown: string(p.Delivery.Unknown), Settle: p.SettleOf(o)}
}

// delivery compiles what the flow says of unknown outcomes.
func (c *compiler) delivery() {
	d := &c.p.Delivery
	d.Unknown, d.Settle = Verify, DefaultSettle
	if v, ok := c.literal(c.doc.Delivery.Get("unknown"), "unknown", step.Field{Shape: step.ShapeText}); ok {
		d.Unknown = UnknownPolicy(v.(string))
	}
	if n := c.doc.Delivery.Get("settle"); n != nil {
		if v := c.duration(n, "settle"); v > 0 {
			d.Settle = v
		}
	}
}

// delivery warns of what may double messages.
func (l *linter) delivery() {
	s := l.p.Doc.Delivery
	if n := s.Get("unknown"); n != nil && l.p.Delivery.Unknown == Resend {
		l.warn("resend-unknown", n.Span, "a message whose answer was lost is sent again, and may arrive twice").
			WithDetail("With `resend` a send of unknown outcome is made again after the settle time, also where the chat cannot show whether the first went out: a template, or an attachment alone.").
			WithHint("write `unknown: verify`, unless a double is better than a gap")
	}
	if n := s.Get("settle"); n != nil && l.p.Delivery.Settle < ShortSettle {
		l.warn("short-settle", n.Span, "a settle time of %s may double messages", l.p.Delivery.Settle).
			WithDetail("A message whose answer was lost may still be accepted later. One that is looked for too early is not found, and is sent again.").
			WithHint("write `settle: 120s`, or leave it out")
	}
}

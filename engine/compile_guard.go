package engine

import (
	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/guard"
	"github.com/flowrunner/flowrunner/engine/lang"
	"github.com/flowrunner/flowrunner/engine/step"
)

// Guard holds the rails of a flow, or those of a project. The zero value holds
// none.
type Guard struct {
	MaxSends   *Bound            // also the approval of a run without a terminal
	Suppress   []Suppress        // all of them hold
	PerContact []PerContact      // each of them holds
	StopIf     []guard.Predicate // any of them stops; none is the default of guard.Rails
	Window     string            // guard.WhatsApp, or none
	Hours      []*Hours          // all of them must be open

	MonthlyCalls *Bound // calls to the API that the account may make in a month
}

// Bound is a number that a file states, and where.
type Bound struct {
	N  int
	At diag.Span
}

// DefaultMaxSends is the cap where nobody states one. It is never an approval.
const DefaultMaxSends = 1000

// Most is how many messages a run may send.
func (g Guard) Most() int {
	if g.MaxSends == nil {
		return DefaultMaxSends
	}
	return g.MaxSends.N
}

// guard compiles the section `guard` of a flow or of a project: there is one
// grammar for both.
func (c *compiler) guard() {
	g := &c.p.Guard
	g.MaxSends = c.bound("maxSends")
	g.MonthlyCalls = c.bound("monthlyCalls")
	g.Hours = c.hours()
	c.suppress()
	c.perContact()
	if v, ok := c.literal(c.doc.Guard.Get("window"), "window", step.Field{Shape: step.ShapeText}); ok {
		g.Window = v.(string)
	}
	if n := c.doc.Guard.Get("stopIf"); n != nil {
		sc := lang.NewScope(nil)
		for _, f := range guard.Fields {
			sc = sc.With(f.Name, f.Shape)
		}
		if e := c.expr(n, sc, step.ShapeBool); e != nil {
			g.StopIf = []guard.Predicate{e}
		}
	}
}

// bound compiles a key of guard that is a whole number from 1 on.
func (c *compiler) bound(key string) *Bound {
	n, one := c.doc.Guard.Get(key), 1.0
	v, ok := c.literal(n, key, step.Field{Shape: step.ShapeInt, Min: &one})
	if !ok {
		return nil
	}
	return &Bound{N: v.(int), At: n.Span}
}

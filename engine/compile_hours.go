package engine

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/engine/guard"
	"github.com/flowrunner/flowrunner/engine/lang"
	"github.com/flowrunner/flowrunner/engine/step"
)

// Hours are the rail of one file about when messages may go out.
type Hours struct {
	guard.Hours
	Zone      string // company, or what lang.Zones reads; "" where an expression gives it for each send
	Otherwise Otherwise
	MaxWait   time.Duration
	At        diag.Span

	zone *flow.Node // the expression, compiled at each send
}

// Otherwise says what happens outside of the hours.
type Otherwise uint8

// The choices of `guard.hours.otherwise`, the strictest last.
const (
	OtherwiseWait Otherwise = iota
	OtherwiseSkip
	OtherwiseStop
)

// defaultMaxWait is how long a run waits for its hours when the flow does not say.
const defaultMaxWait = 30 * time.Minute

// companyZone is the zone of connection.timezone.
const companyZone = "company"

// hours compiles the section `guard.hours`.
func (c *compiler) hours() []*Hours {
	n := c.doc.Guard.Get("hours")
	if n == nil || n.Kind != flow.Map {
		return nil
	}
	h := &Hours{Zone: companyZone, Otherwise: OtherwiseStop, MaxWait: defaultMaxWait, At: n.Span}
	allow, days := "00:00-24:00", c.days(n.Get("days"))
	if v, ok := c.literal(n.Get("allow"), "allow", step.Field{Shape: step.ShapeText}); ok {
		allow = v.(string)
	}
	if len(n.Entries) > 0 && n.Get("allow") == nil && n.Get("days") == nil {
		c.diags.Add("missing-key", n.Entries[0].Key.Span, "guard.hours allows no hours").
			WithDetail("Without allow and days they would hold nothing back.").
			WithHint(`write: allow: "09:00-21:00"`)
	}
	var err error
	if h.Hours, err = guard.ParseHours(allow, days); err != nil {
		at := n.Get("allow")
		if at == nil || strings.Contains(err.Error(), "day of the week") {
			at = n.Get("days")
		}
		if at != nil {
			c.diags.Add("wrong-hours", at.Span, "%s", err).
				WithDetail("Hours are a beginning and an end by the clock on the wall, over midnight too; days are %s, or two of them with a dash.", strings.Join(guard.Weekdays, " ")).
				WithHint(`write allow: "09:00-21:00", days: mon-sat`)
		}
	}
	switch text(n.Get("otherwise")) {
	case "wait":
		h.Otherwise = OtherwiseWait
	case "skip":
		h.Otherwise = OtherwiseSkip
	}
	if m := n.Get("maxWait"); m != nil {
		if h.Otherwise != OtherwiseWait {
			c.diags.Add("key-without-effect", keySpan(n, "maxWait"), "maxWait belongs to otherwise: wait").
				WithDetail("Nothing waits otherwise, so it would change nothing.").WithHint("write otherwise: wait, or delete it")
		}
		h.MaxWait = c.duration(m, "maxWait")
	}
	c.hoursZone(n.Get("zone"), h)
	return []*Hours{h}
}

// days reads one text, or a list of them.
func (c *compiler) days(n *flow.Node) []string {
	if n == nil {
		return nil
	}
	items := n.Items
	if n.Kind == flow.Scalar {
		items = []*flow.Node{n}
	}
	var days []string
	for _, item := range items {
		if v, ok := c.literal(item, "days", step.Field{Shape: step.ShapeText}); ok {
			days = append(days, strings.Split(v.(string), ",")...)
		}
	}
	return days
}

// hoursZone reads whose hours they are. An expression is compiled at each send,
// where its record has a name.
func (c *compiler) hoursZone(n *flow.Node, h *Hours) {
	what := "When the hours of guard.hours begin"
	switch {
	case n == nil:
		c.needZone(c.doc.Guard.Get("hours"), what)
	case hasExpression(n):
		h.Zone, h.zone = "", n
		c.needZone(n, what)
	default:
		v, ok := c.literal(n, "zone", step.Field{Shape: step.ShapeText})
		if !ok {
			return
		}
		if h.Zone = v.(string); h.Zone == companyZone {
			c.needZone(n, what)
			return
		}
		if _, err := new(lang.Zones).Of(h.Zone); err != nil {
			c.diags.Add("unknown-timezone", n.Span, "%s", err).
				WithDetail("Whose hours they are is said by company, by a zone of the IANA list such as Asia/Almaty, by a country such as KZ, or by an expression that gives one of these or a phone.").
				WithHint("write company, a zone, or ${{ client.phone }} with the name of your record")
		}
	}
}

// sendZone compiles, at one send, the expression that says in whose zone the
// hours are.
func (c *compiler) sendZone(sc *lang.Scope) *lang.Value {
	for _, h := range c.p.Guard.Hours {
		if h.zone != nil {
			before := len(c.diags)
			v := c.value(h.zone, sc, step.Field{Name: "zone", Shape: step.ShapeText})
			if len(c.chain) > 1 {
				c.zoneOfCalled(c.diags[before:])
			}
			return v
		}
	}
	return nil
}

// zoneOfCalled says of a zone that names what a called flow does not have whose
// names it may use: the rail is written in one flow and asked in another.
func (c *compiler) zoneOfCalled(problems diag.List) {
	for i := range problems {
		d := &problems[i]
		if d.Code != "unknown-name" {
			continue
		}
		file := filepath.Base(c.doc.File)
		d.WithDetail("The zone is asked for each message, also for those of %s, where a called flow knows its own names only: its inputs and its loops.", file).
			WithHint("write a name that %s has too, such as one of its inputs, or move its sending step into %s", file, filepath.Base(c.chain[0]))
	}
}

// hoursUnder joins the hours of a flow with those of its project: all of them
// must be open. Whether those of the flow are looser can be told where both are
// in one zone.
func hoursUnder(flow, project []*Hours, zoneSet bool, out *diag.List) []*Hours {
	for _, p := range project {
		if p.Zone == companyZone && !zoneSet {
			out.Add("timezone-required", p.At, "connection.timezone is required").
				WithDetail("The hours of the project are in the company's time zone, and the zone of the machine is never used.").
				WithHint("add `connection: { timezone: Europe/Moscow }` to the flow, with your zone")
		}
		for _, f := range flow {
			if f.zone == nil && f.Zone == p.Zone && !f.Hours.Within(p.Hours) {
				looser(out, f.At, p.At, "hours").
					WithDetail("The project allows %s, and a flow may tighten that and never loosen it.", p.Hours).
					WithHint("write hours that lie within, or widen them in the project file, where its owners see it")
			}
		}
	}
	return append(project[:len(project):len(project)], flow...)
}

// String is how the hours were written, with whose they are.
func (h *Hours) String() string {
	switch h.Zone {
	case "":
		return fmt.Sprintf("%s of each recipient", h.Hours)
	case companyZone:
		return h.Hours.String()
	}
	return fmt.Sprintf("%s (%s)", h.Hours, h.Zone)
}

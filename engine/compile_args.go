package engine

import (
	"errors"
	"strings"

	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/engine/lang"
	"github.com/flowrunner/flowrunner/engine/planfile"
	"github.com/flowrunner/flowrunner/engine/step"
)

// use compiles `uses` and `with`. Not ok means that nothing is known of the
// step's outputs, not good that only their names are.
func (c *compiler) use(s *flow.Step, x *Step, sc *lang.Scope, at place) (ok, good bool) {
	if isFlowPath(s.Uses.Text) {
		return c.call(s, x, sc, at)
	}
	kind, ok := c.reg.Kind(s.Uses.Text)
	if !ok && (s.Uses.Broken || s.Uses.Null) {
		c.usedAnyway(s.With)
		return false, false // what is wrong with it has been said
	}
	if !ok {
		d := c.diags.Add("unknown-kind", s.Uses.Span, "unknown kind %q", s.Uses.Text).
			WithDetail("`flowrunner tools` lists every kind.")
		if hint := diag.DidYouMean(s.Uses.Text, c.reg.Names()); hint != "" {
			d.WithHint("%s", hint)
		}
		c.usedAnyway(s.With)
		return false, false
	}
	x.Kind, x.maxLevel = kind, kind.Effect
	if kind.Effect == step.EffectSend {
		x.Sends, x.planned = []*Step{x}, stepResult(planfile.StatusPlanned, map[string]any{})
		if at.final && c.prefix == "" {
			c.diags.Add("send-in-finally", s.Uses.Span, "finally holds no send").
				WithDetail("finally runs also after a failure or a stop; a message from there could never be planned or approved.").
				WithHint("move the step to steps")
		}
	}
	call := step.Call{Shapes: map[string]step.Shape{}, Literals: map[string]any{}, Begins: map[string]string{}}
	if !c.args(s, x, kind, sc, &call) {
		// The outputs' types may depend on what is broken.
		for _, o := range kind.Outputs() {
			o.Shape = step.ShapeAny
			x.Outs = append(x.Outs, o)
		}
		return !kind.OpenParams, false
	}
	x.call, x.record = call, recordOf(x, sc)
	if kind.LocalTime != nil {
		if what := kind.LocalTime(call); what != "" {
			c.needZone(s.Uses, what)
		}
	}
	outs, err := kind.Infer(call)
	if err != nil {
		problem, fix, _ := strings.Cut(err.Error(), "; ") // as kinds write it
		if fix == "" {
			fix = "`flowrunner tools " + kind.Name + "` shows what it takes"
		}
		c.diags.Add("wrong-parameters", blamed(s, err), "%s: %s", kind.Name, problem).WithHint("%s", fix)
		return false, false
	}
	if kind.Effect == step.EffectSend || kind.Effect == step.EffectLocal && !at.final {
		for i := range outs {
			outs[i].Shape.Outcome = true
		}
	}
	x.Outs = outs
	return true, true
}

// blamed is the place of the parameter that a kind cannot take, else of the
// kind. "columns.phone" is an entry of the parameter columns.
func blamed(s *flow.Step, err error) diag.Span {
	var arg *step.ArgError
	if !errors.As(err, &arg) || s.With == nil {
		return s.Uses.Span
	}
	n := s.With
	for name := range strings.SplitSeq(arg.Param, ".") {
		inner := n.Get(name)
		if inner == nil {
			break
		}
		n = inner
	}
	if n == s.With {
		return s.Uses.Span
	}
	return n.Span
}

// args compiles every parameter that is written and reports those that are not
// known or missing. It reports whether all were good.
func (c *compiler) args(s *flow.Step, x *Step, kind *step.Kind, sc *lang.Scope, call *step.Call) bool {
	before, good := len(c.diags), true
	written := map[string]*flow.Node{}
	var entries []flow.Entry
	if s.With != nil {
		entries = s.With.Entries
	}
	var names []string
	for _, p := range kind.Params() {
		names = append(names, p.Name)
	}
	misspelt := map[string]bool{}
	for _, e := range entries {
		if _, ok := kind.Param(e.Key.Text); !ok && !kind.OpenParams {
			if e.Value.Broken {
				continue // part of what flow.Parse has reported
			}
			d := c.diags.Add("unknown-parameter", e.Key.Span, "unknown parameter %q", e.Key.Text).
				WithDetail("%s takes: %s.", kind.Name, strings.Join(names, ", "))
			if near := diag.Closest(e.Key.Text, names); near != "" {
				d.WithHint("did you mean %q?", near)
				misspelt[near] = true
			} else {
				d.WithHint("use one of these, or delete it")
			}
			c.usedAnyway(e.Value)
			continue
		}
		written[e.Key.Text] = e.Value
	}
	if kind.OpenParams {
		for _, e := range entries {
			good = c.arg(x, step.Field{Name: e.Key.Text, Shape: step.ShapeAny, Optional: true}, e.Value, sc, call) && good
		}
		return good && len(c.diags) == before
	}
	// Parameters whose expressions range over another one's records come second.
	for _, second := range []bool{false, true} {
		for _, p := range kind.Params() {
			n, ok := written[p.Name]
			if (p.Item != "") != second {
				continue
			}
			if !ok {
				if !p.Optional && !misspelt[p.Name] && (s.With == nil || !s.With.Broken) {
					c.diags.Add("missing-parameter", s.Uses.Span, "%s needs the parameter %q", kind.Name, p.Name).
						WithDetail("%s", p.Doc).WithHint("add under with:  %s: …", p.Name)
				}
				continue
			}
			if p.Name == step.PersonParam && kind.Effect == step.EffectSend {
				x.Person = c.person(n, sc, p)
				good = good && x.Person != nil
				continue
			}
			if p.Shape.Form == step.FormSecret {
				v := c.secret(n, sc, p.Name)
				if p.Name == "apiToken" {
					x.Token = v
				} else if v != nil {
					x.secrets = append(x.secrets, Arg{Field: p, Value: v})
				}
				continue
			}
			if p.Item == "" {
				good = c.arg(x, p, n, sc, call) && good
				continue
			}
			elem := step.ShapeAny
			over, known := call.Shapes[p.Item]
			if known {
				elem = over.Element()
			}
			end := c.record("item", !known || c.dependsOnBroken(written[p.Item]))
			good = c.arg(x, p, n, sc.With("item", elem), call) && good
			end()
		}
	}
	return good && len(c.diags) == before
}

// arg compiles one parameter and reports whether its shape is known.
func (c *compiler) arg(x *Step, p step.Field, n *flow.Node, sc *lang.Scope, call *step.Call) bool {
	a := Arg{Field: p}
	if p.Named && p.Item != "" {
		a.Named = c.namedExprs(n, p, sc)
		var fields []step.Field
		for _, o := range a.Named {
			fields = append(fields, step.Field{Name: o.Name, Shape: o.Value.Shape()})
		}
		call.Shapes[p.Name] = step.ObjectOf(fields...)
		x.Args = append(x.Args, a)
		return n.Kind == flow.Map && len(fields) == len(n.Entries)
	}
	a.Value = c.value(n, sc, p)
	if a.Value == nil {
		return false
	}
	call.Shapes[p.Name] = a.Value.Shape()
	if lit, ok := a.Value.Literal(); ok {
		call.Literals[p.Name] = lit
	}
	if text := a.Value.Begins(); text != "" {
		call.Begins[p.Name] = text
	}
	x.Args = append(x.Args, a)
	return true
}

// namedExprs compiles names to expressions over `item`, as map.to takes them.
func (c *compiler) namedExprs(n *flow.Node, p step.Field, sc *lang.Scope) []Output {
	if n.Kind != flow.Map {
		c.diags.Add("wrong-type", n.Span, "%s must be a map of names to values", p.Name).
			WithHint("write under %s:  name: ${{ item.name }}", p.Name)
		return nil
	}
	for _, e := range n.Entries {
		c.diags = append(c.diags, lang.BracesForgotten(e.Value, sc)...)
	}
	return c.outputs(n, sc)
}

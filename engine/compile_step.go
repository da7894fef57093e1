package engine

import (
	"fmt"
	"slices"
	"strings"

	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/engine/lang"
	"github.com/flowrunner/flowrunner/engine/step"
)

// place is where a step stands.
type place struct {
	final bool  // in finally
	loop  *Step // the nearest loop around it
	body  *body // the sequence it belongs to, nil at top level
}

// body is what has come before in one iteration (or block), nested blocks and
// loops included: its parts run one after another.
type body struct {
	owner string // the loop, block or called flow
	loop  bool
	call  string // of a called flow: the step that calls it
	sent  string // the first send so far
}

// later says where the results of the body may be read.
func (b *body) later() string {
	if b.call != "" {
		return fmt.Sprintf("a step after %s in the flow that calls this one; give out what it needs with outputs:", b.call)
	}
	if b.loop {
		return fmt.Sprintf("a later step that loops over steps.%s.outputs.items", b.owner)
	}
	return "a step after the block " + b.owner
}

// topStep compiles one top-level step and decides whether a stage begins there.
func (c *compiler) topStep(s *flow.Step, v *view, st *stageState) {
	before, diags, used := *v, len(c.diags), len(c.used)
	seen, broken, called := len(c.seen.names), len(c.broken.names), c.texts.steps
	x := c.step(s, v, place{})
	if x != nil && st.begins(x, &before) {
		// What was unknown is known from here on: compile again with that.
		*v, c.diags, c.used, c.texts.steps = before, c.diags[:diags], c.used[:used], called
		c.seen.cut(seen)
		c.broken.cut(broken)
		v.settle()
		st.next()
		x = c.step(s, v, place{})
	}
	if x == nil {
		return
	}
	setStage(x, st.stage)
	st.after(x)
	c.p.Steps = append(c.p.Steps, x)
}

func setStage(x *Step, stage int) {
	x.Stage = stage
	for _, s := range x.Body {
		setStage(s, stage)
	}
}

// stageState follows the stages through the file (language page, "Stages").
type stageState struct {
	stage   int
	changed bool // a send or a local step has come in this stage
}

func (st *stageState) next() { st.stage, st.changed = st.stage+1, false }

// begins reports whether x must wait until everything before it has settled.
func (st *stageState) begins(x *Step, before *view) bool {
	if st.changed && contains(x, step.EffectRead) {
		return true
	}
	return slices.ContainsFunc(allRefs(x), before.outcome)
}

func (st *stageState) after(x *Step) {
	if len(x.Sends) > 0 || contains(x, step.EffectLocal) {
		st.changed = true
	}
}

// contains reports whether x or anything below it has the effect.
func contains(x *Step, e step.Effect) bool {
	if x.Kind != nil && x.Kind.Effect == e {
		return true
	}
	return slices.ContainsFunc(x.Body, func(s *Step) bool { return contains(s, e) })
}

// allRefs collects every reference of x and everything below it.
func allRefs(x *Step) []lang.Ref {
	refs := ownRefs(x)
	for _, o := range slices.Concat(x.Items, x.gives()) {
		refs = append(refs, o.Value.Refs()...)
	}
	for _, s := range x.Body {
		refs = append(refs, allRefs(s)...)
	}
	return refs
}

// ownRefs collects what x itself reads before it runs.
func ownRefs(x *Step) []lang.Ref {
	var refs []lang.Ref
	if x.If != nil {
		refs = append(refs, x.If.Refs()...)
	}
	if x.Key != nil {
		refs = append(refs, x.Key.Refs()...)
	}
	for _, v := range []*lang.Value{x.Else, x.ForEach, x.Zone, x.Person} {
		if v != nil {
			refs = append(refs, v.Refs()...)
		}
	}
	for _, a := range slices.Concat(x.Args, x.secrets) {
		refs = append(refs, a.refs()...)
	}
	return refs
}

// step compiles a step at a place and adds it to the view. It gives nil when
// not even its outputs could be known; the view then takes any name for one, so
// that one mistake gives one message.
func (c *compiler) step(s *flow.Step, v *view, at place) *Step {
	if s.ID == nil {
		return nil
	}
	c.reservedName(s.ID, "a step", false)
	c.reservedName(s.As, "a loop's record", true)
	c.open[s.ID.Text] = true
	defer delete(c.open, s.ID.Text)
	x := &Step{ID: c.prefix + s.ID.Text, Title: text(s.Name), Span: s.ID.Span, Loop: at.loop, inFinal: at.final, Concurrency: 1}
	before := *v
	sc := c.scope(v, s.Node)
	inner, innerAt := v, at

	if s.ForEach != nil {
		sc, inner = c.loop(s, x, v)
		innerAt.loop = x
		defer c.record(x.As, x.ForEach == nil || c.dependsOnBroken(s.ForEach))()
	}
	if s.ForEach != nil || s.Uses == nil {
		if innerAt.body == nil {
			innerAt.body = &body{owner: x.Local(), loop: s.ForEach != nil}
		}
	}
	if s.Else != nil {
		// The reason is rendered when the `if` did not hold: nothing may be assumed.
		x.Else = c.value(s.Else, c.scope(inner, s.Else), step.Field{Name: "else", Shape: step.ShapeText})
	}
	if s.If != nil {
		x.If = c.expr(s.If, sc, step.ShapeBool)
		if x.If != nil {
			sc = sc.Assume(x.If)
			if s.ForEach != nil || s.Uses == nil {
				inner = inner.where(x.If)
			}
		} else {
			// Nobody knows what it would have made sure of.
			c.unsure++
			defer func() { c.unsure-- }()
		}
	}
	var ok bool
	good := true
	if s.Uses != nil {
		ok, good = c.use(s, x, sc, innerAt)
	} else {
		ok = c.block(s, x, inner, innerAt)
	}
	c.common(s, x, sc)
	if innerAt.body != nil && (s.Uses != nil || s.ForEach != nil) {
		c.inBody(s, x, &before, innerAt.body)
	}
	if s.ForEach != nil || s.Uses == nil {
		good = c.loopOutputs(s, x, inner) && good
	}
	x.needs = needsOf(ownRefs(x))
	if s.ForEach == nil && s.Uses == nil {
		// A plain block hides nothing: its steps stay visible after it.
		v.steps = inner.steps
	}
	c.seen.add(s.ID.Text)
	c.p.byID[x.ID] = x
	if !ok || !good || c.dependsOnBroken(s.With, s.ForEach, s.Outputs) {
		c.broken.add("steps." + s.ID.Text)
	}
	if !ok {
		v.addBroken(x)
		return nil
	}
	v.add(x)
	return x
}

// record says of a loop's record whether its fields are known, and gives the
// function that ends that.
func (c *compiler) record(name string, broken bool) (end func()) {
	before := c.hidden[name]
	c.hide(name, broken)
	return func() { c.hide(name, before) }
}

func (c *compiler) hide(record string, broken bool) {
	if broken {
		c.hidden[record] = true
		return
	}
	delete(c.hidden, record)
}

// loop compiles forEach, and gives the scope and the view of an iteration.
func (c *compiler) loop(s *flow.Step, x *Step, v *view) (*lang.Scope, *view) {
	x.As = "item"
	if s.As != nil {
		x.As = s.As.Text
	}
	if !s.ForEach.Null { // that it is empty has been said
		x.ForEach = c.value(s.ForEach, c.scope(v, s.ForEach), step.Field{Name: "forEach", Shape: step.ListOf(step.ShapeAny)})
	}
	elem := step.ShapeAny
	if x.ForEach != nil {
		shape := x.ForEach.Shape()
		if shape.Nullable && shape.Form == step.FormList {
			d := c.diags.Add("maybe-nil", s.ForEach.Span, "the list of forEach may be nil").
				WithDetail("A loop needs a list, even if it is an empty one.").WithHint("write ${{ … ?? [] }}")
			if r, ok := x.ForEach.Reference(); ok {
				d.WithHint("write ${{ %s ?? [] }}", strings.Join(r.Path, "."))
			}
		}
		elem = shape.Element()
	}
	inner := v.inside(x, elem)
	return c.scope(inner, s.Node), inner
}

// block compiles nested steps. It reports whether all of them are known: what
// the block gives depends on whether one of them sends.
func (c *compiler) block(s *flow.Step, x *Step, inner *view, at place) (ok bool) {
	ok = true
	for _, child := range s.Steps {
		y := c.step(child, inner, at)
		if y == nil {
			ok = false
			continue
		}
		y.in = x
		x.Body = append(x.Body, y)
		x.Sends = append(x.Sends, y.Sends...)
		x.maxLevel = max(x.maxLevel, y.maxLevel)
	}
	return ok
}

// inBody checks the rules of one iteration: nothing in it may depend on what
// the API answered to a send of the same iteration.
func (c *compiler) inBody(s *flow.Step, x *Step, before *view, b *body) {
	if b.sent != "" && (x.Kind != nil || x.Called != nil) && contains(x, step.EffectRead) {
		c.diags.Add("read-after-send", s.Uses.Span, "a read after a send cannot stand in the same loop or block").
			WithDetail("Everything in %s is read and rendered before anything is sent, so the step %s could not see what %s did.", b.owner, x.Local(), b.sent).
			WithHint("move it above %s, or into %s", b.sent, b.later())
	}
	for _, r := range ownRefs(x) {
		if before.outcome(r) {
			c.diags.Add("outcome-in-iteration", r.Span, "%s is not known yet", c.written(r.Span)).
				WithDetail("Everything in %s is rendered before anything is sent or written; what came of it is known only when all of it has settled.", b.owner).
				WithHint("use %s", b.later())
		}
	}
	if len(x.Sends) > 0 && b.sent == "" {
		b.sent = strings.TrimPrefix(x.Sends[0].ID, c.prefix)
	}
}

// String names a step for messages.
func (s *Step) String() string { return fmt.Sprintf("step %s", s.ID) }

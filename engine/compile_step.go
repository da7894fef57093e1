package engine

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/flowrunner/flowrunner/engine/diag"
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
	owner string // the loop or block
	loop  bool
	sent  string // the first send so far
}

// later says where the results of the body may be read.
func (b *body) later() string {
	if b.loop {
		return fmt.Sprintf("a later step that loops over steps.%s.outputs.items", b.owner)
	}
	return "a step after the block " + b.owner
}

// topStep compiles one top-level step and decides whether a stage begins there.
func (c *compiler) topStep(s *flow.Step, v *view, st *stageState) {
	diags, used, steps := len(c.diags), len(c.used), len(v.steps)
	seen, broken := maps.Clone(c.seen), maps.Clone(c.broken)
	x := c.step(s, v, place{})
	if x != nil && st.begins(x, v.steps[:steps]) {
		// What was unknown is known from here on: compile again with that.
		c.diags, c.used, v.steps = c.diags[:diags], c.used[:used], v.steps[:steps]
		c.seen, c.broken = seen, broken
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
func (st *stageState) begins(x *Step, before []step.Field) bool {
	if st.changed && contains(x, step.EffectRead) {
		return true
	}
	return slices.ContainsFunc(allRefs(x), func(r lang.Ref) bool { return outcomeRef(r, before) })
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
	for _, o := range x.Items {
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
	for _, v := range []*lang.Value{x.Else, x.ForEach} {
		if v != nil {
			refs = append(refs, v.Refs()...)
		}
	}
	for _, a := range x.Args {
		refs = append(refs, a.refs()...)
	}
	return refs
}

// outcomeRef reports whether r reads anything that is known only after sends
// have settled.
func outcomeRef(r lang.Ref, steps []step.Field) bool {
	if r.Path[0] != "steps" {
		return false
	}
	at := step.ObjectOf(steps...)
	for _, name := range r.Path[1:] {
		if at.Outcome {
			return true
		}
		f, ok := at.Field(name)
		if !ok {
			break
		}
		at = f.Shape
	}
	return at.HasOutcome()
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
	x := &Step{ID: s.ID.Text, Title: text(s.Name), Span: s.ID.Span, Loop: at.loop, inFinal: at.final, Concurrency: 1}
	before := slices.Clip(v.steps)
	sc := c.scope(v, s.Node)
	inner, innerAt := v, at

	if s.ForEach != nil {
		sc, inner = c.loop(s, x, v)
		innerAt.loop = x
		defer c.markBroken(x.As, x.ForEach == nil || c.dependsOnBroken(s.ForEach))()
	}
	if s.ForEach != nil || s.Uses == nil {
		if innerAt.body == nil {
			innerAt.body = &body{owner: x.ID, loop: s.ForEach != nil}
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
	ok, good := true, true
	if s.Uses != nil {
		ok, good = c.use(s, x, sc, innerAt)
	} else {
		ok = c.block(s, x, inner, innerAt)
	}
	c.common(s, x, sc)
	if innerAt.body != nil && (s.Uses != nil || s.ForEach != nil) {
		c.inBody(s, x, before, innerAt.body)
	}
	if s.ForEach != nil || s.Uses == nil {
		good = c.loopOutputs(s, x, inner) && good
	}
	x.needs = needsOf(ownRefs(x))
	if s.ForEach == nil && s.Uses == nil {
		// A plain block hides nothing: its steps stay visible after it.
		v.steps = inner.steps
	}
	c.seen[x.ID] = true
	c.p.byID[x.ID] = x
	if !ok || !good || c.dependsOnBroken(s.With, s.ForEach, s.Outputs) {
		c.broken["steps."+x.ID] = true
	}
	if !ok {
		v.addBroken(x)
		return nil
	}
	v.add(x)
	return x
}

// markBroken marks a record whose fields are not known, and gives the function
// that ends that.
func (c *compiler) markBroken(name string, broken bool) (end func()) {
	before := c.broken[name]
	c.broken[name] = broken
	return func() { c.broken[name] = before }
}

// loop compiles forEach, and gives the scope and the view of an iteration.
func (c *compiler) loop(s *flow.Step, x *Step, v *view) (*lang.Scope, *view) {
	x.As = "item"
	if s.As != nil {
		x.As = s.As.Text
	}
	x.ForEach = c.value(s.ForEach, c.scope(v, s.ForEach), step.Field{Name: "forEach", Shape: step.ListOf(step.ShapeAny)})
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
		x.Body = append(x.Body, y)
		x.Sends = append(x.Sends, y.Sends...)
		x.maxLevel = max(x.maxLevel, y.maxLevel)
	}
	return ok
}

// use compiles `uses` and `with`. Not ok means that nothing is known of the
// step's outputs, not good that only their names are.
func (c *compiler) use(s *flow.Step, x *Step, sc *lang.Scope, at place) (ok, good bool) {
	kind, ok := c.reg.Kind(s.Uses.Text)
	if !ok {
		d := c.diags.Add("unknown-kind", s.Uses.Span, "unknown kind %q", s.Uses.Text)
		if strings.HasPrefix(s.Uses.Text, "./") || strings.HasSuffix(s.Uses.Text, ".yaml") {
			d.Code, d.Summary = "not-built-yet", "running another flow as a step is not built yet"
			d.WithHint("copy its steps here")
		} else {
			hint := diag.DidYouMean(s.Uses.Text, c.reg.Names())
			d.WithDetail("`flowrunner tools` lists every kind.")
			if hint != "" {
				d.WithHint("%s", hint)
			}
		}
		if s.With != nil {
			c.usedAnyway(s.With)
		}
		return false, false
	}
	x.Kind, x.maxLevel = kind, kind.Effect
	if kind.Effect == step.EffectSend {
		x.Sends = []*Step{x}
		if at.final {
			c.diags.Add("send-in-finally", s.Uses.Span, "finally holds no send").
				WithDetail("finally runs also after a failure or a stop; a message from there could never be planned or approved.").
				WithHint("move the step to steps")
		}
	}
	call := step.Call{Shapes: map[string]step.Shape{}, Literals: map[string]any{}}
	if !c.args(s, x, kind, sc, &call) {
		// The outputs' types may depend on what is broken.
		for _, o := range kind.Outputs {
			o.Shape = step.ShapeAny
			x.Outs = append(x.Outs, o)
		}
		return !kind.OpenParams, false
	}
	x.call = call
	if kind.LocalTime != nil {
		if what := kind.LocalTime(call); what != "" {
			c.needZone(s.Uses, what)
		}
	}
	outs, err := kind.Infer(call)
	if err != nil {
		c.diags.Add("wrong-parameters", blamed(s, err), "%s: %s", kind.Name, err)
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
	for _, p := range kind.Params {
		names = append(names, p.Name)
	}
	misspelt := map[string]bool{}
	for _, e := range entries {
		if _, ok := kind.Param(e.Key.Text); !ok && !kind.OpenParams {
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
		for _, p := range kind.Params {
			n, ok := written[p.Name]
			if (p.Item != "") != second {
				continue
			}
			if !ok {
				if !p.Optional && !misspelt[p.Name] {
					c.diags.Add("missing-parameter", s.Uses.Span, "%s needs the parameter %q", kind.Name, p.Name).
						WithDetail("%s", p.Doc).WithHint("add under with:  %s: …", p.Name)
				}
				continue
			}
			if p.Shape.Form == step.FormSecret {
				x.Token = c.secret(n, sc)
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
			end := c.markBroken("item", !known || c.dependsOnBroken(written[p.Item]))
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
		if e.Value.Kind != flow.Scalar || e.Value.Style != flow.Plain || strings.Contains(e.Value.Text, "${{") {
			continue
		}
		if expr, ds := lang.CompileExpr(e.Value, sc, step.ShapeAny); !ds.HasErrors() && expr != nil && len(expr.Refs()) > 0 {
			c.diags.Add("expression-as-text", e.Value.Span, "this would be the text %s, not its value", e.Value.Text).
				WithDetail("Under %s a value is a template; without ${{ }} every record would get these letters.", p.Name).
				WithHint("write ${{ %s }}, or quote it if the letters are meant", e.Value.Text)
		}
	}
	return c.outputs(n, sc)
}

// inBody checks the rules of one iteration: nothing in it may depend on what
// the API answered to a send of the same iteration.
func (c *compiler) inBody(s *flow.Step, x *Step, before []step.Field, b *body) {
	if b.sent != "" && x.Kind != nil && x.Kind.Effect == step.EffectRead {
		c.diags.Add("read-after-send", s.Uses.Span, "a read after a send cannot stand in the same loop or block").
			WithDetail("Everything in %s is read and rendered before anything is sent, so the step %s could not see what %s did.", b.owner, x.ID, b.sent).
			WithHint("move it above %s, or into %s", b.sent, b.later())
	}
	for _, r := range ownRefs(x) {
		if outcomeRef(r, before) {
			c.diags.Add("outcome-in-iteration", r.Span, "%s is not known yet", strings.Join(r.Path, ".")).
				WithDetail("Everything in %s is rendered before anything is sent or written; what came of it is known only when all of it has settled.", b.owner).
				WithHint("use %s", b.later())
		}
	}
	if len(x.Sends) > 0 && b.sent == "" {
		b.sent = x.Sends[0].ID
	}
}

// common compiles the keys that any step may have.
func (c *compiler) common(s *flow.Step, x *Step, sc *lang.Scope) {
	isSend := x.Kind != nil && x.Kind.Effect == step.EffectSend
	only := func(n *flow.Node, ok bool, key, where, hint string) bool {
		if n != nil && !ok {
			c.diags.Add("key-without-effect", keySpan(s.Node, key), "%s belongs to %s", key, where).
				WithDetail("On this step it would change nothing.").WithHint("%s", hint)
		}
		return n != nil && ok
	}
	again := "delete it"
	if isSend {
		again = "delete it: a send that surely did not go out is tried again by itself, one that may have gone out never is"
	}
	unknownKind := s.Uses != nil && x.Kind == nil
	if only(s.Key, isSend || unknownKind, "key", "a send", "put it on the step that sends, or delete it") {
		x.Key = c.expr(s.Key, sc, step.ShapeAny)
		if x.Key != nil {
			shape := x.Key.Shape()
			switch f := shape.Form; {
			case f != step.FormText && f != step.FormInt && f != step.FormAny:
				c.diags.Add("wrong-type", s.Key.Span, "a key must be a text or an integer, not %s", shape.NotNil()).
					WithHint("%s", `join what names the occasion: string(x.id) + "/" + x.date`)
			case shape.Nullable && f != step.FormAny:
				c.diags.Add("maybe-nil", s.Key.Span, "the key may be nil: %s", x.Key.Source()).
					WithDetail("The key is what a message is remembered by, so every row needs one.").
					WithHint("leave those without one out with `if: %s != nil`", x.Key.Source())
			}
		}
	}
	if only(s.OncePer, isSend || unknownKind, "oncePer", "a send or the flow", "put it on the step that sends, or at the top of the file") {
		x.OncePer = s.OncePer.Text
		c.period(s.OncePer)
	}
	if s.ForEach != nil { // without it flow.Parse refuses the key
		one, most := 1.0, 256.0
		if v, ok := c.literal(s.Concurrency, "concurrency", step.Field{Shape: step.ShapeInt, Min: &one, Max: &most}); ok {
			x.Concurrency = v.(int)
		}
	}
	isRead := x.Kind != nil && x.Kind.Effect == step.EffectRead
	if s.Retry != nil && only(s.Retry.Key, isRead || unknownKind, "retry", "a read", again) {
		one, most := 1.0, 10.0
		x.Retry = step.Retry{Attempts: 3, Backoff: defaultBackoff}
		if v, ok := c.literal(s.Retry.Get("attempts"), "attempts", step.Field{Shape: step.ShapeInt, Min: &one, Max: &most}); ok {
			x.Retry.Attempts = v.(int)
		}
		if n := s.Retry.Get("backoff"); n != nil {
			x.Retry.Backoff = c.duration(n, "backoff")
		}
	}
	if only(s.Timeout, isRead || unknownKind, "timeout", "a read", "delete it") {
		x.Timeout = c.duration(s.Timeout, "timeout")
	}
	switch text(s.OnError) {
	case "stop":
		x.OnError = OnErrorStop
	case "continue":
		x.OnError = OnErrorContinue
	}
}

// keySpan is where a key of a map stands.
func keySpan(n *flow.Node, key string) diag.Span {
	for _, e := range n.Entries {
		if e.Key.Text == key {
			return e.Key.Span
		}
	}
	return n.Span
}

// period checks that a calendar period has a calendar.
func (c *compiler) period(n *flow.Node) {
	switch text(n) {
	case "month", "week", "day":
		c.needZone(n, "Where a "+n.Text+" begins")
	}
}

// loopOutputs types what a block or a loop gives. It reports whether all of it
// could be typed.
func (c *compiler) loopOutputs(s *flow.Step, x *Step, inner *view) (good bool) {
	if s.ForEach != nil && s.Uses != nil {
		// The outputs of a loop over a kind may name its own step.
		own := *x
		inner = &view{steps: slices.Clone(inner.steps), over: inner.over}
		if x.Kind == nil || x.Kind.OpenParams && len(x.Outs) == 0 {
			inner.addBroken(&own)
		} else {
			inner.add(&own)
		}
	}
	x.Items = c.outputs(s.Outputs, c.scope(inner, s.Outputs))
	var fields []step.Field
	for i, o := range x.Items {
		shape := o.Value.Shape()
		shape.Stream = false
		refs := o.Value.Refs()
		x.Items[i].Outcome = slices.ContainsFunc(refs, func(r lang.Ref) bool { return outcomeRef(r, inner.steps) })
		shape.Outcome = x.Items[i].Outcome
		if len(o.needs) > 0 && s.ForEach != nil {
			shape.Nullable = true
		}
		if x.Items[i].Outcome {
			x.capture = append(x.capture, plainRefs(refs, inner.steps)...)
		}
		fields = append(fields, step.Field{Name: o.Name, Shape: shape})
	}
	good = true
	if s.Outputs != nil {
		for _, e := range s.Outputs.Entries {
			if _, ok := step.ObjectOf(fields...).Field(e.Key.Text); !ok {
				fields, good = append(fields, step.Field{Name: e.Key.Text, Shape: step.ShapeAny}), false
			}
		}
	}
	switch {
	case s.ForEach == nil:
		x.Outs = fields
		return good
	case len(fields) > 0:
	case len(x.Sends) > 0:
		fields = sendItem
	case s.Uses != nil:
		for _, o := range x.Outs {
			o.Shape.Nullable, o.Shape.Stream = true, false
			fields = append(fields, o)
		}
	default:
		fields = []step.Field{{Name: "index", Shape: step.ShapeInt}, {Name: "status", Shape: step.ShapeText}}
	}
	x.Outs = append([]step.Field{{Name: "items", Doc: "One record for each iteration, in order.", Shape: step.StreamShape(step.ObjectOf(fields...))}},
		loopCounters(len(x.Sends) > 0)...)
	return good
}

// plainRefs keeps the references whose value is known at plan: an output that
// waits for a send's outcome needs them again then.
func plainRefs(refs []lang.Ref, steps []step.Field) [][]string {
	var out [][]string
	for _, r := range refs {
		if r.Path[0] != "inputs" && r.Path[0] != "env" && r.Path[0] != "run" && !outcomeRef(r, steps) {
			out = append(out, r.Path)
		}
	}
	return out
}

// sendItem is the record of a loop that sends and names no outputs.
var sendItem = []step.Field{
	{Name: "index", Doc: "The iteration, from 0.", Shape: step.ShapeInt},
	{Name: "key", Doc: "What names the occasion; the contact unless `key:` says otherwise.", Shape: step.ShapeText.OrNil()},
	{Name: "contactId", Doc: "The client.", Shape: step.ShapeInt.OrNil()},
	{Name: "status", Doc: "sent, already_sent, failed, unknown, skipped, left_out or duplicate.", Shape: outcome(step.ShapeText)},
	{Name: "reason", Doc: "Why it was not sent.", Shape: outcome(step.ShapeText.OrNil())},
	{Name: "messageId", Doc: "The API's id of the message.", Shape: outcome(step.ShapeInt.OrNil())},
	{Name: "at", Doc: "When it was settled.", Shape: outcome(step.ShapeTime.OrNil())},
}

func outcome(s step.Shape) step.Shape { s.Outcome = true; return s }

func loopCounters(sends bool) []step.Field {
	counter := func(name, doc string, late bool) step.Field {
		s := step.ShapeInt
		s.Outcome = late
		return step.Field{Name: name, Doc: doc, Shape: s}
	}
	fields := []step.Field{counter("count", "Iterations.", false)}
	if sends {
		fields = append(fields,
			counter("planned", "Sends that the plan lists: sent + failed + unknown + skipped.", false),
			counter("leftOut", "Left out by if, where or a rail.", false),
			counter("alreadySent", "Sent by an earlier run.", false),
			counter("duplicates", "Of the same identity as an earlier row of this plan.", false),
			counter("sent", "Accepted by the API.", true),
			counter("failed", "Refused for good.", true),
			counter("unknown", "Nobody knows.", true),
			counter("skipped", "Planned, but not tried: the run stopped before.", true),
		)
	}
	return fields
}

func (a Arg) refs() []lang.Ref {
	if a.Value != nil {
		return a.Value.Refs()
	}
	var refs []lang.Ref
	for _, o := range a.Named {
		refs = append(refs, o.Value.Refs()...)
	}
	return refs
}

// String names a step for messages.
func (s *Step) String() string { return fmt.Sprintf("step %s", s.ID) }

package engine

import (
	"slices"

	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/engine/lang"
	"github.com/flowrunner/flowrunner/engine/step"
)

// loopOutputs types what a block or a loop gives. It reports whether all of it
// could be typed.
func (c *compiler) loopOutputs(s *flow.Step, x *Step, inner *view) (good bool) {
	if s.ForEach != nil && s.Uses != nil {
		// The outputs of a loop over a kind or a flow may name its own step.
		own := *x
		inner = inner.body()
		if x.Kind == nil && x.Called == nil || x.Kind != nil && x.Kind.OpenParams && len(x.Outs) == 0 {
			inner.addBroken(&own)
		} else {
			inner.add(&own)
		}
	}
	x.Items = c.outputs(s.Outputs, c.scope(inner, s.Outputs))
	if s.ForEach != nil && s.Outputs == nil && x.Called != nil {
		x.Items = c.passOn(x, c.scope(inner, nil))
	}
	fields, capture := c.settling(x, x.Items, inner, s.ForEach != nil)
	good = fill(&fields, s.Outputs)
	if s.ForEach == nil {
		x.Outs, x.capture = fields, capture
		return good
	}
	if slices.ContainsFunc(x.Items, func(o Output) bool { return o.Outcome }) {
		x.capture = slices.Concat(capture, capturesBelow(x))
	}
	switch {
	case len(fields) > 0:
	case len(x.Sends) > 0:
		fields = sendItem
	case s.Uses != nil && x.Called == nil:
		for _, o := range x.Outs {
			o.Shape.Nullable, o.Shape.Stream = true, false
			fields = append(fields, o)
		}
	default:
		fields = []step.Field{{Name: "index", Shape: step.ShapeInt}, {Name: "status", Shape: step.ShapeText}}
	}
	x.Outs = append([]step.Field{{Name: "items", Doc: "One record for each iteration, in order.", Shape: step.StreamShape(step.ObjectOf(fields...))}},
		loopCounters(len(x.Sends) > 0, x.Loop != nil)...)
	return good
}

// settling types what x gives, and says of each output whether it waits for what
// becomes of a send. capture is what those outputs need to be evaluated then, as
// far as it is known at plan. each says that they are those of a loop's
// iterations, and not of one block or call.
func (c *compiler) settling(x *Step, items []Output, inner *view, each bool) (fields []step.Field, capture [][]string) {
	late, missing := false, absence{c, x, map[string]bool{}}
	for i, o := range items {
		shape := o.Value.Shape()
		shape.Stream = false
		items[i].Outcome = slices.ContainsFunc(o.Value.Refs(), inner.outcome)
		late = late || items[i].Outcome
		shape.Outcome = items[i].Outcome
		switch {
		case shape.Form == step.FormNil || len(o.needs) == 0:
		case each:
			shape.Nullable = true
		default:
			shape.Nullable = shape.Nullable || slices.ContainsFunc(o.needs, missing.of)
		}
		fields = append(fields, step.Field{Name: o.Name, Shape: shape})
	}
	for _, o := range items {
		// What a block or a call gives is evaluated as a whole.
		if o.Outcome || late && !each {
			capture = append(capture, plainRefs(o.Value.Refs(), inner)...)
		}
	}
	if len(x.Sends) > 0 && !each {
		capture = append(capture, []string{"steps", x.ID, "status"})
	}
	return fields, capture
}

// absence knows of each step in a block or a call whether it can have no outputs
// although that has run. Each is looked at once, however many others need it.
type absence struct {
	c      *compiler
	around *Step
	known  map[string]bool
}

// of reports whether a step may have been left out, may have failed, or needs one
// that may.
func (a absence) of(id string) bool {
	may, asked := a.known[id]
	if !asked {
		a.known[id] = false // of two steps by one name, which is reported, one can need the other
		may = a.look(id)
		a.known[id] = may
	}
	return may
}

func (a absence) look(id string) bool {
	x := a.c.p.byID[id]
	if x == nil {
		return true
	}
	if !x.IsLoop() && (x.If != nil || x.OnError == OnErrorContinue || x.Kind != nil && (x.Kind.Effect == step.EffectSend || x.Kind.Effect == step.EffectLocal)) {
		return true
	}
	for b := x.in; b != nil && b != a.around && !b.IsLoop(); b = b.in {
		if b.If != nil {
			return true
		}
	}
	return slices.ContainsFunc(x.needs, a.of)
}

// capturesBelow is what the blocks and calls in one iteration of x need when it
// has settled.
func capturesBelow(x *Step) [][]string {
	var all [][]string
	if x.Called != nil {
		all = append(all, x.Called.capture...)
	}
	for _, b := range x.Body {
		if !b.IsLoop() {
			all = append(all, b.capture...)
			all = append(all, capturesBelow(b)...)
		}
	}
	return all
}

// fill adds the outputs that could not be typed, so that one mistake gives one
// message. It reports whether there were none.
func fill(fields *[]step.Field, written *flow.Node) (whole bool) {
	if written == nil {
		return true
	}
	whole = true
	for _, e := range written.Entries {
		if _, ok := step.ObjectOf(*fields...).Field(e.Key.Text); !ok {
			*fields, whole = append(*fields, step.Field{Name: e.Key.Text, Shape: step.ShapeAny}), false
		}
	}
	return whole
}

// plainRefs keeps the references whose value is known at plan: an output that
// waits for a send's outcome needs them again then.
func plainRefs(refs []lang.Ref, v *view) [][]string {
	var out [][]string
	for _, r := range refs {
		if r.Path[0] != "inputs" && r.Path[0] != "env" && r.Path[0] != "run" && !v.outcome(r) {
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

// loopCounters are the counters of a loop. In a loop inside a loop even those of
// the plan are known only when the iteration around it has settled.
func loopCounters(sends, nested bool) []step.Field {
	counter := func(name, doc string, late bool) step.Field {
		s := step.ShapeInt
		s.Outcome = late
		return step.Field{Name: name, Doc: doc, Shape: s}
	}
	fields := []step.Field{counter("count", "Iterations.", false)}
	if sends {
		fields = append(fields,
			counter("planned", "Sends that the plan lists: sent + failed + unknown + skipped.", nested),
			counter("leftOut", "Left out by if, where or a rail.", nested),
			counter("alreadySent", "Sent by an earlier run.", nested),
			counter("duplicates", "Of the same identity as an earlier row of this plan.", nested),
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

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

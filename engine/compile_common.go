package engine

import (
	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/engine/lang"
	"github.com/flowrunner/flowrunner/engine/step"
)

// common compiles the keys that any step may have.
func (c *compiler) common(s *flow.Step, x *Step, sc *lang.Scope) {
	isSend := x.Kind != nil && x.Kind.Effect == step.EffectSend
	if isSend {
		x.Zone = c.sendZone(sc)
	}
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
	unknownKind := s.Uses != nil && x.Kind == nil && x.Called == nil
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
	if isSend && s.OncePer == nil && c.prefix != "" {
		x.OncePer = text(c.doc.OncePer) // that of the called flow; the program's is that of the flow that is run
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
	if only(s.OnError, x.Kind != nil || unknownKind, "onError", "a step that uses a kind", "put it on the step in it that may fail") {
		switch s.OnError.Text {
		case "stop":
			x.OnError = OnErrorStop
		case "continue":
			x.OnError = OnErrorContinue
		}
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

package lang

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/engine/step"
)

// field is a short way to write a field of a test shape.
func field(name string, s step.Shape) step.Field { return step.Field{Name: name, Shape: s} }

func outcomeOf(s step.Shape) step.Shape { s.Outcome = true; return s }

// messageShape and contactShape are records as the API's listings give them.
func messageShape() step.Shape {
	return step.ObjectOf(
		field("id", step.ShapeInt), field("text", step.ShapeText.OrNil()), field("type", step.ShapeText.OrNil()),
		field("created", step.ShapeTime), field("read", step.ShapeBool.OrNil()), field("channel_id", step.ShapeInt.OrNil()),
	)
}

func contactShape() step.Shape {
	return step.ObjectOf(
		field("id", step.ShapeInt), field("phone", step.ShapeText), field("name", step.ShapeText.OrNil()),
		field("assigned_name", step.ShapeText.OrNil()), field("last_client_message", step.ShapeTime.OrNil()),
		field("balance", step.ShapeNumber.OrNil()), field("wait", step.ShapeDuration.OrNil()), field("vip", step.ShapeBool),
		field("lists", step.ListOf(step.ShapeText).OrNil()),
		field("region", step.ObjectOf(field("code", step.ShapeText), field("city", step.ShapeText.OrNil())).OrNil()),
	)
}

// worldScope is what an expression of the tests may name.
func worldScope(zone *time.Location) *Scope {
	object := step.ObjectOf
	outputs := func(fields ...step.Field) step.Shape {
		return object(field("outputs", object(fields...)), field("status", outcomeOf(step.ShapeText)))
	}
	return NewScope(zone).
		With("inputs", object(
			field("promo", step.ShapeText), field("tags", step.ListOf(step.ShapeInt)), field("ratio", step.ShapeNumber),
			field("limit", step.ShapeInt), field("since", step.ShapeTime.OrNil()), field("pause", step.ShapeDuration),
		)).
		With("run", object(field("id", step.ShapeText), field("now", step.ShapeTime), field("startedAt", step.ShapeTime.OrNil()))).
		With("env", object(field("STAGE", step.ShapeText))).
		With("steps", object(
			field("clients", outputs(field("clients", step.StreamShape(contactShape())), field("total", step.ShapeInt))),
			field("history", outputs(field("messages", step.ListOf(messageShape())))),
			field("find", outputs(field("client", contactShape().OrNil()), field("candidates", step.ListOf(contactShape())))),
			field("read", outputs(field("value", step.ShapeAny))),
			field("send", outputs(field("messageId", outcomeOf(step.ShapeInt.OrNil())), field("success", outcomeOf(step.ShapeBool.OrNil())))),
			field("outreach", outputs(
				field("items", step.StreamShape(object(field("index", step.ShapeInt), field("status", outcomeOf(step.ShapeText)), field("at", outcomeOf(step.ShapeTime.OrNil()))))),
				field("planned", step.ShapeInt), field("sent", outcomeOf(step.ShapeInt)),
			)),
			field("later", outputs(field("messageId", step.ShapeInt))),
		)).
		With("client", contactShape()).
		With("item", messageShape()).
		With("index", step.ShapeInt).
		Forbid("steps.later", "step-order", "The step later stands further down.", "move it up")
}

// worldData is an environment of that scope in which everything is there, or,
// when bare, one in which everything nullable is nil and every list empty.
func worldData(bare bool) map[string]any {
	zone := time.FixedZone("MSK", 3*60*60)
	now := time.Date(2026, 3, 2, 10, 30, 0, 0, zone)
	or := func(v any) any {
		if bare {
			return nil
		}
		return v
	}
	list := func(v ...any) []any {
		if bare {
			return []any{}
		}
		return v
	}
	contact := func(id int, name string) map[string]any {
		return map[string]any{
			"id": id, "phone": "7900000000" + itoa(id), "name": or(name), "assigned_name": or("Olga"), "last_client_message": or(now.Add(-48 * time.Hour)),
			"balance": or(12.5), "wait": or(90 * time.Minute), "vip": !bare, "lists": or([]any{"a", "b"}),
			"region": or(map[string]any{"code": "77", "city": or("Москва")}),
		}
	}
	message := func(id int, text, kind string, age time.Duration) map[string]any {
		return map[string]any{
			"id": id, "text": or(text), "type": or(kind), "created": now.Add(-age), "read": or(true), "channel_id": or(3),
		}
	}
	zero := 0
	if !bare {
		zero = 7
	}
	return map[string]any{
		"inputs": map[string]any{
			"promo": map[bool]string{false: "SALE15", true: ""}[bare], "tags": list(17, 18), "ratio": float64(zero) / 2, "limit": zero,
			"since": or(now.AddDate(0, 0, -7)), "pause": time.Duration(zero) * time.Minute,
		},
		"run": map[string]any{"id": "r1", "now": now, "startedAt": or(now)},
		"env": map[string]any{"STAGE": "test"},
		"steps": map[string]any{
			"clients": map[string]any{"outputs": map[string]any{"clients": list(contact(1, "Anna"), contact(2, "Boris")), "total": zero}, "status": "done"},
			"history": map[string]any{"outputs": map[string]any{"messages": list(
				message(11, "Hello", "from_client", 50*time.Hour), message(12, "Not interested", "from_client", 2*time.Hour), message(13, "Bye", "to_client", time.Hour),
			)}, "status": "done"},
			"find":     map[string]any{"outputs": map[string]any{"client": or(contact(3, "Vera")), "candidates": list(contact(3, "Vera"))}, "status": "done"},
			"read":     map[string]any{"outputs": map[string]any{"value": or(map[string]any{"n": 5, "list": []any{1, 2}})}, "status": "done"},
			"send":     map[string]any{"outputs": map[string]any{"messageId": or(99), "success": or(true)}, "status": "sent"},
			"outreach": map[string]any{"outputs": map[string]any{"items": list(map[string]any{"index": 0, "status": "sent", "at": or(now)}), "planned": zero, "sent": zero}, "status": "done"},
			"later":    map[string]any{"outputs": map[string]any{"messageId": 1}, "status": "done"},
		},
		"client":  contact(1, "Anna"),
		"item":    message(12, "Not interested", "from_client", 2*time.Hour),
		"index":   zero,
		"secrets": map[string]any{"TOKEN": step.NewSecret("t0ps3cret"), "RAW": "r4w"},
	}
}

// yamlNode reads one value of YAML, as flow would.
func yamlNode(t testing.TB, source string) (*flow.Node, []byte) {
	t.Helper()
	text := []byte(source)
	n, problems := flow.ParseNode("flow.yaml", text)
	require.Empty(t, diag.FormatAll(problems, text))
	return n.Get("v"), text
}

// textNode is a scalar that was not read from a file.
func textNode(text string) *flow.Node { return &flow.Node{Kind: flow.Scalar, Text: text} }

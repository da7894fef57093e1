package lang

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/engine/step"
)

// grammar writes random expressions over the test world. It aims at a form but
// promises nothing: nil is everywhere, and the checker has to find it.
type grammar struct{ *rand.Rand }

func (g grammar) pick(choices ...string) string { return choices[g.IntN(len(choices))] }

// atoms are names that give a form, or nil.
var atoms = map[step.Form][]string{
	step.FormBool:     {"true", "client.vip", "item.read", "steps.find.outputs.client?.vip", "item.read ?? false", "steps.send.outputs.success"},
	step.FormInt:      {"1", "0", "client.id", "index", "inputs.limit", "item.channel_id", "steps.clients.outputs.total", "inputs.tags[0]", "steps.find.outputs.client?.id"},
	step.FormNumber:   {"1.5", "client.balance", "inputs.ratio", "0.0", "steps.find.outputs.client?.balance"},
	step.FormText:     {`"a"`, `""`, "client.name", "client.phone", "item.text", "client.region?.city", "inputs.promo", "client.lists?.[0]", "steps.find.outputs.client?.region?.code"},
	step.FormTime:     {"now()", "item.created", "client.last_client_message", "inputs.since", "run.startedAt"},
	step.FormDuration: {`duration("1h")`, "inputs.pause", "client.wait"},
	step.FormAny:      {"steps.read.outputs.value", "steps.read.outputs.value?.n", "nil"},
}

var records = []string{"steps.history.outputs.messages", "steps.history.outputs.messages[0:2]"}

func (g grammar) gen(f step.Form, depth int) string {
	if depth <= 0 || g.IntN(5) == 0 {
		return g.pick(atoms[f]...)
	}
	sub := func(f step.Form) string { return g.gen(f, depth-1) }
	list := func() string { return g.list(depth - 1) }
	switch g.IntN(8) {
	case 0:
		return fmt.Sprintf("(%s ?? %s)", sub(f), g.pick(atoms[f]...))
	case 1:
		return fmt.Sprintf("(%s ? %s : %s)", sub(step.FormBool), sub(f), sub(f))
	case 2:
		x := g.pick(atoms[f]...)
		return fmt.Sprintf("(%s ? %s : %s)", g.guard(x, depth), g.around(f, x, depth-1), g.around(f, x, depth-1))
	case 3:
		return g.record(f, depth-1)
	}
	switch f {
	case step.FormBool:
		ordered := []step.Form{step.FormInt, step.FormNumber, step.FormText, step.FormTime, step.FormDuration}[g.IntN(5)]
		x := g.pick(atoms[ordered]...)
		switch g.IntN(9) {
		case 0:
			return fmt.Sprintf("(%s %s %s)", sub(f), g.pick("and", "or", "&&", "||"), sub(f))
		case 1:
			return "not (" + sub(f) + ")"
		case 2:
			return fmt.Sprintf("(%s %s %s)", sub(ordered), g.pick("<", ">", "<=", ">=", "==", "!="), sub(ordered))
		case 3:
			return fmt.Sprintf("(%s %s %s)", sub(step.FormText), g.pick("contains", "startsWith", "endsWith", "matches", "not contains"), sub(step.FormText))
		case 4:
			return fmt.Sprintf("(%s != nil and %s)", x, g.compare(ordered, x, depth-1))
		case 5:
			return fmt.Sprintf("(%s == nil or %s)", x, g.compare(ordered, x, depth-1))
		case 6:
			return fmt.Sprintf("%s(%s, %s)", g.pick("any", "all", "none", "one"), list(), g.condition(depth-1))
		case 7:
			return fmt.Sprintf(`%s(%s, "30d")`, g.pick("within", "olderThan"), sub(step.FormTime))
		}
		return fmt.Sprintf("(%s in [%s, %s])", sub(ordered), sub(ordered), sub(ordered))
	case step.FormInt:
		switch g.IntN(7) {
		case 0:
			return fmt.Sprintf("(%s %s %s)", sub(f), g.pick("+", "-", "*", "%"), sub(f))
		case 1:
			return "len(" + list() + ")"
		case 2:
			return fmt.Sprintf("%s(%s, %s)", g.pick("count", "findIndex", "findLastIndex"), list(), g.condition(depth-1))
		case 3:
			return "sum(" + list() + ", .id)"
		case 4:
			return fmt.Sprintf("%s(%s)", g.pick("int", "abs", "round", "floor"), sub(step.FormNumber))
		case 5:
			return "len(" + sub(step.FormText) + ")"
		}
		return "int(" + sub(step.FormText) + ")"
	case step.FormNumber:
		switch g.IntN(5) {
		case 0:
			return fmt.Sprintf("(%s / %s)", sub(step.FormInt), sub(step.FormInt))
		case 1:
			return fmt.Sprintf("(%s %s %s)", sub(f), g.pick("+", "-", "*", "/"), sub(f))
		case 2:
			l := list()
			return fmt.Sprintf("(len(%s) > 0 ? sum(%s, .id) / len(%s) : 0)", l, l, l)
		case 3:
			return fmt.Sprintf("%s(map(%s, .id))", g.pick("mean", "median"), list())
		}
		return fmt.Sprintf("(%s ** 2)", sub(step.FormInt))
	case step.FormText:
		switch g.IntN(7) {
		case 0:
			return fmt.Sprintf("(%s + %s)", sub(f), sub(f))
		case 1:
			return fmt.Sprintf("%s(%s)", g.pick("lower", "upper", "trim", "string"), sub(f))
		case 2:
			return fmt.Sprintf(`join(map(%s, .text ?? "-"), ", ")`, list())
		case 3:
			return "string(" + sub(step.FormInt) + ")"
		case 4:
			return fmt.Sprintf("(%s)[%d:%d]", sub(f), g.IntN(3), g.IntN(4))
		case 5:
			return "toJSON(" + list() + ")"
		}
		return fmt.Sprintf(`(split(%s, "a")[0] ?? "")`, sub(f))
	case step.FormTime:
		return fmt.Sprintf("(%s %s %s)", sub(f), g.pick("+", "-"), sub(step.FormDuration))
	case step.FormDuration:
		switch g.IntN(3) {
		case 0:
			return fmt.Sprintf("(%s - %s)", sub(step.FormTime), sub(step.FormTime))
		case 1:
			return fmt.Sprintf("(%s * 2)", sub(f))
		}
		return fmt.Sprintf("(%s / %s)", sub(f), sub(step.FormInt))
	}
	return fmt.Sprintf("(%s?.list ?? %s)", g.pick(atoms[step.FormAny]...), sub(step.FormInt))
}

// list writes a list of messages.
func (g grammar) list(depth int) string {
	if depth <= 0 {
		return g.pick(records...)
	}
	l := g.list(depth - 1)
	switch g.IntN(9) {
	case 0:
		return fmt.Sprintf("filter(%s, %s)", l, g.condition(depth-1))
	case 1:
		return fmt.Sprintf("sortBy(%s, %s)", l, g.pick(".id", ".created", ".text", `.text ?? ""`, `.channel_id ?? 0`))
	case 2:
		return fmt.Sprintf("%s(%s)", g.pick("reverse", "uniq"), l)
	case 3:
		return fmt.Sprintf("take(%s, 2)", l)
	case 4:
		return fmt.Sprintf("concat(%s, %s)", l, g.list(depth-1))
	case 5:
		return fmt.Sprintf(`(groupBy(%s, .type ?? "none")["from_client"] ?? [])`, l)
	case 6:
		return fmt.Sprintf("flatten(values(groupBy(%s, string(.id))))", l)
	case 7:
		return fmt.Sprintf("filter(map(%s, find(%s, %s)), # != nil)", l, g.list(depth-1), g.condition(depth-1))
	}
	return l
}

// condition writes what a predicate asks of a message.
func (g grammar) condition(depth int) string {
	if depth > 0 && g.IntN(4) == 0 {
		return fmt.Sprintf("(%s %s %s)", g.condition(depth-1), g.pick("and", "or"), g.condition(depth-1))
	}
	return g.pick(
		`.type == "from_client"`, `.text contains "H"`, `.text != nil and .text contains "H"`, `(.text == nil or lower(.text) == "bye")`,
		`.id > 11`, `.channel_id > 2`, `(.channel_id ?? 0) > 2`, `.read`, `.read ?? false`, `.created < now()`, `.channel_id in [3, nil]`,
		`(.text ?? "") != "" and len(.text) > 2`, `#index > 0`, `client.name == .text`, `.channel_id != nil ? .channel_id > 1 : true`,
	)
}

// record reads a field of a record that may be missing.
func (g grammar) record(f step.Form, depth int) string {
	name := map[step.Form]string{
		step.FormBool: "read", step.FormInt: "id", step.FormNumber: "channel_id", step.FormText: "text",
		step.FormTime: "created", step.FormDuration: "created", step.FormAny: "type",
	}[f]
	l := g.list(depth)
	if g.IntN(3) == 0 {
		return fmt.Sprintf("(len(%s) %s ? (%s)[%s].%s : nil)", l, g.pick("> 0", "== 1", "!= 0", ">= 1", ">= 0", "== 0"), l, g.pick("0", "-1", "1"), name)
	}
	base := g.pick("first("+l+")", "last("+l+")", "("+l+")[0]", "("+l+")[-1]", "find("+l+", "+g.condition(depth)+")", "newest("+l+")")
	return g.pick(base+"?."+name, base+"."+name, "("+base+" != nil ? "+base+"."+name+" : nil)")
}

// around uses x where it is known not to be nil, or so the grammar hopes.
func (g grammar) around(f step.Form, x string, depth int) string {
	switch f {
	case step.FormText:
		return g.pick(x, "upper("+x+")", x+` + "!"`)
	case step.FormInt, step.FormNumber:
		return g.pick(x, x+" + 1", "abs("+x+")")
	case step.FormTime:
		return g.pick(x, x+` - duration("1h")`)
	}
	return x
}

// guard asks, in one way or another, whether x is nil. Not every way answers.
func (g grammar) guard(x string, depth int) string {
	if depth > 0 && g.IntN(2) == 0 {
		y := g.pick("client.vip", "item.read == true", g.guard(x, depth-1))
		return g.pick(
			fmt.Sprintf("(%s %s %s)", g.guard(x, depth-1), g.pick("and", "or"), y),
			fmt.Sprintf("(%s %s %s)", y, g.pick("and", "or"), g.guard(x, depth-1)),
			fmt.Sprintf("not %s", g.guard(x, depth-1)),
			fmt.Sprintf("(%s ? %s : false)", y, g.guard(x, depth-1)),
			fmt.Sprintf("(%s ? %s : true)", y, g.guard(x, depth-1)),
		)
	}
	return g.pick("("+x+" != nil)", "("+x+" == nil)", "(nil != "+x+")", "("+x+" == "+x+")", "("+x+" in [nil])", "("+x+" != inputs.since)")
}

func (g grammar) compare(f step.Form, x string, depth int) string {
	return fmt.Sprintf("%s %s %s", x, g.pick("<", ">", "<=", ">="), g.gen(f, min(depth, 1)))
}

// TestAcceptedNeverFailsOnNil is the property that the whole package rests on:
// what the checker accepts gives a value of the promised shape, whatever is nil
// and however empty the lists are.
func TestAcceptedNeverFailsOnNil(t *testing.T) {
	const rounds = 6000
	seed := uint64(time.Now().UnixNano())
	g := grammar{rand.New(rand.NewPCG(seed, 1))}
	zone := time.FixedZone("MSK", 3*60*60)
	scope := worldScope(zone)
	worlds := []map[string]any{worldData(false), worldData(true)}
	for range 4 {
		worlds = append(worlds, holed(g, worldData(false)).(map[string]any))
	}
	forms := []step.Form{step.FormBool, step.FormInt, step.FormNumber, step.FormText, step.FormTime, step.FormDuration, step.FormAny}
	accepted := 0
	for range rounds {
		text := g.gen(forms[g.IntN(len(forms))], 1+g.IntN(3))
		e, problems := CompileExpr(&flow.Node{Kind: flow.Scalar, Text: text}, scope, step.ShapeAny)
		if e == nil {
			require.NotEmpty(t, problems, text)
			continue
		}
		accepted++
		for i, env := range worlds {
			v, err := e.Eval(env)
			if err != nil && excusable(err) {
				continue
			}
			require.NoError(t, err, "seed %d, world %d: %s", seed, i, text)
			require.True(t, fits(e.Shape(), v), "seed %d, world %d: %s is %s but gave %#v", seed, i, text, e.Shape(), v)
		}
	}
	t.Logf("%d of %d accepted", accepted, rounds)
	require.Greater(t, accepted, rounds/10, "the grammar has lost touch with the language")
}

// excusable reports errors that are not about nil or emptiness: a value of
// unknown shape was of the wrong form, or the arithmetic overflowed.
func excusable(err error) bool {
	reason := err.(*EvalError).Reason
	return strings.Contains(reason, "too large") || strings.Contains(reason, "does not work on") ||
		strings.Contains(reason, "292 years") || strings.Contains(reason, "error parsing regexp") || strings.Contains(reason, "no fields") || strings.Contains(reason, "have no order") || strings.Contains(reason, "is wanted")
}

// holed gives a copy of data in which some of what may be nil is nil, and some
// lists are shorter.
func holed(g grammar, v any) any { return holedBy(g, worldShape(), v) }

func worldShape() step.Shape { return step.ObjectOf(worldScope(time.UTC).names...) }

func holedBy(g grammar, s step.Shape, v any) any {
	if s.Nullable && g.IntN(3) == 0 {
		return nil
	}
	switch x := v.(type) {
	case []any:
		out := []any{}
		for _, e := range x {
			if g.IntN(3) > 0 {
				out = append(out, holedBy(g, s.Element(), e))
			}
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for k, e := range x {
			if f, ok := s.Field(k); ok {
				out[k] = holedBy(g, f.Shape, e)
			} else {
				out[k] = e
			}
		}
		return out
	}
	return v
}

// fits reports whether a run-time value has a shape.
func fits(s step.Shape, v any) bool {
	if v == nil {
		return s.Nullable
	}
	if s.Form == step.FormAny {
		return true
	}
	got := shapeOfValue(v)
	if got.Form != s.Form {
		return false
	}
	switch x := v.(type) {
	case []any:
		for _, e := range x {
			if !fits(s.Element(), e) {
				return false
			}
		}
	case map[string]any:
		for _, f := range s.Fields {
			if !fits(f.Shape, x[f.Name]) {
				return false
			}
		}
	}
	return true
}

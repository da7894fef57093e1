package lang

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/engine/step"
)

func mustExpr(t testing.TB, s *Scope, text string) *Expr {
	t.Helper()
	e, problems := CompileExpr(textNode(text), s, step.ShapeAny)
	require.Empty(t, problems, text)
	return e
}

func problemOf(t testing.TB, s *Scope, text string) string {
	t.Helper()
	e, problems := CompileExpr(textNode(text), s, step.ShapeAny)
	require.Nil(t, e, text)
	return problems[0].Code
}

func TestScopesAreImmutable(t *testing.T) {
	base := NewScope(time.UTC).With("client", contactShape())
	inner := base.With("note", step.ShapeText).Forbid("client.phone", "barred", "Why.", "What instead.").AllowSecrets()
	require.Equal(t, "unknown-name", problemOf(t, base, "note"))
	require.Equal(t, "secret-not-allowed", problemOf(t, base, "secrets.A"))
	mustExpr(t, base, "client.phone")
	mustExpr(t, inner, "note")
	mustExpr(t, inner, "client.name")
	require.Equal(t, step.FormSecret, mustExpr(t, inner, "secrets.A").Shape().Form)

	// Two children of one parent do not see each other.
	a, b := inner.Forbid("client.id", "a", "", ""), inner.Forbid("client.vip", "b", "", "")
	mustExpr(t, a, "client.vip")
	mustExpr(t, b, "client.id")
	require.Equal(t, time.UTC, inner.Zone())
}

func TestForbidden(t *testing.T) {
	s := worldScope(time.UTC)
	for _, text := range []string{"steps.later", "steps.later.outputs", "steps.later.outputs.messageId", "steps.later?.status", "steps", "len(keys(steps))"} {
		_, problems := CompileExpr(textNode(text), s, step.ShapeAny)
		require.Len(t, problems, 1, text)
		require.Equal(t, "step-order", problems[0].Code)
		require.Equal(t, "The step later stands further down.", problems[0].Detail)
		require.Equal(t, "move it up", problems[0].Hint)
	}
	mustExpr(t, s, "steps.clients.outputs.total")
	// A name that hides the root hides what bars it.
	mustExpr(t, s.With("steps", step.ObjectOf(field("later", step.ShapeInt))), "steps.later")
}

func TestAssume(t *testing.T) {
	s := worldScope(time.UTC)
	held := s.Assume(mustExpr(t, s, "steps.find.outputs.client != nil and steps.find.outputs.client.name != nil"))
	require.Equal(t, "text", mustExpr(t, held, "steps.find.outputs.client.name").Shape().String())
	require.Equal(t, "maybe-nil", problemOf(t, s, "steps.find.outputs.client.name"))
	require.Equal(t, "maybe-nil", problemOf(t, held, "upper(steps.find.outputs.client.assigned_name)"))

	either := s.Assume(mustExpr(t, s, "client.name != nil or client.vip"))
	require.Equal(t, "maybe-nil", problemOf(t, either, "upper(client.name)"))

	within := s.Assume(mustExpr(t, s, `within(client.last_client_message, "30d")`))
	mustExpr(t, within, "format(client.last_client_message, \"d MMMM\")")

	// Facts about a name end where another thing takes the name.
	again := s.Assume(mustExpr(t, s, "client.name != nil")).With("client", contactShape())
	require.Equal(t, "maybe-nil", problemOf(t, again, "upper(client.name)"))
	other := s.Assume(mustExpr(t, s, "client.name != nil")).With("clients", contactShape())
	mustExpr(t, other, "upper(client.name)")
	require.Same(t, s, s.Assume(nil))
}

func TestTimezoneIsRequiredWhereItMatters(t *testing.T) {
	s := worldScope(nil)
	for _, text := range []string{`format(item.created, "d MMMM")`, "hour(item.created)", `date("2026-01-01")`, "item.created.Hour()", "weekday(now())"} {
		_, problems := CompileExpr(textNode(text), s, step.ShapeAny)
		require.NotEmpty(t, problems, text)
		require.Equal(t, "timezone-required", problems[0].Code, text)
		require.Contains(t, problems[0].Hint, "timezone")
	}
	mustExpr(t, s, `within(item.created, "3d")`)
	mustExpr(t, s, "item.created.Unix() > 0")
	v, problems := CompileValue(textNode("2026-01-01"), s, step.Field{Name: "from", Shape: step.ShapeTime})
	require.Nil(t, v)
	require.Equal(t, "timezone-required", problems[0].Code)
	v, problems = CompileValue(textNode("2026-01-01T10:00:00Z"), s, step.Field{Name: "from", Shape: step.ShapeTime})
	require.Empty(t, problems)
	got, _ := v.Literal()
	require.Equal(t, time.Date(2026, 1, 1, 10, 0, 0, 0, time.UTC), got)
}

func TestLimitsOfAnExpression(t *testing.T) {
	s := worldScope(time.UTC)
	require.Equal(t, "expression-too-long", problemOf(t, s, strings.Repeat("1+", 2100)+"1"))
	require.Equal(t, "expression-too-deep", problemOf(t, s, strings.Repeat("(", 101)+"1"+strings.Repeat(")", 101)))
	mustExpr(t, s, strings.Repeat("(", 100)+"1"+strings.Repeat(")", 100))
	mustExpr(t, s, strings.Repeat("not ", 1000)+"true")

	// Doubling fills no memory, be it of texts, of lists or of what shares parts.
	double := func(first, step string) string {
		text := "let a0 = " + first + "; "
		for i := range 40 {
			text += "let a" + itoa(i+1) + " = " + strings.ReplaceAll(step, "x", "a"+itoa(i)) + "; "
		}
		return text
	}
	for _, text := range []string{
		double(`"ab"`, "x + x") + "len(a40)", double(`"ab"`, `replace(x, "a", x)`) + "len(a40)", double("[1]", "concat(x, x)") + "len(a40)",
		double("[1]", "[x, x]") + "toJSON(a40)", double("[1]", "[x, x]") + "len(flatten(a40))", double(`"ab"`, `join([x, x], "")`) + "len(a40)",
	} {
		_, err := mustExpr(t, s, text).Eval(worldData(false))
		require.Error(t, err)
		require.Regexp(t, "KiB|elements|values", err.Error())
	}
}

func TestNames(t *testing.T) {
	names := Names()
	require.True(t, slices.IsSorted(names))
	for _, taken := range []string{"filter", "len", "within", "secrets", "not", "get", "reduce", "now", "steps", "plural", "let"} {
		require.Contains(t, names, taken)
	}
	require.NotContains(t, names, "item", "the default of `as`")
	require.NotContains(t, names, "client")
	require.Len(t, names, len(slices.Compact(slices.Clone(names))))
}

func TestCompileExpr(t *testing.T) {
	s := worldScope(time.UTC)
	e, problems := CompileExpr(textNode("  ${{ client.vip }} "), s, step.ShapeBool)
	require.Empty(t, problems)
	require.Equal(t, "client.vip", e.Source())
	for text, code := range map[string]string{
		"": "expression-syntax", " ": "expression-syntax", "client.id": "wrong-type", "client.name": "wrong-type", "item.read": "maybe-nil",
		"${{ client.vip }} or so": "text-around-expression", "${{ client.vip": "unterminated-expression", "${{ }}": "expression-syntax", "nil": "maybe-nil",
	} {
		e, problems := CompileExpr(textNode(text), s, step.ShapeBool)
		require.Nil(t, e, text)
		require.Equal(t, code, problems[0].Code, text)
	}
	_, problems = CompileExpr(&flow.Node{Kind: flow.List}, s, step.ShapeBool)
	require.Equal(t, "an expression is wanted, but this is a list", problems[0].Summary)
	_, problems = CompileExpr(&flow.Node{Kind: flow.Map}, s, step.ShapeBool)
	require.Equal(t, "an expression is wanted, but this is an object", problems[0].Summary)
	_, problems = CompileExpr(textNode("client.vip"), s, step.ShapeInt)
	require.Equal(t, "this must be an integer, not a boolean", problems[0].Summary)
}

func TestBoundIsSafeForManyGoroutines(t *testing.T) {
	s := worldScope(time.UTC)
	env := worldData(false)
	b := mustExpr(t, s, `let n = item.id; filter(inputs.tags, # > n) | len()`).Bind(env)
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			for i := range 200 {
				got, err := b.Eval(map[string]any{"id": i % 20})
				want := 0
				if i%20 < 17 {
					want = 2
				} else if i%20 < 18 {
					want = 1
				}
				if err != nil || got != want {
					t.Errorf("worker %d: %d gave %v, %v", worker, i, got, err)
					return
				}
			}
		})
	}
	group.Wait()
	require.NotNil(t, env["item"], "the caller's environment is left alone")
}

func TestEvalErrorsSpeakToTheUser(t *testing.T) {
	s := worldScope(time.UTC)
	for text, want := range map[string]string{
		"9223372036854775807 + client.id":                       "the result is too large for an integer",
		"(steps.read.outputs.value ?? 0) + 1":                   "+ does not work on an object and an integer",
		"(steps.read.outputs.value ?? 0) < 1":                   "an object and an integer have no order",
		"not (steps.read.outputs.value ?? true)":                "a boolean is wanted here, but it is an object",
		"len(filter(steps.read.outputs.value ?? [], # != nil))": "a list is wanted here, but it is an object",
		`(steps.read.outputs.value ?? "") contains "x"`:         "a text is wanted here, but it is an object",
		"steps.read.outputs.value?.n?.m":                        "an integer has no fields",
		"(steps.read.outputs.value ?? [])[0]":                   "the key must be a text, but it is an integer",
		"1..100001":                                             "the range has more than 100000 integers",
		`client.phone matches (client.name ?? "") + "("`:        "error parsing regexp: missing closing ): `Anna(`",
	} {
		n, _ := yamlNode(t, "v: '"+text+"'")
		e, problems := CompileExpr(n, s, step.ShapeAny)
		require.Empty(t, problems, text)
		_, err := e.Eval(worldData(false))
		require.Error(t, err, text)
		require.Equal(t, want, err.(*EvalError).Reason, text)
		require.Equal(t, 1, err.(*EvalError).Span.Start.Line)
		require.GreaterOrEqual(t, err.(*EvalError).Span.Start.Col, 5)
		require.Contains(t, err.Error(), "flow.yaml:1:")
	}
	// Data that breaks its promise is an error too, never a panic.
	env := worldData(false)
	env["client"] = "nobody"
	_, err := mustExpr(t, s, "client.id + 1").Eval(env)
	require.ErrorContains(t, err, "another type than its source promises")
}

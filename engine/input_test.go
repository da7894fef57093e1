package engine_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/diag"
)

// inputsOf compiles a flow with these inputs, all of them used, in Moscow.
func inputsOf(t *testing.T, inputs string) *engine.Program {
	t.Helper()
	src := "flow: f\nconnection: { timezone: Europe/Moscow }\ninputs:\n"
	for line := range strings.Lines(strings.Trim(inputs, "\n")) {
		src += "  " + strings.TrimSpace(line) + "\n"
	}
	src += "steps:\n  - id: show\n    uses: print\n    with: { message: \"${{ toJSON(inputs) }}\" }\n"
	p, ds := compile(src)
	require.Empty(t, diag.FormatAll(ds, []byte(src)))
	return p
}

func TestBindInputsReadsEveryType(t *testing.T) {
	moscow, err := time.LoadLocation("Europe/Moscow")
	require.NoError(t, err)
	at := func(year int, month time.Month, day, hour, minute int) time.Time {
		return time.Date(year, month, day, hour, minute, 0, 0, moscow)
	}
	for _, c := range []struct {
		input string
		given any
		want  any
	}{
		{"x: { type: string }", "Hello", "Hello"},
		{"x: {}", " as it is ", " as it is "},
		{"x: { type: string }", "", ""},
		{"x: { type: string }", "17", "17"},
		{"x: { type: path }", "out/a.csv", "out/a.csv"},
		{"x: { type: integer }", "17", 17},
		{"x: { type: integer }", " -3 ", -3},
		{"x: { type: integer }", "+7", 7},
		{"x: { type: integer }", "9007199254740993", 9007199254740993},
		{"x: { type: number }", "0.15", 0.15},
		{"x: { type: number }", "3", 3.0},
		{"x: { type: number }", "1e3", 1000.0},
		{"x: { type: boolean }", "true", true},
		{"x: { type: boolean }", "false", false},
		{"x: { type: duration }", "90d", 90 * 24 * time.Hour},
		{"x: { type: duration }", "1d12h", 36 * time.Hour},
		{"x: { type: date }", "2026-03-01", at(2026, 3, 1, 0, 0)},
		{"x: { type: date }", "01.03.2026", at(2026, 3, 1, 0, 0)},
		{"x: { type: time }", "2026-03-01 10:30", at(2026, 3, 1, 10, 30)},
		{"x: { type: time }", "2026-03-01", at(2026, 3, 1, 0, 0)},
		{"x: { type: time }", "2026-03-01T10:30:00Z", at(2026, 3, 1, 13, 30)},
		{"x: { type: list }", "a, b ,c", []any{"a", "b", "c"}},
		{"x: { type: list }", "", []any{}},
		{"x: { type: list }", []any{"a,b", "c"}, []any{"a,b", "c"}},
		{"x: { type: list, items: integer }", "17,18", []any{17, 18}},
		{"x: { type: list, items: integer }", []any{"17"}, []any{17}},
		{"x: { type: list, items: number }", "1, 0.5", []any{1.0, 0.5}},
		{"x: { type: list, items: boolean }", "true,false", []any{true, false}},
		{"x: { type: list, items: duration }", "1h,2d", []any{time.Hour, 48 * time.Hour}},
		{"x: { type: list, items: date }", "2026-03-01,2026-07-01", []any{at(2026, 3, 1, 0, 0), at(2026, 7, 1, 0, 0)}},
		{"x: { type: list, items: time }", []any{"2026-03-01 10:30"}, []any{at(2026, 3, 1, 10, 30)}},
		{"x: { type: string, pattern: \"[A-Z]{4,12}\" }", "SALE", "SALE"},
		{"x: { type: string, pattern: \"a|bc\" }", "bc", "bc"},
		{"x: { type: string, min: 2, max: 3 }", "пил", "пил"},
		{"x: { type: string, enum: [small, large] }", "large", "large"},
		{"x: { type: integer, enum: [1, 2] }", "2", 2},
		{"x: { type: date, enum: [2026-03-01] }", "01.03.2026", at(2026, 3, 1, 0, 0)},
		{"x: { type: integer, min: 1, max: 3 }", "3", 3},
		{"x: { type: number, min: 0.5 }", "0.5", 0.5},
		{"x: { type: list, min: 1, max: 2 }", "a,b", []any{"a", "b"}},
		{"x: { type: list, items: integer, enum: [1, 2] }", "2,2,1", []any{2, 2, 1}},
	} {
		t.Run(c.input, func(t *testing.T) {
			got, err := inputsOf(t, c.input).BindInputs(map[string]any{"x": c.given})
			require.NoError(t, err)
			requireEqualValue(t, c.want, got["x"])
		})
	}
}

// requireEqualValue compares values; times must be the same moment in the same
// zone.
func requireEqualValue(t *testing.T, want, got any) {
	t.Helper()
	if list, ok := want.([]any); ok {
		require.IsType(t, list, got)
		require.Len(t, got, len(list))
		for i := range list {
			requireEqualValue(t, list[i], got.([]any)[i])
		}
		return
	}
	if w, ok := want.(time.Time); ok {
		g, ok := got.(time.Time)
		require.True(t, ok, "%T", got)
		require.Equal(t, w.String(), g.String())
		return
	}
	require.Equal(t, want, got)
}

func TestBindInputsTakesDefaults(t *testing.T) {
	p := inputsOf(t, `
		text: { default: hello }
		count_: { type: integer, default: 3 }
		ratio: { type: number, default: 2 }
		loud: { type: boolean, default: false }
		age: { type: duration, default: 90d }
		day: { type: date, default: 2026-03-01 }
		tags: { type: list, items: integer, default: [17] }
		nobody: { type: list, default: [] }
		maybe: { type: integer }
	`)
	got, err := p.BindInputs(nil)
	require.NoError(t, err)
	require.Equal(t, "2026-03-01 00:00:00 +0300 MSK", got["day"].(time.Time).String())
	delete(got, "day")
	require.Equal(t, map[string]any{
		"text": "hello", "count_": 3, "ratio": 2.0, "loud": false, "age": 90 * 24 * time.Hour,
		"tags": []any{17}, "nobody": []any{}, "maybe": nil,
	}, got)
	got, err = p.BindInputs(map[string]any{"text": "", "maybe": "4"})
	require.NoError(t, err)
	require.Equal(t, "", got["text"], "an empty text that was given is no default")
	require.Equal(t, 4, got["maybe"])
}

func TestBindInputsRefuses(t *testing.T) {
	for _, c := range []struct {
		input string
		given any
		want  string
	}{
		{"x: { type: integer }", "many", `input x is "many", which is no integer; write it as 17`},
		{"x: { type: integer }", "1.5", `input x is "1.5", which is no integer; write it as 17`},
		{"x: { type: integer }", "99999999999999999999", `input x is "99999999999999999999", which is no integer; write it as 17`},
		{"x: { type: integer }", "", `input x is "", which is no integer; write it as 17`},
		{"x: { type: number }", "0,15", `input x is "0,15", which is no number; write it as 0.15`},
		{"x: { type: number }", "NaN", `input x is "NaN", which is no number; write it as 0.15`},
		{"x: { type: number }", "-Inf", `input x is "-Inf", which is no number; write it as 0.15`},
		{"x: { type: number }", "0x10", `input x is "0x10", which is no number; write it as 0.15`},
		{"x: { type: boolean }", "yes", `input x is "yes", which is no boolean; write it as true or false`},
		{"x: { type: boolean }", "True", `input x is "True", which is no boolean; write it as true or false`},
		{"x: { type: duration }", "90", `input x is "90", which is no duration; write it as 90d, 12h or 30m`},
		{"x: { type: date }", "tomorrow", `input x is "tomorrow", which is no date; write it as 2026-03-01`},
		{"x: { type: date }", "2026-02-30", `input x is "2026-02-30", which is no date; write it as 2026-03-01`},
		{"x: { type: time }", "10:30", `input x is "10:30", which is no time; write it as 2026-03-01 10:30`},
		{"x: { type: list, items: integer }", "17,x", `input x item 2 is "x", which is no integer; write it as 17`},
		{"x: { type: list, items: integer }", "17,,18", `input x item 2 is "", which is no integer; write it as 17`},
		{"x: { type: list, items: date }", "2026-03-01,soon", `input x item 2 is "soon", which is no date; write it as 2026-03-01`},
		{"x: { type: list, items: integer }", []any{"1", map[string]any{}}, "input x item 2 is a map, but an integer is wanted"},
		{"x: { type: string }", "\xc0\xed\xed\xe0", "input x is not UTF-8; give it from a terminal, script or file that writes UTF-8"},
		{"x: { type: list }", "ok,\xc0", "input x is not UTF-8; give it from a terminal, script or file that writes UTF-8"},
		{"x: { type: list }", map[string]any{"a": 1}, "input x is a map, but a list is wanted"},
		{"x: { type: string }", []any{"a"}, "input x is a list, but a text is wanted"},
		{"x: { type: integer }", nil, "input x is empty, but an integer is wanted"},
		{"x: { type: string, pattern: \"[A-Z]+\" }", "Sale", `input x is "Sale", which does not match the pattern [A-Z]+`},
		{"x: { type: string, pattern: \"a|b\" }", "ab", `input x is "ab", which does not match the pattern a|b`},
		{"x: { type: string, pattern: \"[a-z]+\" }", "a\nb", `input x is "a\nb", which does not match the pattern [a-z]+`},
		{"x: { type: string, enum: [small, large] }", "lrge", `input x is "lrge", which is none of small, large (did you mean "large"?)`},
		{"x: { type: string, enum: [small, large] }", "huge", `input x is "huge", which is none of small, large`},
		{"x: { type: integer, enum: [1, 2] }", "3", `input x is 3, which is none of 1, 2`},
		{"x: { type: duration, enum: [1h, 2d] }", "3h", `input x is 3h, which is none of 1h, 48h`},
		{"x: { type: date, enum: [2026-03-01] }", "2026-03-02", `input x is 2026-03-02, which is none of 2026-03-01`},
		{"x: { type: list, items: integer, enum: [1, 2] }", "1,5", `input x item 2 is 5, which is none of 1, 2`},
		{"x: { type: integer, min: 1, max: 3 }", "0", "input x is 0, but at least 1 is allowed"},
		{"x: { type: integer, min: 1, max: 3 }", "4", "input x is 4, but at most 3 is allowed"},
		{"x: { type: integer, max: 3000000 }", "4000000", "input x is 4000000, but at most 3000000 is allowed"},
		{"x: { type: number, min: 0.5 }", "0.25", "input x is 0.25, but at least 0.5 is allowed"},
		{"x: { type: string, min: 3 }", "ab", "input x has 2 characters, and must have at least 3"},
		{"x: { type: string, min: 3 }", "й", "input x has 1 character, and must have at least 3"},
		{"x: { type: string, max: 2 }", "abc", "input x has 3 characters, and may have at most 2"},
		{"x: { type: list, min: 1 }", "", "input x has 0 items, and must have at least 1"},
		{"x: { type: list, max: 1 }", "a,b", "input x has 2 items, and may have at most 1"},
		{"x: { type: integer, required: true, description: How many. }", missing{}, "input x is required (integer: How many.); give it with --var x=…"},
		{"x: { required: true }", missing{}, "input x is required (string); give it with --var x=…"},
	} {
		t.Run(c.input+" "+c.want, func(t *testing.T) {
			given := map[string]any{"x": c.given}
			if _, ok := c.given.(missing); ok {
				given = nil
			}
			got, err := inputsOf(t, c.input).BindInputs(given)
			require.Nil(t, got)
			var bad *engine.InputError
			require.ErrorAs(t, err, &bad)
			require.Equal(t, []string{c.want}, bad.Problems)
		})
	}
}

// What the environment gives goes into messages as well.
func TestAVariableThatIsNotUTF8(t *testing.T) {
	b := newBench(t, sandbox.Options{})
	p := b.compile(`flow: f
env: [SHOP]
steps:
  - { id: hi, uses: chat2desk_send_message, with: { contactId: 70001, message: "${{ env.SHOP ?? \"\" }} is open" } }
`)
	b.env["SHOP"] = "\xd6\xe2\xe5\xf2\xfb"
	_, err := p.Plan(t.Context(), b.options(p, nil))
	var bad *engine.InputError
	require.ErrorAs(t, err, &bad)
	require.EqualError(t, err, "the environment variable SHOP is not UTF-8; give it from a terminal, script or file that writes UTF-8")
}

type missing struct{}

func TestBindInputsNamesWhatIsMeant(t *testing.T) {
	p := inputsOf(t, "promo: {}\ntags: { type: list }")
	_, err := p.BindInputs(map[string]any{"prmo": "x", "TAGS": "y", "something_else": "z"})
	require.EqualError(t, err, strings.Join([]string{
		`the flow has no input "TAGS" (did you mean "tags"?)`,
		`the flow has no input "prmo" (did you mean "promo"?)`,
		`the flow has no input "something_else" (use one of: promo, tags)`,
	}, "\n"))
	p, ds := compile("flow: f\nsteps:\n  - id: show\n    uses: print\n    with: { message: x }\n")
	require.Empty(t, ds)
	_, err = p.BindInputs(map[string]any{"promo": "x"})
	require.EqualError(t, err, `the flow has no input "promo"`)
}

func TestBindInputsReportsEverythingAtOnce(t *testing.T) {
	p := inputsOf(t, `
		a: { type: integer, required: true }
		b: { type: integer }
		c: { type: string, pattern: "[A-Z]" }
		d: { type: boolean, default: true }
	`)
	_, err := p.BindInputs(map[string]any{"b": "x", "c": "y", "d": "false", "another": "z"})
	var bad *engine.InputError
	require.True(t, errors.As(err, &bad))
	require.Equal(t, []string{
		"input a is required (integer); give it with --var a=…",
		`input b is "x", which is no integer; write it as 17`,
		`input c is "y", which does not match the pattern [A-Z]`,
		`the flow has no input "another" (use one of: a, b, c, d)`,
	}, bad.Problems)
	require.Equal(t, strings.Join(bad.Problems, "\n"), err.Error())
}

func TestASensitiveInputIsNeverShown(t *testing.T) {
	for _, input := range []string{
		"x: { type: integer, sensitive: true }",
		"x: { pattern: \"[A-Z]\", sensitive: true }",
		"x: { enum: [a, b], sensitive: true }",
		"x: { max: 3, sensitive: true }",
		"x: { type: list, items: integer, sensitive: true }",
		"x: { type: date, sensitive: true }",
	} {
		t.Run(input, func(t *testing.T) {
			_, err := inputsOf(t, input).BindInputs(map[string]any{"x": "hunter22"})
			require.EqualError(t, err, "input x is not allowed (its value is not shown)")
		})
	}
}

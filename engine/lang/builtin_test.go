package lang

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/step"
)

// TestBuiltinExamplesAreTrue runs the documentation.
func TestBuiltinExamplesAreTrue(t *testing.T) {
	s := NewScope(time.UTC)
	names := []string{}
	for _, f := range Builtins() {
		names = append(names, f.Name)
		require.NotEmpty(t, f.Doc, f.Name)
		require.True(t, strings.HasSuffix(f.Doc, "."), f.Name)
		call, want, ok := strings.Cut(f.Example, " → ")
		require.True(t, ok, f.Name)
		require.Contains(t, call, f.Name+"(")
		got, err := mustExpr(t, s, call).Eval(nil)
		require.NoError(t, err, call)
		expected, err := mustExpr(t, s, want).Eval(nil)
		require.NoError(t, err, want)
		require.Equal(t, expected, got, f.Example)
	}
	require.True(t, slices.IsSorted(names))
	for _, name := range predicateNames {
		require.Contains(t, predicateExample(name), name+"(")
		require.Nil(t, functionNamed(name), "%s is a predicate and a function", name)
	}
}

// TestNoBuiltinPanics calls every builtin with what it does not expect.
func TestNoBuiltinPanics(t *testing.T) {
	odd := []any{nil, true, -1, 1 << 40, 2.5, "", "a", time.Now(), time.Minute, []any{}, []any{nil, 1, "x"}, map[string]any{"a": 1}, step.NewSecret("s")}
	for _, f := range builtins() {
		for _, a := range odd {
			for _, b := range odd {
				args := []any{a, b, "c"}[:max(1, min(3, len(f.Params)))]
				require.NotPanics(t, func() {
					if _, err := f.Call(Context{}, args); err != nil {
						require.NotContains(t, err.Error(), "<nil>")
					}
				}, "%s(%v)", f.Name, args)
			}
		}
	}
	for name, call := range internals {
		if name == "·pair" || strings.HasPrefix(name, "·sum") || name == "·sortBy" || name == "·groupBy" || name == "·member" {
			continue // their arguments are the checker's own
		}
		for _, a := range odd {
			for _, b := range odd {
				require.NotPanics(t, func() { _, _ = call(a, b, nil) }, "%s(%v, %v)", name, a, b)
			}
		}
	}
}

func TestArithmeticAtItsEdges(t *testing.T) {
	s := NewScope(time.UTC)
	for text, want := range map[string]string{
		"9223372036854775807 - -1":                    "! the result is too large for an integer",
		"-9223372036854775807 - 2":                    "! the result is too large for an integer",
		"-9223372036854775807 + -2":                   "! the result is too large for an integer",
		"9223372036854775807 * 2":                     "! the result is too large for an integer",
		"-9223372036854775807 * 2":                    "! the result is too large for an integer",
		"3037000500 * 3037000500":                     "! the result is too large for an integer",
		"-3037000499 * 3037000499":                    "-9223372030926249001",
		"-(-9223372036854775807 - 1)":                 "! the result is too large for an integer",
		"sum([9223372036854775807, 1])":               "! the result is too large for an integer",
		"1e308 * 10":                                  "! the result is too large for a number",
		"10.0 ** 400":                                 "! the result is too large for a number",
		"(0 - 8) ** 0.5":                              "! a negative number has no such power",
		"round(1e300)":                                "! the result is too large for a number",
		`duration("100000d") * 9`:                     "! the duration would be longer than 292 years",
		`duration("100000d") * 9.5`:                   "! the duration would be longer than 292 years",
		`duration("1h") * 1.5`:                        "1h30m0s",
		`2 * duration("1h")`:                          "2h0m0s",
		`duration("3h") / 2`:                          "1h30m0s",
		`duration("3h") / duration("2h")`:             "1.5",
		`duration("3h") / duration("0s")`:             "nil",
		`-duration("1h") + duration("2h")`:            "1h0m0s",
		`duration("1h") - duration("2h")`:             "-1h0m0s",
		`abs(duration("1h") - duration("2h"))`:        "1h0m0s",
		"5 % 0":                                       "nil",
		"5 / 0.0":                                     "nil",
		"0 ** -1":                                     "nil",
		"-2.5":                                        "-2.5",
		"abs(-2.5)":                                   "2.5",
		"max(1, 2.5)":                                 "2.5",
		"max(3, 2.5)":                                 "3.0",
		"min([])":                                     "nil",
		`float("x")`:                                  "nil",
		`float("1e999")`:                              "nil",
		`int("1.5")`:                                  "nil",
		"int(-1.9)":                                   "-1",
		"median([])":                                  "nil",
		"median([3, 1, 2, 4])":                        "2.5",
		`max(duration("1h"), duration("2h"))`:         "2h0m0s",
		`min(date("2026-01-02"), date("2026-01-01"))`: "2026-01-01T00:00:00Z",
	} {
		got, err := mustExpr(t, s, text).Eval(nil)
		if err != nil {
			require.Equal(t, want, "! "+err.(*EvalError).Reason, text)
			continue
		}
		require.Equal(t, want, literal(got), text)
	}
}

func TestListsAtTheirEdges(t *testing.T) {
	s := NewScope(time.UTC)
	for text, want := range map[string]string{
		"[1, 2, 3][-1]":                   "3",
		"[1, 2, 3][-4]":                   "nil",
		"[1, 2, 3][1:]":                   "[2, 3]",
		"[1, 2, 3][:-1]":                  "[1, 2]",
		"[1, 2, 3][5:9]":                  "[]",
		"[1, 2, 3][2:1]":                  "[]",
		`"привет"[-3:]`:                   `"вет"`,
		"take([1], -5)":                   "[]",
		"uniq([1, 1.0, nil, nil])":        "[1.0, nil]",
		`uniq([{"a": 1}, {"a": 1}, [1]])`: "[{a: 1}, [1]]",
		`uniq([date("2026-01-01"), date("01.01.2026")])`: "[2026-01-01T00:00:00Z]",
		"sort([2.5, 1, 3])":        "[1.0, 2.5, 3.0]",
		`sort(["б", "а"], "desc")`: `["б", "а"]`,
		`sortBy([{"k": 1, "v": "a"}, {"k": 0, "v": "b"}, {"k": 1, "v": "c"}], .k, "desc") | map(.v)`: `["a", "c", "b"]`,
		"nil in [1, nil]":                             "true",
		"1.0 in [1]":                                  "true",
		`{"a": [1]} == {"a": [1.0]}`:                  "true",
		`{"a": 1} != {"b": 1}`:                        "true",
		`"a" in groupBy(["a"], #)`:                    "true",
		`fromPairs([{"key": "a", "value": 1}])["b"]`:  "nil",
		`split("", ",")`:                              `[""]`,
		`split("a,b,c", ",", 2)`:                      `["a", "b,c"]`,
		`splitAfter("a,b", ",")`:                      `["a,", "b"]`,
		`trim("xxaxx", "x")`:                          `"a"`,
		`lastIndexOf("приpri", "p")`:                  "3",
		`indexOf("abc", "z")`:                         "-1",
		`len({"a": 1})`:                               "1",
		`string(true)`:                                `"true"`,
		`values({})`:                                  "[]",
		"[[1], [2.5]]":                                "[[1.0], [2.5]]",
		"concat([1], [2.5])":                          "[1.0, 2.5]",
		"2..1":                                        "[]",
		"true ? [1] : [2.5]":                          "[1.0]",
		`{"nested": {"x": nil}}?.nested?.x ?? "none"`: `"none"`,
	} {
		got, err := mustExpr(t, s, text).Eval(nil)
		require.NoError(t, err, text)
		require.Equal(t, want, literal(got), text)
	}
}

package lang

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/step"
)

// n is an integer, s a text that may be nil, b a boolean, list a list.
func truthScope() *Scope {
	return NewScope(time.UTC).With("n", step.ShapeInt).With("s", step.ShapeText.OrNil()).With("b", step.ShapeBool).
		With("list", step.ListOf(step.ShapeInt)).With("x", step.ShapeAny)
}

func truthData() []map[string]any {
	var all []map[string]any
	for n := -1; n <= 5; n++ {
		for _, s := range []any{nil, "a", "b", "c"} {
			all = append(all, map[string]any{"n": n, "s": s, "b": n%2 == 0, "list": []any{1, 2, 3, 4, 5}[:max(0, n)], "x": s})
		}
	}
	return all
}

func TestTruth(t *testing.T) {
	for source, want := range map[string]truth{
		"true": always, "false": never, "not true": never, "!false": always, "b": maybe, "not b": maybe,
		"true and b": maybe, "false and b": never, "b or true": always, "b or false": maybe, "true && true": always,
		"n == nil": never, "n != nil": always, "nil == n": never, "s == nil": maybe, "s != nil": maybe, "x != nil": maybe, "nil == nil": always,
		"s != nil ? n != nil : n == n": maybe,
		"n == n":                       always, "n + 1 == n + 1": maybe, "len(list) == len(list)": always, "n != n": never,
		`"a" == "b"`: never, `1 == 1.0`: always, `2 > 1`: always, `2 <= 1`: never, `"a" < "b"`: always, "-1 < 0": always, "-1 >= 0": never,
		"true != false": always, "true == true": always,
		`s != "a" or s != "b"`: always, `s != "a" and s != "b"`: maybe, `s == "a" and s == "b"`: never, `s == "a" or s == "b"`: maybe,
		`"a" == s and "b" == s`: never, `s == "a" and b and s != "a"`: never, `s == "a" or (b or s != "a")`: always,
		"n > 3 and n < 3": never, "n >= 3 and n < 3": never, "n >= 3 and n <= 3": maybe, "n >= 4 and n <= 3": never, "n > 3 and n <= 3": never,
		"n > 3 or n <= 3": always, "n == 3 and n > 3": never, "n == 3 and n >= 3": maybe, "n == 3 and 3 < n": never, "n == 2 and n >= 3": never,
		"n == 4 and n <= 3": never, "3 >= n and n == 4": never, "n == 3 and n < 3": never,
		"not (n > 3) and n > 3": maybe, // no claim is made through not
		"len(list) >= 0":        always, "len(list) < 0": never, "0 <= len(list)": always, "len(list) > -1": always, "len(list) <= -1": never, "len(list) > 0": maybe,
		"count(list, # > 2) >= 0": always,
	} {
		t.Run(source, func(t *testing.T) {
			e, problems := CompileExpr(textNode(source), truthScope(), step.ShapeBool)
			require.Empty(t, problems)
			require.Equal(t, want, e.truth)
			c, ok := e.Truth()
			require.Equal(t, want != maybe, ok)
			if ok {
				require.Equal(t, want == always, c.Always)
				require.Equal(t, source, c.Source)
			}
			holds(t, e)
		})
	}
}

// holds checks a claim against every data set.
func holds(t *testing.T, e *Expr) {
	t.Helper()
	for _, env := range truthData() {
		if e.truth == maybe {
			return
		}
		got, err := e.Eval(env)
		require.NoError(t, err)
		require.Equal(t, e.truth == always, got, "%s with %v", e.Source(), env)
	}
}

// What is called constant is constant, for random conditions about a few names.
func TestTruthNeverErrs(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	pick := func(words ...string) string { return words[r.IntN(len(words))] }
	var condition func(depth int) string
	condition = func(depth int) string {
		if depth > 0 && r.IntN(3) > 0 {
			return fmt.Sprintf("%s(%s %s %s)", pick("", "", "not "), condition(depth-1), pick("and", "or"), condition(depth-1))
		}
		switch r.IntN(5) {
		case 0:
			return fmt.Sprintf("s %s %s", pick("==", "!="), pick(`"a"`, `"b"`, `"c"`, "nil"))
		case 1:
			return pick("b", "true", "false", "not b", "n != nil", "s == s")
		case 2:
			return fmt.Sprintf("len(list) %s %d", pick("<", "<=", ">", ">=", "==", "!="), r.IntN(4)-1)
		case 3:
			return fmt.Sprintf("%d %s n", r.IntN(6)-1, pick("<", "<=", ">", ">=", "==", "!="))
		}
		return fmt.Sprintf("n %s %d", pick("<", "<=", ">", ">=", "==", "!="), r.IntN(6)-1)
	}
	claims := map[truth]int{}
	for range 4000 {
		source := condition(3)
		e, problems := CompileExpr(textNode(source), truthScope(), step.ShapeBool)
		require.Empty(t, problems, source)
		claims[e.truth]++
		holds(t, e)
	}
	require.Greater(t, claims[always], 200)
	require.Greater(t, claims[never], 200)
	require.Greater(t, claims[maybe], 200)
}

func TestConstantsInside(t *testing.T) {
	sources := func(text string) (all []string) {
		e, problems := CompileExpr(textNode(text), truthScope(), step.ShapeAny)
		require.Empty(t, problems)
		for _, c := range e.Constants() {
			all = append(all, fmt.Sprintf("%s: %t", c.Source, c.Always))
		}
		return all
	}
	require.Equal(t, []string{"# != nil: true"}, sources("filter(list, # != nil)"))
	require.Equal(t, []string{"# == 1 and # == 2: false"}, sources("any(list, # == 1 and # == 2)"))
	require.Equal(t, []string{"1 > 2: false"}, sources(`1 > 2 ? "a" : "b"`))
	require.Empty(t, sources("map(list, # == #)"), "what map gives is no condition")
	require.Empty(t, sources(`n > 2 ? "a" : "b"`))
}

func TestCollected(t *testing.T) {
	scope := NewScope(nil).With("steps", step.ObjectOf(step.Field{Name: "a", Shape: step.ListOf(step.ShapeInt)})).With("list", step.ListOf(step.ShapeInt))
	collected := func(text string) string {
		e, problems := CompileExpr(textNode(text), scope, step.ShapeAny)
		require.Empty(t, problems)
		var all []string
		for _, c := range e.Collected() {
			all = append(all, fmt.Sprintf("%s(%s) in %q whole=%t", c.Function, strings.Join(c.Path, "."), c.Inside, c.Whole))
		}
		return strings.Join(all, "; ")
	}
	require.Equal(t, `len(steps.a) in "" whole=true`, collected("len(steps.a)"))
	require.Equal(t, `filter(steps.a) in "len" whole=false`, collected("len(filter(steps.a, # > 1))"))
	require.Equal(t, `len(steps.a) in "" whole=false; max(steps.a) in "" whole=false`, collected("len(steps.a) + (max(steps.a) ?? 0)"))
	require.Empty(t, collected("len(list)"))
	require.Empty(t, collected("steps.a"))
	require.Empty(t, collected(`upper("steps")`))
}

func TestValuesTellWhatTheyHold(t *testing.T) {
	scope := worldScope(time.UTC).AllowSecrets()
	for _, c := range []struct {
		source string
		want   step.Shape
		exprs  int
		least  int
	}{
		{`"Hello 🌸"`, step.ShapeText, 0, 7},
		{`"Hello ${{ client.id }}, ${{ inputs.promo }}!"`, step.ShapeText, 2, 9},
		{`"${{ client.name }}"`, step.ShapeText.OrNil(), 1, 0},
		{`[1, "${{ client.id }}"]`, step.ListOf(step.ShapeInt), 1, 0},
		{`{a: "${{ client.id }}", b: {c: "${{ index }}"}}`, step.ShapeAny, 2, 0},
		{`"Bearer ${{ secrets.TOKEN }}"`, step.ShapeSecret, 1, 0},
		{`17`, step.ShapeInt, 0, 0},
	} {
		t.Run(c.source, func(t *testing.T) {
			n, _ := yamlNode(t, "v: "+c.source)
			v, problems := CompileValue(n, scope, step.Field{Name: "v", Shape: c.want})
			require.Empty(t, problems)
			require.Same(t, n, v.Node())
			require.Len(t, v.Exprs(), c.exprs)
			require.Equal(t, c.least, v.LeastLength())
		})
	}
	n, _ := yamlNode(t, "v: {a: x, b: '${{ index }}'}")
	v, problems := CompileValue(n, scope, step.Field{Name: "v", Named: true})
	require.Empty(t, problems)
	require.Len(t, v.Exprs(), 1)
	n, _ = yamlNode(t, "v: item.id > 3")
	v, problems = CompileValue(n, scope, step.Field{Name: "where", Bare: true, Bool: true})
	require.Empty(t, problems)
	require.Len(t, v.Exprs(), 1)
}

package lang

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/engine/step"
	"github.com/flowrunner/flowrunner/internal/golden"
)

// TestTable holds testdata/expressions.txt: each expression with its shape and
// its results on full and on bare data, or with its problems and their columns.
// A line that begins with a space or a # is no expression; -update writes the
// results anew.
func TestTable(t *testing.T) {
	const path = "testdata/expressions.txt"
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	var got strings.Builder
	count := 0
	for line := range strings.Lines(string(want)) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.HasPrefix(line, " "):
			continue
		case line == "" || strings.HasPrefix(line, "#"):
			got.WriteString(line + "\n")
			continue
		}
		count++
		got.WriteString(line + "\n" + outcomeOfLine(line))
	}
	require.GreaterOrEqual(t, count, 150)
	golden.Equal(t, path, got.String())
}

// outcomeOfLine describes what becomes of one expression.
func outcomeOfLine(text string) string {
	n := &flow.Node{Kind: flow.Scalar, Text: text}
	zone := time.FixedZone("MSK", 3*60*60)
	e, problems := CompileExpr(n, worldScope(zone).AllowSecrets(), step.ShapeAny)
	var b strings.Builder
	if e == nil {
		for _, d := range problems {
			fmt.Fprintf(&b, "  ! %s %s\n", d.Code, d.Summary)
			if d.Hint != "" {
				fmt.Fprintf(&b, "      %s\n", strings.ReplaceAll(d.Hint, "\n", " / "))
			}
		}
		return b.String()
	}
	shape := e.Shape().String()
	if e.Shape().Outcome {
		shape += ", known after sending"
	}
	fmt.Fprintf(&b, "  %s\n", shape)
	for _, bare := range []bool{false, true} {
		v, err := e.Eval(worldData(bare))
		name := map[bool]string{false: "full", true: "bare"}[bare]
		if err != nil {
			fmt.Fprintf(&b, "  %s ! %s\n", name, err.(*EvalError).Reason)
			continue
		}
		fmt.Fprintf(&b, "  %s %s\n", name, literal(v))
	}
	return b.String()
}

// literal writes a value the way a reader of the table expects it.
func literal(v any) string {
	switch x := v.(type) {
	case nil:
		return "nil"
	case string:
		return strconv.Quote(x)
	case float64:
		s := strconv.FormatFloat(x, 'f', -1, 64)
		if !strings.Contains(s, ".") {
			s += ".0"
		}
		return s
	case time.Time:
		return x.Format("2006-01-02T15:04:05Z07:00")
	case []any:
		parts := make([]string, len(x))
		for i, e := range x {
			parts[i] = literal(e)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case map[string]any:
		if id, ok := x["id"]; ok && len(x) > 3 {
			return fmt.Sprintf("{id: %v …}", id)
		}
		var parts []string
		for _, k := range slices.Sorted(maps.Keys(x)) {
			parts = append(parts, k+": "+literal(x[k]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return fmt.Sprint(v)
}

// TestPlacesOfProblems checks the columns of problems in every style of YAML
// scalar: a caret must stand under the very token.
func TestPlacesOfProblems(t *testing.T) {
	const path = "testdata/places.yaml"
	source, err := os.ReadFile(path)
	require.NoError(t, err)
	n, problems := flow.ParseNode("places.yaml", source)
	require.Empty(t, problems)
	for _, entry := range n.Entries {
		var bad diag.List
		if strings.HasPrefix(entry.Key.Text, "if_") {
			_, bad = CompileExpr(entry.Value, worldScope(time.UTC), step.ShapeBool)
		} else {
			_, bad = CompileValue(entry.Value, worldScope(time.UTC), step.Field{Name: "message", Shape: step.ShapeText})
		}
		require.NotEmpty(t, bad, entry.Key.Text)
		problems = append(problems, bad...)
	}
	got := diag.FormatAll(problems, source)
	require.NotContains(t, got, "<nil>")
	golden.Equal(t, "testdata/places.golden", got)
}

// TestValuesAreJSON keeps the world honest: what the tests call full data has no
// value of a form that does not exist.
func TestWorldDataIsPlain(t *testing.T) {
	for _, bare := range []bool{false, true} {
		env := worldData(bare)
		delete(env, "secrets")
		_, err := json.Marshal(env)
		require.NoError(t, err)
	}
}

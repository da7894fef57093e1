package cli

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/step"
	"github.com/flowrunner/flowrunner/internal/ui"
)

// typed is a terminal at which somebody types, and what stands on it.
func typed(t *testing.T, keys string) string {
	t.Helper()
	client := map[string]any{"name": "Anna", "nickname": nil, "phone": "7916"}
	e := engine.NewEvaluator(nil).With("client", engine.ShapeOf(client), client).With("clan", step.ShapeInt, 3)
	var out bytes.Buffer
	c := newConsole(struct {
		io.Reader
		io.Writer
	}{strings.NewReader(keys), &out}, e, ui.Style{})
	require.NoError(t, c.talk())
	return strings.ReplaceAll(out.String(), "\r\n", "\n")
}

func TestConsole(t *testing.T) {
	const up = "\x1b[A"
	tests := map[string]struct {
		keys string
		want []string // in this order
	}{
		"value and type":            {"1 + 1\r", []string{"2\n: integer\n"}},
		"what is wrong":             {"client.nme\r", []string{"expression:1:8: error: unknown field \"nme\"", "did you mean \"name\"?"}},
		"history":                   {"clan\r" + up + " + 1\r", []string{"3\n: integer", "4\n: integer"}},
		"help, and nothing":         {"\rhelp\r", []string{"Tab completes", "Tab completes"}},
		"completes what is certain": {"client.ph\t\r", []string{"\"7916\"\n: text"}},
		"completes what is common":  {"cl\tent.name\r", nil},
		"completes a field of a call": {"upper(client.na\t)\r", []string{
			"\"ANNA\"\n: text",
		}},
		"lists what can be meant": {"client.n\tame\r", []string{"name  nickname", "\"Anna\""}},
		"does not complete a call": {"upper(client.name).\t\r", []string{
			"error:",
		}},
		"knows nothing":  {"client.zz\t\r", []string{"unknown field"}},
		"leaves at exit": {"exit\r1 + 1\r", nil},
		"leaves at quit": {"quit\r1 + 1\r", nil},
		"pasted lines":   {"\x1b[200~1 + 2\r\x1b[201~", []string{"3\n: integer"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			rest := typed(t, test.keys)
			for _, want := range test.want {
				_, after, found := strings.Cut(rest, want)
				require.True(t, found, "%q in %q", want, rest)
				rest = after
			}
			if strings.HasPrefix(name, "leaves") {
				require.NotContains(t, rest, ": integer")
			}
		})
	}
}

func TestReplyWithoutAValue(t *testing.T) {
	c := &console{e: engine.NewEvaluator(nil).With("a", step.ShapeInt, 1)}
	require.Equal(t, "1\n: integer\n", c.reply("a"))
	require.Contains(t, c.reply("a b"), "error:")
}

func TestShownValue(t *testing.T) {
	many := make([]any, 25)
	for i := range many {
		many[i] = i
	}
	tests := map[string]struct {
		value any
		want  string
	}{
		"nil":         {nil, "nil"},
		"text":        {"a\t\"б\" 👩‍🍳", `"a\t\"б\" 👩‍🍳"`},
		"whole":       {2.0, "2.0"},
		"number":      {2.5, "2.5"},
		"secret":      {step.NewSecret("hidden"), "***"},
		"empty":       {map[string]any{"list": []any{}, "map": map[string]any{}}, "{list: [], map: {}}"},
		"odd name":    {map[string]any{"a b": 1, "1": 2, "b1": 3}, `{"1": 2, "a b": 1, b1: 3}`},
		"long lists":  {many, "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, … 5 more]"},
		"wide record": {map[string]any{"a": strings.Repeat("x", 60), "b": []any{strings.Repeat("y", 60), 1}}, "{\n  a: \"" + strings.Repeat("x", 60) + "\",\n  b: [\"" + strings.Repeat("y", 60) + "\", 1]\n}"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { require.Equal(t, test.want, shownValue(test.value)) })
	}
}

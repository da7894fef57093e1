package lang_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/engine/lang"
	"github.com/flowrunner/flowrunner/engine/step"
)

// withTexts is a scope with a name, and texts beside it.
func withTexts(texts map[string]string) *lang.Scope {
	return lang.NewScope(nil).With("name", step.ShapeText).With("maybe", step.ShapeText.OrNil()).
		WithFiles(func(path string, at diag.Span) (*flow.Node, diag.List) {
			text, ok := texts[path]
			if !ok {
				return nil, diag.List{{Code: "text-file", Span: at}}
			}
			return flow.TextFile(path, []byte(text))
		})
}

func TestFile(t *testing.T) {
	texts := map[string]string{
		"offer": "Hello, ${{ name }}!\n\n", "plain": "Да\n", "one": "${{ name }}\n", "maybe": "${{ maybe }}\n",
		"nested": "${{ file(\"plain\") }}", "wrong": "a ${{ nme }}", "dollar": "${name}",
	}
	scope := withTexts(texts)
	env := map[string]any{"name": "Anna", "maybe": nil}
	text, anything := step.Field{Name: "message", Shape: step.ShapeText}, step.Field{Name: "x", Shape: step.ShapeAny}
	for _, tt := range []struct {
		source string
		want   step.Field
		value  any
		refs   int
	}{
		{`${{ file("offer") }}`, text, "Hello, Anna!", 1},
		{` ${{file( 'offer' )}} `, text, "Hello, Anna!", 1},
		{`${{ file("plain") }}`, text, "Да", 0},
		{`${{ file("plain") }}`, anything, "Да", 0},
		{`${{ file("one") }}`, text, "Anna", 1},
		{`${{ file("maybe") }}`, anything, nil, 1},
	} {
		v, problems := lang.CompileValue(flow.TextNode("f", tt.source), scope, tt.want)
		require.Empty(t, problems, tt.source)
		require.Len(t, v.Refs(), tt.refs)
		got, err := v.Eval(env)
		require.NoError(t, err)
		require.Equal(t, tt.value, got, tt.source)
		_, literal := v.Literal()
		require.Equal(t, tt.refs == 0, literal)
	}
	for _, tt := range []struct {
		source string
		want   step.Field
		code   string
		place  string
	}{
		{`${{ file("none") }}`, text, "text-file", "f:1:10"},
		{`${{ file(name) }}`, text, "text-file", "f:1:5"},
		{`${{ file("a", "b") }}`, text, "text-file", "f:1:5"},
		{`${{ file() }}`, text, "text-file", "f:1:5"},
		{`${{ file("plain") + "!" }}`, text, "text-file", "f:1:5"},
		{`a ${{ file("plain") }}`, text, "text-file", "f:1:7"},
		{`${{ file("plain") }}`, step.Field{Shape: step.ShapeInt}, "wrong-type", "f:1:5"},
		{`${{ file("plain") }}`, step.Field{Shape: step.ShapeSecret}, "wrong-type", "f:1:5"},
		{`${{ file("nested") }}`, text, "text-file", "nested:1:5"},
		{`${{ file("wrong") }}`, text, "unknown-name", "wrong:1:7"},
		{`${{ file("maybe") }}`, text, "maybe-nil", "maybe:1:5"},
		{`${{ file("dollar") }}`, text, "missing-dollar", "dollar:1:1"},
	} {
		_, problems := lang.CompileValue(flow.TextNode("f", tt.source), scope, tt.want)
		require.Len(t, problems, 1, tt.source)
		require.Equal(t, tt.code, problems[0].Code, tt.source)
		require.Equal(t, tt.place, problems[0].Span.String(), tt.source)
	}
	// A record may be named file all the same.
	v, problems := lang.CompileValue(flow.TextNode("f", `${{ file.size }}`), scope.With("file", step.ObjectOf(step.Field{Name: "size", Shape: step.ShapeInt})), text)
	require.Empty(t, problems)
	require.NotNil(t, v)
	_, problems = lang.CompileValue(flow.TextNode("f", `${{ file("plain") }}`), lang.NewScope(nil), text)
	require.Len(t, problems, 1)
}

func TestBegins(t *testing.T) {
	scope := withTexts(map[string]string{"url": "https://a.example/${{ name }}\n"})
	for source, want := range map[string]string{
		"https://a.example/x":                           "https://a.example/x",
		"https://a.example/${{ name }}/x":               "https://a.example/",
		"$${{ https://a.example/${{ name }}${{ name }}": "${{ https://a.example/",
		"${{ name }}":                                   "",
		"${{ name }}x":                                  "",
		`${{ file("url") }}`:                            "https://a.example/",
		`${{ "a" + name }}`:                             "",
		"$${{ text }} as it is":                         "${{ text }} as it is",
	} {
		v, problems := lang.CompileValue(flow.TextNode("f", source), scope, step.Field{Name: "url", Shape: step.ShapeText})
		require.Empty(t, problems, source)
		require.Equal(t, want, v.Begins(), source)
	}
	v, _ := lang.CompileValue(flow.TextNode("f", "17"), scope, step.Field{Name: "n", Shape: step.ShapeInt})
	require.Empty(t, v.Begins())
}

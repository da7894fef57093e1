package flow_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/flow"
)

func TestData(t *testing.T) {
	node, problems := flow.ParseNode("x.yaml", []byte("a: 1\nb: [x, ~, {c: 'true'}]\nd:\n"))
	require.Empty(t, problems)
	require.Equal(t, map[string]any{"a": "1", "b": []any{"x", nil, map[string]any{"c": "true"}}, "d": nil}, node.Data(nil))
	require.Equal(t, map[string]any{"a": 1, "b": []any{1, nil, map[string]any{"c": 4}}, "d": nil},
		node.Data(func(n *flow.Node) any { return len(n.Text) }))
	require.Nil(t, (*flow.Node)(nil).Data(nil))
}

package step

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFromJSON(t *testing.T) {
	dec := json.NewDecoder(strings.NewReader(`{"a": [1, 2.5, 1e3, 9223372036854775807, 9223372036854775808, "7", null, true], "b": {"c": -0}}`))
	dec.UseNumber()
	var v any
	require.NoError(t, dec.Decode(&v))
	require.Equal(t, map[string]any{
		"a": []any{1, 2.5, 1000.0, 9223372036854775807, 9223372036854775808.0, "7", nil, true},
		"b": map[string]any{"c": 0},
	}, FromJSON(v))
}

package flow

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReferenceIsTheGrammar(t *testing.T) {
	top, step, input := Reference()
	for _, test := range []struct {
		rule Rule
		keys []string
	}{{top, flowShape.keys}, {step, stepShape.keys}, {input, inputShape.keys}, {find(t, top, "guard", "hours"), hoursShape.keys}} {
		var keys []string
		for _, k := range test.rule.Keys {
			keys = append(keys, k.Key)
		}
		require.Equal(t, test.keys, keys)
	}

	require.True(t, find(t, top, "flow").Required)
	require.True(t, find(t, step, "id").Required)
	require.False(t, find(t, step, "name").Required)

	require.Equal(t, TakesSteps, find(t, top, "finally").Takes)
	require.Equal(t, TakesSteps, find(t, step, "steps").Takes)
	require.Equal(t, TakesInputs, find(t, top, "inputs").Takes)
	require.Equal(t, TakesTable, find(t, step, "with").Takes)
	require.Equal(t, TakesNames, find(t, top, "env").Takes)
	require.Equal(t, TakesTextOrList, find(t, step, "forEach").Takes)
	require.Equal(t, TakesAnything, find(t, input, "default").Takes)
	require.True(t, find(t, top, "guard", "suppress", "tags").Template)

	require.Equal(t, errorPolicies, find(t, step, "onError").Words)
	require.Equal(t, periods, find(t, top, "oncePer").Words)
	require.Equal(t, unknownPolicies, find(t, top, "delivery", "unknown").Words)
	require.Equal(t, inputTypes, find(t, input, "type").Words)
	require.Nil(t, find(t, step, "outputs").Words)
}

// find follows keys down from a rule.
func find(t *testing.T, r Rule, path ...string) Rule {
	t.Helper()
	for _, key := range path {
		found := false
		for _, k := range r.Keys {
			if k.Key == key {
				r, found = k, true
				break
			}
		}
		require.True(t, found, "no key %s", key)
	}
	return r
}

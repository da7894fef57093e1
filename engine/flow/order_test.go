package flow

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A key that the grammar gains must find its place in the order too.
func TestOrderHoldsEveryKey(t *testing.T) {
	require.ElementsMatch(t, flowShape.keys, flowOrder)
	require.ElementsMatch(t, stepShape.keys, stepOrder)
}

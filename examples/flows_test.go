package examples_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/internal/cli"
)

// TestFlowsPassTheirTests runs the tests that stand beside the examples, and
// demands that they see every step and both sides of every condition.
func TestFlowsPassTheirTests(t *testing.T) {
	var stdout, stderr bytes.Buffer
	code := cli.Main([]string{"test", ".", "--cover"}, strings.NewReader(""), &stdout, &stderr, []string{"CI=true"})
	require.Zero(t, code, "%s%s", &stdout, &stderr)
	require.Contains(t, stdout.String(), " passed, 0 failed\n")
	for line := range strings.Lines(stdout.String()) {
		for _, gap := range []string{" never runs", " is never true", " is never false", " never leaves anything out"} {
			require.NotContains(t, line, gap, "no case of a test sees this")
		}
	}
}

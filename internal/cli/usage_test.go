package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
)

// TestHelpFitsTheScreen demands of every command and topic that its help reads well
// in a terminal of the usual width.
func TestHelpFitsTheScreen(t *testing.T) {
	seen := 0
	var look func(cmd *cobra.Command)
	look = func(cmd *cobra.Command) {
		if cmd.Name() == "completion" {
			return // cobra's own
		}
		seen++
		var out bytes.Buffer
		cmd.SetOut(&out)
		require.NoError(t, cmd.Help())
		require.Contains(t, out.String(), "\n", cmd.CommandPath())
		for line := range strings.Lines(out.String()) {
			line = strings.TrimSuffix(line, "\n")
			require.LessOrEqual(t, len([]rune(line)), helpWidth, "%s --help: %s", cmd.CommandPath(), line)
		}
		for _, c := range cmd.Commands() {
			look(c)
		}
	}
	var out bytes.Buffer
	look(newRoot(newApp(strings.NewReader(""), &out, &out, nil)))
	require.Greater(t, seen, 40)
}

func TestLinesOf(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string
	}{
		{"one two three", []string{"one two", "three"}},
		{"", []string{""}},
		{"as aaa,bbb,cc,ddddd", []string{"as", "aaa,bbb,", "cc,ddddd"}},
		{"indivisible", []string{"indivisible"}},
	} {
		require.Equal(t, c.want, linesOf(c.text, 8), c.text)
	}
}

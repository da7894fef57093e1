package cli

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"
)

// said runs the program and gives its exit code and what it complains about.
func said(args ...string) (int, string) {
	var stdout, stderr bytes.Buffer
	code := Main(args, strings.NewReader(""), &stdout, &stderr, []string{"CI=true"})
	return code, stderr.String()
}

// misspelt doubles the last letter of a name.
func misspelt(name string) string { return name + name[len(name)-1:] }

// Each command, each flag and each word of a flag, misspelt, is named in the
// answer. No word is forgotten: they come from the command tree itself.
func TestMisspeltCommandsAndFlags(t *testing.T) {
	checked := 0
	var each func(path []string, cmd *cobra.Command)
	each = func(path []string, cmd *cobra.Command) {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Hidden || cmd.IsAdditionalHelpTopicCommand() {
				return
			}
			checked++
			code, complaint := said(append(slices.Clone(path), "--"+misspelt(f.Name))...)
			require.Equal(t, exitUsage, code, "%v --%s", path, f.Name)
			require.Contains(t, complaint, "did you mean --"+f.Name+"?", "%v", path)

			words, ok := wordsOf(f.Value)
			if !ok {
				return
			}
			for _, word := range words {
				checked++
				code, complaint := said(append(slices.Clone(path), "--"+f.Name, misspelt(word))...)
				require.Equal(t, exitUsage, code)
				require.Contains(t, complaint, "did you mean "+word+"?", "%v --%s", path, f.Name)
			}
		})
		for _, inner := range cmd.Commands() {
			if inner.Hidden || inner.Name() == "help" {
				continue
			}
			name := inner.Name()
			checked++
			code, complaint := said(append(slices.Clone(path), misspelt(name))...)
			require.Equal(t, exitUsage, code, "%v %s", path, name)
			require.Contains(t, complaint, "did you mean \""+name+"\"?", "%v", path)
			each(append(slices.Clone(path), name), inner)
		}
	}
	root := newRoot(newApp(strings.NewReader(""), &bytes.Buffer{}, &bytes.Buffer{}, nil))
	each(nil, root)
	require.Greater(t, checked, 150)
}

// wordsOf are the words that a flag takes, when it takes a few.
func wordsOf(v pflag.Value) ([]string, bool) {
	switch v := v.(type) {
	case *choice:
		return v.words, true
	case jsonChoice:
		return v.words, true
	}
	return nil, false
}

// What is given to commands is looked for under its likely name, too.
func TestMisspeltArguments(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"explain", "unknown-feild"}, `did you mean "unknown-field"?`},
		{[]string{"tools", "filtr"}, `did you mean "filter"?`},
		{[]string{"init", "--template", "brodcast", t.TempDir()}, `did you mean`},
		{[]string{"help", "exit-code"}, `did you mean "exit-codes"?`},
		{[]string{"run", "../../examples/broadcast.yaml", "--sandbox", "--var", "prom=SPRING15"}, `did you mean "promo"?`},
	} {
		code, complaint := said(c.args...)
		require.NotZero(t, code, "%v", c.args)
		require.Contains(t, complaint, c.want, "%v", c.args)
	}
}

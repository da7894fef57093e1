package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/flowrunner/flowrunner/engine/diag"
)

// newRoot builds the whole command tree for one invocation.
func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "flowrunner",
		Short: "Plan and send customer messages through Chat2Desk",
		Long: "flowrunner reads flows from YAML files, shows exactly who would get which\n" +
			"message, sends each of them once, and can tell afterwards who got it.",
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       version(),
		Args:          cobra.ArbitraryArgs,
		RunE:          needsCommand,
	}
	root.SetVersionTemplate("flowrunner {{.Version}}\n")
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.SetFlagErrorFunc(flagError)
	root.SetUsageFunc(writeUsage)
	root.PersistentFlags().Var(choiceOf(&a.color, "auto", "auto", "always", "never"), "color", "colours: auto, always or never")
	root.PersistentFlags().BoolP("help", "h", false, "show this help")
	root.AddCommand(
		newRun(a), newPlan(a), newApply(a), newResume(a), newValidate(a), newExplain(a), newTools(a), newRuns(a),
		newFmt(a), newGraph(a), newTest(a), newExpr(a), newInit(a), newSchema(a), newSandbox(a), newTorture(a),
		newStop(a), newWhy(a), newLedger(a), newDoctor(a), newDemo(a), newVersion(a),
	)
	root.AddCommand(topics()...)
	root.SetHelpCommand(newHelp())
	return root
}

// newHelp replaces cobra's help, which takes an unknown topic for a success.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND or TOPIC]",
		Short: "Help about a command or a topic",
		RunE: func(cmd *cobra.Command, args []string) error {
			found, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return needsCommand(found, rest)
			}
			return found.Help()
		},
	}
}

// commandsOf are the names of the commands of a command.
func commandsOf(cmd *cobra.Command) []string {
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() || c.IsAdditionalHelpTopicCommand() {
			names = append(names, c.Name())
		}
	}
	return names
}

// fileOrCommand answers for a file that is not there and whose name is nearly that
// of a command.
func fileOrCommand(cmd *cobra.Command, file string) error {
	near := diag.Closest(file, commandsOf(cmd))
	if _, err := os.Stat(file); near == "" || !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return &usageError{fmt.Sprintf("there is no file %s, and no such command of %s", file, cmd.CommandPath()), fmt.Sprintf("did you mean %q?", near)}
}

// needsCommand is what a command says that only groups others.
func needsCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	hint := diag.DidYouMean(args[0], commandsOf(cmd))
	if hint == "" {
		hint = "see " + cmd.CommandPath() + " --help"
	}
	return &usageError{fmt.Sprintf("%s has no command %q", cmd.CommandPath(), args[0]), hint}
}

// flagError makes a wrong flag a usage error, with the flag that was meant.
func flagError(cmd *cobra.Command, err error) error {
	reason, hint := err.Error(), "see "+cmd.CommandPath()+" --help"
	if name, ok := strings.CutPrefix(reason, "unknown flag: --"); ok {
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		cmd.InheritedFlags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		reason = fmt.Sprintf("%s has no flag --%s", cmd.CommandPath(), name)
		if c := diag.Closest(name, names); c != "" {
			hint = fmt.Sprintf("did you mean --%s?", c)
		}
	}
	return &usageError{reason, hint}
}

// exactly, atLeast and atMost check how many names a command is given.
func exactly(n int, what string) cobra.PositionalArgs { return between(n, n, what) }
func atLeast(n int, what string) cobra.PositionalArgs { return between(n, 1<<20, what) }
func atMost(n int, what string) cobra.PositionalArgs  { return between(0, n, what) }

func between(low, high int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) >= low && len(args) <= high {
			return nil
		}
		reason := fmt.Sprintf("%s needs %s", cmd.CommandPath(), what)
		if len(args) > high {
			reason = fmt.Sprintf("%s takes %s, but %q was given too", cmd.CommandPath(), what, args[high])
		}
		return &usageError{reason, cmd.UseLine()}
	}
}

// choice is a flag whose value is one of a few words.
type choice struct {
	value *string
	words []string
}

func choiceOf(value *string, preset string, words ...string) *choice {
	*value = preset
	return &choice{value, words}
}

func (c *choice) String() string { return *c.value }
func (c *choice) Type() string   { return strings.Join(c.words, "|") }

func (c *choice) Set(s string) error {
	if !slices.Contains(c.words, s) {
		problem := "it must be one of " + strings.Join(c.words, ", ")
		if near := diag.Closest(s, c.words); near != "" {
			problem += fmt.Sprintf("; did you mean %s?", near)
		}
		return errors.New(problem)
	}
	*c.value = s
	return nil
}

// outputFlag adds -o to a command.
func outputFlag(a *app, f *pflag.FlagSet, words ...string) *string {
	out := new(string)
	words = append([]string{"table", "json"}, words...)
	f.VarP(jsonChoice{choiceOf(out, "table", words...), a}, "output", "o", "form of the output")
	return out
}

// jsonChoice tells the app at once, so that later problems are JSON too.
type jsonChoice struct {
	*choice
	a *app
}

func (c jsonChoice) Set(s string) error {
	if err := c.choice.Set(s); err != nil {
		return err
	}
	c.a.json = s == "json"
	return nil
}

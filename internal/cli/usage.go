package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// helpWidth is how wide help is at most, and flagColumn where what a flag means
// begins.
const (
	helpWidth  = 80
	flagColumn = 28
)

// writeUsage is the part of a command's help below its description. cobra's own
// takes as many columns as the longest sentence about a flag has.
func writeUsage(cmd *cobra.Command) error {
	var b strings.Builder
	b.WriteString("Usage:\n")
	_, _, named := strings.Cut(cmd.Use, " ")
	if named || !cmd.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "  %s\n", cmd.UseLine())
	}
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "  %s COMMAND [flags]\n\nCommands:\n", cmd.CommandPath())
		writeCommands(&b, cmd, (*cobra.Command).IsAvailableCommand)
	}
	if cmd.HasExample() {
		fmt.Fprintf(&b, "\nExamples:\n%s\n", cmd.Example)
	}
	if cmd.HasAvailableLocalFlags() {
		b.WriteString("\nFlags:\n")
		writeFlags(&b, cmd.LocalFlags())
	}
	if cmd.HasAvailableInheritedFlags() {
		b.WriteString("\nGlobal flags:\n")
		writeFlags(&b, cmd.InheritedFlags())
	}
	if cmd.HasHelpSubCommands() {
		b.WriteString("\nTopics:\n")
		writeCommands(&b, cmd, (*cobra.Command).IsAdditionalHelpTopicCommand)
	}
	switch {
	case !cmd.HasParent():
		fmt.Fprintf(&b, "\n%s help COMMAND or TOPIC says more.\n", cmd.Name())
	case cmd.HasAvailableSubCommands():
		fmt.Fprintf(&b, "\n%s COMMAND --help says more.\n", cmd.CommandPath())
	}
	_, err := io.WriteString(cmd.OutOrStderr(), b.String())
	return err
}

// writeCommands lists the commands of a command that are wanted.
func writeCommands(b *strings.Builder, cmd *cobra.Command, wanted func(*cobra.Command) bool) {
	for _, c := range cmd.Commands() {
		if wanted(c) {
			fmt.Fprintf(b, "  %-11s  %s\n", c.Name(), c.Short)
		}
	}
}

// writeFlags lists flags in two columns; a flag that is longer than the first has
// a line of its own.
func writeFlags(b *strings.Builder, flags *pflag.FlagSet) {
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		name, meaning := argumentOf(f)
		left := "      --" + f.Name
		if f.Shorthand != "" {
			left = "  -" + f.Shorthand + ", --" + f.Name
		}
		if name != "" {
			left += " " + name
		}
		if preset := presetOf(f); preset != "" {
			meaning += " (default " + preset + ")"
		}
		if len(left) > flagColumn-2 {
			fmt.Fprintf(b, "%s\n", left)
			left = ""
		}
		for _, line := range linesOf(meaning, helpWidth-flagColumn) {
			fmt.Fprintf(b, "%-*s%s\n", flagColumn, left, line)
			left = ""
		}
	})
}

// argumentOf is what a flag is followed by, and what the flag means.
func argumentOf(f *pflag.Flag) (name, meaning string) {
	name, meaning = pflag.UnquoteUsage(f)
	switch f.Value.Type() {
	case "bool":
		return "", meaning
	case "int", "int64", "uint64":
		if name == "int" || name == "uint" {
			return "n", meaning
		}
	}
	return name, meaning
}

// presetOf is the default of a flag where its text does not say it and it is not
// the nothing of its type.
func presetOf(f *pflag.Flag) string {
	switch f.DefValue {
	case "", "0", "0s", "false", "[]":
		return ""
	}
	if strings.Contains(f.Usage, "(default ") || strings.Contains(f.Usage, "(the default)") {
		return ""
	}
	if minutes, ok := strings.CutSuffix(f.DefValue, "m0s"); ok {
		return minutes + "m"
	}
	return f.DefValue
}

// linesOf breaks a text between words, and a list that is wider than a line behind
// its commas.
func linesOf(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		for len(word) > width {
			cut := strings.LastIndexByte(word[:width], ',') + 1
			if cut == 0 {
				break
			}
			if line != "" {
				lines, line = append(lines, line), ""
			}
			lines, word = append(lines, word[:cut]), word[cut:]
		}
		if line != "" && len([]rune(line))+1+len([]rune(word)) > width {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

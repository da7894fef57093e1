package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/internal/folder"
	"github.com/flowrunner/flowrunner/internal/ui"
)

// fmtOptions are the flags of fmt.
type fmtOptions struct {
	check, diff bool
}

func newFmt(a *app) *cobra.Command {
	var o fmtOptions
	cmd := &cobra.Command{
		Use:   "fmt [FILE... | -]",
		Short: "Write flows in their one canonical form",
		Long: "fmt puts keys in the order of the language, indents by two spaces and quotes\n" +
			"only what needs it. A list or map in brackets stays so while its line has at\n" +
			"most 100 characters. Comments, single blank lines and texts stay, and no flow\n" +
			"means anything else afterwards.\n\n" +
			"Files are rewritten and their names printed; of a folder all its flows. Without\n" +
			"a FILE, or with -, it formats stdin to stdout.",
		Example: "  flowrunner fmt flows/*.yaml\n  flowrunner fmt --check .      in CI: exit code 1 when anything would change",
		RunE:    func(_ *cobra.Command, args []string) error { return formatAll(a, o, args) },
	}
	cmd.Flags().BoolVar(&o.check, "check", false, "change nothing; list what would change, and exit with 1 if anything would")
	cmd.Flags().BoolVar(&o.diff, "diff", false, "change nothing; print what would change")
	cmd.Flags().BoolP("write", "w", true, "rewrite the files, which is what happens anyway")
	_ = cmd.Flags().MarkHidden("write") // for those who know gofmt
	return cmd
}

func formatAll(a *app, o fmtOptions, args []string) error {
	if len(args) == 0 && a.terminal {
		return &usageError{"flowrunner fmt needs a FILE, or a flow on stdin", "flowrunner fmt . formats all flows of this folder"}
	}
	if len(args) == 0 {
		args = []string{standardStream}
	}
	files, err := flowFiles(args)
	if err != nil {
		return err
	}
	bad, changed := 0, 0
	for _, file := range files {
		switch outcome, err := formatFile(a, o, file); {
		case err != nil:
			return err
		case outcome == formatRefused:
			bad++
		case outcome == formatChanged:
			changed++
		}
	}
	switch {
	case bad > 0:
		fmt.Fprintf(a.stderr, "%s left as found\n", ui.Plural(bad, "file was", "files were"))
		return &endedError{[]engine.Cause{engine.CauseFlow}}
	case o.check && changed > 0:
		fmt.Fprintf(a.stderr, "%s not formatted; flowrunner fmt FILE... does it\n", ui.Plural(changed, "file is", "files are"))
		a.code = exitFailed
	}
	return nil
}

// formatOutcome is what came of one file.
type formatOutcome uint8

const (
	formatSame formatOutcome = iota
	formatChanged
	formatRefused // its problems have been shown
)

func formatFile(a *app, o fmtOptions, file string) (formatOutcome, error) {
	name := file
	var before []byte
	var err error
	if file == standardStream {
		name = "stdin"
		before, err = io.ReadAll(a.stdin)
	} else {
		before, err = os.ReadFile(file)
	}
	if err != nil {
		return formatRefused, fileError("read", name, err)
	}
	format := flow.Format
	if isPlainYAML(file) {
		format = flow.FormatNode
	}
	after, problems := format(name, before)
	if problems.HasErrors() {
		_, _ = io.WriteString(a.stderr, a.errStyle().Diagnostics(problems, before))
		return formatRefused, nil
	}
	outcome := formatChanged
	if bytes.Equal(before, after) {
		outcome = formatSame
	}
	switch {
	case o.diff:
		_, err = a.stdout.Write(diff.Diff(name, before, name+" (formatted)", after))
	case o.check && outcome == formatChanged:
		_, err = fmt.Fprintln(a.stdout, name)
	case o.check:
	case file == standardStream:
		_, err = a.stdout.Write(after)
	case outcome == formatChanged:
		err = writeWhole(file, func(w io.Writer) error {
			_, err := w.Write(after)
			return err
		})
		if err == nil {
			_, err = fmt.Fprintln(a.stdout, file)
		}
	}
	return outcome, err
}

// isPlainYAML reports whether a file is YAML of this program, but no flow.
func isPlainYAML(file string) bool {
	base := filepath.Base(file)
	return base == projectFile || strings.HasSuffix(base, "_test.yaml") || strings.HasSuffix(base, "_test.yml")
}

// flowFiles replaces each folder by the YAML files below it that are flows or
// belong to them, in the order of their names.
func flowFiles(args []string) ([]string, error) {
	var files []string
	for _, arg := range args {
		info, err := os.Stat(arg)
		if arg == standardStream || err == nil && !info.IsDir() {
			files = append(files, arg)
			continue
		}
		if err != nil {
			return nil, fileError("read", arg, err)
		}
		ours, err := folder.Files(arg, func(path string) bool {
			return (strings.HasSuffix(path, ".yaml") || strings.HasSuffix(path, ".yml")) && (isPlainYAML(path) || holdsFlow(path))
		})
		if err != nil {
			return nil, walkError(arg, err)
		}
		files = append(files, ours...)
	}
	return files, nil
}

// holdsFlow reports whether a YAML file says `flow:` at its top level. Other YAML
// may lie beside flows and is none of ours.
func holdsFlow(path string) bool {
	src, err := os.ReadFile(path)
	if err != nil {
		return true // reading it again tells why it cannot be read
	}
	doc, _ := flow.Parse(path, src)
	return doc.Flow != nil
}

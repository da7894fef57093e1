package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/ledger/sqlite"
	"github.com/flowrunner/flowrunner/engine/schema"
	"github.com/flowrunner/flowrunner/internal/scaffold"
	"github.com/flowrunner/flowrunner/internal/ui"
	"github.com/flowrunner/flowrunner/steps"
)

// initOptions are the flags of init.
type initOptions struct {
	template string
	force    bool
	list     bool
}

// pathColumn is how wide the column of names is in what init says that it wrote.
const pathColumn = 28

func newInit(a *app) *cobra.Command {
	o := &initOptions{}
	cmd := &cobra.Command{
		Use:   "init [DIR]",
		Short: "Begin a project: a flow, its test, its ledger and a CI workflow",
		Long: "init writes a project that runs in the sandbox as it is: flowrunner.yaml with\n" +
			"the id of its ledger, which init makes, a flow with its test and made-up data,\n" +
			"the schema for editors, a .gitignore and a workflow for GitHub. A file that is\n" +
			"there is not overwritten without --force; the ledger and .gitignore never are.\n" +
			"Without DIR it is the folder that you are in.",
		Example: "  flowrunner init sale\n" +
			"  flowrunner init --list\n" +
			"  flowrunner init --template reminders salon",
		Args: atMost(1, "at most one DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.list {
				if len(args) > 0 || cmd.Flags().Changed("template") || o.force {
					return &usageError{"--list only lists the templates", "leave out the rest, or leave out --list"}
				}
				return listTemplates(a)
			}
			return initProject(a, o, append(args, ".")[0])
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.template, "template", scaffold.Names()[0], "what to begin with, by `name`: "+strings.Join(scaffold.Names(), ", "))
	f.BoolVar(&o.force, "force", false, "overwrite files that are there; never the ledger")
	f.BoolVar(&o.list, "list", false, "list the templates")
	words := cobra.FixedCompletions(scaffold.Names(), cobra.ShellCompDirectiveNoFileComp)
	if err := cmd.RegisterFlagCompletionFunc("template", words); err != nil {
		panic(err) // the flag is two lines above
	}
	return cmd
}

func listTemplates(a *app) error {
	for i, t := range scaffold.Templates() {
		summary, err := t.Summary()
		if err != nil {
			return err
		}
		if i == 0 {
			summary += " (the default)"
		}
		fmt.Fprintf(a.stdout, "%s %s\n", a.outStyle().Bold(ui.Pad(t.Name, 10)), summary)
	}
	fmt.Fprintf(a.stdout, "\nflowrunner init --template NAME DIR begins a project with one.\n")
	return nil
}

func initProject(a *app, o *initOptions, dir string) error {
	t, ok := scaffold.Find(o.template)
	if !ok {
		return &usageError{fmt.Sprintf("there is no template %q", o.template), diag.DidYouMean(o.template, scaffold.Names())}
	}
	if err := mayWrite(t, dir, o.force); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fileError("make", dir, err)
	}
	lineage, err := projectLedger(dir)
	if err != nil {
		return err
	}
	warnOfOuter(a, dir)
	text, err := schema.JSON(steps.Registry())
	if err != nil {
		return err
	}
	files, err := t.Files(scaffold.Facts{Ledger: lineage, Schema: text, Version: release()})
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "Wrote into %s:\n\n", ui.Safe(dir))
	var kept []string
	for _, f := range files {
		wrote, err := writeProjectFile(dir, f, o.force)
		if err != nil {
			return err
		}
		if !wrote {
			kept = missingLines(dir, f)
			continue
		}
		path := f.Path
		if len(path) > pathColumn {
			fmt.Fprintf(a.stdout, "  %s\n", path)
			path = ""
		}
		fmt.Fprintf(a.stdout, "  %s %s\n", ui.Pad(path, pathColumn), f.About)
	}
	if len(kept) > 0 {
		fmt.Fprintf(a.stdout, "\n%s was there and is as it was. Add to it:\n\n  %s\n", scaffold.IgnoreFile, strings.Join(kept, "\n  "))
	}
	nextAfterInit(a, t, dir)
	return nil
}

// nextAfterInit says what to type in the new project.
func nextAfterInit(a *app, t scaffold.Template, dir string) {
	lines := []string{"flowrunner validate " + t.Flow, "flowrunner test", t.Try()}
	if filepath.Clean(dir) != "." {
		lines = slices.Insert(lines, 0, "cd "+ui.Safe(dir))
	}
	fmt.Fprintf(a.stdout, "\nTry it; nothing leaves the machine:\n\n  %s\n", strings.Join(lines, "\n  "))
	fmt.Fprintf(a.stdout, "\nFor real people, read the first lines of %s.\n", t.Flow)
	if t.Sends {
		fmt.Fprintf(a.stdout, "Keep %s: it holds the memory of who got what, and is not in git.\n", filepath.Join(dir, stateName))
	}
}

// mayWrite refuses to overwrite what somebody has written.
func mayWrite(t scaffold.Template, dir string, force bool) error {
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return &usageError{fmt.Sprintf("%s is a file, and a project is a folder", dir), "name another folder"}
	}
	var there []string
	for _, path := range t.Paths() {
		_, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(path)))
		switch {
		case err == nil && path != scaffold.IgnoreFile:
			there = append(there, path)
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return fileError("look at", filepath.Join(dir, path), err)
		}
	}
	if len(there) == 0 || force {
		return nil
	}
	return &usageError{
		fmt.Sprintf("%s has %s already; nothing was written", dir, strings.Join(there, ", ")),
		"name another folder, or overwrite them with --force",
	}
}

// warnOfOuter speaks up when the new project lies within another one, whose
// ledger knows nothing of what is sent from here, nor the other way round.
func warnOfOuter(a *app, dir string) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return
	}
	if outer, err := findProject(filepath.Dir(abs)); err == nil && outer != nil {
		fmt.Fprintf(a.stderr, "%s %s lies within the project %s, but has a ledger of its own; a flow moved here from there counts everybody as not written to\n",
			a.errStyle().Warn("warning:"), ui.Safe(dir), ui.Safe(shorten(outer.dir)))
	}
}

// projectLedger makes the ledger of a project, or takes the one that is there,
// and gives its id. A project that pins another one keeps its pin: a new ledger in
// its place would mean everybody again.
func projectLedger(dir string) (string, error) {
	s := newState(nil, dir, stateFlags{})
	pinned := ""
	path := filepath.Join(dir, projectFile)
	if _, err := os.Stat(path); err == nil {
		p, err := readProject(path)
		if err != nil {
			return "", err
		}
		pinned = p.ledger
	}
	if _, err := os.Stat(s.ledger()); pinned != "" && errors.Is(err, fs.ErrNotExist) {
		return "", &ledgerError{
			fmt.Sprintf("%s pins the ledger %s, which is not at %s; nothing was written", path, pinned, s.ledger()),
			"bring it there, or delete the line `ledger:` if a new one is meant:\nit counts everybody as not written to",
		}
	}
	ctx := context.Background()
	store, err := s.open(ctx, sqlite.Options{})
	if err != nil {
		return "", err
	}
	lineage := store.Lineage()
	ours := pinned == ""
	if !ours {
		ours, err = holds(ctx, store, pinned)
	}
	if err := errors.Join(err, store.Close()); err != nil {
		return "", err
	}
	if !ours {
		return "", &ledgerError{
			fmt.Sprintf("%s pins the ledger %s, but the one at %s is %s; nothing was written", path, pinned, s.ledger(), lineage),
			fmt.Sprintf("put the right ledger back, or write `ledger: %s` if this one is meant", lineage),
		}
	}
	return cmp.Or(pinned, lineage), nil
}

// writeProjectFile writes one file; a .gitignore that is there stays.
func writeProjectFile(dir string, f scaffold.File, force bool) (bool, error) {
	path := filepath.Join(dir, filepath.FromSlash(f.Path))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return false, fileError("make", filepath.Dir(path), err)
	}
	how := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if force && f.Path != scaffold.IgnoreFile {
		how = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	out, err := os.OpenFile(path, how, 0o644)
	if errors.Is(err, fs.ErrExist) && f.Path == scaffold.IgnoreFile {
		return false, nil
	}
	if err != nil {
		return false, fileError("write", path, err)
	}
	_, err = out.Write(f.Content)
	if err = errors.Join(err, out.Close()); err != nil {
		return false, fileError("write", path, err)
	}
	return true, nil
}

// missingLines are the lines of f, but for comments, that the file on disk lacks.
func missingLines(dir string, f scaffold.File) []string {
	text, err := os.ReadFile(filepath.Join(dir, f.Path))
	if err != nil {
		text = nil // then all of them are worth a look
	}
	have := strings.Split(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n")
	var missing []string
	for line := range strings.SplitSeq(strings.TrimSpace(string(f.Content)), "\n") {
		if !strings.HasPrefix(line, "#") && !slices.Contains(have, line) {
			missing = append(missing, line)
		}
	}
	return missing
}

var released = regexp.MustCompile(`^v\d+\.\d+\.\d+$`)

// release is this program's version as `go install` takes it: latest for what
// was built from a checkout.
func release() string {
	if info, ok := debug.ReadBuildInfo(); ok && released.MatchString(info.Main.Version) {
		return info.Main.Version
	}
	return "latest"
}

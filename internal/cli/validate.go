package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/internal/flowtest"
	"github.com/flowrunner/flowrunner/internal/ui"
)

// validateFlags say how problems are shown, and what counts as one.
type validateFlags struct {
	output string
	strict bool
}

func newValidate(a *app) *cobra.Command {
	o := &validateFlags{}
	cmd := &cobra.Command{
		Use:   "validate FILE...",
		Short: "Check flows completely, without a network",
		Long: "validate finds every problem of every file at once, each with its place and\n" +
			"what to write instead. It needs neither a token nor the inputs.\n\n" +
			"Warnings are advice: they change the exit code only with --strict. Every problem\n" +
			"has a code in brackets, which flowrunner explain CODE explains. Under a flow\n" +
			"without errors stands what it holds in memory; everything else streams.",
		Args: atLeast(1, "the FILE of a flow, or several"),
		RunE: func(_ *cobra.Command, args []string) error { return validate(a, o, args) },
	}
	form := choiceOf(&o.output, "text", "text", "json", "sarif", "github", "gitlab", "junit")
	cmd.Flags().VarP(jsonChoice{form, a}, "output", "o", "form of the output")
	cmd.Flags().BoolVar(&o.strict, "strict", false, "let a warning fail the file as an error does")
	return cmd
}

func validate(a *app, o *validateFlags, files []string) error {
	verdicts, bad := make([]ui.Verdict, 0, len(files)), 0
	for _, file := range files {
		v, err := verdict(file, o.strict)
		if err != nil {
			return err
		}
		verdicts = append(verdicts, v)
		if v.Failed {
			bad++
		}
	}
	wrong, err := wrongProjects(files)
	if err != nil {
		return err
	}
	verdicts, bad = append(verdicts, wrong...), bad+len(wrong)
	if err := showVerdicts(a, o, verdicts); err != nil {
		return err
	}
	if bad == 0 {
		return nil
	}
	if !a.json {
		fmt.Fprintf(a.stderr, "%s in %s\n", problems(verdicts, o.strict), ui.Plural(bad, "file", "files"))
	}
	return &endedError{[]engine.Cause{engine.CauseFlow}}
}

// verdict checks one file.
func verdict(file string, strict bool) (ui.Verdict, error) {
	src, err := os.ReadFile(file)
	if err != nil {
		return ui.Verdict{}, fileError("read", file, err)
	}
	if strings.HasSuffix(file, flowtest.Suffix) {
		return testVerdict(file, src)
	}
	if filepath.Base(file) == projectFile {
		_, list := parseProject(file, src)
		return ui.Verdict{File: file, Source: src, Strict: strict, Problems: list, Failed: len(list) > 0}, nil
	}
	p, list := check(file, src)
	v := ui.Verdict{File: file, Source: src, Strict: strict, Problems: append(list, lints(p)...)}
	v.Problems.Sort()
	v.Failed = p == nil || strict && len(v.Problems) > 0
	if p != nil {
		v.Flow, v.Held = p.Name, p.Held()
	}
	return v, nil
}

// wrongProjects are the project files of flows, where they have problems and were
// not asked for: no such flow could run.
func wrongProjects(files []string) ([]ui.Verdict, error) {
	var wrong []ui.Verdict
	seen := map[string]bool{"": true}
	for _, file := range files {
		if filepath.Base(file) == projectFile {
			path, err := filepath.Abs(file)
			if err != nil {
				return nil, fmt.Errorf("find project: %w", err)
			}
			seen[path] = true
		}
	}
	for _, file := range files {
		path, err := projectPath(filepath.Dir(file))
		if err != nil {
			return nil, err
		}
		if seen[path] {
			continue
		}
		seen[path] = true
		src, err := os.ReadFile(path)
		if err != nil {
			return nil, fileError("read", path, err)
		}
		if _, list := parseProject(path, src); list.HasErrors() {
			wrong = append(wrong, ui.Verdict{File: shorten(path), Source: src, Problems: list, Failed: true})
		}
	}
	return wrong, nil
}

// showVerdicts prints what was found in the form that was asked for.
func showVerdicts(a *app, o *validateFlags, verdicts []ui.Verdict) error {
	switch o.output {
	case "sarif":
		return ui.SARIF(a.stdout, version(), verdicts)
	case "github":
		return ui.GitHub(a.stdout, verdicts)
	case "gitlab":
		return ui.GitLab(a.stdout, verdicts)
	case "junit":
		return ui.JUnit(a.stdout, verdicts)
	}
	a.doc.Files = make([]ui.FileDocument, len(verdicts))
	for i, v := range verdicts {
		a.doc.Files[i] = v.Document()
		if a.json {
			continue
		}
		if len(v.Problems) > 0 {
			if i > 0 {
				fmt.Fprintln(a.stdout)
			}
			fmt.Fprint(a.stdout, a.outStyle().Diagnostics(v.Problems, v.Source))
		}
		if !v.Failed {
			what := "flow " + v.Flow
			if v.Flow == "" {
				what = "project"
			}
			fmt.Fprintf(a.stdout, "%s: %s (%s)\n", v.File, a.outStyle().Good("ok"), what)
			for _, h := range v.Held {
				fmt.Fprintf(a.stdout, "  %s: %s holds %s in memory, up to %s\n", h.Span, h.By, h.What, h.UpTo)
			}
		}
	}
	return nil
}

// problems counts what failed the files.
func problems(verdicts []ui.Verdict, strict bool) string {
	n := 0
	for _, v := range verdicts {
		for _, d := range v.Problems {
			if d.Severity == diag.Error || strict {
				n++
			}
		}
	}
	return ui.Plural(n, "problem", "problems")
}

package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/internal/flowtest"
	"github.com/flowrunner/flowrunner/internal/folder"
	"github.com/flowrunner/flowrunner/internal/ui"
	"github.com/flowrunner/flowrunner/steps"
)

// testOptions are the flags of test.
type testOptions struct {
	run    string
	update bool
	cover  bool
	form   string
}

func newTest(a *app) *cobra.Command {
	o := &testOptions{}
	cmd := &cobra.Command{
		Use:   "test [FILE or DIR...]",
		Short: "Run the tests that stand beside flows",
		Long: "test runs the cases of *_test.yaml files: each gives a world, a moment and\n" +
			"inputs, and says who must get which text, who must not, and why. Everything\n" +
			"happens in a sandbox that is gone afterwards. A folder is searched through;\n" +
			"without a name it is the one that you are in.",
		Example: "  flowrunner test\n" +
			"  flowrunner test examples/broadcast_test.yaml --cover\n" +
			"  flowrunner test --run 'refus' -o junit > report.xml",
		Args: cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) error { return testFlows(a, o, args) },
	}
	f := cmd.Flags()
	f.StringVar(&o.run, "run", "", "run only the cases whose name matches this regular `expression`")
	f.BoolVar(&o.update, "update", false, "write the golden texts anew")
	f.BoolVar(&o.cover, "cover", false, "say which steps and branches no case has seen")
	f.VarP(jsonChoice{choiceOf(&o.form, "text", "text", "json", "junit"), a}, "output", "o", "form of the output")
	return cmd
}

func testFlows(a *app, o *testOptions, args []string) error {
	files, err := testFiles(args)
	if err != nil {
		return err
	}
	match, err := regexp.Compile(o.run)
	if err != nil {
		return &usageError{fmt.Sprintf("--run %s is no regular expression", o.run), strings.TrimPrefix(err.Error(), "error parsing regexp: ")}
	}
	b := &testRun{a: a, o: o, match: match}
	for _, file := range files {
		if err := b.suite(file); err != nil {
			return err
		}
	}
	return b.end()
}

// testFiles finds the test files that are named, in order, each once.
func testFiles(args []string) ([]string, error) {
	if len(args) == 0 {
		args = []string{"."}
	}
	var files []string
	for _, arg := range args {
		info, err := os.Stat(arg)
		switch {
		case err != nil:
			return nil, fileError("read", arg, err)
		case info.IsDir():
			tests, err := folder.Files(arg, func(path string) bool { return strings.HasSuffix(path, flowtest.Suffix) })
			if err != nil {
				return nil, walkError(arg, err)
			}
			files = append(files, tests...)
		case strings.HasSuffix(arg, flowtest.Suffix):
			files = append(files, arg)
		default:
			beside := strings.TrimSuffix(arg, filepath.Ext(arg)) + flowtest.Suffix
			if _, err := os.Stat(beside); err != nil {
				return nil, &usageError{fmt.Sprintf("%s is no test file, and there is no %s beside it", arg, filepath.Base(beside)), "name a file that ends in " + flowtest.Suffix}
			}
			files = append(files, beside)
		}
	}
	slices.Sort(files)
	files = slices.Compact(files)
	if len(files) == 0 {
		return nil, &usageError{"there are no tests in " + strings.Join(args, ", "), "put a file that ends in " + flowtest.Suffix + " beside a flow"}
	}
	return files, nil
}

// testVerdict checks a test file without running it: a folder of flows and their
// tests can be validated together.
func testVerdict(file string, src []byte) (ui.Verdict, error) {
	v := ui.Verdict{File: file, Source: src}
	s, err := flowtest.Load(file, steps.Registry(), filesBeside)
	var list diag.Errors
	if err != nil && !errors.As(err, &list) {
		return v, fileError("read", file, err)
	}
	for _, d := range list {
		if d.Span.File != file { // of its world
			d.Summary, d.Span = d.Span.String()+": "+d.Summary, diag.Span{File: file}
		}
		v.Problems = append(v.Problems, d)
	}
	if v.Failed = len(list) > 0; !v.Failed {
		v.Flow = strings.TrimSuffix(filepath.Base(s.FlowFile), filepath.Ext(s.FlowFile))
		if p := s.Program(); p != nil {
			v.Flow = p.Name
		}
	}
	return v, nil
}

// testRun collects what the test files of one command give.
type testRun struct {
	a        *app
	o        *testOptions
	match    *regexp.Regexp
	results  []*flowtest.Result
	invalid  int
	problems diag.List // of files that are no valid tests, or test no valid flow
}

// suite runs one file and, as text, says at once what came of it.
func (b *testRun) suite(file string) error {
	s, err := flowtest.Load(file, steps.Registry(), filesBeside)
	if err == nil {
		list, _ := s.FlowProblems()
		err = list.Err()
	}
	var invalid diag.Errors
	if errors.As(err, &invalid) {
		b.invalid++
		b.problems = append(b.problems, invalid...)
		if b.o.form == "text" {
			fmt.Fprint(b.a.stdout, b.a.excerpts(diag.List(invalid)))
		}
		return nil
	}
	if err != nil {
		return fileError("read", file, err)
	}
	o := flowtest.Options{
		Account: steps.CompanyID, People: steps.People{}, Match: b.match, Update: b.o.update,
		ExitCode: func(causes []engine.Cause) int { return exitCode(causes, nil) },
	}
	p, err := findProject(filepath.Dir(s.FlowFile))
	if err != nil {
		return err
	}
	if p != nil {
		o.Project = p.rules
	}
	res, err := s.Run(b.a.signals.drain, o)
	if b.a.signals.drain.Err() != nil {
		return &interruptedError{"interrupted while testing"}
	}
	if err != nil {
		return err
	}
	if len(res.Cases) == 0 {
		return nil
	}
	b.results = append(b.results, res)
	if b.o.form == "text" {
		b.show(res)
	}
	return nil
}

// show writes one line for each case, and below it what came out otherwise.
func (b *testRun) show(res *flowtest.Result) {
	w, style := b.a.stdout, b.a.outStyle()
	fmt.Fprintf(w, "%s\n", style.Bold(ui.Safe(res.Suite.File)))
	for _, c := range res.Cases {
		switch {
		case len(c.Failures) > 0:
			fmt.Fprintf(w, "  %s  %s\n", style.Bad("FAIL"), ui.Safe(c.Name))
		case c.Updated != "":
			fmt.Fprintf(w, "  %s    %s (wrote %s)\n", style.Good("ok"), ui.Safe(c.Name), ui.Safe(c.Updated))
		default:
			fmt.Fprintf(w, "  %s    %s\n", style.Good("ok"), ui.Safe(c.Name))
		}
		for _, f := range c.Failures {
			line := f.Line
			if line == 0 {
				line = c.Line
			}
			fmt.Fprintf(w, "        %s:%d: %s\n", ui.Safe(res.Suite.File), line, ui.Safe(f.Summary))
			for _, d := range f.Detail {
				d = "          " + ui.Safe(d)
				switch {
				case strings.HasPrefix(d, "          - "):
					d = style.Bad(d)
				case strings.HasPrefix(d, "          + "):
					d = style.Good(d)
				}
				fmt.Fprintln(w, strings.TrimRight(d, " "))
			}
		}
	}
}

// end writes the balance, and gives the error that leads to the exit code.
func (b *testRun) end() error {
	a := b.a
	report := flowtest.ReportOf(b.results, b.o.cover)
	var causes []engine.Cause
	if report.Failed > 0 {
		causes = append(causes, engine.CauseStep)
	}
	if b.problems.HasErrors() {
		causes = append(causes, engine.CauseFlow)
	}
	if len(causes) == 0 && report.Passed == 0 {
		return &usageError{fmt.Sprintf("no case matches --run %s", b.o.run), "take it out to see the names of all cases"}
	}
	report.ExitCode = exitCode(causes, nil)
	report.OK = report.ExitCode == exitDone
	var err error
	switch b.o.form {
	case "json":
		a.silent = true
		err = ui.WriteJSON(a.stdout, struct {
			*flowtest.Report
			Problems []ui.DiagnosticDocument `json:"problems,omitempty"`
		}{report, ui.Diagnostics(b.problems)})
	case "junit":
		fmt.Fprint(a.stderr, a.excerpts(b.problems))
		err = report.JUnit(a.stdout)
	default:
		b.coverage(report)
		balance := fmt.Sprintf("%d passed, %d failed", report.Passed, report.Failed)
		if b.invalid > 0 {
			balance += fmt.Sprintf(", %s with problems", ui.Plural(b.invalid, "file", "files"))
		}
		fmt.Fprintln(a.stdout, balance)
	}
	if err == nil && len(causes) > 0 {
		err = &endedError{causes}
	}
	return err
}

func (b *testRun) coverage(report *flowtest.Report) {
	for _, c := range report.Coverage {
		ran, all, taken, branches := c.Share()
		fmt.Fprintf(b.a.stdout, "\ncoverage of %s: %d of %s, %d of %s\n", ui.Safe(c.Flow), ran, ui.Plural(all, "step", "steps"), taken, ui.Plural(branches, "branch", "branches"))
		for _, line := range c.Missing() {
			fmt.Fprintf(b.a.stdout, "  %s\n", ui.Safe(line))
		}
	}
	if len(report.Coverage) > 0 {
		fmt.Fprintln(b.a.stdout)
	}
}

// excerpts draws problems of several files.
func (a *app) excerpts(list diag.List) string {
	var parts []string
	for len(list) > 0 {
		n := 1
		for n < len(list) && list[n].Span.File == list[0].Span.File {
			n++
		}
		src, err := os.ReadFile(list[0].Span.File)
		if err != nil {
			src = nil // the problems say enough without an excerpt
		}
		parts = append(parts, a.outStyle().Diagnostics(list[:n], src))
		list = list[n:]
	}
	return strings.Join(parts, "\n")
}

package ui

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/internal/golden"
)

func spanOf(file string, line, col, endLine, endCol int) diag.Span {
	return diag.Span{File: file, Start: diag.Pos{Line: line, Col: col}, End: diag.Pos{Line: endLine, Col: endCol}}
}

// verdicts has everything that a report must survive: several files, whole-file
// problems, several lines, commands and control characters in names and texts.
func verdicts() []Verdict {
	const sale = "flow: sale\nsteps:\n  - id: привет\n    uses: x\n"
	var l diag.List
	l.Add("unknown-kind", spanOf("./flows/sale.yaml", 4, 11, 4, 12), "unknown kind %q", "x").
		WithDetail("100%% of kinds:\r\n::error::forged, and \x1b[31mred").WithHint("use <b>filter</b> & co")
	l.Add("unknown-kind", spanOf("./flows/sale.yaml", 5, 11, 5, 12), "unknown kind %q", "x")
	l.Add("wrong-shape", spanOf("./flows/sale.yaml", 2, 1, 4, 3), "steps has the wrong shape")
	l.Add("unused-step", spanOf("./flows/sale.yaml", 3, 9, 3, 15), "nothing reads the step привет").AsWarning()
	var odd diag.List
	odd.Add("empty-file", diag.Span{File: "a,b: c%.yaml"}, "the file is empty")
	var advice diag.List
	advice.Add("no-max-sends", spanOf("/srv/flows/b c.yaml", 1, 1, 1, 5), "no guard").AsWarning()
	return []Verdict{
		{File: "./flows/sale.yaml", Source: []byte(sale), Problems: l, Failed: true},
		{File: "a,b: c%.yaml", Problems: odd, Failed: true},
		{File: "good.yaml", Flow: "good", Source: []byte("flow: good\n")},
		{File: "/srv/flows/b c.yaml", Flow: "b", Source: []byte("flow: b\n"), Problems: advice},
	}
}

func report(t *testing.T, write func(io.Writer, []Verdict) error, list []Verdict) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, write(&b, list))
	return b.String()
}

func TestSARIF(t *testing.T) {
	write := func(w io.Writer, l []Verdict) error { return SARIF(w, "1.2.3", l) }
	text := report(t, write, verdicts())
	golden.Equal(t, "testdata/verdict.sarif", text)

	c := jsonschema.NewCompiler()
	schema, err := os.Open("testdata/sarif-2.1.0-essentials.json")
	require.NoError(t, err)
	defer schema.Close()
	doc, err := jsonschema.UnmarshalJSON(schema)
	require.NoError(t, err)
	require.NoError(t, c.AddResource("sarif.json", doc))
	compiled, err := c.Compile("sarif.json")
	require.NoError(t, err)
	for _, text := range []string{text, report(t, write, nil), report(t, write, verdicts()[2:3])} {
		log, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		require.NoError(t, err)
		require.NoError(t, compiled.Validate(log))
	}

	var log sarifLog
	require.NoError(t, json.Unmarshal([]byte(text), &log))
	prints := map[string]bool{}
	for _, r := range log.Runs[0].Results {
		require.Equal(t, r.RuleID, log.Runs[0].Tool.Driver.Rules[r.RuleIndex].ID)
		require.False(t, prints[r.Fingerprints["flowrunner/v1"]], "two problems have one fingerprint")
		prints[r.Fingerprints["flowrunner/v1"]] = true
	}
	for _, r := range log.Runs[0].Tool.Driver.Rules {
		require.NotEqual(t, r.ID, r.Help.Text, "a rule shows its page")
	}
}

func TestGitHub(t *testing.T) {
	text := report(t, GitHub, verdicts())
	golden.Equal(t, "testdata/verdict.github", text)
	for line := range strings.Lines(text) {
		require.Regexp(t, `^::(error|warning) [^:]*::`, line)
		require.NotContains(t, line, "\x1b")
	}
	require.Empty(t, report(t, GitHub, verdicts()[2:3]))
}

func TestGitHubShowsTheNineWorstAndAPointer(t *testing.T) {
	many := func(n int) []Verdict {
		var l diag.List
		for i := range n {
			d := l.Add("unused-step", spanOf("f.yaml", i+1, 1, i+1, 2), "problem %d", i)
			if i%2 == 0 {
				d.AsWarning()
			}
		}
		return []Verdict{{File: "f.yaml", Problems: l}}
	}
	require.Equal(t, 10, strings.Count(report(t, GitHub, many(10)), "\n"), "ten are shown, so ten are written")
	text := report(t, GitHub, many(25))
	require.Equal(t, 10, strings.Count(text, "\n"))
	require.Equal(t, 9, strings.Count(text, "::error file="), "errors first")
	require.Contains(t, text, "::error title=flowrunner::and 16 more problems%0A")
	require.Contains(t, report(t, GitHub, many(14)), "::warning title=flowrunner::and 5 more problems%0A")
}

func TestGitLab(t *testing.T) {
	text := report(t, GitLab, verdicts())
	golden.Equal(t, "testdata/verdict.gitlab", text)
	var issues []gitlabIssue
	require.NoError(t, json.Unmarshal([]byte(text), &issues))
	require.Len(t, issues, 6)
	prints := map[string]bool{}
	for _, i := range issues {
		require.NotEmpty(t, i.Description)
		require.NotEmpty(t, i.CheckName)
		require.Contains(t, []string{"info", "minor", "major", "critical", "blocker"}, i.Severity)
		require.False(t, strings.HasPrefix(i.Location.Path, "./"))
		require.Positive(t, i.Location.Lines.Begin)
		require.LessOrEqual(t, i.Location.Lines.Begin, i.Location.Lines.End)
		require.False(t, prints[i.Fingerprint])
		prints[i.Fingerprint] = true
	}
	require.Equal(t, "[]\n", report(t, GitLab, nil))
}

// A line above a problem moves it and makes no new one.
func TestFingerprintsOutliveEdits(t *testing.T) {
	print := func(line int) string {
		var l diag.List
		l.Add("c", spanOf("f.yaml", line, 1, line, 2), "s")
		return fingerprints{}.of(l[0])
	}
	require.Equal(t, print(3), print(4))
}

func TestJUnit(t *testing.T) {
	text := report(t, JUnit, verdicts())
	golden.Equal(t, "testdata/verdict.junit", text)
	require.Contains(t, text, `<testsuites name="flowrunner validate" tests="7" failures="4">`)
	require.Contains(t, text, `<testcase name="valid" `, "a file without problems")

	require.NotContains(t, report(t, JUnit, verdicts()[3:]), "<failure", "a warning passes")
	strict := verdicts()[3:]
	strict[0].Strict = true
	require.Contains(t, report(t, JUnit, strict), "<failure")
}

// A writer that is full says so in every form.
func TestReportsReportAFullDisk(t *testing.T) {
	for name, write := range map[string]func(io.Writer, []Verdict) error{
		"sarif": func(w io.Writer, l []Verdict) error { return SARIF(w, "", l) }, "github": GitHub, "gitlab": GitLab, "junit": JUnit,
	} {
		require.ErrorContains(t, write(fullDisk{}, verdicts()), "no space", name)
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, fmt.Errorf("no space left") }

func TestWarningsAreALineEach(t *testing.T) {
	var l diag.List
	require.Empty(t, Style{}.Warnings(l))
	l.Add("unused-step", spanOf("f.yaml", 3, 9, 3, 12), "nothing reads the step x\x1b[2J").AsWarning().WithDetail("A long story.")
	require.Equal(t, `f.yaml:3:9: warning: nothing reads the step x\u001b[2J [unused-step]`+"\n"+
		"flowrunner validate shows what to do about warnings; they change nothing here.\n", Style{}.Warnings(l))
	require.Contains(t, Style{Color: true}.Warnings(l), "\x1b[33mwarning:")
}

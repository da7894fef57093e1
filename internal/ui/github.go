package ui

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/flowrunner/flowrunner/engine/diag"
)

// shownByGitHub is how many annotations of one step GitHub shows. What is more
// it drops in silence, so the last one points at the rest.
const shownByGitHub = 10

// GitHub writes problems as annotations of a pull request: workflow commands
// that GitHub Actions reads from a step's output. Errors come before warnings.
func GitHub(w io.Writer, verdicts []Verdict) error {
	var all diag.List
	for _, v := range verdicts {
		all = append(all, v.Problems...)
	}
	slices.SortStableFunc(all, func(a, b diag.Diagnostic) int { return int(a.Severity) - int(b.Severity) })
	shown := all
	if len(all) > shownByGitHub {
		shown = all[:shownByGitHub-1]
	}
	for _, d := range shown {
		if _, err := fmt.Fprintln(w, annotation(d)); err != nil {
			return err
		}
	}
	rest := all[len(shown):]
	if len(rest) == 0 {
		return nil
	}
	more := fmt.Sprintf("and %d more problems\nGitHub shows %d annotations of a step. To see all: flowrunner validate FILE", len(rest), shownByGitHub)
	_, err := fmt.Fprintf(w, "::%s title=flowrunner::%s\n", rest[0].Severity, escapeData(more))
	return err
}

// annotation is the command for one problem. Columns are only for a problem
// within one line; GitHub refuses them otherwise.
func annotation(d diag.Diagnostic) string {
	at := d.Span
	fields := []string{"file=" + escapeProperty(slashed(at.File))}
	if at.Start.Line > 0 {
		fields = append(fields, fmt.Sprintf("line=%d", at.Start.Line), fmt.Sprintf("endLine=%d", max(at.Start.Line, at.End.Line)))
		if at.End.Line == at.Start.Line {
			fields = append(fields, fmt.Sprintf("col=%d", at.Start.Col), fmt.Sprintf("endColumn=%d", max(at.Start.Col+1, at.End.Col)))
		}
	}
	fields = append(fields, "title="+escapeProperty(d.Code))
	return fmt.Sprintf("::%s %s::%s", d.Severity, strings.Join(fields, ","), escapeData(story(d)))
}

// escapeData keeps a text within its command: a line break in it could begin a
// command of its own.
func escapeData(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(controlled(s))
}

// escapeProperty also keeps a text within its property.
func escapeProperty(s string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(escapeData(s))
}

// controlled is Safe for a text of several lines.
func controlled(s string) string {
	lines := strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
	for i, l := range lines {
		lines[i] = Safe(l)
	}
	return strings.Join(lines, "\n")
}

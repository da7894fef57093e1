package ui

import (
	"errors"
	"fmt"
	"strings"

	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/diag"
)

// Problem draws an error as a person reads it: a flow's problems and a failed
// step with their place in the file, everything else in a line, each with what
// to type next. source is the flow's text; nil when there is none.
func (s Style) Problem(err error, source []byte) string {
	var list diag.Errors
	if errors.As(err, &list) {
		return s.Diagnostics(diag.List(list), source)
	}
	var st *engine.StepError
	if errors.As(err, &st) && st.Span.Start.Line > 0 {
		reason, hint := reasonOf(err)
		d := diag.Diagnostic{Code: "step-failed", Span: at(st.Span), Summary: Safe(reason), Hint: hint}
		return s.Diagnostics(diag.List{d}, source)
	}
	return s.Failure(reasonOf(err))
}

// reasonOf takes an error apart into what is wrong and what to type next, where its
// text ends with that.
func reasonOf(err error) (reason, hint string) {
	hint = engine.Hint(err)
	return before(err.Error(), hint), hint
}

// before is a reason without the hint that it may end with.
func before(reason, hint string) string { return strings.TrimSuffix(reason, "; "+hint) }

// Failure draws a reason and the way on.
func (s Style) Failure(reason, hint string) string {
	var b strings.Builder
	const indent = "       " // below what stands behind "error: "
	lines := strings.Split(strings.TrimSpace(reason), "\n")
	for i, l := range lines {
		lines[i] = Safe(l)
	}
	reason = s.fitted(strings.Join(lines, "\n"), len(indent))
	b.WriteString(s.Bad("error:") + " " + strings.ReplaceAll(reason, "\n", "\n"+indent) + "\n")
	if hint != "" {
		b.WriteString("  fix: " + strings.ReplaceAll(s.fitted(hint, len(indent)), "\n", "\n"+indent) + "\n")
	}
	return b.String()
}

// at reduces a span to its first line: a failed step points at where it begins,
// not at everything that it holds.
func at(s diag.Span) diag.Span {
	if s.End.Line != s.Start.Line {
		s.End = s.Start
	}
	return s
}

// paintErrors colours the words that diag.Format always writes.
func (s Style) paintErrors(text string) string {
	if !s.Color {
		return text
	}
	var b strings.Builder
	for line := range strings.Lines(text) {
		body := strings.TrimRight(line, "\n")
		switch {
		case strings.Contains(body, ": error: "):
			body = strings.Replace(body, ": error: ", ": "+s.Bad("error:")+" ", 1)
		case strings.Contains(body, ": warning: "):
			body = strings.Replace(body, ": warning: ", ": "+s.Warn("warning:")+" ", 1)
		case strings.HasPrefix(body, "      | ") && strings.Trim(body[8:], " ^") == "":
			body = body[:8] + s.Bad(body[8:])
		}
		b.WriteString(body + "\n")
	}
	return b.String()
}

// Diagnostics draws every problem of a file.
func (s Style) Diagnostics(l diag.List, source []byte) string {
	const detail, hint = 3, 8 // where diag.Format begins their lines
	drawn := make(diag.List, len(l))
	for i, d := range l {
		d.Detail, d.Hint = s.fitted(d.Detail, detail), s.fitted(d.Hint, hint)
		drawn[i] = d
	}
	return s.paintErrors(diag.FormatAll(drawn, source))
}

// Warnings draws advice in a line each, for a command that goes on all the same.
func (s Style) Warnings(l diag.List) string {
	if len(l) == 0 {
		return ""
	}
	var b strings.Builder
	for _, d := range l {
		fmt.Fprintf(&b, "%s: warning: %s [%s]\n", Safe(d.Span.String()), Safe(d.Summary), d.Code)
	}
	b.WriteString("flowrunner validate shows what to do about warnings; they change nothing here.\n")
	return s.paintErrors(b.String())
}

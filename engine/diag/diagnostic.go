package diag

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Severity says whether a Diagnostic stops the program.
type Severity uint8

// Errors stop; warnings are shown and change no exit code.
const (
	Error Severity = iota
	Warning
)

// String gives the word that stands before the message.
func (s Severity) String() string {
	if s == Warning {
		return "warning"
	}
	return "error"
}

// Pos is a place in a file. Line and Col count from 1, Col in characters
// (runes), Offset in bytes from 0. The zero Pos is "no place".
type Pos struct {
	Line, Col, Offset int
}

// Span is a stretch of one file, End exclusive. A Span without a Line is a
// problem of the file as a whole.
type Span struct {
	File       string
	Start, End Pos

	// Line is the line of Start with its line break, where the file is another than
	// the one that was asked about: its text is not at hand when problems are shown.
	Line string
}

// String is file:line:column, as editors understand it.
func (s Span) String() string {
	if s.Start.Line == 0 {
		return s.File
	}
	return fmt.Sprintf("%s:%d:%d", s.File, s.Start.Line, s.Start.Col)
}

// Diagnostic is one problem.
//
// Summary is terse and fixed for its Code up to names, so that equal problems
// can be counted together. Detail says in full sentences what was found and what
// is allowed. Hint says what to type next. Both may be empty.
type Diagnostic struct {
	Code     string // stable, kebab-case: "unknown-key"
	Severity Severity
	Span     Span
	Summary  string
	Detail   string
	Hint     string
	Secret   bool // what stands at Span is a secret, and an excerpt must not show it
}

// Error makes a Diagnostic usable where an error is wanted.
func (d Diagnostic) Error() string {
	return fmt.Sprintf("%s: %s", d.Span, d.Summary)
}

// List is every problem of one input. The zero List is empty and ready.
type List []Diagnostic

// Add appends an error and returns it for more detail.
func (l *List) Add(code string, at Span, format string, args ...any) *Diagnostic {
	*l = append(*l, Diagnostic{Code: code, Span: at, Summary: fmt.Sprintf(format, args...)})
	return &(*l)[len(*l)-1]
}

// WithDetail sets the Detail and returns d.
func (d *Diagnostic) WithDetail(format string, args ...any) *Diagnostic {
	d.Detail = fmt.Sprintf(format, args...)
	return d
}

// WithHint sets the Hint and returns d.
func (d *Diagnostic) WithHint(format string, args ...any) *Diagnostic {
	d.Hint = fmt.Sprintf(format, args...)
	return d
}

// Hide keeps what stands at the Span out of excerpts, and returns d.
func (d *Diagnostic) Hide() *Diagnostic {
	d.Secret = true
	return d
}

// AsWarning lowers the severity and returns d.
func (d *Diagnostic) AsWarning() *Diagnostic {
	d.Severity = Warning
	return d
}

// HasErrors reports whether anything in l stops the program.
func (l List) HasErrors() bool {
	return slices.ContainsFunc(l, func(d Diagnostic) bool { return d.Severity == Error })
}

// Sort orders l by file, place, severity and code, and drops exact repeats.
func (l *List) Sort() {
	slices.SortStableFunc(*l, func(a, b Diagnostic) int {
		return cmp.Or(
			strings.Compare(a.Span.File, b.Span.File),
			cmp.Compare(a.Span.Start.Line, b.Span.Start.Line),
			cmp.Compare(a.Span.Start.Col, b.Span.Start.Col),
			cmp.Compare(a.Severity, b.Severity),
			strings.Compare(a.Code, b.Code),
			strings.Compare(a.Summary, b.Summary),
		)
	})
	*l = slices.Compact(*l)
}

// Err is nil when l has no errors, else l itself.
func (l List) Err() error {
	if !l.HasErrors() {
		return nil
	}
	return Errors(l)
}

// Errors is a List in the role of a Go error. Commands take it apart with
// errors.As and exit with 3.
type Errors List

// Error names the first error and how many more there are.
func (e Errors) Error() string {
	first, count := "no problems", 0
	for _, d := range e {
		if d.Severity == Error {
			if count++; count == 1 {
				first = d.Error()
			}
		}
	}
	if count > 1 {
		return fmt.Sprintf("%s (and %d more)", first, count-1)
	}
	return first
}

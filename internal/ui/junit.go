package ui

import (
	"fmt"
	"io"

	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/internal/junit"
)

// JUnit writes a test report: a suite for each file, a failed case for each
// problem, and one that passed for a file with none. A warning passes, unless it
// counts as an error.
func JUnit(w io.Writer, verdicts []Verdict) error {
	all := junit.Report{Name: "flowrunner validate"}
	for _, v := range verdicts {
		s := junit.Suite{Name: slashed(v.File)}
		texts := diag.FormatEach(v.Problems, v.Source)
		for i, d := range v.Problems {
			c := junit.Case{
				Name: fmt.Sprintf("%s: %s", d.Code, d.Summary), Class: s.Name, File: slashed(d.Span.File), Line: d.Span.Start.Line,
			}
			if d.Severity == diag.Error || v.Strict {
				c.Failure = &junit.Failure{Message: d.Summary, Type: d.Code, Text: texts[i]}
			} else {
				c.Output = texts[i]
			}
			s.Cases = append(s.Cases, c)
		}
		if len(s.Cases) == 0 {
			s.Cases = []junit.Case{{Name: "valid", Class: s.Name, File: s.Name}}
		}
		all.Suites = append(all.Suites, s)
	}
	return all.Write(w)
}

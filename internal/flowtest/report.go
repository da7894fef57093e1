package flowtest

import (
	"fmt"
	"io"
	"strings"

	"github.com/flowrunner/flowrunner/internal/junit"
)

// Report is the result of all suites as one document.
type Report struct {
	OK       bool          `json:"ok"`
	ExitCode int           `json:"exitCode"`
	Passed   int           `json:"passed"`
	Failed   int           `json:"failed"`
	Suites   []SuiteReport `json:"suites"`
	Coverage []*Coverage   `json:"coverage,omitempty"`
}

// SuiteReport is one test file.
type SuiteReport struct {
	File  string       `json:"file"`
	Flow  string       `json:"flow"`
	Cases []CaseReport `json:"cases"`
}

// CaseReport is one case.
type CaseReport struct {
	Name     string          `json:"name"`
	Line     int             `json:"line"`
	OK       bool            `json:"ok"`
	Failures []FailureReport `json:"failures,omitempty"`
	Updated  string          `json:"updated,omitempty"`
}

// FailureReport is one thing that came out otherwise.
type FailureReport struct {
	Line    int    `json:"line"`
	Summary string `json:"summary"`
	Detail  string `json:"detail,omitempty"`
}

// ReportOf describes results. Coverage is given for each flow once.
func ReportOf(results []*Result, cover bool) *Report {
	r := &Report{OK: true, Suites: []SuiteReport{}}
	flows := map[string]*Coverage{}
	for _, res := range results {
		s := SuiteReport{File: res.Suite.File, Flow: res.Suite.FlowFile, Cases: []CaseReport{}}
		for _, c := range res.Cases {
			one := CaseReport{Name: c.Name, Line: c.Line, OK: len(c.Failures) == 0, Updated: c.Updated}
			for _, f := range c.Failures {
				line := f.Line
				if line == 0 {
					line = c.Line
				}
				one.Failures = append(one.Failures, FailureReport{line, f.Summary, strings.Join(f.Detail, "\n")})
			}
			if one.OK {
				r.Passed++
			} else {
				r.Failed, r.OK = r.Failed+1, false
			}
			s.Cases = append(s.Cases, one)
		}
		r.Suites = append(r.Suites, s)
		if !cover {
			continue
		}
		if known := flows[res.Suite.FlowFile]; known != nil {
			known.Merge(res.Coverage)
		} else {
			flows[res.Suite.FlowFile] = res.Coverage
			r.Coverage = append(r.Coverage, res.Coverage)
		}
	}
	return r
}

// JUnit writes the report as CI systems read it.
func (r *Report) JUnit(w io.Writer) error {
	all := junit.Report{Name: "flowrunner test"}
	for _, s := range r.Suites {
		suite := junit.Suite{Name: s.File}
		for _, c := range s.Cases {
			one := junit.Case{Name: c.Name, Class: strings.TrimSuffix(s.File, ".yaml"), File: s.File, Line: c.Line}
			if !c.OK {
				one.Failure = &junit.Failure{Message: c.Failures[0].Summary, Text: c.failures(s.File)}
			}
			suite.Cases = append(suite.Cases, one)
		}
		all.Suites = append(all.Suites, suite)
	}
	return all.Write(w)
}

// failures is everything that came out otherwise, with its place in a file.
func (c CaseReport) failures(file string) string {
	var text strings.Builder
	for _, f := range c.Failures {
		fmt.Fprintf(&text, "%s:%d: %s\n", file, f.Line, f.Summary)
		if f.Detail != "" {
			text.WriteString(f.Detail + "\n")
		}
	}
	return text.String()
}

package ui

import (
	"encoding/xml"
	"fmt"
	"io"

	"github.com/flowrunner/flowrunner/engine/diag"
)

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name    string        `xml:"name,attr"`
	Class   string        `xml:"classname,attr"`
	File    string        `xml:"file,attr"`
	Line    int           `xml:"line,attr,omitempty"`
	Failure *junitFailure `xml:"failure,omitempty"`
	Output  string        `xml:"system-out,omitempty"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}

// JUnit writes a test report: a suite for each file, a failed case for each
// problem, and one that passed for a file with none. A warning passes, unless it
// counts as an error.
func JUnit(w io.Writer, verdicts []Verdict) error {
	all := junitSuites{Name: "flowrunner validate"}
	for _, v := range verdicts {
		s := junitSuite{Name: slashed(v.File)}
		texts := diag.FormatEach(v.Problems, v.Source)
		for i, d := range v.Problems {
			c := junitCase{
				Name: fmt.Sprintf("%s: %s", d.Code, d.Summary), Class: s.Name, File: slashed(d.Span.File), Line: d.Span.Start.Line,
			}
			text := texts[i]
			if d.Severity == diag.Error || v.Strict {
				c.Failure = &junitFailure{Message: d.Summary, Type: d.Code, Text: text}
				s.Failures++
			} else {
				c.Output = text
			}
			s.Cases = append(s.Cases, c)
		}
		if len(s.Cases) == 0 {
			s.Cases = []junitCase{{Name: "valid", Class: s.Name, File: s.Name}}
		}
		s.Tests = len(s.Cases)
		all.Suites = append(all.Suites, s)
		all.Tests, all.Failures = all.Tests+s.Tests, all.Failures+s.Failures
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

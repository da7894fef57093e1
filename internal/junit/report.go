package junit

import (
	"encoding/xml"
	"fmt"
	"io"
)

// Report is what one command has tested.
type Report struct {
	Name   string // of the command
	Suites []Suite
}

// Suite is the cases of one file.
type Suite struct {
	Name  string
	Cases []Case
}

// Case is one thing that was tested. Without a Failure it has passed.
type Case struct {
	Name    string
	Class   string // what CI systems group cases by
	File    string
	Line    int // from 1; 0 for none
	Failure *Failure
	Output  string // what a case that has passed says all the same
}

// Failure is why a case has failed.
type Failure struct {
	Message string // in one line
	Type    string // a code, "" for none
	Text    string // all of it
}

// Write writes the report.
func (r Report) Write(w io.Writer) error {
	doc := suitesXML{Name: r.Name}
	for _, s := range r.Suites {
		out := suiteXML{Name: s.Name, Tests: len(s.Cases)}
		for _, c := range s.Cases {
			one := caseXML{Name: c.Name, Class: c.Class, File: c.File, Line: c.Line, Output: c.Output}
			if f := c.Failure; f != nil {
				out.Failures++
				one.Failure = &failureXML{Message: f.Message, Type: f.Type, Text: f.Text}
			}
			out.Cases = append(out.Cases, one)
		}
		doc.Tests, doc.Failures = doc.Tests+out.Tests, doc.Failures+out.Failures
		doc.Suites = append(doc.Suites, out)
	}
	text, err := xml.MarshalIndent(doc, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s%s\n", xml.Header, text)
	return err
}

type suitesXML struct {
	XMLName  xml.Name   `xml:"testsuites"`
	Name     string     `xml:"name,attr"`
	Tests    int        `xml:"tests,attr"`
	Failures int        `xml:"failures,attr"`
	Suites   []suiteXML `xml:"testsuite"`
}

type suiteXML struct {
	Name     string    `xml:"name,attr"`
	Tests    int       `xml:"tests,attr"`
	Failures int       `xml:"failures,attr"`
	Cases    []caseXML `xml:"testcase"`
}

type caseXML struct {
	Name    string      `xml:"name,attr"`
	Class   string      `xml:"classname,attr"`
	File    string      `xml:"file,attr"`
	Line    int         `xml:"line,attr,omitempty"`
	Failure *failureXML `xml:"failure"`
	Output  string      `xml:"system-out,omitempty"`
}

type failureXML struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",chardata"`
}

package ui

import (
	"path/filepath"
	"strings"

	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/diag"
)

// Verdict is what checking one file has found. The forms that other programs
// read are made of a list of them: SARIF, GitHub, GitLab and JUnit.
type Verdict struct {
	File     string // as the user named it
	Flow     string // its name; "" when it could not be told
	Source   []byte
	Problems diag.List
	Held     []engine.Held
	Strict   bool // warnings count as errors
	Failed   bool // something counts as an error
}

// Document is the verdict as one of the files of a JSON document.
func (v Verdict) Document() FileDocument {
	d := FileDocument{File: v.File, OK: !v.Failed, Flow: v.Flow, Problems: Diagnostics(v.Problems)}
	for _, h := range v.Held {
		d.Held = append(d.Held, HeldDocument{By: h.By, What: h.What, UpTo: h.UpTo, File: h.Span.File, Line: h.Span.Start.Line, Column: h.Span.Start.Col})
	}
	return d
}

// slashed is a file's name as these programs want it: relative to the folder
// that the command ran in, with slashes.
func slashed(file string) string {
	return strings.TrimPrefix(filepath.ToSlash(filepath.Clean(file)), "./")
}

// story is everything that a problem has to say, a line each.
func story(d diag.Diagnostic) string {
	parts := []string{d.Summary}
	if d.Detail != "" {
		parts = append(parts, d.Detail)
	}
	if d.Hint != "" {
		parts = append(parts, "fix: "+d.Hint)
	}
	return strings.ToValidUTF8(strings.Join(parts, "\n"), "\uFFFD")
}

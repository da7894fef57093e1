package ui

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"

	"github.com/flowrunner/flowrunner/engine/diag"
)

// gitlabIssue is one entry of a Code Quality report.
type gitlabIssue struct {
	Description string         `json:"description"`
	CheckName   string         `json:"check_name"`
	Fingerprint string         `json:"fingerprint"`
	Severity    string         `json:"severity"`
	Location    gitlabLocation `json:"location"`
}

type gitlabLocation struct {
	Path  string      `json:"path"`
	Lines gitlabLines `json:"lines"`
}

type gitlabLines struct {
	Begin int `json:"begin"`
	End   int `json:"end"`
}

// GitLab writes problems as a Code Quality report, which merge requests show.
func GitLab(w io.Writer, verdicts []Verdict) error {
	issues := []gitlabIssue{}
	prints := fingerprints{}
	for _, v := range verdicts {
		for _, d := range v.Problems {
			severity := "major"
			if d.Severity == diag.Warning {
				severity = "minor"
			}
			line := max(1, d.Span.Start.Line)
			issues = append(issues, gitlabIssue{
				Description: story(d), CheckName: d.Code, Fingerprint: prints.of(d), Severity: severity,
				Location: gitlabLocation{slashed(d.Span.File), gitlabLines{line, max(line, d.Span.End.Line)}},
			})
		}
	}
	return WriteJSON(w, issues)
}

// fingerprints tells problems apart across versions of a file. Where a problem
// stands is no part of it, so that a line added above makes no new problem.
type fingerprints map[string]int

func (f fingerprints) of(d diag.Diagnostic) string {
	what := fmt.Sprintf("%s\x00%s\x00%s", slashed(d.Span.File), d.Code, d.Summary)
	f[what]++
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d", what, f[what]))
	return hex.EncodeToString(sum[:16])
}

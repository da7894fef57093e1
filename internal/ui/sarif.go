package ui

import (
	"io"
	"net/url"
	"path/filepath"
	"slices"

	"github.com/flowrunner/flowrunner/engine/diag"
)

// The parts of SARIF 2.1.0 that are written here.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool       sarifTool     `json:"tool"`
		ColumnKind string        `json:"columnKind"`
		Results    []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name           string      `json:"name"`
		InformationURI string      `json:"informationUri"`
		Version        string      `json:"version"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID               string       `json:"id"`
		ShortDescription sarifText    `json:"shortDescription"`
		FullDescription  sarifText    `json:"fullDescription"`
		Help             sarifText    `json:"help"`
		Default          sarifDefault `json:"defaultConfiguration"`
	}
	sarifText struct {
		Text     string `json:"text"`
		Markdown string `json:"markdown,omitempty"`
	}
	sarifDefault struct {
		Level string `json:"level"`
	}
	sarifResult struct {
		RuleID       string            `json:"ruleId"`
		RuleIndex    int               `json:"ruleIndex"`
		Level        string            `json:"level"`
		Message      sarifText         `json:"message"`
		Locations    []sarifLocation   `json:"locations"`
		Fingerprints map[string]string `json:"partialFingerprints"`
	}
	sarifLocation struct {
		Physical sarifPhysical `json:"physicalLocation"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn"`
		EndLine     int `json:"endLine"`
		EndColumn   int `json:"endColumn"`
	}
)

// home is where the program is explained.
const home = "https://github.com/flowrunner/flowrunner"

// SARIF writes problems in the Static Analysis Results Interchange Format, which
// code scanning services take. Each code that occurs is a rule with its page.
func SARIF(w io.Writer, version string, verdicts []Verdict) error {
	rules, index := []sarifRule{}, map[string]int{}
	results, prints := []sarifResult{}, fingerprints{}
	for _, v := range verdicts {
		for _, d := range v.Problems {
			i, ok := index[d.Code]
			if !ok {
				i = len(rules)
				index[d.Code] = i
				rules = append(rules, sarifRuleOf(d))
			}
			results = append(results, sarifResult{
				RuleID: d.Code, RuleIndex: i, Level: d.Severity.String(), Message: sarifText{Text: story(d)},
				Locations:    []sarifLocation{{sarifPhysical{sarifArtifact{uriOf(d.Span.File)}, regionOf(d.Span)}}},
				Fingerprints: map[string]string{"flowrunner/v1": prints.of(d)},
			})
		}
	}
	return WriteJSON(w, sarifLog{
		Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0",
		Runs: []sarifRun{{
			Tool:       sarifTool{sarifDriver{Name: "flowrunner", InformationURI: home, Version: version, Rules: slices.Clip(rules)}},
			ColumnKind: "unicodeCodePoints", Results: results,
		}},
	})
}

// sarifRuleOf describes a code by its page.
func sarifRuleOf(d diag.Diagnostic) sarifRule {
	r := sarifRule{ID: d.Code, ShortDescription: sarifText{Text: d.Code}, FullDescription: sarifText{Text: d.Code}, Help: sarifText{Text: d.Code}}
	r.Default.Level = d.Severity.String()
	if p, ok := diag.PageOf(d.Code); ok {
		r.ShortDescription.Text, r.FullDescription.Text = p.Title, p.Plain()
		r.Help = sarifText{Text: p.Plain(), Markdown: p.Markdown}
	}
	return r
}

// regionOf is nil for a problem of the file as a whole. SARIF ends a region
// after its last character, as Span does.
func regionOf(s diag.Span) *sarifRegion {
	if s.Start.Line == 0 {
		return nil
	}
	r := &sarifRegion{s.Start.Line, max(1, s.Start.Col), max(s.Start.Line, s.End.Line), max(1, s.End.Col)}
	if r.EndLine == r.StartLine {
		r.EndColumn = max(r.EndColumn, r.StartColumn)
	}
	return r
}

// uriOf is a file as a reference: relative to the checkout, or absolute.
func uriOf(file string) string {
	u := url.URL{Path: slashed(file)}
	if filepath.IsAbs(file) {
		u.Scheme = "file"
	}
	return u.String()
}

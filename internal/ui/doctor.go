package ui

import (
	"fmt"
	"io"
	"strings"
)

// CheckDocument is one thing that doctor has looked at.
type CheckDocument struct {
	Name   string `json:"name"`
	Status string `json:"status"` // ok, warn or fail
	Found  string `json:"found"`
	Fix    string `json:"fix,omitempty"`
}

// The statuses of a check.
const (
	CheckOK   = "ok"
	CheckWarn = "warn"
	CheckFail = "fail"
)

// Doctor draws what was looked at, one thing a line, and what to do about it.
func (s Style) Doctor(w io.Writer, checks []CheckDocument) {
	failed, warned := 0, 0
	for _, c := range checks {
		mark := s.Good(Pad(CheckOK, 4))
		switch c.Status {
		case CheckFail:
			mark = s.Bad(CheckFail)
			failed++
		case CheckWarn:
			mark = s.Warn(CheckWarn)
			warned++
		}
		lead := fmt.Sprintf("%s  %s ", mark, Pad(c.Name, 10))
		const indent = 17
		hanging(w, lead, indent, Safe(c.Found))
		if c.Fix != "" {
			const fix = "fix: "
			hanging(w, strings.Repeat(" ", indent)+fix, indent+len(fix), Safe(c.Fix))
		}
	}
	switch {
	case failed > 0:
		fmt.Fprintf(w, "\n%s\n", s.Bad(Plural(failed, "check failed", "checks failed")))
	case warned > 0:
		fmt.Fprintf(w, "\n%s\n", s.Warn("ready, with "+Plural(warned, "warning", "warnings")))
	default:
		fmt.Fprintf(w, "\n%s\n", s.Good("ready"))
	}
}

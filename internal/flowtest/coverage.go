package flowtest

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/flowrunner/flowrunner/engine"
)

// Coverage is what the cases of a flow have seen of it: which steps ran, and of
// each condition whether it was true and whether it was false. A step that
// leaves records out with a reason counts as a condition too.
type Coverage struct {
	Flow  string         `json:"flow"`
	Steps []StepCoverage `json:"steps"`
}

// StepCoverage is one step. IfTrue and IfFalse are nil without an `if`,
// LeavesOut without a reason of its own.
type StepCoverage struct {
	Step      string   `json:"step"`
	File      string   `json:"file,omitempty"` // of a step of a flow that the flow uses
	Line      int      `json:"line"`
	Ran       bool     `json:"ran"`
	IfTrue    *bool    `json:"ifTrue,omitempty"`
	IfFalse   *bool    `json:"ifFalse,omitempty"`
	LeavesOut *bool    `json:"leavesOut,omitempty"`
	Reasons   []string `json:"reasons,omitempty"` // seen for leaving out
}

func newCoverage(file string, p *engine.Program) *Coverage {
	c := &Coverage{Flow: file}
	if p == nil {
		return c
	}
	p.Walk(func(st *engine.Step) {
		s := StepCoverage{Step: st.ID, Line: st.Span.Start.Line}
		if st.Span.File != p.Doc.File {
			s.File = st.Span.File
		}
		if st.If != nil {
			s.IfTrue, s.IfFalse = new(bool), new(bool)
		}
		if slices.ContainsFunc(st.Args, func(a engine.Arg) bool { return a.Field.Name == "else" }) {
			s.LeavesOut = new(bool)
		}
		c.Steps = append(c.Steps, s)
	})
	return c
}

func (c *Coverage) step(id string) *StepCoverage {
	i := slices.IndexFunc(c.Steps, func(s StepCoverage) bool { return s.Step == id })
	if i < 0 {
		return nil
	}
	return &c.Steps[i]
}

// add counts one case.
func (c *Coverage) add(got *outcome) {
	for _, v := range got.visits {
		s := c.step(v.Step)
		if s == nil {
			continue
		}
		s.Ran = s.Ran || v.Ran
		if s.IfTrue != nil {
			*s.IfTrue = *s.IfTrue || v.If == engine.IfTrue
			*s.IfFalse = *s.IfFalse || v.If == engine.IfFalse
		}
		if v.If == engine.IfFalse {
			s.because(v.Reason)
		}
	}
	for _, l := range got.leftOut {
		if s := c.step(l.step); s != nil {
			s.because(l.reason)
			if s.LeavesOut != nil {
				*s.LeavesOut = true
			}
		}
	}
}

func (s *StepCoverage) because(reason string) {
	if !slices.Contains(s.Reasons, reason) {
		s.Reasons = append(s.Reasons, reason)
		slices.Sort(s.Reasons)
	}
}

// Merge adds what another test file has seen of the same flow.
func (c *Coverage) Merge(o *Coverage) {
	if len(c.Steps) == 0 {
		c.Steps = o.Steps
		return
	}
	or := func(a, b *bool) {
		if a != nil && b != nil {
			*a = *a || *b
		}
	}
	for _, from := range o.Steps {
		if s := c.step(from.Step); s != nil {
			s.Ran = s.Ran || from.Ran
			or(s.IfTrue, from.IfTrue)
			or(s.IfFalse, from.IfFalse)
			or(s.LeavesOut, from.LeavesOut)
			for _, r := range from.Reasons {
				s.because(r)
			}
		}
	}
}

// Share counts the steps that ran and the branches that were taken.
func (c *Coverage) Share() (ran, steps, taken, branches int) {
	for _, s := range c.Steps {
		steps++
		if s.Ran {
			ran++
		}
		for _, b := range []*bool{s.IfTrue, s.IfFalse, s.LeavesOut} {
			if b == nil {
				continue
			}
			branches++
			if *b {
				taken++
			}
		}
	}
	return ran, steps, taken, branches
}

// Missing says what no case has seen, one line a gap.
func (c *Coverage) Missing() []string {
	var out []string
	for _, s := range c.Steps {
		say := func(format string, args ...any) {
			out = append(out, fmt.Sprintf("%s:%d: %s ", cmp.Or(s.File, c.Flow), s.Line, s.Step)+fmt.Sprintf(format, args...))
		}
		if !s.Ran {
			say("never runs")
		}
		if s.IfTrue != nil && !*s.IfTrue && s.Ran {
			say("has an `if` that is never true")
		}
		if s.IfFalse != nil && !*s.IfFalse {
			say("has an `if` that is never false")
		}
		if s.LeavesOut != nil && !*s.LeavesOut {
			say("never leaves anything out")
		}
	}
	return out
}

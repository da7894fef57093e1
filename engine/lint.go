package engine

import (
	"slices"
	"strings"
	"time"

	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/lang"
	"github.com/flowrunner/flowrunner/engine/step"
)

// Lint gives advice about a flow that compiles: what is allowed, works, and is
// probably not meant. Every entry is a warning; the list is sorted.
func (p *Program) Lint() diag.List {
	l := linter{p: p}
	l.unusedSteps()
	p.Walk(func(s *Step) {
		l.conditions(s)
		l.collected(s)
		l.texts(s)
	})
	for _, out := range p.Outputs {
		l.counts(out.Value.Exprs())
	}
	l.defaults()
	l.slots(time.Now())
	l.delivery()
	if p.Guard.MaxSends == nil {
		l.broadcast()
	}
	l.diags.Sort()
	return l.diags
}

// linter collects the advice for one program.
type linter struct {
	p     *Program
	diags diag.List
}

// warn adds an advice.
func (l *linter) warn(code string, at diag.Span, format string, args ...any) *diag.Diagnostic {
	return l.diags.Add(code, at, format, args...).AsWarning()
}

// unusedSteps finds steps that only read or compute and whose results nobody
// reads. A flow without any effect or output is there for its plan alone, so
// everything in it is wanted.
func (l *linter) unusedSteps() {
	if len(l.p.Outputs) == 0 && !slices.ContainsFunc(slices.Concat(l.p.Steps, l.p.Finally), acts) {
		return
	}
	read := l.stepsRead()
	if read == nil {
		return
	}
	var look func(list []*Step)
	look = func(list []*Step) {
		for _, s := range list {
			switch {
			case s.Called != nil && (read[s.ID] || acts(s)):
				// Its steps are those of another file.
			case s.Kind == nil && s.Called == nil && !s.IsLoop():
				look(s.Body) // its steps stay visible after it, so each speaks for itself
			case read[s.ID]:
				look(s.Body)
			case acts(s):
				look(s.Body)
			default:
				l.warn("unused-step", s.Span, "nothing reads the step %s", s.ID).
					WithDetail("It changes nothing outside, and no expression reads steps.%s, so the flow does the same without it.", s.ID).
					WithHint("read steps.%s.outputs somewhere, or delete the step", s.ID)
			}
		}
	}
	look(l.p.Steps)
	look(l.p.Finally)
}

// acts reports whether a step does more than to give outputs: it sends, writes,
// prints, or stops the run when something does not hold.
func acts(s *Step) bool {
	if s.Kind != nil {
		return s.Kind.Effect == step.EffectSend || s.Kind.Effect == step.EffectLocal ||
			len(s.Kind.Outputs()) == 0 && !s.Kind.OpenParams
	}
	return slices.ContainsFunc(s.Body, acts)
}

// stepsRead is the ids of the steps that anything but themselves reads; nil when
// an expression reads all steps as a whole.
func (l *linter) stepsRead() map[string]bool {
	read, all := map[string]bool{}, false
	note := func(by string, refs []lang.Ref) {
		for _, r := range refs {
			switch {
			case r.Path[0] != "steps":
			case len(r.Path) == 1:
				all = true
			case r.Path[1] != by:
				read[r.Path[1]] = true
			}
		}
	}
	l.p.Walk(func(s *Step) {
		note(s.ID, ownRefs(s))
		for _, o := range slices.Concat(s.Items, s.gives()) {
			note(s.ID, o.Value.Refs())
		}
	})
	for _, o := range l.p.Outputs {
		note("", o.Value.Refs())
	}
	if all {
		return nil
	}
	return read
}

// conditions finds conditions that no data can change.
func (l *linter) conditions(s *Step) {
	if s.If != nil {
		l.condition(s.If, "if")
	}
	for _, a := range s.Args {
		if a.Value != nil && a.Field.Bool && a.Value.Expr() != nil {
			l.condition(a.Value.Expr(), a.Field.Name)
		}
	}
	for _, e := range exprsOf(s) {
		for _, c := range e.Constants() {
			l.constant(c, "condition")
		}
	}
}

func (l *linter) condition(e *lang.Expr, what string) {
	if c, ok := e.Truth(); ok {
		l.constant(c, what)
	}
}

func (l *linter) constant(c lang.Constant, what string) {
	how := "never"
	if c.Always {
		how = "always"
	}
	l.warn("constant-condition", c.Span, "this %s is %s true", what, how).
		WithDetail("No record and no input can change what it gives, by the types and the values that stand in it.").
		WithHint("%s", constantHint(c, what))
}

func constantHint(c lang.Constant, what string) string {
	switch {
	case c.Always && strings.Contains(c.Source, " or "):
		return "check the operators: `x != \"a\" or x != \"b\"` holds for every x, and `and` may be meant"
	case !c.Always && strings.Contains(c.Source, " and "):
		return "check the operators: `x == \"a\" and x == \"b\"` holds for no x, and `or` may be meant"
	case c.Always:
		return "compare with something that can differ, or take the " + what + " out"
	}
	return "compare with something that can differ"
}

// exprsOf lists every expression of one step, those of its body excepted.
func exprsOf(s *Step) []*lang.Expr {
	var all []*lang.Expr
	for _, e := range []*lang.Expr{s.If, s.Key} {
		if e != nil {
			all = append(all, e)
		}
	}
	for _, v := range []*lang.Value{s.Else, s.ForEach, s.Zone} {
		if v != nil {
			all = append(all, v.Exprs()...)
		}
	}
	for _, a := range s.Args {
		if a.Value != nil {
			all = append(all, a.Value.Exprs()...)
		}
		for _, o := range a.Named {
			all = append(all, o.Value.Exprs()...)
		}
	}
	for _, o := range s.Items {
		all = append(all, o.Value.Exprs()...)
	}
	return all
}

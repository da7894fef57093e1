package lang

import (
	"slices"
	"strings"
	"time"

	"github.com/flowrunner/flowrunner/engine/step"
)

// Scope is the names that an expression may use, with their shapes. It is
// immutable: every method gives a child.
type Scope struct {
	zone    *time.Location
	names   []step.Field // roots; a later one hides an earlier one
	barred  []barrier
	known   facts
	secrets bool
	files   TextFiles
	within  string // what names of this scope begin with at run, "" for a flow's own
}

// barrier is a place in the scope that exists but may not be used.
type barrier struct {
	path            []string
	code, why, hint string
}

// NewScope is the empty scope. zone is the company's; nil when the flow has no
// connection.timezone, and then an expression that needs local time is the error
// timezone-required.
func NewScope(zone *time.Location) *Scope { return &Scope{zone: zone} }

// With adds one root name.
func (s *Scope) With(name string, shape step.Shape) *Scope {
	c := *s
	c.names = slices.DeleteFunc(slices.Clone(s.names), func(f step.Field) bool { return f.Name == name })
	c.names = append(c.names, step.Field{Name: name, Shape: shape})
	c.barred = slices.DeleteFunc(slices.Clone(s.barred), func(b barrier) bool { return b.path[0] == name })
	c.known = s.known.without(name)
	return &c
}

// Forbid bars a dotted path and everything below: using it gives a problem with
// this code, why as its detail and hint as its hint.
func (s *Scope) Forbid(path string, code, why, hint string) *Scope {
	c := *s
	c.barred = append(slices.Clip(s.barred), barrier{strings.Split(path, "."), code, why, hint})
	return &c
}

// Assume is the scope where e held: what it compared with nil is known not to be
// nil. e may be nil, when it did not compile.
func (s *Scope) Assume(e *Expr) *Scope {
	if e == nil {
		return s
	}
	c := *s
	c.known = s.known.plus(e.holds)
	return &c
}

// Within is the scope of a flow that another one uses as a step. Expressions
// name its inputs and its steps as if it stood alone. At run, and in every Ref,
// the inputs are the root prefix + "inputs", and each step's id begins with the
// prefix, so that all steps of a run share one space of names.
func (s *Scope) Within(prefix string) *Scope {
	c := *s
	c.within = prefix
	return &c
}

// atRun is a path of this scope as it is at run.
func (s *Scope) atRun(path []string) []string {
	if s.within == "" || path[0] != "inputs" && (path[0] != "steps" || len(path) < 2) {
		return path
	}
	path = slices.Clone(path)
	if path[0] == "inputs" {
		path[0] = s.within + path[0]
	} else {
		path[1] = s.within + path[1]
	}
	return path
}

// AllowSecrets is the scope where `secrets.NAME` may be used.
func (s *Scope) AllowSecrets() *Scope {
	c := *s
	c.secrets = true
	return &c
}

// Zone is the company's zone, nil when the flow names none.
func (s *Scope) Zone() *time.Location { return s.zone }

// lookup finds a root name.
func (s *Scope) lookup(name string) (step.Shape, bool) {
	for i := len(s.names) - 1; i >= 0; i-- {
		if s.names[i].Name == name {
			return s.names[i].Shape, true
		}
	}
	return step.Shape{}, false
}

// roots lists the names, for suggestions.
func (s *Scope) roots() []string {
	names := make([]string, 0, len(s.names)+1)
	for _, f := range s.names {
		names = append(names, f.Name)
	}
	if s.secrets {
		names = append(names, "secrets")
	}
	return names
}

// barrierOn finds what bars a path: one that the path lies in, or, where the
// path is used as a value, one that it contains.
func (s *Scope) barrierOn(path []string) (barrier, bool) {
	for _, b := range s.barred {
		n := min(len(b.path), len(path))
		if slices.Equal(b.path[:n], path[:n]) {
			return b, true
		}
	}
	return barrier{}, false
}

package flowtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/engine/planfile"
	"github.com/flowrunner/flowrunner/engine/step"
)

// mock stands in for a step that reads.
type mock struct{ answers []answer }

// answer is what a mock gives for some arguments; without any, for all.
type answer struct {
	with    map[string]any
	outputs map[string]any
	fails   *step.Failure
}

var answerKeys = []string{"with", "outputs", "fails"}

// failures are the words of `fails`.
var failures = map[string]step.Class{
	"unreachable": step.ClassUnreachable, "server": step.ClassServer, "rate-limited": step.ClassRateLimited, "token": step.ClassToken,
	"quota": step.ClassQuota, "not-found": step.ClassNotFound, "invalid": step.ClassInvalid, "other": step.ClassOther,
}

func (c *Case) readMocks(r *reader, p *engine.Program, known *engine.Evaluator) {
	c.setup.mocks = map[string]*mock{}
	if c.mocks == nil {
		return
	}
	var ids []string
	p.Walk(func(st *engine.Step) {
		if reads(st) {
			ids = append(ids, st.ID)
		}
	})
	if c.mocks.Kind != flow.Map {
		r.fields(c.mocks, "mocks", ids)
		return
	}
	for _, e := range c.mocks.Entries {
		st, ok := p.Step(e.Key.Text)
		if !ok {
			d := r.out.Add("unknown-name", e.Key.Span, "the flow has no step %q", e.Key.Text)
			if hint := diag.DidYouMean(e.Key.Text, ids); hint != "" {
				d.WithHint("%s", hint)
			}
			continue
		}
		if !reads(st) {
			r.out.Add("wrong-value", e.Key.Span, "the step %s reads nothing, so it has no mock", st.ID).
				WithDetail("Steps that read can be mocked: %s.", orNone(ids)).WithHint("mock what it takes its records from")
			continue
		}
		c.setup.mocks[st.ID] = readMock(r, p, st, e.Value, known)
	}
}

func reads(st *engine.Step) bool { return st.Kind != nil && st.Kind.Effect == step.EffectRead }

func orNone(ids []string) string {
	if len(ids) == 0 {
		return "none of this flow"
	}
	return strings.Join(ids, ", ")
}

// readMock reads the outputs of a step, or a list of answers of which the first
// fits whose `with` the step was given.
func readMock(r *reader, p *engine.Program, st *engine.Step, n *flow.Node, known *engine.Evaluator) *mock {
	m := &mock{}
	switch {
	case n.Kind == flow.List:
		for _, item := range n.Items {
			m.answers = append(m.answers, readAnswer(r, p, st, item, known))
		}
	case n.Get("fails") != nil:
		m.answers = append(m.answers, readAnswer(r, p, st, n, known))
	default:
		m.answers = append(m.answers, answer{outputs: readOutputs(r, p, st, n, known)})
	}
	return m
}

func readAnswer(r *reader, p *engine.Program, st *engine.Step, n *flow.Node, known *engine.Evaluator) answer {
	m := r.fields(n, "an answer of "+st.ID, answerKeys)
	var a answer
	if n.Kind != flow.Map {
		return a
	}
	if w := m["with"]; w != nil {
		a.with = readArgs(r, st, w, known)
	}
	switch {
	case m["fails"] != nil && m["outputs"] != nil:
		r.out.Add("wrong-value", m["fails"].Span, "an answer fails or has outputs, not both").WithHint("delete one of the two")
	case m["fails"] != nil:
		word := m["fails"].Text
		class, ok := failures[word]
		if !ok {
			r.out.Add("unknown-value", m["fails"].Span, "there is no failure %q", word).
				WithDetail("It is one of: %s.", strings.Join(slices.Sorted(maps.Keys(failures)), ", ")).
				WithHint("%s", diag.DidYouMean(word, slices.Sorted(maps.Keys(failures))))
		}
		a.fails = &step.Failure{Class: class, Delivery: step.NotSent, Reason: "the mock fails: " + word}
	default:
		if o := r.required(n, m, "outputs", "an answer of "+st.ID, "outputs: and what the step gives"); o != nil {
			a.outputs = readOutputs(r, p, st, o, known)
		}
	}
	return a
}

// readArgs checks arguments against the parameters of a step's kind.
func readArgs(r *reader, st *engine.Step, n *flow.Node, known *engine.Evaluator) map[string]any {
	var names []string
	for _, q := range st.Kind.Params() {
		if q.Shape.Form != step.FormSecret && !q.Shape.Stream {
			names = append(names, q.Name)
		}
	}
	args := map[string]any{}
	for name, v := range r.fields(n, "with", names) {
		field, _ := st.Kind.Param(name)
		x, err := known.Value(v, step.Field{Name: name, Shape: field.Shape, Enum: field.Enum})
		r.add(err, v.Span)
		args[name] = x
	}
	return args
}

// readOutputs checks the outputs of a mock against the step's types.
func readOutputs(r *reader, p *engine.Program, st *engine.Step, n *flow.Node, known *engine.Evaluator) map[string]any {
	var names []string
	fields := map[string]step.Field{}
	for _, f := range st.Outs {
		if f.Count == "" { // the engine counts
			names, fields[f.Name] = append(names, f.Name), f
		}
	}
	outs := map[string]any{}
	given := r.fields(n, "the mock of "+st.ID, names)
	for _, name := range names {
		shape := fields[name].Shape
		v, ok := given[name]
		switch {
		case ok:
			x, err := known.Value(v, step.Field{Name: name, Shape: plain(shape)})
			r.add(err, v.Span)
			outs[name] = filled(x, shape)
		case shape.Nullable:
			outs[name] = nil
		case empty(shape) != nil:
			outs[name] = empty(shape)
		case n.Kind == flow.Map && p.Reads(st.ID, name):
			r.missing(n, name, "the mock of "+st.ID, name+": and "+shape.String())
		}
	}
	return outs
}

// plain is s as a test writes it: what is a list or a map of free names may be
// left out, and nothing is a stream or an outcome.
func plain(s step.Shape) step.Shape {
	s.Stream, s.Outcome = false, false
	if s.Elem != nil {
		e := plain(*s.Elem)
		s.Elem = &e
	}
	s.Fields = slices.Clone(s.Fields)
	for i, f := range s.Fields {
		f.Shape = plain(f.Shape)
		f.Optional = f.Optional || empty(f.Shape) != nil
		s.Fields[i] = f
	}
	return s
}

// empty is the value of a list or map that is left out, nil for what must be
// written.
func empty(s step.Shape) any {
	switch {
	case s.Form == step.FormList:
		return []any{}
	case s.Form == step.FormObject && s.Open:
		return map[string]any{}
	}
	return nil
}

// filled adds the fields that were left out.
func filled(v any, s step.Shape) any {
	switch x := v.(type) {
	case []any:
		for i := range x {
			x[i] = filled(x[i], s.Element())
		}
	case map[string]any:
		for _, f := range s.Fields {
			got, ok := x[f.Name]
			switch {
			case ok:
				x[f.Name] = filled(got, f.Shape)
			case f.Shape.Nullable:
				x[f.Name] = nil
			default:
				x[f.Name] = empty(f.Shape)
			}
		}
	}
	return v
}

// answer finds what a mock gives to one use of its step.
func (m *mock) answer(q engine.Reading) (map[string]any, error) {
	for _, a := range m.answers {
		if !a.fits(q.Args) {
			continue
		}
		if a.fails != nil {
			return nil, a.fails
		}
		return a.outputs, nil
	}
	var args []string
	for _, name := range slices.Sorted(maps.Keys(q.Args)) {
		args = append(args, name+": "+shown(q.Args[name]))
	}
	return nil, fmt.Errorf("no answer of its mock fits { %s }", strings.Join(args, ", "))
}

func (a answer) fits(args map[string]any) bool {
	for name, want := range a.with {
		if got, ok := args[name]; !ok || !equal(got, want) {
			return false
		}
	}
	return true
}

// equal compares run-time values by their canonical form, times as moments.
func equal(a, b any) bool { return bytes.Equal(canonical(a), canonical(b)) }

func canonical(v any) []byte {
	b, err := json.Marshal(planfile.Value{V: inUTC(v)})
	if err != nil {
		return fmt.Append(nil, v)
	}
	return b
}

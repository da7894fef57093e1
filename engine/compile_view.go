package engine

import (
	"regexp"
	"slices"
	"strings"

	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/engine/lang"
	"github.com/flowrunner/flowrunner/engine/step"
)

// view is what can be named at one point of the document.
type view struct {
	steps []step.Field
	over  []func(*lang.Scope) *lang.Scope // what loops and conditions add to the scope, outermost first
}

// inside is the view of a loop's body.
func (v *view) inside(s *Step, elem step.Shape) *view {
	return &view{
		steps: slices.Clone(v.steps),
		over: append(slices.Clone(v.over), func(sc *lang.Scope) *lang.Scope {
			return sc.With(s.As, elem).With("index", step.ShapeInt)
		}),
	}
}

// where is the view in which e holds.
func (v *view) where(e *lang.Expr) *view {
	return &view{
		steps: v.steps,
		over:  append(slices.Clone(v.over), func(sc *lang.Scope) *lang.Scope { return sc.Assume(e) }),
	}
}

// settle clears what was unknown until sends had settled.
func (v *view) settle() {
	for i := range v.steps {
		v.steps[i].Shape = settled(v.steps[i].Shape)
	}
}

func settled(s step.Shape) step.Shape {
	if !s.HasOutcome() {
		return s
	}
	s.Outcome = false
	if s.Elem != nil {
		e := settled(*s.Elem)
		s.Elem = &e
	}
	s.Fields = slices.Clone(s.Fields)
	for i := range s.Fields {
		s.Fields[i].Shape = settled(s.Fields[i].Shape)
	}
	return s
}

func (v *view) add(s *Step) {
	status := step.ShapeText
	status.Outcome = !s.inFinal && (len(s.Sends) > 0 || contains(s, step.EffectLocal))
	v.steps = append(v.steps, step.Field{Name: s.ID, Shape: step.ObjectOf(
		step.Field{Name: "outputs", Shape: step.ObjectOf(s.Outs...)},
		step.Field{Name: "status", Shape: status},
	)})
}

// addBroken adds a step of which nothing is known.
func (v *view) addBroken(s *Step) {
	v.steps = append(v.steps, step.Field{Name: s.ID, Shape: step.ObjectOf(
		step.Field{Name: "outputs", Shape: step.Shape{Form: step.FormObject, Open: true}},
		step.Field{Name: "status", Shape: step.ShapeText},
	)})
}

var stepRef = regexp.MustCompile(`steps\s*\??\.\s*([A-Za-z_][A-Za-z0-9_]*)`)

// scope builds the expression scope of a view for the text of n, with a helpful
// answer for every step that n names and that exists but cannot be named here.
func (c *compiler) scope(v *view, n *flow.Node) *lang.Scope {
	steps := named(v.steps, c.prefix)
	sc := c.base.With("steps", step.ObjectOf(steps...))
	for _, add := range v.over {
		sc = add(sc)
	}
	sc = sc.WithFiles(c.openText)
	if n == nil {
		return sc
	}
	src := c.doc.Source[n.Span.Start.Offset:max(n.Span.Start.Offset, n.Span.End.Offset)]
	done := map[string]bool{}
	for _, f := range steps {
		done[f.Name] = true
	}
	mentioned := stepRef.FindAllSubmatch(src, -1)
	for _, text := range c.texts.named(c.dir(), src) {
		mentioned = append(mentioned, stepRef.FindAllSubmatch(text, -1)...)
	}
	for _, m := range mentioned {
		id := string(m[1])
		if done[id] {
			continue
		}
		done[id] = true
		if f, ok := c.forbidden()[id]; ok {
			sc = sc.Forbid("steps."+id, f.code, f.why, f.hint)
		}
	}
	return sc
}

// named are steps under the names by which the flow of a prefix knows them.
func named(steps []step.Field, prefix string) []step.Field {
	if prefix == "" {
		return steps
	}
	steps = slices.Clone(steps)
	for i := range steps {
		steps[i].Name = strings.TrimPrefix(steps[i].Name, prefix)
	}
	return steps
}

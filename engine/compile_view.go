package engine

import (
	"regexp"
	"slices"
	"strings"

	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/engine/lang"
	"github.com/flowrunner/flowrunner/engine/step"
)

// view is what can be named at one point of the document: the steps above it,
// and what the loops and the conditions around it add.
//
// The view of a loop's body begins with the steps of the view around the loop and
// shares their memory. A document is compiled from its top to its end and a body
// before what follows it, so one of the two grows at a time: a body is done with
// when the view around it goes on.
type view struct {
	prefix string       // of the ids of this document's steps
	steps  []step.Field // under the names that this document has for them, as they stand in it
	at     map[string]int
	known  int                             // how many of the steps, the first ones, have settled
	over   []func(*lang.Scope) *lang.Scope // what loops and conditions add to the scope, outermost first
}

// newView is the view at the top of a document.
func newView(prefix string) *view { return &view{prefix: prefix, at: map[string]int{}} }

// body is a view that begins as v is, and grows without it.
func (v *view) body() *view {
	b := *v
	return &b
}

// inside is the view of a loop's body.
func (v *view) inside(s *Step, elem step.Shape) *view {
	b := v.body()
	b.over = append(slices.Clip(v.over), func(sc *lang.Scope) *lang.Scope {
		return sc.With(s.As, elem).With("index", step.ShapeInt)
	})
	return b
}

// where is the view in which e holds.
func (v *view) where(e *lang.Expr) *view {
	b := v.body()
	b.over = append(slices.Clip(v.over), func(sc *lang.Scope) *lang.Scope { return sc.Assume(e) })
	return b
}

// settle clears what was unknown until sends had settled.
func (v *view) settle() {
	for ; v.known < len(v.steps); v.known++ {
		s := &v.steps[v.known]
		s.Shape = settled(s.Shape)
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
	v.put(s, step.ObjectOf(s.Outs...), status)
}

// addBroken adds a step of which nothing is known.
func (v *view) addBroken(s *Step) {
	v.put(s, step.Shape{Form: step.FormObject, Open: true}, step.ShapeText)
}

func (v *view) put(s *Step, outputs, status step.Shape) {
	name := strings.TrimPrefix(s.ID, v.prefix)
	if _, ok := v.find(name); !ok {
		v.at[name] = len(v.steps)
	}
	v.steps = append(v.steps, step.Field{Name: name, Shape: step.ObjectOf(
		step.Field{Name: "outputs", Shape: outputs},
		step.Field{Name: "status", Shape: status},
	)})
}

// find gives the shape of a step, by its name in this document; false when it
// cannot be named here. What a body has noted that is done with, or a view that
// has grown on from this one, is not at that place here.
func (v *view) find(name string) (step.Shape, bool) {
	i, ok := v.at[name]
	if !ok || i >= len(v.steps) || v.steps[i].Name != name {
		return step.Shape{}, false
	}
	return v.steps[i].Shape, true
}

// shape is the object of all steps.
func (v *view) shape() step.Shape { return step.ObjectOf(v.steps...) }

// outcome reports whether r reads anything that is known only after sends have
// settled.
func (v *view) outcome(r lang.Ref) bool {
	if r.Path[0] != "steps" {
		return false
	}
	if len(r.Path) == 1 {
		return v.shape().HasOutcome()
	}
	at, ok := v.find(strings.TrimPrefix(r.Path[1], v.prefix))
	if !ok {
		return false // a step of its own body
	}
	for _, name := range r.Path[2:] {
		if at.Outcome {
			return true
		}
		f, ok := at.Field(name)
		if !ok {
			return false
		}
		at = f.Shape
	}
	return at.HasOutcome()
}

var stepRef = regexp.MustCompile(`steps\s*\??\.\s*([A-Za-z_][A-Za-z0-9_]*)`)

// scope builds the expression scope of a view for the text of n, with a helpful
// answer for every step that n names and that exists but cannot be named here.
func (c *compiler) scope(v *view, n *flow.Node) *lang.Scope {
	sc := c.base.With("steps", v.shape())
	for _, add := range v.over {
		sc = add(sc)
	}
	sc = sc.WithFiles(c.openText)
	if n == nil {
		return sc
	}
	src := c.doc.Source[n.Span.Start.Offset:max(n.Span.Start.Offset, n.Span.End.Offset)]
	mentioned := stepRef.FindAllSubmatch(src, -1)
	for _, text := range c.texts.named(c.dir(), src) {
		mentioned = append(mentioned, stepRef.FindAllSubmatch(text, -1)...)
	}
	done := map[string]bool{}
	for _, m := range mentioned {
		id := string(m[1])
		if done[id] {
			continue
		}
		done[id] = true
		if _, ok := v.find(id); ok {
			continue
		}
		if f, ok := c.forbidden(id); ok {
			sc = sc.Forbid("steps."+id, f.code, f.why, f.hint)
		}
	}
	return sc
}

package engine

import (
	"maps"
	"slices"

	"github.com/flowrunner/flowrunner/engine/lang"
	"github.com/flowrunner/flowrunner/engine/step"
)

// frame is the expression scope at one point of a run: the root of a stage, or
// one iteration inside it. An iteration's frame is its own; it sees its parent's
// values as they were when it began.
type frame struct {
	env    map[string]any    // the roots
	steps  map[string]any    // env["steps"]: id → {outputs, status}
	absent map[string]string // why a step has no outputs; nil while all have
	item   []int             // the iteration, outermost loop first
	unit   int64
}

func newFrame() *frame {
	f := &frame{env: map[string]any{}, steps: map[string]any{}}
	f.env["steps"] = f.steps
	return f
}

// iteration opens the scope of one record of a loop. A spent frame is one of an
// iteration of the same loop that is over, or nil. It is used again as it is: what a
// step may read of its iteration was set in it before, or has been dropped.
func (f *frame) iteration(s *Step, index int, record any, spent *frame) *frame {
	c := spent
	if c == nil {
		c = &frame{env: maps.Clone(f.env), steps: maps.Clone(f.steps)}
		c.env["steps"] = c.steps
	}
	c.item, c.unit, c.absent = append(slices.Clip(slices.Clone(f.item)), index), f.unit, nil
	if len(f.absent) > 0 {
		c.absent = maps.Clone(f.absent)
	}
	c.env[s.As], c.env["index"] = record, index
	return c
}

// set gives a step its result.
func (f *frame) set(id, status string, outputs map[string]any) {
	f.give(id, stepResult(status, outputs))
}

func (f *frame) give(id string, result any) {
	delete(f.absent, id)
	f.steps[id] = result
}

// stepResult is what expressions read of a step.
func stepResult(status string, outputs map[string]any) any {
	return map[string]any{"outputs": outputs, "status": status}
}

// drop says that a step has no outputs, and why.
func (f *frame) drop(id, status, reason string) {
	if f.absent == nil {
		f.absent = map[string]string{}
	}
	f.absent[id] = reason
	f.steps[id] = stepResult(status, map[string]any{})
}

// missing returns the first step of ids that has no outputs.
func (f *frame) missing(ids []string) (string, bool) {
	for _, id := range ids {
		if _, ok := f.absent[id]; ok {
			return id, true
		}
	}
	return "", false
}

// lookup finds the value of a dotted path, nil when something on the way is.
func (f *frame) lookup(path []string) any {
	var at any = f.env
	for _, name := range path {
		m, ok := at.(map[string]any)
		if !ok {
			return nil
		}
		at = m[name]
	}
	return at
}

// put stores a value at a dotted path, making what is missing on the way.
func (f *frame) put(path []string, v any) {
	m := f.env
	for _, name := range path[:len(path)-1] {
		next, ok := m[name].(map[string]any)
		if !ok {
			next = map[string]any{}
			m[name] = next
		}
		m = next
	}
	m[path[len(path)-1]] = v
}

// bound is a compiled value over one record, as map.to takes it.
type bound struct {
	v   *lang.Value
	env map[string]any
}

// Eval gives the value for a record. It is safe for use from many goroutines.
func (b bound) Eval(item any) (any, error) {
	env := maps.Clone(b.env)
	env["item"] = item
	return b.v.Eval(env)
}

// args evaluates what a step was given, into a map whose content nobody needs any more,
// or a new one where into is nil.
func (f *frame) args(s *Step, into map[string]any) (map[string]any, error) {
	out := into
	if clear(out); out == nil {
		out = make(map[string]any, len(s.Args))
	}
	for _, a := range s.Args {
		if a.Value == nil {
			var named step.Named[step.Expr]
			for _, o := range a.Named {
				named = append(named, step.NamedItem[step.Expr]{Name: o.Name, Value: bound{o.Value, f.env}})
			}
			out[a.Field.Name] = named
			continue
		}
		v, err := a.Value.Eval(f.env)
		if b, ok := v.(*lang.Bound); ok && a.Field.Item == "" {
			v, err = b.Eval(f.env["item"]) // a condition over the scope, not over records
		}
		if err != nil {
			return nil, err
		}
		out[a.Field.Name] = v
	}
	return out, nil
}

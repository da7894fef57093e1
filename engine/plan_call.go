package engine

import (
	"fmt"
	"path/filepath"

	"github.com/flowrunner/flowrunner/engine/planfile"
	"github.com/flowrunner/flowrunner/engine/step"
)

// inputsOf is the root under which the steps of a called flow find its inputs.
func inputsOf(st *Step) string { return st.ID + "/inputs" }

// enter binds the inputs of a called flow for one time that it runs.
func (p *planner) enter(st *Step, f *frame) error {
	args, err := f.args(st, nil)
	if err != nil {
		return err
	}
	inputs := map[string]any{}
	for i := range st.Called.Inputs {
		in := &st.Called.Inputs[i]
		v, given := args[in.Name]
		if !given {
			inputs[in.Name] = in.Default
			continue
		}
		if inputs[in.Name], err = in.take(v); err != nil {
			return fmt.Errorf("the input %s of %s %s", in.Name, filepath.Base(st.Called.File), in.hide(err.Error()))
		}
		if err := p.hideInput(in, v); err != nil {
			return err
		}
	}
	f.env[inputsOf(st)] = inputs
	return nil
}

// take checks a value of a run where its type and its bounds could not be
// checked before.
func (in *Input) take(v any) (any, error) {
	if stream, ok := v.(step.Stream[any]); ok {
		list, err := collect(streamRef{"inputs", in.Name}, stream)
		if err != nil {
			return nil, err
		}
		v = list
	}
	v, ok := formed(v, in.Shape)
	switch {
	case !ok && v == nil:
		return nil, fmt.Errorf("is nil, but %s is wanted", withArticle(in.Shape.Form.String()))
	case !ok:
		return nil, fmt.Errorf("is %s, but %s is wanted", withArticle(step.FormOf(v).String()), withArticle(in.Shape.Form.String()))
	case v == nil:
		return nil, nil
	}
	if problem := in.check(v); problem != "" {
		return nil, fmt.Errorf("%s", problem)
	}
	return v, nil
}

// formed gives a value as one of a shape, if it is one.
func formed(v any, want step.Shape) (any, bool) {
	if list, ok := v.([]any); ok && want.Form == step.FormList {
		for _, e := range list {
			if _, ok := formed(e, want.Element()); !ok {
				return v, false
			}
		}
		return v, true
	}
	n, isInt := v.(int)
	switch {
	case v == nil:
		return v, want.Nullable
	case isInt && want.Form == step.FormNumber:
		return float64(n), true
	}
	return v, step.FormOf(v) == want.Form
}

// recordedInputs is what the plan holds of a call outside of loops, so that its
// outputs can be evaluated when its sends have settled.
func (p *planner) recordedInputs(st *Step) planfile.Members {
	if st.Called == nil || st.IsLoop() {
		return nil
	}
	inputs, _ := p.root.env[inputsOf(st)].(map[string]any)
	return inputs
}

// restoreInputs puts back the inputs of a call.
func (p *Program) restoreInputs(r planfile.Step, f *frame) {
	st := p.byID[r.Step]
	if st == nil || st.Called == nil || st.IsLoop() {
		return
	}
	inputs := map[string]any{}
	for _, in := range st.Called.Inputs {
		inputs[in.Name] = planfile.InZone(r.Inputs[in.Name], p.Zone)
	}
	f.env[inputsOf(st)] = inputs
}

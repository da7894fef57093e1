package steps

import "github.com/flowrunner/flowrunner/engine/step"

// outputs lists the outputs of the struct Out with some shapes made exact: the
// result of an Infer function.
func outputs[Out any](exact map[string]step.Shape) []step.Field {
	fields := step.ShapeOf[Out]().Fields
	for i, f := range fields {
		if s, ok := exact[f.Name]; ok {
			fields[i].Shape = s
		}
	}
	return fields
}

// itemsOnly is what a kind reads of records that it knows only through its
// expressions over item, or passes on: nothing by itself.
func itemsOnly(step.Call, string) (fields []string, known bool) { return nil, true }

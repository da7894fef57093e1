package steps

import (
	"fmt"
	"slices"
	"strings"

	"github.com/flowrunner/flowrunner/engine/step"
)

// cellTypes are the types that a column of a CSV file may have, jsonTypes those
// of a field in a JSON file, in the order in which messages list them.
var (
	cellTypes = []string{"string", "integer", "number", "boolean", "duration", "date", "time"}
	jsonTypes = append(slices.Clip(cellTypes), "any")
)

// typeShape is the shape of a field of a file. Any field may be empty.
func typeShape(name string) step.Shape {
	switch name {
	case "string":
		return step.ShapeText.OrNil()
	case "integer":
		return step.ShapeInt.OrNil()
	case "number":
		return step.ShapeNumber.OrNil()
	case "boolean":
		return step.ShapeBool.OrNil()
	case "duration":
		return step.ShapeDuration.OrNil()
	case "date", "time":
		return step.ShapeTime.OrNil()
	}
	return step.ShapeAny
}

// recordOf gives the shape of records from a parameter that maps names to
// types. The types must be written as they are, since expressions about the
// records are checked by them.
func recordOf(names step.Shape, literal any, param string, types []string) (step.Shape, error) {
	written := map[string]any{}
	var order []string
	switch l := literal.(type) {
	case step.Named[any]:
		for _, item := range l {
			written[item.Name] = item.Value
			order = append(order, item.Name)
		}
	case map[string]any:
		written, order = l, sortedNames(l)
	}
	if len(names.Fields) > 0 {
		order = names.Names()
	}
	if len(order) == 0 {
		return step.Shape{}, &step.ArgError{Param: param, Problem: "has no names; write name: type, as in `phone: string`"}
	}
	row := step.Shape{Form: step.FormObject}
	for _, name := range order {
		kind, ok := written[name].(string)
		if !ok || !slices.Contains(types, kind) {
			problem := "is not written as a plain type"
			if ok {
				problem = fmt.Sprintf("is %q, which is no type", kind)
			}
			return step.Shape{}, &step.ArgError{Param: param + "." + name, Problem: problem + "; allowed: " + strings.Join(types, ", ")}
		}
		row.Fields = append(row.Fields, step.Field{Name: name, Doc: "Read from the file.", Shape: typeShape(kind)})
	}
	return row, nil
}

package lang

import (
	"errors"

	"github.com/flowrunner/flowrunner/engine/step"
)

// notText says which function makes a text of a value that has no obvious one.
func notText(s step.Shape) error {
	how := howToText(s, "x")
	if how == "" {
		return nil
	}
	return errors.New(article(s.NotNil()) + " cannot stand in a text: " + how)
}

// howToText is the advice; "" for what needs none. expr is how the value is
// written.
func howToText(s step.Shape, expr string) string {
	switch s.Form {
	case step.FormTime:
		return "write format(" + expr + `, "d MMMM, HH:mm", "ru")`
	case step.FormDuration:
		return "write formatDuration(" + expr + `, "H:mm")`
	case step.FormBool:
		return "write " + expr + ` ? "yes" : "no"`
	case step.FormNil:
		return `write ?? "…"`
	case step.FormList:
		if s.Element().Form == step.FormObject {
			return "write join(map(" + expr + `, .name), ", "), with the field that you want`
		}
		if e := s.Element().Form; e == step.FormInt || e == step.FormNumber {
			return "write join(map(" + expr + `, string(#)), ", ")`
		}
		return "write join(" + expr + `, ", ")`
	case step.FormObject:
		return "name a field of it: " + expr + ".name"
	case step.FormSecret:
		return "a secret may only be passed on as it is, where a secret is wanted"
	}
	return ""
}

// shapeOfValue is the shape of a run-time value, as far as messages need it.
func shapeOfValue(v any) step.Shape {
	f := step.FormOf(v)
	return step.Shape{Form: f, Nullable: f == step.FormNil, Open: f == step.FormObject}
}

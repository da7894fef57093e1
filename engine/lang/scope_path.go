package lang

import "github.com/flowrunner/flowrunner/engine/step"

// ShapeAt is the shape of what a dotted path names; false when it names nothing
// known. A path through something that may be nil has the shape of what is there
// when it is not.
func (s *Scope) ShapeAt(path []string) (step.Shape, bool) {
	if len(path) == 0 {
		return step.Shape{}, false
	}
	at, ok := s.lookup(path[0])
	for _, name := range path[1:] {
		if !ok {
			break
		}
		var f step.Field
		f, ok = at.Field(name)
		at = f.Shape
	}
	return at, ok
}

package step

import (
	"fmt"
	"strings"
)

// Form is the family a value belongs to.
type Form uint8

// The forms. A value of each has exactly one Go type at run time:
//
//	FormAny       anything below, or nil
//	FormNil       nil
//	FormBool      bool
//	FormInt       int (64 bits)
//	FormNumber    float64
//	FormText      string
//	FormTime      time.Time, in the connection's zone; dates are midnights
//	FormDuration  time.Duration
//	FormObject    map[string]any
//	FormList      []any, or a Stream[any] where Shape.Stream is set
//	FormSecret    Secret
const (
	FormAny Form = iota
	FormNil
	FormBool
	FormInt
	FormNumber
	FormText
	FormTime
	FormDuration
	FormObject
	FormList
	FormSecret
)

var formNames = [...]string{"any", "nil", "boolean", "integer", "number", "text", "time", "duration", "object", "list", "secret"}

// String is the word used in messages.
func (f Form) String() string { return formNames[f] }

// Shape is a static type. The zero Shape is "anything".
type Shape struct {
	Form     Form
	Nullable bool    // may be nil
	Elem     *Shape  // of a list, or of the other names of an Open object; nil is anything
	Fields   []Field // of an object, in declared order
	Open     bool    // an object that may hold other names too, of any shape
	Stream   bool    // a list that is read once, record by record
	Outcome  bool    // known only after sends have settled
}

// Field is one named member of an object: a field of a record, a parameter or
// an output of a kind.
type Field struct {
	Name  string
	Doc   string // one sentence
	Shape Shape

	// The rest concerns parameters only.
	Optional bool     // may be left out
	Default  string   // shown in docs; the kind applies it
	Enum     []string // the texts allowed; of a Named, as values
	Min, Max *float64 // bounds of a number or of a list's length
	NonEmpty bool     // written but nil, "" or [] is an error, never "no filter"
	Bare     bool     // an expression without ${{ }}
	Item     string   // for Bare: the stream parameter whose records are `item`
	Bool     bool     // for Bare: must give a boolean
	Named    bool     // names to values, in the order written
	Count    string   // for an integer output: it counts this stream output
	Held     string   // what is held of it in memory at most, where it is as long as an audience: "1,000,000 records"
}

// Simple shapes, for tables and signatures.
var (
	ShapeAny      = Shape{Form: FormAny, Nullable: true}
	ShapeNil      = Shape{Form: FormNil, Nullable: true}
	ShapeBool     = Shape{Form: FormBool}
	ShapeInt      = Shape{Form: FormInt}
	ShapeNumber   = Shape{Form: FormNumber}
	ShapeText     = Shape{Form: FormText}
	ShapeTime     = Shape{Form: FormTime}
	ShapeDuration = Shape{Form: FormDuration}
	ShapeSecret   = Shape{Form: FormSecret}
)

// ListOf is a list of elem.
func ListOf(elem Shape) Shape { return Shape{Form: FormList, Elem: &elem} }

// StreamShape is a list of elem that is read once, record by record.
func StreamShape(elem Shape) Shape { return Shape{Form: FormList, Elem: &elem, Stream: true} }

// ObjectOf is an object with exactly these fields.
func ObjectOf(fields ...Field) Shape { return Shape{Form: FormObject, Fields: fields} }

// OrNil is s, but possibly nil.
func (s Shape) OrNil() Shape { s.Nullable = true; return s }

// NotNil is s without nil.
func (s Shape) NotNil() Shape { s.Nullable = false; return s }

// Element is the shape of a list's elements, anything when unknown.
func (s Shape) Element() Shape {
	if s.Elem == nil {
		return ShapeAny
	}
	return *s.Elem
}

// Field finds a member by name.
func (s Shape) Field(name string) (Field, bool) {
	for i := range s.Fields { // a Field is large, and a list of steps is long
		if s.Fields[i].Name == name {
			return s.Fields[i], true
		}
	}
	return Field{}, false
}

// Names lists the members in declared order.
func (s Shape) Names() []string {
	names := make([]string, len(s.Fields))
	for i, f := range s.Fields {
		names[i] = f.Name
	}
	return names
}

// String describes s for a message: "list of object {id, name}", "text or nil".
func (s Shape) String() string {
	var b strings.Builder
	switch s.Form {
	case FormList:
		b.WriteString("list")
		if e := s.Element(); e.Form != FormAny {
			b.WriteString(" of " + e.String())
		}
	case FormObject:
		b.WriteString("object")
		if len(s.Fields) > 0 {
			names := s.Names()
			if len(names) > 6 {
				names = append(names[:6:6], "…")
			}
			fmt.Fprintf(&b, " {%s}", strings.Join(names, ", "))
		}
	default:
		b.WriteString(s.Form.String())
	}
	if s.Nullable && s.Form != FormAny && s.Form != FormNil {
		b.WriteString(" or nil")
	}
	return b.String()
}

// HasOutcome reports whether any part of s is known only after sends settled.
func (s Shape) HasOutcome() bool {
	if s.Outcome {
		return true
	}
	if s.Elem != nil && s.Elem.HasOutcome() {
		return true
	}
	for _, f := range s.Fields {
		if f.Shape.HasOutcome() {
			return true
		}
	}
	return false
}

// Accepts reports whether a value of shape v may stand where s is wanted. It is
// lenient where only the run can tell (anything, nil, integers for numbers) and
// strict where nothing could ever fit.
func (s Shape) Accepts(v Shape) bool {
	switch {
	case s.Form == FormAny || v.Form == FormAny || v.Form == FormNil:
		return true
	case s.Form == FormNumber && v.Form == FormInt:
		return true
	case s.Form != v.Form:
		return false
	case s.Form == FormList:
		return s.Element().Accepts(v.Element())
	case s.Form == FormObject && !s.Open:
		for _, f := range s.Fields {
			got, ok := v.Field(f.Name)
			if ok && !f.Shape.Accepts(got.Shape) || !ok && !f.Optional && !f.Shape.Nullable && !v.Open {
				return false
			}
		}
	}
	return true
}

// Join is the smallest shape that holds both a and b: nullable when either is,
// a number for an integer and a number, anything when the forms differ.
func Join(a, b Shape) Shape {
	switch {
	case a.Form == FormNil:
		return b.OrNil()
	case b.Form == FormNil:
		return a.OrNil()
	}
	nullable, outcome := a.Nullable || b.Nullable, a.Outcome || b.Outcome
	var s Shape
	switch {
	case a.Form == b.Form:
		s = a
	case a.Form == FormInt && b.Form == FormNumber, a.Form == FormNumber && b.Form == FormInt:
		s = ShapeNumber
	default:
		return Shape{Form: FormAny, Nullable: true, Outcome: outcome}
	}
	switch s.Form {
	case FormList:
		switch {
		case a.Elem == nil:
			s.Elem = b.Elem
		case b.Elem != nil:
			e := Join(*a.Elem, *b.Elem)
			s.Elem = &e
		}
		s.Stream = a.Stream && b.Stream
	case FormObject:
		s = joinObjects(a, b)
	}
	s.Nullable, s.Outcome = nullable, outcome
	return s
}

func joinObjects(a, b Shape) Shape {
	s := Shape{Form: FormObject, Open: a.Open || b.Open}
	for _, f := range a.Fields {
		if g, ok := b.Field(f.Name); ok {
			f.Shape = Join(f.Shape, g.Shape)
		} else {
			f.Shape = f.Shape.OrNil()
		}
		s.Fields = append(s.Fields, f)
	}
	for _, g := range b.Fields {
		if _, ok := a.Field(g.Name); !ok {
			g.Shape = g.Shape.OrNil()
			s.Fields = append(s.Fields, g)
		}
	}
	return s
}

package step

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestShapeInWords(t *testing.T) {
	many := make([]Field, 8)
	for i := range many {
		many[i].Name = string(rune('a' + i))
	}
	for want, s := range map[string]Shape{
		"any":                             ShapeAny,
		"nil":                             ShapeNil,
		"text or nil":                     ShapeText.OrNil(),
		"integer":                         ShapeInt.OrNil().NotNil(),
		"list":                            {Form: FormList},
		"list of object {a, b} or nil":    StreamShape(ObjectOf(Field{Name: "a"}, Field{Name: "b"}).OrNil()),
		"object":                          {Form: FormObject, Open: true},
		"object {a, b, c, d, e, f, …}":    ObjectOf(many...),
		"list of list of duration or nil": ListOf(ListOf(ShapeDuration.OrNil())),
		"secret":                          ShapeSecret,
		"boolean":                         ShapeBool,
		"time":                            ShapeTime,
		"number":                          ShapeNumber,
	} {
		require.Equal(t, want, s.String())
	}
}

func TestShapeMembers(t *testing.T) {
	s := ObjectOf(Field{Name: "a", Shape: ShapeInt}, Field{Name: "b", Shape: ShapeText})
	f, ok := s.Field("b")
	require.True(t, ok)
	require.Equal(t, ShapeText, f.Shape)
	_, ok = s.Field("c")
	require.False(t, ok)
	require.Equal(t, []string{"a", "b"}, s.Names())
	require.Equal(t, ShapeAny, Shape{Form: FormList}.Element())
	require.Equal(t, ShapeInt, ListOf(ShapeInt).Element())
}

func TestHasOutcome(t *testing.T) {
	late := Shape{Form: FormInt, Outcome: true}
	require.False(t, ShapeInt.HasOutcome())
	require.True(t, late.HasOutcome())
	require.True(t, ListOf(late).HasOutcome())
	require.True(t, ObjectOf(Field{Name: "a", Shape: ShapeInt}, Field{Name: "b", Shape: ListOf(late)}).HasOutcome())
	require.False(t, ObjectOf(Field{Name: "a", Shape: ListOf(ShapeInt)}).HasOutcome())
}

func TestAccepts(t *testing.T) {
	id := ObjectOf(Field{Name: "id", Shape: ShapeInt})
	idName := ObjectOf(Field{Name: "id", Shape: ShapeInt}, Field{Name: "name", Shape: ShapeText})
	maybe := ObjectOf(Field{Name: "id", Shape: ShapeInt}, Field{Name: "name", Shape: ShapeText, Optional: true})
	open := Shape{Form: FormObject, Open: true}
	tests := []struct {
		name string
		s, v Shape
		want bool
	}{
		{"anything takes all", ShapeAny, id, true},
		{"anything may fit", ShapeInt, ShapeAny, true},
		{"nil is for the run to find", ShapeInt, ShapeNil, true},
		{"integer for a number", ShapeNumber, ShapeInt, true},
		{"number for an integer", ShapeInt, ShapeNumber, false},
		{"text for an integer", ShapeInt, ShapeText, false},
		{"nullable", ShapeInt, ShapeInt.OrNil(), true},
		{"lists", ListOf(ShapeInt), StreamShape(ShapeInt), true},
		{"lists of others", ListOf(ShapeInt), ListOf(ShapeText), false},
		{"lists of anything", ListOf(ShapeInt), Shape{Form: FormList}, true},
		{"more fields", id, idName, true},
		{"a field is missing", idName, id, false},
		{"an optional field is missing", maybe, id, true},
		{"an open object may have it", idName, open, true},
		{"an open object takes all", open, idName, true},
		{"a field of another form", id, ObjectOf(Field{Name: "id", Shape: ShapeText}), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { require.Equal(t, tt.want, tt.s.Accepts(tt.v)) })
	}
}

func TestJoin(t *testing.T) {
	a := ObjectOf(Field{Name: "id", Shape: ShapeInt}, Field{Name: "a", Shape: ShapeText})
	b := ObjectOf(Field{Name: "id", Shape: ShapeNumber}, Field{Name: "b", Shape: ShapeTime})
	late := Shape{Form: FormInt, Outcome: true}
	tests := []struct {
		name       string
		a, b, want Shape
	}{
		{"the same", ShapeInt, ShapeInt, ShapeInt},
		{"one is nil", ShapeNil, ShapeInt, ShapeInt.OrNil()},
		{"the other is nil", ShapeInt, ShapeNil, ShapeInt.OrNil()},
		{"one is nullable", ShapeInt, ShapeInt.OrNil(), ShapeInt.OrNil()},
		{"integer and number", ShapeInt, ShapeNumber, ShapeNumber},
		{"number and integer", ShapeNumber.OrNil(), ShapeInt, ShapeNumber.OrNil()},
		{"different forms", ShapeInt, ShapeText, ShapeAny},
		{"outcome stays", late, ShapeText, Shape{Form: FormAny, Nullable: true, Outcome: true}},
		{"outcome of one", ShapeInt, late, late},
		{"lists", ListOf(ShapeInt), ListOf(ShapeNumber), ListOf(ShapeNumber)},
		{"a list of unknown", Shape{Form: FormList}, ListOf(ShapeInt), ListOf(ShapeInt)},
		{"a list and one of unknown", ListOf(ShapeInt), Shape{Form: FormList}, ListOf(ShapeInt)},
		{"a list and a stream", ListOf(ShapeInt), StreamShape(ShapeInt), ListOf(ShapeInt)},
		{"streams", StreamShape(ShapeInt), StreamShape(ShapeInt), StreamShape(ShapeInt)},
		{"objects", a, b, ObjectOf(Field{Name: "id", Shape: ShapeNumber}, Field{Name: "a", Shape: ShapeText.OrNil()}, Field{Name: "b", Shape: ShapeTime.OrNil()})},
		{"an open object", a, Shape{Form: FormObject, Open: true}, Shape{Form: FormObject, Open: true, Fields: []Field{{Name: "id", Shape: ShapeInt.OrNil()}, {Name: "a", Shape: ShapeText.OrNil()}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { require.Equal(t, tt.want, Join(tt.a, tt.b)) })
	}
}

// randomShape makes a shape of limited depth.
func randomShape(r *rand.Rand, depth int) Shape {
	forms := []Form{FormAny, FormNil, FormBool, FormInt, FormNumber, FormText, FormTime, FormDuration}
	if depth > 0 {
		forms = append(forms, FormObject, FormList)
	}
	s := Shape{Form: forms[r.IntN(len(forms))], Nullable: r.IntN(3) == 0}
	switch s.Form {
	case FormAny, FormNil:
		s.Nullable = true
	case FormList:
		e := randomShape(r, depth-1)
		s.Elem = &e
	case FormObject:
		for _, name := range []string{"a", "b", "c"} {
			if r.IntN(2) == 0 {
				s.Fields = append(s.Fields, Field{Name: name, Shape: randomShape(r, depth-1)})
			}
		}
	}
	return s
}

func TestJoinHoldsBoth(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		a, b := randomShape(r, 2), randomShape(r, 2)
		for _, s := range []Shape{Join(a, b), Join(b, a)} {
			require.True(t, s.Accepts(a), "%v joined with %v is %v", a, b, s)
			require.True(t, s.Accepts(b), "%v joined with %v is %v", a, b, s)
			if a.Nullable || b.Nullable {
				require.True(t, s.Nullable)
			}
		}
		same := Join(a, a)
		require.Equal(t, a.Form, same.Form)
		require.Equal(t, a.Nullable, same.Nullable)
	}
}

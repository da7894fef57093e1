package step

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Tags of a struct field that is a parameter, an output or a record field:
//
//	flow:"name"           its name in YAML; without it the field is ours alone
//	doc:"…"               one sentence, demanded of every field
//	enum:"a,b"            the texts allowed; enum:".|," where one of them is a comma
//	min:"1" max:"200"     bounds of a number, or of a list's length
//	default:"20"          what the kind does when it is left out
//	nonempty:"true"       written but nil, "" or [] is an error
//	item:"items"          for Expr, Predicate and Named[Expr]: whose records are `item`
//	bare:"true"           for a bool: an expression without ${{ }}, given evaluated
//	count:"items"         for an int output: the engine counts that stream
//	like:"items"          for a list output: its elements are those of that parameter
//
// A pointer, a slice or a Named is optional; everything else is required, but
// for a field with optional:"true".

// ShapeOf derives the shape of a Go type: what it is in expressions.
func ShapeOf[T any]() Shape { return shapeOf(reflect.TypeFor[T]()) }

var (
	typeTime      = reflect.TypeFor[time.Time]()
	typeDuration  = reflect.TypeFor[time.Duration]()
	typeSecret    = reflect.TypeFor[Secret]()
	typeExpr      = reflect.TypeFor[Expr]()
	typePredicate = reflect.TypeFor[Predicate]()
	typeStreamer  = reflect.TypeFor[streamer]()
)

func shapeOf(t reflect.Type) Shape {
	switch {
	case t == typeTime:
		return ShapeTime
	case t == typeDuration:
		return ShapeDuration
	case t == typeSecret:
		return ShapeSecret
	case t.Implements(typeStreamer):
		elem := reflect.TypeOf(reflect.Zero(t).Interface().(streamer).elem())
		if elem == nil {
			return StreamShape(ShapeAny)
		}
		return StreamShape(shapeOf(elem))
	case isNamed(t):
		s := Shape{Form: FormObject, Open: true}
		if value := namedValue(t); value.Kind() != reflect.Interface {
			elem := shapeOf(value)
			s.Elem = &elem
		}
		return s
	}
	switch t.Kind() {
	case reflect.Bool:
		return ShapeBool
	case reflect.Int, reflect.Int64:
		return ShapeInt
	case reflect.Float64:
		return ShapeNumber
	case reflect.String:
		return ShapeText
	case reflect.Pointer:
		return shapeOf(t.Elem()).OrNil()
	case reflect.Slice:
		return ListOf(shapeOf(t.Elem()))
	case reflect.Map:
		s := Shape{Form: FormObject, Open: true}
		if t.Elem().Kind() != reflect.Interface {
			elem := shapeOf(t.Elem()).OrNil() // a name that is not there
			s.Elem = &elem
		}
		return s
	case reflect.Struct:
		return ObjectOf(fieldsOf(t)...)
	case reflect.Interface:
		return ShapeAny
	}
	panic(fmt.Sprintf("step: no shape for Go type %s", t))
}

func isNamed(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && strings.HasPrefix(t.Name(), "Named[")
}

// namedValue is the T of a Named[T].
func namedValue(t reflect.Type) reflect.Type {
	f, _ := t.Elem().FieldByName("Value")
	return f.Type
}

// member is a struct field with its tags read.
type member struct {
	Field
	index []int
	like  string
}

var memberCache sync.Map // reflect.Type → []member

// membersOf reads the tags of a struct type; embedded structs are flattened.
func membersOf(t reflect.Type) []member {
	if m, ok := memberCache.Load(t); ok {
		return m.([]member)
	}
	var out []member
	for _, f := range reflect.VisibleFields(t) {
		name, ok := f.Tag.Lookup("flow")
		if !ok || f.Anonymous {
			continue
		}
		m := member{index: f.Index, like: f.Tag.Get("like"), Field: Field{
			Name: name, Doc: f.Tag.Get("doc"), Default: f.Tag.Get("default"),
			NonEmpty: f.Tag.Get("nonempty") == "true", Item: f.Tag.Get("item"),
			Count: f.Tag.Get("count"), Held: f.Tag.Get("held"), Named: isNamed(f.Type),
			Min: bound(f.Tag, "min"), Max: bound(f.Tag, "max"),
		}}
		if e := f.Tag.Get("enum"); e != "" {
			m.Enum = splitEnum(e)
		}
		ft := f.Type
		if ft.Kind() == reflect.Pointer || ft.Kind() == reflect.Slice || f.Tag.Get("optional") == "true" {
			m.Optional = true
		}
		if f.Tag.Get("optional") == "false" {
			m.Optional = false
		}
		switch {
		case ft == typePredicate:
			m.Bare, m.Bool, m.Shape = true, true, ShapeBool
		case ft == typeExpr:
			m.Bare, m.Shape = true, ShapeAny
		case f.Tag.Get("bare") == "true":
			m.Bare, m.Bool, m.Shape = true, ft.Kind() == reflect.Bool, shapeOf(ft)
		default:
			m.Shape = shapeOf(ft)
		}
		out = append(out, m)
	}
	memberCache.Store(t, out)
	return out
}

// splitEnum reads an enum tag.
func splitEnum(tag string) []string {
	if strings.Contains(tag, "|") {
		return strings.Split(tag, "|")
	}
	return strings.Split(tag, ",")
}

func bound(tag reflect.StructTag, key string) *float64 {
	s := tag.Get(key)
	if s == "" {
		return nil
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		panic("step: tag " + key + ": " + err.Error())
	}
	return &v
}

func fieldsOf(t reflect.Type) []Field {
	members := membersOf(t)
	fields := make([]Field, len(members))
	for i, m := range members {
		fields[i] = m.Field
	}
	return fields
}

// ToValue turns a Go value into its run-time value: structs become
// map[string]any by their flow tags, pointers their value or nil, typed streams
// streams of records.
func ToValue(v any) any {
	switch x := v.(type) {
	case nil, bool, int, float64, string, time.Time, time.Duration, Secret, Stream[any], map[string]any, []any:
		return x
	case int64:
		return int(x)
	case streamer:
		return x.records(nil)
	}
	return toValue(reflect.ValueOf(v))
}

// valuer is ToValue for the records of one type, with the wanted fields alone;
// nil is all of them.
func valuer(t reflect.Type, wanted []string) func(reflect.Value) any {
	if wanted == nil || t.Kind() != reflect.Struct || t == typeTime || t == typeSecret {
		return func(v reflect.Value) any { return ToValue(v.Interface()) }
	}
	var members []member
	for _, m := range membersOf(t) {
		if slices.Contains(wanted, m.Name) {
			members = append(members, m)
		}
	}
	return func(v reflect.Value) any { return record(v, members) }
}

// outputsOf are the outputs of a kind by their names. Of streams they hold the
// wanted fields, by output.
func outputsOf(v reflect.Value, wanted map[string][]string) map[string]any {
	members := membersOf(v.Type())
	outs := record(v, members)
	for _, m := range members {
		if s, ok := v.FieldByIndex(m.index).Interface().(streamer); ok {
			outs[m.Name] = s.records(wanted[m.Name])
		}
	}
	return outs
}

// record holds members of a struct by their names.
func record(v reflect.Value, members []member) map[string]any {
	out := make(map[string]any, len(members))
	for i := range members {
		m := &members[i]
		if m.Count == "" { // the engine counts
			out[m.Name] = ToValue(v.FieldByIndex(m.index).Interface())
		}
	}
	return out
}

func toValue(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil
		}
		return ToValue(v.Elem().Interface())
	case reflect.Int, reflect.Int64:
		return int(v.Int())
	case reflect.String:
		return v.String()
	case reflect.Bool:
		return v.Bool()
	case reflect.Slice:
		out := make([]any, v.Len())
		for i := range out {
			out[i] = ToValue(v.Index(i).Interface())
		}
		return out
	case reflect.Map:
		out := make(map[string]any, v.Len())
		for it := v.MapRange(); it.Next(); {
			out[it.Key().String()] = ToValue(it.Value().Interface())
		}
		return out
	case reflect.Struct:
		return record(v, membersOf(v.Type()))
	}
	panic(fmt.Sprintf("step: no value for Go type %s", v.Type()))
}

// FormOf names the form of a run-time value.
func FormOf(v any) Form {
	switch v.(type) {
	case nil:
		return FormNil
	case bool:
		return FormBool
	case int:
		return FormInt
	case float64:
		return FormNumber
	case string:
		return FormText
	case time.Time:
		return FormTime
	case time.Duration:
		return FormDuration
	case map[string]any, Named[any]:
		return FormObject
	case []any, Stream[any]:
		return FormList
	case Secret:
		return FormSecret
	}
	return FormAny
}

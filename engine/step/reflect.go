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

// Lacking is a record type of which people expect fields that it does not have:
// see Shape.Lacks.
type Lacking interface{ Lacks() map[string]string }

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
		s := ObjectOf(fieldsOf(t)...)
		if l, ok := reflect.Zero(t).Interface().(Lacking); ok {
			s.Lacks = l.Lacks()
		}
		return s
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
			Count: f.Tag.Get("count"), Named: isNamed(f.Type),
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
func valuer(t reflect.Type, wanted []string) func(any) any {
	if wanted == nil || t.Kind() != reflect.Struct || t == typeTime || t == typeSecret {
		return ToValue
	}
	var members []member
	for _, m := range membersOf(t) {
		if slices.Contains(wanted, m.Name) {
			members = append(members, m)
		}
	}
	return func(v any) any { return record(reflect.ValueOf(v), members) }
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
	for _, m := range members {
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

// decodeStruct fills a new T from evaluated arguments. What does not fit is an
// *ArgError that names the parameter.
func decodeStruct(t reflect.Type, args map[string]any) (reflect.Value, error) {
	out := reflect.New(t).Elem()
	for _, m := range membersOf(t) {
		v, ok := args[m.Name]
		if !ok {
			if !m.Optional {
				return out, &ArgError{Param: m.Name, Problem: "is missing"}
			}
			continue
		}
		if err := checkArg(m.Field, v); err != nil {
			return out, err
		}
		if v == nil {
			continue
		}
		dst := out.FieldByIndex(m.index)
		got, err := decode(dst.Type(), v)
		if err != nil {
			return out, &ArgError{Param: m.Name, Problem: err.Error(), Err: err}
		}
		dst.Set(got)
	}
	return out, nil
}

// ArgError is an argument that the kind cannot take, found at run time.
type ArgError struct {
	Param   string
	Problem string // "is nil", "is 0, but at least 1 is allowed"
	Err     error  // the cause, if there is one
}

// Error reads "contactId is nil".
func (e *ArgError) Error() string { return e.Param + " " + e.Problem }

// Unwrap gives the cause.
func (e *ArgError) Unwrap() error { return e.Err }

func checkArg(f Field, v any) error {
	bad := func(format string, args ...any) error {
		return &ArgError{Param: f.Name, Problem: fmt.Sprintf(format, args...)}
	}
	if f.NonEmpty && isEmpty(v) {
		return bad("is %s; a filter that is written must have a value, else it would select everybody", describe(v))
	}
	if v == nil {
		if f.Optional || f.Shape.Form == FormAny {
			return nil
		}
		return bad("is nil")
	}
	if s, ok := v.(string); ok && len(f.Enum) > 0 && !slices.Contains(f.Enum, s) {
		return bad("is %q; allowed: %s", s, strings.Join(f.Enum, ", "))
	}
	if named, ok := v.(Named[any]); ok && len(f.Enum) > 0 {
		for _, item := range named {
			if s, ok := item.Value.(string); ok && !slices.Contains(f.Enum, s) {
				return &ArgError{Param: f.Name + "." + item.Name, Problem: fmt.Sprintf("is %q; allowed: %s", s, strings.Join(f.Enum, ", "))}
			}
		}
	}
	n, what := 0.0, "is %s"
	switch x := v.(type) {
	case int:
		n = float64(x)
	case float64:
		n = x
	case []any:
		n, what = float64(len(x)), "has %s items"
	default:
		return nil
	}
	if f.Min != nil && n < *f.Min {
		return bad(what+", but at least %s is allowed", plainNumber(n), plainNumber(*f.Min))
	}
	if f.Max != nil && n > *f.Max {
		return bad(what+", but at most %s is allowed", plainNumber(n), plainNumber(*f.Max))
	}
	return nil
}

// plainNumber writes a number without an exponent.
func plainNumber(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }

func isEmpty(v any) bool {
	switch x := v.(type) {
	case nil:
		return true
	case string:
		return strings.TrimSpace(x) == ""
	case []any:
		for _, e := range x {
			if isEmpty(e) {
				return true
			}
		}
		return len(x) == 0
	}
	return false
}

func describe(v any) string {
	switch x := v.(type) {
	case nil:
		return "nil"
	case string:
		return strconv.Quote(x)
	case []any:
		if len(x) > 0 {
			return "a list with an empty element"
		}
		return "[]"
	}
	return fmt.Sprint(v)
}

// decode turns a run-time value into a Go value of type t.
func decode(t reflect.Type, v any) (reflect.Value, error) {
	fail := func() (reflect.Value, error) {
		return reflect.Value{}, fmt.Errorf("is %s, but %s is wanted", FormOf(v), shapeOf(t))
	}
	if v != nil && reflect.TypeOf(v) == t {
		return reflect.ValueOf(v), nil
	}
	if t.Implements(typeStreamer) {
		in, ok := v.(Stream[any])
		if list, isList := v.([]any); isList {
			in, ok = StreamList(list), true
		}
		if !ok {
			return fail()
		}
		zero := reflect.Zero(t).Interface().(streamer)
		elem := reflect.TypeOf(zero.elem())
		return reflect.ValueOf(zero.fromRecords(in, func(rec any) (any, error) {
			got, err := decode(elem, rec)
			if err != nil {
				return nil, err
			}
			return got.Interface(), nil
		})), nil
	}
	if isNamed(t) {
		return decodeNamed(t, v, fail)
	}
	switch t.Kind() {
	case reflect.Interface:
		if v == nil {
			return reflect.Zero(t), nil
		}
		if !reflect.TypeOf(v).Implements(t) {
			return fail()
		}
		return reflect.ValueOf(v).Convert(t), nil
	case reflect.Pointer:
		if v == nil {
			return reflect.Zero(t), nil
		}
		elem, err := decode(t.Elem(), v)
		if err != nil {
			return elem, err
		}
		p := reflect.New(t.Elem())
		p.Elem().Set(elem)
		return p, nil
	case reflect.Float64:
		if n, ok := v.(int); ok {
			return reflect.ValueOf(float64(n)).Convert(t), nil
		}
	case reflect.Int64, reflect.Int:
		if n, ok := v.(int); ok && t != typeDuration {
			return reflect.ValueOf(n).Convert(t), nil
		}
	case reflect.Slice:
		list, ok := v.([]any)
		if s, isStream := v.(Stream[any]); isStream {
			var err error
			if list, err = gather(s); err != nil {
				return reflect.Value{}, err
			}
			ok = true
		}
		if ok {
			out := reflect.MakeSlice(t, len(list), len(list))
			for i, e := range list {
				got, err := decode(t.Elem(), e)
				if err != nil {
					return got, fmt.Errorf("item %d %w", i+1, err)
				}
				out.Index(i).Set(got)
			}
			return out, nil
		}
	case reflect.Struct:
		if m, ok := v.(map[string]any); ok && t != typeTime && t != typeSecret {
			return decodeStruct(t, m)
		}
	}
	return fail()
}

// maxGathered is how many records of a stream may stand where a plain list is
// wanted.
const maxGathered = 100_000

// gather reads a stream that stands where a plain list is wanted.
func gather(s Stream[any]) ([]any, error) {
	list := []any{}
	for v, err := range s.All() {
		if err != nil {
			return nil, err
		}
		if len(list) == maxGathered {
			return nil, fmt.Errorf("has more than %d items, which is all that this parameter takes", maxGathered)
		}
		list = append(list, v)
	}
	return list, nil
}

// decodeNamed turns a Named[any], which keeps the order written, or an object,
// whose names are then taken in alphabetical order, into a Named of type t.
func decodeNamed(t reflect.Type, v any, fail func() (reflect.Value, error)) (reflect.Value, error) {
	var named Named[any]
	switch x := v.(type) {
	case Named[any]:
		named = x
	case map[string]any:
		for name, value := range x {
			named = append(named, NamedItem[any]{name, value})
		}
		slices.SortFunc(named, func(a, b NamedItem[any]) int { return strings.Compare(a.Name, b.Name) })
	default:
		return fail()
	}
	out := reflect.MakeSlice(t, len(named), len(named))
	for i, item := range named {
		got, err := decode(namedValue(t), item.Value)
		if err != nil {
			return got, fmt.Errorf("name %s %w", item.Name, err)
		}
		out.Index(i).FieldByName("Name").SetString(item.Name)
		out.Index(i).FieldByName("Value").Set(got)
	}
	return out, nil
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

package step

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// argsOf gives the parameters of a kind from evaluated arguments. What does not fit
// is an *ArgError that names the parameter.
func argsOf[In any](args map[string]any) (In, error) {
	var in In
	err := fill(reflect.ValueOf(&in).Elem(), args)
	return in, err
}

// decodeStruct is argsOf for a type that is known at run time.
func decodeStruct(t reflect.Type, args map[string]any) (reflect.Value, error) {
	out := reflect.New(t).Elem()
	return out, fill(out, args)
}

// fill sets the members of a struct.
func fill(out reflect.Value, args map[string]any) error {
	members := membersOf(out.Type())
	for i := range members {
		m := &members[i]
		v, ok := args[m.Name]
		if !ok {
			if !m.Optional {
				return &ArgError{Param: m.Name, Problem: "is missing"}
			}
			continue
		}
		if err := checkArg(&m.Field, v); err != nil {
			return err
		}
		if v == nil {
			continue
		}
		dst := out.FieldByIndex(m.index)
		got, err := decode(dst.Type(), v)
		if err != nil {
			return &ArgError{Param: m.Name, Problem: err.Error(), Err: err}
		}
		dst.Set(got)
	}
	return nil
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

func checkArg(f *Field, v any) error {
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
// wanted, and HeldByList the same for people.
const (
	maxGathered = 100_000
	HeldByList  = "100,000 items"
)

// gather reads a stream that stands where a plain list is wanted.
func gather(s Stream[any]) ([]any, error) {
	list := []any{}
	for v, err := range s.All() {
		if err != nil {
			return nil, err
		}
		if len(list) == maxGathered {
			return nil, fmt.Errorf("has more than %s, which is all that this parameter takes", HeldByList)
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

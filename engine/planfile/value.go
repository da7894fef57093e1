package planfile

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/flowrunner/flowrunner/engine/step"
)

// Value is a run-time value as plans and spools hold it: JSON in which nothing
// is lost. Integers and numbers differ by a point or an exponent, a time is
// {"$time": …}, a duration {"$duration": …}, a stream {"$stream": …}, and a name
// that begins with $ has it doubled. Object names are sorted, so equal values
// have equal bytes.
type Value struct{ V any }

// StreamMark stands in a plan for a stream whose rows are recorded under
// "step.output".
type StreamMark string

// MarshalJSON writes the value.
func (v Value) MarshalJSON() ([]byte, error) { return appendValue(nil, v.V) }

// Append writes the value at the end of b.
func (v Value) Append(b []byte) ([]byte, error) { return appendValue(b, v.V) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (v *Value) UnmarshalJSON(b []byte) error {
	in := reader{b: b, names: &names{}}
	x, err := in.value(0)
	if err == nil {
		err = in.end()
	}
	v.V = x
	return err
}

func appendValue(b []byte, v any) ([]byte, error) {
	var err error
	switch x := v.(type) {
	case nil:
		return append(b, "null"...), nil
	case bool:
		return strconv.AppendBool(b, x), nil
	case int:
		return strconv.AppendInt(b, int64(x), 10), nil
	case float64:
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return nil, fmt.Errorf("write value: %v is no number", x)
		}
		n := len(b)
		b = strconv.AppendFloat(b, x, 'g', -1, 64)
		if !bytes.ContainsAny(b[n:], ".e") {
			b = append(b, ".0"...)
		}
		return b, nil
	case string:
		return appendText(b, x), nil
	case time.Time:
		b = x.AppendFormat(append(b, `{"$time":"`...), time.RFC3339Nano)
		return append(b, `"}`...), nil
	case time.Duration:
		return fmt.Appendf(b, `{"$duration":%q}`, x), nil
	case StreamMark:
		return append(appendText(append(b, `{"$stream":`...), string(x)), '}'), nil
	case []any:
		b = append(b, '[')
		for i, e := range x {
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = appendValue(b, e); err != nil {
				return nil, err
			}
		}
		return append(b, ']'), nil
	case map[string]any:
		b = append(b, '{')
		var few [32]string // enough for the records of the API, and on the stack
		names := few[:0]
		for name := range x {
			names = append(names, name)
		}
		slices.Sort(names)
		for i, name := range names {
			if i > 0 {
				b = append(b, ',')
			}
			if strings.HasPrefix(name, "$") {
				b = appendText(b, "$"+name)
			} else {
				b = appendText(b, name)
			}
			b = append(b, ':')
			if b, err = appendValue(b, x[name]); err != nil {
				return nil, err
			}
		}
		return append(b, '}'), nil
	case step.Secret:
		return nil, fmt.Errorf("write value: a secret cannot be written down")
	case step.Named[string]:
		return appendNamed(b, x)
	case step.Named[any]:
		return appendNamed(b, x)
	}
	return nil, fmt.Errorf("write value: %T has no form in a plan", v)
}

// appendNamed keeps the written order in a list of pairs.
func appendNamed[T any](b []byte, named step.Named[T]) ([]byte, error) {
	var pairs []any
	for _, it := range named {
		pairs = append(pairs, []any{it.Name, any(it.Value)})
	}
	b, err := appendValue(append(b, `{"$named":`...), pairs)
	return append(b, '}'), err
}

// unmark reads an object that has a name with $.
func unmark(x map[string]any) (any, error) {
	if len(x) == 1 {
		for name, v := range x {
			s, isText := v.(string)
			switch {
			case name == "$time" && isText:
				return time.Parse(time.RFC3339Nano, s)
			case name == "$duration" && isText:
				return time.ParseDuration(s)
			case name == "$stream" && isText:
				return StreamMark(s), nil
			case name == "$named":
				return named(v)
			}
		}
	}
	out := make(map[string]any, len(x))
	for name, v := range x {
		if strings.HasPrefix(name, "$") {
			if !strings.HasPrefix(name, "$$") {
				return nil, fmt.Errorf("read value: %s is unknown", name)
			}
			name = name[1:]
		}
		out[name] = v
	}
	return out, nil
}

// named reads the list of pairs that appendNamed wrote.
func named(v any) (any, error) {
	pairs, ok := v.([]any)
	if !ok {
		return nil, fmt.Errorf("read value: $named is no list")
	}
	all := step.Named[any]{}
	for _, p := range pairs {
		pair, ok := p.([]any)
		if !ok || len(pair) != 2 {
			return nil, fmt.Errorf("read value: $named holds no pair")
		}
		name, ok := pair[0].(string)
		if !ok {
			return nil, fmt.Errorf("read value: $named holds a name that is no text")
		}
		all = append(all, step.NamedItem[any]{Name: name, Value: pair[1]})
	}
	return all, nil
}

// InZone moves every time of a value into zone, where the language has them.
func InZone(v any, zone *time.Location) any {
	switch x := v.(type) {
	case time.Time:
		return x.In(zone)
	case []any:
		for i := range x {
			x[i] = InZone(x[i], zone)
		}
	case map[string]any:
		for k := range x {
			x[k] = InZone(x[k], zone)
		}
	}
	return v
}

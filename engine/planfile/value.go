package planfile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

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

// UnmarshalJSON reads what MarshalJSON wrote.
func (v *Value) UnmarshalJSON(b []byte) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var x any
	if err := dec.Decode(&x); err != nil {
		return err
	}
	var err error
	v.V, err = fromJSON(x)
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
		return fmt.Appendf(b, `{"$time":%q}`, x.Format(time.RFC3339Nano)), nil
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
		for i, name := range slices.Sorted(maps.Keys(x)) {
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

// appendText writes a JSON text without escaping what needs none; bytes that
// are no UTF-8 become the replacement character.
func appendText(b []byte, s string) []byte {
	if !utf8.ValidString(s) {
		s = string([]rune(s)) // the encoder would escape what it replaces, and equal texts differ
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string always encodes
	return append(b, bytes.TrimSuffix(buf.Bytes(), []byte("\n"))...)
}

func fromJSON(v any) (any, error) {
	switch x := v.(type) {
	case json.Number:
		s := x.String()
		if strings.ContainsAny(s, ".eE") {
			f, err := x.Float64()
			return f, err
		}
		n, err := strconv.Atoi(s)
		return n, err
	case []any:
		for i, e := range x {
			y, err := fromJSON(e)
			if err != nil {
				return nil, err
			}
			x[i] = y
		}
		return x, nil
	case map[string]any:
		return objectFromJSON(x)
	}
	return v, nil
}

func objectFromJSON(x map[string]any) (any, error) {
	if len(x) == 1 {
		for name, raw := range x {
			s, isText := raw.(string)
			switch {
			case name == "$time" && isText:
				return time.Parse(time.RFC3339Nano, s)
			case name == "$duration" && isText:
				return time.ParseDuration(s)
			case name == "$stream" && isText:
				return StreamMark(s), nil
			case name == "$named":
				return namedFromJSON(raw)
			}
		}
	}
	out := make(map[string]any, len(x))
	for name, raw := range x {
		y, err := fromJSON(raw)
		if err != nil {
			return nil, err
		}
		if strings.HasPrefix(name, "$") {
			if !strings.HasPrefix(name, "$$") {
				return nil, fmt.Errorf("read value: %s is unknown", name)
			}
			name = name[1:]
		}
		out[name] = y
	}
	return out, nil
}

func namedFromJSON(raw any) (any, error) {
	pairs, ok := raw.([]any)
	if !ok {
		return nil, fmt.Errorf("read value: $named is no list")
	}
	named := step.Named[any]{}
	for _, p := range pairs {
		pair, ok := p.([]any)
		if !ok || len(pair) != 2 {
			return nil, fmt.Errorf("read value: $named holds no pair")
		}
		name, ok := pair[0].(string)
		if !ok {
			return nil, fmt.Errorf("read value: $named holds a name that is no text")
		}
		v, err := fromJSON(pair[1])
		if err != nil {
			return nil, err
		}
		named = append(named, step.NamedItem[any]{Name: name, Value: v})
	}
	return named, nil
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

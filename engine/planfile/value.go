package planfile

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

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

// MarshalJSONTo writes the value.
func (v Value) MarshalJSONTo(e *jsontext.Encoder) error {
	text, err := appendValue(e.AvailableBuffer(), v.V)
	if err != nil {
		return err
	}
	return e.WriteValue(text)
}

// UnmarshalJSONFrom reads what MarshalJSONTo wrote.
func (v *Value) UnmarshalJSONFrom(d *jsontext.Decoder) (err error) {
	v.V, err = readValue(d)
	return err
}

// MarshalJSON is for encoding/json.
func (v Value) MarshalJSON() ([]byte, error) { return appendValue(nil, v.V) }

// UnmarshalJSON is for encoding/json.
func (v *Value) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, v, form) }

// Append writes the value at the end of b.
func (v Value) Append(b []byte) ([]byte, error) { return appendValue(b, v.V) }

func appendValue(b []byte, v any) ([]byte, error) {
	switch x := v.(type) {
	case nil:
		return append(b, "null"...), nil
	case bool:
		return strconv.AppendBool(b, x), nil
	case int:
		return strconv.AppendInt(b, int64(x), 10), nil
	case float64:
		return appendNumber(b, x)
	case string:
		return appendText(b, x), nil
	case time.Time:
		return appendMarked(b, "$time", x.Format(time.RFC3339Nano))
	case time.Duration:
		return appendMarked(b, "$duration", x.String())
	case StreamMark:
		return appendMarked(b, "$stream", string(x))
	case []any:
		return appendList(b, x)
	case map[string]any:
		return appendObject(b, x)
	case step.Secret:
		return b, errors.New("write value: a secret cannot be written down")
	case step.Named[string]:
		return appendNamed(b, x)
	case step.Named[any]:
		return appendNamed(b, x)
	}
	return b, fmt.Errorf("write value: %T has no form in a plan", v)
}

// appendNumber writes a number so that it is no integer when it is read.
func appendNumber(b []byte, x float64) ([]byte, error) {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return b, fmt.Errorf("write value: %v is no number", x)
	}
	at := len(b)
	b = strconv.AppendFloat(b, x, 'g', -1, 64)
	if !bytes.ContainsAny(b[at:], ".e") {
		b = append(b, ".0"...)
	}
	return b, nil
}

// appendMarked writes an object of one member: what JSON has no form for.
func appendMarked(b []byte, mark string, v any) ([]byte, error) {
	b = append(appendText(append(b, '{'), mark), ':')
	b, err := appendValue(b, v)
	return append(b, '}'), err
}

func appendList(b []byte, list []any) (_ []byte, err error) {
	b = append(b, '[')
	for i, v := range list {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = appendValue(b, v); err != nil {
			return b, err
		}
	}
	return append(b, ']'), nil
}

func appendObject(b []byte, x map[string]any) (_ []byte, err error) {
	var few [32]string // enough for the records of the API, and on the stack
	b = append(b, '{')
	for i, name := range sortedNames(few[:0], x) {
		if i > 0 {
			b = append(b, ',')
		}
		written := name
		if strings.HasPrefix(name, "$") {
			written = "$" + name
		}
		b = append(appendText(b, written), ':')
		if b, err = appendValue(b, x[name]); err != nil {
			return b, err
		}
	}
	return append(b, '}'), nil
}

// sortedNames appends the names of a map to names, sorted.
func sortedNames(names []string, x map[string]any) []string {
	for name := range x {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// appendNamed keeps the written order in a list of pairs.
func appendNamed[T any](b []byte, named step.Named[T]) ([]byte, error) {
	var pairs []any
	for _, it := range named {
		pairs = append(pairs, []any{it.Name, any(it.Value)})
	}
	return appendMarked(b, "$named", pairs)
}

func readValue(d *jsontext.Decoder) (any, error) {
	switch d.PeekKind() {
	case '{':
		return readObject(d)
	case '[':
		return readList(d)
	case '0':
		text, err := d.ReadValue()
		if err != nil {
			return nil, err
		}
		if bytes.ContainsAny(text, ".eE") {
			return strconv.ParseFloat(string(text), 64)
		}
		return strconv.Atoi(string(text))
	}
	t, err := d.ReadToken()
	if err != nil {
		return nil, err
	}
	switch t.Kind() {
	case '"':
		return t.String(), nil
	case 't', 'f':
		return t.Bool(), nil
	}
	return nil, nil
}

func readList(d *jsontext.Decoder) (any, error) {
	list := []any{}
	if _, err := d.ReadToken(); err != nil {
		return nil, err
	}
	for k := d.PeekKind(); k != ']' && k != 0; k = d.PeekKind() {
		v, err := readValue(d)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	_, err := d.ReadToken()
	return list, err
}

func readObject(d *jsontext.Decoder) (any, error) {
	out, marked, err := readMembers(d)
	if err != nil || !marked {
		return out, err
	}
	return unmark(out)
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

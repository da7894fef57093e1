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
func (v Value) MarshalJSONTo(e *jsontext.Encoder) error { return writeValue(e, v.V) }

// UnmarshalJSONFrom reads what MarshalJSONTo wrote.
func (v *Value) UnmarshalJSONFrom(d *jsontext.Decoder) (err error) {
	v.V, err = readValue(d)
	return err
}

// MarshalJSON is for encoding/json.
func (v Value) MarshalJSON() ([]byte, error) { return json.Marshal(v, form) }

// UnmarshalJSON is for encoding/json.
func (v *Value) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, v, form) }

func writeValue(e *jsontext.Encoder, v any) error {
	switch x := v.(type) {
	case nil:
		return e.WriteToken(jsontext.Null)
	case bool:
		return e.WriteToken(jsontext.Bool(x))
	case int:
		return e.WriteToken(jsontext.Int(int64(x)))
	case float64:
		return writeNumber(e, x)
	case string:
		return e.WriteToken(jsontext.String(x))
	case time.Time:
		return writeMarked(e, "$time", x.Format(time.RFC3339Nano))
	case time.Duration:
		return writeMarked(e, "$duration", x.String())
	case StreamMark:
		return writeMarked(e, "$stream", string(x))
	case []any:
		return writeList(e, x)
	case map[string]any:
		return writeObject(e, x)
	case step.Secret:
		return errors.New("write value: a secret cannot be written down")
	case step.Named[string]:
		return writeNamed(e, x)
	case step.Named[any]:
		return writeNamed(e, x)
	}
	return fmt.Errorf("write value: %T has no form in a plan", v)
}

// writeNumber writes a number so that it is no integer when it is read.
func writeNumber(e *jsontext.Encoder, x float64) error {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return fmt.Errorf("write value: %v is no number", x)
	}
	text := strconv.AppendFloat(e.AvailableBuffer(), x, 'g', -1, 64)
	if !bytes.ContainsAny(text, ".e") {
		text = append(text, ".0"...)
	}
	return e.WriteValue(text)
}

// writeMarked writes an object of one member: what JSON has no form for.
func writeMarked(e *jsontext.Encoder, mark string, v any) error {
	return errors.Join(e.WriteToken(jsontext.BeginObject), e.WriteToken(jsontext.String(mark)), writeValue(e, v), e.WriteToken(jsontext.EndObject))
}

func writeList(e *jsontext.Encoder, list []any) error {
	if err := e.WriteToken(jsontext.BeginArray); err != nil {
		return err
	}
	for _, v := range list {
		if err := writeValue(e, v); err != nil {
			return err
		}
	}
	return e.WriteToken(jsontext.EndArray)
}

func writeObject(e *jsontext.Encoder, x map[string]any) error {
	if err := e.WriteToken(jsontext.BeginObject); err != nil {
		return err
	}
	var few [32]string // enough for the records of the API, and on the stack
	names := few[:0]
	for name := range x {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		written := name
		if strings.HasPrefix(name, "$") {
			written = "$" + name
		}
		if err := e.WriteToken(jsontext.String(written)); err != nil {
			return err
		}
		if err := writeValue(e, x[name]); err != nil {
			return err
		}
	}
	return e.WriteToken(jsontext.EndObject)
}

// writeNamed keeps the written order in a list of pairs.
func writeNamed[T any](e *jsontext.Encoder, named step.Named[T]) error {
	var pairs []any
	for _, it := range named {
		pairs = append(pairs, []any{it.Name, any(it.Value)})
	}
	return writeMarked(e, "$named", pairs)
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
	out, marked := map[string]any{}, false
	if _, err := d.ReadToken(); err != nil {
		return nil, err
	}
	for k := d.PeekKind(); k != '}' && k != 0; k = d.PeekKind() {
		t, err := d.ReadToken()
		if err != nil {
			return nil, err
		}
		name := t.String()
		if out[name], err = readValue(d); err != nil {
			return nil, err
		}
		marked = marked || strings.HasPrefix(name, "$")
	}
	if _, err := d.ReadToken(); err != nil || !marked {
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

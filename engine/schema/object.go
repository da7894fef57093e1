package schema

import (
	"bytes"
	"encoding/json"
)

// object is a JSON object that keeps the order in which its members were added,
// so that the same language always gives the same bytes.
type object struct {
	names  []string
	values []any
}

func (o *object) set(name string, value any) *object {
	o.names = append(o.names, name)
	o.values = append(o.values, value)
	return o
}

// add adds the members of another object.
func (o *object) add(other *object) *object {
	o.names = append(o.names, other.names...)
	o.values = append(o.values, other.values...)
	return o
}

// setIf adds a member unless its value is empty.
func (o *object) setIf(name, value string) *object {
	if value != "" {
		o.set(name, value)
	}
	return o
}

// MarshalJSON writes the members in order.
func (o *object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, name := range o.names {
		if i > 0 {
			b.WriteByte(',')
		}
		for j, part := range []any{name, o.values[i]} {
			if j == 1 {
				b.WriteByte(':')
			}
			text, err := marshal(part)
			if err != nil {
				return nil, err
			}
			b.Write(text)
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// marshal is json.Marshal that leaves <, > and & readable.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

// maxLine is how long a line of the schema may be before it is broken.
const maxLine = 120

// write writes v for people and for diffs: on one line where it fits, else a
// member a line.
func write(b *bytes.Buffer, v any, indent string) error {
	text, err := marshal(v)
	if err != nil {
		return err
	}
	inner := indent + "  "
	switch x := v.(type) {
	case *object:
		if len(indent)+len(text) > maxLine {
			for i, name := range x.names {
				b.WriteString(opening(i, "{") + inner)
				key, err := marshal(name)
				if err != nil {
					return err
				}
				b.Write(key)
				b.WriteString(": ")
				if err := write(b, x.values[i], inner); err != nil {
					return err
				}
			}
			b.WriteString("\n" + indent + "}")
			return nil
		}
	case []any:
		if len(indent)+len(text) > maxLine {
			for i, value := range x {
				b.WriteString(opening(i, "[") + inner)
				if err := write(b, value, inner); err != nil {
					return err
				}
			}
			b.WriteString("\n" + indent + "]")
			return nil
		}
	}
	b.Write(text)
	return nil
}

func opening(i int, bracket string) string {
	if i == 0 {
		return bracket + "\n"
	}
	return ",\n"
}

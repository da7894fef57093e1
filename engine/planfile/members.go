package planfile

import (
	"errors"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Members are run-time values by names of the flow's, such as the arguments of a
// step: an object of which each member is written as a Value. The names stand as they
// are.
type Members map[string]any

// MarshalJSONTo writes the members.
func (x Members) MarshalJSONTo(e *jsontext.Encoder) error {
	text, err := appendMembers(e.AvailableBuffer(), x)
	if err != nil {
		return err
	}
	return e.WriteValue(text)
}

// UnmarshalJSONFrom reads what MarshalJSONTo wrote. Null is none.
func (x *Members) UnmarshalJSONFrom(d *jsontext.Decoder) (err error) {
	switch d.PeekKind() {
	case '{':
		*x, _, err = readMembers(d)
		return err
	case 'n':
		*x = nil
		return d.SkipValue()
	}
	if err := d.SkipValue(); err != nil {
		return err
	}
	return errors.New("read members: an object is wanted")
}

// MarshalJSON is for encoding/json.
func (x Members) MarshalJSON() ([]byte, error) { return appendMembers(nil, x) }

func appendMembers(b []byte, x Members) (_ []byte, err error) {
	var few [16]string // enough for the parameters of a send, and on the stack
	b = append(b, '{')
	for i, name := range sortedNames(few[:0], x) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendText(b, name), ':')
		if b, err = appendValue(b, x[name]); err != nil {
			return b, err
		}
	}
	return append(b, '}'), nil
}

// readMembers reads an object, and reports whether it has a name with $.
func readMembers(d *jsontext.Decoder) (out map[string]any, marked bool, err error) {
	if _, err := d.ReadToken(); err != nil {
		return nil, false, err
	}
	out = map[string]any{}
	for k := d.PeekKind(); k != '}' && k != 0; k = d.PeekKind() {
		t, err := d.ReadToken()
		if err != nil {
			return nil, false, err
		}
		name := t.String()
		if out[name], err = readValue(d); err != nil {
			return nil, false, err
		}
		marked = marked || strings.HasPrefix(name, "$")
	}
	_, err = d.ReadToken()
	return out, marked, err
}

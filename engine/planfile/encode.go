package planfile

import (
	"bytes"
	"errors"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"
)

// form is how records and values are written and read: equal ones have equal
// bytes, and what is no UTF-8 becomes the replacement character.
var form = json.JoinOptions(
	json.Deterministic(true), json.FormatNilSliceAsNull(true), jsonv1.FormatDurationAsNano(true),
	jsontext.EscapeForJS(true), jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true),
)

// appendLine writes a record or a value as a line.
func appendLine(b []byte, v any) ([]byte, error) {
	to := bytes.NewBuffer(b)
	if err := json.MarshalWrite(to, v, form); err != nil {
		return nil, err
	}
	return append(to.Bytes(), '\n'), nil
}

// AppendLine writes the value at the end of b, as a line that Values reads.
func (v Value) AppendLine(b []byte) ([]byte, error) { return appendLine(b, v) }

// decode reads the line of a record.
func decode(line []byte) (any, error) {
	switch typeOf(line) {
	case "header":
		return as[Header](line)
	case "send":
		return as[Send](line)
	case "local":
		return as[Local](line)
	case "item":
		return as[Item](line)
	case "step":
		return as[Step](line)
	case "row":
		return as[Row](line)
	case "leftOut":
		return as[LeftOut](line)
	case "optOut":
		return as[OptOut](line)
	case "end":
		return as[End](line)
	}
	return nil, errors.New("this is no record of a plan")
}

func as[T any](line []byte) (any, error) {
	var v T
	if err := json.Unmarshal(line, &v, form); err != nil {
		return nil, err
	}
	return v, nil
}

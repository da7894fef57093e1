package planfile

import (
	"errors"

	"github.com/go-json-experiment/json"
)

// decoder reads the lines of one file. Those that a plan has by the hundred
// thousand, and that stand as we write them, are read by a cursor; all others by
// what their types say. Both read the same.
type decoder struct {
	cursor cursor
	last   Send // the send before: what is the same in the next one is kept once
}

// decode reads the line of a record.
func (d *decoder) decode(line []byte) (any, error) {
	switch typeOf(line) {
	case "header":
		return as[Header](line)
	case "send":
		if r, ok := d.cursor.send(line, &d.last); ok {
			d.last = r
			return r, nil
		}
		return as[Send](line)
	case "local":
		return as[Local](line)
	case "item":
		if r, ok := d.cursor.item(line); ok {
			return r, nil
		}
		return as[Item](line)
	case "step":
		return as[Step](line)
	case "row":
		if r, ok := d.cursor.row(line); ok {
			return r, nil
		}
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

// stream reads the stream that the line of a row belongs to.
func (d *decoder) stream(line []byte) (string, error) {
	if name, ok := d.cursor.stream(line); ok {
		return name, nil
	}
	r, err := as[Row](line)
	row, _ := r.(Row)
	return row.Stream, err
}

// value reads the line of a value.
func (d *decoder) value(line []byte) (any, error) {
	if v, ok := d.cursor.lone(line); ok {
		return v, nil
	}
	var v Value
	err := json.Unmarshal(line, &v, form)
	return v.V, err
}

func as[T any](line []byte) (any, error) {
	var v T
	if err := json.Unmarshal(line, &v, form); err != nil {
		return nil, err
	}
	return v, nil
}

package planfile

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
)

// appendRecord writes a record as its line. The records of which a plan has
// many are written by hand, byte for byte as encoding/json writes them, at a
// tenth of its price; the others by it.
func appendRecord(b []byte, record any) ([]byte, error) {
	switch r := record.(type) {
	case Send:
		if r.Since == nil && r.LastWrote == nil && len(r.Known) == 0 {
			return appendSend(b, &r)
		}
	case Item:
		return appendItem(b, &r)
	case Row:
		b = appendText(append(b, `{"type":`...), r.Type)
		b = appendText(append(b, `,"stream":`...), r.Stream)
		b, err := appendValue(append(b, `,"value":`...), r.Value.V)
		return append(b, "}\n"...), err
	}
	line, err := marshal(record)
	return append(b, line...), err
}

// marshal writes a record by its type alone.
func marshal(record any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(record); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func appendSend(b []byte, r *Send) ([]byte, error) {
	b = appendText(append(b, `{"type":`...), r.Type)
	b = strconv.AppendInt(append(b, `,"seq":`...), r.Seq, 10)
	b = appendText(append(b, `,"step":`...), r.Step)
	b = strconv.AppendInt(append(b, `,"unit":`...), r.Unit, 10)
	if len(r.Item) > 0 {
		b = appendInts(append(b, `,"item":`...), r.Item)
	}
	b = appendText(append(b, `,"status":`...), r.Status)
	b = appendFilled(b, `,"reason":`, r.Reason)
	b = appendFilled(b, `,"rail":`, r.Rail)
	if r.Message != 0 {
		b = strconv.AppendInt(append(b, `,"messageId":`...), int64(r.Message), 10)
	}
	if r.Changed {
		b = append(b, `,"changed":true`...)
	}
	b = appendFilled(b, `,"identity":`, r.Identity)
	b = appendFilled(b, `,"formerStep":`, r.Former)
	b = appendFilled(b, `,"account":`, r.Account)
	b = appendFilled(b, `,"key":`, r.Key)
	b = appendFilled(b, `,"period":`, r.Period)
	if r.Contact != 0 {
		b = strconv.AppendInt(append(b, `,"contact":`...), int64(r.Contact), 10)
	}
	b = appendFilled(b, `,"zone":`, r.Zone)
	b = appendFilled(b, `,"content":`, r.Content)
	b = appendFilled(b, `,"textHash":`, r.TextHash)
	b, err := appendValues(b, `,"args":`, r.Args)
	if r.Internal {
		b = append(b, `,"internal":true`...)
	}
	b = appendFilled(b, `,"person":`, r.Person)
	return append(b, "}\n"...), err
}

func appendItem(b []byte, r *Item) ([]byte, error) {
	b = appendText(append(b, `{"type":`...), r.Type)
	b = appendText(append(b, `,"loop":`...), r.Loop)
	b = strconv.AppendInt(append(b, `,"unit":`...), r.Unit, 10)
	b = append(b, `,"item":`...)
	if r.Item == nil {
		b = append(b, "null"...)
	} else {
		b = appendInts(b, r.Item)
	}
	b = appendFilled(b, `,"status":`, r.Status)
	b = appendFilled(b, `,"reason":`, r.Reason)
	if len(r.Sends) > 0 {
		b = appendInts(append(b, `,"sends":`...), r.Sends)
	}
	b, err := appendValues(b, `,"outputs":`, r.Outputs)
	if err == nil {
		b, err = appendValues(b, `,"scope":`, r.Scope)
	}
	return append(b, "}\n"...), err
}

// appendFilled writes a text that has something in it, with its name.
func appendFilled(b []byte, name, text string) []byte {
	if text == "" {
		return b
	}
	return appendText(append(b, name...), text)
}

func appendInts[T int | int64](b []byte, list []T) []byte {
	b = append(b, '[')
	for i, n := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, int64(n), 10)
	}
	return append(b, ']')
}

// appendValues writes values by their names, unless there are none.
func appendValues(b []byte, name string, values map[string]Value) ([]byte, error) {
	if len(values) == 0 {
		return b, nil
	}
	b = append(append(b, name...), '{')
	for i, key := range slices.Sorted(maps.Keys(values)) {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = appendValue(append(appendText(b, key), ':'), values[key].V); err != nil {
			return b, err
		}
	}
	return append(b, '}'), nil
}

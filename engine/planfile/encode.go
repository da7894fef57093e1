package planfile

import (
	"bytes"
	"strconv"
	"time"

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

// appendLine writes a record or a value as a line. Those that a plan has by the
// hundred thousand are written member by member, the others by what their types
// say; both have the same form.
func appendLine(b []byte, v any) ([]byte, error) {
	w := writing{b: b}
	switch r := v.(type) {
	case Send:
		w.send(&r)
	case *Send:
		w.send(r)
	case Item:
		w.item(&r)
	case Row:
		w.row(&r)
	case Value:
		w.b, w.err = appendValue(w.b, r.V)
	default:
		return appendOther(b, v)
	}
	if w.err != nil {
		return nil, w.err
	}
	return append(w.b, '\n'), nil
}

// appendOther writes any record.
func appendOther(b []byte, v any) ([]byte, error) {
	to := bytes.NewBuffer(b)
	if err := json.MarshalWrite(to, v, form); err != nil {
		return nil, err
	}
	return append(to.Bytes(), '\n'), nil
}

// AppendLine writes the value at the end of b, as a line that Values reads.
func (v Value) AppendLine(b []byte) ([]byte, error) { return appendLine(b, v) }

// writing is a record on its way into a line. The members come in the order of
// the fields, and those with omitempty or omitzero only where they say something.
type writing struct {
	b   []byte
	err error
}

func (w *writing) send(r *Send) {
	w.begin(r.Type)
	w.whole("seq", r.Seq)
	w.text("step", r.Step)
	w.whole("unit", r.Unit)
	if len(r.Item) > 0 {
		w.path("item", r.Item)
	}
	w.text("status", r.Status)
	w.textIf("reason", r.Reason)
	w.textIf("rail", r.Rail)
	w.momentIf("since", r.Since)
	w.wholeIf("messageId", r.Message)
	w.trueIf("changed", r.Changed)
	w.textIf("identity", r.Identity)
	w.textIf("formerStep", r.Former)
	w.textIf("account", r.Account)
	w.textIf("key", r.Key)
	w.textIf("period", r.Period)
	w.wholeIf("contact", r.Contact)
	w.textIf("zone", r.Zone)
	w.textIf("content", r.Content)
	w.textIf("textHash", r.TextHash)
	w.valuesIf("args", r.Args)
	w.trueIf("internal", r.Internal)
	w.textIf("person", r.Person)
	w.textsIf("known", r.Known)
	w.momentIf("lastWrote", r.LastWrote)
	w.end()
}

func (w *writing) item(r *Item) {
	w.begin(r.Type)
	w.text("loop", r.Loop)
	w.whole("unit", r.Unit)
	w.path("item", r.Item)
	w.textIf("status", r.Status)
	w.textIf("reason", r.Reason)
	if len(r.Sends) > 0 {
		w.name("sends")
		w.b = appendWhole(w.b, r.Sends)
	}
	w.valuesIf("outputs", r.Outputs)
	w.valuesIf("scope", r.Scope)
	w.end()
}

func (w *writing) row(r *Row) {
	w.begin(r.Type)
	w.text("stream", r.Stream)
	w.name("value")
	w.b, w.err = appendValue(w.b, r.Value.V)
	w.end()
}

func (w *writing) begin(kind string) {
	w.b = appendText(append(w.b, `{"type":`...), kind)
}

func (w *writing) end() { w.b = append(w.b, '}') }

// name writes the name of a member, which needs no escaping.
func (w *writing) name(name string) {
	w.b = append(append(append(w.b, `,"`...), name...), `":`...)
}

func (w *writing) text(name, s string) {
	w.name(name)
	w.b = appendText(w.b, s)
}

func (w *writing) textIf(name, s string) {
	if s != "" {
		w.text(name, s)
	}
}

func (w *writing) whole(name string, n int64) {
	w.name(name)
	w.b = strconv.AppendInt(w.b, n, 10)
}

func (w *writing) wholeIf(name string, n int) {
	if n != 0 {
		w.whole(name, int64(n))
	}
}

func (w *writing) trueIf(name string, is bool) {
	if is {
		w.name(name)
		w.b = append(w.b, "true"...)
	}
}

func (w *writing) momentIf(name string, t *time.Time) {
	if t == nil || w.err != nil {
		return
	}
	w.name(name)
	w.b = append(w.b, '"')
	w.b, w.err = t.AppendText(w.b)
	w.b = append(w.b, '"')
}

func (w *writing) path(name string, item []int) {
	w.name(name)
	w.b = appendWhole(w.b, item)
}

func appendWhole[T int | int64](b []byte, list []T) []byte {
	if list == nil {
		return append(b, "null"...)
	}
	b = append(b, '[')
	for i, n := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, int64(n), 10)
	}
	return append(b, ']')
}

func (w *writing) textsIf(name string, list []string) {
	if len(list) == 0 {
		return
	}
	w.name(name)
	for i, s := range list {
		w.b = append(w.b, "[,"[min(i, 1)])
		w.b = appendText(w.b, s)
	}
	w.b = append(w.b, ']')
}

func (w *writing) valuesIf(name string, x Members) {
	if len(x) == 0 || w.err != nil {
		return
	}
	w.name(name)
	w.b, w.err = appendMembers(w.b, x)
}

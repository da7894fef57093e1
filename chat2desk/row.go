package chat2desk

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// row reads one record of an answer leniently: numbers may be strings, "" is no
// data, ids of others may be text. What cannot be the field at all (a time that
// is none, a number with letters) is an error naming the field, and never nil:
// nil would make filters such as "silent for 30 days" quietly wrong. The first
// error is kept in err.
type row struct {
	what   string // "client", "message", …
	fields object
	err    error
}

// fail keeps the first error of the row.
func (r *row) fail(field, want string, got any) {
	if r.err != nil {
		return
	}
	who := r.what
	if id := scalar(r.fields.get("id")); id != "" && field != "id" {
		who += " " + id
	}
	r.err = fmt.Errorf("%s: %s is %s, not %s", who, field, quote(got), want)
}

// quote shows a foreign value in a message.
func quote(v any) string {
	if v == nil {
		return "missing"
	}
	text := scalar(v)
	if _, isText := v.(string); text == "" && !isText {
		raw, _ := json.Marshal(v)
		text = string(raw)
	}
	if r := []rune(text); len(r) > 60 {
		text = string(r[:60]) + "…"
	}
	return strconv.Quote(text)
}

// scalar is the text of a string, number or boolean, and "" for all else.
func scalar(v any) string {
	switch x := v.(type) {
	case string:
		return x
	case json.Number:
		return x.String()
	case bool:
		return strconv.FormatBool(x)
	}
	return ""
}

// text is a field that is text.
func (r *row) text(field string) *string { return textOf(r.fields.get(field)) }

// textOf takes numbers as written, and objects and lists that hold something as
// compact JSON. What is blank is nil.
func textOf(v any) *string {
	s := scalar(v)
	switch x := v.(type) {
	case object:
		if len(x) > 0 {
			s = compact(x)
		}
	case []any:
		if len(x) > 0 {
			s = compact(x)
		}
	}
	if strings.TrimSpace(s) == "" {
		return nil
	}
	text := s // here, so that only a text that is there costs memory
	return &text
}

func compact(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(raw)
}

// name is text of which "unknown" in any case means that there is none.
func (r *row) name(field string) *string {
	s := r.text(field)
	if s != nil && strings.EqualFold(strings.TrimSpace(*s), "unknown") {
		return nil
	}
	return s
}

// plain is text of which nil is "".
func (r *row) plain(field string) string {
	if s := r.text(field); s != nil {
		return *s
	}
	return ""
}

// num is a whole number, also when written "7", "7.0" or 7e0.
func (r *row) num(field string) *int {
	v := r.fields.get(field)
	if v == nil {
		return nil
	}
	if n, ok := wholeNumber(v); ok {
		return &n
	}
	if s, isText := v.(string); isText && strings.TrimSpace(s) == "" {
		return nil
	}
	r.fail(field, "a whole number", v)
	return nil
}

// id is a whole number that must be there and above zero.
func (r *row) id(field string) int {
	n, ok := wholeNumber(r.fields.get(field))
	if !ok || n <= 0 {
		r.fail(field, "an id", r.fields.get(field))
		return 0
	}
	return n
}

func wholeNumber(v any) (int, bool) {
	switch v.(type) {
	case string, json.Number:
	default:
		return 0, false
	}
	s := strings.TrimSpace(scalar(v))
	if n, err := strconv.Atoi(s); err == nil {
		return n, true
	}
	// Only what a float holds exactly: a rounded id would be somebody else's.
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0, false
	}
	return int(f), true
}

// flag is a truth value: true, 1, "1", "yes" and their opposites.
func (r *row) flag(field string) *bool {
	v := r.fields.get(field)
	var b bool
	switch strings.ToLower(strings.TrimSpace(scalar(v))) {
	case "true", "1", "yes", "1.0":
		b = true
	case "false", "0", "no", "0.0":
	case "":
		if _, isText := v.(string); v != nil && !isText {
			r.fail(field, "yes or no", v)
		}
		return nil
	default:
		r.fail(field, "yes or no", v)
		return nil
	}
	return &b
}

// moment is a time in any of the API's forms, those without a zone read in zone.
// 0 and the zero date of databases mean none.
func (r *row) moment(field string, zone *time.Location) *time.Time {
	v := r.fields.get(field)
	s := strings.TrimSpace(scalar(v))
	if s == "" || s == "0" || strings.HasPrefix(s, "0000-00-00") {
		switch v.(type) {
		case nil, string, json.Number:
		default:
			r.fail(field, "a time", v)
		}
		return nil
	}
	t, ok := parseTime(s, zone)
	if !ok {
		r.fail(field, "a time", v)
		return nil
	}
	return &t
}

// labels is an object of texts; {} , [] and "" are none. Values that are no
// scalars are given as compact JSON, and absent ones are left out.
func (r *row) labels(field string) map[string]string {
	switch x := r.fields.get(field).(type) {
	case object:
		out := make(map[string]string, len(x))
		for k, v := range x.byName() {
			if s := textOf(v); s != nil {
				out[k] = *s
			}
		}
		if len(out) == 0 {
			return nil
		}
		return out
	case nil, string:
		return nil
	case []any:
		if len(x) == 0 {
			return nil
		}
	}
	r.fail(field, "an object", r.fields.get(field))
	return nil
}

// rows is a list of objects; null, "" and {} are none, a lone object is one.
func (r *row) rows(field, what string) []*row {
	return rowsOf(r.fields.get(field), what, func() { r.fail(field, "a list", r.fields.get(field)) })
}

func rowsOf(v any, what string, fail func()) []*row {
	var out []*row
	switch x := v.(type) {
	case nil:
	case string:
		if strings.TrimSpace(x) != "" {
			fail()
		}
	case object:
		if len(x) > 0 {
			out = append(out, &row{what: what, fields: x})
		}
	case []any:
		rows := make([]row, len(x))
		out = make([]*row, len(x))
		for i, e := range x {
			m, ok := e.(object)
			if !ok {
				fail()
				return nil
			}
			rows[i] = row{what: what, fields: m}
			out[i] = &rows[i]
		}
	default:
		fail()
	}
	return out
}

// texts is a list of texts; a lone text is one.
func (r *row) texts(field string) []string {
	var out []string
	switch x := r.fields.get(field).(type) {
	case []any:
		for _, e := range x {
			if s := scalar(e); s != "" {
				out = append(out, s)
			}
		}
	case string:
		if x != "" {
			out = append(out, x)
		}
	}
	return out
}

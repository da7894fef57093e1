package chat2desk

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"time"
)

// answer is a decoded body: the envelope, whatever shape it came in.
type answer struct {
	fields object // the top object; nil for a bare array
	data   any    // the data member; of a bare array the array; of a bare object the object
	has    bool   // there was a data member, or there is no envelope at all
	total  *int
	limit  *int
	took   time.Duration // from the beginning of the call until the answer was read
}

// decodeAnswer reads a body, whatever its content type says. Only an object or
// an array is an answer. fields are those to keep of each record, nil is all.
func decodeAnswer(body []byte, fields []string) (answer, error) {
	v, err := parseJSON(bytes.TrimPrefix(body, []byte("\ufeff")), fields)
	if err != nil {
		return answer{}, err
	}
	switch x := v.(type) {
	case []any:
		return answer{data: x, has: true}, nil
	case object:
		a := answer{fields: x}
		if a.data, a.has = x.find("data"); !a.has && x.get("status") == nil && x.get("error") == nil && x.get("errors") == nil && x.get("meta") == nil {
			a.data, a.has = x, true
		}
		if meta, ok := x.get("meta").(object); ok {
			m := row{what: "meta", fields: meta}
			a.total, a.limit = m.num("total"), m.num("limit")
		}
		return a, nil
	}
	return answer{}, errNotJSON
}

// status is the envelope's own verdict in lower case, the inner one of
// {"data":{"status":"error"}} included.
func (a answer) status() string {
	s := strings.ToLower(strings.TrimSpace(scalar(a.fields.get("status"))))
	if inner := a.inner(); s != "error" && inner != nil && strings.EqualFold(scalar(inner.get("status")), "error") {
		return "error"
	}
	return s
}

// inner is data when it is an object that reports an error.
func (a answer) inner() object {
	m, ok := a.fields.get("data").(object)
	if ok && strings.EqualFold(scalar(m.get("status")), "error") {
		return m
	}
	return nil
}

// failed reports whether the body itself says that the call failed.
func (a answer) failed() bool {
	switch s := a.status(); {
	case s == "error" || s == "fail" || s == "failed":
		return true
	case s == "success" || s == "ok":
		return false
	}
	return filled(a.fields.get("error")) || filled(a.fields.get("errors"))
}

// shaped reports whether the body is an error as this API writes them.
func (a answer) shaped() bool {
	return a.failed() || filled(a.fields.get("message")) || filled(a.fields.get("error")) || filled(a.fields.get("errors"))
}

// namesField reports whether errors is an object: the API names the parameter
// that it refuses.
func (a answer) namesField() bool {
	for _, m := range []object{a.fields, a.inner()} {
		if e, ok := m.get("errors").(object); ok && len(e) > 0 {
			return true
		}
	}
	return false
}

// words is what the body says about a failure: message, errors, error.
func (a answer) words() string {
	var out []string
	add := func(s string) {
		if s = strings.TrimSpace(s); s != "" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	for _, m := range []object{a.fields, a.inner()} {
		for _, key := range []string{"message", "errors", "error"} {
			flatten(m.get(key), "", add)
		}
	}
	return strings.Join(out, "; ")
}

// flatten gives the texts inside v, each after the names that lead to it.
func flatten(v any, path string, add func(string)) {
	switch x := v.(type) {
	case object:
		all := x.byName()
		for _, k := range slices.Sorted(maps.Keys(all)) {
			flatten(all[k], k+": ", add)
		}
	case []any:
		for _, e := range x {
			flatten(e, path, add)
		}
	default:
		if s := strings.TrimSpace(scalar(v)); s != "" {
			add(path + s)
		}
	}
}

func filled(v any) bool {
	switch x := v.(type) {
	case object:
		return len(x) > 0
	case []any:
		return len(x) > 0
	case bool:
		return x
	}
	return strings.TrimSpace(scalar(v)) != ""
}

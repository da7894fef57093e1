package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// params are the parameters of a call: the API takes them from the query, from
// a form or from a JSON body alike; the body wins.
type params map[string]any

// readParams collects the parameters of a request.
func readParams(r *http.Request, body []byte) (params, error) {
	if r.URL.RawQuery == "" && len(body) == 0 {
		return nil, nil
	}
	p := params{}
	p.add(r.URL.Query())
	if len(bytes.TrimSpace(body)) == 0 {
		return p, nil
	}
	if body = bytes.TrimSpace(body); body[0] == '{' {
		d := json.NewDecoder(bytes.NewReader(body))
		d.UseNumber()
		var v map[string]any
		if err := d.Decode(&v); err != nil {
			return nil, errors.New("wrong JSON in request body")
		}
		for k, v := range v {
			p[k] = v
		}
		return p, nil
	}
	form, err := url.ParseQuery(string(body))
	if err != nil || strings.Contains(r.Header.Get("Content-Type"), "json") {
		return nil, errors.New("wrong request body")
	}
	p.add(form)
	return p, nil
}

// add takes "a=1" as text and "a[]=1" as a list.
func (p params) add(values url.Values) {
	for k, v := range values {
		if name, ok := strings.CutSuffix(k, "[]"); ok {
			list := make([]any, len(v))
			for i := range v {
				list[i] = v[i]
			}
			p[name] = list
		} else {
			p[k] = v[len(v)-1]
		}
	}
}

// has says whether a parameter is there and not empty.
func (p params) has(name string) bool {
	switch v := p[name].(type) {
	case nil:
		return false
	case string:
		return strings.TrimSpace(v) != ""
	case []any:
		return len(v) > 0
	}
	return true
}

// text gives a parameter as text; numbers are written out.
func (p params) text(name string) string { return asText(p[name]) }

func asText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

// number gives a parameter as an integer, from a number or from digits.
func (p params) number(name string) (int64, bool) {
	n, err := strconv.ParseInt(strings.TrimSpace(p.text(name)), 10, 64)
	return n, err == nil
}

// bool understands what forms and JSON say for yes and no.
func (p params) bool(name string, absent bool) bool {
	switch strings.ToLower(p.text(name)) {
	case "true", "1", "yes":
		return true
	case "false", "0", "no":
		return false
	}
	return absent
}

// numbers gives a list of integers: a JSON list, a form's list, or "1,2".
// What is no number is left out.
func (p params) numbers(name string) []int64 {
	var parts []string
	switch v := p[name].(type) {
	case []any:
		for _, one := range v {
			parts = append(parts, asText(one))
		}
	default:
		parts = strings.Split(p.text(name), ",")
	}
	var out []int64
	for _, one := range parts {
		if n, err := strconv.ParseInt(strings.TrimSpace(one), 10, 64); err == nil {
			out = append(out, n)
		}
	}
	return out
}

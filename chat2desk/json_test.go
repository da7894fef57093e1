package chat2desk

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// standardJSON reads a body with encoding/json, which parseJSON must agree with.
func standardJSON(body []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	switch err := d.Decode(&v); {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, errCutOff
	case err != nil:
		return nil, errNotJSON
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errNotJSON
	}
	return v, nil
}

// keepOnly drops of each record what was not wanted.
func keepOnly(v any, fields []string) any {
	list, isList := v.([]any)
	if top, ok := v.(map[string]any); ok {
		if data, ok := top["data"].([]any); ok {
			top["data"] = keepOnly(data, fields)
		}
	}
	for _, e := range list {
		if record, ok := e.(map[string]any); ok && isList {
			for name := range record {
				if !slices.Contains(fields, name) {
					delete(record, name)
				}
			}
		}
	}
	return v
}

// mapped is what encoding/json would have made of a body that was read.
func mapped(v any) any {
	switch x := v.(type) {
	case object:
		all := x.byName()
		for name := range all {
			all[name] = mapped(all[name])
		}
		return all
	case []any:
		for i := range x {
			x[i] = mapped(x[i])
		}
	}
	return v
}

func requireLikeStandard(t *testing.T, body []byte) {
	t.Helper()
	want, wantErr := standardJSON(body)
	got, err := parseJSON(body, nil)
	requireLikeError(t, wantErr, err, body)
	require.Equal(t, want, mapped(got), "%.200q", body)
	fields := []string{"id", "é", "name"}
	got, err = parseJSON(body, fields)
	requireLikeError(t, wantErr, err, body)
	if err == nil {
		require.Equal(t, keepOnly(want, fields), mapped(got), "%.200q", body)
	}
}

// requireLikeError leaves open which of two faults is told of a body that is wrong
// and broke off too.
func requireLikeError(t *testing.T, want, got error, body []byte) {
	t.Helper()
	if errors.Is(want, errNotJSON) {
		require.Error(t, got, "%.200q", body)
		return
	}
	require.Equal(t, want, got, "%.200q", body)
}

var jsonSeeds = []string{
	``, ` `, `{}`, `[]`, `null`, `12`, `"a"`, `{"data":[]}`, `{"data":{}}`, `{"data":null}`, `[1,{"id":2,"x":3},[{"id":4,"x":5}]]`,
	`{"data":[{"id":1,"name":"Ann","x":{"id":[1,2,{"a":null}]}},7,null,[{"x":1}]],"meta":{"total":"3"},"status":"success"}`,
	`{"data":[{"id":1}],"data":[{"id":2,"id":3,"x":1,"x":2}]}`, `{"data":[{"id":1,"x":[}]}`, `{"data":[{"x":"a` + "\n" + `"}]}`,
	`{"data":[{"x":1e5,"id":-0.5E-7,"name":0}]}`, `{"data":[{"x":01}]}`, `{"data":[{"x":1.}]}`, `{"data":[{"x":-}]}`, `{"data":[{"x":1e}]}`,
	`{"data":[{"\u0069d":1,"\u00e9":"\ud83d\ude00\ud83d","name":"\\\"\/\b\f\n\r\t\u0000"}]}`, `{"data":[{"x":"\ud800\u0041","id":"\ud800A"}]}`,
	`{"data":[{"x":"\x"}]}`, `{"data":[{"x":"\u12G4"}]}`, `{"data":[{"x":"\u12`, `{"a":tru`, `{"a":trux}`, `{"a":false,"b":nul`, `{"a":-`, `[1 2]`,
	`{"a" 1}`, `{"a":1,}`, `[1,]`, `{1:2}`, `{"a":1}x`, `0"`, `{"a":1}{}`, "{\"a\":\"\xff\xc3\x28\"}", "{\"data\":[{\"\xff\":1,\"id\":\"\xffA\\n\"}]}",
	` { "data" : [ { "id" : 1 , "x" : [ ] } , { } ] } `, `{"data":[{"id":1`, `{"data":[{"id"`, `{"data":[`, `{"data"`, `{`, `[`, `"`, `"\`, `{"\u`,
}

func TestJSONIsReadAsByTheStandardLibrary(t *testing.T) {
	for _, body := range jsonSeeds {
		requireLikeStandard(t, []byte(body))
		for cut := range len(body) {
			requireLikeStandard(t, []byte(body[:cut]))
		}
	}
	for _, deep := range []int{9_998, 9_999, 10_000, 10_001} {
		requireLikeStandard(t, []byte(strings.Repeat("[", deep)+strings.Repeat("]", deep)))
		requireLikeStandard(t, []byte(`{"data":[{"x":`+strings.Repeat(`{"a":`, deep-3)+"1"+strings.Repeat("}", deep-3)+"}]}"))
	}
}

func FuzzParseJSON(f *testing.F) {
	for _, body := range jsonSeeds {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) { requireLikeStandard(t, body) })
}

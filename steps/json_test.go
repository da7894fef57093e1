package steps

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/step"
)

func TestReadJSON(t *testing.T) {
	fields := types("id", "integer", "n", "number", "name", "string", "ok", "boolean", "at", "date", "wait", "duration", "more", "any")
	_, ctx := newHost(t)
	zone := step.HostOf(ctx).Zone()
	typed := obj{"id": 1, "n": 2.0, "name": "Ann", "ok": true, "at": time.Date(2026, 1, 31, 0, 0, 0, 0, zone), "wait": 90 * time.Minute, "more": []any{1}}
	empty := obj{"id": nil, "n": nil, "name": nil, "ok": nil, "at": nil, "wait": nil, "more": nil}
	record := `{"id": 1, "n": 2, "name": "Ann", "ok": true, "at": "31.01.2026", "wait": "1h30m", "more": [1], "other": 5}`
	tests := []struct {
		name, file string
		args       obj
		out        string
		want       any
	}{
		{"value", `{"a": [1, 1.5, "x", true, null, 1e3, 12345678901234567890]}`, nil, "value", obj{"a": []any{1, 1.5, "x", true, nil, 1000.0, 12345678901234567890.0}}},
		{"byte order mark", "\ufeff[1]\n", nil, "value", []any{1}},
		{"lines", "{\"a\": 1}\n\n2\r\n\"x\"", obj{"lines": true}, "rows", []any{obj{"a": 1}, 2, "x"}},
		{"lines with a byte order mark", "\ufeff1\n", obj{"lines": true}, "rows", []any{1}},
		{"no lines", "", obj{"lines": true}, "rows", []any{}},
		{"typed lines", record + "\n{}\n", obj{"lines": true, "type": fields}, "rows", []any{typed, empty}},
		{"typed list", "\ufeff[" + record + ", {}]\n", obj{"type": fields}, "rows", []any{typed, empty}},
		{"typed number with a fraction", `[{"n": 1.5}]`, obj{"type": types("n", "number")}, "rows", []any{obj{"n": 1.5}}},
		{"empty list", "[]", obj{"type": fields}, "rows", []any{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, ctx := newHost(t)
			h.put(t, "data.json", tt.file)
			args := obj{"path": "data.json"}
			for k, v := range tt.args {
				args[k] = v
			}
			outs, err := kind(t, "read_json").Run(ctx, args)
			require.NoError(t, err)
			if tt.out == "value" {
				require.Equal(t, tt.want, outs["value"])
				return
			}
			require.Equal(t, tt.want, drain(t, outs, "rows"))
		})
	}
}

// A name in type that the file does not have is told, since a JSON file may leave
// fields out where a CSV file cannot.
func TestReadJSONTellsOfFieldsThatNobodyHas(t *testing.T) {
	for _, lines := range []bool{false, true} {
		h, ctx := newHost(t)
		h.put(t, "data.json", map[bool]string{false: `[{"phone": "1"}, {"name": null}]`, true: "{\"phone\": \"1\"}\n{\"name\": null}\n"}[lines])
		outs, err := kind(t, "read_json").Run(ctx, obj{"path": "data.json", "lines": lines, "type": types("phone", "string", "nam", "string", "name", "string")})
		require.NoError(t, err)
		require.Len(t, drain(t, outs, "rows"), 2)
		require.Equal(t, []string{"data.json: no record has the field nam; it is nil in all of them"}, h.warned)
	}
	h, ctx := newHost(t)
	h.put(t, "data.json", "[]")
	outs, err := kind(t, "read_json").Run(ctx, obj{"path": "data.json", "type": types("phone", "string")})
	require.NoError(t, err)
	require.Empty(t, drain(t, outs, "rows"))
	require.Empty(t, h.warned)
}

func TestReadJSONErrors(t *testing.T) {
	tests := []struct {
		name, file string
		args       obj
		want       string
	}{
		{"broken", "{\n  \"é\": 1,,\n}", nil, "data.json:2:10: is no JSON: "},
		{"ends too early", "{\"a\": [1", nil, "data.json:1:9: is no whole JSON: it ends too early"},
		{"empty", "", nil, "data.json:1:1: is no whole JSON: it ends too early"},
		{"two values", "1\n2\n", nil, "data.json:2:1: something follows the value; for one value a line set lines: true"},
		{"no UTF-8", "\"\xff\"", nil, "data.json:1: is not encoded as UTF-8; save it as UTF-8"},
		{"no UTF-8 in a list", "[{\"a\": \"x\"},\n {\"a\": \"\xc0\xed\xed\xe0\"}]", obj{"type": types("a", "string")}, "data.json: is not encoded as UTF-8, somewhere after byte 12; save it as UTF-8"},
		{"no UTF-8 in a line", "1\n\"\xff\"\n", obj{"lines": true}, "data.json:2: is not encoded as UTF-8; save it as UTF-8"},
		{"broken line", "1\n{\n", obj{"lines": true}, "data.json:2:2: is no whole JSON: it ends too early"},
		{"line with two values", "1\n2 3\n", obj{"lines": true}, "data.json:2:3: something follows the value"},
		{"list wanted", "{}", obj{"type": types("a", "any")}, "data.json: is no list of records; for one record a line set lines: true, for a single value leave type out"},
		{"list with no end", "[{}", obj{"type": types("a", "any")}, "data.json: is no JSON at byte 3: it ends too early"},
		{"broken list", "[{}, {]", obj{"type": types("a", "any")}, "data.json: is no JSON at byte "},
		{"no list at all", "", obj{"type": types("a", "any")}, "data.json: is no JSON at byte 0: it ends too early"},
		{"list and more", "[] 1", obj{"type": types("a", "any")}, "data.json: something follows the list at byte "},
		{"no record", "[1]", obj{"type": types("a", "any")}, `data.json: record 1: is no record; type needs records`},
		{"wrong type", `[{"n": 1}, {"n": "x"}]`, obj{"type": types("n", "integer")}, `data.json: record 2: field n: "x" is no integer`},
		{"fraction for an integer", `{"n": 1.5}`, obj{"type": types("n", "integer"), "lines": true}, `data.json:1: field n: 1.5 is no integer`},
		{"truth for a text", `[{"n": true}]`, obj{"type": types("n", "string")}, `data.json: record 1: field n: true is no string`},
		{"list for a text", `[{"n": [1]}]`, obj{"type": types("n", "string")}, `data.json: record 1: field n: [1] is no string`},
		{"integer for a text", `[{"n": 1}]`, obj{"type": types("n", "string")}, `data.json: record 1: field n: 1 is no string`},
		{"bad date", `[{"n": "soon"}]`, obj{"type": types("n", "date")}, `data.json: record 1: field n: "soon" is no date`},
		{"long line", strings.Repeat(" ", maxLine+1), obj{"lines": true}, "data.json: has a line longer than 16 MiB"},
		{"too large", strings.Repeat(" ", maxDocument+1), nil, "data.json: is larger than 64 MiB, which is all that is read as one value; set type"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, ctx := newHost(t)
			h.put(t, "data.json", tt.file)
			args := obj{"path": "data.json"}
			for k, v := range tt.args {
				args[k] = v
			}
			outs, err := kind(t, "read_json").Run(ctx, args)
			if err == nil {
				_, err = drainErr(t, outs, "rows")
			}
			require.ErrorContains(t, err, tt.want)
		})
	}
}

func TestWriteJSON(t *testing.T) {
	noon := time.Date(2026, 1, 1, 9, 0, 0, 0, time.UTC)
	tests := []struct {
		name string
		args obj
		want string
	}{
		{"value", obj{"value": obj{"b": noon, "a": []any{1, 1.5, 1e21, "<é>", nil, true, 36 * time.Hour}}}, "{\"a\":[1,1.5,1000000000000000000000,\"<é>\",null,true,\"1d12h\"],\"b\":\"2026-01-01T12:00:00+03:00\"}\n"},
		{"nil", obj{"value": nil}, "null\n"},
		{"a stream as value", obj{"value": step.StreamList([]any{1, 2})}, "[1,2]\n"},
		{"rows", obj{"rows": []any{obj{"a": 1}, obj{"a": 2}}}, "[\n  {\"a\":1},\n  {\"a\":2}\n]\n"},
		{"lines", obj{"rows": []any{obj{"a": 1}, obj{"a": 2}}, "lines": true}, "{\"a\":1}\n{\"a\":2}\n"},
		{"no rows", obj{"rows": []any{}}, "[]\n"},
		{"no lines", obj{"rows": []any{}, "lines": true}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, ctx := newHost(t)
			tt.args["path"] = "out/data.json"
			outs, err := kind(t, "write_json").Run(ctx, tt.args)
			require.NoError(t, err)
			require.Equal(t, obj{"path": "out/data.json"}, outs)
			require.Equal(t, tt.want, h.get(t, "out/data.json"))
		})
	}
}

func TestWriteJSONErrors(t *testing.T) {
	inf := 1.0
	for range 2000 {
		inf *= 10
	}
	tests := []struct {
		name string
		args obj
		want string
	}{
		{"both", obj{"value": 1, "rows": []any{}}, "value or rows must be given, one of them and not both"},
		{"secret", obj{"value": obj{"a": step.NewSecret("x")}}, "value is a secret; secrets are never shown or written"},
		{"secret in rows", obj{"rows": []any{1, step.NewSecret("x")}}, "rows, record 2: is a secret; secrets are never shown or written"},
		{"infinity", obj{"value": inf}, "value is no finite number"},
		{"broken source", obj{"rows": broken(1)}, "broken source"},
		{"broken value", obj{"value": broken(1)}, "value broken source"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, ctx := newHost(t)
			h.put(t, "data.json", "old")
			tt.args["path"] = "data.json"
			_, err := kind(t, "write_json").Run(ctx, tt.args)
			require.EqualError(t, err, tt.want)
			require.Equal(t, "old", h.get(t, "data.json"), "the old file is still there")
		})
	}
}

func TestPrint(t *testing.T) {
	tests := []struct {
		name    string
		message any
		want    string
	}{
		{"text", "Привет 👩‍👧!", "Привет 👩‍👧!\n"},
		{"one line", "a\nb\r\tc", `a\nb\r\tc` + "\n"},
		{"a block text", "a\nb\n\n", `a\nb` + "\n"},
		{"escape sequences", "\x1b[31mred\u009b", `\u001b[31mred\u009b` + "\n"},
		{"writing direction", "a\u202eb\u2028", `a\u202eb\u2028` + "\n"},
		{"broken UTF-8", "a\xffb", "a\uFFFDb\n"},
		{"nil", nil, "nil\n"},
		{"integer", 7, "7\n"},
		{"number", 2.5, "2.5\n"},
		{"truth", true, "true\n"},
		{"record", obj{"a": []any{1}}, "{\"a\":[1]}\n"},
		{"duration", 49 * time.Hour, "2d1h\n"},
		{"short duration", 90*time.Second + 500*time.Millisecond, "1m30.5s\n"},
		{"secret", step.NewSecret("hunter2"), "***\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, ctx := newHost(t)
			_, err := kind(t, "print").Run(ctx, obj{"message": tt.message})
			require.NoError(t, err)
			require.Equal(t, tt.want, h.out.String())
		})
	}
	h, ctx := newHost(t)
	_, err := kind(t, "print").Run(ctx, obj{"message": []any{step.NewSecret("hunter2")}})
	require.EqualError(t, err, "message is a secret; secrets are never shown or written")
	require.Empty(t, h.out.String())
}

func FuzzReadJSON(f *testing.F) {
	f.Add([]byte(`{"a": [1, 2.5, "x", null]}`), false)
	f.Add([]byte("{\"a\":1}\n2\n"), true)
	f.Add([]byte("[{\"a\":"), true)
	f.Fuzz(func(t *testing.T, data []byte, lines bool) {
		h, ctx := newHost(t)
		h.put(t, "data.json", string(data))
		outs, err := kind(t, "read_json").Run(ctx, obj{"path": "data.json", "lines": lines})
		if err == nil && lines {
			_, err = drainErr(t, outs, "rows")
		} else if err == nil {
			_, err := kind(t, "write_json").Run(ctx, obj{"path": "again.json", "value": outs["value"]})
			if err == nil {
				again, err := kind(t, "read_json").Run(ctx, obj{"path": "again.json"})
				require.NoError(t, err)
				require.Equal(t, keyOf(outs["value"]), keyOf(again["value"]))
			}
		}
		if err != nil {
			require.Contains(t, err.Error(), "data.json")
		}
	})
}

package planfile

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// pick chooses one of those that break JSON, or none.
func pick[T any](r *rand.Rand, from ...T) (v T) {
	if r.IntN(3) > 0 {
		v = from[r.IntN(len(from))]
	}
	return v
}

func someText(r *rand.Rand) string {
	return pick(r, "send", "a\"b\\c", "line\nline\t\r\b\f\x00\x7f", "Привет, 世界 🙂", "<b>&amp;</b>", "\u2028 \u2029 \u2027 \ufffd", "$time")
}

func someValues(r *rand.Rand) Members {
	if r.IntN(4) == 0 {
		return nil
	}
	all := Members{}
	for range r.IntN(4) {
		all[someText(r)] = pick[any](r, 1, -7, 1.5, "x", true, []any{1, nil}, map[string]any{"a": 1, "$b": "c"},
			time.Unix(1e9, 5).UTC(), 36*time.Hour, StreamMark("a.b"))
	}
	return all
}

func someRecord(r *rand.Rand) any {
	item := pick(r, []int{0}, []int{4, 2}, []int{})
	switch r.IntN(3) {
	case 0:
		at := time.Unix(1e9, 0).UTC()
		return Send{
			Type: "send", Seq: r.Int64N(9), Step: someText(r), Unit: r.Int64N(3), Item: item, Status: someText(r), Reason: someText(r),
			Since: pick(r, &at), Message: r.IntN(2), Changed: r.IntN(2) == 0, Identity: someText(r), Former: someText(r), Account: someText(r), Key: someText(r),
			Period: someText(r), Contact: r.IntN(3), Zone: someText(r), Content: someText(r), TextHash: someText(r), Args: someValues(r),
			Rail: someText(r), Internal: r.IntN(2) == 0, Person: someText(r), LastWrote: pick(r, &at), Known: pick(r, []string{"ab", "cd"}),
		}
	case 1:
		return Item{
			Type: "item", Loop: someText(r), Unit: r.Int64N(3), Item: item, Status: someText(r), Reason: someText(r),
			Sends: pick(r, []int64{1}, []int64{3, 4}), Outputs: someValues(r), Scope: someValues(r),
		}
	}
	return Row{Type: "row", Stream: someText(r), Value: Value{V: someText(r)}}
}

// TestRecordsAreWrittenAsEncodingJSONWritesThem: other programs read plans.
func TestRecordsAreWrittenAsEncodingJSONWritesThem(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		record := someRecord(r)
		var want strings.Builder
		e := json.NewEncoder(&want)
		e.SetEscapeHTML(false)
		require.NoError(t, e.Encode(record))
		got, err := appendLine([]byte("before"), record)
		require.NoError(t, err)
		require.Equal(t, "before"+want.String(), string(got))
	}
	for _, record := range []any{Send{Args: Members{"a": struct{}{}}}, Item{Scope: Members{"a": t}}, Row{Value: Value{V: 1i}}} {
		_, err := appendLine(nil, record)
		require.ErrorContains(t, err, "has no form in a plan")
	}
}

// TestRecordsComeBack reads what was written to what it was.
func TestRecordsComeBack(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 5000 {
		line, err := appendLine(nil, someRecord(r))
		require.NoError(t, err)
		record, err := (&decoder{}).decode(line)
		require.NoError(t, err, "%s", line)
		again, err := appendLine(nil, record)
		require.NoError(t, err)
		require.Equal(t, string(line), string(again))
	}
}

func TestRecordsThatAreNone(t *testing.T) {
	for _, line := range []string{
		`{"type":"send","seq":1.0}`, `{"type":"send","args":{"a":{"$time":"x"}}}`, `{"type":"send","seq":9223372036854775808}`,
		`{"type":"send","item":[1,"2"]}`, `{"type":"send","args":[1]}`, `{"type":"send","args":"a"}`, `{"type":"local","args":7}`, `{"type":"row","stream":"s","value":1} {}`, `{"type":"row","stream":"s","value":1`, `{"type":"row"`,
		`{"type":"row","stream":"s","value":nul}`, `{"type":"item","sends":[1.5]}`, `{"type":"note"}`, `{"seq":1}`, ``,
	} {
		_, err := (&decoder{}).decode([]byte(line))
		require.Error(t, err, "%s", line)
	}
}

// What is accepted says the same when it is written again.
func FuzzRecord(f *testing.F) {
	f.Add([]byte(`{"type":"send","seq":1,"step":"a","unit":1,"status":"planned","args":{"message":{"$time":"2026-03-01T10:30:00Z"}}}`))
	f.Add([]byte(`{"type":"item","loop":"l","unit":1,"item":[0,2],"sends":[1],"outputs":{"id":7},"scope":{"client.name":null}}`))
	f.Add([]byte(`{"type":"row","stream":"a.b","value":{"$named":[["a",1e3]]}}`))
	f.Add([]byte(`{"type":"row", "value" : [ 1 , 2.0 ] , "stream":"s"}`))
	f.Add([]byte("{\"type\":\"send\",\"step\":\"a\xff\"}"))
	f.Fuzz(func(t *testing.T, line []byte) {
		record, err := (&decoder{}).decode(line)
		if err != nil {
			return
		}
		first, err := appendLine(nil, record)
		if err != nil {
			return // a type that is not its own: the writer puts it there
		}
		if record, err = (&decoder{}).decode(first); err != nil {
			return
		}
		second, err := appendLine(nil, record)
		require.NoError(t, err)
		require.Equal(t, string(first), string(second))
	})
}

// FuzzReader holds the reader against encoding/json: what one reads the other
// reads, to the same value.
func FuzzReader(f *testing.F) {
	for _, s := range []string{
		`{"a":[1,2.5,-0,1e3,"x\u00e9\n"],"b":{"c":null}}`, `[true,false,{"":""}]`, ` "a\ud800b" `, "\"\xff\"", `01`, `-`, `1.`, `1e`, `[1,]`, `{"a":1,}`, `{"a"}`,
		strings.Repeat("[", 100) + strings.Repeat("]", 100), `{"a":1,"a":2}`, `"\x"`, `"`, `nul`, ``,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var got Value
		err := got.UnmarshalJSON(text)
		if err == nil {
			require.True(t, json.Valid(text), "%q is no JSON, but is read as %v", text, got.V)
		}
		var want any
		d := json.NewDecoder(strings.NewReader(string(text)))
		d.UseNumber()
		if !json.Valid(text) || d.Decode(&want) != nil {
			require.Error(t, err)
			return
		}
		if want, fine := plain(want); fine {
			require.NoError(t, err, "%q", text)
			require.Equal(t, want, got.V, "%q", text)
		}
	})
}

// plain is what the reader makes of a value of encoding/json; false where a mark
// or a number out of range stands in it.
func plain(v any) (any, bool) {
	switch x := v.(type) {
	case json.Number:
		if strings.ContainsAny(x.String(), ".eE") {
			f, err := x.Float64()
			return f, err == nil
		}
		n, err := x.Int64()
		return int(n), err == nil
	case []any:
		for i := range x {
			y, ok := plain(x[i])
			if !ok {
				return nil, false
			}
			x[i] = y
		}
	case map[string]any:
		for name, y := range x {
			y, ok := plain(y)
			if !ok || strings.HasPrefix(name, "$") {
				return nil, false
			}
			x[name] = y
		}
	}
	return v, true
}

// TestNoMembers reads absent, null and empty members as none.
func TestNoMembers(t *testing.T) {
	for _, line := range []string{`{"type":"local"}`, `{"type":"local","args":null}`, `{"type":"local","args":{}}`} {
		record, err := (&decoder{}).decode([]byte(line))
		require.NoError(t, err)
		require.Empty(t, record.(Local).Args)
		again, err := appendLine(nil, record)
		require.NoError(t, err)
		require.Equal(t, `{"type":"local","seq":0,"step":"","unit":0,"args":{}}`+"\n", string(again))
	}
}

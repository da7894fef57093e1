package planfile

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

// pick chooses one of those that break hand-written JSON, or none.
func pick[T any](r *rand.Rand, from ...T) (v T) {
	if r.IntN(3) > 0 {
		v = from[r.IntN(len(from))]
	}
	return v
}

func someText(r *rand.Rand) string {
	return pick(r, "send", "a\"b\\c", "line\nline\t\r\b\f\x00\x7f", "Привет, 世界 🙂", "<b>&amp;</b>", "\u2028 \u2029 \u2027 \ufffd", "$time")
}

func someValues(r *rand.Rand) map[string]Value {
	if r.IntN(4) == 0 {
		return nil
	}
	all := map[string]Value{}
	for range r.IntN(4) {
		all[someText(r)] = Value{V: pick[any](r, 1, -7, 1.5, "x", true, []any{1, nil}, map[string]any{"a": 1, "$b": "c"},
			time.Unix(1e9, 5).UTC(), 36*time.Hour, StreamMark("a.b"))}
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

// TestRecordsAreWrittenAsEncodingJSONWritesThem holds what is written by hand
// against what the types say.
func TestRecordsAreWrittenAsEncodingJSONWritesThem(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		record := someRecord(r)
		want, err := marshal(record)
		require.NoError(t, err)
		got, err := appendRecord([]byte("before"), record)
		require.NoError(t, err)
		require.Equal(t, "before"+string(want), string(got))
	}
	for _, record := range []any{Send{Args: map[string]Value{"a": {V: struct{}{}}}}, Item{Scope: map[string]Value{"a": {V: t}}}, Row{Value: Value{V: 1i}}} {
		_, err := appendRecord(nil, record)
		require.ErrorContains(t, err, "has no form in a plan")
	}
}

// TestRecordsAreReadAsEncodingJSONReadsThem also reads them with blanks, in
// another order, and with members that nobody knows.
func TestRecordsAreReadAsEncodingJSONReadsThem(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	d := decoder{}
	for range 5000 {
		line, err := marshal(someRecord(r))
		require.NoError(t, err)
		requireSameRecord(t, &d, line)
	}
	for _, line := range []string{
		`{"type":"row", "value" : [ 1 , 2.0 ] , "stream":"s"}`,
		`{"type":"row","stream":"s","value":1,"more":2}`,
		`{"type":"row","Stream":"s","value":1}`,
		`{"type":"row","stream":null,"value":1}`,
		`{"type":"send","seq":1.0}`,
		`{"type":"send","args":null,"item":null}`,
		`{"type":"send","args":{"a":{"$time":"x"}}}`,
		`{"type":"send","changed":true,"since":"2026-01-01T00:00:00Z"}`,
		`{"type":"send","seq":9223372036854775808}`,
		`{"type":"send","step":"a` + "\xff" + `"}`,
		`{"type":"send","item":[1,"2"]}`,
		`{"type":"row","stream":"s","value":1} {}`,
		`{"type":"row","stream":"s","value":1`,
		`{"type":"row"`,
		`{"type":"row","stream":"s","value":nul}`,
		`{"type":"item","item":null,"sends":[]}`,
		`{"type":"item","loop":"l","outputs":{},"scope":{"a.b":[1]},"sends":[1,2]}`,
		`{"type":"item","sends":[1.5]}`,
	} {
		requireSameRecord(t, &d, []byte(line))
	}
}

func requireSameRecord(t testing.TB, d *decoder, line []byte) {
	t.Helper()
	var want any
	var wantErr error
	switch typeOf(line) {
	case "send":
		want, wantErr = as[Send](line)
	case "item":
		want, wantErr = as[Item](line)
	case "row":
		want, wantErr = as[Row](line)
	default:
		return
	}
	got, err := d.record(line)
	require.Equal(t, wantErr == nil, err == nil, "%s: %v, %v", line, wantErr, err)
	if err == nil {
		require.Empty(t, cmp.Diff(want, got, cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })), "%s", line)
	}
}

func FuzzRecord(f *testing.F) {
	f.Add([]byte(`{"type":"send","seq":1,"step":"a","unit":1,"status":"planned","args":{"message":{"$time":"2026-03-01T10:30:00Z"}}}`))
	f.Add([]byte(`{"type":"item","loop":"l","unit":1,"item":[0,2],"sends":[1],"outputs":{"id":7},"scope":{"client.name":null}}`))
	f.Add([]byte(`{"type":"row","stream":"a.b","value":{"$named":[["a",1e3]]}}`))
	f.Fuzz(func(t *testing.T, line []byte) { requireSameRecord(t, &decoder{}, line) })
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
		in := reader{b: text, names: &names{}}
		got, err := in.value(0)
		if err == nil {
			err = in.end()
		}
		if err == nil {
			require.True(t, json.Valid(text), "%q is no JSON, but is read as %v", text, got)
		}
		var want any
		dec := json.NewDecoder(strings.NewReader(string(text)))
		dec.UseNumber()
		if !json.Valid(text) || dec.Decode(&want) != nil {
			require.Error(t, err)
			return
		}
		if want, fine := plain(want); fine {
			require.NoError(t, err, "%q", text)
			require.Equal(t, want, got, "%q", text)
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

func FuzzText(f *testing.F) {
	f.Add("a\"\\\n\x00\u2028\xffб")
	f.Fuzz(func(t *testing.T, s string) {
		var want strings.Builder
		enc := json.NewEncoder(&want)
		enc.SetEscapeHTML(false)
		require.NoError(t, enc.Encode(strings.ToValidUTF8(string([]rune(s)), "\ufffd")))
		require.Equal(t, strings.TrimSuffix(want.String(), "\n"), string(appendText(nil, s)))
	})
}

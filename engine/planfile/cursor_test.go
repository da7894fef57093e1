package planfile

import (
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// general reads a line by what its type says.
func general(line []byte) (any, error) {
	switch typeOf(line) {
	case "send":
		return as[Send](line)
	case "item":
		return as[Item](line)
	case "row":
		return as[Row](line)
	}
	return nil, nil
}

// quick reads a line by the cursor alone.
func quick(c *cursor, line []byte, last *Send) (any, bool) {
	switch typeOf(line) {
	case "send":
		return c.send(line, last)
	case "item":
		return c.item(line)
	case "row":
		return c.row(line)
	}
	return nil, false
}

// TestTheCursorReadsWhatIsWritten reads every line of ours without the general way,
// and to the same record.
func TestTheCursorReadsWhatIsWritten(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	c, last := &cursor{}, &Send{}
	for range 5000 {
		record := someRecord(r)
		line, err := appendLine(nil, record)
		require.NoError(t, err)
		got, ok := quick(c, line, last)
		require.True(t, ok, "%s", line)
		want, err := general(line)
		require.NoError(t, err)
		require.Equal(t, want, got)
		if send, ok := got.(Send); ok {
			last = &send
		}
	}
}

// TestEachFieldIsWrittenAndRead gives one field after the other a value, so that
// none that is added is forgotten by the writer or by the cursor.
func TestEachFieldIsWrittenAndRead(t *testing.T) {
	at := time.Unix(1e9, 0).UTC()
	for _, empty := range []any{Send{Type: "send"}, Item{Type: "item"}, Row{Type: "row"}} {
		for i := range reflect.TypeOf(empty).NumField() {
			v := reflect.New(reflect.TypeOf(empty)).Elem()
			v.Set(reflect.ValueOf(empty))
			field := v.Type().Field(i)
			if field.Name == "Type" {
				continue
			}
			switch f := v.Field(i); f.Interface().(type) {
			case string:
				f.SetString("x")
			case int, int64:
				f.SetInt(7)
			case bool:
				f.SetBool(true)
			case []int:
				f.Set(reflect.ValueOf([]int{1, 2}))
			case []int64:
				f.Set(reflect.ValueOf([]int64{3}))
			case []string:
				f.Set(reflect.ValueOf([]string{"a", "b"}))
			case *time.Time:
				f.Set(reflect.ValueOf(&at))
			case Value:
				f.Set(reflect.ValueOf(Value{V: "x"}))
			case Members:
				f.Set(reflect.ValueOf(Members{"a": 1.5, "b": nil}))
			default:
				require.Fail(t, "no value for a field", "%s %s", field.Name, field.Type)
			}
			want, err := appendOther(nil, v.Interface())
			require.NoError(t, err)
			line, err := appendLine(nil, v.Interface())
			require.NoError(t, err)
			require.Equal(t, string(want), string(line), field.Name)
			got, ok := quick(&cursor{}, line, &Send{})
			require.True(t, ok, "%s", line)
			require.Equal(t, v.Interface(), got)
		}
	}
}

// TestOddLinesAreLeftToTheGeneralWay holds lines that we never write.
func TestOddLinesAreLeftToTheGeneralWay(t *testing.T) {
	for _, line := range []string{
		`{"type":"send","step":"a","seq":1}`, `{"type":"send", "seq":1}`, `{"type":"send","seq":01}`, `{"type":"send","seq":-0}`, `{"type":"send","seq":1.0}`,
		`{"type":"send","step":"a` + "\xff" + `"}`, `{"type":"send","step":"` + "\t" + `"}`, `{"type":"send","step":"\ud800"}`, `{"type":"send","step":"a`,
		`{"type":"send","step":"a\`, `{"type":"send","step":null}`, `{"type":"send","changed":false}`, `{"type":"send","args":{"b":1,"a":2}}`,
		`{"type":"send","args":{"a":1,"a":2}}`, `{"type":"send","args":{"a":1.}}`, `{"type":"send","args":{"a":.5}}`, `{"type":"send","args":{"a":1e}}`,
		`{"type":"send","args":{"a":1+2}}`, `{"type":"send","args":{"a":{"$what":1}}}`, `{"type":"send","args":{"a":tru}}`, `{"type":"send","args":{"a":[1,]}}`,
		`{"type":"send","args":{"a":9223372036854775808}}`, `{"type":"send","args":{"a":1e999}}`, `{"type":"send","since":"yesterday"}`,
		`{"type":"send","item":[1 ]}`, `{"type":"send","item":[]x}`, `{"type":"send"}}`, `{"type":"send"}`, `{"type":"item","sends":[1,"2"]}`,
		`{"type":"row","value":1,"stream":"a"}`, `{"type":"row","stream":"a","value":}`, `{"type":"row","stream":"a","value":1}{}`,
		`{"type":"row","stream":"a","value":` + strings.Repeat("[", maxDeep+1) + strings.Repeat("]", maxDeep+1) + `}`, `{"type":"row","stream":"a","value":-}`,
	} {
		for _, text := range []string{line, line + "\n"} {
			if strings.HasSuffix(text, "\"send\"}\n") {
				continue // this one is as we write it
			}
			_, ok := quick(&cursor{}, []byte(text), &Send{})
			require.False(t, ok, "%s", text)
		}
	}
}

// TestTheCursorKeepsFewNames goes on when there are more names than it keeps.
func TestTheCursorKeepsFewNames(t *testing.T) {
	c := &cursor{}
	for n := range 2 * maxNames {
		name := strings.Repeat("n", n)
		line, err := appendLine(nil, Value{V: map[string]any{name: n}})
		require.NoError(t, err)
		v, ok := c.lone(line)
		require.True(t, ok)
		require.Equal(t, map[string]any{name: n}, v)
	}
	require.Len(t, c.names, maxNames)
}

// FuzzCursor holds the cursor against the general way: what it reads is the same.
func FuzzCursor(f *testing.F) {
	r := rand.New(rand.NewPCG(7, 8))
	for range 50 {
		line, err := appendLine(nil, someRecord(r))
		require.NoError(f, err)
		f.Add(line)
	}
	f.Add([]byte(`{"type":"row","stream":"a","value":{"$named":[["a",1e3]]}}` + "\n"))
	f.Add([]byte(`{"type":"row","stream":"a","value":{"$time":"2026-03-01T10:30:00Z"}}` + "\n"))
	f.Add([]byte(`{"type":"row","stream":"a","value":[-1.5e-7,0.0,-0.0,"\u2028\ud83d\ude42"]}` + "\n"))
	f.Fuzz(func(t *testing.T, line []byte) {
		got, ok := quick(&cursor{}, line, &Send{Step: "send", Status: "planned"})
		if !ok {
			return
		}
		want, err := general(line)
		require.NoError(t, err, "%q", line)
		require.Equal(t, want, got, "%q", line)
		var d decoder
		name, err := d.stream(line)
		if row, ok := got.(Row); ok {
			require.NoError(t, err)
			require.Equal(t, row.Stream, name)
		}
	})
}

// FuzzText holds the writer of texts against encoding/json's rules.
func FuzzText(f *testing.F) {
	for _, s := range []string{"", "plain", "a\"b\\c/", "\x00\x1f\x7f\b\f\n\r\t", "Привет 🙂", "\u2027\u2028\u2029\u202a", "\xff\xc3(", "<&>\ufffd\u0080"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want, err := appendOther(nil, s)
		require.NoError(t, err)
		require.Equal(t, string(want), string(appendText(nil, s))+"\n")
	})
}

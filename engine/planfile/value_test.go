package planfile_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/planfile"
	"github.com/flowrunner/flowrunner/engine/step"
)

var moscow = time.FixedZone("", 3*60*60)

func encode(t testing.TB, v any) string {
	t.Helper()
	b, err := planfile.Value{V: v}.MarshalJSON()
	require.NoError(t, err)
	require.True(t, json.Valid(b), "%s", b)
	return string(b)
}

func decode(s string) (any, error) {
	var v planfile.Value
	err := v.UnmarshalJSON([]byte(s))
	return v.V, err
}

func TestValueForms(t *testing.T) {
	at := time.Date(2026, 3, 1, 10, 30, 0, 5000, moscow)
	named := step.Named[any]{{Name: "z", Value: 1}, {Name: "a", Value: []any{nil, 0.5}}, {Name: "$x", Value: "text"}}
	for _, c := range []struct {
		name string
		v    any
		want string
	}{
		{"nil", nil, "null"},
		{"true", true, "true"},
		{"false", false, "false"},
		{"zero", 0, "0"},
		{"negative", -17, "-17"},
		{"beyond what a float holds", 1<<53 + 1, "9007199254740993"},
		{"largest", math.MaxInt, "9223372036854775807"},
		{"smallest", math.MinInt, "-9223372036854775808"},
		{"number without fraction", 1.0, "1.0"},
		{"number zero", 0.0, "0.0"},
		{"number minus zero", math.Copysign(0, -1), "-0.0"},
		{"number", 0.15, "0.15"},
		{"large number", 1e21, "1e+21"},
		{"small number", 5e-324, "5e-324"},
		{"text", "привет <b>&\n", `"привет <b>&\n"`},
		{"empty text", "", `""`},
		{"text like a number", "17", `"17"`},
		{"line separators", "\u2028\u2029", `"\u2028\u2029"`},
		{"control characters", "\x00\x1b", `"\u0000\u001b"`},
		{"time", at, `{"$time":"2026-03-01T10:30:00.000005+03:00"}`},
		{"duration", 36*time.Hour + time.Millisecond, `{"$duration":"36h0m0.001s"}`},
		{"no duration", time.Duration(0), `{"$duration":"0s"}`},
		{"stream", planfile.StreamMark("clients.clients"), `{"$stream":"clients.clients"}`},
		{"empty list", []any{}, "[]"},
		{"list", []any{1, 1.0, "1", nil, []any{true}}, `[1,1.0,"1",null,[true]]`},
		{"empty object", map[string]any{}, "{}"},
		{"object", map[string]any{"b": 1, "a": map[string]any{"": "x"}}, `{"a":{"":"x"},"b":1}`},
		{"names with $", map[string]any{"$time": "x", "$$": 1, "$": nil}, `{"$$":null,"$$$":1,"$$time":"x"}`},
		{"a name with $ alone", map[string]any{"$time": "2026-03-01T10:30:00Z"}, `{"$$time":"2026-03-01T10:30:00Z"}`},
		{"named", named, `{"$named":[["z",1],["a",[null,0.5]],["$x","text"]]}`},
		{"none named", step.Named[any]{}, `{"$named":[]}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := encode(t, c.v)
			require.Equal(t, c.want, got)
			back, err := decode(got)
			require.NoError(t, err)
			requireSame(t, c.v, back)
			require.Equal(t, got, encode(t, back))
		})
	}
}

// requireSame compares values with their Go types; times by the moment and the
// offset.
func requireSame(t testing.TB, want, got any) {
	t.Helper()
	switch x := want.(type) {
	case time.Time:
		y, ok := got.(time.Time)
		require.True(t, ok, "%T", got)
		require.Equal(t, x.Format(time.RFC3339Nano), y.Format(time.RFC3339Nano))
	case float64:
		require.IsType(t, x, got)
		require.Equal(t, math.Float64bits(x), math.Float64bits(got.(float64)))
	case []any:
		require.IsType(t, x, got)
		require.Len(t, got, len(x))
		for i := range x {
			requireSame(t, x[i], got.([]any)[i])
		}
	case map[string]any:
		require.IsType(t, x, got)
		require.Len(t, got, len(x))
		for k := range x {
			requireSame(t, x[k], got.(map[string]any)[k])
		}
	default:
		require.Equal(t, want, got)
	}
}

func TestNamedTextsKeepTheirOrder(t *testing.T) {
	got := encode(t, step.Named[string]{{Name: "phone", Value: "string"}, {Name: "id", Value: "integer"}})
	require.Equal(t, `{"$named":[["phone","string"],["id","integer"]]}`, got)
}

func TestInvalidTextIsReplacedAndStaysSo(t *testing.T) {
	got := encode(t, "a\xffb")
	back, err := decode(got)
	require.NoError(t, err)
	require.Equal(t, "a\uFFFDb", back)
	require.Equal(t, got, encode(t, "a\uFFFDb"), "what is hashed is what is sent")
}

func TestWhatHasNoForm(t *testing.T) {
	for name, v := range map[string]any{
		"a secret":             step.NewSecret("t0ken"),
		"a secret deep inside": map[string]any{"a": []any{step.NewSecret("t0ken")}},
		"a secret in a named":  step.Named[any]{{Name: "x", Value: step.NewSecret("t0ken")}},
		"not a number":         math.NaN(),
		"infinity":             []any{math.Inf(1)},
		"a struct":             struct{ X int }{1},
		"another integer":      int64(1),
		"bytes":                []byte("x"),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := planfile.Value{V: v}.MarshalJSON()
			require.ErrorContains(t, err, "write value: ")
			require.NotContains(t, err.Error(), "t0ken")
		})
	}
}

func TestWhatIsNoValue(t *testing.T) {
	for _, s := range []string{
		"", "{", "[1", "nul", `{"a":1`, "1e999", "9223372036854775808", "-9223372036854775809", `["x",99999999999999999999]`,
		`{"$time":"yesterday"}`, `{"$time":1}`, `{"$duration":"soon"}`, `{"$duration":5}`, `{"$stream":1}`, `{"$other":1}`,
		`{"$time":"2026-03-01T10:30:00Z","x":1}`, `{"$named":1}`, `{"$named":[1]}`, `{"$named":[["a"]]}`,
		`{"$named":[["a",1,2]]}`, `{"$named":[[1,2]]}`, `{"$named":[["a",{"$x":1}]]}`, `{"a":{"$x":1}}`, `[{"$x":1}]`,
	} {
		t.Run(s, func(t *testing.T) {
			_, err := decode(s)
			require.Error(t, err)
		})
	}
}

// random makes any value.
func random(r *rand.Rand, depth int) any {
	texts := []string{"", "a", "$", "$time", "$$", "ключ", "1", "\n\"\\", "\u2028", "😀", strings.Repeat("x", 300)}
	text := func() string { return texts[r.IntN(len(texts))] }
	n := r.IntN(11)
	if depth <= 0 {
		n = r.IntN(8)
	}
	switch n {
	case 0:
		return nil
	case 1:
		return r.IntN(2) == 0
	case 2:
		return int(r.Uint64()) >> r.IntN(64)
	case 3:
		f := math.Float64frombits(r.Uint64())
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return 0.5
		}
		return f
	case 4:
		return text()
	case 5:
		return time.Unix(r.Int64N(1<<33), r.Int64N(1e9)).In(time.FixedZone("", 60*(r.IntN(48)-24)*30))
	case 6:
		return time.Duration(r.Uint64())
	case 7:
		return planfile.StreamMark(text())
	case 8:
		list := []any{}
		for range r.IntN(4) {
			list = append(list, random(r, depth-1))
		}
		return list
	case 9:
		named := step.Named[any]{}
		for range r.IntN(4) {
			named = append(named, step.NamedItem[any]{Name: text(), Value: random(r, depth-1)})
		}
		return named
	}
	object := map[string]any{}
	for range r.IntN(4) {
		object[text()] = random(r, depth-1)
	}
	return object
}

func TestEveryValueComesBack(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		v := random(r, 4)
		s := encode(t, v)
		require.NotContains(t, s, "\n", "a value stays on its line")
		back, err := decode(s)
		require.NoError(t, err, s)
		require.Equal(t, s, encode(t, back))
		again, err := decode(encode(t, back))
		require.NoError(t, err)
		require.Equal(t, back, again)
	}
}

func TestInZone(t *testing.T) {
	at := time.Date(2026, 3, 1, 7, 30, 0, 0, time.UTC)
	got := planfile.InZone(map[string]any{"at": at, "list": []any{at, 1, map[string]any{"at": at}}, "none": nil}, moscow)
	local := at.In(moscow)
	require.Equal(t, map[string]any{"at": local, "list": []any{local, 1, map[string]any{"at": local}}, "none": nil}, got)
	require.Equal(t, "text", planfile.InZone("text", moscow))
}

func FuzzValue(f *testing.F) {
	for _, s := range []string{
		"null", "1", "1.0", "-0.0", "1e5", `"x"`, "[]", "{}", `[1,2.5,{"a":null}]`, `{"$time":"2026-03-01T10:30:00+03:00"}`,
		`{"$duration":"1h0m0s"}`, `{"$stream":"a.b"}`, `{"$named":[["a",1]]}`, `{"$$a":{"$$$":1}}`, `{"$named":[]}`, `{"$x":1}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := decode(s)
		if err != nil {
			return
		}
		b, err := planfile.Value{V: v}.MarshalJSON()
		require.NoError(t, err)
		back, err := decode(string(b))
		require.NoError(t, err, "%s", b)
		require.Equal(t, string(b), encode(t, back))
	})
}

package lang

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/expr-lang/expr"
	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/step"
)

func zoneOf(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	require.NoError(t, err)
	return z
}

// exampleContext is the day on which every Example holds: Monday, 2 March 2026,
// half past ten in Moscow.
func exampleContext(t testing.TB) Context {
	z := zoneOf(t, "Europe/Moscow")
	return Context{Now: time.Date(2026, 3, 2, 10, 30, 0, 0, z), Zone: z}
}

func mustFunction(t testing.TB, name string) Function {
	t.Helper()
	all := Functions()
	i := slices.IndexFunc(all, func(f Function) bool { return f.Name == name })
	require.GreaterOrEqual(t, i, 0, "no function %s", name)
	return all[i]
}

func callOne(t testing.TB, c Context, name string, args ...any) any {
	t.Helper()
	v, err := mustFunction(t, name).Call(c, args)
	require.NoError(t, err)
	return v
}

func callFails(t testing.TB, c Context, name string, args ...any) string {
	t.Helper()
	_, err := mustFunction(t, name).Call(c, args)
	require.Error(t, err)
	return err.Error()
}

func TestFunctionsAreSortedAndComplete(t *testing.T) {
	all := Functions()
	names := make([]string, len(all))
	for i, f := range all {
		names[i] = f.Name
		require.True(t, strings.HasSuffix(f.Doc, "."), "%s: doc is no sentence", f.Name)
		require.Contains(t, f.Example, " → ", f.Name)
		require.Contains(t, f.Example, f.Name+"(", f.Name)
		require.NotNil(t, f.Call, f.Name)
		require.True(t, f.Infer != nil || f.Result.Form != step.FormAny, "%s: no result", f.Name)
		optional := false
		for _, p := range f.Params {
			require.False(t, optional && !p.Optional, "%s: %s is required behind an optional one", f.Name, p.Name)
			optional = p.Optional
		}
	}
	require.True(t, slices.IsSorted(names))
	require.Len(t, slices.Compact(slices.Clone(names)), len(names))
	require.Equal(t, "plural(number, one, few, many?)", mustFunction(t, "plural").Signature())
	require.Equal(t, "all(x, …)", Function{Name: "all", Params: []Param{{Name: "x"}}, Variadic: true}.Signature())
}

func TestExamplesAreTrue(t *testing.T) {
	c := exampleContext(t)
	options := []expr.Option{expr.DisableBuiltin("now"), expr.DisableBuiltin("date"), expr.DisableBuiltin("duration")}
	for _, f := range Functions() {
		options = append(options, expr.Function(f.Name, func(args ...any) (any, error) { return f.Call(c, args) }))
	}
	eval := func(text string) any {
		program, err := expr.Compile(text, options...)
		require.NoError(t, err, text)
		v, err := expr.Run(program, map[string]any{})
		require.NoError(t, err, text)
		return v
	}
	for _, f := range Functions() {
		t.Run(f.Name, func(t *testing.T) {
			expression, value, _ := strings.Cut(f.Example, " → ")
			require.Equal(t, eval(value), eval(expression))
		})
	}
}

// sampleOf gives a value of a shape, often an odd one.
func sampleOf(r *rand.Rand, s step.Shape, depth int) any {
	texts := []string{
		"", " ", "30d", "90x", "d MMMM", "0.00", "#,##0.##", "ru", "RU", "es", "created", "2026-03-01", "31.02.2026", "+79001234567",
		"8 900 123-45-67", "Привет 👩‍👩‍👧!", "\xff\xfe", "'", "\x00", strings.Repeat("9", 400), "-", "\u0301", "yyyyMMdd", "H:mm", "-292y", "Ⅷ",
	}
	ints := []int{0, 1, -1, 2, 5, 11, 21, 111, math.MaxInt, math.MinInt, 1 << 40, -1 << 40}
	floats := []float64{0, math.Copysign(0, -1), 1, 2.5, -3.75, math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, math.SmallestNonzeroFloat64, 1e15}
	durations := []time.Duration{0, 1, -1, time.Hour, math.MaxInt64, math.MinInt64}
	zones := []*time.Location{time.UTC, time.FixedZone("", -86399), time.FixedZone("", 14*3600)}
	times := []time.Time{
		{},
		time.Unix(0, 0), time.Unix(1<<40, 0), time.Unix(-1<<40, 0), time.Unix(math.MaxInt64, 0), time.Unix(math.MinInt64, 0),
		time.Unix(r.Int64N(4e9), r.Int64N(1e9)),
	}
	if s.Nullable && r.IntN(8) == 0 {
		return nil
	}
	switch s.Form {
	case step.FormNil:
		return nil
	case step.FormBool:
		return r.IntN(2) == 0
	case step.FormInt:
		return ints[r.IntN(len(ints))]
	case step.FormNumber:
		if r.IntN(3) == 0 {
			return ints[r.IntN(len(ints))]
		}
		return floats[r.IntN(len(floats))]
	case step.FormText:
		return texts[r.IntN(len(texts))]
	case step.FormTime:
		return times[r.IntN(len(times))].In(zones[r.IntN(len(zones))])
	case step.FormDuration:
		return durations[r.IntN(len(durations))]
	case step.FormList:
		list := make([]any, r.IntN(4))
		for i := range list {
			list[i] = sampleOf(r, s.Element(), depth+1)
		}
		return list
	case step.FormObject:
		record := map[string]any{}
		for _, name := range []string{"created", "at", "id", ""}[:r.IntN(5)] {
			record[name] = sampleOf(r, step.ShapeAny, depth+1)
		}
		return record
	}
	forms := []step.Form{step.FormBool, step.FormInt, step.FormNumber, step.FormText, step.FormTime, step.FormDuration, step.FormList, step.FormObject}
	if depth > 2 {
		forms = forms[:6]
	}
	form := forms[r.IntN(len(forms))]
	if r.IntN(8) == 0 {
		return nil
	}
	return sampleOf(r, step.Shape{Form: form}, depth)
}

// hasForm reports whether v is a value of shape s as far as its form goes.
func hasForm(s step.Shape, v any) bool {
	if v == nil {
		return s.Nullable
	}
	switch s.Form {
	case step.FormAny:
		return true
	case step.FormBool:
		_, ok := v.(bool)
		return ok
	case step.FormInt:
		_, ok := v.(int)
		return ok
	case step.FormNumber:
		_, ok := v.(float64)
		return ok
	case step.FormText:
		_, ok := v.(string)
		return ok
	case step.FormTime:
		if z, ok := v.(zoned); ok { // what inZone gives to the function around it
			v = z.time
		}
		_, ok := v.(time.Time)
		return ok
	case step.FormDuration:
		_, ok := v.(time.Duration)
		return ok
	}
	return false
}

func TestNoFunctionPanicsAndResultsKeepTheirShape(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	contexts := []Context{exampleContext(t), {}, {Now: time.Unix(1<<40, 0), Zone: zoneOf(t, "America/Sao_Paulo")}}
	for _, f := range Functions() {
		for range 3000 {
			args := []any{}
			shapes := []step.Shape{}
			for _, p := range f.Params {
				if p.Optional && r.IntN(3) == 0 {
					break
				}
				s := p.Shape
				if p.NilOK {
					s = s.OrNil()
				}
				args, shapes = append(args, sampleOf(r, s, 0)), append(shapes, s)
			}
			v, err := f.Call(contexts[r.IntN(len(contexts))], args)
			if err != nil {
				require.NotContains(t, err.Error(), "<nil>")
				require.NotContains(t, err.Error(), "\n")
				continue
			}
			want := f.Result
			if f.Infer != nil {
				want, err = f.Infer(shapes)
				require.NoError(t, err)
			}
			require.True(t, hasForm(want, v), "%s(%#v) = %#v, want %s", f.Name, args, v, want)
		}
	}
}

func TestNoFunctionPanicsOnForeignValues(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	c := exampleContext(t)
	failed := 0
	for _, f := range Functions() {
		for range 1000 {
			args := make([]any, len(f.Params))
			for i := range args {
				args[i] = sampleOf(r, step.ShapeAny, 0)
			}
			if _, err := f.Call(c, args); err != nil {
				failed++
				require.NotEmpty(t, err.Error())
			}
		}
	}
	require.Positive(t, failed)
}

func TestWrongValuesAreNamedWithoutBeingShown(t *testing.T) {
	c := exampleContext(t)
	values := map[string]any{
		"empty (nil)": nil, "a boolean": true, "an integer": 5, "a number": 2.5, "a time": c.Now, "a duration": time.Hour,
		"an object": map[string]any{"phone": "79001234567"}, "a list": []any{"79001234567"}, "something else": struct{}{},
	}
	for want, v := range values {
		require.Equal(t, "text must be a text, but it is "+want, callFails(t, c, "mask", v))
	}
	require.Equal(t, "time must be a time, but it is a text", callFails(t, c, "hour", "79001234567"))
	require.Equal(t, "text is missing", callFails(t, c, "mask"))
}

func TestDefault(t *testing.T) {
	c := exampleContext(t)
	require.Equal(t, "x", callOne(t, c, "default", "x", "y"))
	require.Equal(t, "", callOne(t, c, "default", "", "y"))
	require.Equal(t, "y", callOne(t, c, "default", nil, "y"))
	require.Nil(t, callOne(t, c, "default", nil, nil))
	require.Equal(t, 1.0, callOne(t, c, "default", 1, 2.5))

	infer := mustFunction(t, "default").Infer
	for _, tt := range []struct {
		a, b step.Shape
		want string
	}{
		{step.ShapeText.OrNil(), step.ShapeText, "text"},
		{step.ShapeText.OrNil(), step.ShapeText.OrNil(), "text or nil"},
		{step.ShapeNil, step.ShapeInt, "integer"},
		{step.ShapeInt.OrNil(), step.ShapeNumber, "number"},
		{step.ShapeText.OrNil(), step.ShapeInt, "any"},
		{step.ShapeAny, step.ShapeText, "any"},
	} {
		got, err := infer([]step.Shape{tt.a, tt.b})
		require.NoError(t, err)
		require.Equal(t, tt.want, got.String())
	}
}

func TestPlural(t *testing.T) {
	c := exampleContext(t)
	ru := map[any]string{
		0: "визитов", 1: "визит", 2: "визита", 4: "визита", 5: "визитов", 11: "визитов", 12: "визитов", 14: "визитов", 20: "визитов", 21: "визит",
		22: "визита", 25: "визитов", 101: "визит", 111: "визитов", 112: "визитов", 1001: "визит", -1: "визит", -3: "визита",
		math.MinInt: "визитов", 1.0: "визит", 1.5: "визита", 5.0: "визитов", math.NaN(): "визита", math.Inf(1): "визита",
	}
	for n, want := range ru {
		require.Equal(t, want, callOne(t, c, "plural", n, "визит", "визита", "визитов"), "%v", n)
	}
	en := map[any]string{0: "visits", 1: "visit", 2: "visits", 21: "visits", -1: "visit", 1.0: "visit", 1.5: "visits"}
	for n, want := range en {
		require.Equal(t, want, callOne(t, c, "plural", n, "visit", "visits"), "%v", n)
	}
	require.Contains(t, callFails(t, c, "plural", 1, "visit"), "two forms")
	require.Equal(t, "few must be a text, but it is an integer", callFails(t, c, "plural", 1, "a", 2))
	require.Equal(t, "number must be a number, but it is a text", callFails(t, c, "plural", "1", "a", "b"))
}

func TestNewestAndOldest(t *testing.T) {
	c := exampleContext(t)
	day := func(n int) time.Time { return time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC) }
	a := map[string]any{"id": 1, "created": day(3), "read": day(9)}
	b := map[string]any{"id": 2, "created": day(5), "read": day(1)}
	twin := map[string]any{"id": 3, "created": day(5), "read": nil}
	without := map[string]any{"id": 4, "created": nil, "read": nil}
	list := []any{without, a, b, twin}

	require.Equal(t, b, callOne(t, c, "newest", list))
	require.Equal(t, a, callOne(t, c, "oldest", list))
	require.Equal(t, a, callOne(t, c, "newest", list, "read"))
	require.Nil(t, callOne(t, c, "newest", []any{}))
	require.Nil(t, callOne(t, c, "newest", []any{without, nil}))
	require.Equal(t, day(5), callOne(t, c, "newest", []any{day(2), nil, day(5), day(4)}))
	one := map[string]any{"seen": day(1), "name": "x"}
	require.Equal(t, one, callOne(t, c, "oldest", []any{one}))

	two := []any{map[string]any{"x": day(1), "y": day(2)}}
	require.Equal(t, `the records have several times (x, y): name one, as in newest(list, "x")`, callFails(t, c, "newest", two))
	require.Equal(t, "newest compares times, but found a text", callFails(t, c, "newest", []any{map[string]any{"x": "2026"}}, "x"))
	require.Equal(t, "oldest compares times, but found an integer", callFails(t, c, "oldest", []any{1}))
	require.Equal(t, "list must be a list, but it is an object", callFails(t, c, "oldest", a))
}

func TestNewestIsCheckedBeforeTheRun(t *testing.T) {
	f := mustFunction(t, "newest")
	field := func(name string, s step.Shape) step.Field { return step.Field{Name: name, Shape: s} }
	message := step.ObjectOf(field("id", step.ShapeInt), field("created", step.ShapeTime), field("read", step.ShapeTime.OrNil()))
	visit := step.ObjectOf(field("from", step.ShapeTime), field("to", step.ShapeTime))
	plain := step.ObjectOf(field("id", step.ShapeInt))
	open := step.ObjectOf(field("id", step.ShapeInt))
	open.Open = true
	for _, tt := range []struct {
		elem  step.Shape
		field string // "" leaves it out, "?" is computed
		want  string
	}{
		{message, "", ""},
		{message, "read", ""},
		{message, "?", ""},
		{message, "id", `the field "id" is no time but integer`},
		{message, "craeted", `the records have no field "craeted"; their times are: created, read`},
		{visit, "", `the records have several times (from, to): name one, as in newest(list, "from")`},
		{plain, "", `newest finds no time in the records: name the field, as in newest(list, "created")`},
		{plain, "at", `the records have no field "at", and no field that is a time`},
		{open, "", ""},
		{open, "at", ""},
		{step.ShapeAny, "at", ""},
		{step.ShapeTime, "", ""},
		{step.ShapeInt, "", "newest wants a list of records or of times, not a list of integer"},
	} {
		args, texts := []step.Shape{step.ListOf(tt.elem)}, []*string{nil}
		if tt.field != "" {
			args, texts = append(args, step.ShapeText), append(texts, nil)
			if tt.field != "?" {
				texts[1] = &tt.field
			}
		}
		name := fmt.Sprintf("%s %q", tt.elem, tt.field)
		err := f.Check(args, texts)
		if tt.want != "" {
			require.EqualError(t, err, tt.want, name)
			continue
		}
		require.NoError(t, err, name)
		got, err := f.Infer(args)
		require.NoError(t, err, name)
		require.Equal(t, tt.elem.OrNil(), got, name)
	}
	_, err := f.Infer([]step.Shape{step.ListOf(visit)})
	require.ErrorContains(t, err, "several times")
}

func TestTextFunctions(t *testing.T) {
	c := exampleContext(t)
	for _, tt := range []struct {
		name, text string
		arg        any
		want       any
	}{
		{"truncate", "Привет", 6, "Привет"},
		{"truncate", "Привет", 5, "Прив…"},
		{"truncate", "Привет", 1, "…"},
		{"truncate", "Привет", 0, ""},
		{"truncate", "Привет", -7, ""},
		{"truncate", "Да, конечно", 5, "Да,…"},
		{"truncate", "👩‍👩‍👧👍🏽🇷🇺x", 3, "👩‍👩‍👧👍🏽…"},
		{"truncate", "e\u0301e\u0301e\u0301", 2, "e\u0301…"},
		{"truncate", "ab", 2.0, "ab"},
		{"mask", "", nil, ""},
		{"mask", "я", nil, "***"},
		{"mask", "Иван", nil, "И***"},
		{"mask", "Александра", nil, "Ал***ра"},
		{"mask", "👩‍👩‍👧🙂", nil, "👩‍👩‍👧***"},
		{"digits", "т. +7-900", nil, "7900"},
		{"digits", "", nil, ""},
		{"capitalize", "привет Мир", nil, "Привет Мир"},
		{"capitalize", "", nil, ""},
		{"capitalize", "ñandú", nil, "Ñandú"},
		{"capitalize", "👍 да", nil, "👍 да"},
		{"capitalize", "\xffx", nil, "\xffx"},
	} {
		args := []any{tt.text}
		if tt.arg != nil {
			args = append(args, tt.arg)
		}
		require.Equal(t, tt.want, callOne(t, c, tt.name, args...), "%s(%q, %v)", tt.name, tt.text, tt.arg)
	}
	require.Equal(t, "length must be an integer, but it is a number", callFails(t, c, "truncate", "x", 1.5))
}

func FuzzTruncate(f *testing.F) {
	f.Add("Привет 👩‍👩‍👧", 4)
	f.Add("\xff\xfe", 1)
	f.Fuzz(func(t *testing.T, text string, n int) {
		got := truncate(text, n)
		require.LessOrEqual(t, len(graphemes(got)), max(n, 0))
		if utf8.ValidString(text) {
			require.True(t, utf8.ValidString(got))
		}
		if len(graphemes(text)) <= n {
			require.Equal(t, text, got)
		}
	})
}

func TestPhone(t *testing.T) {
	c := exampleContext(t)
	for _, tt := range []struct {
		args []any
		want any
	}{
		{[]any{nil}, nil},
		{[]any{nil, "RU"}, nil},
		{[]any{"", "RU"}, nil},
		{[]any{"   "}, nil},
		{[]any{"8 (900) 123-45-67", "RU"}, "79001234567"},
		{[]any{"9001234567", "ru"}, "79001234567"},
		{[]any{"79001234567", "RU"}, "79001234567"},
		{[]any{"+7 900 123 45 67"}, "79001234567"},
		{[]any{"79001234567"}, "79001234567"},
		{[]any{79001234567}, "79001234567"},
		{[]any{9001234567, "RU"}, "79001234567"},
		{[]any{"8 701 234 56 78", "KZ"}, "77012345678"},
		{[]any{"+34 612 34 56 78", "RU"}, "34612345678"},
		{[]any{"612 34 56 78", "ES"}, "34612345678"},
		{[]any{"900123456", "RU"}, nil}, // a digit is missing: nobody's number, not somebody's abroad
		{[]any{"12345", "RU"}, nil},
		{[]any{"не телефон", "RU"}, nil},
		{[]any{"[tg] 807892"}, nil},
		{[]any{-5}, nil},
	} {
		require.Equal(t, tt.want, callOne(t, c, "phone", tt.args...), "%v", tt.args)
	}
	f := mustFunction(t, "phone")
	require.NoError(t, f.literal(0, "XX"))
	require.NoError(t, f.literal(1, "KZ"))
	require.EqualError(t, f.literal(1, "Russia"), `"Russia" is no region: write the two letters of a country, such as RU, KZ, MX or ES`)
	require.Error(t, f.literal(1, ""))
	require.Contains(t, callFails(t, c, "phone", "1", "7"), "no region")
	require.Equal(t, "text must be a text or an integer, but it is a boolean", callFails(t, c, "phone", true))

	_, err := f.Infer([]step.Shape{step.ShapeTime})
	require.EqualError(t, err, "a phone is a text or an integer, not time")
	got, err := f.Infer([]step.Shape{step.ShapeInt})
	require.NoError(t, err)
	require.Equal(t, "text or nil", got.String())
}

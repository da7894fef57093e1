package step

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var noon = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

// point is a record nested in others.
type point struct {
	X     int     `flow:"x" doc:"The first."`
	Label *string `flow:"label" doc:"The name."`
}

// everything has a parameter of each form.
type everything struct {
	point
	_        int
	Internal string
	Flag     bool              `flow:"flag" optional:"true"`
	That     bool              `flow:"that" bare:"true" optional:"true"`
	Count    int               `flow:"count" min:"1" max:"10"`
	Big      int64             `flow:"big" optional:"true"`
	Ratio    float64           `flow:"ratio" optional:"true" max:"1"`
	Name     string            `flow:"name" optional:"true" nonempty:"true"`
	Mode     string            `flow:"mode" optional:"true" enum:"fast,slow" default:"fast"`
	Sign     string            `flow:"sign" optional:"true" enum:".|,"`
	At       time.Time         `flow:"at" optional:"true"`
	Wait     time.Duration     `flow:"wait" optional:"true"`
	Token    *Secret           `flow:"token"`
	Since    *time.Time        `flow:"since" nonempty:"true"`
	Tags     []int             `flow:"tags" nonempty:"true" min:"2"`
	Points   []point           `flow:"points"`
	Facts    map[string]string `flow:"facts" optional:"true"`
	Loose    map[string]any    `flow:"loose" optional:"true"`
	Any      any               `flow:"any" optional:"true"`
	Items    Stream[Any]       `flow:"items" optional:"true"`
	Nums     Stream[int]       `flow:"nums" optional:"true"`
	Where    Predicate         `flow:"where" item:"items" optional:"true"`
	By       Expr              `flow:"by" item:"items" optional:"true"`
	To       Named[Expr]       `flow:"to" item:"items"`
	Columns  Named[string]     `flow:"columns" enum:"a,b" optional:"false"`
}

func num(f float64) *float64 { return &f }

func TestFieldsOfAStruct(t *testing.T) {
	s := ShapeOf[everything]()
	elem := ShapeText
	value := ShapeText.OrNil()
	point := ObjectOf(Field{Name: "x", Doc: "The first.", Shape: ShapeInt}, Field{Name: "label", Doc: "The name.", Shape: ShapeText.OrNil(), Optional: true})
	want := []Field{
		{Name: "x", Doc: "The first.", Shape: ShapeInt},
		{Name: "label", Doc: "The name.", Shape: ShapeText.OrNil(), Optional: true},
		{Name: "flag", Shape: ShapeBool, Optional: true},
		{Name: "that", Shape: ShapeBool, Optional: true, Bare: true, Bool: true},
		{Name: "count", Shape: ShapeInt, Min: num(1), Max: num(10)},
		{Name: "big", Shape: ShapeInt, Optional: true},
		{Name: "ratio", Shape: ShapeNumber, Optional: true, Max: num(1)},
		{Name: "name", Shape: ShapeText, Optional: true, NonEmpty: true},
		{Name: "mode", Shape: ShapeText, Optional: true, Enum: []string{"fast", "slow"}, Default: "fast"},
		{Name: "sign", Shape: ShapeText, Optional: true, Enum: []string{".", ","}},
		{Name: "at", Shape: ShapeTime, Optional: true},
		{Name: "wait", Shape: ShapeDuration, Optional: true},
		{Name: "token", Shape: ShapeSecret.OrNil(), Optional: true},
		{Name: "since", Shape: ShapeTime.OrNil(), Optional: true, NonEmpty: true},
		{Name: "tags", Shape: ListOf(ShapeInt), Optional: true, NonEmpty: true, Min: num(2)},
		{Name: "points", Shape: ListOf(point), Optional: true},
		{Name: "facts", Shape: Shape{Form: FormObject, Open: true, Elem: &value}, Optional: true},
		{Name: "loose", Shape: Shape{Form: FormObject, Open: true}, Optional: true},
		{Name: "any", Shape: ShapeAny, Optional: true},
		{Name: "items", Shape: StreamShape(ShapeAny), Optional: true},
		{Name: "nums", Shape: StreamShape(ShapeInt), Optional: true},
		{Name: "where", Shape: ShapeBool, Optional: true, Bare: true, Bool: true, Item: "items"},
		{Name: "by", Shape: ShapeAny, Optional: true, Bare: true, Item: "items"},
		{Name: "to", Shape: Shape{Form: FormObject, Open: true}, Optional: true, Named: true, Item: "items"},
		{Name: "columns", Shape: Shape{Form: FormObject, Open: true, Elem: &elem}, Named: true, Enum: []string{"a", "b"}},
	}
	require.Equal(t, want, s.Fields)
	require.Panics(t, func() { ShapeOf[chan int]() }, "a form that the language does not have")
	require.Panics(t, func() {
		ShapeOf[struct {
			N int `flow:"n" min:"one"`
		}]()
	})
}

// fixed is an expression with one value.
type fixed struct{ v any }

func (f fixed) Eval(any) (any, error) { return f.v, nil }

func (f fixed) Test(any) (bool, error) { b, _ := f.v.(bool); return b, nil }

// echo is a kind that gives back what it was called with.
func echo(t *testing.T, args map[string]any) (everything, error) {
	t.Helper()
	var got everything
	k := Compute(Doc{Name: "echo"}, func(_ context.Context, in everything) (struct{}, error) {
		got = in
		return struct{}{}, nil
	})
	full := map[string]any{"x": 1, "count": 2, "columns": Named[any]{{"c", "a"}}}
	for name, v := range args {
		if v == "absent" {
			delete(full, name)
			continue
		}
		full[name] = v
	}
	_, err := k.Run(t.Context(), full)
	return got, err
}

func TestDecodeArguments(t *testing.T) {
	label := "home"
	secret := NewSecret("x")
	in, err := echo(t, map[string]any{
		"label": "home", "flag": true, "that": true, "big": 7, "ratio": 1, "name": "Ann", "mode": "slow", "sign": ",",
		"at": noon, "wait": time.Hour, "token": secret, "since": noon, "tags": []any{1, 2},
		"points": []any{map[string]any{"x": 3, "label": nil}}, "loose": map[string]any{"a": 1}, "any": []any{1},
		"items": []any{1, "two"}, "nums": StreamList([]any{1, 2}), "where": fixed{true}, "by": fixed{1},
		"to": Named[any]{{"b", fixed{1}}, {"a", fixed{2}}}, "columns": Named[any]{{"z", "b"}, {"y", "a"}},
	})
	require.NoError(t, err)
	require.Equal(t, point{1, &label}, in.point)
	require.Equal(t, []any{true, true, 2, int64(7), 1.0, "Ann", "slow", ",", noon, time.Hour}, []any{in.Flag, in.That, in.Count, in.Big, in.Ratio, in.Name, in.Mode, in.Sign, in.At, in.Wait})
	require.Equal(t, "x", in.Token.Reveal())
	require.Equal(t, noon, *in.Since)
	require.Equal(t, []int{1, 2}, in.Tags)
	require.Equal(t, []point{{X: 3}}, in.Points)
	require.Equal(t, map[string]any{"a": 1}, in.Loose)
	require.Equal(t, []any{1}, in.Any)
	require.Equal(t, []any{1, "two"}, all(t, in.Items))
	require.Equal(t, []int{1, 2}, all(t, in.Nums))
	ok, err := in.Where.Test(nil)
	require.True(t, ok && err == nil)
	require.Equal(t, Named[Expr]{{"b", fixed{1}}, {"a", fixed{2}}}, in.To)
	require.Equal(t, Named[string]{{"z", "b"}, {"y", "a"}}, in.Columns)

	in, err = echo(t, map[string]any{"label": nil, "token": nil, "any": nil, "mode": nil, "points": nil, "items": nil, "to": nil, "columns": map[string]any{"z": "b", "a": "a"}})
	require.NoError(t, err, "what is optional may be nil")
	require.True(t, in.Items.IsZero())
	require.Nil(t, in.To)
	require.Equal(t, Named[string]{{"a", "a"}, {"z", "b"}}, in.Columns, "an object's names are taken in order")

	named := Named[Expr]{{"n", fixed{1}}}
	in, err = echo(t, map[string]any{"to": named, "tags": StreamList([]any{1, 2, 3})})
	require.NoError(t, err)
	require.Equal(t, named, in.To)
	require.Equal(t, []int{1, 2, 3}, in.Tags, "a stream may stand where a list is wanted")
}

func all[T any](t *testing.T, s Stream[T]) []T {
	t.Helper()
	var list []T
	for v, err := range s.All() {
		require.NoError(t, err)
		list = append(list, v)
	}
	return list
}

func TestArgumentsThatDoNotFit(t *testing.T) {
	endless := StreamOf(func(yield func(any, error) bool) {
		for yield(1, nil) {
		}
	})
	broken := errors.New("broken")
	failing := StreamOf(func(yield func(any, error) bool) { yield(nil, broken) })
	tests := []struct {
		param string
		value any
		want  string
	}{
		{"count", "absent", "count is missing"},
		{"count", nil, "count is nil"},
		{"count", "2", "count is text, but integer is wanted"},
		{"count", 2.5, "count is number, but integer is wanted"},
		{"count", 0, "count is 0, but at least 1 is allowed"},
		{"count", 11, "count is 11, but at most 10 is allowed"},
		{"ratio", 1.5, "ratio is 1.5, but at most 1 is allowed"},
		{"ratio", true, "ratio is boolean, but number is wanted"},
		{"name", "", `name is ""; a filter that is written must have a value, else it would select everybody`},
		{"name", " \t", `name is " \t"; a filter that is written must have a value, else it would select everybody`},
		{"name", nil, "name is nil; a filter that is written must have a value, else it would select everybody"},
		{"tags", []any{}, "tags is []; a filter that is written must have a value, else it would select everybody"},
		{"tags", []any{1, nil}, "tags is a list with an empty element; a filter that is written must have a value, else it would select everybody"},
		{"tags", []any{1}, "tags has 1 items, but at least 2 is allowed"},
		{"tags", []any{1, "x"}, "tags item 2 is text, but integer is wanted"},
		{"tags", map[string]any{}, "tags is object, but list of integer is wanted"},
		{"tags", endless, "tags has more than 100,000 items, which is all that this parameter takes"},
		{"tags", failing, "tags broken"},
		{"mode", "medium", `mode is "medium"; allowed: fast, slow`},
		{"mode", "", `mode is ""; allowed: fast, slow`},
		{"at", "2026-01-31", "at is text, but time is wanted"},
		{"wait", 5, "wait is integer, but duration is wanted"},
		{"token", "plain", "token is text, but secret is wanted"},
		{"points", []any{map[string]any{"label": "a"}}, "points item 1 x is missing"},
		{"points", []any{7}, "points item 1 is integer, but object {x, label} is wanted"},
		{"items", 7, "items is integer, but list is wanted"},
		{"where", time.Hour, "where is duration, but any is wanted"},
		{"facts", NewSecret("x"), "facts is secret, but object is wanted"},
		{"to", []any{}, "to is list, but object is wanted"},
		{"to", Named[any]{{"n", 1}}, "to name n is integer, but any is wanted"},
		{"columns", Named[any]{{"n", "c"}}, `columns.n is "c"; allowed: a, b`},
		{"columns", Named[any]{{"n", 7}}, `columns name n is integer, but text is wanted`},
		{"flag", noon, "flag is time, but boolean is wanted"},
		{"flag", struct{}{}, "flag is any, but boolean is wanted"},
		{"flag", []any{nil}, "flag is list, but boolean is wanted"},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%s %T", tt.param, tt.value), func(t *testing.T) {
			_, err := echo(t, map[string]any{tt.param: tt.value})
			require.EqualError(t, err, tt.want)
			var arg *ArgError
			require.ErrorAs(t, err, &arg)
		})
	}
	_, err := echo(t, map[string]any{"tags": failing})
	require.ErrorIs(t, err, broken, "the cause is kept")
}

func TestTypedStreamsOfBadRecords(t *testing.T) {
	in, err := echo(t, map[string]any{"nums": []any{1, "x", 3}})
	require.NoError(t, err, "records are looked at when they are asked for")
	var got []int
	for n, e := range in.Nums.All() {
		if err = e; err == nil {
			got = append(got, n)
		}
	}
	require.Equal(t, []int{1}, got)
	require.EqualError(t, err, "is text, but integer is wanted")

	in, err = echo(t, map[string]any{"nums": []any{1, 2, 3}})
	require.NoError(t, err)
	for n := range in.Nums.All() {
		require.Equal(t, 1, n)
		break
	}
}

func TestToValue(t *testing.T) {
	label := "home"
	type named string
	type mode int
	type out struct {
		point
		List   []point        `flow:"list"`
		None   *point         `flow:"none"`
		Map    map[string]int `flow:"map"`
		Any    any            `flow:"any"`
		Name   named          `flow:"name"`
		Mode   mode           `flow:"mode"`
		Secret Secret         `flow:"secret"`
		Ours   int
		Items  Stream[point] `flow:"items"`
		Total  int           `flow:"total" count:"items"`
	}
	got := ToValue(out{
		point: point{1, &label}, List: []point{{X: 2}}, Map: map[string]int{"a": 1}, Any: []any{1}, Name: "n", Mode: 3, Secret: NewSecret("x"),
		Items: StreamList([]point{{X: 5}}),
	}).(map[string]any)
	items := got["items"].(Stream[any])
	delete(got, "items")
	require.Equal(t, map[string]any{
		"x": 1, "label": "home", "list": []any{map[string]any{"x": 2, "label": nil}}, "none": nil, "map": map[string]any{"a": 1},
		"any": []any{1}, "name": "n", "mode": 3, "secret": NewSecret("x"),
	}, got, "the engine counts total")
	require.Equal(t, []any{map[string]any{"x": 5, "label": nil}}, all(t, items))

	for _, v := range []any{nil, true, 1, 1.5, "x", noon, time.Hour} {
		require.Equal(t, v, ToValue(v))
	}
	require.Equal(t, 7, ToValue(int64(7)))
	require.Panics(t, func() { ToValue(make(chan int)) })
}

func TestStreams(t *testing.T) {
	require.Empty(t, all(t, Stream[int]{}))
	require.True(t, Stream[int]{}.IsZero())
	require.False(t, StreamList([]int{}).IsZero())

	broken := errors.New("broken")
	s := StreamOf(func(yield func(int, error) bool) {
		if yield(1, nil) {
			yield(0, broken)
		}
	})
	n := 0
	var last error
	for _, err := range s.records(nil).All() {
		n++
		last = err
	}
	require.Equal(t, 2, n)
	require.ErrorIs(t, last, broken)
	for range s.records(nil).All() {
		break
	}
	for range StreamList([]int{1, 2}).All() {
		break
	}
	back := s.fromRecords(s.records(nil), func(v any) (any, error) { return v, nil }).(Stream[int])
	for _, err := range back.All() {
		last = err
	}
	require.ErrorIs(t, last, broken)
}

type (
	moveIn struct {
		Items Stream[Any] `flow:"items" doc:"The records."`
		Far   int         `flow:"far" optional:"true"`
	}
	moveOut struct {
		Items Stream[Any] `flow:"items" like:"items"`
		Count int         `flow:"count" count:"items"`
	}
)

func move(_ context.Context, in moveIn) (moveOut, error) {
	if in.Far < 0 {
		return moveOut{}, errors.New("too near")
	}
	return moveOut{Items: in.Items}, nil
}

func TestKinds(t *testing.T) {
	for want, k := range map[Effect]Kind{
		EffectCompute: Compute(Doc{Name: "move"}, move),
		EffectRead:    Read(Doc{Name: "move"}, move),
		EffectLocal:   Local(Doc{Name: "move"}, move),
	} {
		require.Equal(t, want, k.Effect)
		require.Equal(t, []string{"items", "far"}, ObjectOf(k.Params()...).Names())
		require.Equal(t, []string{"items", "count"}, ObjectOf(k.Outputs()...).Names())
		require.False(t, k.CanSettle())

		outs, err := k.Run(t.Context(), map[string]any{"items": []any{1}})
		require.NoError(t, err)
		require.Equal(t, []any{1}, all(t, outs["items"].(Stream[any])))
		require.NotContains(t, outs, "count")
		_, err = k.Run(t.Context(), map[string]any{"items": []any{}, "far": -1})
		require.EqualError(t, err, "too near")
		_, err = k.Run(t.Context(), map[string]any{})
		require.EqualError(t, err, "items is missing")

		f, ok := k.Param("far")
		require.True(t, ok && f.Optional)
		_, ok = k.Param("near")
		require.False(t, ok)

		fields, err := k.Infer(Call{Shapes: map[string]Shape{"items": ListOf(ShapeInt)}})
		require.NoError(t, err)
		require.Equal(t, StreamShape(ShapeInt), fields[0].Shape, "like")
		require.Equal(t, StreamShape(ShapeAny), k.Outputs()[0].Shape, "the kind itself stays as it is")
	}
	require.Equal(t, []string{"compute", "read", "local", "send"}, []string{EffectCompute.String(), EffectRead.String(), EffectLocal.String(), EffectSend.String()})
}

func TestKindsWithTheirOwnInfer(t *testing.T) {
	k := Compute(Doc{Name: "x", Infer: func(c Call) ([]Field, error) {
		if len(c.Shapes) == 0 {
			return nil, errors.New("no shapes")
		}
		return []Field{{Name: "out", Shape: c.Shapes["in"]}}, nil
	}}, move)
	_, err := k.Infer(Call{})
	require.EqualError(t, err, "no shapes")
	fields, err := k.Infer(Call{Shapes: map[string]Shape{"in": ShapeTime}})
	require.NoError(t, err)
	require.Equal(t, []Field{{Name: "out", Shape: ShapeTime}}, fields)
}

func TestOpenKinds(t *testing.T) {
	k := Compute(Doc{Name: "set", OpenParams: true}, func(_ context.Context, v map[string]any) (map[string]any, error) { return v, nil })
	require.Empty(t, k.Params())
	outs, err := k.Run(t.Context(), map[string]any{"b": 1})
	require.NoError(t, err)
	require.Equal(t, map[string]any{"b": 1}, outs)
	fields, err := k.Infer(Call{Shapes: map[string]Shape{"b": ShapeInt, "a": ShapeText}})
	require.NoError(t, err)
	require.Equal(t, []Field{{Name: "a", Shape: ShapeText}, {Name: "b", Shape: ShapeInt}}, fields)

	bad := Compute(Doc{Name: "bad"}, func(context.Context, moveIn) (int, error) { return 7, nil })
	_, err = bad.Run(t.Context(), map[string]any{"items": []any{}})
	require.EqualError(t, err, "step bad: outputs are no object")
}

type postIn struct {
	To   int    `flow:"to" min:"1"`
	Text string `flow:"text"`
}

type postOut struct {
	ID int `flow:"id"`
}

func (o postOut) Message() int { return o.ID }

func post(settle Settle[postIn]) Kind {
	return Send(Doc{Name: "post"},
		func(in postIn) string { return fmt.Sprint(in.To) },
		func(in postIn) Recipient { return Recipient{Contact: in.To} },
		func(in postIn) (Preview, error) {
			if in.Text == " " {
				return Preview{}, &ArgError{Param: "text", Problem: "is blank"}
			}
			return Preview{Text: in.Text}, nil
		},
		func(_ context.Context, in postIn, a Attempt) (postOut, error) {
			if in.Text == "fail" {
				return postOut{}, &Failure{Reason: "lost " + a.ExternalID}
			}
			return postOut{ID: in.To}, nil
		}, settle)
}

func TestSends(t *testing.T) {
	k := post(func(_ context.Context, in postIn, a Attempt) (Reading, error) {
		if a.ExternalID == "x" && in.To == 7 {
			return Reading{Finding: Happened, MessageID: 7}, nil
		}
		return Reading{Finding: NotThere}, nil
	})
	require.Equal(t, EffectSend, k.Effect)
	require.True(t, k.CanSettle())
	args := map[string]any{"to": 7, "text": "Hi"}

	p, err := k.Prepare(args)
	require.NoError(t, err)
	require.Equal(t, Prepared{Key: "7", Recipient: Recipient{Contact: 7}, Preview: Preview{Text: "Hi"}}, p)
	_, err = k.Prepare(map[string]any{"to": 0, "text": ""})
	require.EqualError(t, err, "to is 0, but at least 1 is allowed")
	_, err = k.Prepare(map[string]any{"to": 7, "text": " "})
	require.EqualError(t, err, "text is blank")

	message, err := k.Do(t.Context(), args, Attempt{})
	require.NoError(t, err)
	require.Equal(t, 7, message)
	_, err = k.Do(t.Context(), map[string]any{"to": 7, "text": "fail"}, Attempt{ExternalID: "abc"})
	require.EqualError(t, err, "lost abc")
	_, err = k.Do(t.Context(), map[string]any{"text": "Hi"}, Attempt{})
	var f *Failure
	require.ErrorAs(t, err, &f)
	require.Equal(t, Refused, f.Delivery, "arguments that do not fit never reach anybody")

	found, err := k.Settle(t.Context(), args, Attempt{ExternalID: "x"})
	require.NoError(t, err)
	require.Equal(t, Reading{Finding: Happened, MessageID: 7}, found)
	found, err = k.Settle(t.Context(), map[string]any{}, Attempt{})
	require.EqualError(t, err, "to is missing")
	require.Zero(t, found)

	_, err = k.Run(t.Context(), args)
	require.EqualError(t, err, "step post: a send kind is not run but sent")
	blind := post(NoSettle[postIn]())
	require.False(t, blind.CanSettle())
}

func TestCallInContext(t *testing.T) {
	require.Equal(t, Call{}, CallOf(t.Context()))
	c := Call{Literals: map[string]any{"a": 1}}
	require.Equal(t, c, CallOf(WithCall(t.Context(), c)))
}

// bareHost is a Host of which nothing is used.
type bareHost struct{}

func (bareHost) Retry() (Retry, bool)                                { return Retry{}, false }
func (bareHost) Connection() Connection                              { return Connection{} }
func (bareHost) Shared(_ any, make func() (any, error)) (any, error) { return make() }
func (bareHost) Root() (*os.Root, error)                             { return nil, os.ErrNotExist }
func (bareHost) Zone() *time.Location                                { return time.UTC }
func (bareHost) Now() time.Time                                      { return noon }
func (bareHost) Stdout() io.Writer                                   { return io.Discard }
func (bareHost) Scratch() (Scratch, error)                           { return Scratch{}, nil }
func (bareHost) LeaveOut(string, int)                                {}
func (bareHost) Warn(string, ...any)                                 {}

func TestHostInContext(t *testing.T) {
	require.Equal(t, bareHost{}, HostOf(WithHost(t.Context(), bareHost{})))
	require.Panics(t, func() { HostOf(t.Context()) })
}

func TestSecretsAreNeverPrinted(t *testing.T) {
	s := NewSecret("hunter2")
	require.Equal(t, "hunter2", s.Reveal())
	require.False(t, s.IsZero())
	require.True(t, Secret{}.IsZero())

	type wrapper struct{ Secret Secret }
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%10s", "%U"} {
		for _, v := range []any{s, &s, wrapper{s}, []Secret{s}, map[string]Secret{"a": s}} {
			require.NotContains(t, fmt.Sprintf(verb, v), "hunter2", "%s of %T", verb, v)
			require.NotContains(t, fmt.Sprintf(verb, v), "68756e746572", "%s of %T", verb, v)
		}
	}
	require.Equal(t, "***", s.String())
	require.Equal(t, "***", s.GoString())
	data, err := json.Marshal(map[string]any{"a": s, "b": &s})
	require.NoError(t, err)
	require.JSONEq(t, `{"a": "***", "b": "***"}`, string(data))
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "token", s, "in", wrapper{s})
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "token", s, "in", wrapper{s})
	require.NotContains(t, log.String(), "hunter2")
}

func TestFailures(t *testing.T) {
	cause := errors.New("cause")
	f := &Failure{Reason: "no luck", Err: cause}
	require.EqualError(t, f, "no luck")
	require.ErrorIs(t, f, cause)
	require.Equal(t, Unknown, f.Delivery, "the zero value is the careful one")
	stops, temporary := []Class{}, []Class{}
	for c := ClassOther; c <= ClassAllowance; c++ {
		if (&Failure{Class: c}).Stops() {
			stops = append(stops, c)
		}
		if (&Failure{Class: c}).Temporary() {
			temporary = append(temporary, c)
		}
	}
	require.Equal(t, []Class{ClassToken, ClassRedirect, ClassWrongPath, ClassQuota, ClassAllowance}, stops)
	require.Equal(t, []Class{ClassRateLimited, ClassServer, ClassUnreachable}, temporary)
	require.Equal(t, []string{"unknown", "not sent", "refused"}, []string{Unknown.String(), NotSent.String(), Refused.String()})
	require.EqualError(t, &AssertError{Message: "nobody"}, "nobody")
}

func TestRegistry(t *testing.T) {
	b, a := Compute(Doc{Name: "b"}, move), Compute(Doc{Name: "a"}, move)
	r, err := NewRegistry(nil, b, a)
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b"}, r.Names())
	k, ok := r.Kind("b")
	require.True(t, ok)
	require.Equal(t, "b", k.Name)
	_, ok = r.Kind("c")
	require.False(t, ok)
	r.Kinds()[0].Name = "changed"
	require.Equal(t, []string{"a", "b"}, r.Names(), "Kinds is a copy")
	host, err := r.Host("https://Example.com")
	require.NoError(t, err)
	require.Equal(t, "https://Example.com", host, "nobody has said what an address is")
	_, err = NewRegistry(nil, a, b, a)
	require.EqualError(t, err, "step: two kinds are named a")
}

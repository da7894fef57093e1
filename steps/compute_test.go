package steps

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/step"
)

func even(item any) (any, error) { return item.(int)%2 == 0, nil }

func TestComputeKinds(t *testing.T) {
	moscow := time.FixedZone("", 3*3600)
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	recs := []any{
		obj{"id": 1, "city": "Riga"},
		obj{"id": 2, "city": nil},
		obj{"id": 3, "city": "Almaty"},
		obj{"id": 4, "city": "Riga"},
		obj{"id": 5, "city": nil},
	}
	tests := []struct {
		name, kind string
		args       obj
		out        string
		want       []any
		left       map[string]int
	}{
		{"filter keeps what matches", "filter", obj{"items": []any{1, 2, 3, 4}, "where": exprFunc(even)}, "items", []any{2, 4}, map[string]int{"did not match where": 2}},
		{"filter has a reason of its own", "filter", obj{"items": []any{1, 2, 3}, "where": exprFunc(even), "else": "odd"}, "items", []any{2}, map[string]int{"odd": 2}},
		{"filter of nothing", "filter", obj{"items": []any{}, "where": exprFunc(even)}, "items", []any{}, nil},
		{"map makes new records", "map", obj{"items": []any{1, 2}, "to": step.Named[step.Expr]{{Name: "n", Value: exprFunc(self)}, {Name: "even", Value: exprFunc(even)}}}, "items", []any{obj{"n": 1, "even": false}, obj{"n": 2, "even": true}}, nil},
		{"sort is stable with nil last", "sort", obj{"items": recs, "by": field("city")}, "items", []any{recs[2], recs[0], recs[3], recs[1], recs[4]}, nil},
		{"sort descending keeps nil last", "sort", obj{"items": recs, "by": field("city"), "order": "desc"}, "items", []any{recs[0], recs[3], recs[2], recs[1], recs[4]}, nil},
		{"sort mixes integers and numbers", "sort", obj{"items": []any{2, 1.5, 1, 0.5}, "by": exprFunc(self)}, "items", []any{0.5, 1, 1.5, 2}, nil},
		{"sort by time", "sort", obj{"items": []any{noon.Add(time.Hour), noon}, "by": exprFunc(self)}, "items", []any{noon, noon.Add(time.Hour)}, nil},
		{"sort by duration", "sort", obj{"items": []any{time.Hour, time.Minute}, "by": exprFunc(self)}, "items", []any{time.Minute, time.Hour}, nil},
		{"distinct of whole records", "distinct", obj{"items": []any{1, 1.0, "1", 1.5, 1.5, nil, nil, []any{1, "x"}, []any{1.0, "x"}, obj{"a": noon}, obj{"a": noon.In(moscow)}, noon, noon.In(moscow)}}, "items", []any{1, "1", 1.5, nil, nil, []any{1, "x"}, obj{"a": noon}, noon}, map[string]int{"the same as an earlier record": 5}},
		{"distinct by a value keeps nil ones", "distinct", obj{"items": recs, "by": field("city")}, "items", []any{recs[0], recs[1], recs[2], recs[4]}, map[string]int{"the same as an earlier record": 1}},
		{"limit", "limit", obj{"items": []any{1, 2, 3}, "count": 2}, "items", []any{1, 2}, map[string]int{"beyond the limit of 2 (what follows was not read)": 1}},
		{"limit of a short list", "limit", obj{"items": []any{1, 2}, "count": 2}, "items", []any{1, 2}, nil},
		{
			"join inner", "join",
			obj{"left": recs[:3], "right": []any{obj{"city": "Riga", "n": 1}, obj{"city": "Riga", "n": 2}, obj{"city": nil}}, "leftKey": field("city"), "rightKey": field("city")},
			"items",
			[]any{obj{"left": recs[0], "right": obj{"city": "Riga", "n": 1}}, obj{"left": recs[0], "right": obj{"city": "Riga", "n": 2}}},
			map[string]int{"no partner in right": 2},
		},
		{
			"join left", "join",
			obj{"left": recs[:2], "right": []any{obj{"city": "Riga"}, obj{"city": nil}}, "leftKey": field("city"), "rightKey": field("city"), "kind": "left"},
			"items",
			[]any{obj{"left": recs[0], "right": obj{"city": "Riga"}}, obj{"left": recs[1], "right": nil}},
			nil,
		},
		{
			"join anti", "join",
			obj{"left": recs[:3], "right": []any{obj{"city": "Riga"}, obj{"city": nil}}, "leftKey": field("city"), "rightKey": field("city"), "kind": "anti"},
			"items",
			[]any{obj{"left": recs[1], "right": nil}, obj{"left": recs[2], "right": nil}},
			map[string]int{"has a partner in right": 1},
		},
		{"group in order of first appearance", "group", obj{"items": recs, "by": field("city")}, "groups", []any{
			obj{"key": "Riga", "count": 2, "items": []any{recs[0], recs[3]}},
			obj{"key": nil, "count": 2, "items": []any{recs[1], recs[4]}},
			obj{"key": "Almaty", "count": 1, "items": []any{recs[2]}},
		}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, ctx := newHost(t)
			outs, err := kind(t, tt.kind).Run(ctx, tt.args)
			require.NoError(t, err)
			require.Equal(t, tt.want, drain(t, outs, tt.out))
			if tt.left == nil {
				tt.left = map[string]int{}
			}
			require.Equal(t, tt.left, h.left)
		})
	}
}

// streaming lists the kinds that read a list, with arguments that let each
// record through.
var streaming = []struct {
	kind, param, out string
	lazy             bool // gives the first record when it has read one
	exprs            []string
	args             func(items any, e step.Expr) obj
}{
	{"filter", "items", "items", true, []string{"where"}, func(items any, e step.Expr) obj { return obj{"items": items, "where": truth{e}} }},
	{"map", "items", "items", true, []string{"to.n"}, func(items any, e step.Expr) obj {
		return obj{"items": items, "to": step.Named[step.Expr]{{Name: "n", Value: e}}}
	}},
	{"sort", "items", "items", false, []string{"by"}, func(items any, e step.Expr) obj { return obj{"items": items, "by": e} }},
	{"distinct", "items", "items", true, []string{"by"}, func(items any, e step.Expr) obj { return obj{"items": items, "by": e} }},
	{"limit", "items", "items", true, nil, func(items any, _ step.Expr) obj { return obj{"items": items, "count": 1 << 40} }},
	{"join", "left", "items", true, []string{"leftKey"}, func(items any, e step.Expr) obj {
		return obj{"left": items, "right": []any{1}, "leftKey": e, "rightKey": exprFunc(self), "kind": "left"}
	}},
	{"join", "right", "items", false, []string{"rightKey"}, func(items any, e step.Expr) obj {
		return obj{"left": []any{1, 2}, "right": items, "leftKey": exprFunc(self), "rightKey": e, "kind": "left"}
	}},
	{"group", "items", "groups", false, []string{"by"}, func(items any, e step.Expr) obj { return obj{"items": items, "by": e} }},
}

// truth makes a predicate of an expression: true where it does not fail.
type truth struct{ step.Expr }

func (p truth) Test(item any) (bool, error) {
	_, err := p.Eval(item)
	return err == nil, err
}

func TestRecordsArePulledWhenAskedFor(t *testing.T) {
	for _, tt := range streaming {
		t.Run(tt.kind+" "+tt.param, func(t *testing.T) {
			_, ctx := newHost(t)
			pulled := 0
			outs, err := kind(t, tt.kind).Run(ctx, tt.args(counting(100, &pulled), exprFunc(self)))
			require.NoError(t, err)
			require.Zero(t, pulled, "nothing is read before somebody asks")
			require.Len(t, first(t, outs, tt.out, 1), 1)
			if tt.lazy {
				require.Equal(t, 1, pulled)
			} else {
				require.Equal(t, 100, pulled)
			}
		})
	}
}

func TestErrorInMidStreamIsTheLastRecord(t *testing.T) {
	for _, tt := range streaming {
		t.Run(tt.kind+" "+tt.param, func(t *testing.T) {
			_, ctx := newHost(t)
			outs, err := kind(t, tt.kind).Run(ctx, tt.args(broken(1, 2), exprFunc(self)))
			require.NoError(t, err)
			recs, err := drainErr(t, outs, tt.out)
			require.ErrorIs(t, err, errBroken)
			if tt.lazy {
				require.Len(t, recs, 2)
			} else {
				require.Empty(t, recs)
			}
		})
	}
}

func TestExpressionErrorsNameParameterAndRecord(t *testing.T) {
	bad := errors.New("no such luck")
	for _, tt := range streaming {
		for _, name := range tt.exprs {
			t.Run(tt.kind+" "+name, func(t *testing.T) {
				_, ctx := newHost(t)
				e := exprFunc(func(item any) (any, error) {
					if item == 2 {
						return nil, bad
					}
					return item, nil
				})
				outs, err := kind(t, tt.kind).Run(ctx, tt.args([]any{1, 2, 3}, e))
				require.NoError(t, err)
				_, err = drainErr(t, outs, tt.out)
				require.ErrorIs(t, err, bad)
				require.EqualError(t, err, name+", record 2: no such luck")
			})
		}
	}
}

func TestStreamsEndWhenTheRunIsCancelled(t *testing.T) {
	stop := errors.New("stopped by Ctrl-C")
	for _, tt := range streaming {
		if tt.kind == "limit" {
			continue // it does no work of its own: its source ends
		}
		t.Run(tt.kind+" "+tt.param, func(t *testing.T) {
			_, ctx := newHost(t)
			ctx, cancel := context.WithCancelCause(ctx)
			pulled := 0
			outs, err := kind(t, tt.kind).Run(ctx, tt.args(counting(10*checkEvery, &pulled), exprFunc(func(item any) (any, error) {
				if item == 10 {
					cancel(stop)
				}
				return item, nil
			})))
			require.NoError(t, err)
			_, err = drainErr(t, outs, tt.out)
			require.ErrorIs(t, err, stop)
			require.LessOrEqual(t, pulled, checkEvery+1)
		})
	}
}

func TestLeavingEarlyStillCountsWhatWasLeftOut(t *testing.T) {
	h, ctx := newHost(t)
	pulled := 0
	outs, err := kind(t, "filter").Run(ctx, obj{"items": counting(100, &pulled), "where": exprFunc(even)})
	require.NoError(t, err)
	require.Equal(t, []any{2, 4}, first(t, outs, "items", 2))
	require.Equal(t, 4, pulled)
	require.Equal(t, []string{"did not match where"}, h.reason, "once per reason")
	require.Equal(t, 2, h.left["did not match where"])
}

func TestLimitReadsOneRecordMoreAtMost(t *testing.T) {
	h, ctx := newHost(t)
	pulled := 0
	outs, err := kind(t, "limit").Run(ctx, obj{"items": counting(1000, &pulled), "count": 3})
	require.NoError(t, err)
	require.Equal(t, []any{1, 2, 3}, drain(t, outs, "items"))
	require.Equal(t, 4, pulled)

	outs, err = kind(t, "limit").Run(ctx, obj{"items": broken(1), "count": 1})
	require.NoError(t, err)
	require.Equal(t, []any{1}, drain(t, outs, "items"), "an error beyond the limit is nobody's")
	require.Len(t, h.left, 1)
}

func TestCollectingKindsSayTheirLimit(t *testing.T) {
	_, ctx := newHost(t)
	endless := step.StreamOf(func(yield func(any, error) bool) {
		for yield(7, nil) {
		}
	})
	outs, err := kind(t, "join").Run(ctx, obj{"left": []any{7}, "right": endless, "leftKey": exprFunc(self), "rightKey": exprFunc(self)})
	require.NoError(t, err)
	_, err = drainErr(t, outs, "items")
	require.ErrorContains(t, err, "right: more than 1000000 records, which is all that is kept in memory; ")
	require.ErrorContains(t, err, "filter", "the error names the way on")

	pulled := 0
	out, err := group(ctx, groupIn{Items: counting(100, &pulled), By: exprFunc(even)}, 30)
	require.NoError(t, err)
	for _, err = range out.Groups.All() {
		require.Error(t, err)
	}
	require.ErrorContains(t, err, "a group: more than 30 records, which is all that is kept in memory; ")
}

func TestSortRefusesWhatHasNoOrder(t *testing.T) {
	tests := []struct {
		name string
		keys []any
		want string
	}{
		{"boolean", []any{nil, true}, "by, record 2: the value has no order; allowed: integer, number, text, time, duration"},
		{"object", []any{obj{}}, "by, record 1: the value has no order; allowed: integer, number, text, time, duration"},
		{"mixed", []any{1, 2.5, nil, "x"}, "by, record 4: is a text, but the records before it gave a number; values of one kind can be ordered"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, ctx := newHost(t)
			outs, err := kind(t, "sort").Run(ctx, obj{"items": tt.keys, "by": exprFunc(self)})
			require.NoError(t, err)
			_, err = drainErr(t, outs, "items")
			require.EqualError(t, err, tt.want)
		})
	}
}

func TestSetGivesItsParameters(t *testing.T) {
	_, ctx := newHost(t)
	outs, err := kind(t, "set").Run(ctx, obj{"code": "X", "n": 3})
	require.NoError(t, err)
	require.Equal(t, obj{"code": "X", "n": 3}, outs)

	fields, err := kind(t, "set").Infer(step.Call{Shapes: map[string]step.Shape{"n": step.ShapeInt, "code": step.ShapeText}})
	require.NoError(t, err)
	require.Equal(t, []step.Field{{Name: "code", Shape: step.ShapeText}, {Name: "n", Shape: step.ShapeInt}}, fields)
}

func TestAssert(t *testing.T) {
	_, ctx := newHost(t)
	k := kind(t, "assert")
	_, err := k.Run(ctx, obj{"that": true})
	require.NoError(t, err)

	var failed *step.AssertError
	_, err = k.Run(ctx, obj{"that": false, "message": "nobody to write to"})
	require.ErrorAs(t, err, &failed)
	require.EqualError(t, err, "nobody to write to")
	_, err = k.Run(ctx, obj{"that": false})
	require.ErrorAs(t, err, &failed)
	require.EqualError(t, err, "the condition in that is false")

	p, ok := k.Param("that")
	require.True(t, ok)
	require.True(t, p.Bare && p.Bool && p.Item == "")
}

func TestInfer(t *testing.T) {
	client := step.ObjectOf(step.Field{Name: "id", Shape: step.ShapeInt}, step.Field{Name: "name", Shape: step.ShapeText.OrNil()})
	clients := step.StreamShape(client)
	row := step.ObjectOf(step.Field{Name: "phone", Shape: step.ShapeText})
	tests := []struct {
		name, kind string
		call       step.Call
		out        string
		want       step.Shape
		err        string
	}{
		{"filter", "filter", step.Call{Shapes: map[string]step.Shape{"items": clients}}, "items", clients, ""},
		{"distinct", "distinct", step.Call{Shapes: map[string]step.Shape{"items": step.ListOf(client)}}, "items", clients, ""},
		{"limit of anything", "limit", step.Call{Shapes: map[string]step.Shape{"items": {Form: step.FormList}}}, "items", step.StreamShape(step.ShapeAny), ""},
		{"map", "map", step.Call{Shapes: map[string]step.Shape{"items": clients, "to": row}}, "items", step.StreamShape(row), ""},
		{"map to nothing", "map", step.Call{Shapes: map[string]step.Shape{"to": step.ObjectOf()}}, "", step.Shape{}, "to has no names; write at least one field, as in `name: ${{ item.name }}`"},
		{"sort", "sort", step.Call{Shapes: map[string]step.Shape{"items": clients, "by": step.ShapeText.OrNil()}}, "items", clients, ""},
		{"sort by a truth value", "sort", step.Call{Shapes: map[string]step.Shape{"items": clients, "by": step.ShapeBool}}, "", step.Shape{}, "by is boolean, which has no order; allowed: integer, number, text, time, duration"},
		{
			"join", "join",
			step.Call{Shapes: map[string]step.Shape{"left": clients, "right": step.StreamShape(row), "leftKey": step.ShapeText, "rightKey": step.ShapeText}},
			"items",
			step.StreamShape(step.ObjectOf(step.Field{Name: "left", Shape: client}, step.Field{Name: "right", Shape: row})), "",
		},
		{
			"join inner in words", "join",
			step.Call{Shapes: map[string]step.Shape{"left": clients, "right": step.StreamShape(row), "kind": step.ShapeText}, Literals: obj{"kind": "inner"}},
			"items",
			step.StreamShape(step.ObjectOf(step.Field{Name: "left", Shape: client}, step.Field{Name: "right", Shape: row})), "",
		},
		{
			"join left", "join",
			step.Call{Shapes: map[string]step.Shape{"left": clients, "right": step.StreamShape(row), "kind": step.ShapeText}, Literals: obj{"kind": "left"}},
			"items",
			step.StreamShape(step.ObjectOf(step.Field{Name: "left", Shape: client}, step.Field{Name: "right", Shape: row.OrNil()})), "",
		},
		{
			"join of a kind known later", "join",
			step.Call{Shapes: map[string]step.Shape{"left": clients, "right": step.StreamShape(row), "kind": step.ShapeText}},
			"items",
			step.StreamShape(step.ObjectOf(step.Field{Name: "left", Shape: client}, step.Field{Name: "right", Shape: row.OrNil()})), "",
		},
		{"join of keys that never match", "join", step.Call{Shapes: map[string]step.Shape{"leftKey": step.ShapeInt.OrNil(), "rightKey": step.ShapeText.OrNil()}}, "", step.Shape{}, "rightKey is text and leftKey is integer: they can never be equal; convert one with string() or int()"},
		{
			"group", "group",
			step.Call{Shapes: map[string]step.Shape{"items": clients, "by": step.ShapeText.OrNil()}},
			"groups",
			step.StreamShape(step.ObjectOf(step.Field{Name: "key", Shape: step.ShapeText.OrNil()}, step.Field{Name: "count", Shape: step.ShapeInt}, step.Field{Name: "items", Shape: step.ListOf(client)})), "",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fields, err := kind(t, tt.kind).Infer(tt.call)
			if tt.err != "" {
				var arg *step.ArgError
				require.ErrorAs(t, err, &arg)
				require.EqualError(t, err, tt.err)
				return
			}
			require.NoError(t, err)
			f, ok := step.ObjectOf(fields...).Field(tt.out)
			require.True(t, ok)
			require.Equal(t, plain(tt.want), plain(f.Shape))
		})
	}
}

// plain drops the texts of a shape, so that shapes can be compared.
func plain(s step.Shape) step.Shape {
	if s.Elem != nil {
		e := plain(*s.Elem)
		s.Elem = &e
	}
	fields := make([]step.Field, len(s.Fields))
	for i, f := range s.Fields {
		fields[i] = step.Field{Name: f.Name, Shape: plain(f.Shape)}
	}
	if s.Fields = fields; len(fields) == 0 {
		s.Fields = nil
	}
	return s
}

func BenchmarkFilter100k(b *testing.B) {
	_, ctx := newHost(b)
	recs := make([]any, 100_000)
	for i := range recs {
		recs[i] = obj{"id": i}
	}
	k := kind(b, "filter")
	b.ReportAllocs()
	for b.Loop() {
		outs, err := k.Run(ctx, obj{"items": recs, "where": exprFunc(func(item any) (any, error) { return item.(obj)["id"].(int)%2 == 0, nil })})
		require.NoError(b, err)
		n := 0
		for range outs["items"].(step.Stream[any]).All() {
			n++
		}
		require.Equal(b, 50_000, n)
	}
}

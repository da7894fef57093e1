package lang

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/engine/step"
)

func BenchmarkPredicate(b *testing.B) {
	for name, text := range map[string]string{
		"age":  `within(item.created, "30d")`,
		"text": `item.text != nil and lower(item.text) contains "interested"`,
		"int":  `item.id > 10 and item.type == "from_client"`,
	} {
		b.Run(name, func(b *testing.B) {
			env := worldData(false)
			p := mustExpr(b, worldScope(time.UTC), text).Bind(env)
			b.ReportAllocs()
			for b.Loop() {
				if ok, err := p.Test(env["item"]); err != nil || !ok {
					b.Fatal(ok, err)
				}
			}
		})
	}
}

func BenchmarkRender(b *testing.B) {
	n := &flow.Node{Kind: flow.Scalar, Text: "Hello ${{ client.name ?? \"friend\" }}!\nThe code ${{ inputs.promo }} gives you ${{ inputs.limit }}% until Sunday.\n"}
	v, problems := CompileValue(n, worldScope(time.UTC), step.Field{Shape: step.ShapeText})
	require.Empty(b, problems)
	env := worldData(false)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Eval(env); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	n := &flow.Node{Kind: flow.Scalar, Text: `none(steps.history.outputs.messages, .type == "from_client" and lower(.text ?? "") contains "not interested")`}
	s := worldScope(time.UTC)
	b.ReportAllocs()
	for b.Loop() {
		if e, _ := CompileExpr(n, s, step.ShapeBool); e == nil {
			b.Fatal("refused")
		}
	}
}

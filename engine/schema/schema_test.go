package schema_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/schema"
	"github.com/flowrunner/flowrunner/engine/step"
	"github.com/flowrunner/flowrunner/internal/golden"
)

// everyIn has a parameter of each form.
type everyIn struct {
	Items step.Stream[step.Any] `flow:"items" doc:"Records."`
	Where step.Predicate        `flow:"where" item:"items" optional:"true" doc:"A condition."`
	Names step.Named[step.Expr] `flow:"names" item:"items" doc:"Names to expressions."`
	Types step.Named[string]    `flow:"types" enum:"string,integer" doc:"Names to words."`
	Text  string                `flow:"text" doc:"A text."`
	Word  string                `flow:"word" optional:"true" enum:"up,down" default:"up" doc:"One of two | words."`
	Count *int                  `flow:"count" min:"1" max:"9" doc:"A number from 1 to 9."`
	Share *float64              `flow:"share" max:"1" doc:"A part of 1."`
	Flag  *bool                 `flow:"flag" doc:"Yes or no."`
	After *time.Time            `flow:"after" doc:"A moment."`
	IDs   []int                 `flow:"ids" min:"1" doc:"Some numbers."`
	Token *step.Secret          `flow:"token" doc:"A secret."`
	Rest  any                   `flow:"rest" optional:"true" doc:"Anything."`
}

type everyOut struct {
	Rows  step.Stream[record] `flow:"rows" doc:"Records."`
	One   *record             `flow:"one" doc:"A record."`
	Count int                 `flow:"count" count:"rows" doc:"How many rows."`
}

type record struct {
	ID   int      `flow:"id" doc:"A number."`
	Name *string  `flow:"name" doc:"A name."`
	Tags []string `flow:"tags" doc:"Some words."`
}

func registry(t *testing.T) *step.Registry {
	t.Helper()
	reg, err := step.NewRegistry(nil,
		step.Compute(step.Doc{Name: "every", Summary: "Take one of each.", Detail: "It does nothing.", Since: "0.1", Example: "flow: a\n"},
			func(context.Context, everyIn) (everyOut, error) { return everyOut{}, nil }),
		step.Compute(step.Doc{Name: "open", Summary: "Take any names.", Since: "0.1", Example: "flow: b\n", OpenParams: true},
			func(_ context.Context, m map[string]any) (map[string]any, error) { return m, nil }),
	)
	require.NoError(t, err)
	return reg
}

func TestJSONOfASmallRegistry(t *testing.T) {
	got, err := schema.JSON(registry(t))
	require.NoError(t, err)
	golden.Equal(t, "testdata/schema.json", string(got))
	require.True(t, json.Valid(got))

	again, err := schema.JSON(registry(t))
	require.NoError(t, err)
	require.Equal(t, string(got), string(again), "the same language gives the same bytes")
}

func TestKindsOfASmallRegistry(t *testing.T) {
	golden.Equal(t, "testdata/kinds.md", schema.Kinds(registry(t)))
}

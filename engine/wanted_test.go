package engine_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/engine/step"
	"github.com/flowrunner/flowrunner/steps"
)

// person is a record of the kind people.
type person struct {
	ID    int               `flow:"id" doc:"The id."`
	Name  *string           `flow:"name" doc:"The name."`
	Phone string            `flow:"phone" doc:"The phone."`
	Extra map[string]string `flow:"extra" doc:"More."`
}

type peopleOut struct {
	People step.Stream[person] `flow:"people" doc:"The people."`
	Count  int                 `flow:"count" count:"people" doc:"How many."`
}

// TestWantedFields plans flows over a kind that notes which fields of its records
// it was told to read.
func TestWantedFields(t *testing.T) {
	const list = `"${{ steps.who.outputs.people }}"`
	tests := map[string]struct {
		flow string
		want []string // nil is all
	}{
		"a loop over a filter": {`
  - {id: half, uses: filter, with: {items: ` + list + `, where: item.id % 2 == 0}}
  - id: each
    forEach: ${{ steps.half.outputs.items }}
    as: p
    uses: set
    with: {text: "Hello ${{ p.name ?? p.extra[\"nick\"] ?? \"you\" }}"}
`, []string{"extra", "id", "name"}},
		"a count alone":         {"outputs:\n  n: ${{ steps.who.outputs.count }}", []string{}},
		"a file with columns":   {"finally:\n  - {id: f, uses: write_csv, with: {path: a.csv, rows: " + list + ", columns: [phone, id], unique: id}}", []string{"id", "phone"}},
		"a file of everything":  {"finally:\n  - {id: f, uses: write_csv, with: {path: a.csv, rows: " + list + "}}", nil},
		"an output":             {"outputs:\n  all: " + list, nil},
		"a list in an expr":     {"outputs:\n  all: ${{ map(steps.who.outputs.people, .id) }}", nil},
		"all outputs of a step": {"outputs:\n  all: ${{ len(steps.who.outputs) }}", nil},
		"map": {`
  - {id: m, uses: map, with: {items: ` + list + `, to: {who: "${{ item.name }}"}}}
outputs:
  all: ${{ steps.m.outputs.items }}
`, []string{"name"}},
		"sort, distinct and limit": {`
  - {id: s, uses: sort, with: {items: ` + list + `, by: item.phone}}
  - {id: d, uses: distinct, with: {items: "${{ steps.s.outputs.items }}", by: item.id}}
  - {id: l, uses: limit, with: {items: "${{ steps.d.outputs.items }}", count: 3}}
  - {id: each, forEach: "${{ steps.l.outputs.items }}", uses: set, with: {name: "${{ item.name }}"}}
`, []string{"id", "name", "phone"}},
		"distinct by the whole record": {`
  - {id: d, uses: distinct, with: {items: ` + list + `}}
  - {id: each, forEach: "${{ steps.d.outputs.items }}", uses: set, with: {name: "${{ item.name }}"}}
`, nil},
		"a record as a whole":  {"\n  - {id: e, forEach: " + list + ", uses: set, with: {all: \"${{ item }}\"}}", nil},
		"a list of the record": {"\n  - {id: e, forEach: " + list + ", uses: set, with: {any: \"${{ [item] }}\"}}", nil},
		"a record behind let":  {"\n  - {id: e, forEach: " + list + ", uses: set, with: {any: \"${{ let x = item; x.id }}\"}}", nil},
		"a join":               {"\n  - {id: j, uses: join, with: {left: " + list + ", right: " + list + ", leftKey: item.id, rightKey: item.id}}\noutputs:\n  n: ${{ steps.j.outputs.items }}", nil},
		"a condition and a nested loop": {`
  - id: outer
    forEach: ` + list + `
    as: p
    if: p.phone != ""
    else: no phone for ${{ p.id }}
    steps:
      - {id: inner, forEach: "${{ [1, 2] }}", uses: set, with: {a: "${{ p.name }}"}}
`, []string{"id", "name", "phone"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var got map[string][]string
			ran := false
			people := step.Read(step.Doc{Name: "people", Summary: "People.", Since: "0.1", Example: "-"},
				func(ctx context.Context, _ struct{}) (peopleOut, error) {
					got, ran = step.CallOf(ctx).Wanted, true
					nick := "A"
					return peopleOut{People: step.StreamList([]person{{ID: 1, Name: &nick, Phone: "7"}, {ID: 2, Phone: "8"}})}, nil
				})
			reg, err := step.NewRegistry(nil, append(steps.Registry().Kinds(), people)...)
			require.NoError(t, err)
			doc, problems := flow.Parse("flow.yaml", []byte("flow: wanted\nsteps:\n  - {id: who, uses: people}\n"+strings.TrimLeft(test.flow, "\n")+"\n"))
			require.False(t, problems.HasErrors(), "%s", problems)
			p, problems := engine.Compile(doc, reg, nil)
			require.False(t, problems.HasErrors(), "%s", problems)
			b := newBench(t, sandbox.Options{})
			r := b.apply(p, b.plan(p, nil))
			require.True(t, ran)
			require.Empty(t, r.Reason)
			require.Equal(t, test.want, got["people"])
		})
	}
}

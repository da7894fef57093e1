package engine_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/engine/planfile"
	"github.com/flowrunner/flowrunner/engine/step"
)

// explored has a loop in a loop, a block, and a second stage.
const explored = `flow: explored
connection: { timezone: Europe/Moscow }
inputs: { word: { type: string, default: Hello } }
env: [SHOP]
guard: { maxSends: 1 }
steps:
  - id: clients
    uses: chat2desk_list_clients
  - id: block
    steps:
      - id: words
        uses: set
        with: { list: [a, "${{ inputs.word }}"] }
  - id: each
    forEach: ${{ steps.clients.outputs.clients }}
    as: client
    steps:
      - id: inner
        forEach: ${{ steps.words.outputs.list }}
        as: word
        steps:
          - id: send
            uses: chat2desk_send_message
            key: string(client.id) + word
            with: { contactId: "${{ client.id }}", message: "${{ word }} ${{ env.SHOP ?? \"\" }}" }
  - id: again
    if: steps.each.outputs.sent > 0
    uses: chat2desk_list_clients
finally:
  - id: keep
    uses: write_json
    with: { path: out.json, value: "${{ steps.clients.outputs.clients }}" }
`

// ask evaluates a text and gives the value, or why there is none.
func ask(t *testing.T, e *engine.Evaluator, text string) any {
	t.Helper()
	got, err := e.Expr(flow.TextNode("text", text))
	var list diag.Errors
	switch {
	case errors.As(err, &list):
		return list[0].Code + " at " + list[0].Span.String()
	case got.Missing != "":
		return got.Missing
	}
	require.NoError(t, err)
	return got.Value
}

func TestExplore(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(3)})
	b.env["SHOP"] = "Berlin"
	p := b.compile(explored)
	explore := func(at engine.Place) *engine.Evaluator {
		e, err := p.Explore(t.Context(), b.options(p, nil), at)
		require.NoError(t, err)
		return e
	}
	e := explore(engine.Place{})
	for text, want := range map[string]any{
		"len(steps.clients.outputs.clients)":   3,
		"steps.clients.outputs.total":          3,
		"steps.words.outputs.list":             []any{"a", "Hello"},
		"steps.block.status":                   "ok",
		"inputs.word + (env.SHOP ?? \"\")":     "HelloBerlin",
		"steps.each.outputs.planned":           6,
		"steps.each.outputs.sent":              "steps.each.outputs.sent: it is not known before messages are sent, or was not kept",
		"steps.again.outputs.total":            "steps.again: it is planned only when what comes before has been sent",
		"run.startedAt":                        nil,
		"steps.clinets":                        "unknown-name at text:1:7",
		"client":                               "unknown-name at text:1:1",
		`duration(inputs.word)`:                "evaluation-failed at text:1:1",
		"format(run.now, \"HH:mm\")":           "15:00",
		"1 +":                                  "expression-syntax at text:1:3",
		"steps.clients.outputs.clients[0]?.id": 101,
	} {
		require.Equal(t, want, ask(t, e, text), text)
	}
	inside := explore(engine.Place{Step: "send", Item: []int{1, 1}})
	require.Equal(t, 102, ask(t, inside, "client.id"))
	require.Equal(t, "Hello 1", ask(t, inside, `word + " " + string(index)`))
	require.Equal(t, "planned", ask(t, inside, "steps.send.status"))
	beside := explore(engine.Place{Step: "clients", Item: []int{2}})
	require.Equal(t, 103, ask(t, beside, "item.id"))
	require.Equal(t, 103, ask(t, explore(engine.Place{Step: "each", Item: []int{2}}), "client.id"))

	for at, want := range map[*engine.Place]string{
		{Item: []int{1}}:                       "an item belongs to a step, and none is named",
		{Step: "snd"}:                          `the flow has no step "snd"`,
		{Step: "send", Item: []int{1}}:         "the step send stands in 2 loops, but the item has 1 numbers",
		{Step: "block", Item: []int{1}}:        "the step block gives no list, so it has no item",
		{Step: "clients", Item: []int{3}}:      "steps.clients.outputs.clients has 3 records here, so there is no item 4",
		{Step: "send", Item: []int{1, 2}}:      "the loop inner has no item 2.3",
		{Step: "clients", Item: []int{1, 0}}:   "the step clients gives no list, so it has no item",
		{Step: "each", Item: []int{1, 0, 1}}:   "the step each stands in 1 loops, but the item has 3 numbers",
		{Step: "again", Item: []int{1_000_00}}: "steps.again.outputs.clients has 0 records here, so there is no item 100001",
	} {
		_, err := p.Explore(t.Context(), b.options(p, nil), *at)
		var wrong *engine.PlaceError
		require.ErrorAs(t, err, &wrong)
		require.Equal(t, want, err.Error())
		require.NotEmpty(t, wrong.Hint)
	}
	require.Empty(t, b.api.Accepted(), "nothing is sent")
}

func TestExploreKeepsWhatCameBeforeAFailure(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(3)})
	p := b.compile(`flow: fails
steps:
  - id: clients
    uses: chat2desk_list_clients
  - id: rows
    uses: read_csv
    with: { path: none.csv, columns: { a: string } }
`)
	e, err := p.Explore(t.Context(), b.options(p, nil), engine.Place{})
	require.ErrorContains(t, err, "step rows")
	require.Equal(t, 3, ask(t, e, "len(steps.clients.outputs.clients)"))
	require.Equal(t, "steps.rows: planning ended before it", ask(t, e, "steps.rows.outputs.rows"))
	e, err = p.Explore(t.Context(), b.options(p, nil), engine.Place{Step: "rows", Item: []int{0}})
	require.ErrorContains(t, err, "step rows")
	require.NotNil(t, e)
}

func TestRecorded(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(2)})
	b.env["SHOP"] = "Berlin"
	p := b.compile(explored)
	path, err := planFile(t.Context(), p, b.options(p, map[string]any{"word": "Hi"}))
	var guard *engine.GuardError
	require.ErrorAs(t, err, &guard)
	recorded := func(at engine.Place) *engine.Evaluator {
		e, err := p.Recorded([]string{path}, at)
		require.NoError(t, err)
		return e
	}
	e := recorded(engine.Place{})
	require.Equal(t, "Hi", ask(t, e, "inputs.word"))
	require.Equal(t, "Berlin", ask(t, e, "env.SHOP"))
	require.Equal(t, 2, ask(t, e, "len(steps.clients.outputs.clients)"))
	require.Equal(t, records[planfile.Header](t, path)[0].Run, ask(t, e, "run.id"))
	require.Contains(t, ask(t, e, "steps.again.outputs.total"), "the plan of this run has not recorded it")
	e = recorded(engine.Place{Step: "send", Item: []int{1, 0}})
	require.Equal(t, "a Berlin", ask(t, e, "with.message"))
	require.Equal(t, 102, ask(t, e, "client.id"))
	require.Equal(t, 0, ask(t, e, "index"))
	require.Equal(t, 102, ask(t, recorded(engine.Place{Step: "clients", Item: []int{1}}), "item.id"))

	_, err = p.Recorded([]string{path}, engine.Place{Step: "send", Item: []int{1, 9}})
	require.ErrorContains(t, err, "records no item 2.10 of the step send")
	_, err = p.Recorded([]string{path}, engine.Place{Step: "none"})
	require.ErrorContains(t, err, `no step "none"`)
	_, err = p.Recorded([]string{path + ".none"}, engine.Place{})
	require.Error(t, err)
}

func TestStaticKnowsTypesOnly(t *testing.T) {
	b := newBench(t, sandbox.Options{})
	p := b.compile(explored)
	known := p.Evaluator(map[string]any{"word": "Hi"}, nil, "a-run", b.now)
	e, err := p.Static(known, engine.Place{}, "nothing has run")
	require.NoError(t, err)
	require.Equal(t, "steps.clients: nothing has run", ask(t, e, "steps.clients.outputs.clients"))
	got, err := e.Expr(flow.TextNode("text", "steps.clients.outputs.total"))
	require.NoError(t, err)
	require.Equal(t, step.FormInt, got.Shape.Form)
	require.Equal(t, "a-run", ask(t, e, "run.id"))
	e, err = p.Static(known, engine.Place{Step: "send", Item: []int{0, 0}}, "nothing has run")
	require.NoError(t, err)
	require.Equal(t, "client.name: nothing has run", ask(t, e, "client.name"))
	_, err = p.Static(known, engine.Place{Step: "sent"}, "")
	require.ErrorContains(t, err, `no step "sent"`)
}

func TestNamesComplete(t *testing.T) {
	b := newBench(t, sandbox.Options{})
	p := b.compile(explored)
	e, err := p.Static(p.Evaluator(nil, nil, "", b.now), engine.Place{}, "")
	require.NoError(t, err)
	require.Contains(t, e.Names(""), "steps")
	require.Contains(t, e.Names(""), "inputs")
	require.Contains(t, e.Names(""), "plural")
	require.Equal(t, []string{"again", "block", "clients", "each", "words"}, e.Names("steps"))
	require.Equal(t, []string{"clients", "total"}, e.Names("steps.clients.outputs"))
	require.Empty(t, e.Names("steps.none"))
	require.NotContains(t, engine.NewEvaluator(nil).Names(""), "steps")
}

func TestShapeOf(t *testing.T) {
	tests := map[string]struct {
		value any
		want  string
	}{
		"nil": {nil, "any"}, "boolean": {true, "boolean"}, "integer": {1, "integer"}, "number": {1.5, "number"}, "text": {"", "text"},
		"time": {time.Time{}, "time"}, "duration": {time.Second, "duration"}, "no list": {[]any{}, "list"},
		"list": {[]any{1, 2.5}, "list of number"}, "mixed": {[]any{1, "a"}, "list"},
		"records": {[]any{map[string]any{"a": 1}, map[string]any{"b": "x"}}, "list of object {a, b}"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { require.Equal(t, test.want, engine.ShapeOf(test.value).String()) })
	}
}

func TestEvaluatorValue(t *testing.T) {
	e := engine.NewEvaluator(time.UTC).With("n", step.ShapeInt, 2)
	v, err := e.Value(flow.TextNode("text", "${{ n + 1 }}"), step.Field{Name: "x", Shape: step.ShapeInt})
	require.NoError(t, err)
	require.Equal(t, 3, v)
	_, err = e.Value(flow.TextNode("text", "one"), step.Field{Name: "x", Shape: step.ShapeInt})
	require.ErrorContains(t, err, "x must be an integer")
	_, err = e.Value(flow.TextNode("text", "${{ duration(string(n)) }}"), step.Field{Name: "x", Shape: step.ShapeDuration})
	require.ErrorContains(t, err, "duration")
}

// TestRecordedFields refuses a field that the flow does not read, since the plan
// has not recorded it, and never says that it is nil.
func TestRecordedFields(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(2)})
	p := b.compile(`flow: narrow
steps:
  - {id: clients, uses: chat2desk_list_clients}
  - {id: some, uses: filter, with: {items: "${{ steps.clients.outputs.clients }}", where: item.id > 0}}
finally:
  - {id: keep, uses: write_csv, with: {path: out.csv, rows: "${{ steps.some.outputs.items }}", columns: [id]}}
`)
	path := b.plan(p, nil)
	e, err := p.Recorded([]string{path}, engine.Place{Step: "some", Item: []int{1}})
	require.NoError(t, err)
	require.Equal(t, 102, ask(t, e, "item.id"))
	_, err = e.Expr(flow.TextNode("text", "item.phone"))
	require.ErrorContains(t, err, `unknown field "phone"`)
}

// A run of two stages has two plans, and a console reads both.
func TestRecordedReadsEveryStage(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(2)})
	p := b.compile(`flow: stages
guard: { maxSends: 10 }
steps:
  - { id: hello, uses: chat2desk_send_message, with: { contactId: 101, message: hello } }
  - { id: facts, if: steps.hello.status == "sent", uses: set, with: { x: 7 } }
  - id: more
    forEach: [101, 102]
    if: steps.facts.outputs.x == 7
    uses: chat2desk_send_message
    with: { contactId: "${{ item }}", message: "more ${{ index }}" }
`)
	path := b.plan(p, nil)
	later := filepath.Join(filepath.Dir(path), "plan-1.jsonl")
	b.apply(p, path)
	e, err := p.Recorded([]string{path, later}, engine.Place{Step: "more", Item: []int{1}})
	require.NoError(t, err)
	require.Equal(t, "more 1", ask(t, e, "with.message"))
	require.Equal(t, 7, ask(t, e, "steps.facts.outputs.x"))

	// What was not planned to its end is passed over.
	require.NoError(t, os.WriteFile(later, []byte("{}\n"), 0o600))
	e, err = p.Recorded([]string{path, later}, engine.Place{})
	require.NoError(t, err)
	require.Contains(t, ask(t, e, "steps.facts.outputs.x"), "the plan of this run has not recorded it")
}

package engine_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/engine/planfile"
	"github.com/flowrunner/flowrunner/steps"
)

// outputsOf are the outputs of a run by their names.
func outputsOf(r *engine.Result) map[string]any {
	out := map[string]any{}
	for _, v := range r.Outputs {
		out[v.Name] = v.Value
	}
	return out
}

const calling = `flow: calling
guard: { maxSends: 100 }
steps:
  - id: single
    uses: ./greet.yaml
    with: { who: 101, name: Anna }
  - id: each
    forEach: [101, 102, 9001]
    as: who
    uses: ./greet.yaml
    with: { who: "${{ who }}", name: "no. ${{ index }}" }
  - id: deep
    forEach: [101, 102]
    as: who
    steps:
      - id: call
        if: who == 101
        uses: ./greet.yaml
        with: { who: "${{ who }}", name: deep }
    outputs:
      who: ${{ who }}
      status: ${{ steps.call.status }}
      texts: ${{ steps.call.outputs.texts }}
      sent: ${{ steps.call.outputs.sent }}
      first: ${{ steps.call.outputs.first }}
  - id: later
    if: steps.single.outputs.sent == 2 and steps.single.status == "sent"
    uses: ./greet.yaml
    with: { who: 102, name: "${{ string(steps.single.outputs.sent) }} more" }
outputs:
  single: ${{ steps.single.outputs }}
  each: ${{ steps.each.outputs.items }}
  deep: ${{ steps.deep.outputs.items }}
  later: ${{ steps.later.status }}
`

const called = `flow: called
inputs:
  who: { type: integer, required: true }
  name: { type: string, required: true }
  words: { type: list, default: [morning, evening] }
steps:
  - id: texts
    uses: set
    with: { list: "${{ map(inputs.words, # + \" \" + inputs.name) }}" }
  - id: each
    forEach: ${{ steps.texts.outputs.list }}
    as: text
    steps:
      - id: send
        key: text
        uses: chat2desk_send_message
        with: { contactId: "${{ inputs.who }}", message: "Good ${{ text }}" }
outputs:
  texts: ${{ steps.texts.outputs.list }}
  sent: ${{ steps.each.outputs.sent }}
  first: ${{ first(steps.each.outputs.items)?.status }}
`

// callingProgram compiles the two flows above, as they lie in the bench's folder.
func callingProgram(t *testing.T, b *bench) *engine.Program {
	t.Helper()
	b.write("greet.yaml", called)
	p, ds := besides("calling.yaml", calling, b.dir)
	require.Empty(t, ds)
	return p
}

// Each call has inputs, sends and outputs of its own, at the top, in a loop, and
// as a loop; what its outputs say of sends is known when those have settled.
func TestCallsRun(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(2)})
	p := callingProgram(t, b)
	path := b.plan(p, nil)

	// Apply knows the flows from the plan, in a process of its own.
	b.write("greet.yaml", "flow: another\n")
	plan, err := planfile.Check(path)
	require.NoError(t, err)
	doc, _ := flow.Parse(plan.Head.File, []byte(plan.Head.FlowText))
	p, ds := engine.Compile(doc, steps.Registry(), engine.FilesOf(plan.Head.Texts))
	require.Empty(t, ds)
	r := b.apply(p, path)
	require.Equal(t, []engine.Cause{engine.CauseRecipients}, r.Causes, r.Reason)

	require.Equal(t, map[int64][]string{
		101: {"Good morning Anna", "Good evening Anna", "Good morning no. 0", "Good evening no. 0", "Good morning deep", "Good evening deep"},
		102: {"Good morning no. 1", "Good evening no. 1", "Good morning 2 more", "Good evening 2 more"},
	}, b.texts())
	got := outputsOf(r)
	require.Equal(t, map[string]any{"texts": []any{"morning Anna", "evening Anna"}, "sent": 2, "first": "sent"}, got["single"])
	require.Equal(t, "sent", got["later"])
	require.Equal(t, []any{
		map[string]any{"texts": []any{"morning no. 0", "evening no. 0"}, "sent": 2, "first": "sent"},
		map[string]any{"texts": []any{"morning no. 1", "evening no. 1"}, "sent": 2, "first": "sent"},
		map[string]any{"texts": []any{"morning no. 2", "evening no. 2"}, "sent": 0, "first": "failed"},
	}, got["each"])
	require.Equal(t, []any{
		map[string]any{"who": 101, "status": "sent", "texts": []any{"morning deep", "evening deep"}, "sent": 2, "first": "sent"},
		map[string]any{"who": 102, "status": "skipped", "texts": nil, "sent": nil, "first": nil},
	}, got["deep"])

	// Everything of it is remembered: the second run sends nothing.
	sent := len(b.api.Accepted())
	p = callingProgram(t, b)
	r = b.apply(p, b.plan(p, nil))
	require.Len(t, b.api.Accepted(), sent)
	require.Equal(t, 8, r.Counts.AlreadySent)
}

// A call whose outputs wait for its sends gives them after any number of crashes
// in between, and nobody is written to twice.
func TestCallsSurviveCrashes(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for n := range 12 {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			b := newBench(t, sandbox.Options{World: smallWorld(2)})
			p := callingProgram(t, b)
			path := b.plan(p, nil)
			var last *engine.Result
			for life := 0; ; life++ {
				_, open, err := b.store.Unfinished(t.Context(), "calling", "default")
				require.NoError(t, err)
				_, begun, err := b.store.FindRun(t.Context(), "last")
				require.NoError(t, err)
				if begun && !open {
					break
				}
				o := engine.ApplyOptions{Options: b.options(p, nil), Resume: open}
				if life < 20 {
					o.Store = &mortalStore{Store: b.store, left: 1 + random.IntN(12), after: random.IntN(2) == 0}
				}
				if r, err := applyFile(context.Background(), p, path, o); err == nil && r.Reason == "" {
					last = r
				}
			}
			seen := map[string]int{}
			for _, a := range b.api.Accepted() {
				seen[a.ExternalID]++
				require.Equal(t, 1, seen[a.ExternalID], "%s was sent twice", a.Text)
			}
			if last == nil {
				return // it died when everything was done, and nobody saw its outputs
			}
			single := outputsOf(last)["single"].(map[string]any)
			require.Equal(t, []any{"morning Anna", "evening Anna"}, single["texts"])
			require.NotNil(t, single["sent"])
		})
	}
}

// What blocks and inner loops give is evaluated when their sends have settled.
func TestBlocksAndInnerLoopsSettle(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(2)})
	r := b.run(`flow: settles
guard: { maxSends: 100 }
steps:
  - id: block
    steps:
      - id: hello
        uses: chat2desk_send_message
        with: { contactId: 101, message: hello }
      - id: facts
        uses: set
        with: { x: 7 }
    outputs:
      x: ${{ steps.facts.outputs.x }}
      was: ${{ steps.hello.status }}
      id: ${{ steps.hello.outputs.messageId }}
  - id: outer
    forEach: [102, 9001]
    as: who
    steps:
      - id: inner
        forEach: [a, b]
        as: word
        steps:
          - id: word_send
            if: word == "a" or who == 102
            key: word + string(who)
            uses: chat2desk_send_message
            with: { contactId: "${{ who }}", message: "${{ word }}" }
        outputs:
          word: ${{ word }}
          was: ${{ steps.word_send.status }}
      - id: part
        if: who != 9001
        steps:
          - id: part_send
            uses: chat2desk_send_message
            with: { contactId: "${{ who }}", message: part }
        outputs: { was: "${{ steps.part_send.status }}" }
    outputs:
      sent: ${{ steps.inner.outputs.sent }}
      planned: ${{ steps.inner.outputs.planned }}
      left: ${{ steps.inner.outputs.leftOut }}
      items: ${{ steps.inner.outputs.items }}
      part: ${{ steps.part.outputs.was }}
  - id: after
    uses: print
    with: { message: "${{ steps.block.outputs.was }} ${{ steps.block.status }} ${{ steps.block.outputs.x }}" }
outputs:
  known: ${{ steps.block.outputs.id != nil }}
  outer: ${{ steps.outer.outputs.items }}
`, nil)
	require.Equal(t, "sent sent 7\n", b.stdout.String(), r.Reason)
	got := outputsOf(r)
	require.Equal(t, true, got["known"])
	item := func(word, was string) any { return map[string]any{"word": word, "was": was} }
	require.Equal(t, []any{
		map[string]any{"sent": 2, "planned": 2, "left": 0, "items": []any{item("a", "sent"), item("b", "sent")}, "part": "sent"},
		map[string]any{"sent": 0, "planned": 1, "left": 1, "items": []any{item("a", "failed"), item("b", "left_out")}, "part": nil},
	}, got["outer"])
}

// A value that turns out not to be what the called flow takes stops the plan, with
// the input's name.
func TestInputsOfCallsAreCheckedAtRun(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(1)})
	b.write("shout.yaml", `flow: shout
inputs:
  word: { type: string, required: true, max: 5, pattern: "[a-z]+" }
  times: { type: integer, default: 1, max: 3 }
  secret: { type: string, default: none, enum: [none, some], sensitive: true }
steps:
  - { id: out, uses: print, with: { message: "${{ inputs.word }} ${{ inputs.times }} ${{ inputs.secret }}" } }
`)
	for row, want := range map[string]string{
		`"word":"hello"`:                       "",
		`"word":"enormous"`:                    "the input word of shout.yaml has 8 characters, and may have at most 5",
		`"word":"HI"`:                          "the input word of shout.yaml is \"HI\", which does not match the pattern [a-z]+",
		`"word":"hi","times":4`:                "the input times of shout.yaml is 4, but at most 3 is allowed",
		`"word":"hi","times":"2"`:              "the input times of shout.yaml is a text, but an integer is wanted",
		`"word":"hi","times":null`:             "the input times of shout.yaml is nil, but an integer is wanted",
		`"word":"hi","times":2,"secret":"abc"`: "the input secret of shout.yaml is not allowed (its value is not shown)",
	} {
		b.write("row.json", "{"+row+"}")
		p, ds := besides("flow.yaml", `flow: caller
steps:
  - { id: row, uses: read_json, with: { path: row.json } }
  - id: shout
    uses: ./shout.yaml
    with:
      word: ${{ string(steps.row.outputs.value?.word ?? "") }}
      times: ${{ steps.row.outputs.value?.times ?? `+timesDefault(row)+` }}
      secret: ${{ string(steps.row.outputs.value?.secret ?? "none") }}
`, b.dir)
		require.Empty(t, ds)
		_, err := p.Plan(t.Context(), b.options(p, nil))
		if want == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, "step shout: "+want)
	}
}

// timesDefault keeps a nil where the row has one.
func timesDefault(row string) string {
	if row == `"word":"hi","times":null` {
		return "nil"
	}
	return "1"
}

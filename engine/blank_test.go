package engine_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
	"github.com/flowrunner/flowrunner/engine"
)

// A text that could only be refused stops the plan, which says whose it is and
// where it comes from; nobody gets a message before somebody has looked.
func TestATextThatCannotBeSentStopsThePlan(t *testing.T) {
	for name, tt := range map[string]struct{ text, problem, fix string }{
		"blank":    {"", "step send (row 2): message is blank, and there is no attachment; leave such people out", "leave such people out with `if`, or say with ?? what stands in place of what is missing"},
		"too long": {strings.Repeat("x", 4097), "the text has 4097 characters; at most 4096 are allowed", ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, sandbox.Options{World: smallWorld(3)})
			b.write("rows.csv", "id,text\n101,hi\n102,"+tt.text+"\n103,hi\n")
			p := b.compile(fromRows)
			_, err := p.Plan(t.Context(), b.options(p, nil))
			var failed *engine.StepError
			require.ErrorAs(t, err, &failed)
			require.ErrorContains(t, err, tt.problem)
			require.Equal(t, engine.CauseStep, engine.CauseOf(err))
			require.Equal(t, []int{1}, failed.Item)
			require.Equal(t, tt.fix, engine.Hint(err))
			require.Equal(t, 11, failed.Span.Start.Line, "at the message")
			require.Empty(t, b.api.Accepted())

			b.write("rows.csv", "id,text\n101,hi\n103,hi\n")
			require.Equal(t, 2, b.run(fromRows, nil).Counts.Sent)
		})
	}
}

// An attachment may stand alone.
func TestABlankTextBesideAnAttachment(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(1)})
	r := b.run(`flow: blank
steps:
  - id: send
    uses: chat2desk_send_message
    with:
      contactId: 101
      message: '${{ run.id == "" ? "hi" : "" }}'
      attachment: https://example.com/a.pdf
`, nil)
	require.Empty(t, r.Causes, r.Reason)
	require.Equal(t, 1, r.Counts.Sent)
}

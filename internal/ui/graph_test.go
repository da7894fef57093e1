package ui_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/internal/ui"
	"github.com/flowrunner/flowrunner/steps"
)

func graphOf(t *testing.T, source string) *ui.Graph {
	t.Helper()
	doc, problems := flow.Parse("f", []byte(source))
	require.Empty(t, problems)
	p, problems := engine.Compile(doc, steps.Registry(), nil)
	require.False(t, problems.HasErrors(), "%v", problems)
	return ui.GraphOf(p)
}

const graphFlow = `flow: shown
steps:
  - id: clients
    uses: chat2desk_list_clients
  - id: each
    forEach: ${{ steps.clients.outputs.clients }}
    as: client
    steps:
      - id: send
        name: 'Say "hello" <b>#1</b> & \n'
        uses: chat2desk_send_message
        with: { contactId: "${{ client.id }}", message: Hi }
  - id: done
    if: steps.each.outputs.sent > 0
    uses: print
    with: { message: done }
`

func TestGraphQuotesLabels(t *testing.T) {
	var mermaid, dot bytes.Buffer
	g := graphOf(t, graphFlow)
	require.NoError(t, g.Mermaid(&mermaid))
	require.NoError(t, g.DOT(&dot))
	require.Contains(t, mermaid.String(), `step_send{{"Say #quot;hello#quot; #lt;b#gt;#35;1#lt;/b#gt; #amp; #92;n (send)<br/>chat2desk_send_message"}}:::send`)
	require.Contains(t, dot.String(), `label="Say \"hello\" <b>#1</b> & \\n (send)\nchat2desk_send_message"`)
}

func TestGraphDrawsStagesAndWhatFlows(t *testing.T) {
	var mermaid, dot bytes.Buffer
	g := graphOf(t, graphFlow)
	require.NoError(t, g.Mermaid(&mermaid))
	require.NoError(t, g.DOT(&dot))
	for _, line := range []string{
		`subgraph stage_1["stage 1"]`, `subgraph stage_2["stage 2"]`, `subgraph step_each["each<br/>for each client"]`,
		`step_clients -->|"clients"| step_each`, `step_each -->|"sent"| step_done`, `stage_1 -.->|"when all has settled"| stage_2`,
	} {
		require.Contains(t, mermaid.String(), "  "+line+"\n")
	}
	require.Equal(t, strings.Count(mermaid.String(), "subgraph "), strings.Count(mermaid.String(), "  end\n"))
	for _, line := range []string{
		`step_clients -> step_send [label="clients", lhead="cluster_step_each"]`, `step_send -> step_done [label="sent", ltail="cluster_step_each"]`,
	} {
		require.Contains(t, dot.String(), "  "+line+"\n")
	}
	require.Equal(t, strings.Count(dot.String(), "{"), strings.Count(dot.String(), "}"))
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestGraphTellsThatItCouldNotBeWritten(t *testing.T) {
	g := graphOf(t, graphFlow)
	require.ErrorContains(t, g.Mermaid(fullDisk{}), "disk full")
	require.ErrorContains(t, g.DOT(fullDisk{}), "disk full")
}

package engine_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/flow"
)

// project compiles a project file and gives what is wrong with it.
func project(text string) (*engine.Project, string) {
	f, problems := flow.ParseProject("flowrunner.yaml", []byte(text))
	rules, more := engine.CompileProject(f)
	problems = append(problems, more...)
	problems.Sort()
	return rules, diag.FormatAll(problems, []byte(text))
}

// projectOf compiles a project file that must be good.
func projectOf(t *testing.T, text string) *engine.Project {
	t.Helper()
	p, problems := project(text)
	require.Empty(t, problems)
	return p
}

const greeting = `flow: greeting
%s
steps:
  - id: greet
    uses: chat2desk_send_message
    with: { contactId: 101, message: Hello! }
`

func TestAProjectFileHasTheGrammarOfAFlow(t *testing.T) {
	for _, tt := range []struct{ text, problem string }{
		{"", ""},
		{"# nothing yet\n", ""},
		{"ledger: ABC\n", ""},
		{"guard: { maxSends: 5, stopIf: failed > 3 }\n", ""},
		{"leger: ABC\n", `unknown key "leger"`},
		{"- 1\n", "a project file is a map"},
		{"ledger: [a]\n", "ledger has the wrong shape"},
		{"guard: { maxsends: 5 }\n", `did you mean "maxSends"?`},
		{"guard: { maxSends: many }\n", "maxSends"},
		{"guard: { maxSends: 0 }\n", "maxSends"},
		{"guard: { stopIf: faild > 3 }\n", `did you mean "failed"?`},
		{"guard: { stopIf: failed }\n", "stopIf"},
	} {
		_, problems := project(tt.text)
		if tt.problem == "" {
			require.Empty(t, problems, tt.text)
			continue
		}
		require.Contains(t, problems, tt.problem, tt.text)
	}
}

func TestAFlowTightensItsProjectAndNeverLoosensIt(t *testing.T) {
	for _, tt := range []struct {
		project, flow string
		most          int
		problem       string
	}{
		{"", "", engine.DefaultMaxSends, ""},
		{"guard: { maxSends: 5 }", "", 5, ""},
		{"", "guard: { maxSends: 5000 }", 5000, ""},
		{"guard: { maxSends: 5 }", "guard: { maxSends: 3 }", 3, ""},
		{"guard: { maxSends: 5 }", "guard: { maxSends: 5 }", 5, ""},
		{"guard: { maxSends: 5 }", "guard: { maxSends: 6 }", 5, "flow.yaml:2:20: error: guard.maxSends is looser than at flowrunner.yaml:1:20"},
	} {
		src := fmt.Sprintf(greeting, tt.flow)
		p, problems := check("flow.yaml", []byte(src))
		require.Empty(t, diag.FormatAll(problems, []byte(src)))
		under, looser := p.Under(projectOf(t, tt.project))
		require.Equal(t, tt.most, under.Guard.Most())
		if tt.problem == "" {
			require.Empty(t, looser)
			continue
		}
		require.Contains(t, diag.FormatAll(looser, []byte(src)), tt.problem)
	}
	p, _ := check("flow.yaml", []byte(fmt.Sprintf(greeting, "")))
	same, looser := p.Under(nil)
	require.Same(t, p, same)
	require.Empty(t, looser)
}

func TestTheStopIfOfProjectAndFlowBothHold(t *testing.T) {
	for _, tt := range []struct {
		project, flow, reason string
		failed                int
	}{
		{"guard: { stopIf: failed >= 3 }", "", "failed >= 3", 3},
		{"guard: { stopIf: failed >= 3 }", "guard: { stopIf: failed >= 2 }", "failed >= 2", 2},
		{"guard: { stopIf: failed >= 3 }", "guard: { stopIf: failed >= 40 }", "failed >= 3", 3},
	} {
		b := newBench(t, sandbox.Options{World: smallWorld(3)})
		var rows strings.Builder
		rows.WriteString("id\n")
		for i := range 60 {
			fmt.Fprintf(&rows, "%d\n", 9000+i)
		}
		b.write("rows.csv", rows.String())
		p := b.compile("flow: missing\n" + tt.flow + `
steps:
  - id: rows
    uses: read_csv
    with: { path: rows.csv, columns: { id: integer } }
  - id: send
    forEach: ${{ steps.rows.outputs.rows }}
    uses: chat2desk_send_message
    with: { contactId: "${{ item.id ?? 0 }}", message: hi }
`)
		p, looser := p.Under(projectOf(t, tt.project))
		require.Empty(t, looser)
		r := b.apply(p, b.plan(p, nil))
		require.Equal(t, tt.failed, r.Counts.Failed)
		require.Contains(t, r.Reason, tt.reason)
	}
}

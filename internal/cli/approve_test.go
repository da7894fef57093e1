package cli

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/planfile"
)

// approval asks for n messages, with somebody at the terminal who types in.
func approval(t *testing.T, in string, n int, change func(*job)) (string, error) {
	t.Helper()
	var out bytes.Buffer
	a := newApp(strings.NewReader(in), io.Discard, &out, nil)
	a.terminal = true
	a.signals = &signals{drain: t.Context(), hard: t.Context()}
	j := &job{a: a, o: &worldFlags{}, p: &engine.Program{}}
	if change != nil {
		change(j)
	}
	asked, err := j.approve(planfile.End{Counts: planfile.Counts{Planned: n}})
	require.NoError(t, a.stderr.Flush())
	require.Equal(t, out.Len() > 0, asked)
	return out.String(), err
}

func TestApprovalOnATerminal(t *testing.T) {
	for _, tt := range []struct {
		answer string
		ok     bool
	}{{"y\n", true}, {"YES\n", true}, {" да \n", true}, {"n\n", false}, {"\n", false}, {"", false}, {"yep\n", false}} {
		asked, err := approval(t, tt.answer, 3, nil)
		require.Equal(t, "Send 3 messages? [y/N] ", asked)
		if tt.ok {
			require.NoError(t, err, "%q", tt.answer)
		} else {
			require.EqualError(t, err, "not approved; nothing was sent", "%q", tt.answer)
		}
	}
}

// Whoever is asked may take an hour: what the account has told is asked again then,
// and only then.
func TestApprovalForgetsWhatWasToldBefore(t *testing.T) {
	for _, yes := range []bool{false, true} {
		var j *job
		_, err := approval(t, "y\n", 3, func(x *job) {
			j = x
			j.opts.Links, j.o.yes = engine.NewLinks(), yes
		})
		require.NoError(t, err)
		require.Equal(t, yes, j.opts.Links != nil)
	}
}

func TestApprovalNamesWhatIsSent(t *testing.T) {
	asked, err := approval(t, "y\n", 1, nil)
	require.NoError(t, err)
	require.Equal(t, "Send 1 message? [y/N] ", asked)
	asked, err = approval(t, "", 0, nil)
	require.NoError(t, err, "nothing to send needs no approval")
	require.Empty(t, asked)

	var out bytes.Buffer
	a := newApp(strings.NewReader("y\n"), io.Discard, &out, nil)
	a.terminal, a.signals = true, &signals{drain: t.Context()}
	j := &job{a: a, o: &worldFlags{}, p: &engine.Program{}}
	_, err = j.approve(planfile.End{Later: []planfile.Later{{Step: "remind"}}})
	require.NoError(t, err)
	require.Equal(t, "Send what the later stages plan? [y/N] ", out.String())
	out.Reset()
	a.stdin = strings.NewReader("y\n")
	_, err = j.approve(planfile.End{Counts: planfile.Counts{Planned: 2}, Later: []planfile.Later{{Step: "remind"}}})
	require.NoError(t, err)
	require.Equal(t, "Send 2 messages, and what the later stages plan? [y/N] ", out.String())
}

func TestApprovalWithoutATerminal(t *testing.T) {
	ten := &engine.Bound{N: 10}
	for _, tt := range []struct {
		name   string
		change func(*job)
		ok     bool
	}{
		{"nothing stated", func(*job) {}, false},
		{"--yes", func(j *job) { j.o.yes = true }, true},
		{"the flow's cap", func(j *job) { j.p.Guard.MaxSends = ten }, true},
		{"the project's cap", func(j *job) { j.under(&engine.Project{Guard: engine.Guard{MaxSends: ten}}) }, true},
		{"a project without a cap", func(j *job) { j.under(&engine.Project{}) }, false},
		{"the sandbox", func(j *job) { j.o.sandbox = true }, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			asked, err := approval(t, "y\n", 3, func(j *job) { j.a.terminal = false; tt.change(j) })
			require.Empty(t, asked)
			if tt.ok {
				require.NoError(t, err)
				return
			}
			require.Equal(t, exitUsage, exitCode(causesOf(err), nil))
			require.Contains(t, engine.Hint(err), "maxSends: 3")
		})
	}
	_, err := approval(t, "y\n", 3, func(j *job) { j.o.noInput = true })
	require.Equal(t, exitUsage, exitCode(causesOf(err), nil), "--no-input is as good as no terminal")
}

// answering types an answer after it has done something else.
type answering struct {
	before func()
	answer io.Reader
}

func (r *answering) Read(p []byte) (int, error) {
	if r.before != nil {
		r.before()
		r.before = nil
	}
	return r.answer.Read(p)
}

// A plan lies open for as long as somebody is asked about it. What was changed
// meanwhile is not sent.
func TestAPlanThatWasChangedWhileSomebodyWasAsked(t *testing.T) {
	for _, change := range []bool{false, true} {
		api := sandbox.New(sandbox.Options{World: sandbox.World{Population: sandbox.Population{Count: 3}}})
		served, err := api.Listen()
		require.NoError(t, err)
		t.Cleanup(served.Close)
		dir := t.TempDir()
		file := filepath.Join(dir, "hello.yaml")
		require.NoError(t, os.WriteFile(file, []byte(`flow: hello
steps:
  - id: clients
    uses: chat2desk_list_clients
  - id: each
    forEach: ${{ steps.clients.outputs.clients }}
    as: client
    steps:
      - id: send
        uses: chat2desk_send_message
        with: { contactId: "${{ client.id }}", message: Hello }
`), 0o600))
		stdin := &answering{answer: strings.NewReader("y\n")}
		if change {
			stdin.before = func() {
				plans, err := filepath.Glob(filepath.Join(dir, stateName, "runs", "*", "plan.jsonl"))
				require.NoError(t, err)
				require.Len(t, plans, 1)
				plan, err := os.ReadFile(plans[0])
				require.NoError(t, err)
				require.NoError(t, os.WriteFile(plans[0], bytes.Replace(plan, []byte(`"message":"Hello"`), []byte(`"message":"Hullo"`), 1), 0o600))
			}
		}
		var said bytes.Buffer
		a := newApp(stdin, io.Discard, &said, []string{"CHAT2DESK_API_TOKEN=t0ken"})
		a.terminal = true
		a.signals = watchSignals()
		t.Cleanup(a.signals.stop)
		root := newRoot(a)
		root.SetArgs([]string{"run", file, "--base-url", served.BaseURL})
		code := a.finish(root.ExecuteContext(t.Context()))
		require.Contains(t, said.String(), "Send 3 messages? [y/N]")
		if change {
			require.NotZero(t, code)
			require.Contains(t, said.String(), "it was changed after it was made")
			require.Empty(t, api.Accepted())
			continue
		}
		require.Zero(t, code, said.String())
		require.Len(t, api.Accepted(), 3)
	}
}

func (j *job) under(rules *engine.Project) { j.p, _ = j.p.Under(rules) }

func TestApprovalInterrupted(t *testing.T) {
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	never, w, err := os.Pipe() // nobody ever types
	require.NoError(t, err)
	t.Cleanup(func() { _ = w.Close(); _ = never.Close() })
	_, err = approval(t, "", 3, func(j *job) { j.a.stdin = never; j.a.signals.drain = gone })
	require.Equal(t, 130, exitCode(causesOf(err), nil))
}

func TestCIIsNoTerminal(t *testing.T) {
	for value, ci := range map[string]bool{"": false, "false": false, "0": false, "true": true, "1": true, "woodpecker": true} {
		require.Equal(t, ci, environment{"CI": value}.isCI(), value)
	}
	require.Equal(t, "https://ci/7", parseEnvironment([]string{"CI_JOB_URL=https://ci/7"}).job())
	require.Equal(t, "https://gh/o/r/actions/runs/9", environment{"GITHUB_SERVER_URL": "https://gh", "GITHUB_REPOSITORY": "o/r", "GITHUB_RUN_ID": "9"}.job())
	require.Empty(t, environment{}.job())
}

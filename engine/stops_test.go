package engine_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/steps"
)

func TestMaxSends(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(5)})
	src := strings.Replace(twoSends, "steps:", "guard: { maxSends: 3 }\nsteps:", 1)
	p := b.compile(src)
	path, err := planFile(t.Context(), p, b.options(p, nil))
	var g *engine.GuardError
	require.ErrorAs(t, err, &g)
	require.NotEmpty(t, path)
	require.Equal(t, engine.CauseGuard, engine.CauseOf(err))
	_, err = applyFile(t.Context(), p, path, engine.ApplyOptions{Options: b.options(p, nil)})
	require.ErrorAs(t, err, &g)
	require.Empty(t, b.api.Accepted())
}

func TestMaxSendsHoldsOverAllStages(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(3)})
	r := b.run(strings.Replace(stages, "steps:", "guard: { maxSends: 3 }\nsteps:", 1), nil)
	require.Contains(t, r.Causes, engine.CauseGuard)
	require.Equal(t, 2, r.Counts.Sent)
	require.Len(t, b.api.Accepted(), 2)
}

func TestAPlanAppliesOnce(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(3)})
	p := b.compile(twoSends)
	path, second := b.plan(p, nil), b.plan(p, nil)
	b.apply(p, path)
	_, err := applyFile(t.Context(), p, path, engine.ApplyOptions{Options: b.options(p, nil)})
	var applied *ledger.AppliedError
	require.ErrorAs(t, err, &applied)
	_, err = applyFile(t.Context(), p, second, engine.ApplyOptions{Options: b.options(p, nil)})
	var stale *engine.StaleError
	require.ErrorAs(t, err, &stale)
	require.Equal(t, engine.CauseStale, engine.CauseOf(err))
	require.Len(t, b.api.Accepted(), 5)
}

func TestReadErrorsStopThePlan(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(2)})
	b.env["CHAT2DESK_API_TOKEN"] = "wrong"
	p := b.compile(twoSends)
	_, err := p.Plan(t.Context(), b.options(p, nil))
	require.Equal(t, engine.CauseToken, engine.CauseOf(err), "%v", err)
	require.NotEmpty(t, engine.Hint(err))
	require.NotContains(t, err.Error(), "wrong\"")
	delete(b.env, "CHAT2DESK_API_TOKEN")
	_, err = p.Plan(t.Context(), b.options(p, nil))
	require.Equal(t, engine.CauseToken, engine.CauseOf(err))
	require.Contains(t, err.Error(), "CHAT2DESK_API_TOKEN")
	b.env["CHAT2DESK_API_TOKEN"] = "x"
	b.env["CHAT2DESK_BASE_URL"] = "http://127.0.0.1:1"
	_, err = p.Plan(t.Context(), b.options(p, nil))
	require.Equal(t, engine.CauseUnreachable, engine.CauseOf(err), "%v", err)
}

// drained is an apply that is interrupted after so many outcomes.
func (b *bench) drained(p *engine.Program, path string, outcomes int) *engine.Result {
	b.t.Helper()
	drain, stop := context.WithCancel(b.t.Context())
	defer stop()
	o := engine.ApplyOptions{Options: b.options(p, nil), Drain: drain}
	n := 0
	o.Events = func(e engine.Event) {
		if e.Kind == engine.EventSettled {
			if n++; n == outcomes {
				stop()
			}
		}
	}
	r, err := applyFile(b.t.Context(), p, path, o)
	require.NoError(b.t, err)
	return r
}

func TestDrain(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(20)})
	p := b.compile(twoSends)
	path := b.plan(p, nil)
	r := b.drained(p, path, 7)
	require.Contains(t, r.Causes, engine.CauseInterrupted)
	require.Equal(t, ledger.Interrupted, r.Run.State)
	require.Equal(t, 7, r.Counts.Sent)
	require.Equal(t, r.Counts.Planned, r.Counts.Sent+r.Counts.Skipped)
	require.Len(t, b.api.Accepted(), 7)

	open, ok, err := b.store.Unfinished(t.Context(), "two", "default")
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, r.Run.ID, open.ID)
	r, err = applyFile(t.Context(), p, path, engine.ApplyOptions{Options: b.options(p, nil), Resume: true})
	require.NoError(t, err)
	require.Empty(t, r.Causes, r.Reason)
	require.Equal(t, 39, r.Counts.Sent)
	require.Len(t, b.api.Accepted(), 39)
	for id, texts := range b.texts() {
		require.LessOrEqual(t, len(texts), 2, "client %d", id)
	}
}

func TestDivert(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(5)})
	p := b.compile(twoSends)
	path := b.plan(p, nil)
	r, err := applyFile(t.Context(), p, path, engine.ApplyOptions{
		Options: b.options(p, nil), Divert: &engine.Divert{Contact: 105, Sample: 3},
	})
	require.NoError(t, err)
	require.Equal(t, 3, r.Counts.Sent)
	require.Equal(t, map[int64][]string{105: {"one", "two", "one"}}, b.texts())
	require.Equal(t, 9, b.run(twoSends, nil).Counts.Sent, "the real people were not touched")
}

func TestStopIf(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(3)})
	var rows strings.Builder
	rows.WriteString("id\n")
	for i := range 60 {
		fmt.Fprintf(&rows, "%d\n", 9000+i)
	}
	b.write("rows.csv", rows.String())
	src := `flow: missing
steps:
  - id: rows
    uses: read_csv
    with: { path: rows.csv, columns: { id: integer } }
  - id: send
    forEach: ${{ steps.rows.outputs.rows }}
    uses: chat2desk_send_message
    with: { contactId: "${{ item.id ?? 0 }}", message: hi }
`
	r := b.run(src, nil)
	require.Contains(t, r.Causes, engine.CauseGuard)
	require.Contains(t, r.Causes, engine.CauseRecipients)
	require.Equal(t, 20, r.Counts.Failed)
	require.Equal(t, 40, r.Counts.Skipped)
	require.Equal(t, ledger.Stopped, r.Run.State)
	r = b.run(strings.Replace(src, "steps:", "guard: { stopIf: failed >= 3 }\ncampaign: b\nsteps:", 1), nil)
	require.Equal(t, 3, r.Counts.Failed)
	require.Contains(t, r.Reason, "failed >= 3")
}

func TestOnErrorContinueOfARead(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(2)})
	r := b.run(`flow: continue
steps:
  - id: rows
    onError: continue
    uses: read_csv
    with: { path: none.csv }
  - id: show
    if: steps.rows.status == "failed"
    uses: print
    with: { message: no rows }
  - id: uses_them
    uses: print
    with: { message: "${{ steps.rows.outputs.count }}" }
`, nil)
	require.Empty(t, r.Causes, r.Reason)
	require.Equal(t, "no rows\n", b.stdout.String())
	p := b.compile("flow: stop\nsteps:\n  - id: rows\n    uses: read_csv\n    with: { path: none.csv }\n")
	_, err := p.Plan(t.Context(), b.options(p, nil))
	var se *engine.StepError
	require.True(t, errors.As(err, &se))
	require.Equal(t, "rows", se.Step)
}

// A later stage that cannot be planned now is planned when the run goes on.
func TestALaterStageIsResumed(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(3)})
	src := strings.Replace(stages, "  - id: good\n", "  - id: again\n    uses: chat2desk_list_clients\n  - id: good\n", 1)
	p := b.compile(src)
	path := b.plan(p, nil)
	o := b.options(p, nil)
	base := b.env["CHAT2DESK_BASE_URL"]
	o.Events = func(e engine.Event) {
		if e.Kind == engine.EventPlanning {
			b.env["CHAT2DESK_BASE_URL"] = "http://127.0.0.1:1"
		}
	}
	r, err := applyFile(t.Context(), p, path, engine.ApplyOptions{Options: o})
	require.NoError(t, err)
	require.Contains(t, r.Causes, engine.CauseUnreachable)
	require.Equal(t, ledger.Stopped, r.Run.State)
	require.Equal(t, 2, r.Counts.Sent)
	b.env["CHAT2DESK_BASE_URL"] = base
	b.stdout.Reset()
	r, err = applyFile(t.Context(), p, path, engine.ApplyOptions{Options: b.options(p, nil), Resume: true})
	require.NoError(t, err)
	require.Empty(t, r.Causes, r.Reason)
	require.Equal(t, ledger.Finished, r.Run.State)
	require.Len(t, b.api.Accepted(), 4)
	require.Equal(t, "sent 2 of 3, thanked 2\n", b.stdout.String())
}

func TestAnInterruptAfterTheLastSendChangesNothing(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(2)})
	p := b.compile(twoSends)
	path := b.plan(p, nil)
	r := b.drained(p, path, 3)
	require.Equal(t, 3, r.Counts.Sent)
	require.Empty(t, r.Causes)
	require.Equal(t, ledger.Finished, r.Run.State)
}

func TestLocalStepsThatFail(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(2)})
	b.write("file", "no folder")
	src := `flow: local
steps:
  - id: save
    uses: write_json
    with: { path: file/out.json, value: 1 }
  - id: clients
    uses: chat2desk_list_clients
  - id: each
    forEach: ${{ steps.clients.outputs.clients }}
    steps:
      - id: note
        uses: print
        with: { message: "client ${{ item.id }}" }
      - id: send
        uses: chat2desk_send_message
        with: { contactId: "${{ item.id }}", message: hi }
finally:
  - id: also
    onError: continue
    uses: write_json
    with: { path: file/out.json, value: 2 }
  - id: bye
    uses: print
    with: { message: "save ${{ steps.save.status }}, also ${{ steps.also.status }}" }
`
	r := b.run(src, nil)
	require.Contains(t, r.Causes, engine.CauseStep)
	require.Contains(t, r.Reason, "step save")
	require.Equal(t, "save failed, also failed\n", b.stdout.String())
	require.Empty(t, b.api.Accepted(), "a local step that fails stops what comes after it")
	b.stdout.Reset()
	r = b.run(strings.Replace(src, "  - id: save\n", "  - id: save\n    onError: continue\n", 1), nil)
	require.Empty(t, r.Causes, r.Reason)
	require.Len(t, b.api.Accepted(), 2)
	require.Equal(t, "client 101\nclient 102\nsave failed, also failed\n", b.stdout.String())
}

func TestAFailingSendThatStops(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(3)})
	b.write("rows.csv", "id\n9000\n101\n")
	src := `flow: strict
steps:
  - id: rows
    uses: read_csv
    with: { path: rows.csv, columns: { id: integer } }
  - id: send
    onError: stop
    forEach: ${{ steps.rows.outputs.rows }}
    uses: chat2desk_send_message
    key: string(item.id ?? 0) + "/1"
    with: { contactId: "${{ item.id ?? 0 }}", message: hi }
outputs:
  items: ${{ steps.send.outputs.items }}
`
	r := b.run(src, nil)
	require.Contains(t, r.Causes, engine.CauseStep)
	require.Contains(t, r.Causes, engine.CauseRecipients)
	require.Equal(t, 1, r.Counts.Skipped)
	items := r.Outputs[0].Value.([]any)
	require.Equal(t, "9000/1", items[0].(map[string]any)["key"])
	require.Equal(t, "failed", items[0].(map[string]any)["status"])
	require.Equal(t, "skipped", items[1].(map[string]any)["status"])
	// The same command again tries the one that was not tried, and leaves the refused one.
	r = b.run(src, nil)
	require.Equal(t, 1, r.Counts.Sent)
	require.Equal(t, 1, r.StillRefused)
}

func TestSecretsAndConnections(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(2)})
	token := b.env["CHAT2DESK_API_TOKEN"]
	delete(b.env, "CHAT2DESK_API_TOKEN")
	delete(b.env, "CHAT2DESK_BASE_URL")
	b.write("token", token+"\n")
	b.env["SHOP_TOKEN_FILE"] = filepath.Join(b.dir, "token")
	var told []string
	src := fmt.Sprintf(`flow: conn
inputs: { base: { type: string, default: %q } }
connection:
  apiToken: ${{ secrets.SHOP_TOKEN }}
  baseUrl: ${{ inputs.base }}
  account: shop
steps:
  - id: clients
    uses: chat2desk_list_clients
  - id: own
    uses: chat2desk_list_clients
    with: { apiToken: "${{ secrets.OTHER }}" }
`, b.url+"/v1/")
	p := b.compile(src)
	o := b.options(p, nil)
	o.OnSecret = func(s string) { told = append(told, s) }
	_, err := p.Plan(t.Context(), o)
	require.Equal(t, engine.CauseToken, engine.CauseOf(err))
	require.Contains(t, err.Error(), "OTHER")
	require.Contains(t, told, token)
	b.env["OTHER"] = token
	_, err = p.Plan(t.Context(), o)
	require.NoError(t, err)
	b.env["SHOP_TOKEN_FILE"] = filepath.Join(b.dir, "none")
	_, err = p.Plan(t.Context(), o)
	require.Contains(t, err.Error(), "SHOP_TOKEN_FILE")
	b.write("token", "  \n")
	b.env["SHOP_TOKEN_FILE"] = filepath.Join(b.dir, "token")
	_, err = p.Plan(t.Context(), o)
	require.Contains(t, err.Error(), "is empty")
}

// A request to stop ends the pause before another try, and the pause that the API
// asks for with 429, however long they are. The other waits have their tests beside
// what they wait for: settling, hours, a canary.
func TestAStopEndsTheWaitForAnotherTry(t *testing.T) {
	for name, c := range map[string]struct{ inTurn bool }{
		"between two tries": {false},
		"for its turn":      {true},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, sandbox.Options{World: smallWorld(1)})
			var posts atomic.Int64
			b.front(sendsAre(func(call) fate { posts.Add(1); return tooMany }))
			p := b.compile(fmt.Sprintf(greeting, ""))
			path := b.plan(p, nil)
			drain, stop := context.WithCancelCause(t.Context())
			asked := errors.New("asked to stop by flowrunner stop")
			o := b.options(p, nil)
			o.Sleep = func(ctx context.Context, d time.Duration) error {
				require.Equal(t, time.Hour, d)
				if c.inTurn {
					return nil // the hour is over for this send, and not for the connection
				}
				stop(asked)
				<-ctx.Done()
				return context.Cause(ctx)
			}
			o.Gate = func(ctx context.Context) (context.Context, error) {
				if posts.Load() > 0 {
					time.AfterFunc(20*time.Millisecond, func() { stop(asked) })
				}
				return steps.WaitTurn(ctx)
			}
			r, err := applyFile(t.Context(), p, path, engine.ApplyOptions{Options: o, Drain: drain})
			require.NoError(t, err)
			require.Equal(t, ledger.Interrupted, r.Run.State)
			require.Equal(t, asked.Error(), r.Reason)
			require.Equal(t, 1, r.Counts.Skipped)
			require.EqualValues(t, 1, posts.Load())
		})
	}
}

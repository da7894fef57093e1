package engine_test

import (
	"context"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/steps"
)

const (
	thanksReport = "id,name,message,status\n101,Client A,500001,sent\n102,Client B,,left_out\n103,Client C,500002,sent\n"
	thanksSent   = "sent 2 of 3, thanked 2\n"
)

func (b *bench) read(name string) string {
	b.t.Helper()
	text, err := os.ReadFile(filepath.Join(b.dir, name))
	require.NoError(b.t, err)
	return string(text)
}

func (b *bench) resume(p *engine.Program, path string) *engine.Result {
	b.t.Helper()
	r, err := applyFile(b.t.Context(), p, path, engine.ApplyOptions{Options: b.options(p, nil), Resume: true})
	require.NoError(b.t, err)
	return r
}

// A later stage of a run that has stopped sends nothing, and its report says how far
// the run came. When the run goes on, the stage is planned anew: nobody loses the
// message of it, and the report says what became of everybody in the end.
func TestAStageAfterAStopIsPlannedAnew(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(3)})
	p := b.compile(strings.Replace(stages, "steps:", "connection: { timezone: Europe/Moscow }\nguard: { hours: { allow: \"09:00-21:00\", otherwise: stop } }\nsteps:", 1))
	path := b.plan(p, nil)
	b.now = testNow.Add(8 * time.Hour)
	r := b.apply(p, path)
	require.Equal(t, ledger.Stopped, r.Run.State)
	require.Contains(t, r.Causes, engine.CauseGuard)
	require.Equal(t, ledger.Counts{Planned: 2, Skipped: 2, LeftOut: 1}, r.Counts, "who was never planned was not left out")
	require.Len(t, r.Later, 1)
	require.Equal(t, "thanks", r.Later[0].Step)
	require.Equal(t, strings.NewReplacer("500001,sent", ",skipped", "500002,sent", ",skipped").Replace(thanksReport), b.read("out.csv"))

	b.now = testNow.Add(9 * time.Hour)
	r = b.resume(p, path)
	require.Equal(t, ledger.Stopped, r.Run.State, "it is closed still")
	b.now = testNow.Add(20 * time.Hour)
	r = b.resume(p, path)
	require.Empty(t, r.Causes, r.Reason)
	require.Equal(t, ledger.Finished, r.Run.State)
	require.Equal(t, map[int64][]string{101: {"hi Client A", "thanks Client A"}, 103: {"hi Client C", "thanks Client C"}}, b.texts())
	require.Equal(t, thanksReport, b.read("out.csv"))
	require.Equal(t, thanksSent, b.stdout.String())
}

// The first interrupt lets the local steps of later stages happen, too, and whatever
// of finally and outputs does not need a send that was never planned.
func TestAnInterruptLetsLaterLocalStepsHappen(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(3)})
	p := b.compile(stages)
	path := b.plan(p, nil)
	r := b.drained(p, path, 1)
	require.Equal(t, []engine.Cause{engine.CauseInterrupted}, r.Causes)
	require.Equal(t, ledger.Interrupted, r.Run.State)
	require.Equal(t, strings.Replace(thanksReport, "500002,sent", ",skipped", 1), b.read("out.csv"))
	require.Equal(t, []engine.NamedValue{{Name: "file", Value: "out.csv"}, {Name: "rows", Value: 3}}, r.Outputs)
	r = b.resume(p, path)
	require.Empty(t, r.Causes, r.Reason)
	require.Len(t, b.api.Accepted(), 4)
	require.Equal(t, thanksReport, b.read("out.csv"))
	require.Equal(t, thanksSent, b.stdout.String())
}

// What of a later stage could not be planned has no outputs: finally and outputs go
// on without it.
func TestAStageThatWasNeverPlannedHasNoOutputs(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(3)})
	src := strings.Replace(stages, "  - id: good\n", "  - id: again\n    uses: chat2desk_list_clients\n  - id: good\n", 1)
	src = strings.Replace(src, "outputs:\n  file:", "outputs:\n  planned: ${{ steps.outreach.outputs.sent }}\n  file:", 1)
	p := b.compile(src)
	path := b.plan(p, nil)
	o := b.options(p, nil)
	o.Events = func(e engine.Event) {
		if e.Kind == engine.EventPlanning {
			b.env["CHAT2DESK_BASE_URL"] = "http://127.0.0.1:1"
		}
	}
	r, err := applyFile(t.Context(), p, path, engine.ApplyOptions{Options: o})
	require.NoError(t, err)
	require.Equal(t, []engine.Cause{engine.CauseUnreachable}, r.Causes, r.Reason)
	require.Equal(t, []engine.NamedValue{{Name: "planned", Value: 2}, {Name: "file"}, {Name: "rows"}}, r.Outputs)
}

const reportFirst = `flow: report
steps:
  - id: clients
    uses: chat2desk_list_clients
  - id: report
    uses: write_csv
    with: { path: out.csv, rows: "${{ steps.clients.outputs.clients }}", columns: [id] }
  - id: outreach
    forEach: ${{ steps.clients.outputs.clients }}
    uses: chat2desk_send_message
    with: { contactId: "${{ item.id }}", message: hi }
  - id: after
    uses: print
    with: { message: after }
finally:
  - id: bye
    uses: print
    with: { message: "wrote ${{ steps.report.outputs.count }}" }
outputs:
  file: ${{ steps.report.outputs.path }}
  rows: ${{ steps.report.outputs.count + 1 }}
`

// A local step happens once over all lives of a run, and what it gave is there in
// each of them.
func TestWhatALocalStepGaveOutlivesAnInterrupt(t *testing.T) {
	for name, torn := range map[string]string{"whole": "", "a mark was cut off": `{"seq":9`} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, sandbox.Options{World: smallWorld(3)})
			p := b.compile(reportFirst)
			path := b.plan(p, nil)
			r := b.drained(p, path, 1)
			require.Equal(t, ledger.Interrupted, r.Run.State)
			require.Equal(t, "after\nwrote 3\n", b.stdout.String())
			done := filepath.Join(filepath.Dir(path), "done.jsonl")
			marks, err := os.ReadFile(done)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(done, append(marks, torn...), 0o600))
			require.NoError(t, os.Remove(filepath.Join(b.dir, "out.csv")))
			b.stdout.Reset()

			r = b.resume(p, path)
			require.Empty(t, r.Causes, r.Reason)
			require.Equal(t, []engine.NamedValue{{Name: "file", Value: "out.csv"}, {Name: "rows", Value: 4}}, r.Outputs)
			require.Equal(t, "wrote 3\n", b.stdout.String())
			require.NoFileExists(t, filepath.Join(b.dir, "out.csv"), "it is not written twice")
			kept, err := os.ReadFile(done)
			require.NoError(t, err)
			require.Equal(t, string(marks), string(kept))
		})
	}
}

// After the second interrupt no local step happens; it does when the run goes on.
func TestTheSecondInterruptLeavesLocalStepsForLater(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(3)})
	p := b.compile(reportFirst)
	path := b.plan(p, nil)
	hard, stop := context.WithCancel(t.Context())
	o := engine.ApplyOptions{Options: b.options(p, nil), Drain: hard}
	o.Events = func(e engine.Event) {
		if e.Kind == engine.EventSettled {
			stop()
		}
	}
	r, err := applyFile(hard, p, path, o)
	require.NoError(t, err)
	require.Equal(t, []engine.Cause{engine.CauseInterrupted}, r.Causes)
	require.Empty(t, b.stdout.String())
	r = b.resume(p, path)
	require.Empty(t, r.Causes, r.Reason)
	require.Equal(t, "after\nwrote 3\n", b.stdout.String())
	require.Len(t, b.api.Accepted(), 3)
}

// What became of the sends cannot be written down for the next stage: the run says
// that, and does not take it for nobody.
func TestItemsThatCannotBeKept(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(3)})
	p := b.compile(stages)
	path := b.plan(p, nil)
	spool := filepath.Join(filepath.Dir(path), "spool")
	require.NoError(t, os.RemoveAll(spool))
	require.NoError(t, os.WriteFile(spool, nil, 0o600)) // no folder can be made there
	r := b.apply(p, path)
	require.Equal(t, 2, r.Counts.Sent)
	require.Contains(t, r.Reason, "make spool folder")
	require.Equal(t, []engine.Cause{engine.CauseStep}, r.Causes)
	require.Equal(t, ledger.Failed, r.Run.State)
}

// An interrupt while the lists of a rail are read ends that, too: the run has not
// begun, and its plan is not used up.
func TestAnInterruptBeforeTheFirstMessage(t *testing.T) {
	b := newBench(t, sandbox.Options{World: talkers(t)})
	p := b.compile(toAll("spring", "guard: { suppress: { tags: [17] } }", ""))
	path := b.plan(p, nil)
	drain, stop := context.WithCancel(t.Context())
	o := b.options(p, nil)
	o.People = slowTags{stop: stop}
	_, err := applyFile(t.Context(), p, path, engine.ApplyOptions{Options: o, Drain: drain})
	require.Error(t, err)
	require.Empty(t, b.api.Accepted())
	require.Equal(t, 3, b.apply(p, path).Counts.Sent)
}

// slowTags is a list of tagged clients that ends with its context alone.
type slowTags struct {
	steps.People
	stop func()
}

func (s slowTags) Tagged(ctx context.Context, _ []int) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		s.stop()
		<-ctx.Done()
		yield(0, context.Cause(ctx))
	}
}

package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/steps"
)

const broad = `flow: broad
guard: { stopIf: failed >= 100 }
steps:
  - id: clients
    uses: chat2desk_list_clients
  - id: greet
    forEach: ${{ steps.clients.outputs.clients }}
    as: client
    concurrency: 4
    uses: chat2desk_send_message
    with: { contactId: "${{ client.id }}", message: Hello! }
`

func canaryOf(c engine.Canary) func(*engine.ApplyOptions) {
	return func(o *engine.ApplyOptions) { o.Canary, o.MessageStatus = &c, steps.MessageStatus }
}

func TestACanaryThatIsWell(t *testing.T) {
	b := newTimed(t, smallWorld(20), early)
	p := b.compile(broad)
	path := b.plan(p)
	b.events = nil
	var asked string
	held := -1
	b.onNap = func(context.Context) { held = max(held, len(b.api.Accepted())) }
	r := b.apply(p, path, canaryOf(engine.Canary{Sends: 5, Hold: 90 * time.Second, GoOn: func(_ context.Context, text string) error {
		asked = text
		return nil
	}}))
	require.Empty(t, r.Causes, r.Reason)
	require.Equal(t, 20, r.Counts.Sent)
	require.Equal(t, 5, held, "nobody else gets anything while the canary is watched")
	require.Equal(t, 90*time.Second, b.clock.Sub(r.Run.Started.Truncate(time.Second)))
	require.Equal(t, "The canary: 5 sent, and none is known to have failed.", asked)
	var said []string
	for _, e := range b.events {
		if e.Kind == engine.EventCanary {
			said = append(said, e.Text)
		}
	}
	require.Equal(t, []string{
		"5 sent; holding until Mon 2026-11-23 at 04:01 +00:00 before the others",
		"5 sent, and none is known to have failed; going on",
	}, said)
	require.GreaterOrEqual(t, r.Calls, int64(26), "each of them was read back")
}

// Whom a rail keeps back at the last moment is no canary: the next one is. However
// many they are, nobody is written to before as many as wanted were watched.
func TestACanaryIsOfThoseWhoAreWrittenTo(t *testing.T) {
	for served, sent := range map[int]int{3: 17, 5: 15, 16: 4, 20: 0} {
		b := newTimed(t, smallWorld(20), early)
		p := b.compile(strings.Replace(broad, "guard: {", "guard: { perContact: 1 per 7d,", 1))
		path := b.plan(p)
		other := b.compile(strings.NewReplacer(
			"flow: broad", "flow: other",
			"uses: chat2desk_list_clients", fmt.Sprintf("uses: chat2desk_list_clients\n    with: { limit: %d }", served),
		).Replace(broad))
		b.apply(other, b.plan(other))
		require.Len(t, b.api.Accepted(), served)
		held, asked := []int{}, ""
		b.onNap = func(context.Context) { held = append(held, len(b.api.Accepted())-served) }
		r := b.apply(p, path, canaryOf(engine.Canary{Sends: 5, Hold: 90 * time.Second, GoOn: func(_ context.Context, text string) error {
			asked = text
			return nil
		}}))
		require.Equal(t, sent, r.Counts.Sent)
		require.Len(t, b.api.Accepted(), served+sent)
		if sent <= 5 {
			require.Empty(t, held, "there is nobody to hold back")
			continue
		}
		require.NotEmpty(t, held)
		for _, n := range held {
			require.Equal(t, 5, n)
		}
		require.Equal(t, "The canary: 5 sent, and none is known to have failed.", asked)
	}
}

func TestACanaryThatIsNotWell(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*timed, *engine.ApplyOptions)
		reason string
		sent   int
	}{
		{"accepted and not delivered", func(_ *timed, o *engine.ApplyOptions) {
			n := 0
			o.MessageStatus = func(context.Context, int) (string, error) {
				if n++; n == 2 {
					return "failed", nil
				}
				return "sent", nil
			}
		}, "the canary is not well: 1 of 5 messages were accepted and then not delivered; the others were not tried", 5},
		{"nobody says yes", func(_ *timed, o *engine.ApplyOptions) {
			o.Canary.GoOn = func(context.Context, string) error { return errors.New("no") }
		}, "nobody said yes after the canary; the others were not tried", 5},
		{"refused", func(b *timed, o *engine.ApplyOptions) {
			o.Canary.Hold = time.Hour
		}, "the canary is not well: 1 of 5 messages were refused, or nobody knows; the others were not tried", 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newTimed(t, smallWorld(20), early)
			p := b.compile(broad)
			if tt.name == "refused" {
				var rows strings.Builder
				rows.WriteString("id\n9000\n")
				for i := range 19 {
					fmt.Fprintf(&rows, "%d\n", 101+i)
				}
				b.write("rows.csv", rows.String())
				p = b.compile(strings.NewReplacer(
					"uses: chat2desk_list_clients", "uses: read_csv\n    with: { path: rows.csv, columns: { id: integer } }",
					"outputs.clients", "outputs.rows", "client.id }}", "client.id ?? 0 }}",
				).Replace(broad))
			}
			path := b.plan(p)
			r := b.apply(p, path, canaryOf(engine.Canary{Sends: 5, Hold: time.Minute}), func(o *engine.ApplyOptions) { tt.change(b, o) })
			require.Contains(t, r.Causes, engine.CauseGuard)
			require.Equal(t, tt.reason, r.Reason)
			require.NotEmpty(t, r.Hint)
			require.Equal(t, tt.sent, r.Counts.Sent)
			require.Len(t, b.api.Accepted(), tt.sent)
			require.Equal(t, ledger.Stopped, r.Run.State)
			if tt.name == "refused" {
				require.Empty(t, b.naps, "what is known to be wrong is not watched")
			}
			// Whoever has looked goes on with the others.
			r = b.apply(p, path, resumed)
			require.Equal(t, 20, r.Counts.Sent+r.Counts.Failed)
			require.Len(t, b.api.Accepted(), r.Counts.Sent)
		})
	}
}

func TestACanaryIsDrained(t *testing.T) {
	b := newTimed(t, smallWorld(20), early)
	p := b.compile(broad)
	path := b.plan(p)
	drain, stop := context.WithCancel(t.Context())
	b.onNap = func(ctx context.Context) { stop(); <-ctx.Done() }
	r := b.apply(p, path, canaryOf(engine.Canary{Sends: 3, Hold: time.Hour}), func(o *engine.ApplyOptions) { o.Drain = drain })
	require.Equal(t, ledger.Interrupted, r.Run.State)
	require.Len(t, b.api.Accepted(), 3)
	// The canary of a run that is gone on with is of those who are left.
	b.onNap = nil
	b.naps = nil
	r = b.apply(p, path, canaryOf(engine.Canary{Sends: 4, Hold: time.Minute}), resumed)
	require.Empty(t, r.Causes)
	require.NotEmpty(t, b.naps)
	require.Len(t, b.api.Accepted(), 20)
}

func TestACanaryOfMoreThanThereAre(t *testing.T) {
	b := newTimed(t, smallWorld(4), early)
	p := b.compile(broad)
	r := b.apply(p, b.plan(p), canaryOf(engine.Canary{Sends: 4, Hold: time.Hour}))
	require.Empty(t, r.Causes)
	require.Equal(t, 4, r.Counts.Sent)
	require.Empty(t, b.naps, "there is nobody to hold back")
}

package engine_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/planfile"
)

func TestHoursAreChecked(t *testing.T) {
	for _, tt := range []struct{ hours, want string }{
		{`{ allow: "09:00-21:00" }`, ""},
		{`{ allow: "21:00-02:00", days: mon-sat, otherwise: skip }`, ""},
		{`{ days: [mon, "wed,fri"], otherwise: wait, maxWait: 2h, zone: Asia/Almaty }`, ""},
		{`{ allow: "09:00-21:00", zone: KZ }`, ""},
		{`{ allow: "09:00-21:00", zone: '${{ client.phone }}' }`, ""},
		{`{ allow: "09:00-21:00", zone: '${{ client.name }}' }`, "maybe-nil"},
		{`{ allow: "09:00-21:00", zone: '${{ person.phone }}' }`, "unknown-name"},
		{`{ allow: "09:00-21:00", zone: Mars/Base }`, "unknown-timezone"},
		{`{ allow: "9 to 21" }`, "wrong-hours"},
		{`{ allow: "09:00-21:00", days: someday }`, "wrong-hours"},
		{`{ allow: "09:00-21:00", maxWait: 5m }`, "key-without-effect"},
		{`{ allow: "09:00-21:00", otherwise: sleep }`, "unknown-word"},
		{`{ otherwise: skip }`, "missing-key"},
	} {
		src := strings.Replace(fmt.Sprintf(hourly, tt.hours), "steps:", "connection: { timezone: Europe/Moscow }\nsteps:", 1)
		_, problems := compile(src)
		if tt.want == "" {
			require.Empty(t, diag.FormatAll(problems, []byte(src)), tt.hours)
			continue
		}
		require.Len(t, problems, 1, "%s: %s", tt.hours, diag.FormatAll(problems, []byte(src)))
		require.Equal(t, tt.want, problems[0].Code, tt.hours)
	}
	_, problems := compile(fmt.Sprintf(hourly, `{ allow: "09:00-21:00" }`))
	require.Equal(t, "timezone-required", problems[0].Code)
	_, problems = compile(fmt.Sprintf(hourly, `{ allow: "09:00-21:00", zone: Asia/Almaty }`))
	require.Empty(t, problems)
}

const hourly = `flow: hourly
guard:
  hours: %s
steps:
  - id: clients
    uses: chat2desk_list_clients
  - id: greet
    forEach: ${{ steps.clients.outputs.clients }}
    as: client
    uses: chat2desk_send_message
    with: { contactId: "${{ client.id }}", message: Hello! }
  - id: again
    forEach: ${{ steps.clients.outputs.clients }}
    as: client
    steps:
      - id: more
        uses: chat2desk_send_message
        with: { contactId: "${{ client.id }}", message: One more. }
      - id: another
        uses: chat2desk_send_message
        with: { contactId: "${{ client.id }}", message: And another. }
finally:
  - id: report
    uses: print
    with: { message: "greeted ${{ steps.greet.outputs.sent }}, again ${{ steps.again.outputs.sent }}" }
`

func TestTheHoursOfAProject(t *testing.T) {
	for _, tt := range []struct{ project, flow, problem string }{
		{`allow: "09:00-21:00"`, ``, ""},
		{`allow: "09:00-21:00"`, `allow: "10:00-20:00", days: mon-fri`, ""},
		{`allow: "09:00-21:00"`, `allow: "10:00-22:00"`, "guard.hours is looser than at flowrunner.yaml:1:17"},
		{`allow: "09:00-21:00"`, `allow: "10:00-22:00", zone: Asia/Almaty`, ""},
		{`allow: "09:00-21:00", zone: '${{ client.phone }}'`, ``, "zone takes no expression in a project file"},
	} {
		flow := ""
		if tt.flow != "" {
			flow = "guard: { hours: { " + tt.flow + " } }"
		}
		src := fmt.Sprintf(greeting, "connection: { timezone: Europe/Moscow }\n"+flow)
		p, problems := check("flow.yaml", []byte(src))
		require.Empty(t, diag.FormatAll(problems, []byte(src)))
		rules, wrong := project("guard: { hours: { " + tt.project + " } }")
		if rules != nil {
			under, looser := p.Under(rules)
			require.Len(t, under.Guard.Hours, strings.Count("x"+tt.flow, "allow")+1)
			wrong = diag.FormatAll(looser, []byte(src))
		}
		if tt.problem == "" {
			require.Empty(t, wrong)
			continue
		}
		require.Contains(t, wrong, tt.problem)
	}
	p, _ := check("flow.yaml", []byte(fmt.Sprintf(greeting, "")))
	_, problems := p.Under(projectOf(t, `guard: { hours: { allow: "09:00-21:00" } }`))
	require.Equal(t, "timezone-required", problems[0].Code)
}

// timed is a bench whose clock stands still but for the naps that a run takes.
type timed struct {
	*bench
	mu    sync.Mutex
	clock time.Time
	naps  []time.Duration
	onNap func(context.Context) // before a nap
}

func newTimed(t *testing.T, w sandbox.World, now string) *timed {
	t.Helper()
	clock, err := time.Parse("2006-01-02 15:04:05 -07:00", now)
	require.NoError(t, err)
	b := &timed{bench: newBench(t, sandbox.Options{World: w}), clock: clock}
	return b
}

func (b *timed) now() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.clock
}

func (b *timed) nap(ctx context.Context, d time.Duration) error {
	if b.onNap != nil {
		b.onNap(ctx)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	b.clock, b.naps = b.clock.Add(d), append(b.naps, d)
	return nil
}

// took is how many naps there were.
func (b *timed) took() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.naps)
}

func (b *timed) options(p *engine.Program) engine.Options {
	o := b.bench.options(p, nil)
	o.Now, o.Sleep = b.now, b.nap
	return o
}

func (b *timed) plan(p *engine.Program) string {
	b.t.Helper()
	path, err := planFile(b.t.Context(), p, b.options(p))
	require.NoError(b.t, err)
	return path
}

func (b *timed) apply(p *engine.Program, path string, change ...func(*engine.ApplyOptions)) *engine.Result {
	b.t.Helper()
	o := engine.ApplyOptions{Options: b.options(p)}
	for _, f := range change {
		f(&o)
	}
	r, err := applyFile(context.Background(), p, path, o)
	require.NoError(b.t, err)
	return r
}

func resumed(o *engine.ApplyOptions) { o.Resume = true }

// in the zone of the company, two hours before it opens.
const early = "2026-11-23 07:00:00 +03:00"

func company(hours string) string {
	return strings.Replace(fmt.Sprintf(hourly, hours), "steps:", "connection: { timezone: Europe/Moscow }\nsteps:", 1)
}

func TestHoursStop(t *testing.T) {
	b := newTimed(t, smallWorld(3), early)
	p := b.compile(company(`{ allow: "09:00-21:00" }`))
	path := b.plan(p)
	r := b.apply(p, path)
	require.Contains(t, r.Causes, engine.CauseGuard)
	require.Equal(t, "outside guard.hours, 09:00-21:00; they open on Mon 2026-11-23 at 09:00 +03:00", r.Reason)
	require.Equal(t, ledger.Stopped, r.Run.State)
	require.Equal(t, 9, r.Counts.Skipped)
	require.Empty(t, b.api.Accepted())

	// A plan of yesterday is judged by the moment at which it is sent.
	b.clock = b.clock.Add(3 * time.Hour)
	r = b.apply(p, path, resumed)
	require.Empty(t, r.Causes, r.Reason)
	require.Equal(t, 9, r.Counts.Sent)
}

func TestHoursThatEndInTheMiddle(t *testing.T) {
	b := newTimed(t, smallWorld(3), "2026-11-23 20:59:58 +03:00")
	p := b.compile(company(`{ allow: "09:00-21:00" }`))
	path := b.plan(p)
	tick := func(o *engine.ApplyOptions) {
		o.Events = func(e engine.Event) {
			if e.Kind == engine.EventSettled {
				b.mu.Lock()
				b.clock = b.clock.Add(time.Second)
				b.mu.Unlock()
			}
		}
	}
	r := b.apply(p, path, tick)
	require.Contains(t, r.Causes, engine.CauseGuard)
	require.Equal(t, 2, r.Counts.Sent)
	require.Len(t, b.api.Accepted(), 2)

	// A resume outside of the hours knows what was sent, and stops again.
	r = b.apply(p, path, resumed)
	require.Equal(t, 2, r.Counts.Sent)
	require.Equal(t, 7, r.Counts.Skipped)
	require.Contains(t, r.Causes, engine.CauseGuard)
	require.Len(t, b.api.Accepted(), 2)
}

func TestHoursWait(t *testing.T) {
	b := newTimed(t, smallWorld(3), early)
	p := b.compile(company(`{ allow: "09:00-21:00", otherwise: wait, maxWait: 2h }`))
	path := b.plan(p)
	b.events = nil
	r := b.apply(p, path)
	require.Empty(t, r.Causes, r.Reason)
	require.Equal(t, 9, r.Counts.Sent)
	require.Equal(t, "09:00:00", b.clock.Format("15:04:05"))
	var waits []engine.Event
	for _, e := range b.events {
		if e.Kind == engine.EventWaiting {
			waits = append(waits, e)
		}
	}
	require.Len(t, waits, 1, "once for all")
	require.Equal(t, "for guard.hours, 09:00-21:00, until Mon 2026-11-23 at 09:00 +03:00", waits[0].Text)
	require.True(t, waits[0].Until.Equal(b.clock))
	for _, d := range b.naps {
		require.LessOrEqual(t, d, 10*time.Second, "a clock that is set in between is seen")
	}
	log, err := os.ReadFile(filepath.Join(filepath.Dir(path), "events.jsonl"))
	require.NoError(t, err)
	require.Contains(t, string(log), `"kind":"waiting"`)

	// Longer than it may wait: it stops, and says how long it would be.
	b = newTimed(t, smallWorld(3), early)
	p = b.compile(company(`{ allow: "09:00-21:00", otherwise: wait }`))
	r = b.apply(p, b.plan(p))
	require.Contains(t, r.Causes, engine.CauseGuard)
	require.Contains(t, r.Reason, "they open on Mon 2026-11-23 at 09:00 +03:00, in 2h, and at most 30m are waited")
	require.Empty(t, b.naps)
	require.Empty(t, b.api.Accepted())
}

func TestADrainEndsTheWaitForHours(t *testing.T) {
	b := newTimed(t, smallWorld(3), early)
	p := b.compile(company(`{ allow: "09:00-21:00", otherwise: wait, maxWait: 2h }`))
	path := b.plan(p)
	drain, stop := context.WithCancel(t.Context())
	b.onNap = func(ctx context.Context) {
		if b.took() == 3 {
			stop()
			<-ctx.Done()
		}
	}
	r := b.apply(p, path, func(o *engine.ApplyOptions) { o.Drain = drain })
	require.Contains(t, r.Causes, engine.CauseInterrupted)
	require.Equal(t, ledger.Interrupted, r.Run.State)
	require.Empty(t, b.api.Accepted())
	require.Less(t, len(b.naps), 10)
}

func TestHoursSkip(t *testing.T) {
	b := newTimed(t, smallWorld(3), early)
	p := b.compile(company(`{ allow: "09:00-21:00", otherwise: skip }`))
	r := b.apply(p, b.plan(p))
	require.Empty(t, r.Causes, "nobody stopped it")
	require.Equal(t, ledger.Finished, r.Run.State)
	require.Equal(t, 9, r.Counts.Skipped)
	require.Contains(t, r.Problems[0].Reason, "outside guard.hours, 09:00-21:00; they open on")
	// A rail's refusal is no outcome: the next run tries again.
	b.clock = b.clock.Add(4 * time.Hour)
	r = b.apply(p, b.plan(p))
	require.Equal(t, 9, r.Counts.Sent)
}

// worldOf has clients with these phones, from id 101 on.
func worldOf(t *testing.T, phones ...string) sandbox.World {
	t.Helper()
	var list []any
	for i, phone := range phones {
		list = append(list, map[string]any{"id": 101 + i, "name": "Client " + string(rune('A'+i)), "phone": phone})
	}
	w, err := sandbox.FromSeed(map[string]any{"now": "2026-11-22T12:00:00 UTC", "clients": list})
	require.NoError(t, err)
	return w
}

const (
	moscow      = "74951234567"
	almaty      = "77273123456"
	vladivostok = "74232123456"
)

// Those whose hours are open do not wait for those whose hours are not.
func TestHoursOfEachRecipientDeferNobodyElse(t *testing.T) {
	phones := []string{moscow, almaty, vladivostok, moscow, almaty}
	hours := `{ allow: "09:00-21:00", zone: '${{ client.phone }}', otherwise: %s, maxWait: 4h }`
	const now = "2026-11-23 08:00:00 +03:00" // of Moscow; 10:00 in Almaty, 15:00 in Vladivostok

	b := newTimed(t, worldOf(t, phones...), now)
	p := b.compile(company(fmt.Sprintf(hours, "wait")))
	path := b.plan(p)
	zones := map[int]string{}
	for _, s := range records[planfile.Send](t, path) {
		zones[s.Contact] = s.Zone
	}
	require.Equal(t, map[int]string{101: moscow, 102: almaty, 103: vladivostok, 104: moscow, 105: almaty}, zones)
	r := b.apply(p, path)
	require.Empty(t, r.Causes, r.Reason)
	require.Equal(t, 15, r.Counts.Sent)
	var order []int64
	for _, a := range b.api.Accepted()[:5] {
		order = append(order, a.ClientID)
	}
	require.ElementsMatch(t, []int64{102, 103, 105}, order[:3])
	require.ElementsMatch(t, []int64{101, 104}, order[3:])
	require.Equal(t, "09:00", b.clock.In(p.Zone).Format("15:04"))
	require.Equal(t, "greeted 5, again 10\n", b.stdout.String())
	for id, texts := range b.texts() {
		require.Equal(t, []string{"Hello!", "One more.", "And another."}, texts, "client %d", id)
	}

	// The same, when it may not wait: the others are served, and then it stops.
	b = newTimed(t, worldOf(t, phones...), now)
	p = b.compile(company(strings.Replace(fmt.Sprintf(hours, "stop"), ", maxWait: 4h", "", 1)))
	path = b.plan(p)
	r = b.apply(p, path)
	require.Contains(t, r.Causes, engine.CauseGuard)
	require.Equal(t, 3, r.Counts.Sent)
	require.Equal(t, 12, r.Counts.Skipped)
	require.Contains(t, r.Reason, "outside guard.hours, 09:00-21:00 of each recipient; they open on Mon 2026-11-23 at 09:00 +03:00")
	b.clock = b.clock.Add(time.Hour)
	r = b.apply(p, path, resumed)
	require.Empty(t, r.Causes, r.Reason)
	require.Equal(t, 15, r.Counts.Sent)
	require.Len(t, b.api.Accepted(), 15)

	// Skipped, each with the reason.
	b = newTimed(t, worldOf(t, phones...), now)
	p = b.compile(company(strings.Replace(fmt.Sprintf(hours, "skip"), ", maxWait: 4h", "", 1)))
	r = b.apply(p, b.plan(p))
	require.Empty(t, r.Causes)
	require.Equal(t, 9, r.Counts.Sent)
	require.Equal(t, 6, r.Counts.Skipped)
}

// One zone after the other opens; each wait is within what may be waited.
func TestHoursAreWaitedForZoneAfterZone(t *testing.T) {
	b := newTimed(t, worldOf(t, moscow, almaty, vladivostok), "2026-11-23 01:30:00 +03:00") // 08:30 in Vladivostok
	p := b.compile(company(`{ allow: "09:00-21:00", zone: '${{ client.phone }}', otherwise: wait, maxWait: 6h }`))
	r := b.apply(p, b.plan(p))
	require.Empty(t, r.Causes, r.Reason)
	require.Equal(t, 9, r.Counts.Sent)
	require.Equal(t, "09:00", b.clock.In(p.Zone).Format("15:04"))
	require.Len(t, b.api.Accepted(), 9)
}

func TestARecipientWhoseZoneCannotBeToldIsLeftOut(t *testing.T) {
	b := newTimed(t, worldOf(t, moscow, "[tg] 807892"), "2026-11-23 12:00:00 +03:00")
	p := b.compile(company(`{ allow: "09:00-21:00", zone: '${{ client.phone }}' }`))
	path := b.plan(p)
	plan, err := planfile.Check(path)
	require.NoError(t, err)
	require.Equal(t, 3, plan.End.Counts.LeftOut)
	left := records[planfile.LeftOut](t, path)
	require.Contains(t, left[0].Reason, "nothing tells the recipient's time zone")
	r := b.apply(p, path)
	require.Equal(t, 3, r.Counts.Sent)
}

func TestADivertIsForWhoeverAskedForIt(t *testing.T) {
	b := newTimed(t, smallWorld(3), early)
	p := b.compile(company(`{ allow: "09:00-21:00" }`))
	r := b.apply(p, b.plan(p), func(o *engine.ApplyOptions) { o.Divert = &engine.Divert{Contact: 101, Sample: 1} })
	require.Equal(t, 1, r.Counts.Sent)
}

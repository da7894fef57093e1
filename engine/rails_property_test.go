package engine_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/ledger/sqlite"
	"github.com/flowrunner/flowrunner/engine/planfile"
	"github.com/flowrunner/flowrunner/steps"
)

var (
	railPlans = flag.Int("rails.plans", 100, "how many random plans TestNoRailIsEverBroken makes")
	railSeed  = flag.Uint64("rails.seed", 1, "the first seed of TestNoRailIsEverBroken")
)

// TestNoRailIsEverBroken makes random flows, people, clocks and histories, sends,
// interrupts and resumes, and holds what the sandbox accepted against a model of
// each rail that shares no code with the engine. All 10,000:
//
//	go test ./engine -run TestNoRailIsEverBroken -rails.plans 10000 -timeout 3h
func TestNoRailIsEverBroken(t *testing.T) {
	seed := *railSeed
	t.Logf("seeds from %d on", seed)
	acted := map[string]int{} // how often each rail had something to do
	for plans := 0; plans < *railPlans; seed++ {
		ok := t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			r := newRailed(t, seed)
			for range 1 + r.dice.IntN(4) {
				r.run()
				plans++
			}
			for rail, n := range r.acted {
				acted[rail] += n
			}
		})
		if !ok {
			t.Fatalf("again with: go test ./engine -run TestNoRailIsEverBroken -rails.plans 1 -rails.seed %d", seed)
		}
	}
	t.Logf("%v", acted)
	if *railPlans < 100 {
		return // too few to meet all of them
	}
	for _, rail := range []string{"maxSends", "hours", "perContact", "stopIf", "canary"} {
		require.Positive(t, acted[rail], "no plan has met %s", rail)
	}
}

// someone is one client of the random world.
type someone struct {
	id    int
	phone string
	zones []string // as somebody would say them who knows these prefixes
	who   string   // the person behind it
}

// prefixes are phones of fixed lines and one of mobiles, with what they leave open.
var prefixes = []struct {
	phone string
	zones []string
}{
	{"7495123", []string{"Europe/Moscow"}},
	{"7727312", []string{"Asia/Almaty"}},
	{"7423212", []string{"Asia/Vladivostok"}},
	{"4989123", []string{"Europe/Berlin"}},
	{"7916123", []string{"Europe/Kaliningrad", "Europe/Moscow", "Asia/Yekaterinburg", "Asia/Vladivostok", "Asia/Kamchatka"}},
}

// railRule is the guard of one random run, and railRun what came of it.
type railRule struct {
	maxSends, failed, canary, most int
	per                            time.Duration
	from, to                       string
	days                           []time.Weekday
	personal                       bool
	otherwise                      string
	yaml                           string
}

// sentTo is one accepted message, with the run that sent it. Who is behind a
// contact of a file is asked only where a rule of the flow wants to know: another
// flow counts what it was sent for the contact alone (docs/guards.md).
type sentTo struct {
	sandbox.Accepted
	run   int
	known bool
}

type railed struct {
	t       *testing.T
	dice    *rand.Rand
	b       *bench
	mu      sync.Mutex
	at      time.Time
	jumpy   bool // time passes between two sends
	people  []someone
	missing int
	runs    int
	log     []sentTo
	acted   map[string]int
}

func newRailed(t *testing.T, seed uint64) *railed {
	t.Helper()
	dice := rand.New(rand.NewPCG(seed, 7))
	r := &railed{t: t, dice: dice, acted: map[string]int{}, missing: dice.IntN(4)}
	r.at = time.Date(2026, time.Month(1+dice.IntN(12)), 1+dice.IntN(28), dice.IntN(24), dice.IntN(60), dice.IntN(60), 0, time.UTC)
	if dice.IntN(4) == 0 { // about a change of the clocks
		r.at = time.Date(2026, 10, 24, 18+dice.IntN(12), dice.IntN(60), 0, 0, time.UTC)
	}
	var seeds []any
	for i := range 2 + dice.IntN(8) {
		p := prefixes[dice.IntN(len(prefixes))]
		one := someone{id: 101 + i, phone: p.phone + pad(1000+i), zones: p.zones}
		one.who = one.phone
		seedOf := map[string]any{"id": one.id, "name": "Client", "phone": one.phone}
		if i > 0 && dice.IntN(4) == 0 {
			one.who = r.people[dice.IntN(i)].who
			seedOf["assigned_phone"] = one.who
		}
		r.people, seeds = append(r.people, one), append(seeds, seedOf)
	}
	w, err := sandbox.FromSeed(map[string]any{"now": "2026-01-01T00:00:00 UTC", "clients": seeds})
	require.NoError(t, err)
	r.b = newBench(t, sandbox.Options{World: w, Clock: r.now})
	r.b.store, err = sqlite.Open(t.Context(), filepath.Join(r.b.dir, "clock.db"), sqlite.Options{Now: r.now})
	require.NoError(t, err)
	t.Cleanup(func() { _ = r.b.store.Close() })
	var rows []string
	for _, p := range r.people {
		rows = append(rows, fmt.Sprintf("%d,%s", p.id, p.phone))
	}
	for i := range r.missing {
		rows = append(rows, fmt.Sprintf("%d,%s", 9001+i, prefixes[0].phone+pad(2000+i)))
	}
	dice.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	r.b.write("rows.csv", "id,phone\n"+strings.Join(rows, "\n")+"\n")
	return r
}

func (r *railed) now() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.at
}

func (r *railed) pass(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at = r.at.Add(d)
}

func (r *railed) rule() railRule {
	d := r.dice
	g := railRule{maxSends: 1000, failed: 1000}
	var keys []string
	if d.IntN(4) == 0 {
		g.maxSends = 1 + d.IntN(10)
		keys = append(keys, fmt.Sprintf("maxSends: %d", g.maxSends))
	}
	if d.IntN(3) == 0 {
		g.failed = 1 + d.IntN(3)
		keys = append(keys, fmt.Sprintf("stopIf: failed >= %d", g.failed))
	}
	if d.IntN(2) == 0 {
		g.most, g.per = 1+d.IntN(2), time.Duration(1+d.IntN(4))*24*time.Hour
		keys = append(keys, fmt.Sprintf("perContact: %d per %dd", g.most, g.per/(24*time.Hour)))
	}
	if d.IntN(3) > 0 {
		from, long := d.IntN(24), 2+d.IntN(14)
		g.from, g.to = fmt.Sprintf("%02d:%02d", from, 15*d.IntN(4)), fmt.Sprintf("%02d:%02d", (from+long)%24, 15*d.IntN(4))
		g.otherwise = []string{"stop", "wait", "skip"}[d.IntN(3)]
		hours := fmt.Sprintf("allow: %q, otherwise: %s", g.from+"-"+g.to, g.otherwise)
		if g.otherwise == "wait" {
			hours += fmt.Sprintf(", maxWait: %dh", 1+d.IntN(12))
		}
		if d.IntN(3) == 0 {
			names := []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
			var days []string
			for i := range 7 {
				if d.IntN(2) == 0 {
					days, g.days = append(days, names[i]), append(g.days, time.Weekday(i))
				}
			}
			if days != nil {
				hours += ", days: [" + strings.Join(days, ", ") + "]"
			}
		}
		if g.personal = d.IntN(2) == 0; g.personal {
			hours += `, zone: '${{ client.phone ?? "company" }}'`
		}
		keys = append(keys, "hours: { "+hours+" }")
	}
	if d.IntN(4) == 0 {
		g.canary = 1 + d.IntN(4)
	}
	g.yaml = "guard: { " + strings.Join(keys, ", ") + " }"
	return g
}

// inHours says whether the clock on the wall of somebody in each zone is inside.
func (g railRule) inHours(at time.Time, zones []string) bool {
	if g.from == "" {
		return true
	}
	for _, name := range zones {
		z, err := time.LoadLocation(name)
		if err != nil {
			return false
		}
		wall := at.In(z)
		clock, day := wall.Format("15:04"), wall.Weekday()
		inside := false
		switch {
		case g.from < g.to:
			inside = clock >= g.from && clock < g.to
		case clock >= g.from:
			inside = true
		case clock < g.to:
			inside, day = true, (day+6)%7
		}
		if !inside || g.days != nil && !slices.Contains(g.days, day) {
			return false
		}
	}
	return true
}

// run plans and sends once, with what interrupts it, and checks all rails.
func (r *railed) run() {
	t, d := r.t, r.dice
	r.pass(time.Duration(d.IntN(72*60)) * time.Minute)
	g := r.rule()
	flow := []string{"one", "two"}[d.IntN(2)]
	src := fmt.Sprintf("flow: %s\ncampaign: c%d\nconnection: { timezone: Europe/Moscow }\n%s\n", flow, r.runs, strings.Replace(g.yaml, "{  }", "{ maxSends: 1000 }", 1)) + `steps:
  - id: rows
    uses: read_csv
    with: { path: rows.csv, columns: { id: integer, phone: string } }
  - id: send
    forEach: ${{ steps.rows.outputs.rows }}
    as: client
    uses: chat2desk_send_message
    with: { contactId: "${{ client.id ?? 0 }}", message: Hello! }
`
	r.runs++
	p := r.b.compile(src)
	r.jumpy = d.IntN(2) == 0
	o := r.b.options(p, nil)
	o.Now, o.People, o.MessageStatus = r.now, steps.People{}, steps.MessageStatus
	o.Sleep = func(ctx context.Context, nap time.Duration) error {
		r.pass(nap)
		return ctx.Err()
	}
	o.Gate = func(ctx context.Context) (context.Context, error) {
		if r.jumpy {
			r.pass(time.Duration(d.IntN(40)) * time.Minute)
		}
		return steps.WaitTurn(ctx)
	}
	o.Events = nil
	path, err := p.Plan(t.Context(), o)
	planned := r.checkPlan(path, g)
	before := len(r.b.api.Accepted())
	if planned > g.maxSends {
		var rail *engine.GuardError
		require.ErrorAs(t, err, &rail)
		_, err = p.Apply(t.Context(), path, engine.ApplyOptions{Options: o})
		require.ErrorAs(t, err, &rail)
		require.Len(t, r.b.api.Accepted(), before)
		r.acted["maxSends"]++
		return
	}
	require.NoError(t, err)
	r.pass(time.Duration(d.IntN(10*60)) * time.Minute)
	for life := range 3 {
		res := r.life(p, path, o, g, life)
		for _, a := range r.b.api.Accepted()[len(r.log):] {
			r.log = append(r.log, sentTo{a, r.runs, g.most > 0})
			r.check(g, r.log[len(r.log)-1])
		}
		require.LessOrEqual(t, len(r.log)-before, min(planned, g.maxSends))
		require.Equal(t, res.Counts.Sent, len(r.log)-before, "what the run says, and what the API has")
		if !res.Run.State.Open() {
			return
		}
		r.pass(time.Duration(d.IntN(20*60)) * time.Minute)
	}
}

// life is one apply or resume, perhaps interrupted.
func (r *railed) life(p *engine.Program, path string, o engine.Options, g railRule, life int) *engine.Result {
	t, d := r.t, r.dice
	drain, stop := context.WithCancelCause(t.Context())
	defer stop(nil)
	end, settled, failed := d.IntN(30), 0, 0
	skips := 0
	before := len(r.b.api.Accepted())
	o.Events = func(e engine.Event) {
		if e.Kind != engine.EventSettled {
			return
		}
		switch e.Status {
		case "failed":
			failed++
		case "skipped":
			require.NotEmpty(t, e.Text, "contact %d is skipped without a reason", e.Contact)
			if strings.Contains(e.Text, "guard.hours") {
				r.acted["hours"]++
			}
			skips++
		}
		if settled++; settled == end {
			stop(errors.New("somebody has asked to stop"))
		}
	}
	ao := engine.ApplyOptions{Options: o, Drain: drain, Resume: life > 0}
	if g.canary > 0 {
		ao.Canary = &engine.Canary{Sends: g.canary, Hold: time.Minute}
	}
	res, err := p.Apply(t.Context(), path, ao)
	require.NoError(t, err)
	c := res.Counts
	require.Equal(t, c.Planned, c.Sent+c.Failed+c.Unknown+c.Skipped)
	require.Empty(t, res.Warnings)
	require.Zero(t, c.Unknown)
	if res.Reason == "" {
		require.Equal(t, c.Skipped, skips, "who is not named was not passed over")
	}
	if strings.Contains(res.Reason, "guard.hours") {
		r.acted["hours"]++
	}
	if life == 0 {
		require.LessOrEqual(t, failed, g.failed, "stopIf")
		if failed == g.failed {
			require.Contains(t, res.Causes, engine.CauseGuard)
			r.acted["stopIf"]++
		}
		sent := len(r.b.api.Accepted()) - before
		if strings.Contains(res.Reason, "the canary is not well") {
			require.LessOrEqual(t, sent+failed, g.canary)
			r.acted["canary"]++
		}
	}
	if res.Run.State == ledger.Stopped {
		require.NotEmpty(t, res.Reason)
		require.NotEmpty(t, res.Hint)
	}
	return res
}

// checkPlan counts a plan by hand, and gives how many it would send.
func (r *railed) checkPlan(path string, g railRule) int {
	t := r.t
	_, end, err := planfile.Check(path)
	require.NoError(t, err)
	planned, all := 0, 0
	for _, s := range records[planfile.Send](t, path) {
		all++
		switch s.Status {
		case planfile.StatusPlanned:
			planned++
		case planfile.StatusLeftOut:
			require.NotEmpty(t, s.Reason, "contact %d is left out without a reason", s.Contact)
			require.NotEmpty(t, s.Rail)
			r.acted[s.Rail]++
		}
	}
	leftOut := 0
	for _, l := range records[planfile.LeftOut](t, path) {
		require.NotEmpty(t, l.Reason)
		leftOut += l.Count
	}
	c := end.Counts
	require.Equal(t, len(r.people)+r.missing, all)
	require.Equal(t, c.Planned, planned)
	require.Equal(t, c.LeftOut, leftOut)
	require.Equal(t, all, c.Planned+c.AlreadySent+c.LeftOut+c.Duplicate+c.Unknown+c.Refused)
	return planned
}

// check holds one accepted message against the rails of its run.
func (r *railed) check(g railRule, m sentTo) {
	t := r.t
	p := r.people[m.ClientID-101]
	zones := []string{"Europe/Moscow"}
	if g.personal {
		zones = p.zones
	}
	require.True(t, g.inHours(m.At, zones), "contact %d in %v got a message at %s under %s", m.ClientID, zones, m.At, g.yaml)
	if g.most == 0 {
		return
	}
	occasions := map[[2]int64]bool{}
	for _, other := range r.log {
		same := other.ClientID == m.ClientID || other.known && r.people[other.ClientID-101].who == p.who
		if same && m.At.Sub(other.At) < g.per {
			occasions[[2]int64{int64(other.run), other.ClientID}] = true
		}
	}
	require.LessOrEqual(t, len(occasions), g.most, "contact %d at %s in run %d under %s: %v of %v", m.ClientID, m.At, m.run, g.yaml, occasions, r.people)
}

package engine_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/diag"
)

// railRule is the guard of one file; 0 and "" state nothing.
type railRule struct {
	folder                    string // "" of the flow, project of its project
	maxSends, failed, monthly int
	most                      int
	per                       time.Duration
	from, to, zone            string // no zone is that of each recipient
	days                      []time.Weekday
	window                    bool
	files, tags, words        bool
	yaml                      string
}

// plot is what one random run is made of, and which rails hold it.
type plot struct {
	n               int // of all runs
	at              time.Time
	rules           []railRule // of the flow, and of its project
	project         bool
	canary, allowed int // --canary, and --max-calls of each command
	only            []int
	service         bool
	comment         bool
	chats           bool // the contacts are records of clients, and not rows of a file
	twice           bool // two messages in an iteration
	template        bool
	wide            bool   // several at once
	by              string // transport or channelId

	listed, now []entry // of the files, when the plan was made, and when it is applied
}

// again is the second message of an iteration.
const again = "And again!"

func (x *plot) String() string {
	text := fmt.Sprintf("canary %d, max-calls %d, only %v, service %v, chats %v, by %q", x.canary, x.allowed, x.only, x.service, x.chats, x.by)
	for _, g := range x.rules {
		text += fmt.Sprintf(", %s%s", g.folder, g.yaml)
	}
	return text
}

// oneIn is true once in n times.
func (r *railed) oneIn(n int) bool { return r.dice.IntN(n) == 0 }

func (r *railed) plot() *plot {
	d := r.dice
	r.runs++
	x := &plot{n: r.runs, at: r.now(), chats: r.oneIn(2), twice: r.oneIn(4), template: r.oneIn(8), comment: r.oneIn(12), project: r.oneIn(3)}
	x.rules = []railRule{r.rule("")}
	if x.project {
		x.rules = append(x.rules, r.rule("project"))
		x.service = r.oneIn(4)
	}
	if r.oneIn(4) {
		x.canary = 1 + d.IntN(4)
	}
	if r.oneIn(8) {
		x.allowed = 2 + d.IntN(30)
	}
	if r.oneIn(8) {
		for range 1 + d.IntN(2) {
			x.only = append(x.only, r.people[d.IntN(len(r.people))].id)
		}
	}
	x.by = []string{"", "", "", "transport: wa_dialog", "transport: telegram", "channelId: 21", "channelId: 22"}[d.IntN(7)]
	x.wide = x.canary == 0 && x.allowed == 0 && x.failed() == unbounded && x.monthly() == unbounded && r.oneIn(2) &&
		!slices.ContainsFunc(x.rules, func(g railRule) bool { return g.from != "" })
	return x
}

// rule makes the guard of one file.
func (r *railed) rule(folder string) railRule {
	d := r.dice
	g := railRule{folder: folder}
	var keys []string
	state := func(format string, args ...any) { keys = append(keys, fmt.Sprintf(format, args...)) }
	if r.oneIn(4) {
		g.maxSends = 1 + d.IntN(10)
		state("maxSends: %d", g.maxSends)
	}
	if r.oneIn(3) {
		g.failed = 1 + d.IntN(3)
		state("stopIf: failed >= %d", g.failed)
	}
	if r.oneIn(6) {
		g.monthly = r.used() + 5 + d.IntN(60)
		state("monthlyCalls: %d", g.monthly)
	}
	if r.oneIn(3) {
		g.most, g.per = 1+d.IntN(2), time.Duration(1+d.IntN(4))*24*time.Hour
		state("perContact: %d per %dd", g.most, g.per/(24*time.Hour))
	}
	if r.oneIn(4) {
		g.window = true
		state("window: whatsapp")
	}
	var suppress []string
	if g.files = r.oneIn(4); g.files {
		suppress = append(suppress, "files: [out.csv]")
	}
	if g.tags = r.oneIn(6); g.tags {
		suppress = append(suppress, "tags: [17]")
	}
	if g.words = r.oneIn(5); g.words {
		suppress = append(suppress, "words: [стоп, stop]")
	}
	if suppress != nil {
		state("suppress: { %s }", strings.Join(suppress, ", "))
	}
	if r.oneIn(2) {
		state("hours: { %s }", g.hours(d))
	}
	if keys == nil {
		g.maxSends = 1000
		state("maxSends: 1000")
	}
	g.yaml = "guard: { " + strings.Join(keys, ", ") + " }"
	return g
}

func (g *railRule) hours(d *rand.Rand) string {
	from, long := d.IntN(24), 2+d.IntN(20)
	g.from, g.to = fmt.Sprintf("%02d:%02d", from, 15*d.IntN(4)), fmt.Sprintf("%02d:%02d", (from+long)%24, 15*d.IntN(4))
	otherwise := []string{"stop", "wait", "skip"}[d.IntN(3)]
	text := fmt.Sprintf("allow: %q, otherwise: %s", g.from+"-"+g.to, otherwise)
	if otherwise == "wait" {
		text += fmt.Sprintf(", maxWait: %dh", 1+d.IntN(12))
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
			text += ", days: [" + strings.Join(days, ", ") + "]"
		}
	}
	g.zone = "Europe/Moscow" // of the company
	switch n := d.IntN(4); {
	case n < 2 && g.folder == "":
		g.zone = ""
		text += `, zone: '${{ client.phone ?? "company" }}'`
	case n == 2:
		g.zone = "Europe/Berlin"
		text += ", zone: Europe/Berlin"
	}
	return text
}

// program compiles the flow under its project. What is looser than the project is
// a problem and does not hold, so such a flow goes on without a guard of its own.
func (r *railed) program(x *plot) *engine.Program {
	t := r.t
	p := r.b.compile(r.source(x))
	if !x.project {
		return p
	}
	project := projectOf(t, x.rules[1].yaml+"\nservice: [one, two]\n")
	under, problems := p.Under(project)
	if !x.rules[0].looser(x.rules[1]) {
		require.Empty(t, diag.FormatAll(problems, nil), "%s", x)
		return under
	}
	require.True(t, problems.HasErrors(), "%s", x)
	r.acted[problems[0].Code]++
	x.rules[0] = railRule{yaml: "guard: { stopIf: failed >= 1000 }"}
	under, problems = r.b.compile(r.source(x)).Under(project)
	require.Empty(t, diag.FormatAll(problems, nil), "%s", x)
	return under
}

func (r *railed) source(x *plot) string {
	flow := []string{"one", "two"}[x.n%2]
	src := fmt.Sprintf("flow: %s\ncampaign: c%d\nconnection: { timezone: Europe/Moscow }\n%s\n", flow, x.n, x.rules[0].yaml)
	if x.service {
		src += "class: service\n"
	}
	with, text := "", `"Hello!"`
	if x.by != "" {
		with = ", " + x.by
	}
	if x.comment {
		with += ", type: comment"
	}
	if x.template {
		text = `"@HSM@\nhello|ru"`
	}
	src += "steps:\n"
	if x.chats {
		src += "  - { id: rows, uses: chat2desk_list_clients }\n  - id: each\n    forEach: ${{ steps.rows.outputs.clients }}\n"
	} else {
		src += "  - { id: rows, uses: read_csv, with: { path: rows.csv, columns: { id: integer, phone: string } } }\n" +
			"  - id: each\n    forEach: ${{ steps.rows.outputs.rows }}\n"
	}
	if x.wide {
		src += "    concurrency: 3\n"
	}
	src += "    as: client\n    steps:\n"
	send := "      - { id: %s, uses: chat2desk_send_message, with: { contactId: \"${{ %s }}\", message: %s%s } }\n"
	contact := "client.id ?? 0"
	if x.chats {
		contact = "client.id" // from a client's record: it tells who the contact is
	}
	src += fmt.Sprintf(send, "send", contact, text, with)
	if x.twice {
		src += fmt.Sprintf(send, "again", contact, `"`+again+`"`, with)
	}
	return src
}

// looser reports whether a guard states what is plainly looser than its project.
func (g railRule) looser(project railRule) bool {
	if project.maxSends > 0 && g.maxSends > project.maxSends || project.monthly > 0 && g.monthly > project.monthly {
		return true
	}
	if project.most > 0 && g.most >= project.most && g.per <= project.per && (g.most != project.most || g.per != project.per) {
		return true
	}
	if g.from == "" || project.from == "" || g.zone != project.zone {
		return false
	}
	monday := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	for at := monday; at.Before(monday.AddDate(0, 0, 7)); at = at.Add(time.Minute) {
		if g.openOnWall(at) && !project.openOnWall(at) {
			return true
		}
	}
	return false
}

// inHours says whether the clock on the wall of somebody in each zone is inside.
func (g railRule) inHours(at time.Time, p someone) bool {
	zones := p.zones
	if g.zone != "" {
		zones = []string{g.zone}
	}
	return g.from == "" || !slices.ContainsFunc(zones, func(name string) bool {
		z, err := time.LoadLocation(name)
		return err != nil || !g.openOnWall(at.In(z))
	})
}

// openOnWall reads a clock as somebody would who has the hours on a slip of paper.
func (g railRule) openOnWall(wall time.Time) bool {
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
	return inside && (g.days == nil || slices.Contains(g.days, day))
}

// unbounded is more than any random run reaches.
const unbounded = 1 << 30

func (x *plot) least(without int, stated func(railRule) int) int {
	least := without
	for _, g := range x.rules {
		if n := stated(g); n > 0 {
			least = min(least, n)
		}
	}
	return least
}

// maxSends is 1000 where nobody states it, which no random world reaches.
func (x *plot) maxSends() int { return x.least(1000, func(g railRule) int { return g.maxSends }) }

func (x *plot) failed() int { return x.least(unbounded, func(g railRule) int { return g.failed }) }

func (x *plot) monthly() int { return x.least(unbounded, func(g railRule) int { return g.monthly }) }

func (x *plot) any(has func(railRule) bool) bool { return slices.ContainsFunc(x.rules, has) }
func (x *plot) window() bool                     { return x.any(func(g railRule) bool { return g.window }) }

func (x *plot) words() bool { return x.any(func(g railRule) bool { return g.words }) }

func (x *plot) tagged(p someone) bool {
	return p.tagged && x.any(func(g railRule) bool { return g.tags })
}

// counts reports whether the messages of the run are occasions of perContact.
func (x *plot) counts() bool { return !x.service && !x.comment }

// told reports whether the run knew who its contacts are.
func (x *plot) told() bool {
	return x.chats || x.counts() && x.any(func(g railRule) bool { return g.most > 0 })
}

func (x *plot) meant(contact int) bool { return len(x.only) == 0 || slices.Contains(x.only, contact) }

func (x *plot) isListed(p someone, list []entry) bool {
	return slices.ContainsFunc(list, func(e entry) bool {
		return e.id == p.id || e.phone != "" && (e.phone == p.phone || e.phone == p.who)
	})
}

// byWhatsApp reports whether a message to somebody may go by WhatsApp, by what is
// known to who looks at the client in the web.
func (x *plot) byWhatsApp(p someone) bool {
	switch x.by {
	case "transport: wa_dialog":
		return true
	case "transport: telegram", "channelId: 22":
		return false
	}
	return slices.Contains(p.channels, 21)
}

// mayBeWhatsApp is byWhatsApp for who cannot know: a channel that the client does
// not have may be anything.
func (x *plot) mayBeWhatsApp(p someone) bool {
	return x.byWhatsApp(p) || strings.HasPrefix(x.by, "channelId") && !slices.Contains(p.channels, map[string]int{"channelId: 21": 21, "channelId: 22": 22}[x.by])
}

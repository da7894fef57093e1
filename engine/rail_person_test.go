package engine_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/planfile"
)

// families is a world in which two contacts are one person, by the phone that
// operators assigned, and two are nobody known.
func families(t *testing.T) sandbox.World {
	t.Helper()
	w, err := sandbox.FromSeed(map[string]any{
		"now": "2026-11-22T12:00:00 UTC",
		"clients": []any{
			map[string]any{"id": 11, "name": "Anna", "phone": "79160000011", "tags": []any{17}, "last_client_message": "2h ago"},
			map[string]any{"id": 12, "name": "Boris", "phone": "79160000012", "last_client_message": "3d ago"},
			map[string]any{"id": 13, "name": "Anna", "phone": "[tg] 807892", "assigned_phone": "+7 916 000-00-11"},
			map[string]any{"id": 14, "name": "Vera", "phone": "[tg] 807893"},
		},
	})
	require.NoError(t, err)
	return w
}

// toAll writes to every client of the account.
func toAll(name, head, with string) string {
	return fmt.Sprintf(`flow: %s
%s
steps:
  - id: clients
    uses: chat2desk_list_clients
    with: { order: asc }
  - id: each
    forEach: ${{ steps.clients.outputs.clients }}
    as: client
    steps:
      - id: send
        uses: chat2desk_send_message
        with:
          contactId: ${{ client.id }}
          message: Hello from %s
%s`, name, head, name, with)
}

// rows are the sends of a plan, as contact: status, rail.
func rows(t *testing.T, path string) (all []string) {
	t.Helper()
	for rec, err := range planfile.Records(path) {
		require.NoError(t, err)
		if r, ok := rec.(planfile.Send); ok {
			line := fmt.Sprintf("%d %s: %s", r.Contact, r.Step, r.Status)
			if r.Rail != "" {
				line += " by " + r.Rail
			}
			all = append(all, line)
			if r.Status == planfile.StatusLeftOut {
				require.NotEmpty(t, r.Reason)
				require.Empty(t, r.Args)
			}
		}
	}
	plan, err := planfile.Check(path)
	require.NoError(t, err)
	c := plan.End.Counts
	require.Equal(t, len(all), c.Planned+c.AlreadySent+c.LeftOut+c.Duplicate+c.Unknown+c.Refused, "the sums add up")
	return all
}

func TestPerContactCountsAllFlows(t *testing.T) {
	b := newBench(t, sandbox.Options{World: families(t)})
	const rule = "guard: { perContact: 1 per 7d }"
	spring := b.run(toAll("spring", "", ""), nil)
	require.Equal(t, 4, spring.Counts.Sent, "without the rule everybody gets it")

	winback := b.compile(toAll("winback", rule, ""))
	require.Equal(t, []string{
		"11 send: left_out by perContact", "12 send: left_out by perContact", "13 send: left_out by perContact", "14 send: left_out by perContact",
	}, rows(t, b.plan(winback, nil)))

	b.now = b.now.Add(7*24*time.Hour - time.Minute)
	require.Contains(t, rows(t, b.plan(winback, nil)), "14 send: left_out by perContact")
	b.now = b.now.Add(time.Minute)
	require.Equal(t, []string{
		"11 send: planned", "12 send: planned", "13 send: left_out by perContact", "14 send: planned",
	}, rows(t, b.plan(winback, nil)), "the week is over, and of one person's contacts the first gets it")
}

func TestPerContactIsCheckedAgainAtApply(t *testing.T) {
	b := newBench(t, sandbox.Options{World: families(t)})
	winback := b.compile(toAll("winback", "guard: { perContact: 1 per 7d }", ""))
	path := b.plan(winback, nil)
	b.run(toAll("spring", "", ""), nil) // meanwhile
	r := b.apply(winback, path)
	require.Equal(t, 0, r.Counts.Sent)
	require.Equal(t, 3, r.Counts.Skipped)
	require.Equal(t, ledger.Finished, r.Run.State)
	require.Equal(t, "perContact: this person was written to as often as 1 per 7d allows", r.Problems[0].Reason)
	require.Len(t, b.api.Accepted(), 4)

	b.now = b.now.Add(8 * 24 * time.Hour)
	require.Equal(t, 3, b.apply(winback, b.plan(winback, nil)).Counts.Sent, "a rail's refusal is no outcome")
}

func TestServiceNeitherCountsNorIsHeld(t *testing.T) {
	b := newBench(t, sandbox.Options{World: families(t)})
	b.run(toAll("reminder", "class: service", ""), nil)
	marketing := b.compile(toAll("spring", "guard: { perContact: 1 per 7d }", ""))
	require.Equal(t, 3, b.apply(marketing, b.plan(marketing, nil)).Counts.Sent, "service does not count")
	service := b.compile(toAll("notice", "class: service\nguard: { perContact: 1 per 7d }", ""))
	b.now = b.now.Add(time.Minute)
	require.Equal(t, 4, b.apply(service, b.plan(service, nil)).Counts.Sent, "service is not held")
}

func TestServiceIsTheProjectsToAllow(t *testing.T) {
	p, problems := check("flow.yaml", []byte(fmt.Sprintf(greeting, "class: service")))
	require.Empty(t, problems)
	for text, want := range map[string]string{
		"":                                "may not be of the class service",
		"service: [other]\n":              "may not be of the class service",
		"service: [other, greeting]\n":    "",
		"guard: { perContact: 1 per 1d }": "may not be of the class service",
	} {
		_, out := p.Under(projectOf(t, text))
		if want == "" {
			require.Empty(t, out, text)
			continue
		}
		require.Len(t, out, 1)
		require.Contains(t, out[0].Summary, want)
	}
	_, out := p.Under(nil)
	require.Len(t, out, 1)
	require.Equal(t, "service-not-listed", out[0].Code)
	require.Equal(t, 2, out[0].Span.Start.Line)
}

func TestProjectsPerContactHoldsBesideTheFlows(t *testing.T) {
	strict := projectOf(t, "guard: { perContact: 2 per 1d }")
	for rule, want := range map[string]string{
		"1 per 1d": "", "2 per 2d": "", "5 per 30d": "",
		"3 per 1d": "guard.perContact is looser than at flowrunner.yaml:1:22", "2 per 1h": "guard.perContact is looser",
	} {
		p := mustCompile(t, fmt.Sprintf(greeting, "guard: { perContact: "+rule+" }"))
		under, out := p.Under(strict)
		require.Len(t, under.Guard.PerContact, 2)
		if want == "" {
			require.Empty(t, out, rule)
		} else {
			require.Contains(t, out[0].Summary, want, rule)
		}
	}
}

func mustCompile(t *testing.T, src string) *engine.Program {
	t.Helper()
	p, problems := compile(src)
	require.False(t, problems.HasErrors(), "%v", problems)
	return p
}

// Nobody knows of an unknown send, so it counts; of one that surely did not go
// out everybody knows.
func TestUnknownCountsAsSent(t *testing.T) {
	b := newBench(t, sandbox.Options{World: families(t)})
	p := b.compile(toAll("spring", "", ""))
	path := b.plan(p, nil)
	ctx := context.Background()
	n := 0
	states := map[int]ledger.State{11: ledger.Unknown, 12: ledger.NotSent, 13: ledger.Refused, 14: ledger.Intent}
	plan, err := planfile.Check(path)
	require.NoError(t, err)
	var account string
	for _, name := range plan.Head.Accounts {
		account = name
	}
	require.NoError(t, b.store.Begin(ctx, ledger.Run{ID: plan.Head.Run, Flow: "spring", Campaign: "default", Account: account, PlanHash: "x", Started: b.now}))
	for rec, err := range planfile.Records(path) {
		require.NoError(t, err)
		r, ok := rec.(planfile.Send)
		if !ok {
			continue
		}
		n++
		id, err := ledger.ParseIdentity(r.Identity)
		require.NoError(t, err)
		person, err := ledger.ParsePerson(r.Person)
		require.NoError(t, err)
		require.NoError(t, b.store.Intend(ctx, ledger.Intention{Identity: id, Run: plan.Head.Run, Seq: r.Seq, Step: r.Step, Contact: r.Contact, Person: person, At: b.now}))
		if s := states[r.Contact]; s != ledger.Intent { // killed before it could say more
			require.NoError(t, b.store.Settle(ctx, ledger.Outcome{Identity: id, Run: plan.Head.Run, State: s, Reason: "test", At: b.now}))
		}
	}
	require.Equal(t, 4, n)
	require.Equal(t, []string{
		"11 send: left_out by perContact", // unknown
		"12 send: planned",                // surely not sent
		"13 send: left_out by perContact", // refused, but the person's other contact is unknown
		"14 send: left_out by perContact", // an intent of a process that was killed
	}, rows(t, b.plan(b.compile(toAll("winback", "guard: { perContact: 1 per 7d }", "")), nil)))
}

func TestWhoAPersonIs(t *testing.T) {
	for name, c := range map[string]struct {
		with string
		want []string // who gets nothing, of 11, 12, 13, 14
	}{
		"by the phone":         {"", []string{"13"}},
		"by a name of its own": {`          person: ${{ client.name }}`, []string{"13"}},
		"all are one":          {`          person: family`, []string{"12", "13", "14"}},
		"a phone as written":   {`          person: '${{ client.id == 14 ? "8 (916) 000-00-12" : nil }}'`, []string{"13", "14"}},
		"an id":                {`          person: ${{ client.id }}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, sandbox.Options{World: families(t)})
			path := b.plan(b.compile(toAll("spring", "guard: { perContact: 1 per 7d }", c.with)), nil)
			var left []string
			for _, row := range rows(t, path) {
				if len(row) > 2 && row[2:] == " send: left_out by perContact" {
					left = append(left, row[:2])
				}
			}
			require.Equal(t, c.want, left)
		})
	}
}

// Contacts that come from elsewhere than a client's record are asked for, once
// each, and only those who would be written to.
func TestWhoIsNotInTheFlowIsAskedFor(t *testing.T) {
	const src = `flow: rows
%s
steps:
  - id: rows
    uses: read_csv
    with: { path: rows.csv, columns: { id: integer } }
  - id: each
    forEach: ${{ steps.rows.outputs.rows }}
    as: row
    steps:
      - id: greet
        uses: chat2desk_send_message
        with: { contactId: "${{ row.id }}", message: Hello }
      - id: bye
        uses: chat2desk_send_message
        with: { contactId: "${{ row.id }}", message: Good bye }
`
	b := newBench(t, sandbox.Options{World: families(t)})
	b.write("rows.csv", "id\n11\n13\n404\n")
	asked := func(path string) int64 {
		plan, err := planfile.Check(path)
		require.NoError(t, err)
		return plan.End.Asked
	}
	require.Zero(t, asked(b.plan(b.compile(fmt.Sprintf(src, "")), nil)), "without a rail nobody asks")
	path := b.plan(b.compile(fmt.Sprintf(src, "guard: { perContact: 1 per 7d }")), nil)
	require.Equal(t, []string{
		"11 greet: planned", "11 bye: planned",
		"13 greet: left_out by perContact", "13 bye: left_out by perContact",
		"404 greet: planned", "404 bye: planned", // whom nobody knows the API refuses
	}, rows(t, path))
	require.Equal(t, int64(3), asked(path))
	b.now = b.now.Add(time.Minute)
	p := b.compile(fmt.Sprintf(src, "guard: { perContact: 1 per 7d }"))
	r := b.apply(p, path)
	require.Equal(t, 2, r.Counts.Sent, "several messages of one iteration are one occasion")
}

func TestPlanWarnsOfPeopleWithSeveralContacts(t *testing.T) {
	b := newBench(t, sandbox.Options{World: families(t)})
	plan, err := planfile.Check(b.plan(b.compile(toAll("spring", "", "")), nil))
	require.NoError(t, err)
	require.Equal(t, []string{"1 contact of this plan (13) is somebody whom it has under another contact too; guard.perContact: 1 per 1d would write to each person once"}, plan.End.Warnings)
	plan, err = planfile.Check(b.plan(b.compile(toAll("spring", "guard: { perContact: 1 per 1d }", `          person: family`)), nil))
	require.NoError(t, err)
	require.Equal(t, []string{"3 contacts of this plan (12, 13, 14) are people whom it has under another contact too"}, plan.End.Warnings)
}

func TestOnly(t *testing.T) {
	b := newBench(t, sandbox.Options{World: families(t)})
	p := b.compile(toAll("spring", "", ""))
	o := b.options(p, nil)
	o.Only = []int{12, 14}
	path, err := planFile(t.Context(), p, o)
	require.NoError(t, err)
	require.Equal(t, []string{"11 send: left_out by only", "12 send: planned", "13 send: left_out by only", "14 send: planned"}, rows(t, path))
	plan, err := planfile.Check(path)
	require.NoError(t, err)
	require.Equal(t, []int{12, 14}, plan.Head.Only)
	r := b.apply(p, path)
	require.Equal(t, 2, r.Counts.Sent)
	b.now = b.now.Add(time.Minute)
	require.Equal(t, 2, b.apply(p, b.plan(p, nil)).Counts.Sent, "the others are still to come")
}

// An internal note is about a person and not to one.
func TestInternalNotesAreNobodysOccasion(t *testing.T) {
	b := newBench(t, sandbox.Options{World: families(t)})
	b.run(toAll("notes", "guard: { perContact: 1 per 7d }", `          type: comment`), nil)
	require.Len(t, b.api.Accepted(), 4)
	spring := b.run(toAll("spring", "guard: { perContact: 1 per 7d }", ""), nil)
	require.Equal(t, 3, spring.Counts.Sent)
}

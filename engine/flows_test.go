package engine_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/planfile"
)

// Two sends in one iteration: the second waits for the first, and goes out only
// when the first did.
const twoSends = `flow: two
steps:
  - id: clients
    uses: chat2desk_list_clients
  - id: outreach
    forEach: ${{ steps.clients.outputs.clients }}
    as: client
    steps:
      - id: opening
        uses: chat2desk_send_message
        with: { contactId: "${{ client.id }}", message: one }
      - id: closing
        if: client.id != 102
        uses: chat2desk_send_message
        with: { contactId: "${{ client.id }}", message: two }
outputs:
  items: ${{ steps.outreach.outputs.items }}
`

func TestTwoSendsAnIteration(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(3)})
	r := b.run(twoSends, nil)
	require.Empty(t, r.Causes, r.Reason)
	require.Equal(t, 5, r.Counts.Sent)
	require.Equal(t, map[int64][]string{101: {"one", "two"}, 102: {"one"}, 103: {"one", "two"}}, b.texts())
	items := r.Outputs[0].Value.([]any)
	require.Len(t, items, 3)
	first := items[0].(map[string]any)
	require.Equal(t, "sent", first["status"])
	require.Equal(t, 0, first["index"])
	require.Equal(t, 101, first["contactId"])
	require.Nil(t, first["reason"])
	require.NotNil(t, first["messageId"])
}

func TestALaterSendWaitsForTheEarlierOne(t *testing.T) {
	faults, err := sandbox.ParseFaults("500-before:100%")
	require.NoError(t, err)
	b := newBench(t, sandbox.Options{World: smallWorld(3), Faults: faults})
	// Sent again and again, ten unknown ones in a row would stop the run in between.
	r := b.run("delivery: { unknown: never-resend }\n"+twoSends, nil)
	require.Contains(t, r.Causes, engine.CauseUnknown)
	require.Equal(t, 3, r.Counts.Unknown)
	require.Equal(t, 2, r.Counts.Skipped)
	require.Empty(t, b.api.Accepted())
	item := r.Outputs[0].Value.([]any)[0].(map[string]any)
	require.Equal(t, "unknown", item["status"])
}

const stages = `flow: stages
steps:
  - id: clients
    uses: chat2desk_list_clients
  - id: outreach
    forEach: ${{ steps.clients.outputs.clients }}
    as: client
    outputs:
      id: ${{ client.id }}
      name: ${{ client.name ?? "?" }}
      message: ${{ steps.send.outputs.messageId }}
      status: ${{ steps.send.status }}
    steps:
      - id: send
        if: client.id != 102
        uses: chat2desk_send_message
        with: { contactId: "${{ client.id }}", message: "hi ${{ client.name ?? \"you\" }}" }
  - id: good
    uses: filter
    with:
      items: ${{ steps.outreach.outputs.items }}
      where: item.status == "sent"
  - id: thanks
    forEach: ${{ steps.good.outputs.items }}
    uses: chat2desk_send_message
    with:
      contactId: ${{ item.id }}
      message: thanks ${{ item.name }}
  - id: report
    uses: write_csv
    with:
      path: out.csv
      rows: ${{ steps.outreach.outputs.items }}
finally:
  - id: done
    uses: print
    with:
      message: sent ${{ steps.outreach.outputs.sent }} of ${{ steps.outreach.outputs.count }}, thanked ${{ steps.thanks.outputs.sent }}
outputs:
  file: ${{ steps.report.outputs.path }}
  rows: ${{ steps.report.outputs.count }}
`

func TestStages(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(3)})
	p := b.compile(stages)
	require.Equal(t, 2, p.Stages)
	path := b.plan(p, nil)
	sum, err := p.Summarize(path, 2)
	require.NoError(t, err)
	require.Equal(t, []planfile.Later{{Step: "thanks", UpTo: 3}}, sum.End.Later)
	require.Len(t, sum.Samples, 2)
	require.Equal(t, "hi Client A", sum.Samples[0].Preview.Text)
	r := b.apply(p, path)
	require.Empty(t, r.Causes, r.Reason)
	require.Equal(t, map[int64][]string{
		101: {"hi Client A", "thanks Client A"}, 103: {"hi Client C", "thanks Client C"},
	}, b.texts())
	require.Equal(t, "sent 2 of 3, thanked 2\n", b.stdout.String())
	require.Equal(t, 4, r.Counts.Sent)
	csv, err := os.ReadFile(filepath.Join(b.dir, "out.csv"))
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(string(csv)), "\n")
	require.Len(t, lines, 4)
	require.Contains(t, lines[2], "left_out")
	require.Equal(t, "out.csv", r.Outputs[0].Value)
	require.Equal(t, 3, r.Outputs[1].Value)
}

func TestAStreamUsedTwiceIsReadOnce(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(5)})
	r := b.run(`flow: twice
steps:
  - id: clients
    uses: chat2desk_list_clients
  - id: odd
    uses: filter
    with: { items: "${{ steps.clients.outputs.clients }}", where: item.id % 2 == 1 }
  - id: even
    uses: filter
    with: { items: "${{ steps.clients.outputs.clients }}", where: item.id % 2 == 0 }
  - id: note
    uses: print
    with:
      message: ${{ steps.odd.outputs.count }} odd, ${{ steps.even.outputs.count }} even, first ${{ steps.even.outputs.items[0]?.id ?? 0 }}, ${{ len(steps.clients.outputs.clients) }}
`, nil)
	require.Empty(t, r.Causes, r.Reason)
	require.Equal(t, "3 odd, 2 even, first 102, 5\n", b.stdout.String())
	require.LessOrEqual(t, r.Calls, int64(3))
}

func TestNestedLoops(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(4)})
	r := b.run(`flow: nested
steps:
  - id: clients
    uses: chat2desk_list_clients
  - id: groups
    uses: group
    with: { items: "${{ steps.clients.outputs.clients }}", by: item.id % 2 }
  - id: outer
    forEach: ${{ steps.groups.outputs.groups }}
    as: part
    outputs:
      key: ${{ part.key }}
      sent: ${{ steps.inner.outputs.count }}
    steps:
      - id: inner
        forEach: ${{ part.items }}
        as: client
        uses: chat2desk_send_message
        with: { contactId: "${{ client.id }}", message: "group ${{ part.key }} row ${{ index }}" }
outputs:
  outer: ${{ steps.outer.outputs.items }}
  sent: ${{ steps.outer.outputs.sent }}
`, nil)
	require.Empty(t, r.Causes, r.Reason)
	require.Equal(t, map[int64][]string{
		101: {"group 1 row 0"}, 103: {"group 1 row 1"}, 102: {"group 0 row 0"}, 104: {"group 0 row 1"},
	}, b.texts())
	require.Equal(t, 4, r.Outputs[1].Value)
	require.Equal(t, []any{map[string]any{"key": 1, "sent": 2}, map[string]any{"key": 0, "sent": 2}}, r.Outputs[0].Value)
}

// fromRows sends the text of each row of rows.csv to its contact.
const fromRows = `flow: rows
steps:
  - id: rows
    uses: read_csv
    with: { path: rows.csv, columns: { id: integer, text: string } }
  - id: send
    forEach: ${{ steps.rows.outputs.rows }}
    uses: chat2desk_send_message
    with:
      contactId: ${{ item.id ?? 0 }}
      message: ${{ item.text ?? "" }}
`

func TestDuplicatesAndConflicts(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(3)})
	b.write("rows.csv", "id,text\n101,hello\n102,hello\n101,hello\n")
	src := fromRows + `outputs:
  duplicates: ${{ steps.send.outputs.duplicates }}
`
	r := b.run(src, nil)
	require.Empty(t, r.Causes, r.Reason)
	require.Equal(t, 2, r.Counts.Sent)
	require.Equal(t, 1, r.Counts.Duplicate)
	require.Equal(t, 1, r.Outputs[0].Value)

	b.write("rows.csv", "id,text\n103,hello\n103,other\n")
	p := b.compile(src)
	_, err := p.Plan(t.Context(), b.options(p, nil))
	var conflict *engine.ConflictError
	require.ErrorAs(t, err, &conflict)
	require.Equal(t, "103", conflict.Key)
	require.Contains(t, err.Error(), "rows 1 and 2")
	require.Len(t, b.api.Accepted(), 2)
}

func TestAnEmptyCellWhereAFilterIsBuilt(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(3)})
	b.write("rows.csv", "phone\n79160000001\n\n\"\"\n")
	p := b.compile(`flow: empty
steps:
  - id: rows
    uses: read_csv
    with: { path: rows.csv, columns: { phone: string } }
  - id: each
    forEach: ${{ steps.rows.outputs.rows }}
    steps:
      - id: lookup
        uses: chat2desk_find_client
        with: { phone: "${{ item.phone }}" }
      - id: send
        if: steps.lookup.outputs.client != nil
        uses: chat2desk_send_message
        with: { contactId: "${{ steps.lookup.outputs.client.id }}", message: hi }
`)
	_, err := p.Plan(t.Context(), b.options(p, nil))
	require.Error(t, err)
	require.Contains(t, err.Error(), "step lookup (row 2)")
	require.Contains(t, err.Error(), "phone is nil")
	require.Empty(t, b.api.Accepted())
}

func TestOncePer(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(2)})
	src := `flow: often
connection: { timezone: Europe/Moscow }
oncePer: day
steps:
  - id: clients
    uses: chat2desk_list_clients
  - id: send
    forEach: ${{ steps.clients.outputs.clients }}
    uses: chat2desk_send_message
    with: { contactId: "${{ item.id }}", message: hi }
`
	require.Equal(t, 2, b.run(src, nil).Counts.Sent)
	require.Equal(t, 2, b.run(src, nil).Counts.AlreadySent)
	b.now = b.now.AddDate(0, 0, 1)
	require.Equal(t, 2, b.run(src, nil).Counts.Sent)
	require.Equal(t, 2, b.run(strings.Replace(src, "oncePer: day", "oncePer: run", 1), nil).Counts.Sent)
	require.Equal(t, 2, b.run(strings.Replace(src, "oncePer: day", "oncePer: run", 1), nil).Counts.Sent)
	require.Equal(t, 2, b.run(strings.Replace(src, "oncePer: day", "campaign: autumn", 1), nil).Counts.Sent)
	require.Equal(t, 2, b.run(strings.Replace(src, "oncePer: day", "campaign: autumn", 1), nil).Counts.AlreadySent)
}

func TestAssert(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(3)})
	p := b.compile(`flow: check
steps:
  - id: clients
    uses: chat2desk_list_clients
  - id: enough
    uses: assert
    with: { that: "steps.clients.outputs.total >= 100", message: "only ${{ steps.clients.outputs.total }} clients" }
  - id: send
    forEach: ${{ steps.clients.outputs.clients }}
    uses: chat2desk_send_message
    with: { contactId: "${{ item.id }}", message: hi }
`)
	_, err := p.Plan(t.Context(), b.options(p, nil))
	require.Equal(t, engine.CauseStep, engine.CauseOf(err))
	require.Contains(t, err.Error(), "only 3 clients")

	r := b.run(`flow: check2
steps:
  - id: clients
    uses: chat2desk_list_clients
  - id: each
    forEach: ${{ steps.clients.outputs.clients }}
    steps:
      - id: early
        uses: chat2desk_send_message
        with: { contactId: "${{ item.id }}", message: early }
      - id: ok
        uses: assert
        onError: continue
        with: { that: item.id != 102, message: "number ${{ item.id }} is not for us" }
      - id: send
        uses: chat2desk_send_message
        with: { contactId: "${{ item.id }}", message: hi }
outputs:
  items: ${{ steps.each.outputs.items }}
`, nil)
	require.Empty(t, r.Causes, r.Reason)
	require.Equal(t, 4, r.Counts.Sent)
	require.Equal(t, 2, r.Counts.LeftOut)
	require.NotContains(t, b.texts(), int64(102))
	item := r.Outputs[0].Value.([]any)[1].(map[string]any)
	require.Equal(t, "left_out", item["status"])
	require.Equal(t, "number 102 is not for us", item["reason"])
}

func TestNeeds(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(2)})
	r := b.run(`flow: needs
inputs: { go: { type: boolean, default: false } }
steps:
  - id: clients
    if: inputs.go
    uses: chat2desk_list_clients
  - id: send
    forEach: ${{ steps.clients.outputs.clients }}
    uses: chat2desk_send_message
    with: { contactId: "${{ item.id }}", message: hi }
  - id: maybe
    if: steps.clients.status == "skipped"
    uses: print
    with: { message: "clients was ${{ steps.clients.status }}" }
finally:
  - id: bye
    uses: print
    with: { message: "send was ${{ steps.send.status }}" }
outputs:
  total: ${{ steps.clients.outputs.total }}
`, nil)
	require.Empty(t, r.Causes, r.Reason)
	require.Equal(t, "clients was skipped\nsend was skipped\n", b.stdout.String())
	require.Nil(t, r.Outputs[0].Value)
	require.Empty(t, b.api.Accepted())
}

func TestLoopsThatSendNothing(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(3)})
	r := b.run(`flow: reading
steps:
  - id: clients
    uses: chat2desk_list_clients
  - id: lookups
    forEach: ${{ steps.clients.outputs.clients }}
    uses: chat2desk_find_client
    with: { phone: "${{ item.phone }}" }
  - id: ids
    forEach: ${{ steps.clients.outputs.clients }}
    concurrency: 3
    if: item.id != 102
    outputs: { id: "${{ item.id }}", n: "${{ steps.history.outputs.total }}" }
    steps:
      - id: history
        uses: chat2desk_list_messages
        with: { contactId: "${{ item.id }}" }
  - id: plain
    forEach: [1, 2]
    steps:
      - id: twice
        uses: set
        with: { n: "${{ item * 2 }}" }
  - id: skip
    if: steps.ids.outputs.count > 100
    steps:
      - id: never
        uses: set
        with: { x: 1 }
      - id: deeper
        steps:
          - id: nor_this
            uses: set
            with: { x: 1 }
outputs:
  found: ${{ map(steps.lookups.outputs.items, .client?.id) }}
  ids: ${{ steps.ids.outputs.items }}
  plain: ${{ steps.plain.outputs.items }}
  never: ${{ steps.never.outputs.x }}
  nor: ${{ steps.nor_this.status }}
`, nil)
	require.Empty(t, r.Causes, r.Reason)
	require.Equal(t, []any{101, 102, 103}, r.Outputs[0].Value)
	require.Equal(t, []any{
		map[string]any{"id": 101, "n": 0}, map[string]any{"id": 102, "n": nil}, map[string]any{"id": 103, "n": 0},
	}, r.Outputs[1].Value)
	require.Equal(t, []any{map[string]any{"index": 0, "status": "ok"}, map[string]any{"index": 1, "status": "ok"}}, r.Outputs[2].Value)
	require.Nil(t, r.Outputs[3].Value)
	require.Equal(t, "skipped", r.Outputs[4].Value)
}
